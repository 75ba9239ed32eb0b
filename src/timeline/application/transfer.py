"""Bringing events into the record in bulk, and writing them out.

Owns what an import takes, and how far it is. Must not know
files or terminals: lines come in, lines go out, and progress is told.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from timeline.application.bulk import Chunk, Lines, Refusal, Report
from timeline.application.errors import ApplicationError
from timeline.application.served import served_events
from timeline.domain.errors import DomainError, InvalidData
from timeline.eventstore.errors import AppendRefused, IdConflict
from timeline.eventstore.model import EVERYTHING, Draft, EventFilter
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.relay import Relay
from timeline.eventstore.sent import Exported, plain
from timeline.formats import ndjson as ndjson_format
from timeline.importers.ndjson import EventLine, Line, LineTooLong, draft, read_line
from timeline.transparency.errors import TransparencyError


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
        self._lines = Lines(relay, recorded_by, whole=True)
        self._on_progress = on_progress
        self._tally = Tally()

    def run(self, lines: Iterable[Line]) -> Tally:
        """Record all lines.

        Raises:
            LineRefused: naming the line; earlier chunks stay, none of its own is recorded.
            EventStoreError: the store refuses to work, or an outcome is not known.

        """
        chunk = Chunk()
        number = 0
        try:
            for number, raw in lines:
                one = plain(raw, Exported)
                if one is None:
                    event = read_line(raw)
                    if event.erased:
                        self._tell(self._lines.settle())
                        self._pass_over_erased(event)
                        chunk = self._with_room(chunk, None)
                        chunk.add_known(number, event.id)
                        continue
                    one = draft(event)
                chunk = self._with_room(chunk, one)
                chunk.add(number, one)
        except (InvalidData, IdConflict) as error:
            self._tell(self._lines.settle())
            raise self._refused(number, error) from error
        except LineTooLong as error:
            self._tell(self._lines.settle())
            raise self._refused(error.number, error) from error
        if chunk.lines:
            self._tell(self._lines.start(chunk))
        self._tell(self._lines.settle())
        return self._tally

    def _with_room(self, chunk: Chunk, one: Draft | None) -> Chunk:
        """Return a chunk that takes one more line: this one, or, once it is begun, another."""
        if chunk.takes(one):
            return chunk
        self._tell(self._lines.start(chunk))
        return Chunk()

    def _tell(self, reports: Iterable[Report]) -> None:
        """Count what is recorded; raise what is refused."""
        for report in reports:
            if isinstance(report, Refusal):
                if not isinstance(report.error, (AppendRefused, DomainError, TransparencyError)):
                    raise report.error
                raise self._refused(report.line, report.error) from report.error
            self._tally = Tally(
                recorded=self._tally.recorded + report.created,
                known=self._tally.known + report.events - report.created,
            )
            self._on_progress(self._tally)

    def _pass_over_erased(self, event: EventLine) -> None:
        """Refuse an event without its payload, unless it is the one recorded here."""
        recorded = self._store.get(event.id)
        if recorded is None or (recorded.policy, recorded.type) != (event.policy, event.type):
            reason = "The payload of this event was erased, so it cannot be recorded here"
            raise InvalidData(field="data", reason=reason)

    def _refused(self, line: int, error: Exception) -> LineRefused:
        field = getattr(error, "field", "")
        return LineRefused(line=line, field=field, reason=str(error), tally=self._tally)


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
