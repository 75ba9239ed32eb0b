"""Recording many lines: chunk by chunk, up to the first line that is refused.

Owns what is one append, what a line means that is recorded already, which line a refusal is about,
and what becomes of those before it. Must not know how lines arrive, nor how the report is shown.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from timeline.application.access import Principal
from timeline.application.errors import ApplicationError
from timeline.application.record import Recorder
from timeline.domain.errors import DomainError
from timeline.eventstore.errors import EventStoreError, IdConflict, PartlyKnownBatch
from timeline.eventstore.model import MAX_APPEND_EVENTS, Append, Draft, Outcome
from timeline.transparency.errors import TransparencyError

CHUNK_EVENTS: Final = 500
"""Lines of a request that are recorded together: enough to share a commit's cost, and soon done, as
others record meanwhile."""

CHUNK_BYTES: Final = 4 * 1024 * 1024
"""Bytes of lines recorded together: the head is not held for longer than that takes to write."""

MAX_ATTEMPTS: Final = 5
"""Tries to record a chunk of which others, at the same time, record events too."""

_INDEX: Final = re.compile(r"events\[([0-9]+)\]\.?")


class Line(NamedTuple):
    """One line of input: its number, from 1, and its bytes."""

    number: int
    text: bytes


class Recorded(NamedTuple):
    """Lines that are recorded, together: from `first` to `last`; `created` of them just now."""

    events: int
    created: int
    first: int
    last: int
    position: int


class Refusal(NamedTuple):
    """The line that is refused, and why. Later ones are not recorded."""

    line: int
    error: Exception


Report: TypeAlias = Recorded | Refusal


class Chunk:
    """Lines that are recorded together; of those with one id, which have to be equal, the first."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.drafts: dict[str, Draft] = {}
        self.size_bytes = 0
        self._sent: dict[str, Draft] = {}
        self._policies: set[str] = set()

    @property
    def first(self) -> int:
        """The number of its first line."""
        return self.lines[0][0]

    def takes(self, one: Draft | None) -> bool:
        """Tell whether one more line fits: an event, or one that is known.

        An expected version is checked where an append begins, so it opens a chunk of its own if the
        policy has an event in this one.
        """
        if one is None or len(self.lines) >= MAX_APPEND_EVENTS:
            return len(self.lines) < MAX_APPEND_EVENTS
        return self.size_bytes + len(one.data) <= CHUNK_BYTES and (
            one.expected_version is None or one.proposal.policy not in self._policies
        )

    def add(self, number: int, one: Draft) -> None:
        """Take in an event; raises IdConflict where another one has its id."""
        former = self._sent.setdefault(one.id, one)
        if not _same(former, one):
            raise IdConflict(id=one.id)
        self.lines.append((number, one.id))
        if former is one:
            self.drafts[one.id] = one
            self._policies.add(one.proposal.policy)
            self.size_bytes += len(one.data)

    def add_known(self, number: int, id: str) -> None:
        """Take in a line whose event is known to be recorded."""
        self.lines.append((number, id))

    def pass_over(self, ids: Iterable[str]) -> None:
        """Leave out events that are recorded already."""
        for id in ids:
            del self.drafts[id]

    def line_of(self, id: str) -> int:
        """Return the number of the first line that has an id."""
        return next(number for number, each in self.lines if each == id)

    def before(self, id: str) -> "Chunk":
        """Return the lines before the first that has an id, those that were passed over too."""
        found = Chunk()
        for number, each in self.lines:
            if each == id:
                break
            if each in self._sent:
                found.add(number, self._sent[each])
            else:
                found.add_known(number, each)
        return found

    def after(self, number: int, lines: int) -> "list[Chunk]":
        """Return the lines after one, in chunks of at most so many."""
        found: list[Chunk] = []
        for each, id in self.lines:
            if each <= number:
                continue
            if not found or len(found[-1].lines) == lines:
                found.append(Chunk())
            one = self._sent.get(id)
            if one is None:
                found[-1].add_known(each, id)
            else:
                found[-1].add(each, one)
        return found

    def numbered(self) -> Iterator[tuple[int, Draft]]:
        """Yield the events that it would record, each with the number of its line."""
        drafts = dict(self.drafts)
        for number, id in self.lines:
            if (one := drafts.pop(id, None)) is not None:
                yield number, one

    def recorded(self, outcome: Outcome | None) -> Recorded:
        """Return what is told of it; without an outcome, all of it had been recorded before."""
        return Recorded(
            events=len(self.lines),
            created=len(self.drafts) if outcome is not None and outcome.created else 0,
            first=self.first,
            last=self.lines[-1][0],
            position=max((each.position for each in outcome.events), default=0) if outcome else 0,
        )


def _same(one: Draft, other: Draft) -> bool:
    return one is other or (one.proposal.policy, one.proposal.type, one.data) == (
        other.proposal.policy,
        other.proposal.type,
        other.data,
    )


