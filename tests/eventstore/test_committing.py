"""What is tried again when a commit fails, and what is told where the outcome stays unknown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any, Self

import psycopg
import pytest

from builders import acted, batch, one, registered
from clocks import TestClock
from eventstore.recording import Recorder
from timeline.domain import errors as domain
from timeline.eventstore import errors, postgresql
from timeline.eventstore.database import create_engine
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import Outcome
from timeline.eventstore.protocol import Batch, EventStore, View, ViewRequest
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer

LOST = errors.StoreUnavailable(reason="the connection was lost", interrupted=True)
DOWN = errors.StoreUnavailable(reason="it is down")


class Rehearsed(MemoryStore):
    """A store whose commits go as a test has written down: by turns, then as usual."""

    def __init__(self, *turns: Callable[[Callable[[], bool]], bool]) -> None:
        super().__init__()
        self.turns = list(turns)
        self.views = 0

    def view(self, request: ViewRequest) -> View:
        """Count, and look as usual."""
        self.views += 1
        return super().view(request)

    def commit(self, expected: int, batch: Batch) -> bool:
        """Take the next turn."""

        def usual() -> bool:
            return super(Rehearsed, self).commit(expected, batch)

        return self.turns.pop(0)(usual) if self.turns else usual()


def succeeds_unheard(commit: Callable[[], bool]) -> bool:
    """Commit, and lose the connection before the answer."""
    assert commit()
    raise LOST


def breaks(_: Callable[[], bool]) -> bool:
    """Lose the connection before anything happens."""
    raise LOST


def is_refused(_: Callable[[], bool]) -> bool:
    """Have the database say that it cannot."""
    raise DOWN


def loses(_: Callable[[], bool]) -> bool:
    """Lose the race for the head."""
    return False


@pytest.mark.parametrize(
    "turns",
    [
        (succeeds_unheard,),
        (breaks,),
        (breaks, breaks),
        (breaks, succeeds_unheard),
        (is_refused, succeeds_unheard),
        (loses, breaks, loses, succeeds_unheard),
    ],
)
def test_a_lost_commit_is_found_by_its_ids(
    clock: TestClock, turns: tuple[Callable[[Callable[[], bool]], bool], ...]
) -> None:
    """Whether a commit went through before the connection broke or not, it is recorded once."""
    recorder = Recorder(Rehearsed(*turns), clock)

    outcome = recorder.append(batch(registered("a"), acted("a")))

    assert outcome.created
    assert [event.id for event in recorder.store.read()] == [each.id for each in outcome.events]


def test_an_outcome_that_stays_unknown_says_so(clock: TestClock) -> None:
    """Where the connection stays lost, the ids are told, to ask for later."""
    recorder = Recorder(Rehearsed(*[breaks] * 50), clock)
    append = batch(registered("a"), acted("a"))

    (result,) = recorder.group(append)

    assert isinstance(result, errors.OutcomeUnknown)
    assert result.ids == append.ids


def test_a_database_that_says_no_leaves_no_doubt(clock: TestClock) -> None:
    """Where the database itself has refused, nothing was recorded, and that is what is told."""
    recorder = Recorder(Rehearsed(*[is_refused] * 50), clock)

    (result,) = recorder.group(one(registered("a")))

    assert isinstance(result, errors.StoreUnavailable)
    assert "it is down" in str(result)


def test_only_what_may_be_recorded_is_in_doubt(clock: TestClock) -> None:
    """In a group whose commit is lost, an append that was refused is not recorded for sure.

    But its refusal rested on an append that may not be recorded either, so it is not told.
    """
    recorder = Recorder(Rehearsed(*[breaks] * 50), clock)

    results = recorder.group(one(registered("a")), one(registered("a")))

    assert isinstance(results[0], errors.OutcomeUnknown)
    assert isinstance(results[1], errors.StoreUnavailable)


def test_an_event_sent_twice_in_a_lost_group_is_in_doubt_for_both(clock: TestClock) -> None:
    """Whoever repeats an event of the group rests on the same commit."""
    draft = registered("a")

    results = Recorder(Rehearsed(*[breaks] * 50), clock).group(one(draft), one(draft))

    assert all(isinstance(result, errors.OutcomeUnknown) for result in results)


def test_of_an_event_sent_twice_in_a_lost_group_one_was_created(clock: TestClock) -> None:
    """Once found by its id, it is told as if the answer had not been lost."""
    draft = registered("a")

    results = Recorder(Rehearsed(succeeds_unheard), clock).group(one(draft), one(draft))

    outcomes = [result for result in results if isinstance(result, Outcome)]
    assert [outcome.created for outcome in outcomes] == [True, False]
    assert outcomes[0].events == outcomes[1].events


def test_tries_are_bounded_and_wait_longer_each_time(clock: TestClock) -> None:
    """Six failures in all, or twenty where a commit is in doubt; waits grow to at most a second."""
    sure, unsure = Rehearsed(*[is_refused] * 50), Rehearsed(*[breaks] * 50)
    recorders = Recorder(sure, clock), Recorder(unsure, clock)

    for recorder in recorders:
        recorder.group(one(registered("a")))

    assert (sure.views, unsure.views) == (6, 20)
    for recorder in recorders:
        assert all(wait <= 1 for wait in recorder.waits)
        assert recorder.waits[5] > 4 * recorder.waits[0]


def test_lost_races_are_bounded(clock: TestClock) -> None:
    """A writer that never wins the head gives up in the end: nothing recorded, come back."""
    store = Rehearsed(*[loses] * 500)
    recorder = Recorder(store, clock)

    (result,) = recorder.group(one(registered("a")))

    assert isinstance(result, errors.StoreBusy)
    assert result.retry_after_s > 0
    assert store.views == 100


class Overtaken(Rehearsed):
    """A store in which another writer is always faster, unless the head is held."""

    held = False

    @contextmanager
    def exclusively(self) -> Iterator[Self]:
        """Hold the head as usual, and take note."""
        with super().exclusively():
            self.held = True
            try:
                yield self
            finally:
                self.held = False

    def commit(self, expected: int, batch: Batch) -> bool:
        """Lose, unless the head is held."""
        return self.held and super().commit(expected, batch)


def test_after_three_lost_races_the_head_is_held(clock: TestClock) -> None:
    """A writer that others always overtake keeps them waiting for once, and gets in."""
    store = Overtaken()
    recorder = Recorder(store, clock)

    outcome = recorder.append(one(registered("a")))

    assert outcome.created
    assert store.views == 4
    assert recorder.commits == [1]


@pytest.mark.parametrize("turn", [succeeds_unheard, breaks])
def test_a_commit_lost_while_the_head_is_held_is_found_by_its_ids(
    clock: TestClock, turn: Callable[[Callable[[], bool]], bool]
) -> None:
    """It is in doubt as any other."""
    recorder = Recorder(Overtaken(turn), clock)

    outcome = recorder.append(batch(registered("a"), acted("a")))

    assert outcome.created
    assert recorder.store.head().position == 2


def test_after_a_lost_race_everything_is_judged_anew(clock: TestClock) -> None:
    """What another writer recorded meanwhile counts: versions are those of the new head."""
    store = Rehearsed()
    other = Recorder(store, clock)

    def others_first(_: Callable[[], bool]) -> bool:
        other.append(one(registered("a")))
        return False

    store.turns.append(others_first)

    results = Recorder(store, clock).group(one(registered("a")), one(registered("b")))

    assert isinstance(results[0], domain.PolicyAlreadyRegistered)
    assert isinstance(results[1], Outcome)
    assert results[1].events[0].position == 2


def test_an_append_that_breaks_the_store_takes_no_other_with_it(clock: TestClock) -> None:
    """Where a group fails for no reason that waiting mends, each append is tried alone."""
    poison = registered("b")

    class Fragile(MemoryStore):
        def commit(self, expected: int, batch: Batch) -> bool:
            if any(new.envelope.id == poison.id for new in batch.entries):
                raise errors.CorruptStore(reason="cannot digest this")
            return super().commit(expected, batch)

    results = Recorder(Fragile(), clock).group(
        one(registered("a")), one(poison), one(registered("c"))
    )

    assert isinstance(results[0], Outcome)
    assert isinstance(results[1], errors.CorruptStore)
    assert isinstance(results[2], Outcome)


def test_a_fault_in_judging_one_append_is_its_own(
    clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that no one foresaw is handed to the one who caused it."""
    from timeline.eventstore import sequencing  # noqa: PLC0415 - patched here alone

    def decide(_: object, proposal: Any) -> None:
        if proposal.policy == "b":
            raise ZeroDivisionError

    monkeypatch.setattr(sequencing, "decide", decide)

    results = Recorder(MemoryStore(), clock).group(one(registered("b")), one(registered("a")))

    assert isinstance(results[0], ZeroDivisionError)
    assert isinstance(results[1], Outcome)


