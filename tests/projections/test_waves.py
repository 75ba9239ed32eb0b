"""How far an event reaches: what is kept from event to event is what a fresh graph says."""

from collections.abc import Sequence

from domain_builders import Draft, acted, disputed, event_id, registered, related
from history_builders import past
from recorded_streams import RecordedStreams, seen_at
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
        before = Graph(memory, event.position - 1)
        memory.add(event)
        graph.position = event.position
        list(Wave(graph, before).spread(event))
    policies = sorted({event.policy for event in events})
    kept = [graph.node(policy).seen for policy in policies]
    fresh = [seen_at(log, policy, len(events)) for policy in policies]
    return [each and each.history.periods for each in kept], [
        each and each.history.periods for each in fresh
    ]


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
