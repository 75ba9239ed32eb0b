"""The rows of a policy's days: its periods, and for each value of an axis the days that have it.

Owns what is known of a policy by date. Must not know how it is queried.
"""

from collections.abc import Container, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, TypeAlias

from sqlalchemy import Table

from timeline.domain.periods import Period
from timeline.domain.vocabulary import InForce, Instrument
from timeline.projections.model import Fact, Part, Row, RowKey, TableSpec, to_json
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


def rows(part: Part) -> Iterator[tuple[RowKey, Fact]]:
    """Yield a row for each period, and for each stretch of days in which an axis has a value."""
    if part.periods is None:
        return
    policy, described = part.history.policy, part.history.described
    periods = part.history.periods
    start, stop = part.periods
    for period in periods[start:stop]:
        yield RowKey("policy_periods", (policy, period.first)), Fact(_period, (policy, period))
    moved = _moved(periods[start:stop], part.instead)
    for kind, value, days in _values(periods, start, stop, moved):
        yield (
            RowKey("policy_values", (kind, value, policy, days[0])),
            Fact(
                _value,
                (kind, value, policy, described.jurisdiction, described.instrument, *days),
            ),
        )


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


def _moved(periods: Sequence[Period], others: Sequence[Period]) -> set[Value]:
    """Return what a policy is found by on some of the days in the place of which there are others.

    What it is found by on all of them, and on all of the others, stays as it is.
    """
    values = [_on(period) for period in chain(periods, others)]
    found = set().union(*values)
    if values and _days(periods) == _days(others):
        found -= set(values[0]).intersection(*values[1:])
    return found


def _days(periods: Sequence[Period]) -> Days | None:
    return (periods[0].first, periods[-1].last) if periods else None


def _values(
    periods: Sequence[Period], start: int, stop: int, moved: Container[Value]
) -> Iterator[tuple[str, str, Days]]:
    """Yield what a policy is found by on a day, adjoining days with the same value as one.

    Args:
        periods: all of a policy's.
        start: stretches that end before this one's neighbour are left out.
        stop: those that begin after this one's neighbour, too.
        moved: those of all others are, too.

    """
    first, last = max(0, start - 1), min(stop + 1, len(periods))
    found: dict[Value, Days] = {}
    for index in range(first, last):
        period = periods[index]
        for key in _on(period):
            if key not in moved:
                continue
            days = found.get(key)
            if days is not None and days[1] == period.first - 1:
                found[key] = (days[0], period.last)
                continue
            if days is not None:
                yield (*key, days)
            begins = _since(periods, index, key) if index == first else period.first
            found[key] = (begins, period.last)
    for key, days in found.items():
        if days[1] == periods[last - 1].last:
            yield (*key, (days[0], _until(periods, last - 1, key)))
        else:
            yield (*key, days)


def _since(periods: Sequence[Period], index: int, key: Value) -> int:
    """Return the first day of the stretch that a period is in."""
    while index and key in _on(periods[index - 1]):
        index -= 1
    return periods[index].first


def _until(periods: Sequence[Period], index: int, key: Value) -> int:
    """Return the last day of the stretch that a period is in."""
    while index + 1 < len(periods) and key in _on(periods[index + 1]):
        index += 1
    return periods[index].last


def _on(period: Period) -> tuple[Value, ...]:
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
def _certain(in_force: InForce, *axes: str | None) -> tuple[Value, ...]:
    return _keys(in_force, *((value,) for value in axes))


@lru_cache(maxsize=4_096)
def _keys(in_force: InForce, *axes: tuple[str | None, ...]) -> tuple[Value, ...]:
    return (
        (SEEN, ""),
        ("in_force", str(in_force)),
        *(
            (axis, value)
            for axis, values in zip(_AXES, axes, strict=True)
            for value in sorted(str(value) for value in set(values) - {None})
        ),
    )


SPECS: Final = (
    TableSpec("policy_periods", ("policy", "first_day"), _periods_table),
    TableSpec("policy_values", ("kind", "value", "policy", "first_day"), _values_table),
)
