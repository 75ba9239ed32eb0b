"""Questions about places: how many policies each has, by what is believed of them on a day.

Owns the counting, which reads narrow rows alone but for policies of which a value is in doubt. Must
not know cursors or HTTP.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Subquery, Table, and_, case, func, literal_column, select

from timeline.domain.vocabulary import Force, InForce
from timeline.projections.calendar import SEEN
from timeline.projections.reading import View, chunks, known, placed

_FORCES: Final = tuple(map(str, Force))
_ANSWERS: Final = tuple(map(str, InForce))


def count_policies(
    view: View,
    jurisdiction: str | None,
    *,
    below: bool,
    day: int,
    position: int,
    after: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return, by jurisdiction, how many policies a listing has, each under its believed values.

    Args:
        view: the live read models.
        jurisdiction: the one asked about; None for all.
        below: take in those below it.
        day: the date asked about, as an ordinal; policies without an action by then do not count.
        position: the moment of the record asked about.
        after: the jurisdiction to go on after.
        limit: how many jurisdictions at most.

    """
    values = view.table("policies", "policy_values")
    believed = _believed(values, day, position)
    place = values.c.jurisdiction
    query = (
        select(place)
        .distinct()
        .where(values.c.kind == SEEN, values.c.value == "", believed)
        .order_by(place)
        .limit(limit)
    )
    if jurisdiction is not None:
        query = query.where(placed(place, jurisdiction, below=below))
    if after is not None:
        query = query.where(place > after)
    places = [row.jurisdiction for row in view.connection.execute(query)]
    found = {place: _none(place) for place in places}
    for some in chunks(places):
        _count_answers(view, some, believed, found)
        _count_forces(view, some, day, position, found)
    return list(found.values())


def _none(jurisdiction: str) -> dict[str, Any]:
    return {
        "jurisdiction": jurisdiction,
        "total": 0,
        "force": dict.fromkeys(_FORCES, 0),
        "in_force": dict.fromkeys(_ANSWERS, 0),
    }


def _believed(table: Table, day: int, position: int) -> ColumnElement[bool]:
    return and_(table.c.first_day <= day, table.c.last_day >= day, known(table, position))


def _count_answers(
    view: View,
    places: Sequence[str],
    believed: ColumnElement[bool],
    found: dict[str, dict[str, Any]],
) -> None:
    """Count policies by `in_force`, of which each has one value on a day."""
    values = view.table("policies", "policy_values")
    query = (
        select(values.c.jurisdiction, values.c.value, func.count().label("policies"))
        .where(
            values.c.kind == "in_force",
            values.c.value.in_(_ANSWERS),
            values.c.jurisdiction.in_(places),
            believed,
        )
        .group_by(values.c.jurisdiction, values.c.value)
    )
    for row in view.connection.execute(query):
        found[row.jurisdiction]["in_force"][row.value] += row.policies
        found[row.jurisdiction]["total"] += row.policies


def _count_forces(
    view: View, places: Sequence[str], day: int, position: int, found: dict[str, dict[str, Any]]
) -> None:
    """Count policies by force; where several are possible, their period says which is believed."""
    values, periods = (view.table("policies", name) for name in ("policy_values", "policy_periods"))
    possible = _possible_forces(values, places, _believed(values, day, position))
    believed = (
        select(periods.c.force)
        .where(periods.c.policy == possible.c.policy, _believed(periods, day, position))
        .correlate(possible)
        .scalar_subquery()
    )
    force = case((possible.c.choices == 1, possible.c.force), else_=believed)
    query = select(possible.c.jurisdiction, force.label("force"), func.count().label("policies"))
    for row in view.connection.execute(
        query.group_by(possible.c.jurisdiction, literal_column("2"))
    ):
        found[row.jurisdiction]["force"][row.force] += row.policies


def _possible_forces(
    values: Table, places: Sequence[str], believed: ColumnElement[bool]
) -> Subquery:
    """Return each policy with one of its possible forces, and how many it has."""
    return (
        select(
            values.c.jurisdiction,
            values.c.policy,
            func.max(values.c.value).label("force"),
            func.count().label("choices"),
        )
        .where(
            values.c.kind == "force",
            values.c.value.in_(_FORCES),
            values.c.jurisdiction.in_(places),
            believed,
        )
        .group_by(values.c.jurisdiction, values.c.policy)
        .subquery()
    )