class Appending(Protocol):
    """Records appends in order: `prepare` the next, `settle` the last, `start` the next."""

    def prepare(self, append: Append) -> Any:
        """Do what can be done before the last one is settled."""

    def start(self, prepared: Any) -> None:
        """Begin to record an append; raises what it is refused for."""

    def settle(self) -> Outcome:
        """Wait for what was started last; return its outcome, or raise what it is refused for."""


class Lines:
    """Records chunks in order; while one is being recorded, the next can be prepared.

    What is recorded already, with equal content, is passed over, so that the same lines can be sent
    again after they broke off, or after they grew.
    """

    def __init__(
        self,
        appending: Appending,
        recorded_by: str,
        *,
        whole: bool,
        on_created: Callable[[Chunk], None] = lambda _: None,
    ) -> None:
        """Begin.

        Args:
            appending: records events together or not at all.
            recorded_by: the principal that every event will carry.
            whole: whether a chunk with a refused line is left out as a whole; else the lines
                before that one are recorded, so that it does not matter where chunks end.
            on_created: told of each chunk that was recorded just now.

        """
        self._appending = appending
        self._recorded_by = recorded_by
        self._whole = whole
        self._on_created = on_created
        self._under_way: Chunk | None = None
        self._failed: Exception | None = None

    def start(self, chunk: Chunk) -> list[Report]:
        """Begin to record a chunk once the one before it is; return what is told of that one.

        Where that ends with a refusal, the chunk is not begun.
        """
        prepared = self._appending.prepare(self._append(chunk)) if chunk.drafts else None
        reports = self.settle()
        if not is_refused(reports):
            self._begin(chunk, prepared)
        return reports

    def settle(self) -> list[Report]:
        """Wait for the chunk that is being recorded, if one is; return what is told of it."""
        chunk, self._under_way = self._under_way, None
        if chunk is None:
            return []
        for _ in range(MAX_ATTEMPTS):
            if not chunk.drafts:
                return [chunk.recorded(None)]
            try:
                outcome = self._outcome()
            except PartlyKnownBatch as error:
                # Each was compared with what is recorded before this was raised.
                chunk.pass_over(error.ids)
                self._begin(chunk)
                self._under_way = None
            except (ApplicationError, DomainError, EventStoreError, TransparencyError) as error:
                return self._refused(chunk, error)
            else:
                if outcome.created:
                    self._on_created(chunk)
                return [chunk.recorded(outcome)]
        return self._refused(chunk, PartlyKnownBatch(ids=tuple(chunk.drafts)))

    def _begin(self, chunk: Chunk, prepared: Any = None) -> None:
        """Start a chunk; what speaks against it is told when it is settled."""
        self._under_way, self._failed = chunk, None
        if not chunk.drafts:
            return
        try:
            self._appending.start(prepared or self._appending.prepare(self._append(chunk)))
        except (ApplicationError, DomainError, EventStoreError, TransparencyError) as error:
            self._failed = error

    def _outcome(self) -> Outcome:
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
        return self._appending.settle()

    def _refused(self, chunk: Chunk, error: Exception) -> list[Report]:
        id = tuple(chunk.drafts)[refused_index(error)]
        refusal = Refusal(chunk.line_of(id), error)
        if self._whole or refusal.line == chunk.first:
            return [refusal]
        self._begin(chunk.before(id))
        reports = self.settle()
        return reports if is_refused(reports) else [*reports, refusal]

    def _append(self, chunk: Chunk) -> Append:
        drafts = tuple(chunk.drafts.values())
        return Append(drafts=drafts, recorded_by=self._recorded_by, batched=True)


def is_refused(reports: Sequence[Report]) -> bool:
    """Tell whether reports end with a refusal."""
    return bool(reports) and isinstance(reports[-1], Refusal)


def refused_index(error: Exception) -> int:
    """Return which event of the append an error is about, and let its field be the line's own.

    Where it does not say, the first one names the chunk.
    """
    field = getattr(error, "field", "")
    found = _INDEX.match(field)
    if found is None:
        return 0
    error.field = field[found.end() :]  # type: ignore[attr-defined]
    return int(found.group(1))


def read_chunks(
    recorder: Recorder, lines: Iterable[Line], principal: Principal
) -> tuple[list[Chunk], Refusal | None]:
    """Read lines as events to record; the first that is none, or may not be recorded, ends them."""
    chunks = [Chunk()]
    for line in lines:
        try:
            one = recorder.read_line(line.text, principal)
            if not chunks[-1].takes(one):
                chunks.append(Chunk())
            chunks[-1].add(line.number, one)
        except (ApplicationError, DomainError, IdConflict) as error:
            return [chunk for chunk in chunks if chunk.lines], Refusal(line.number, error)
    return [chunk for chunk in chunks if chunk.lines], None
