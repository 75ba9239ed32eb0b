"""Which policies a listing has on a page.

Owns the choice of the one table that a listing is driven by: its rows come in the order of the
policies' ids, so that a page costs what is on it, however long the history. Must not know what an
item looks like.
"""

from typing import Final, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Select, and_, exists, select
from sqlalchemy.sql.selectable import NamedFromClause

from timeline.eventstore.tables import tag_value
from timeline.projections.calendar import SEEN
from timeline.projections.reading import View, known, placed
from timeline.projections.word_reads import called


class PolicyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which policies; None asks for nothing. Text is folded already."""

    jurisdiction: str | None = None
    within: bool = False
    instrument: str | None = None
    topic: str | None = None
    identifier: str | None = None
    stage: str | None = None
    force: str | None = None
    litigation: str | None = None
    in_force: str | None = None
    words: str | None = None


Source: TypeAlias = NamedFromClause
"""A table under a name of its own, as it may be asked more than once in one query."""

_TAGS: Final = ("identifier", "topic")
"""Kinds of tags, the most selective first."""

_VALUES: Final = ("stage", "force", "litigation", "in_force")
"""Kinds of values, the most selective first."""


def select_ids(
    view: View, filter: PolicyFilter, *, day: int, position: int, after: str | None, limit: int
) -> list[str]:
    """Return the ids of the policies that match, in order.

    Args:
        view: the live read models.
        filter: what to look for.
        day: the date asked about, as an ordinal; policies without an action by then are left out.
        position: the moment of the record asked about.
        after: the id to go on after.
        limit: how many at most.

    """
    query, policy = _matching(view, filter, day=day, position=position)
    if after is not None:
        query = query.where(policy > after)
    query = query.order_by(policy)
    if filter.words is not None:
        # Told apart, or PostgreSQL 18 looks for the words in all before it sorts what has them.
        others = query.subquery()
        said = called(view, others.c.policy, filter.words, position)
        query = select(others.c.policy).where(said).order_by(others.c.policy)
    return list(view.connection.execute(query.limit(limit)).scalars())


def matching(
    view: View, filter: PolicyFilter, *, day: int, position: int
) -> tuple[Select[str], ColumnElement[str]]:
    """Return a query for the ids of the policies that match, and the column that it selects."""
    query, policy = _matching(view, filter, day=day, position=position)
    if filter.words is not None:
        query = query.where(called(view, policy, filter.words, position))
    return query, policy


def _matching(
    view: View, filter: PolicyFilter, *, day: int, position: int
) -> tuple[Select[str], ColumnElement[str]]:
    """Return a query for the ids of policies that match but for words, and the column it selects."""
    tables = [_tagged(view, kind, value, position) for kind, value in _asked(filter, _TAGS)]
    values = _asked(filter, _VALUES) or [(SEEN, "")]
    first, *others = (_valued(view, kind, value, day, position) for kind, value in values)
    # All that a row says of its policy has to be asked of one table.
    tables += [(first[0], and_(first[1], *_about(filter, first[0]))), *others]
    driving, matching = tables[0]
    query = select(driving.c.policy).where(matching)
    for table, condition in tables[1:]:
        query = query.where(_holds(table, condition, driving))
    return query, driving.c.policy


def _asked(filter: PolicyFilter, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, value) for name in names if (value := getattr(filter, name)) is not None]


def _tagged(view: View, kind: str, value: str, position: int) -> tuple[Source, ColumnElement[bool]]:
    tags = view.table("policies", "policy_tags").alias()
    return tags, and_(tags.c.kind == kind, tags.c.value == tag_value(value), known(tags, position))


def _valued(
    view: View, kind: str, value: str, day: int, position: int
) -> tuple[Source, ColumnElement[bool]]:
    """Return the days that have a value, and which of them are asked for.

    The columns behind the policy are compared as expressions: taken for conditions of the index they
    make PostgreSQL 18 reckon with a descent for each policy there is, and read all places instead.
    """
    values = view.table("policies", "policy_values").alias()
    return values, and_(
        values.c.kind == kind,
        values.c.value == value,
        values.c.first_day + 0 <= day,
        values.c.last_day + 0 >= day,
        values.c.known_from + 0 <= position,
        values.c.known_until + 0 > position,
    )


def _about(filter: PolicyFilter, values: Source) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filter.jurisdiction is not None:
        place = values.c.jurisdiction
        found.append(placed(place, filter.jurisdiction, below=filter.within))
    if filter.instrument is not None:
        found.append(values.c.instrument == filter.instrument)
    return found


def _holds(table: Source, condition: ColumnElement[bool], driving: Source) -> ColumnElement[bool]:
    return exists().where(table.c.policy == driving.c.policy, condition).correlate(driving)
