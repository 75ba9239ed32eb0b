"""Questions to the timeline's read model.

Owns the selection of actions at a date and a position. Must not know cursors or HTTP.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, and_, exists, or_, select

from timeline.eventstore.tables import tag_value
from timeline.projections.reading import View, contains, known, within


class TimelineFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which actions; None asks for nothing. Text is folded already, days are ordinals.

    `first` and `last` ask for actions whose bounds overlap them; `by` hides what is certainly
    later than a day.
    """

    policies: tuple[str, ...] | None = None
    jurisdiction: str | None = None
    within: bool = False
    instrument: str | None = None
    action: str | None = None
    topic: str | None = None
    actor: str | None = None
    body: str | None = None
    first: int | None = None
    last: int | None = None
    by: int | None = None
    words: str | None = None


class ItemKey(msgspec.Struct, frozen=True, array_like=True):
    """Where an item stands in the order of the timeline (rule 1)."""

    earliest: int
    latest: int
    rank: int
    time: str
    position: int


def select_items(
    view: View,
    filter: TimelineFilter,
    *,
    position: int,
    after: ItemKey | None,
    limit: int,
    descending: bool,
) -> list[tuple[ItemKey, dict[str, Any]]]:
    """Return the items that match, in the order of what they say of the world.

    Args:
        view: the live read models.
        filter: what to look for.
        position: the moment of the record asked about.
        after: the key to go on after.
        limit: how many at most.
        descending: newest first.

    """
    table = view.table("timeline", "timeline")
    order = [table.c[name] for name in ItemKey.__struct_fields__]
    query = (
        select(*order, table.c.item)
        .where(known(table, position), *_conditions(view, filter, table, position))
        .order_by(*(column.desc() if descending else column for column in order))
        .limit(limit)
    )
    if after is not None:
        query = query.where(_beyond(order, after, descending=descending))
    return [
        (
            ItemKey(row.earliest, row.latest, row.rank, row.time, row.position),
            msgspec.json.decode(row.item),
        )
        for row in view.connection.execute(query)
    ]


def _beyond(
    order: Sequence[ColumnElement[Any]], after: ItemKey, *, descending: bool
) -> ColumnElement[bool]:
    """Return the condition that a row comes after a key, column by column."""
    values = msgspec.structs.astuple(after)
    choices = []
    for index, (column, value) in enumerate(zip(order, values, strict=True)):
        same = [left == right for left, right in zip(order[:index], values, strict=False)]
        choices.append(and_(*same, column < value if descending else column > value))
    return or_(*choices)


def _conditions(
    view: View, filter: TimelineFilter, table: Table, position: int
) -> list[ColumnElement[bool]]:
    columns = table.c
    asked: list[tuple[object, Callable[[], ColumnElement[bool]]]] = [
        (filter.policies, lambda: columns.policy.in_(filter.policies or ())),
        (
            filter.jurisdiction,
            lambda: within(columns.jurisdiction, filter.jurisdiction or "", subtree=filter.within),
        ),
        (filter.instrument, lambda: columns.instrument == filter.instrument),
        (filter.action, lambda: columns.action == filter.action),
        (filter.body, lambda: columns.body_key == filter.body),
        (filter.first, lambda: columns.latest >= filter.first),
        (filter.last, lambda: columns.earliest <= filter.last),
        (filter.by, lambda: columns.earliest <= filter.by),
        (filter.words, lambda: contains(columns.search, filter.words or "")),
        (filter.topic, lambda: _tagged(view, table, "topic", filter.topic, position)),
        (filter.actor, lambda: _tagged(view, table, "actor", filter.actor, position)),
    ]
    return [condition() for value, condition in asked if value is not None]


def _tagged(
    view: View, table: Table, kind: str, value: str | None, position: int
) -> ColumnElement[bool]:
    tags = view.table("timeline", "timeline_tags")
    return (
        exists()
        .where(
            tags.c.kind == kind,
            tags.c.value == tag_value(value or ""),
            tags.c.event == table.c.event,
            tags.c.policy == table.c.policy,
            known(tags, position),
        )
        .correlate(table)
    )
