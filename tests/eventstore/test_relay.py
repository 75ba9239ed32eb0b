"""A relay records what a writer would, and plans ahead only what then comes about."""

import os
from collections.abc import Iterator
from random import Random
from threading import Event

import pytest

from builders import acted, batch, described, one, registered, retracted
from clocks import TestClock
from eventstore.random_appends import RandomAppends
from eventstore.recording import Recorder, positions
from eventstore.replay import assert_holds
from timeline.domain.decide import reaches_below
from timeline.domain.errors import DomainError
from timeline.domain.situation import Proposal
from timeline.eventstore import committing
from timeline.eventstore.errors import (
    AppendRefused,
    OutcomeUnknown,
    StoreUnavailable,
    WrongExpectedVersion,
)
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import Append, Outcome
from timeline.eventstore.protocol import Batch, EventStore, View
from timeline.eventstore.relay import Relay
from timeline.transparency.merkle import Frontier, leaf_hash

WAIT_S = 5.0
"""Longer than anything here takes."""


class LateStore(MemoryStore):
    """A store that commits when it is told to."""

    commits_elsewhere = True

    def __init__(self) -> None:
        super().__init__()
        self.open = Event()
        self.open.set()
        self.breaks = False
        self.leaves: list[bytes] = []
        self.batches: list[Batch] = []

    def commit(self, expected: int, batch: Batch) -> bool:
        """Commit once the store is open."""
        self.open.wait(WAIT_S)
        return self.commit_now(expected, batch)

    def commit_now(self, expected: int, batch: Batch) -> bool:
        """Commit, and perhaps lose the connection right after it."""
        committed = super().commit(expected, batch)
        if committed:
            self.leaves += [leaf_hash(new.entry) for new in batch.entries]
            self.batches.append(batch)
        if self.breaks:
            self.breaks = False
            raise StoreUnavailable(reason="the line is dead", interrupted=True)
        return committed


@pytest.fixture
def late() -> LateStore:
    """Give a store that commits when it is told to."""
    return LateStore()


@pytest.fixture
def relay(late: LateStore, clock: TestClock) -> Iterator[Relay]:
    """Give a relay on it."""
    with Relay(late, clock=clock, random_bytes=os.urandom) as relay:
        yield relay


def is_waited_for(append: Append) -> bool:
    """Tell whether nothing is planned ahead of an append or behind it."""
    return append.condition is not None or any(
        reaches_below(draft.proposal) for draft in append.drafts
    )


def relayed(late: LateStore, relay: Relay, appends: list[Append]) -> list[object]:
    """Record appends, each planned before the one ahead of it is committed; return what is told."""
    told: list[object] = []
    started = False
    for append in appends:
        prepared = relay.prepare(append)
        late.open.set()
        if started:
            told.append(relay.settle())
        if not is_waited_for(append):
            late.open.clear()
        try:
            relay.start(prepared)
            started = True
        except (DomainError, AppendRefused) as error:
            told.append((type(error), str(error), error.field))
            started = False
    late.open.set()
    return [*told, relay.settle()] if started else told


def outcome_of(recorder: Recorder, append: Append) -> object:
    """Return what becomes of an append by itself, in the same form."""
    (result,) = recorder.group(append)
    if isinstance(result, Outcome):
        return result
    assert isinstance(result, DomainError | AppendRefused)
    return type(result), str(result), result.field


@pytest.mark.parametrize("seed", range(12))
def test_a_relay_answers_as_appends_one_by_one(late: LateStore, relay: Relay, seed: int) -> None:
    """The same outcomes, refusals and events, whatever was planned before the last was committed."""
    random = RandomAppends(Random(seed))  # noqa: S311 - repeatable, no secret
    appends = [append for _ in range(50) for append in random.next_group()]
    reference = Recorder(MemoryStore(), TestClock())

    told = relayed(late, relay, appends)

    assert told == [outcome_of(reference, append) for append in appends]
    assert late.read(limit=1_000) == reference.store.read(limit=1_000)
    assert late.head().frontier == Frontier().extend(late.leaves)
    assert_holds(late, recorded_of(appends, told))


def recorded_of(appends: list[Append], told: list[object]) -> list[Proposal]:
    """Return the proposals that were recorded, in order."""
    return [
        draft.proposal
        for append, each in zip(appends, told, strict=True)
        if isinstance(each, Outcome) and each.created
        for draft in append.drafts
    ]


def test_a_plan_is_made_while_the_batch_before_it_is_committed(
    late: LateStore, relay: Relay
) -> None:
    """It rests on events that no one else can see yet."""
    late.open.clear()
    relay.start(relay.prepare(one(registered("a"))))

    prepared = relay.prepare(batch(acted("a"), described("a", title="Another order")))

    assert late.head().position == 0
    late.open.set()
    assert positions(relay.settle()) == [1]
    relay.start(prepared)
    assert positions(relay.settle()) == [2, 3]


