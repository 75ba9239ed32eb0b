"""Bringing events into the record in bulk, and writing them out.

Owns the chunks, what a repeated import means, and which line a refusal is about. Must not know
files or terminals: lines come in, lines go out, and progress is told.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from timeline.application.errors import ApplicationError
from timeline.application.served import served_events
from timeline.domain.errors import DomainError, InvalidData
from timeline.eventstore.errors import AppendRefused, IdConflict, PartlyKnownBatch
from timeline.eventstore.model import (
    EVERYTHING,
    MAX_APPEND_EVENTS,
    Append,
    Draft,
    EventFilter,
)
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.relay import Prepared, Relay
from timeline.eventstore.sent import Exported, plain
from timeline.formats import ndjson as ndjson_format
from timeline.importers.ndjson import EventLine, Line, LineTooLong, draft, read_line
from timeline.transparency.errors import TransparencyError

MAX_CHUNK_EVENTS: Final = MAX_APPEND_EVENTS
"""Events recorded at once: as many as any append may have, since a commit costs much the same for
few; SQLite writes each page of an index once for all of them."""

MAX_CHUNK_BYTES: Final = 4 * 1024 * 1024
"""Data recorded at once: 1,000 events have a megabyte, as a rule."""

MAX_ATTEMPTS: Final = 5
"""Tries to record a chunk of which others, at the same time, record events too."""

_INDEX: Final = re.compile(r"^events\[([0-9]+)\]\.?")


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What an import has done so far: events recorded, and those that had been before."""

    recorded: int = 0
    known: int = 0

    @property
    def events(self) -> int:
        """The events read."""
        return self.recorded + self.known


class LineRefused(ApplicationError):
    """{reason}"""  # noqa: D400 - the docstring is the message's template

    def __init__(self, *, line: int, field: str, reason: str, tally: Tally) -> None:
        self.line = line
        self.reason = reason
        self.tally = tally
        super().__init__(field=field, reason=reason)


class _Chunk:
    """Lines that are recorded together or not at all."""

    def __init__(self) -> None:
        self.drafts: dict[str, Draft] = {}
        self.numbers: dict[str, int] = {}
        self.policies: set[str] = set()
        self.size_bytes = 0
        self.known = 0

    def takes(self, one: Draft) -> bool:
        """Tell whether an event still fits.

        An expected version is checked where an append begins, so it opens a chunk of its own if the
        policy has an event in this one.
        """
        return (
            len(self.drafts) < MAX_CHUNK_EVENTS
            and self.size_bytes + len(one.data) <= MAX_CHUNK_BYTES
            and (one.expected_version is None or one.proposal.policy not in self.policies)
        )

    def add(self, number: int, one: Draft) -> None:
        """Take in an event; raises IdConflict where another one has its id."""
        former = self.drafts.get(one.id)
        if former is not None:
            if not _same(former, one):
                raise IdConflict(id=one.id)
            self.known += 1
            return
        self.drafts[one.id] = one
        self.numbers[one.id] = number
        self.policies.add(one.proposal.policy)
        self.size_bytes += len(one.data)

    def pass_over(self, ids: Iterable[str]) -> None:
        """Leave out events that are recorded already."""
        for id in ids:
            del self.drafts[id]
            self.known += 1


