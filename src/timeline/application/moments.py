"""Both clocks: which day and which position a question is about, also over its pages.

Owns their resolution, the cursors that carry them on, and what every answer repeats of them. Must
not know what is asked about, nor HTTP.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Engine

from timeline.application.cursors import query_digest, read_cursor, write_cursor
from timeline.application.errors import CursorMismatch, InvalidRequest, NotYetReflected
from timeline.application.queries import BothClocks
from timeline.eventstore.instants import Clock, instant
from timeline.eventstore.protocol import EventStore
from timeline.projections.reading import View, view


class Answer(msgspec.Struct, frozen=True):
    """What is served: a JSON document, and the position that it reflects."""

    document: dict[str, Any]
    position: int


class Moment(msgspec.Struct, frozen=True):
    """Both clocks, resolved: the day (None: none asked), the position and its instant."""

    day: int | None
    position: int
    known_at: str | None

    @property
    def as_of(self) -> str | None:
        """The day as ISO text."""
        return None if self.day is None else date.fromordinal(self.day).isoformat()

    def stamp(self) -> dict[str, Any]:
        """Return what every answer repeats."""
        return {"position": self.position, "as_of": self.as_of, "known_at": self.known_at}


class Clocked:
    """What answers on both clocks: the read models, the log, and the time."""

    def __init__(self, engine: Engine, store: EventStore, clock: Clock) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock

    def _moment(self, live: View, query: BothClocks, *, today: bool) -> Moment:
        """Resolve both clocks; raises InvalidRequest that names the parameter."""
        day = query.as_of.toordinal() if query.as_of is not None else None
        if day is None and today:
            day = self.today()
        return self._known(live, query, day)

    def today(self) -> int:
        """Return the date in UTC, as an ordinal."""
        return self._clock().date().toordinal()

    def newest(self, live: View) -> tuple[int, str | None]:
        """Return the newest position that is reflected, and its instant."""
        return live.position, self._recorded_at(live.position)

    def snapshot(self) -> AbstractContextManager[View]:
        """Open the live read models in one snapshot."""
        return view(self._engine)

    def _known(self, live: View, query: BothClocks, day: int | None) -> Moment:
        if query.known_at is not None and query.known_position is not None:
            raise InvalidRequest(
                field="known_at", reason="Give `known_at` or `known_position`, not both"
            )
        if query.known_position is not None:
            return Moment(day, *self.position_known(live, query.known_position, "known_position"))
        if query.known_at is not None:
            return Moment(day, *self.instant_known(live, query.known_at, "known_at"))
        return Moment(day, *self.newest(live))

    def position_known(self, live: View, position: int, field: str) -> tuple[int, str | None]:
        """Return a position and its instant; raises InvalidRequest where it lies ahead."""
        if position > live.position:
            head = self._store.head().position
            if position > head:
                reason = f"The record ends at position {head}"
                raise InvalidRequest(field=field, reason=reason)
            raise NotYetReflected(position=live.position, wanted=position, field="")
        return position, self._recorded_at(position)

    def instant_known(self, live: View, moment: datetime, field: str) -> tuple[int, str]:
        """Return an instant's position, and it; raises InvalidRequest out of the record's time."""
        known_at = _known_at(moment, field)
        newest = self._recorded_at(live.position)
        if known_at > max(newest or "", instant(self._clock())):
            raise InvalidRequest(field=field, reason="The moment lies in the future")
        position = self._store.position_at(known_at)
        if position > live.position:
            raise NotYetReflected(position=live.position, wanted=position, field="")
        if position == 0:
            reason = "The moment lies before the first event of the record"
            raise InvalidRequest(field=field, reason=reason)
        return position, known_at

    def _recorded_at(self, position: int) -> str | None:
        if position == 0:
            return None
        events = self._store.read(position - 1, until=position, limit=1)
        return events[0].recorded_at if events else None

    def _page(
        self, live: View, query: BothClocks, kind: Any, *, today: bool, about: str = ""
    ) -> tuple[Moment, Any, Callable[[object], str]]:
        """Return the moment a page belongs to, the key to go on after, and how to write the next.

        The first page fixes both clocks; its cursors carry them on.
        """
        digest = query_digest(query, about=about)
        cursor = getattr(query, "cursor", None)
        key = None
        if cursor is None:
            moment = self._moment(live, query, today=today)
        else:
            moment, key = self.resumed(live, cursor, digest, kind)
        return (
            moment,
            key,
            lambda last: write_cursor(
                digest, moment.position, moment.day, last, known_at=moment.known_at
            ),
        )

    def resumed(self, live: View, cursor: str, digest: str, kind: Any) -> tuple[Moment, Any]:
        """Return the moment that a cursor pins, and the key to go on after."""
        place, key = read_cursor(cursor, digest, kind)
        if place.position > self._store.head().position:
            raise CursorMismatch
        if place.position > live.position:
            raise NotYetReflected(position=live.position, wanted=place.position, field="")
        return Moment(place.day, place.position, place.known_at), key


def collection(items: list[Any], more: str | None, moment: Moment) -> Answer:
    """Return a page of items as it is served."""
    return Answer({"items": items, "next": more, **moment.stamp()}, moment.position)


def _known_at(moment: datetime, field: str) -> str:
    """Return a moment as the log writes it; raises InvalidRequest that names it."""
    try:
        return instant(moment)
    except OverflowError as error:
        reason = "In UTC, the moment lies before the year 1 or after the year 9999"
        raise InvalidRequest(field=field, reason=reason) from error
