"""Policies that have nothing to do with each other are worked out apart, and come to the same rows."""

from collections.abc import Sequence

from hypothesis import given, settings

from random_record import Draw, accept, draws
from recorded_streams import RecordedStreams
from timeline.domain.belief import PastEvent
from timeline.domain.references import ANYWHERE, references
from timeline.projections.changes import Changes
from timeline.projections.gathered import Gathered
from timeline.projections.grouping import GROUP_EVENTS, MAX_TOGETHER, grouped
from timeline.projections.model import Row, RowKey
from timeline.projections.models import MODELS
from timeline.projections.projector import Projector


def nowhere(_: str | None) -> list[str]:
    """Know of no jurisdiction."""
    return []


def sets(groups: Sequence[Sequence[str]]) -> set[frozenset[str]]:
    return {frozenset(group) for group in groups}


def test_policies_that_share_a_key_are_in_one_group() -> None:
    """Who points at a policy, or cites what it is known by, is worked out with it."""
    full = dict.fromkeys(("a", "b", "c", "d", "e"), GROUP_EVENTS)

    groups, together = grouped(
        full, [("a", "b"), ("c", "citation/1"), ("d", "citation/1")], nowhere
    )

    assert sets(groups) == {frozenset("ab"), frozenset("cd"), frozenset("e")}
    assert together == frozenset()


def test_a_selector_binds_all_that_were_ever_in_its_jurisdiction() -> None:
    """Whoever it may name, at whatever position, is worked out with it."""
    full = dict.fromkeys(("a", "b", "c"), GROUP_EVENTS)

    groups, _ = grouped(full, [("a", "selector/ny")], lambda place: ["b"] if place == "ny" else [])

    assert sets(groups) == {frozenset("ab"), frozenset("c")}


def test_a_selector_of_anywhere_binds_all() -> None:
    """It may name any policy."""
    full = dict.fromkeys(("a", "b", "c"), GROUP_EVENTS)

    groups, _ = grouped(full, [("a", ANYWHERE)], lambda _: ["a", "b", "c"])

    assert sets(groups) == {frozenset("abc")}


def test_small_policies_share_a_group() -> None:
    """A transaction for each policy would cost more than its rows."""
    groups, _ = grouped({f"p{number}": GROUP_EVENTS // 10 for number in range(25)}, [], nowhere)

    assert [len(group) for group in groups] == [10, 10, 5]


def test_what_cannot_be_held_at_once_is_set_aside() -> None:
    """Those policies are worked out in the log's order instead."""
    groups, together = grouped({"a": MAX_TOGETHER, "b": 1, "c": 1}, [("a", "b")], nowhere)

    assert sets(groups) == {frozenset("c")}
    assert together == {"a", "b"}


def rows_of(changes: Changes) -> dict[tuple[RowKey, int], tuple[Row, int]]:
    """Return the rows that are written, by what they are about and since when they are known."""
    assert not changes.closed
    return {
        (key, opened.known_from): (opened.fact.row, opened.known_until)
        for key, opened in changes.opened
        if opened.known_from < opened.known_until
    }


@settings(max_examples=200, deadline=None)
@given(draws)
def test_groups_come_to_the_rows_of_the_whole(drawn: list[Draw]) -> None:
    """Whatever relates, selects, merges or is erased: nothing outside of a group bears on it."""
    events = [event for event, _ in accept(drawn)]
    streams = RecordedStreams(events, len(events))
    links = [(event.policy, key) for event in events for key in references(event.data)]
    sizes: dict[str, int] = {}
    for event in events:
        sizes[event.policy] = sizes.get(event.policy, 0) + GROUP_EVENTS // 2
    whole = Changes()
    Projector(MODELS, streams).advance(streams.events, whole)

    groups, together = grouped(
        sizes, links, lambda place: streams.registered_in(place, len(events))
    )

    found: dict[tuple[RowKey, int], tuple[Row, int]] = {}
    for group in groups:
        own: list[PastEvent] = [event for event in streams.events if event.policy in group]
        changes = Changes()
        Projector(MODELS, Gathered(own, streams.references)).advance(own, changes)
        found |= rows_of(changes)
    assert together == frozenset()
    assert found == rows_of(whole)
