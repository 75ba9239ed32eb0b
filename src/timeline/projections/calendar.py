"""The rows of a policy's days: its periods, and for each value of an axis the days that have it.

Owns what is known of a policy by date. Must not know how it is queried.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from sqlalchemy import Table

from timeline.domain.history import History
from timeline.domain.periods import Period
from timeline.domain.vocabulary import Instrument
from timeline.projections.model import Fact, Row, RowKey, TableSpec, to_json
from timeline.projections.tables import day, model_table, prose, text

MAX_DECIDING: Final = 100
"""Events named for one axis of one period, the last by id: more explain nothing to a person, and
each event of a policy would write all of them anew."""

SEEN: Final = "seen"
"""The kind of value, always empty, that a policy has from its first action on."""

_AXES: Final = ("stage", "force", "litigation")

Days: TypeAlias = tuple[int, int]
"""The first and the last of adjoining days."""


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


def rows(history: History, other: History | None = None) -> Iterator[tuple[RowKey, Fact]]:
    """Yield a row for each period, and for each stretch of days in which an axis has a value."""
    policy, described = history.policy, history.described
    place = (described.jurisdiction, described.instrument)
    same = {} if other is None else {each.first: each for each in other.periods}
    changed = [each for each in history.periods if same.get(each.first) != each]
    for period in changed:
        yield RowKey("policy_periods", (policy, period.first)), Fact(_period, (policy, period))
    if (
        other is not None
        and not changed
        and len(same) == len(history.periods)
        and place == (other.described.jurisdiction, other.described.instrument)
    ):
        return
    for kind, value, days in _values(history.periods):
        yield (
            RowKey("policy_values", (kind, value, policy, days[0])),
            Fact(_value, (kind, value, policy, *place, *days)),
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


def _values(periods: Sequence[Period]) -> Iterator[tuple[str, str, Days]]:
    """Yield what a policy is found by on a day, adjoining days with the same value as one."""
    open_values: dict[tuple[str, str], Days] = {}
    for period in periods:
        for key in _on(period):
            days = open_values.get(key)
            if days is not None and days[1] == period.first - 1:
                open_values[key] = (days[0], period.last)
                continue
            if days is not None:
                yield (*key, days)
            open_values[key] = (period.first, period.last)
    for key, days in open_values.items():
        yield (*key, days)


def _on(period: Period) -> Iterator[tuple[str, str]]:
    """Yield the kinds and values that filters match: all that an axis may be."""
    yield SEEN, ""
    yield "in_force", str(period.in_force)
    for axis in _AXES:
        value = getattr(period, axis)
        possible = period.possible.get(axis)
        if possible is not None:
            for each in sorted(map(str, {value, *possible} - {None})):
                yield axis, each
        elif value is not None:
            yield axis, str(value)


SPECS: Final = (
    TableSpec("policy_periods", ("policy", "first_day"), _periods_table),
    TableSpec("policy_values", ("kind", "value", "policy", "first_day"), _values_table),
)
