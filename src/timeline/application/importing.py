"""Bringing a source's policies into the record: read, compared with what is recorded, recorded.

Owns what is one append (policies, each whole), what a refusal leaves out, and what is tried again
because somebody else recorded at the same time; and that versions which the input has of a policy one
after the other, and which are recorded already, are not recorded once more. Must not know formats,
files or terminals.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import msgspec

from timeline.application.bulk import CHUNK_BYTES, MAX_ATTEMPTS, refused_index
from timeline.application.held_back import HeldBack
from timeline.application.import_report import ImportReport
from timeline.domain.errors import DomainError, PolicyMerged
from timeline.eventstore.errors import (
    AppendRefused,
    IdConflict,
    PartlyKnownBatch,
    WrongExpectedVersion,
)
from timeline.eventstore.model import MAX_APPEND_EVENTS, Append, Outcome, Recorded
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.relay import Relay
from timeline.importers.errors import InputRefused, Unrecordable
from timeline.importers.former import said_before
from timeline.importers.reconcile import Age, Change, Reconciled, reconcile
from timeline.importers.sketch import Importer, Note, Place, Refused, Sketch, event_id

BATCH_POLICIES: Final = 250
"""Policies whose streams are read at once; with BATCH_STATEMENTS some megabytes of events."""

BATCH_STATEMENTS: Final = MAX_APPEND_EVENTS
"""Statements compared at once: where all are new, they are one append."""

_REFUSALS: Final = (AppendRefused, DomainError)


class Ledger(Protocol):
    """Where policies are recorded, or would be."""

    def streams(self, policies: frozenset[str]) -> dict[str, list[Recorded]]:
        """Return the whole streams of policies."""
        ...

    def owner(self, event: str) -> str | None:
        """Return the policy that has an event, if there is one."""
        ...

    def head(self) -> int:
        """Return the position up to which is recorded."""
        ...

    def prepare(self, append: Append) -> Any:
        """Do what can be done before the last append is settled."""
        ...

    def start(self, prepared: Any) -> None:
        """Begin to record an append; raises what it is refused for."""
        ...

    def settle(self) -> Outcome:
        """Wait for what was started last; return its outcome, or raise what it is refused for."""
        ...


class Books:
    """The record itself, by a relay."""

    def __init__(self, store: EventStore, relay: Relay) -> None:
        self._store = store
        self.prepare: Callable[[Append], Any] = relay.prepare
        self.start: Callable[[Any], None] = relay.start
        self.settle: Callable[[], Outcome] = relay.settle

    def streams(self, policies: frozenset[str]) -> dict[str, list[Recorded]]:
        """Return the whole streams of policies."""
        return self._store.streams(policies)

    def owner(self, event: str) -> str | None:
        """Return the policy that has an event, if there is one."""
        found = self._store.get(event)
        return None if found is None else found.policy

    def head(self) -> int:
        """Return the position up to which is recorded."""
        return self._store.head().position


class _Compared(NamedTuple):
    """A policy, and what is new of it."""

    sketch: Sketch
    found: Reconciled


_Policies: TypeAlias = list[_Compared]


class Importing:
    """Imports one source."""

    def __init__(
        self,
        ledger: Ledger,
        recorded_by: str,
        *,
        keep_going: bool = False,
        on_progress: Callable[[ImportReport], None] = lambda _: None,
        report: ImportReport | None = None,
    ) -> None:
        """Prepare an import.

        Args:
            ledger: where it is recorded.
            recorded_by: the principal that every event will carry.
            keep_going: whether to pass over what is refused, and not to end there.
            on_progress: told after every batch.
            report: where it is counted; a new one by default.

        """
        self._ledger = ledger
        self._recorded_by = recorded_by
        self._keep_going = keep_going
        self._on_progress = on_progress
        self._report = report or ImportReport()
        self._under_way: _Policies = []
        self._system = ""
        self._head = 0
        self._held_back: HeldBack | None = HeldBack()

    def run(self, source: Importer) -> ImportReport:
        """Import all that a source says, a policy at a time whole or not at all.

        Returns:
            What was done; `stopped` where a refusal ended it, before which all is recorded.

        Raises:
            EventStoreError: the store refuses to work, or an outcome is not known.

        """
        self._system = source.system
        self._head = self._ledger.head()
        self._held_back = waiting = HeldBack()
        self._import_all(self._read(source))
        if not self._report.stopped:
            self._held_back = None
            self._import_all(waiting.release())
        self._on_progress(self._report)
        return self._report

    def _import_all(self, found: Iterable[Sketch | Refused]) -> None:
        for batch in _batches(found):
            self._import(batch)
            self._on_progress(self._report)
            if self._report.stopped:
                break
        self._settle()

    def _read(self, source: Importer) -> Iterator[Sketch | Refused]:
        try:
            for found in source.read():
                if isinstance(found, Note):
                    self._report.note(found)
                else:
                    yield found
        except InputRefused as error:
            yield Refused(place=error.place, field="", reason=error.reason)

    # ---- a batch

    def _import(self, batch: Sequence[Sketch | Refused]) -> None:
        policies = frozenset(each.policy for each in batch if isinstance(each, Sketch))
        if not policies.isdisjoint(each.sketch.policy for each in self._under_way):
            self._settle()
        streams = self._ledger.streams(policies) if policies else {}
        pending: _Policies = []
        for each in batch:
            refused: Refused | None = None
            if isinstance(each, Refused):
                refused = each
            else:
                try:
                    pending += self._compared(each, streams.get(each.policy, ()))
                except Unrecordable as error:
                    refused = Refused(place=error.place, field=error.field, reason=error.reason)
            if refused is not None and (not self._keep_going or self._report.is_listed):
                self._record(pending)
                self._settle()
                pending = []
            if refused is not None:
                self._refuse(refused)
            if self._report.stopped:
                return
        self._record(pending)

    def _compared(self, sketch: Sketch, stream: Sequence[Recorded]) -> Iterator[_Compared]:
        """Yield what is new of a policy, unless that waits for what else the source says of it.

        What it had said before this import, and says again, is an older version if a later one
        follows in the same input, and a change of mind if none does. A version whose own time is
        newer than what is recorded is none of these.
        """
        if self._held_back is not None:
            former = self._held_back.followed(sketch)
            if former is not None:
                self._report.passed_over(former)
        found = reconcile(self._system, sketch, stream)
        waits = (
            self._held_back is not None
            and found.changes
            and found.age is Age.UNTOLD
            and said_before(self._system, sketch, stream, self._head)
            and self._held_back.hold(sketch)
        )
        if not waits:
            yield _Compared(sketch, found)

    def _record(self, pending: _Policies) -> None:
        for chunk in _chunks(pending):
            drafts = [change.draft for each in chunk for change in each.found.changes]
            if len(drafts) > MAX_APPEND_EVENTS:
                self._settle()
                self._record_alone(chunk[0])
            elif drafts:
                append = Append(drafts=tuple(drafts), recorded_by=self._recorded_by, batched=True)
                prepared = self._ledger.prepare(append)
                self._settle()
                self._start(chunk, prepared)
            else:
                self._report.took_in([each.found for each in chunk])
            if self._report.stopped:
                return

    def _start(self, chunk: _Policies, prepared: Any) -> None:
        if self._report.stopped:
            return
        try:
            self._ledger.start(prepared)
        except _REFUSALS:
            self._record_each(chunk)
        else:
            self._under_way = chunk

    def _settle(self) -> None:
        """Wait for the policies that are being recorded, and count them."""
        chunk, self._under_way = self._under_way, []
        if not chunk:
            return
        try:
            outcome = self._ledger.settle()
        except _REFUSALS:
            self._record_each(chunk)
        else:
            self._report.took_in([each.found for each in chunk], created=outcome.created)

    def _refuse(self, refused: Refused) -> None:
        self._report.refuse(refused)
        self._report.stopped = not self._keep_going

    # ---- policies one by one, after one of several was refused

    def _record_each(self, chunk: _Policies) -> None:
        for each in chunk:
            self._record_alone(each)
            if self._report.stopped:
                return

    def _record_alone(self, compared: _Compared) -> None:
        """Record a policy by itself, compared anew where others recorded events of it meanwhile."""
        sketch = compared.sketch
        for attempt in range(MAX_ATTEMPTS):
            changes: Sequence[Change] = ()
            try:
                stream = self._ledger.streams(frozenset((sketch.policy,)))
                found = reconcile(self._system, sketch, stream.get(sketch.policy, ()))
                created = False
                for first in range(0, len(found.changes), MAX_APPEND_EVENTS):
                    changes = found.changes[first : first + MAX_APPEND_EVENTS]
                    created |= self._append(changes).created
            except Unrecordable as error:
                self._refuse(Refused(place=error.place, field=error.field, reason=error.reason))
                return
            except IdConflict as error:
                moved = self._moved(sketch)
                if moved is None:
                    self._refuse(_refused(error, changes, sketch.place))
                    return
                sketch = moved
            except (WrongExpectedVersion, PartlyKnownBatch) as error:
                if attempt == MAX_ATTEMPTS - 1:
                    self._refuse(_refused(error, changes, sketch.place))
                    return
            except _REFUSALS as error:
                self._pass_over(sketch, error, changes)
                return
            else:
                self._report.took_in([found], created=created)
                return

    def _pass_over(
        self, sketch: Sketch, error: AppendRefused | DomainError, changes: Sequence[Change]
    ) -> None:
        """Refuse a policy; one that somebody has merged is none of its own, whatever its source says."""
        if isinstance(error, PolicyMerged):
            survivor = error.facts["survivor"]
            about = f"what is new of {sketch.policy}, as it is merged into {survivor}"
            self._report.left_out(sketch, about)
        else:
            self._refuse(_refused(error, changes, sketch.place))

    def _append(self, changes: Sequence[Change]) -> Outcome:
        drafts = tuple(change.draft for change in changes)
        append = Append(drafts=drafts, recorded_by=self._recorded_by, batched=True)
        self._ledger.start(self._ledger.prepare(append))
        return self._ledger.settle()

    def _moved(self, sketch: Sketch) -> Sketch | None:
        """Return the sketch for the policy that it was recorded under, when the source named it so.

        A policy's id is permanent; sources number things anew.
        """
        owner = self._ledger.owner(event_id(self._system, sketch.about))
        if owner is None or owner == sketch.policy:
            return None
        return msgspec.structs.replace(sketch, policy=owner)


def _refused(
    error: AppendRefused | DomainError, changes: Sequence[Change], place: Place
) -> Refused:
    if changes:
        place = changes[refused_index(error)].place
    return Refused(place=place, field=error.field, reason=str(error))


def _batches(found: Iterable[Sketch | Refused]) -> Iterator[list[Sketch | Refused]]:
    """Yield what was found, so much of it at a time as is compared at once."""
    batch: list[Sketch | Refused] = []
    policies: set[str] = set()
    statements = 0
    for each in found:
        size = 1 + (len(each.statements) if isinstance(each, Sketch) else 0)
        again = isinstance(each, Sketch) and each.policy in policies
        full = len(batch) == BATCH_POLICIES or statements + size > BATCH_STATEMENTS
        if batch and (full or again):
            yield batch
            batch, policies, statements = [], set(), 0
        batch.append(each)
        statements += size
        if isinstance(each, Sketch):
            policies.add(each.policy)
    if batch:
        yield batch


def _chunks(pending: _Policies) -> Iterator[_Policies]:
    """Yield policies that are one append together; one with more events than that by itself."""
    chunk: _Policies = []
    events = size_bytes = 0
    for each in pending:
        own_bytes = sum(len(change.draft.data) for change in each.found.changes)
        full = (
            events + len(each.found.changes) > MAX_APPEND_EVENTS
            or size_bytes + own_bytes > CHUNK_BYTES
        )
        if chunk and full:
            yield chunk
            chunk, events, size_bytes = [], 0, 0
        chunk.append(each)
        events += len(each.found.changes)
        size_bytes += own_bytes
    if chunk:
        yield chunk
