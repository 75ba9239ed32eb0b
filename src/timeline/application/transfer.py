"""Bringing events into the record in bulk, and writing them out.

Owns what an import takes, and how far it is. Must not know
files or terminals: lines come in, lines go out, and progress is told.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from timeline.application.bulk import Appending, Chunk, Lines, Refusal, Report
from timeline.application.errors import ApplicationError
from timeline.application.served import served_events
from timeline.domain.errors import DomainError, InvalidData
from timeline.eventstore.errors import AppendRefused, IdConflict
from timeline.eventstore.model import EVERYTHING, MAX_APPEND_EVENTS, Draft, EventFilter
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.sent import Exported, plain
from timeline.formats import ndjson as ndjson_format
from timeline.importers.errors import InputRefused
from timeline.importers.ndjson import EventLine, draft, read_line
from timeline.importers.reading import Piece
from timeline.transparency.errors import TransparencyError


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What an import has done so far: events recorded, those that had been before, lines refused."""

    recorded: int = 0
    known: int = 0
    refused: int = 0

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


PIECE_LINES: Final = 25
"""Lines recorded together after a refused one, until its chunk is over: where many are refused,
none costs more than so many others."""


class Importer:
    """Records lines, chunk by chunk; while one is being recorded, the next is read and planned.

    What is recorded already, with equal content, is passed over, so that an import can be run again
    after it broke off, or after its input grew.
    """

    def __init__(
        self,
        store: EventStore,
        appending: Appending,
        recorded_by: str,
        on_progress: Callable[[Tally], None] = lambda _: None,
        on_refused: "Callable[[LineRefused], None] | None" = None,
        on_recorded: Callable[[int, Draft], None] | None = None,
    ) -> None:
        """Prepare an import.

        Args:
            store: where erased events are looked up.
            appending: records events together or not at all.
            recorded_by: the principal that every event will carry.
            on_progress: told after every chunk.
            on_refused: told of each line that is refused, which is passed over then; without it, the
                first ends the import, and nothing of its chunk is recorded.
            on_recorded: told of each event that is recorded, with its line; in the order of the
                lines, as `on_refused` is.

        """
        self._store = store
        self._lines = Lines(
            appending, recorded_by, whole=on_refused is None, on_created=self._tell_created
        )
        self._on_progress = on_progress
        self._on_refused = on_refused
        self._on_recorded = on_recorded
        self._under_way = Chunk()
        # Lines that are no events, until those before them are recorded or refused.
        self._unreadable: deque[tuple[int, Exception]] = deque()
        self._tally = Tally()

    def run(self, lines: Iterable[Piece]) -> Tally:
        """Record all lines.

        Raises:
            LineRefused: naming the line; earlier chunks stay, none of its own is recorded.
            EventStoreError: the store refuses to work, or an outcome is not known.

        """
        chunk = Chunk()
        for number, raw in self._readable(lines):
            try:
                one = plain(raw, Exported)
                if one is None:
                    event = read_line(raw)
                    if event.erased:
                        self._settle()
                        self._pass_over_erased(event)
                        chunk = self._with_room(chunk, None)
                        chunk.add_known(number, event.id)
                        continue
                    one = draft(event)
                chunk = self._with_room(chunk, one)
                chunk.add(number, one)
            except (InvalidData, IdConflict) as error:
                if self._set_aside(number, error):
                    self._end(chunk)
                    chunk = Chunk()
        self._end(chunk)
        return self._tally

    def _readable(self, lines: Iterable[Piece]) -> Iterator[Piece]:
        try:
            yield from lines
        except InputRefused as error:
            self._set_aside(error.line, error)

    def _set_aside(self, number: int, error: Exception) -> bool:
        """Keep what is wrong with a line for its turn; return whether it is time for all that is kept.

        Where it ends the import, what is not begun yet is left out.
        """
        if self._on_refused is None:
            self._settle()
            self._refuse(number, error)
        self._unreadable.append((number, error))
        return len(self._unreadable) == MAX_APPEND_EVENTS

    def _end(self, chunk: Chunk) -> None:
        """Record what was begun, and tell what was kept."""
        if chunk.lines:
            self._start(chunk)
        self._settle()
        self._tell_unreadable()

    def _tell_unreadable(self, before: int | None = None) -> None:
        """Refuse the lines that are no events, as far as they stand before one."""
        while self._unreadable and (before is None or self._unreadable[0][0] < before):
            self._refuse(*self._unreadable.popleft())

    def _with_room(self, chunk: Chunk, one: Draft | None) -> Chunk:
        """Return a chunk that takes one more line: this one, or, once it is begun, another."""
        if chunk.takes(one):
            return chunk
        self._start(chunk)
        return Chunk()

    def _start(self, chunk: Chunk) -> None:
        """Begin a chunk, after the one before it as far as that is not refused."""
        while not self._told(self._lines.start(chunk)):
            pass
        self._under_way = chunk

    def _settle(self) -> None:
        while not self._told(self._lines.settle()):
            pass

    def _told(self, reports: Iterable[Report]) -> bool:
        """Count what is recorded; where a line is refused, record what stood after it."""
        for report in reports:
            if isinstance(report, Refusal):
                if not isinstance(report.error, (AppendRefused, DomainError, TransparencyError)):
                    raise report.error
                rest = self._under_way.after(report.line, PIECE_LINES)
                self._under_way = Chunk()
                self._tell_unreadable(report.line)
                self._refuse(report.line, report.error)
                for piece in rest:
                    self._start(piece)
                return False
            self._tally = msgspec.structs.replace(
                self._tally,
                recorded=self._tally.recorded + report.created,
                known=self._tally.known + report.events - report.created,
            )
            self._tell_unreadable(report.last)
            self._on_progress(self._tally)
        return True

    def _tell_created(self, chunk: Chunk) -> None:
        if self._on_recorded is None:
            return
        for number, one in chunk.numbered():
            self._tell_unreadable(number)
            self._on_recorded(number, one)

    def _pass_over_erased(self, event: EventLine) -> None:
        """Refuse an event without its payload, unless it is the one recorded here."""
        recorded = self._store.get(event.id)
        if recorded is None or (recorded.policy, recorded.type) != (event.policy, event.type):
            reason = "The payload of this event was erased, so it cannot be recorded here"
            raise InvalidData(field="data", reason=reason)

    def _refuse(self, line: int, error: Exception) -> None:
        """Tell of a line that is refused; raise LineRefused where that ends the import."""
        refused = LineRefused(
            line=line,
            field=getattr(error, "field", ""),
            reason=error.reason if isinstance(error, InputRefused) else str(error),
            tally=self._tally,
        )
        if self._on_refused is None:
            raise refused from error
        self._tally = msgspec.structs.replace(self._tally, refused=self._tally.refused + 1)
        self._on_refused(refused)


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
            yield ndjson_format.lines(served_events(store, stretch.events))
        on_progress(after, until)
