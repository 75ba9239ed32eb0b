"""Rule 8 by brute force: what each open claim leads to is what the record would say if it were so.

For every open claim the record is written once more with that one value in it and without any
dispute, and read by who knows of no disputes at all: dates uncertain, cycles, selectors, mergers.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given, settings

from random_record import Draw, accept, draws
from record_oracle import Claim, RecordOracle, erase
from recorded_streams import RecordedStreams
from timeline.domain.belief import PastEvent
from timeline.domain.doubt import AXES
from timeline.domain.events import (
    DATA_TYPES,
    ActionCorrected,
    SourceAttached,
    Stance,
    field_type,
    read,
)
from timeline.domain.history import History
from timeline.domain.periods import Period
from timeline.domain.vocabulary import WITHOUT_FORCE
from timeline.projections.graph import Graph
from timeline.projections.memory import Memory

Json = dict[str, Any]
Told = tuple[tuple[str | None, ...], str | None, str]
"""Of one axis on one day: its possible values, the value served, and whether in force."""


def without_disputes(event: PastEvent) -> PastEvent:
    """Return an event that disputes nothing."""
    if not isinstance(event.data, SourceAttached):
        return event
    data = msgspec.structs.replace(event.data, stance=Stance.SUPPORTS, claim=None)
    return msgspec.structs.replace(event, data=data)


def as_claimed(event: PastEvent, claim: Claim) -> PastEvent:
    """Return an event as it would be if a claim were so; corrections leave the field alone."""
    data: Any = event.data
    if event.id == claim.event and getattr(data, claim.field, msgspec.UNSET) is not msgspec.UNSET:
        value = read(field_type(DATA_TYPES[event.type], claim.field), claim.value, "value")
        data = msgspec.structs.replace(data, **{claim.field: value})
    elif isinstance(data, ActionCorrected) and data.event == claim.event:
        changes = msgspec.structs.replace(data.changes, **{claim.field: msgspec.UNSET})
        data = msgspec.structs.replace(data, changes=changes)
    return msgspec.structs.replace(event, data=data)


def histories(events: Sequence[PastEvent]) -> dict[str, History]:
    """Return what is believed of every policy."""
    memory = Memory(RecordedStreams(events, len(events)))
    memory.now = len(events)
    graph = Graph(memory, len(events))
    seen = {policy: graph.node(policy).seen for policy in sorted({each.policy for each in events})}
    return {policy: each.history for policy, each in seen.items() if each is not None}


def on(history: History, day: int) -> Period | None:
    """Return the period that covers a day."""
    return next((each for each in history.periods if each.first <= day <= each.last), None)


def told(history: History, day: int) -> dict[str, Any]:
    """Return what is said of a day, also before anything is known to happen."""
    period = on(history, day)
    if period is None:
        forceless = history.described.instrument in WITHOUT_FORCE
        force = "not_applicable" if forceless else "not_enacted"
        return {"stage": {None}, "force": {force}, "litigation": {"none"}, "in_force": {"no"}}
    axes = {axis: set(period.possible.get(axis, (getattr(period, axis),))) for axis in AXES}
    return {**axes, "in_force": {str(period.in_force)}}


def served(history: History, day: int) -> dict[str, Any]:
    """Return the values that are served for a day."""
    period = on(history, day)
    names = (*AXES, "force_reason", "last_confirmed")
    return {} if period is None else {name: getattr(period, name) for name in names}


@settings(max_examples=300, deadline=None)
@given(draws)
def test_rule_8_each_claim_is_the_record_with_that_one_value_replaced(drawn: list[Draw]) -> None:
    """The value served is the believed one; what all claims lead to is possible besides."""
    check(drawn)


def check(drawn: Sequence[Draw]) -> int:
    """Compare all policies on all days; returns how many answers a claim opened."""
    record = accept(drawn)
    events = RecordedStreams([event for event, _ in record], len(record)).events
    claims = RecordOracle(erase(record), len(record)).claims()
    plain = [without_disputes(event) for event in events]

    found = histories(events)

    believed = histories(plain)
    worlds = [histories([as_claimed(event, claim) for event in plain]) for claim in claims]
    opened = 0
    for policy, history in found.items():
        all_of_it = [believed[policy], *(world[policy] for world in worlds)]
        days = {each.first for one in (history, *all_of_it) for each in one.periods}
        for day in sorted(days):
            values = [told(each, day) for each in all_of_it]
            expected = {axis: set().union(*(each[axis] for each in values)) for axis in values[0]}
            if len(expected["in_force"]) > 1:
                expected["in_force"] = {"maybe"}
            opened += expected != values[0]
            assert told(history, day) == expected, (policy, day)
            assert (
                on(history, day) is None
                or on(believed[policy], day) is None
                or served(history, day) == served(believed[policy], day)
            )
    return opened
