"""Reading: answers to the questions of `queries`, each from one snapshot at one position.

Owns the two clocks' resolution, cursors and the shape of answers. Must not know HTTP, nor how read
models are kept.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final

import msgspec
from sqlalchemy import Engine

from timeline.application.cursors import (
    JURISDICTION_KEY,
    POLICY_KEY,
    POSITION_KEY,
    REVIEW_KEY,
    TIMELINE_KEY,
    query_digest,
    read_cursor,
    write_cursor,
)
from timeline.application.errors import (
    CursorMismatch,
    InvalidRequest,
    NotYetReflected,
    PolicyGone,
    PolicyMoved,
    UnknownResource,
)
from timeline.application.queries import (
    ChangesQuery,
    EventsQuery,
    GraphQuery,
    HistoryQuery,
    JurisdictionsQuery,
    PoliciesQuery,
    PolicyQuery,
    ReviewQuery,
    TimelineQuery,
)
from timeline.domain.events import identifier_key
from timeline.domain.situation import fold_text
from timeline.eventstore.instants import Clock, instant
from timeline.eventstore.model import MAX_PAGE, EventFilter, Head, Recorded
from timeline.eventstore.protocol import EventStore
from timeline.projections import (
    evidence_reads,
    graph_reads,
    jurisdiction_reads,
    policy_history,
    policy_reads,
    review_reads,
    timeline_reads,
)
from timeline.projections.policy_listing import PolicyFilter
from timeline.projections.reading import View, view
from timeline.projections.relation_reads import Edge, edges, neighbourhood
from timeline.projections.review_reads import ReviewFilter
from timeline.projections.timeline_reads import TimelineFilter

MAX_ACTIONS: Final = 10_000
"""Actions on one policy's page; the longest real streams have a few hundred."""

MAX_DISPUTES: Final = 1_000
"""Disputes on one policy's page, the oldest: more than an editor settles."""

Clocked = (
    TimelineQuery
    | PoliciesQuery
    | PolicyQuery
    | HistoryQuery
    | JurisdictionsQuery
    | GraphQuery
    | ReviewQuery
)


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