def test_a_backend_killed_during_the_commit(postgresql_url: str) -> None:
    """The server kills the session that waits for the head: the append is recorded, once."""
    engine = create_engine(postgresql_url)
    store: EventStore = SqlStore(engine)
    with (
        psycopg.connect(postgresql_url) as holder,
        psycopg.connect(postgresql_url, autocommit=True) as killer,
        Writer(store) as writer,
    ):
        writer.append(one(registered("a")))
        holder.execute("SELECT * FROM log_head FOR UPDATE")
        future = writer.submit(batch(acted("a"), acted("a")))

        killed = _kill_waiting(killer)
        holder.rollback()
        outcome = future.result(30)

    assert killed == 1
    assert outcome.created
    assert [event.position for event in store.read()] == [1, 2, 3]
    engine.dispose()


def _kill_waiting(connection: "psycopg.Connection[Any]") -> int:
    """Terminate the backend that waits for a lock, once there is one; return how many."""
    for _ in range(200):
        killed = connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchall()
        if killed:
            return len(killed)
        Event().wait(0.02)
    return 0


def test_a_head_that_someone_holds_is_waited_for_and_no_longer(postgresql_url: str) -> None:
    """A session that locks the head and stalls delays appends; they go on once it lets go."""
    engine = create_engine(postgresql_url)
    with psycopg.connect(postgresql_url) as holder, Writer(SqlStore(engine)) as writer:
        holder.execute("SELECT * FROM log_head FOR UPDATE")
        future = writer.submit(one(registered("a")))
        Event().wait(0.3)
        early = future.done()
        holder.rollback()

        assert not early
        assert future.result(30).created
    engine.dispose()


def test_who_stalls_with_the_head_in_hand_loses_it(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends the transaction of a client that holds the head and does nothing."""
    monkeypatch.setattr(postgresql, "HOLDING_IDLE_MS", 200)
    engine = create_engine(postgresql_url)
    store = SqlStore(engine)

    def stall() -> None:
        with store.exclusively() as held:
            outcomes.append(writer.submit(one(registered("a"))).result(30))
            held.view(ViewRequest(()))

    outcomes: list[Outcome] = []
    with Writer(store) as writer, pytest.raises(errors.StoreBusy):
        stall()

    assert outcomes[0].created
    assert store.head().position == 1
    engine.dispose()
