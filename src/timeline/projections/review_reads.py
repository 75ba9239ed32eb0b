"""Questions about what an editor should look at.

Owns the order of the list, how much is looked at for one page, and what is said of each item. Must
not know cursors or HTTP.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, FromClause, and_, exists, func, literal, select, tuple_

from timeline.domain.dates import Occurrence
from timeline.domain.effects import latest_day
from timeline.eventstore.tables import log_entries
from timeline.projections import review
from timeline.projections.policy_reads import headings
from timeline.projections.reading import View, chunks, known, placed

MAX_LOOKED_AT: Final = 2_000
"""Candidates looked at for one page, some 100 ms: a page may end early, and say where to go on."""


class ReviewKind(StrEnum):
    """Why an editor should look, in the order of the list."""

    OPEN_DISPUTE = "open_dispute"
    UNRESOLVED_CITATION = "unresolved_citation"
    SINGLE_SECONDARY_SOURCE = "single_secondary_source"
    LONG_UNCONFIRMED = "long_unconfirmed"


class ReviewKey(msgspec.Struct, frozen=True, array_like=True):
    """Where an item stands in the list; texts are empty where there is none."""

    kind: ReviewKind
    policy: str = ""
    event: str = ""
    by: str = ""


class ReviewFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to look at; None asks for nothing. `unconfirmed_days` is how long is long."""

    kind: ReviewKind | None = None
    jurisdiction: str | None = None
    within: bool = False
    unconfirmed_days: int


_RECORDED: Final = ""
"""Stands for the moment of an event's recording, which is looked up for what is served."""

Candidate: TypeAlias = tuple[ReviewKey, str | None]
"""A place in the list, and since when it is there; None where there is nothing to look at."""

Look: TypeAlias = Callable[[View, ReviewFilter, int, int, ReviewKey], list[Candidate]]


def select_reviews(
    view: View,
    filter: ReviewFilter,
    *,
    day: int,
    position: int,
    after: ReviewKey | None,
    limit: int,
) -> tuple[list[tuple[ReviewKey, dict[str, Any]]], ReviewKey | None]:
    """Return the items after a place in the list, with theirs, and the place to go on after, if any.

    Args:
        view: the live read models.
        filter: what to look at.
        day: the date asked about, as an ordinal.
        position: the moment of the record asked about.
        after: the place to go on after.
        limit: how many items at most.

    """
    kinds = list(ReviewKind) if filter.kind is None else [filter.kind]
    if after is not None:
        kinds = kinds[kinds.index(after.kind) :] if after.kind in kinds else []
    found: list[tuple[ReviewKey, str]] = []
    looked_at, last = 0, after
    for kind in kinds:
        start = after if after is not None and after.kind is kind else ReviewKey(kind)
        for key, since in _looks(kind)(view, filter, day, position, start):
            if looked_at == MAX_LOOKED_AT:
                return _items(view, found, position), last
            if since is not None and len(found) == limit:
                return _items(view, found, position), found[-1][0]
            looked_at, last = looked_at + 1, key
            if since is not None:
                found.append((key, since))
    return _items(view, found, position), None


def _looks(kind: ReviewKind) -> Look:
    return _unconfirmed if kind is ReviewKind.LONG_UNCONFIRMED else _questioned


_ROWS: Final[Mapping[ReviewKind, str]] = {
    ReviewKind.OPEN_DISPUTE: review.OPEN_DISPUTE,
    ReviewKind.UNRESOLVED_CITATION: review.CITATION,
    ReviewKind.SINGLE_SECONDARY_SOURCE: review.SINGLE_SECONDARY_SOURCE,
}


def _questioned(
    view: View, filter: ReviewFilter, _day: int, position: int, start: ReviewKey
) -> list[Candidate]:
    """Return the events in question; none where a citation resolves."""
    table = view.table("policies", "review")
    columns = [table.c[name] for name in ("policy", "event", "by")]
    given = (start.policy, start.event, start.by)
    beyond = tuple_(*columns) > tuple_(
        *(literal(each, column.type) for each, column in zip(given, columns, strict=True))
    )
    query = (
        select(*columns)
        .where(
            table.c.kind == _ROWS[start.kind],
            known(table, position),
            beyond,
            *_in_place(table, filter),
        )
        .order_by(*columns)
        .limit(MAX_LOOKED_AT + 1)
    )
    keys = [ReviewKey(start.kind, *row) for row in view.connection.execute(query)]
    resolved = frozenset[str]()
    if start.kind is ReviewKind.UNRESOLVED_CITATION:
        resolved = _resolved(view, [key.event for key in keys], position)
    return [(key, None if key.event in resolved else _RECORDED) for key in keys]


def _in_place(table: FromClause, filter: ReviewFilter) -> Iterator[ColumnElement[bool]]:
    if filter.jurisdiction is not None:
        yield placed(table.c.jurisdiction, filter.jurisdiction, below=filter.within)


