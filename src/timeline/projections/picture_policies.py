"""Questions to the read models for a picture of the record: its policies, counted where they are many.

Owns the choice of the policies that a lane shows, the days of their force, and how many have it when.
A question costs at most a walk through one index or table, however wide the window is and however
much is in it. Must not know lanes, HTTP, nor how a picture is drawn.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    case,
    func,
    or_,
    select,
    text,
)

from timeline.domain.vocabulary import Force, InForce
from timeline.projections.calendar import SEEN
from timeline.projections.picture_reads import Selection, Window
from timeline.projections.reading import View, chunks, known

_KINDS: Final = ("in_force", "force")

_SHOWN: Final = (str(InForce.YES), str(InForce.MAYBE), str(Force.SUSPENDED))
"""What a policy's days are shown for: what is, or may be, in force, and what is suspended."""

_WEIGHTS: Final[Mapping[str, int]] = {
    str(force): 1 if force in {Force.NOT_ENACTED, Force.NOT_APPLICABLE} else 2 << number
    for number, force in enumerate(Force)
}
"""What tells a set of possible forces by its sum. What is not enacted, or is no law, has no force: it
weighs as much as a policy of which nothing is possible yet, so that these differ in nothing."""

_ANSWERS: Final = (str(InForce.YES), str(InForce.MAYBE))


class Moments(NamedTuple):
    """A day as known at a position."""

    day: int
    position: int


class Standing(NamedTuple):
    """How many policies of a place had one answer from one stretch of a window to another.

    `begins` is the first stretch on whose last day they had it, `ends` the first on whose last day
    they had it no more; `on_day` tells whether they have it on the day asked about.
    """

    jurisdiction: str
    answer: str
    begins: int
    ends: int
    on_day: bool
    policies: int


def standings(
    selection: Selection, window: Window, width_days: int, until: int, day: int
) -> list[Standing]:
    """Return how many policies were, and may have been, in force, stretch by stretch, and on a day.

    Args:
        selection: the policies that count.
        window: cut into stretches.
        width_days: of one stretch.
        until: the last day of the window that counts; its stretch ends with it.
        day: the one asked about, in the window or not.

    """
    values = selection.view.table("policies", "policy_values")
    first, last = values.c.first_day, values.c.last_day
    stretches = (until - window.first) // width_days + 1
    begins = case(
        (first > until, stretches),
        (first <= window.first, 0),
        else_=(first - window.first) // width_days,
    ).label("begins")
    ends = case(
        (last >= until, stretches),
        (last < window.first, 0),
        else_=(last + 1 - window.first) // width_days,
    ).label("ends")
    on_day = case((and_(first <= day, last >= day), 1), else_=0).label("on_day")
    counted = func.count().label("policies")
    query = (
        select(values.c.jurisdiction, values.c.value, begins, ends, on_day, counted)
        .where(
            values.c.kind == "in_force",
            values.c.value.in_(_ANSWERS),
            first + 0 <= max(until, day),
            last + 0 >= min(window.first, day),
            known(values, selection.position),
            *selection.conditions(values),
        )
        .group_by(*(text(name) for name in ("jurisdiction", "value", "begins", "ends", "on_day")))
    )
    rows = selection.view.connection.execute(query)
    return [
        Standing(place, answer, begins, ends, bool(on_day), policies)
        for place, answer, begins, ends, on_day, policies in rows
    ]


def count_shown(selection: Selection, window: Window) -> dict[str, int]:
    """Return, by place, how many policies are, or may be, in force or suspended in a window."""
    values = selection.view.table("policies", "policy_values")
    query = (
        select(values.c.jurisdiction, func.count(values.c.policy.distinct()))
        .where(*_within_window(values, selection, window))
        .group_by(values.c.jurisdiction)
    )
    return {row[0]: row[1] for row in selection.view.connection.execute(query)}


