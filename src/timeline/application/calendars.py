"""Dated answers for calendars and timelines of others: actions with how they changed, and periods.

Owns what is told of actions there besides what `/v1/timeline` says. Must not know formats, nor HTTP.
"""

from collections.abc import Sequence
from typing import Any, Final

from timeline.application.cursors import POLICY_KEY, TIMELINE_KEY
from timeline.application.listings import (
    policy_filter,
    require_actions,
    require_jurisdiction,
    timeline_items,
)
from timeline.application.moments import Answer, Clocked, Moment, collection
from timeline.application.one_policy import MAX_ACTIONS, require_standing
from timeline.application.paging import read_page
from timeline.application.queries import PoliciesQuery, PolicyQuery, TimelineQuery
from timeline.application.served import tell_erasures
from timeline.projections import policy_reads, timeline_reads
from timeline.projections.policy_listing import select_ids
from timeline.projections.reading import View
from timeline.projections.timeline_reads import TimelineFilter

MAX_ERAS: Final = 12
"""Policies whose periods are told beside their actions: bands of more would cover each other."""


class Calendars(Clocked):
    """Answers when something happens, to whoever comes back for what has changed."""

    def timeline_calendar(self, query: TimelineQuery) -> Answer:
        """Return a page of actions, also of those that are not told any more, with their revisions."""
        require_actions(query)
        with self.snapshot() as live:
            moment, after, cursor = self._page(
                live, query, TIMELINE_KEY, today=False, about="calendar"
            )
            items = timeline_items(live, query, moment, with_gone=True)
            page = read_page(items, after, query.limit)
            self._revise(live, page.items, moment)
        return collection(page.items, page.next(cursor), moment)

    def policies_calendar(self, query: PoliciesQuery) -> Answer:
        """Return the same of the policies on a page, at any date, and the policies' periods."""
        require_jurisdiction(query)
        with self.snapshot() as live:
            moment, after, cursor = self._page(
                live, query, POLICY_KEY, today=True, about="calendar"
            )
            filter, day = policy_filter(query), moment.day or 0

            def read(after: str | None, limit: int) -> list[tuple[str, list[dict[str, Any]]]]:
                ids = select_ids(
                    live, filter, day=day, position=moment.position, after=after, limit=limit
                )
                return [(id, self._actions(live, id, moment)) for id in ids]

            page = read_page(read, after, query.limit)
            eras = _eras(live, [id for id, _ in page.found], moment)
        items = [item for items in page.items for item in items]
        found = collection(items, page.next(cursor), moment)
        return Answer({**found.document, "policies": eras}, found.position)

    def policy_calendar(self, policy: str, query: PolicyQuery) -> Answer:
        """Return the same of one policy."""
        with self.snapshot() as live:
            moment = self._moment(live, query, today=True)
            require_standing(live, policy, moment.position, "policy")
            items = self._actions(live, policy, moment)
        return collection(items, None, moment)

    def timeline_with_periods(self, query: TimelineQuery) -> Answer:
        """Return a page of the timeline, and the periods of its policies where they are few."""
        require_actions(query)
        with self.snapshot() as live:
            moment, after, cursor = self._page(live, query, TIMELINE_KEY, today=False)
            page = read_page(timeline_items(live, query, moment), after, query.limit)
            eras = _eras(live, sorted({item["policy"] for item in page.items}), moment)
        found = collection(page.items, page.next(cursor), moment)
        return Answer({**found.document, "policies": eras}, found.position)

    def _actions(self, live: View, policy: str, moment: Moment) -> list[dict[str, Any]]:
        """Return all actions of a policy, with their revisions."""
        found = timeline_reads.select_items(
            live,
            TimelineFilter(policies=(policy,)),
            position=moment.position,
            after=None,
            limit=MAX_ACTIONS,
            descending=False,
            with_gone=True,
        )
        items = [item for _, item in found]
        self._revise(live, items, moment)
        return items

    def _revise(self, live: View, items: Sequence[dict[str, Any]], moment: Moment) -> None:
        """Say in items how often they have changed, and when they last did."""
        tell_erasures(self._store, items)
        found = timeline_reads.revisions(live, items, moment.position)
        for item in items:
            times, last = found[item["policy"], item["event"]]
            item["revised"] = times + item["gone"]
            revised = item["recorded_at"] if last == item["position"] else self._recorded_at(last)
            item["revised_at"] = revised


def _eras(live: View, policies: Sequence[str], moment: Moment) -> list[dict[str, Any]]:
    """Return the title and the periods of policies; of none, where there are many."""
    if len(policies) > MAX_ERAS:
        return []
    about = policy_reads.headings(live, policies, moment.position)
    return [
        {
            "policy": policy,
            "title": about[policy]["title"],
            "periods": policy_reads.periods(live, policy, moment.position),
        }
        for policy in policies
        if policy in about
    ]
