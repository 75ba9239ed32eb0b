"""Questions about a policy's steps: at which positions its picture changed, and what it was there.

Owns the walk through a policy's rectangles: a page of steps takes a fixed number of queries. Must
not know events or HTTP.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, select

from timeline.projections.policy_reads import state_of, values_of
from timeline.projections.reading import View


def steps(view: View, policy: str, *, after: int, until: int, limit: int) -> list[int]:
    """Return the positions at which a policy's picture changed, in order."""
    table = view.table("policies", "policy_steps")
    rows = view.connection.execute(
        select(table.c.known_from)
        .where(table.c.policy == policy, table.c.known_from > after, table.c.known_from <= until)
        .order_by(table.c.known_from)
        .limit(limit)
    )
    return [row.known_from for row in rows]


def recent_steps(
    view: View,
    policies: Select[str] | Sequence[str],
    *,
    position: int,
    before: int | None,
    limit: int,
) -> list[int]:
    """Return the positions at which the picture of any of some policies changed, newest first.

    Args:
        view: the live read models.
        policies: their ids, or a query for them.
        position: the moment of the record asked about.
        before: only earlier positions than this.
        limit: how many at most.

    """
    table = view.table("policies", "policy_steps")
    last = position if before is None else before - 1
    query = (
        select(table.c.known_from)
        .where(table.c.policy.in_(policies), table.c.known_from <= last)
        .distinct()
        .order_by(table.c.known_from.desc())
        .limit(limit)
    )
    return list(view.connection.execute(query).scalars())


_STEP: Final = itemgetter(0)


def states(
    view: View, policy: str, day: int, positions: Sequence[int]
) -> list[dict[str, Any] | None]:
    """Return what a policy was at each of some positions; None where it was not known.

    Args:
        view: the live read models.
        policy: the policy.
        day: the date asked about, as an ordinal.
        positions: in order; 0 for before the first step.

    """
    if not positions:
        return []
    periods, disputes = (view.table("policies", name) for name in ("policy_periods", "disputes"))
    dated_so = (periods.c.first_day <= day, periods.c.last_day >= day)
    described = _rectangles(view, "policies", policy, positions)
    dated = _rectangles(view, "policy_periods", policy, positions, *dated_so)
    disputed = _rectangles(view, "disputes", policy, positions, disputes.c.settled_by.is_(None))
    counted = _rectangles(view, "policy_steps", policy, positions)
    versions = sorted((row.known_from, row.version) for row in counted)
    found: list[dict[str, Any] | None] = []
    for position in positions:
        about = _at(described, position)
        if about is None:
            found.append(None)
            continue
        period = _at(dated, position)
        version = versions[bisect_right(versions, position, key=_STEP) - 1][1]
        found.append(
            state_of(
                {**values_of(about), "version": version},
                None if period is None else values_of(period),
                disputed=_at(disputed, position) is not None,
            )
        )
    return found


def _rectangles(
    view: View,
    name: str,
    policy: str,
    positions: Sequence[int],
    *conditions: ColumnElement[bool],
) -> Sequence[Row[Any]]:
    """Return a policy's rows that were believed between the first and the last position."""
    table = view.table("policies", name)
    query = select(table).where(
        table.c.policy == policy,
        table.c.known_from <= positions[-1],
        table.c.known_until > positions[0],
        *conditions,
    )
    return view.connection.execute(query).all()


def _at(rows: Iterable[Row[Any]], position: int) -> Row[Any] | None:
    return next((row for row in rows if row.known_from <= position < row.known_until), None)