class Reader:
    """Answers questions about the record."""

    def __init__(self, engine: Engine, store: EventStore, clock: Clock) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock

    # Both clocks

    def _moment(self, live: View, query: Clocked, *, today: bool) -> Moment:
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

    def _known(self, live: View, query: Clocked, day: int | None) -> Moment:
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
        self, live: View, query: Clocked, kind: Any, *, today: bool, about: str = ""
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

    # Listings

    def timeline(self, query: TimelineQuery) -> Answer:
        """Return the actions as the record believes them, by date."""
        if query.depth is not None and query.around is None:
            raise InvalidRequest(field="depth", reason="`depth` goes with `around`")
        if query.around is not None and query.policy is not None:
            raise InvalidRequest(field="policy", reason="Give `policy` or `around`, not both")
        require_jurisdiction(query)
        _require_order(query)
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, TIMELINE_KEY, today=False)
            found = timeline_reads.select_items(
                live,
                self._timeline_filter(live, query, moment),
                position=moment.position,
                after=after,
                limit=query.limit + 1,
                descending=query.order == "desc",
            )
        page = found[: query.limit]
        more = cursor(page[-1][0]) if len(found) > query.limit else None
        return collection([item for _, item in page], more, moment)

    def _timeline_filter(self, live: View, query: TimelineQuery, moment: Moment) -> TimelineFilter:
        policies: tuple[str, ...] | None = None
        if query.around is not None:
            self._stand(live, query.around, moment.position, "around")
            policies = tuple(neighbourhood(live, query.around, query.depth or 1, moment.position))
        elif query.policy is not None:
            if policy_reads.standing(live, query.policy, moment.position) is not None:
                self._stand(live, query.policy, moment.position, "policy")
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

    def policies(self, query: PoliciesQuery) -> Answer:
        """Return the policies with their three axes."""
        require_jurisdiction(query)
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, POLICY_KEY, today=True)
            found = policy_reads.select_policies(
                live,
                _policy_filter(query),
                day=moment.day or 0,
                position=moment.position,
                after=after,
                limit=query.limit + 1,
            )
        page = found[: query.limit]
        more = cursor(page[-1]["policy"]) if len(found) > query.limit else None
        return collection(page, more, moment)

    # Surveys

    def jurisdictions(self, query: JurisdictionsQuery) -> Answer:
        """Return, by jurisdiction, how many policies there are, each under its believed values."""
        require_jurisdiction(query)
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, JURISDICTION_KEY, today=True)
            found = jurisdiction_reads.count_policies(
                live,
                query.jurisdiction,
                below=query.within,
                day=moment.day or 0,
                position=moment.position,
                after=after,
                limit=query.limit + 1,
            )
        page = found[: query.limit]
        more = cursor(page[-1]["jurisdiction"]) if len(found) > query.limit else None
        return collection(page, more, moment)

    def graph(self, query: GraphQuery) -> Answer:
        """Return the relations around a policy, as nodes and edges."""
        with view(self._engine) as live:
            moment = self._moment(live, query, today=True)
            self._stand(live, query.policy, moment.position, "policy")
            found = graph_reads.graph_around(
                live,
                query.policy,
                depth=query.depth,
                day=moment.day or 0,
                position=moment.position,
            )
        return Answer({**found, **moment.stamp()}, moment.position)

    def review(self, query: ReviewQuery) -> Answer:
        """Return what an editor should look at."""
        require_jurisdiction(query)
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, REVIEW_KEY, today=True)
            page, last = review_reads.select_reviews(
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
        return collection(page, None if last is None else cursor(last), moment)

    # One policy

    def policy(self, policy: str, query: PolicyQuery) -> Answer:
        """Return one policy with all that the record believes about it."""
        with view(self._engine) as live:
            moment = self._moment(live, query, today=True)
            self._stand(live, policy, moment.position, "policy")
            item = policy_reads.policy_item(
                live, policy, day=moment.day or 0, position=moment.position
            )
            details = policy_reads.policy_details(live, policy, moment.position)
            parts, truncated = _parts(live, policy, moment.position)
        item = dict(item or {})
        decided_by = {**details.pop("described_by"), **item.pop("decided_by")}
        return Answer(
            {
                **item,
                **details,
                **parts,
                "truncated": truncated,
                "decided_by": {
                    name: [events] if isinstance(events, str) else events
                    for name, events in decided_by.items()
                },
                **moment.stamp(),
            },
            moment.position,
        )

    def _stand(self, live: View, policy: str, position: int, field: str) -> None:
        """Raise where a policy cannot be shown: unknown, retracted, or merged into another."""
        standing = policy_reads.standing(live, policy, position)
        if standing is None:
            raise UnknownResource(kind="policy", id=policy, position=position, field=field)
        if standing.retracted_by is not None:
            raise PolicyGone(policy=policy, event=standing.retracted_by, field=field)
        if standing.merged_into is not None:
            raise PolicyMoved(policy=policy, survivor=standing.merged_into, field=field)

    def history(self, policy: str, query: HistoryQuery) -> Answer:
        """Return a policy's replay: event by event, what it changed and the state after it."""
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, POSITION_KEY, today=True, about=policy)
            if policy_reads.standing(live, policy, moment.position) is None:
                raise UnknownResource(
                    kind="policy", id=policy, position=moment.position, field="policy"
                )
            positions = policy_history.steps(
                live, policy, after=after or 0, until=moment.position, limit=query.limit + 1
            )
            page = positions[: query.limit]
            states = policy_history.states(live, policy, moment.day or 0, [after or 0, *page])
            events = self._events_at(policy, page)
        items = [
            {
                "event": served_event(event),
                "changed": changed(before, state),
                "state": state,
            }
            for event, (before, state) in zip(events, pairwise(states), strict=True)
        ]
        more = cursor(page[-1]) if len(positions) > query.limit else None
        return collection(items, more, moment)

    def _events_at(self, policy: str, positions: list[int]) -> Iterator[Recorded]:
        """Yield the events at a policy's steps: its own in one page, those of others one by one."""
        if not positions:
            return
        own = self._store.read(
            positions[0] - 1,
            until=positions[-1],
            filter=EventFilter(policies=(policy,)),
            limit=MAX_PAGE,
        )
        known = {event.position: event for event in own}
        for position in positions:
            yield known.get(position) or self._store.read(position - 1, until=position, limit=1)[0]

    # The log

    def events(self, query: EventsQuery) -> Answer:
        """Return a page of the log."""
        digest = query_digest(query)
        head = self._store.head().position
        after = query.after
        if query.cursor is not None:
            place, after = read_cursor(query.cursor, digest, POSITION_KEY)
            if place.position > head:
                raise CursorMismatch
            head = place.position
        found = self._store.read(
            after, until=head, filter=_event_filter(query), limit=query.limit + 1
        )
        page = found[: query.limit]
        more = None
        if len(found) > query.limit:
            more = write_cursor(digest, head, None, page[-1].position)
        moment = Moment(None, head, self._recorded_at(head))
        return collection([served_event(event) for event in page], more, moment)

    def rest(self, query: EventsQuery, page: int) -> tuple[Head, Iterator[list[dict[str, Any]]]]:
        """Return the head, and page by page all events after a position up to that head.

        Args:
            query: what to look for; `limit` and `cursor` play no part.
            page: how many events are in memory at once.

        """
        head = self._store.head()
        return head, self._pages(query, head.position, page)

    def _pages(self, query: EventsQuery, until: int, size: int) -> Iterator[list[dict[str, Any]]]:
        after, filter = query.after, _event_filter(query)
        while after < until:
            found = self._store.read(after, until=until, filter=filter, limit=size)
            if found:
                yield [served_event(event) for event in found]
            if len(found) < size:
                return
            after = found[-1].position

    def event(self, id: str) -> Answer:
        """Return one event."""
        head = self._store.head().position
        event = self._store.get(id)
        if event is None:
            raise UnknownResource(kind="event", id=id, position=head, field="id")
        return Answer(served_event(event), max(head, event.position))