class Importer:
    """Records lines, chunk by chunk; while one is being recorded, the next is read and planned.

    What is recorded already, with equal content, is passed over, so that an import can be run again
    after it broke off, or after its input grew.
    """

    def __init__(
        self,
        store: EventStore,
        relay: Relay,
        recorded_by: str,
        on_progress: Callable[[Tally], None] = lambda _: None,
    ) -> None:
        """Prepare an import.

        Args:
            store: where erased events are looked up.
            relay: records events together or not at all.
            recorded_by: the principal that every event will carry.
            on_progress: told after every chunk.

        """
        self._store = store
        self._relay = relay
        self._recorded_by = recorded_by
        self._on_progress = on_progress
        self._tally = Tally()
        self._under_way: _Chunk | None = None

    def run(self, lines: Iterable[Line]) -> Tally:
        """Record all lines.

        Raises:
            LineRefused: naming the line; earlier chunks stay, none of its own is recorded.
            EventStoreError: the store refuses to work, or an outcome is not known.

        """
        chunk = _Chunk()
        number = 0
        try:
            for number, raw in lines:
                one = plain(raw, Exported)
                if one is None:
                    event = read_line(raw)
                    if event.erased:
                        self._settle()
                        self._pass_over_erased(event)
                        chunk.known += 1
                        continue
                    one = draft(event)
                if not chunk.takes(one):
                    self._start(chunk)
                    chunk = _Chunk()
                chunk.add(number, one)
        except (InvalidData, IdConflict) as error:
            self._settle()
            raise self._refused(number, error.field, error) from error
        except LineTooLong as error:
            self._settle()
            raise self._refused(error.number, "", error) from error
        self._start(chunk)
        self._settle()
        return self._tally

    def _start(self, chunk: _Chunk) -> None:
        """Begin to record a chunk, once the one before it is recorded."""
        prepared = self._relay.prepare(self._append(chunk)) if chunk.drafts else None
        self._settle()
        self._under_way = chunk
        self._begin(chunk, prepared)

    def _begin(self, chunk: _Chunk, prepared: Prepared | None = None) -> None:
        for _ in range(MAX_ATTEMPTS):
            if not chunk.drafts:
                return
            try:
                self._relay.start(prepared or self._relay.prepare(self._append(chunk)))
            except PartlyKnownBatch as error:
                # Each was compared with what is recorded before this was raised.
                chunk.pass_over(error.ids)
                prepared = None
            except (AppendRefused, DomainError, TransparencyError) as error:
                raise self._refused_by_store(chunk, error) from error
            else:
                return
        raise PartlyKnownBatch(ids=tuple(chunk.drafts))

    def _settle(self) -> None:
        """Wait for the chunk that is being recorded, if one is; what is wrong with it comes first."""
        chunk, self._under_way = self._under_way, None
        if chunk is None:
            return
        recorded = self._finished(chunk)
        known = chunk.known + len(chunk.drafts) - recorded
        self._tally = Tally(
            recorded=self._tally.recorded + recorded, known=self._tally.known + known
        )
        self._on_progress(self._tally)

    def _finished(self, chunk: _Chunk) -> int:
        """Wait for a chunk; return how many events were recorded just now."""
        for _ in range(MAX_ATTEMPTS):
            if not chunk.drafts:
                return 0
            try:
                return len(chunk.drafts) if self._relay.settle().created else 0
            except PartlyKnownBatch as error:
                chunk.pass_over(error.ids)
                self._begin(chunk)
            except (AppendRefused, DomainError, TransparencyError) as error:
                raise self._refused_by_store(chunk, error) from error
        raise PartlyKnownBatch(ids=tuple(chunk.drafts))

    def _append(self, chunk: _Chunk) -> Append:
        drafts = tuple(chunk.drafts.values())
        return Append(drafts=drafts, recorded_by=self._recorded_by, batched=True)

    def _pass_over_erased(self, event: EventLine) -> None:
        """Refuse an event without its payload, unless it is the one recorded here."""
        recorded = self._store.get(event.id)
        if recorded is None or (recorded.policy, recorded.type) != (event.policy, event.type):
            reason = "The payload of this event was erased, so it cannot be recorded here"
            raise InvalidData(field="data", reason=reason)

    def _refused_by_store(self, chunk: _Chunk, error: Exception) -> Exception:
        field = getattr(error, "field", "")
        found = _INDEX.match(field)
        # Where nothing says which of its lines it is about, the first one names the chunk.
        index = 0 if found is None else int(found.group(1))
        number = chunk.numbers[tuple(chunk.drafts)[index]]
        return self._refused(number, field if found is None else field[found.end() :], error)

    def _refused(self, line: int, field: str, error: Exception) -> LineRefused:
        return LineRefused(line=line, field=field, reason=str(error), tally=self._tally)


def _same(one: Draft, other: Draft) -> bool:
    return (one.proposal.policy, one.proposal.type, one.data) == (
        other.proposal.policy,
        other.proposal.type,
        other.data,
    )


def exported(
    store: EventStore,
    *,
    after: int,
    until: int,
    filter: EventFilter = EVERYTHING,
    on_progress: Callable[[int, int], None] = lambda _, __: None,
) -> Iterator[bytes]:
    """Yield events as NDJSON, as they are served, a stretch of the log at a time.

    Args:
        store: the log.
        after: the position after which to begin.
        until: the last position.
        filter: which events.
        on_progress: told the position reached and the last one, after every stretch.

    """
    while after < until:
        stretch = store.stretch(after, until=until, filter=filter)
        after = stretch.until
        if stretch.events:
            yield ndjson_format.lines(served_events(stretch.events))
        on_progress(after, until)
