"""Questions to the timeline's read model.

Owns the selection of actions at a date and a position. Must not know cursors or HTTP.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Table,
    and_,
    exists,
    literal,
    or_,
    select,
    tuple_,
    union,
)

from timeline.eventstore.tables import tag_value
from timeline.projections.evidence_reads import sources_of
from timeline.projections.policy_reads import headings
from timeline.projections.reading import View, around, chunks, known, within
from timeline.projections.word_reads import MAX_NAMED, worded

MAX_SORTED: Final = 2_000
"""Actions that are sorted for one page, in some milliseconds."""


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
    """Where an item stands in the order of the timeline (rule 1).

    The policy comes last: one relation is an item, at one position, on each policy that it names.
    """

    earliest: int
    latest: int
    rank: int
    time: str
    position: int
    policy: str


def select_items(
    view: View,
    filter: TimelineFilter,
    *,
    position: int,
    after: ItemKey | None,
    limit: int,
    descending: bool,
    with_gone: bool = False,
) -> list[tuple[ItemKey, dict[str, Any]]]:
    """Return the items that match, in the order of what they say of the world.

    Args:
        view: the live read models.
        filter: what to look for.
        position: the moment of the record asked about.
        after: the key to go on after.
        limit: how many at most.
        descending: newest first.
        with_gone: also those that were told at an earlier position and are not any more, as they
            were last; `gone` then says of each item which it is.

    """
    table = view.table("timeline", "timeline")
    order = [table.c[name] for name in ItemKey.__struct_fields__]
    columns = [*order, table.c.event, table.c.item, table.c.known_until]
    told = _last_told(view, table, position) if with_gone else known(table, position)
    query = (
        select(*columns)
        .where(told, *matching(view, filter, table, position))
        .order_by(*(column.desc() if descending else column for column in order))
        .limit(limit)
    )
    if after is not None:
        query = query.where(_beyond(order, after, descending=descending))
    rows = view.connection.execute(query).all()
    items = list(_items(view, rows, position))
    if with_gone:
        for row, item in zip(rows, items, strict=True):
            item["gone"] = row.known_until <= position
    return list(zip(map(_key, rows), items, strict=True))


def _last_told(view: View, table: Table, position: int) -> ColumnElement[bool]:
    """Return the condition that a row is the last that was told of its action by a position.

    Those of a policy that was merged into another are told there.
    """
    later, policies = table.alias(), view.table("policies", "policies")
    told_again = exists().where(
        later.c.policy == table.c.policy,
        later.c.event == table.c.event,
        later.c.known_from > table.c.known_from,
        later.c.known_from <= position,
    )
    merged = exists().where(
        policies.c.policy == table.c.policy,
        policies.c.merged_into.is_not(None),
        known(policies, position),
    )
    gone_for_good = and_(~told_again.correlate(table), ~merged.correlate(table))
    return and_(table.c.known_from <= position, or_(table.c.known_until > position, gone_for_good))


def revisions(
    view: View, items: Sequence[dict[str, Any]], position: int
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return how often what is told of actions has changed by a position, and when it last did.

    Args:
        view: the live read models.
        items: the actions.
        position: the moment of the record asked about.

    Returns:
        by policy and event: the changes after the first time it was told, and the position of the
        last one.

    """
    table = view.table("timeline", "timeline")
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for some in chunks(items, columns=2):
        # Column by column, as SQLite looks no pair up.
        rows = view.connection.execute(
            select(table.c.policy, table.c.event, table.c.known_from, table.c.known_until).where(
                table.c.policy.in_(sorted({item["policy"] for item in some})),
                table.c.event.in_(sorted({item["event"] for item in some})),
                table.c.known_from <= position,
            )
        ).all()
        for row in rows:
            times, last = found.get((row.policy, row.event), (-1, 0))
            ended = row.known_until if row.known_until <= position else 0
            found[row.policy, row.event] = (times + 1, max(last, row.known_from, ended))
    return found


def select_changes(
    view: View, filter: TimelineFilter, *, position: int, before: int | None, limit: int
) -> list[int]:
    """Return where what is told of the actions that match changed, the newest position first.

    Args:
        view: the live read models.
        filter: what to look for; a change counts where what was told before it or after it matches.
        position: the moment of the record asked about.
        before: only earlier positions than this.
        limit: how many at most.

    """
    table = view.table("timeline", "timeline")
    last = position if before is None else before - 1
    conditions = matching(view, filter, table, position)
    # Both ends stand in each index, so that without other conditions no row is fetched.
    ends = union(
        *(
            select(end.label("at")).where(end <= last, *conditions)
            for end in (table.c.known_from, table.c.known_until)
        )
    ).subquery()
    query = select(ends.c.at).order_by(ends.c.at.desc()).limit(limit)
    return list(view.connection.execute(query).scalars())