def served_event(event: Recorded) -> dict[str, Any]:
    """Return an event as it is served: the entry's fields, and the data as it was sent."""
    served: dict[str, Any] = {
        "id": event.id,
        "position": event.position,
        "policy": event.policy,
        "version": event.version,
        "type": str(event.type),
        "schema": event.schema,
        "batch": event.batch,
        "recorded_at": event.recorded_at,
        "recorded_by": event.recorded_by,
        "data": None if event.data is None else msgspec.Raw(event.data),
    }
    if event.erased_by is not None:
        served["erased_by"] = event.erased_by
    return served


def changed(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """Return the fields that differ, each as [before, after]."""
    old, new = before or {}, after or {}
    return {
        name: [old.get(name), new.get(name)]
        for name in (*old, *(name for name in new if name not in old))
        if name not in _EVER_CHANGING and old.get(name) != new.get(name)
    }


_EVER_CHANGING: Final = frozenset({"version", "decided_by"})


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


def folded(text: str | None) -> str | None:
    """Return a text as it is compared."""
    return None if text is None else fold_text(text)


def require_jurisdiction(
    query: TimelineQuery | PoliciesQuery | ChangesQuery | JurisdictionsQuery | ReviewQuery,
) -> None:
    """Raise where `within` has nothing to go with."""
    if query.within and query.jurisdiction is None:
        raise InvalidRequest(field="within", reason="`within` goes with `jurisdiction`")


def _require_order(query: TimelineQuery) -> None:
    """Refuse a stretch of time that certainly ends before it begins."""
    first = None if query.from_ is None else query.from_.earliest
    last = None if query.to is None else query.to.latest
    if first is not None and last is not None and last < first:
        raise InvalidRequest(field="to", reason="`to` lies before `from`")


def _policy_filter(query: PoliciesQuery) -> PolicyFilter:
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


def _event_filter(query: EventsQuery) -> EventFilter:
    return EventFilter(
        types=query.type,
        policies=query.policy,
        jurisdictions=query.jurisdiction,
        topics=query.topic,
        actors=query.actor,
        identifiers=query.identifier,
        recorded_by=query.recorded_by,
    )


def _parts(live: View, policy: str, position: int) -> tuple[dict[str, Any], list[str]]:
    """Return the lists on a policy's page, and the names of those that are cut."""
    actions = timeline_reads.select_items(
        live,
        TimelineFilter(policies=(policy,)),
        position=position,
        after=None,
        limit=MAX_ACTIONS + 1,
        descending=False,
    )
    related, all_related = edges(live, policy, position)
    disputes = evidence_reads.disputes_of(live, policy, position, MAX_DISPUTES + 1)
    parts = {
        "sources": evidence_reads.description_sources(live, policy, position),
        "actions": [action for _, action in actions[:MAX_ACTIONS]],
        "relations": _both_ways(policy, related),
        "disputes": disputes[:MAX_DISPUTES],
    }
    cut = {
        "actions": len(actions) > MAX_ACTIONS,
        "relations": not all_related,
        "disputes": len(disputes) > MAX_DISPUTES,
    }
    return parts, [name for name, is_cut in cut.items() if is_cut]


def _both_ways(policy: str, related: list[Edge]) -> dict[str, Any]:
    """Return relations as they leave the policy and as they arrive, each with what it resolves to."""
    return {
        "outgoing": [
            {**edge.item, "resolves_to": edge.target} for edge in related if edge.policy == policy
        ],
        "incoming": [
            {**edge.item, "resolves_to": edge.target} for edge in related if edge.policy != policy
        ],
    }


def ordinal(day: date | None) -> int | None:
    """Return a day as an ordinal, None where it is open."""
    return None if day is None else day.toordinal()