def test_a_plan_holds_nothing_of_the_batches_long_before(late: LateStore, relay: Relay) -> None:
    """Else an import would hold all that it has recorded."""
    relay.start(relay.prepare(one(registered("a"))))
    for _ in range(5):
        late.open.clear()
        append = one(acted("a"))
        prepared = relay.prepare(append)
        late.open.set()
        relay.settle()
        relay.start(prepared)

    assert prepared.planned is not None
    assert set(prepared.planned.known) == set(append.ids)
    assert set(prepared.planned.situation.subjects.own) == set(append.ids)


def test_a_plan_falls_with_the_batch_that_it_rests_on(late: LateStore, relay: Relay) -> None:
    """Also where someone else has brought the head to the very position that was expected."""
    late.open.clear()
    relay.start(relay.prepare(batch(registered("a"), acted("a"))))
    prepared = relay.prepare(one(acted("a")))
    other = Recorder(store := LateStore(), TestClock())
    other.append(batch(registered("b"), acted("b")))
    assert late.commit_now(0, store.batches[0])

    late.open.set()
    first = relay.settle()
    relay.start(prepared)
    second = relay.settle()

    assert (positions(first), positions(second)) == ([3, 4], [5])
    assert late.head().frontier == Frontier().extend(late.leaves)


def test_a_plan_does_not_take_anothers_batch_of_as_many_events_for_its_own(
    late: LateStore, relay: Relay
) -> None:
    """The head is where it was expected, and what is planned on is not recorded yet."""
    late.open.clear()
    relay.start(relay.prepare(one(registered("a"))))
    other = Recorder(store := LateStore(), TestClock())
    other.append(one(registered("b")))
    assert late.commit_now(0, store.batches[0])

    prepared = relay.prepare(one(acted("a")))
    late.open.set()
    first = relay.settle()
    relay.start(prepared)

    assert (positions(first), positions(relay.settle())) == ([2], [3])


def test_a_lost_commit_that_cannot_be_looked_for_is_not_said_to_be_nothing(
    late: LateStore, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be recorded, as this one is; the ids can be sent again."""
    monkeypatch.setattr(committing, "MAX_OUTAGES_IN_DOUBT", 2)
    late.breaks = True
    late.open.clear()
    relay.start(relay.prepare(one(registered("a"))))

    def gone(_request: object) -> View:
        raise StoreUnavailable(reason="it is away")

    monkeypatch.setattr(late, "view", gone)
    late.open.set()

    with pytest.raises(OutcomeUnknown):
        relay.settle()
    assert late.head().position == 1


def test_what_is_refused_does_not_hold_up_what_comes_next(late: LateStore, relay: Relay) -> None:
    """A refusal is told when its turn comes, and leaves no trace."""
    late.open.clear()
    relay.start(relay.prepare(one(registered("a"))))
    refused = relay.prepare(one(acted("a", expected_version=7)))
    late.open.set()
    relay.settle()

    with pytest.raises(WrongExpectedVersion):
        relay.start(refused)
    relay.start(relay.prepare(one(acted("a"))))

    assert positions(relay.settle()) == [2]


def test_a_commit_whose_answer_is_lost_is_found_by_its_ids(late: LateStore, relay: Relay) -> None:
    """It counts as recorded just now, and what was planned on it is planned anew."""
    late.breaks = True
    late.open.clear()
    relay.start(relay.prepare(one(registered("a"))))
    prepared = relay.prepare(one(acted("a")))
    late.open.set()

    first = relay.settle()
    relay.start(prepared)

    assert (first.created, positions(first)) == (True, [1])
    assert positions(relay.settle()) == [2]


def test_a_retraction_waits_for_what_is_under_way(late: LateStore, relay: Relay) -> None:
    """What it changes is not all among the events that it names."""
    act = acted("a")
    late.open.clear()
    relay.start(relay.prepare(batch(registered("a"), act)))

    prepared = relay.prepare(one(retracted(act.id, "a")))

    assert prepared.planned is None
    late.open.set()
    relay.settle()
    relay.start(prepared)
    assert positions(relay.settle()) == [3]


def test_others_may_append_in_between(store: EventStore, clock: TestClock) -> None:
    """On every store: who comes second plans again."""
    others = Recorder(store, clock)
    with Relay(store, clock=clock, random_bytes=os.urandom) as relay:
        relay.start(relay.prepare(one(registered("a"))))
        first = relay.settle()
        prepared = relay.prepare(one(acted("a")))
        others.append(one(acted("a")))
        relay.start(prepared)
        second = relay.settle()

    assert (positions(first), positions(second)) == ([1], [3])
    assert second.events[0].version == 3
