"""Filters as SQL: which positions of the log match.

Owns how a filter becomes a query that its indexes can answer in order. Must not know what is read
of the events found.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, ScalarSelect, Select, func, select, union_all
from sqlalchemy.sql.elements import KeyedColumnElement

from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import EventFilter
from timeline.eventstore.tables import log_entries, log_tags, tag_value

RARE_TYPES: Final = frozenset(
    {
        EventType.EVENT_RETRACTED.value,
        EventType.POLICIES_MERGED.value,
        EventType.PAYLOAD_ERASED.value,
    }
)
"""Types of which a record has few, so that they lead to less than any tag does."""


def matching(filter: EventFilter, after: int, until: int | None = None) -> Select[int]:
    """Return a query for the positions in (after, until] that match, in order.

    It is led by the rarest thing asked for: a policy or a rare type, else a tag (targets first,
    jurisdictions last), else the entries themselves. One value of one field is one stretch of one
    index, already in order, so that a limit ends the search.
    """
    entries = log_entries.alias()
    tags = [(kind, tuple(map(tag_value, values))) for kind, values in filter.tags()]
    columns = (
        (entries.c.policy, filter.policies),
        (entries.c.type, filter.types),
        (entries.c.recorded_by, filter.recorded_by),
    )
    by_column = [_one_of(column, values) for column, values in columns if values]
    is_rare = bool(filter.policies) or (bool(filter.types) and RARE_TYPES.issuperset(filter.types))
    if tags and not is_rare:
        kind, values = tags[0]
        lead = log_tags.alias()
        position: KeyedColumnElement[int] = lead.c.position
        query = select(position).where(lead.c.kind == kind, _one_of(lead.c.value, values))
        if len(values) > 1:
            query = query.distinct()
        if by_column:
            query = query.join(entries, entries.c.position == position)
        others = tags[1:]
    else:
        position = entries.c.position
        query = select(position)
        others = tags
    query = query.where(*by_column, position > after)
    if until is not None:
        query = query.where(position <= until)
    for kind, values in others:
        query = query.where(_tagged(position, kind, values))
    return query.order_by(position)


def first_match(filter: EventFilter, after: int) -> ScalarSelect[int]:
    """Return a query for the first position after one that matches, if any does.

    Each type by itself, the least of what is found: planners would walk the log in its order, and
    filter, where there is an order of several types to keep.
    """
    each_type = [msgspec.structs.replace(filter, types=(type,)) for type in filter.types]
    if len(each_type) <= 1:
        return matching(filter, after).limit(1).scalar_subquery()
    firsts = union_all(
        *(select(matching(each, after).limit(1).subquery().c.position) for each in each_type)
    ).subquery()
    return select(func.min(firsts.c.position)).scalar_subquery()


def _tagged(
    position: ColumnElement[int], kind: str, values: tuple[str, ...]
) -> ColumnElement[bool]:
    tag = log_tags.alias()
    return (
        select(tag.c.position)
        .where(tag.c.kind == kind, _one_of(tag.c.value, values), tag.c.position == position)
        .exists()
    )


def _one_of(column: ColumnElement[Any], values: tuple[str, ...]) -> ColumnElement[bool]:
    # `IN` with one value keeps planners from reading the index in its order.
    return column == values[0] if len(values) == 1 else column.in_(values)
