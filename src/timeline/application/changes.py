"""What the record learned between two of its moments: policies before and after, and by whom.

Owns the resolution of both ends and the shape of the answer. Must not know HTTP, nor how changes
are found.
"""

from datetime import datetime
from typing import Any

import msgspec

from timeline.application.cursors import CHANGE_KEY, ChangeKey, query_digest, write_cursor
from timeline.application.errors import InvalidRequest
from timeline.application.listings import folded, require_jurisdiction
from timeline.application.moments import Answer, Clocked, Moment, collection
from timeline.application.one_policy import changed
from timeline.application.paging import read_page
from timeline.application.queries import ChangesQuery
from timeline.projections.change_reads import (
    ChangeFilter,
    Place,
    Stretch,
    changing_events,
    recorders,
    select_changed,
)
from timeline.projections.policy_reads import select_states
from timeline.projections.reading import View


class Span(msgspec.Struct, frozen=True):
    """Both ends, resolved: where the stretch begins, with its instant, and the moment it ends."""

    since: int
    since_at: str | None
    moment: Moment

    @property
    def stretch(self) -> Stretch:
        """The positions that the record learned something at."""
        return Stretch(self.since, self.moment.position)


def changes(reader: Clocked, query: ChangesQuery) -> Answer:
    """Return the policies whose picture changed, in the order in which it first did."""
    require_jurisdiction(query)
    digest = query_digest(query)
    with reader.snapshot() as live:
        after: Place | None = None
        if query.cursor is None:
            span = _span(reader, live, query)
        else:
            key: ChangeKey
            moment, key = reader.resumed(live, query.cursor, digest, CHANGE_KEY)
            span = Span(key.since, key.since_at, moment)
            after = Place(key.position, key.policy)
        filter, asked = _filter(query), span

        def read(after: Place | None, limit: int) -> list[tuple[Place, dict[str, Any]]]:
            places = select_changed(live, filter, asked.stretch, after=after, limit=limit)
            items = _items(live, [place.policy for place in places], asked)
            return list(zip(places, items, strict=True))

        page = read_page(read, after, query.limit)

    def cursor(last: Any) -> str:
        moment, key = asked.moment, ChangeKey(asked.since, asked.since_at, *last)
        return write_cursor(digest, moment.position, moment.day, key, known_at=moment.known_at)

    answer = collection(page.items, page.next(cursor), span.moment)
    answer.document["from"] = {"position": span.since, "known_at": span.since_at}
    return answer


def _span(reader: Clocked, live: View, query: ChangesQuery) -> Span:
    day = reader.today() if query.as_of is None else query.as_of.toordinal()
    since, since_at = _known(reader, live, query.from_, "from")
    until, until_at = (
        reader.newest(live) if query.to is None else _known(reader, live, query.to, "to")
    )
    moments = isinstance(query.from_, datetime) and isinstance(query.to, datetime)
    if since > until or (moments and (since_at or "") > (until_at or "")):
        raise InvalidRequest(field="to", reason="`to` lies before `from`")
    return Span(since, since_at, Moment(day, until, until_at))


def _known(
    reader: Clocked, live: View, moment: int | datetime, field: str
) -> tuple[int, str | None]:
    if isinstance(moment, datetime):
        return reader.instant_known(live, moment, field)
    return reader.position_known(live, moment, field)


def _filter(query: ChangesQuery) -> ChangeFilter:
    return ChangeFilter(
        policy=query.policy,
        jurisdiction=query.jurisdiction,
        within=query.within,
        instrument=query.instrument,
        topic=folded(query.topic),
    )


def _items(live: View, policies: list[str], span: Span) -> list[dict[str, Any]]:
    day = span.moment.day or 0
    before = select_states(live, policies, day=day, position=span.since)
    after = select_states(live, policies, day=day, position=span.moment.position)
    events = changing_events(live, policies, span.stretch)
    names = recorders(live, policies, span.stretch)
    return [
        {
            **difference(policy, before.get(policy), after[policy]),
            "events": events[policy],
            "recorded_by": list(names[policy]),
            "truncated": ["events"] if sum(names[policy].values()) > len(events[policy]) else [],
        }
        for policy in policies
    ]


def difference(policy: str, before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, Any]:
    """Return what became of a policy, as it is served."""
    return {
        "policy": policy,
        "title": after["title"],
        "before": before,
        "after": after,
        "changed": changed(before, after),
    }
