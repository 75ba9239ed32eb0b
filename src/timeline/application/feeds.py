"""Feeds: what the record took in, event by event, the newest first.

Owns which events a feed of actions, of policies or of one policy has, and what is told of each. Must
not know feed formats, nor HTTP.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec

from timeline.application.cursors import POSITION_KEY
from timeline.application.listings import (
    policy_filter,
    require_actions,
    require_jurisdiction,
    timeline_filter,
)
from timeline.application.moments import Answer, Clocked, Moment, collection
from timeline.application.one_policy import require_known
from timeline.application.paging import read_page
from timeline.application.queries import HistoryQuery, PoliciesQuery, TimelineQuery
from timeline.application.served import ServedEvent, with_erasures
from timeline.eventstore.model import MAX_PAGE, Recorded
from timeline.projections import policy_history, policy_listing, policy_reads, timeline_reads
from timeline.projections.reading import View

ABOUT: Final = "feed"
"""What tells a feed's cursors from those of the listing that it belongs to."""

_NEAR: Final = 16
"""Positions this near to each other are read together: that many events cost less than a query."""

Find = Callable[[int | None, int], Sequence[int]]


class Feeds(Clocked):
    """Answers what is new."""

    def timeline_feed(self, query: TimelineQuery) -> Answer:
        """Return the events that changed what is told of the actions asked about."""
        require_actions(query)
        with self.snapshot() as live:
            moment, before, cursor = self._page(live, query, POSITION_KEY, today=False, about=ABOUT)
            filter = timeline_filter(live, query, moment)

            def find(before: int | None, limit: int) -> Sequence[int]:
                return timeline_reads.select_changes(
                    live, filter, position=moment.position, before=before, limit=limit
                )

            return self._feed(live, find, moment, before, query.limit, cursor)

    def policies_feed(self, query: PoliciesQuery) -> Answer:
        """Return the events that changed the picture of the policies asked about."""
        require_jurisdiction(query)
        with self.snapshot() as live:
            moment, before, cursor = self._page(live, query, POSITION_KEY, today=True, about=ABOUT)
            policies, _ = policy_listing.matching(
                live, policy_filter(query), day=moment.day or 0, position=moment.position
            )

            def find(before: int | None, limit: int) -> Sequence[int]:
                return policy_history.recent_steps(
                    live, policies, position=moment.position, before=before, limit=limit
                )

            return self._feed(live, find, moment, before, query.limit, cursor)

    def history_feed(self, policy: str, query: HistoryQuery) -> Answer:
        """Return the events that changed one policy's picture."""
        with self.snapshot() as live:
            about = f"{ABOUT} {policy}"
            moment, before, cursor = self._page(live, query, POSITION_KEY, today=True, about=about)
            require_known(live, policy, moment.position, "policy")

            def find(before: int | None, limit: int) -> Sequence[int]:
                return policy_history.recent_steps(
                    live, [policy], position=moment.position, before=before, limit=limit
                )

            return self._feed(live, find, moment, before, query.limit, cursor)

    def _feed(
        self,
        live: View,
        find: Find,
        moment: Moment,
        before: int | None,
        limit: int,
        cursor: Callable[[object], str],
    ) -> Answer:
        def read(before: int | None, limit: int) -> list[tuple[int, dict[str, Any]]]:
            return self._entries(live, find(before, limit), moment)

        page = read_page(read, before, limit)
        return collection(page.items, page.next(cursor), moment)

    def _entries(
        self, live: View, positions: Sequence[int], moment: Moment
    ) -> list[tuple[int, dict[str, Any]]]:
        """Return what is told of the events at some positions, the newest first."""
        recorded = {event.position: event for event in self._recorded(positions)}
        events = self._served([recorded[position] for position in positions])
        named = {id for event in events if (id := _subject(event)) is not None}
        found = filter(None, map(self._store.get, sorted(named)))
        originals = {event["id"]: event for event in self._served(list(found))}
        policies = sorted({event["policy"] for event in events})
        about = policy_reads.headings(live, policies, moment.position)
        unknown = dict.fromkeys(("title", "instrument", "jurisdiction"))
        return [
            (
                event["position"],
                {
                    "event": event,
                    **about.get(event["policy"], unknown),
                    "original": originals.get(_subject(event) or ""),
                },
            )
            for event in events
        ]

    def _recorded(self, positions: Sequence[int]) -> Iterator[Recorded]:
        """Yield the events at some positions, which come in descending order, and some between."""
        for run in _runs(positions):
            first, last = run[-1], run[0]
            yield from self._store.read(first - 1, until=last, limit=last - first + 1)

    def _served(self, events: list[Recorded]) -> list[dict[str, Any]]:
        """Return events as documents."""
        served = with_erasures(self._store, [ServedEvent.of(event) for event in events])
        return [msgspec.json.decode(msgspec.json.encode(event)) for event in served]


def _runs(positions: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield positions in runs that are worth reading at once, none longer than a page."""
    begin = 0
    for number, (one, other) in enumerate(pairwise(positions), start=1):
        if one - other > _NEAR or positions[begin] - other >= MAX_PAGE:
            yield positions[begin:number]
            begin = number
    if positions:
        yield positions[begin:]


def _subject(event: dict[str, Any]) -> str | None:
    """Return which other event an event is about."""
    data = event["data"]
    named = data.get("event") if isinstance(data, dict) else None
    return named if isinstance(named, str) else None