def busiest_policies(
    selection: Selection, asked: tuple[Window, Window], jurisdictions: Sequence[str], limit: int
) -> list[str]:
    """Return policies of some places that are in force in a window, so that they spread over it.

    The window is cut into as many parts as policies are wanted. In turn each part gives the one that
    begins in it and has most actions, then the next; those that began before the window come last.

    Args:
        selection: the policies to choose from.
        asked: the window, and what of it counts.
        jurisdictions: the places.
        limit: how many are wanted.

    """
    (whole, counting) = asked
    width = -(-(whole.last - whole.first + 1) // limit)
    found: list[Row[Any]] = []
    for some in chunks(jurisdictions):
        query = _by_part(selection, whole.first, width, counting, some).subquery()
        found.extend(selection.view.connection.execute(select(query).where(query.c.place <= limit)))
    parts: dict[int, list[Row[Any]]] = {}
    for row in sorted(found, key=lambda row: (-row.actions, row.policy)):
        parts.setdefault(row.part, []).append(row)
    ranked = [
        (row.part == _BEFORE, place, -row.actions, row.policy)
        for rows in parts.values()
        for place, row in enumerate(rows)
    ]
    return [each[-1] for each in sorted(ranked)[:limit]]


_BEFORE: Final = -1
"""The part of a window in which those are that began before it."""


def _by_part(
    selection: Selection, first: int, width: int, counting: Window, places: Sequence[str]
) -> Select[Any]:
    """Return the query for policies with their part of a window, their actions, and their place."""
    values = selection.view.table("policies", "policy_values")
    actions = selection.view.table("timeline", "timeline")
    begun = (
        select(values.c.policy, func.min(values.c.first_day).label("begins"))
        .where(values.c.jurisdiction.in_(places), *_within_window(values, selection, counting))
        .group_by(values.c.policy)
        .subquery()
    )
    acted = (
        select(func.count())
        .where(
            actions.c.policy == begun.c.policy,
            actions.c.earliest <= counting.last,
            actions.c.latest + 0 >= counting.first,
            known(actions, selection.position),
        )
        .scalar_subquery()
    )
    part = case((begun.c.begins < first, _BEFORE), else_=(begun.c.begins - first) // width)
    counted = select(begun.c.policy, part.label("part"), acted.label("actions")).cte("counted")
    # Otherwise SQLite counts anew for each comparison.
    counted = counted.prefix_with("MATERIALIZED")
    place = func.row_number().over(
        partition_by=counted.c.part, order_by=(counted.c.actions.desc(), counted.c.policy)
    )
    return select(counted, place.label("place"))


def _within_window(
    values: Table, selection: Selection, window: Window
) -> list[ColumnElement[bool]]:
    return [
        values.c.kind.in_(_KINDS),
        values.c.value.in_(_SHOWN),
        values.c.first_day + 0 <= window.last,
        values.c.last_day + 0 >= window.first,
        known(values, selection.position),
        *selection.conditions(values),
    ]


def periods(view: View, policies: Sequence[str], position: int) -> dict[str, list[Row[Any]]]:
    """Return all periods of policies, in order, by policy."""
    table = view.table("policies", "policy_periods")
    names = ("policy", "first_day", "last_day", "force", "in_force", "litigation")
    found: dict[str, list[Row[Any]]] = {}
    for some in chunks(policies):
        query = (
            select(*(table.c[name] for name in names))
            .where(table.c.policy.in_(some), known(table, position))
            .order_by(table.c.policy, table.c.first_day)
        )
        for row in view.connection.execute(query):
            found.setdefault(row.policy, []).append(row)
    return found


def count_differing(selection: Selection, asked: Moments, now: Moments) -> dict[str, int]:
    """Return, by place, how many policies have another force at one day and position than at another."""
    found = _differing(selection, asked, now).subquery()
    query = select(found.c.jurisdiction, func.count()).group_by(found.c.jurisdiction)
    return {row[0]: row[1] for row in selection.view.connection.execute(query)}


def list_differing(selection: Selection, asked: Moments, now: Moments, limit: int) -> list[str]:
    """Return the first, by id, of the policies that have another force at one moment than at another."""
    values = selection.view.table("policies", "policy_values")
    query = _differing(selection, asked, now).order_by(values.c.policy).limit(limit)
    return list(selection.view.connection.execute(query).scalars())


def differing(
    selection: Selection, asked: Moments, now: Moments, policies: Sequence[str]
) -> frozenset[str]:
    """Return which of some policies have another force at one day and position than at another."""
    found: set[str] = set()
    for some in chunks(policies):
        query = _differing(selection, asked, now, some)
        found.update(row.policy for row in selection.view.connection.execute(query))
    return frozenset(found)


def acted(view: View, policies: Sequence[str], moment: Moments) -> frozenset[str]:
    """Return which of some policies have an action by a day, as known at a position."""
    values = view.table("policies", "policy_values")
    found: set[str] = set()
    for some in chunks(policies):
        seen = [values.c.kind == SEEN, values.c.value == "", values.c.policy.in_(some)]
        query = select(values.c.policy).where(*seen, _on(values, moment))
        found.update(view.connection.execute(query).scalars())
    return frozenset(found)


def _differing(
    selection: Selection, asked: Moments, now: Moments, policies: Sequence[str] | None = None
) -> Select[Any]:
    """Return the query for the policies of which another set of forces is possible at each moment.

    Where policies are named, these are found by their ids.
    """
    values = selection.view.table("policies", "policy_values")
    weight = case(_WEIGHTS, value=values.c.value)
    moments = [_on(values, asked), _on(values, now)]
    then, today = (func.sum(case((moment, weight), else_=0)) for moment in moments)
    named = [] if policies is None else [values.c.policy.in_(policies)]
    return (
        select(values.c.policy, func.max(values.c.jurisdiction).label("jurisdiction"))
        .where(
            (values.c.kind if policies is None else values.c.kind.concat("")) == "force",
            values.c.value.in_(_WEIGHTS),
            or_(*moments),
            *selection.conditions(values),
            *named,
        )
        .group_by(values.c.policy)
        .having(case((then == 0, 1), else_=then) != case((today == 0, 1), else_=today))
    )


def _on(values: Table, moment: Moments) -> ColumnElement[bool]:
    """Return the condition that a row holds on a day, as known at a position."""
    return and_(
        values.c.first_day + 0 <= moment.day,
        values.c.last_day + 0 >= moment.day,
        values.c.known_from + 0 <= moment.position,
        values.c.known_until + 0 > moment.position,
    )
