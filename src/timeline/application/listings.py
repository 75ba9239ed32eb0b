"""Listings and surveys: many policies or actions at once, on both clocks.

Owns which questions go together, and the shape of pages. Must not know HTTP, nor how read models
are kept.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from timeline.application.cursors import (
    JURISDICTION_KEY,
    POLICY_KEY,
    REVIEW_KEY,
    TIMELINE_KEY,
)
from timeline.application.errors import InvalidRequest
from timeline.application.moments import Answer, Clocked, Moment, collection
from timeline.application.one_policy import require_standing
from timeline.application.paging import fitting, read_page
from timeline.application.queries import (
    ActionsAsked,
    ChangesQuery,
    GraphQuery,
    JurisdictionsQuery,
    PlacedPage,
    PoliciesAsked,
    ReviewQuery,
    TimelineQuery,
)
from timeline.application.served import tell_erasures
from timeline.domain.events import identifier_key
from timeline.domain.situation import fold_text
from timeline.projections import (
    graph_reads,
    jurisdiction_reads,
    policy_reads,
    review_reads,
    timeline_reads,
)
from timeline.projections.policy_listing import PolicyFilter
from timeline.projections.reading import View, view
from timeline.projections.relation_reads import neighbourhood
from timeline.projections.review_reads import ReviewFilter
from timeline.projections.timeline_reads import ItemKey, TimelineFilter


class Listings(Clocked):
    """Answers questions about many policies."""

    def timeline(self, query: TimelineQuery) -> Answer:
        """Return the actions as the record believes them, by date."""
        require_actions(query)
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, TIMELINE_KEY, today=False)
            page = read_page(timeline_items(live, query, moment), after, query.limit)
        live.mark(page.items, moment.position)
        tell_erasures(self._store, page.items)
        return collection(page.items, page.next(cursor), moment)

    def policies(self, query: PoliciesAsked) -> Answer:
        """Return the policies with their three axes."""
        require_jurisdiction(query)
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, POLICY_KEY, today=True)
            filter = policy_filter(query)

            def read(after: str | None, limit: int) -> list[tuple[str, dict[str, Any]]]:
                found = policy_reads.select_policies(
                    live,
                    filter,
                    day=moment.day or 0,
                    position=moment.position,
                    after=after,
                    limit=limit,
                )
                return [(item["policy"], item) for item in found]

            page = read_page(read, after, query.limit)
        live.mark(page.items, moment.position)
        return collection(page.items, page.next(cursor), moment)

    def jurisdictions(self, query: JurisdictionsQuery) -> Answer:
        """Return, by jurisdiction, how many policies there are, each under its believed values."""
        require_jurisdiction(query)
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, JURISDICTION_KEY, today=True)

            def read(after: str | None, limit: int) -> list[tuple[str, dict[str, Any]]]:
                found = jurisdiction_reads.count_policies(
                    live,
                    query.jurisdiction,
                    below=query.within,
                    day=moment.day or 0,
                    position=moment.position,
                    after=after,
                    limit=limit,
                )
                return [(item["jurisdiction"], item) for item in found]

            page = read_page(read, after, query.limit)
        return collection(page.items, page.next(cursor), moment)

    def graph(self, query: GraphQuery) -> Answer:
        """Return the relations around a policy, as nodes and edges."""
        with view(self._engine) as live:
            moment = self._moment(live, query, today=True)
            require_standing(live, query.policy, moment.position, "policy")
            found = graph_reads.graph_around(
                live,
                query.policy,
                depth=query.depth,
                day=moment.day or 0,
                position=moment.position,
            )
        tell_erasures(self._store, found["edges"])
        return Answer({**found, **moment.stamp()}, moment.position)

    def review(self, query: ReviewQuery) -> Answer:
        """Return what an editor should look at."""
        require_jurisdiction(query)
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, REVIEW_KEY, today=True)
            found, last = review_reads.select_reviews(
                live,
                ReviewFilter(
                    kind=query.kind,
                    jurisdiction=query.jurisdiction,
                    within=query.within,
                    unconfirmed_days=query.unconfirmed_days,
                ),
                day=moment.day or 0,
                position=moment.position,
                after=after,
                limit=query.limit,
            )
        page = fitting(found).found
        if len(page) < len(found):
            last = page[-1][0]
        items = [item for _, item in page]
        return collection(items, None if last is None else cursor(last), moment)


def timeline_items(
    live: View, query: TimelineQuery, moment: Moment, *, with_gone: bool = False
) -> Callable[[ItemKey | None, int], list[tuple[ItemKey, dict[str, Any]]]]:
    """Return what reads the actions that are asked for, for a page; raises as `timeline_filter`."""
    filter = timeline_filter(live, query, moment)

    def read(after: ItemKey | None, limit: int) -> list[tuple[ItemKey, dict[str, Any]]]:
        return timeline_reads.select_items(
            live,
            filter,
            position=moment.position,
            after=after,
            limit=limit,
            descending=query.order == "desc",
            with_gone=with_gone,
        )

    return read


def timeline_filter(live: View, query: ActionsAsked, moment: Moment) -> TimelineFilter:
    """Return which actions are asked for; raises where a policy that is named cannot be shown."""
    policies: tuple[str, ...] | None = None
    if query.around is not None:
        require_standing(live, query.around, moment.position, "around")
        policies = tuple(neighbourhood(live, query.around, query.depth or 1, moment.position))
    elif query.policy is not None:
        if policy_reads.standing(live, query.policy, moment.position) is not None:
            require_standing(live, query.policy, moment.position, "policy")
        policies = (query.policy,)
    return TimelineFilter(
        policies=policies,
        jurisdiction=query.jurisdiction,
        within=query.within,
        instrument=query.instrument,
        action=query.action,
        topic=folded(query.topic),
        actor=folded(query.actor),
        body=folded(query.body),
        first=None if query.from_ is None else ordinal(query.from_.earliest),
        last=None if query.to is None else ordinal(query.to.latest),
        by=moment.day,
        words=folded(query.q),
    )


def folded(text: str | None) -> str | None:
    """Return a text as it is compared."""
    return None if text is None else fold_text(text)


def require_jurisdiction(query: PlacedPage | ActionsAsked | ChangesQuery) -> None:
    """Raise where `within` has nothing to go with."""
    if query.within and query.jurisdiction is None:
        raise InvalidRequest(field="within", reason="`within` goes with `jurisdiction`")


def require_actions(query: ActionsAsked) -> None:
    """Refuse what contradicts itself: also a stretch of time that certainly ends before it begins."""
    if query.depth is not None and query.around is None:
        raise InvalidRequest(field="depth", reason="`depth` goes with `around`")
    if query.around is not None and query.policy is not None:
        raise InvalidRequest(field="policy", reason="Give `policy` or `around`, not both")
    require_jurisdiction(query)
    first = None if query.from_ is None else query.from_.earliest
    last = None if query.to is None else query.to.latest
    if first is not None and last is not None and last < first:
        raise InvalidRequest(field="to", reason="`to` lies before `from`")


def policy_filter(query: PoliciesAsked) -> PolicyFilter:
    """Return which policies a question is about."""
    scheme, _, value = (query.identifier or "").partition(":")
    return PolicyFilter(
        jurisdiction=query.jurisdiction,
        within=query.within,
        instrument=query.instrument,
        topic=folded(query.topic),
        identifier=None if query.identifier is None else identifier_key(scheme, value),
        stage=query.stage,
        force=query.force,
        litigation=query.litigation,
        in_force=query.in_force,
        words=folded(query.q),
    )


def ordinal(day: date | None) -> int | None:
    """Return a day as an ordinal, None where it is open."""
    return None if day is None else day.toordinal()