def _resolved(view: View, events: Sequence[str], position: int) -> frozenset[str]:
    """Return the relations whose citation some policy carries."""
    relations, tags = view.table("relations", "relations"), view.table("policies", "policy_tags")
    carried = exists().where(
        tags.c.kind == "identifier",
        tags.c.value == relations.c.target_citation,
        known(tags, position),
    )
    found: set[str] = set()
    for some in chunks(events):
        query = select(relations.c.event).where(
            relations.c.event.in_(some), known(relations, position), carried
        )
        found.update(row.event for row in view.connection.execute(query))
    return frozenset(found)


def _recorded_at(view: View, events: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(events):
        query = select(log_entries.c.id, log_entries.c.recorded_at).where(
            log_entries.c.id.in_(some)
        )
        found.update({row.id: row.recorded_at for row in view.connection.execute(query)})
    return found


def _unconfirmed(
    view: View, filter: ReviewFilter, day: int, position: int, start: ReviewKey
) -> list[Candidate]:
    """Return the policies in force, since when they were last seen so if that is long ago."""
    values, periods = (view.table("policies", name) for name in ("policy_values", "policy_periods"))
    actions = view.table("timeline", "timeline")
    last = (
        select(func.max(actions.c.latest))
        .where(
            actions.c.policy == values.c.policy,
            actions.c.earliest <= day,
            known(actions, position),
        )
        .correlate(values)
        .scalar_subquery()
    )
    query = (
        select(values.c.policy, periods.c.last_confirmed, last.label("last"))
        .join(
            periods,
            and_(
                periods.c.policy == values.c.policy,
                periods.c.first_day <= day,
                periods.c.last_day >= day,
                known(periods, position),
            ),
        )
        .where(
            values.c.kind == "in_force",
            values.c.value == "yes",
            values.c.first_day <= day,
            values.c.last_day >= day,
            known(values, position),
            values.c.policy > start.policy,
            *_in_place(values, filter),
        )
        .order_by(values.c.policy)
        .limit(MAX_LOOKED_AT + 1)
    )
    found: list[Candidate] = []
    for row in view.connection.execute(query):
        seen = row.last
        if row.last_confirmed is not None:
            seen = latest_day(Occurrence.parse(row.last_confirmed))
        long_ago = seen is not None and day - seen > filter.unconfirmed_days
        since = date.fromordinal(seen).isoformat() if long_ago else None
        found.append((ReviewKey(start.kind, row.policy), since))
    return found


def _items(
    view: View, found: Sequence[tuple[ReviewKey, str]], position: int
) -> list[tuple[ReviewKey, dict[str, Any]]]:
    since = _recorded_at(view, [key.by or key.event for key, since in found if since == _RECORDED])
    about = headings(view, sorted({key.policy for key, _ in found}), position)
    told = {
        **_disputes(view, [key for key, _ in found], position),
        **_relations(view, [key for key, _ in found], position),
    }
    return [
        (
            key,
            {
                "kind": str(key.kind),
                "policy": key.policy,
                "event": key.event or None,
                **about[key.policy],
                "by": key.by or None,
                **dict.fromkeys(("claim", "source", "citation")),
                **told.get(key, {}),
                "since": long_ago or since[key.by or key.event],
            },
        )
        for key, long_ago in found
    ]


def _disputes(
    view: View, keys: Sequence[ReviewKey], position: int
) -> dict[ReviewKey, dict[str, Any]]:
    """Return what is claimed, and by which source, of the disputes among some places."""
    table = view.table("policies", "disputes")
    asked = {(key.policy, key.by): key for key in keys if key.by}
    found: dict[ReviewKey, dict[str, Any]] = {}
    for some in chunks(list(asked), 2):
        query = select(table).where(
            tuple_(table.c.policy, table.c.by).in_(some), known(table, position)
        )
        for row in view.connection.execute(query):
            found[asked[row.policy, row.by]] = {
                "claim": msgspec.json.decode(row.claim),
                "source": msgspec.json.decode(row.source),
            }
    return found


def _relations(
    view: View, keys: Sequence[ReviewKey], position: int
) -> dict[ReviewKey, dict[str, Any]]:
    """Return what is cited, of the citations among some places."""
    table = view.table("relations", "relations")
    asked = {key.event: key for key in keys if key.kind is ReviewKind.UNRESOLVED_CITATION}
    found: dict[ReviewKey, dict[str, Any]] = {}
    for some in chunks(list(asked)):
        query = select(table.c.event, table.c.item).where(
            table.c.event.in_(some), known(table, position)
        )
        for row in view.connection.execute(query):
            item = msgspec.json.decode(row.item)
            found[asked[row.event]] = {"citation": item["target"]["citation"]}
    return found
