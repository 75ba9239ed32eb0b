"""What an event adds to the read models: as much as it changes, however long the history."""

from collections import Counter

import pytest

from domain_builders import (
    LOS_ANGELES,
    SOURCE,
    acted,
    described,
    event_id,
    registered,
    related,
    supported,
)
from history_builders import past
from recorded_streams import RecordedStreams, seen_at
from timeline.domain.belief import PastEvent
from timeline.projections import graph, wave
from timeline.projections.calendar import MAX_DECIDING
from timeline.projections.changes import Changes
from timeline.projections.graph import Graph, Node
from timeline.projections.memory import Memory
from timeline.projections.model import RowKey, rows_of, whole
from timeline.projections.models import MODELS
from timeline.projections.projector import Projector
from timeline.projections.wave import Wave

LAW = registered("law", instrument="executive_order")
ISSUED = acted("law", action="issued", occurred="2024-01-01")


def added(events: list[PastEvent], last: int) -> Counter[str]:
    """Return how many rows the last events add, by table."""
    projector = Projector(MODELS, RecordedStreams(events, 0))
    projector.advance(events[:-last], Changes())
    changes = Changes()
    projector.advance(events[-last:], changes)
    return Counter(key.table for key, opened in changes.opened)


def test_a_source_adds_its_own_row_and_a_step() -> None:
    """The hundredth source on an action costs what the first did."""
    sources = [
        supported("law", event_id(2), source={**SOURCE, "locator": f"p. {page}"})
        for page in range(100)
    ]

    assert added(past(LAW, ISSUED, *sources), 100) == {"sources": 100, "policy_steps": 100}


def test_a_title_rewrites_no_action() -> None:
    """What an action's items say of their policy is looked up when they are served."""
    actions = [acted("law", action="hearing_held", occurred="2024-02-01") for _ in range(20)]

    events = past(LAW, ISSUED, *actions, described("law", title="Another title"))

    assert added(events, 1) == {"policies": 1, "policy_steps": 1}


def test_an_action_adds_what_it_changes() -> None:
    """An action that moves no axis adds itself, its source, and the day it was confirmed on."""
    actions = [acted("law", action="confirmed", occurred=f"2024-02-{day:02}") for day in (1, 2, 3)]

    assert added(past(LAW, ISSUED, *actions), 1) == {
        "timeline": 1,
        "sources": 1,
        "policy_periods": 2,
        "policy_steps": 1,
    }


def test_a_period_names_a_bounded_number_of_events() -> None:
    """However many events decide an axis, a period's row stays small, and names the last by id."""
    partial = {"scope": "partial", "occurred": "2024-02-01"}
    acts = [
        acted("law", action="suspended", provision=f"part {part}", **partial)
        for part in range(MAX_DECIDING + 20)
    ]
    events = past(LAW, ISSUED, *acts)

    seen = seen_at(RecordedStreams(events, 0), "law", len(events))

    assert seen is not None
    assert len(seen.history.periods[-1].decided_by["force"]) > MAX_DECIDING
    (row,) = [
        fact.row
        for key, fact in rows_of(MODELS, whole(seen)).items()
        if key == RowKey("policy_periods", ("law", seen.history.periods[-1].first))
    ]
    assert row["decided_by"].count(event_id(len(events))) == 1
    assert row["decided_by"].count("-7000-") <= 2 * MAX_DECIDING


def test_a_selector_over_many_policies_keeps_none_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that bear on nobody are worked out one after the other, however many it names."""
    monkeypatch.setattr(graph, "MAX_KEPT", 30)
    monkeypatch.setattr(graph, "STREAMS", 2)
    monkeypatch.setattr(wave, "STREAMS", 2)
    names = [f"t{number}" for number in range(10)]
    drafts = [each for name in (*names, "x") for each in (registered(name), acted(name))]
    events = past(*drafts, related("x", {"selector": {"jurisdiction": LOS_ANGELES}}))
    memory = Memory(RecordedStreams(events, 0))
    memory.now = len(events) - 1
    kept, before = Graph(memory, memory.now), Graph(memory, memory.now)
    memory.add(events[-1])
    kept.position = len(events)

    reached = []
    for policy, earlier, later in Wave(kept, before).spread(events[-1]):
        reached.append(policy)
        assert [shown_force(each) for each in (earlier, later)] == ["in_force", FORCES[policy[0]]]
        assert len([name for name in names if before.known(name, len(events))]) <= 1
        assert len([name for name in names if kept.known(name, len(events))]) <= 30 / 4 + 2

    assert reached == ["x", *names]


FORCES = {"x": "in_force", "t": "no_longer_in_force"}


def shown_force(node: Node) -> str:
    """Return the force on the last days."""
    assert node.history is not None
    return str(node.history.periods[-1].force)


def test_histories_are_kept_within_a_bound_of_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was used longest ago goes first; a policy that is larger than the bound is kept alone."""
    monkeypatch.setattr(graph, "MAX_KEPT", 30)
    drafts = [
        each
        for policy, actions in (("a", 4), ("b", 20), ("c", 5), ("d", 40))
        for each in (registered(policy), *[acted(policy, action="confirmed")] * actions)
    ]
    events = past(*drafts)
    memory = Memory(RecordedStreams(events, 0))
    memory.now = len(events)
    kept = Graph(memory, len(events))

    def known() -> list[str]:
        kept.shrink()
        return [policy for policy in "abcd" if kept.known(policy, len(events))]

    found = []
    for policy in "abcd":
        kept.node(policy)
        found.append(known())

    assert found == [["a"], ["a", "b"], ["c"], ["d"]]
