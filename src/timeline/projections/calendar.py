"""The rows of a policy's days: its periods, and for each value of an axis the days that have it.

Owns what is known of a policy by date. Must not know how it is queried.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec
from sqlalchemy import Table

from timeline.domain.periods import Period
from timeline.domain.vocabulary import InForce, Instrument
from timeline.projections.model import Fact, Part, Row, RowKey, Rows, TableSpec, to_json
from timeline.projections.tables import day, model_table, prose, text

MAX_DECIDING: Final = 100
"""Events named for one axis of one period, the last by id: more explain nothing to a person, and
each event of a policy would write all of them anew."""

SEEN: Final = "seen"
"""The kind of value, always empty, that a policy has from its first action on."""

_AXES: Final = ("stage", "force", "litigation")

Days: TypeAlias = tuple[int, int]
"""The first and the last of adjoining days."""

Value: TypeAlias = tuple[str, str]
"""A kind and a value of it, by which a policy is found on a day."""


class Found(msgspec.Struct, frozen=True, eq=False):
    """All by which a policy is found on a day, in order; as a rule the very same where alike."""

    values: dict[Value, None]


NOTHING: Final = Found({})

MAX_REMEMBERED_PERIODS: Final = 8
"""Periods of which it is remembered what moves: an event cuts one or two, most often."""


def _periods_table(slot: str) -> Table:
    return model_table(
        "policy_periods",
        slot,
        ("policy", "first_day"),
        text("policy"),
        day("first_day"),
        day("last_day"),
        text("stage", nullable=True),
        text("force"),
        text("force_reason", nullable=True),
        text("litigation"),
        text("in_force"),
        text("last_confirmed", nullable=True),
        prose("possible"),
        prose("decided_by"),
    )


def _values_table(slot: str) -> Table:
    return model_table(
        "policy_values",
        slot,
        ("kind", "value", "policy", "first_day"),
        text("kind"),
        text("value"),
        text("policy"),
        text("jurisdiction"),
        text("instrument"),
        day("first_day"),
        day("last_day"),
        indexes=(
            ("kind", "value", "jurisdiction", "policy", "first_day", "last_day"),
            ("policy",),
        ),
        narrow=True,
    )


def add_rows(part: Part, found: Rows) -> None:
    """Add a row for each period, and for each stretch of days in which an axis has a value."""
    if part.periods is None:
        return
    history = part.seen.history
    policy, described, periods = history.policy, history.described, history.periods
    start, stop = part.periods
    for period in periods[start:stop]:
        found[RowKey("policy_periods", (policy, period.first))] = Fact(_period, (policy, period))
    about = (policy, described.jurisdiction, described.instrument)
    for (kind, value), days in _values(periods, start, stop, part.instead):
        key = RowKey("policy_values", (kind, value, policy, days[0]))
        found[key] = Fact(_value, (kind, value, *about, *days))


def _value(
    kind: str,
    value: str,
    policy: str,
    jurisdiction: str,
    instrument: Instrument,
    first: int,
    last: int,
) -> Row:
    return {
        "kind": kind,
        "value": value,
        "policy": policy,
        "jurisdiction": jurisdiction,
        "instrument": str(instrument),
        "first_day": first,
        "last_day": last,
    }


def _period(policy: str, period: Period) -> Row:
    return {
        "policy": policy,
        "first_day": period.first,
        "last_day": period.last,
        "stage": period.stage,
        "force": str(period.force),
        "force_reason": None if period.force_reason is None else str(period.force_reason),
        "litigation": str(period.litigation),
        "in_force": str(period.in_force),
        "last_confirmed": period.last_confirmed,
        "possible": to_json(period.possible),
        "decided_by": to_json(
            {axis: events[-MAX_DECIDING:] for axis, events in period.decided_by.items()}
        ),
    }


def _values(
    periods: Sequence[Period], start: int, stop: int, instead: Sequence[Period]
) -> list[tuple[Value, Days]]:
    """Return what a policy is found by on a day, adjoining days with the same value as one.

    Args:
        periods: all of a policy's.
        start: stretches that end before this one's neighbour are left out.
        stop: those that begin after this one's neighbour, too.
        instead: what another picture has from start to stop; what that does not move is left out.

    """
    first, last = max(0, start - 1), min(stop + 1, len(periods))
    near, others = tuple(map(_on, periods[first:last])), tuple(map(_on, instead))
    fully = _days(periods[start:stop]) == _days(instead)
    runs = _runs if len(near) + len(others) <= MAX_REMEMBERED_PERIODS else _runs.__wrapped__
    return [
        (
            key,
            (
                periods[first + begins].first if begins else _since(periods, first, key),
                periods[first + ends].last
                if first + ends + 1 < last
                else _until(periods, last, key),
            ),
        )
        for key, begins, ends in runs(near, start - first, stop - first, others, fully=fully)
    ]


@lru_cache(maxsize=4_096)
def _runs(
    near: tuple[Found, ...], start: int, stop: int, instead: tuple[Found, ...], *, fully: bool
) -> list[tuple[Value, int, int]]:
    """Return, for each value that moved, where adjoining periods that have it begin and end.

    What a policy is found by on all days from start to stop, and on all of those in their place,
    stays as it is where these are `fully` the same days. Most policies move in the same few ways.
    """
    distinct = {*near[start:stop], *instead}
    moved = set().union(*(each.values for each in distinct))
    if fully:
        moved = {key for key in moved if not all(key in each.values for each in distinct)}
    done: list[tuple[Value, int, int]] = []
    began: dict[Value, int] = {}
    for index, found in enumerate((*near, NOTHING)):
        over = [key for key in began if key not in found.values]
        done.extend((key, began.pop(key), index - 1) for key in over)
        for key in found.values:
            if key in moved:
                began.setdefault(key, index)
    return done


def _days(periods: Sequence[Period]) -> Days | None:
    return (periods[0].first, periods[-1].last) if periods else None


def _since(periods: Sequence[Period], index: int, key: Value) -> int:
    """Return the first day of the stretch that a period is in."""
    while index and key in _on(periods[index - 1]).values:
        index -= 1
    return periods[index].first


def _until(periods: Sequence[Period], after: int, key: Value) -> int:
    """Return the last day of the stretch that the period before one is in."""
    while after < len(periods) and key in _on(periods[after]).values:
        after += 1
    return periods[after - 1].last


def _on(period: Period) -> Found:
    """Return the kinds and values that filters match: all that an axis may be."""
    possible = period.possible
    if not possible:
        return _certain(period.in_force, period.stage, period.force, period.litigation)
    return _keys(
        period.in_force,
        (period.stage, *possible.get("stage", ())),
        (period.force, *possible.get("force", ())),
        (period.litigation, *possible.get("litigation", ())),
    )


@lru_cache(maxsize=4_096)
def _certain(in_force: InForce, *axes: str | None) -> Found:
    return _keys(in_force, *((value,) for value in axes))


@lru_cache(maxsize=4_096)
def _keys(in_force: InForce, *axes: tuple[str | None, ...]) -> Found:
    values = (
        (axis, value)
        for axis, values in zip(_AXES, axes, strict=True)
        for value in sorted(str(value) for value in set(values) - {None})
    )
    return Found(dict.fromkeys(((SEEN, ""), ("in_force", str(in_force)), *values)))


SPECS: Final = (
    TableSpec("policy_periods", ("policy", "first_day"), _periods_table),
    TableSpec("policy_values", ("kind", "value", "policy", "first_day"), _values_table),
)