def _key(row: Row[Any]) -> ItemKey:
    return ItemKey(row.earliest, row.latest, row.rank, row.time, row.position, row.policy)


def _items(view: View, rows: Sequence[Row[Any]], position: int) -> Iterator[dict[str, Any]]:
    """Yield what is served: the action, its policy's words, and its sources."""
    about = headings(view, sorted({row.policy for row in rows}), position)
    sources = sources_of(view, [(row.policy, row.event) for row in rows], position)
    for row in rows:
        item: dict[str, Any] = msgspec.json.decode(row.item)
        yield item | about[row.policy] | {"sources": sources.get((row.policy, row.event), [])}


def _beyond(
    order: Sequence[ColumnElement[Any]], after: ItemKey, *, descending: bool
) -> ColumnElement[bool]:
    """Return the condition that a row comes after a key, which an index can be entered by."""
    place = tuple_(*order)
    values = tuple_(
        *(
            literal(value, column.type)
            for column, value in zip(order, msgspec.structs.astuple(after), strict=True)
        )
    )
    return place < values if descending else place > values


def matching(
    view: View, filter: TimelineFilter, table: Table, position: int, *, whole: bool = False
) -> list[ColumnElement[bool]]:
    """Return the conditions that a row of the timeline is one of those asked for.

    Args:
        view: the live read models.
        filter: what to look for.
        table: the timeline's.
        position: the moment of the record asked about.
        whole: all of them are read, and not a page: policies are then looked through once.

    """
    columns = table.c
    asked: list[tuple[object, Callable[[], ColumnElement[bool]]]] = [
        (filter.policies, lambda: columns.policy.in_(filter.policies or ())),
        (
            filter.jurisdiction,
            lambda: _in_place(view, table, filter),
        ),
        (filter.instrument, lambda: columns.instrument == filter.instrument),
        (filter.action, lambda: columns.action == filter.action),
        (filter.body, lambda: columns.body_key == filter.body),
        (filter.first, lambda: columns.latest >= filter.first),
        (filter.last, lambda: columns.earliest <= filter.last),
        (filter.by, lambda: columns.earliest <= filter.by),
        (filter.words, lambda: worded(view, table, filter.words or "", position, whole=whole)),
        (filter.topic, lambda: _on_topic(view, table, filter.topic or "", position)),
        (filter.actor, lambda: _acted_in(view, table, filter.actor or "", position)),
    ]
    return [condition() for value, condition in asked if value is not None]


def _in_place(view: View, table: Table, filter: TimelineFilter) -> ColumnElement[bool]:
    """Return the condition that an action belongs to a place.

    The actions within a small one are sorted; those within a large one are soon met in order.
    """
    place, jurisdiction = table.c.jurisdiction, filter.jurisdiction or ""
    if not filter.within:
        return place == jurisdiction
    inside = around(place, jurisdiction)
    some = select(place).where(inside).limit(MAX_SORTED + 1)
    if len(view.connection.execute(some).all()) <= MAX_SORTED:
        return and_(inside, within(place, jurisdiction))
    # No column, and so nothing that SQLite would look for in an index.
    return within(place + "", jurisdiction)


def _on_topic(view: View, table: Table, topic: str, position: int) -> ColumnElement[bool]:
    """Return the condition that an action's policy has a topic."""
    tags = view.table("policies", "policy_tags")
    tagged = and_(tags.c.kind == "topic", tags.c.value == tag_value(topic), known(tags, position))
    return _carried(view, table, [tags.c.policy], tagged)


def _acted_in(view: View, table: Table, actor: str, position: int) -> ColumnElement[bool]:
    """Return the condition that someone took part in an action."""
    tags = view.table("timeline", "timeline_tags")
    tagged = and_(tags.c.kind == "actor", tags.c.value == tag_value(actor), known(tags, position))
    return _carried(view, table, [tags.c.policy, tags.c.event], tagged)


def _carried(
    view: View, table: Table, carriers: Sequence[Column[Any]], tagged: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the condition that a row is one of a tag's carriers.

    Those of a rare tag are named, so that their rows are looked up; those of a common one are soon
    met on the way through all rows. SQLite does not see the difference.
    """
    query = select(*carriers).where(tagged).limit(MAX_NAMED + 1)
    rows = view.connection.execute(query).all()
    own = [table.c[carrier.name] for carrier in carriers]
    if len(rows) <= MAX_NAMED:
        # Column by column, which SQLite knows to be selective; an event has one policy at a time.
        named = (sorted({row[place] for row in rows}) for place in range(len(own)))
        return and_(*(column.in_(values) for column, values in zip(own, named, strict=True)))
    same = (carrier == column for carrier, column in zip(carriers, own, strict=True))
    return exists().where(tagged, *same).correlate(table)
