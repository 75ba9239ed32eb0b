"""How far an event reaches: what is kept from event to event is what a fresh graph says."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from domain_builders import Draft, acted, disputed, event_id, merged, registered, related, retracted
from history_builders import past
from recorded_streams import RecordedStreams, seen_at
from timeline.domain.belief import PastEvent
from timeline.domain.vocabulary import EventType
from timeline.projections import graph as graphs
from timeline.projections.circles import Circle
from timeline.projections.graph import Graph
from timeline.projections.memory import Memory
from timeline.projections.wave import Wave


def kept_and_fresh(
    drafts: Sequence[Draft], restart_before: int = 0
) -> tuple[list[object], list[object]]:
    """Return all periods as they are kept from event to event, and as they are worked out anew.

    What is remembered is lost before one of the events.
    """
    events = past(*drafts)
    log = RecordedStreams(events, 0)
    memory = Memory(log)
    graph = Graph(memory, 0)
    for event in events:
        if event.position == restart_before:
            memory.forget()
            graph.forget()
        _take(event, memory, graph)
    policies = sorted({event.policy for event in events})
    kept = [graph.node(policy).seen for policy in policies]
    fresh = [seen_at(log, policy, len(events)) for policy in policies]
    return [each and each.history.periods for each in kept], [
        each and each.history.periods for each in fresh
    ]


def _take(event: PastEvent, memory: Memory, graph: Graph) -> None:
    before = Graph(memory, event.position - 1)
    memory.add(event)
    graph.position = event.position
    if event.type is EventType.POLICIES_MERGED:
        graph.merge()
    list(Wave(graph, before).spread(event))


def suspends(policy: str, target: str, effective: str, **relation: str) -> Draft:
    """Let a policy suspend another."""
    return related(policy, {"policy": target}, relation="suspends", effective=effective, **relation)


def test_a_cycle_follows_as_often_as_what_lies_outside_it_changes() -> None:
    """A member is reached at once, and again through a chain: the other member follows both times."""
    orders = [
        draft
        for name in "abestu"
        for draft in (
            registered(name, instrument="executive_order"),
            acted(name, action="issued", occurred="2015-01-01"),
        )
    ]
    cycle = [
        suspends("a", "b", "2021-01-01", scope="partial", provision="1"),
        related("b", {"policy": "a"}, relation="repeals", effective="2022-01-01"),
    ]
    outside = [
        suspends("e", "a", "2016-01-01", scope="partial", provision="9"),
        suspends("e", "t", "2022-06-01"),
        suspends("t", "u", "2017-01-01"),
        suspends("u", "s", "2017-06-01"),
        suspends("s", "a", "2018-01-01"),
    ]
    last = acted("e", action="rescinded", occurred="2022-07-01")

    kept, fresh = kept_and_fresh([*orders, *cycle, *outside, last])

    assert kept == fresh


def test_a_claim_about_who_is_not_registered_yet_is_found_once_they_are() -> None:
    """A source may dispute a relation's target before the one it names enters the record."""
    story = [
        registered("new", instrument="executive_order"),
        acted("new", action="issued", occurred="2021-01-01"),
        registered("old", instrument="executive_order"),
        related("new", {"policy": "old"}, relation="rescinds"),
        disputed("new", event_id(4), "target", {"policy": "later"}),
        registered("later", instrument="executive_order"),
        acted("later", action="issued", occurred="2020-01-01"),
    ]

    kept, fresh = kept_and_fresh(story, restart_before=6)

    assert kept == fresh
    assert any("maybe" in str(each) for each in kept)


def work_of_the_last(drafts: Sequence[Draft]) -> int:
    """Return how many histories are worked out for the last event, by who knows those before it."""
    events = past(*drafts)
    memory = Memory(RecordedStreams(events, 0))
    worked_out: list[int] = []
    graph = Graph(memory, 0, lambda: worked_out.append(graph.position))
    for event in events:
        _take(event, memory, graph)
    return worked_out.count(len(events))


@pytest.mark.parametrize("size", [6, 12])
def test_what_a_cycle_comes_to_is_worked_out_once_for_all_its_members(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many bear on each other: one round finds that a member changed, the next tells all."""
    made: list[Circle] = []

    def circle(*arguments: Any) -> Circle:
        made.append(Circle(*arguments))
        return made[-1]

    orders = [
        draft
        for number in range(size)
        for draft in (
            registered(f"p-{number}", instrument="executive_order"),
            acted(f"p-{number}", action="issued", occurred="2015-01-01"),
        )
    ]
    suspensions = [
        suspends(f"p-{one}", f"p-{other}", f"2021-{1 + other % 12:02}-{1 + one:02}")
        for one in range(size)
        for other in ((one + 1) % size, (one + 2) % size)
    ]
    story = [*orders, *suspensions, acted("p-0", action="rescinded", occurred="2020-01-01")]

    monkeypatch.setattr(graphs, "Circle", circle)
    work_of_the_last(story[:-1])
    circles_before = len(made)
    made.clear()
    work = work_of_the_last(story)

    assert len(made) - circles_before <= 2
    assert work == size


def test_an_event_of_a_survivor_does_not_touch_what_was_folded_into_it() -> None:
    """In a long chain of mergers one more action costs one history, a merger two."""
    names = [f"p-{number}" for number in range(20)]
    mergers = [merged(survivor, duplicate) for duplicate, survivor in pairwise(names)]
    story = [*map(registered, names), *mergers]

    assert work_of_the_last(story) == 2
    assert work_of_the_last([*story, acted(names[-1], action="issued")]) == 1
    assert work_of_the_last([*story, retracted(names[-1], event_id(len(story)))]) == 2


def test_a_merger_in_the_middle_of_a_chain_that_is_taken_back_moves_all_behind_it() -> None:
    """Who was folded into whom no longer is, and stands by itself."""
    names = [f"p-{number}" for number in range(6)]
    issued = [acted(name, action="issued", occurred="2020-01-01") for name in names]
    mergers = [merged(survivor, duplicate) for duplicate, survivor in pairwise(names)]
    story = [*map(registered, names), *issued, *mergers]

    kept, fresh = kept_and_fresh([*story, retracted("p-3", event_id(len(names) * 2 + 3))])

    assert kept == fresh
