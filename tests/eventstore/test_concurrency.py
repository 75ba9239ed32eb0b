"""Many writers at once: nothing is lost, nothing is written twice, and no reader meets a gap."""

from collections.abc import Callable, Iterator
from threading import Event, Thread
from time import monotonic

import pytest

from builders import acted, batch, one, registered
from timeline.eventstore import errors
from timeline.eventstore.database import create_engine
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import Append, Outcome
from timeline.eventstore.protocol import EventStore, ViewRequest
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def two_stores(request: pytest.FixtureRequest) -> Iterator[tuple[EventStore, EventStore]]:
    """Give two stores on one log; of databases each has its own connections, as a process has."""
    if request.param == "memory":
        store = MemoryStore()
        yield store, store
        return
    url = request.getfixturevalue(f"{request.param}_url")
    engines = [create_engine(url), create_engine(url)]
    yield SqlStore(engines[0]), SqlStore(engines[1])
    for engine in engines:
        engine.dispose()


def run_all(*jobs: Callable[[], None]) -> None:
    """Run jobs at once, each in a thread, and wait for all."""
    threads = [Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_writers_of_two_processes_lose_nothing(two_stores: tuple[EventStore, EventStore]) -> None:
    """Two writers with six threads each: every append is recorded once, positions are dense."""
    outcomes: list[Outcome] = []
    with Writer(two_stores[0]) as first, Writer(two_stores[1]) as second:
        first.append(one(registered("a")))

        def append_through(writer: Writer) -> None:
            outcomes.extend(
                writer.append(batch(*(acted("a") for _ in range(size))))
                for size in (1, 2, 1, 3, 1, 1, 2, 1)
            )

        run_all(*(lambda w=writer: append_through(w) for writer in (first, second) * 6))

    events = two_stores[0].read(limit=1_000)
    assert len(outcomes) == 96
    assert [event.position for event in events] == list(range(1, 146))
    assert [event.version for event in events] == list(range(1, 146))
    by_position = {event.position: event for event in events}
    for outcome in outcomes:
        first_position = outcome.events[0].position
        for offset, receipt in enumerate(outcome.events):
            assert receipt.position == first_position + offset
            assert by_position[receipt.position].id == receipt.id
            assert by_position[receipt.position].batch == first_position
    instants = {event.batch: event.recorded_at for event in events}
    assert list(instants.values()) == sorted(set(instants.values()))


def test_of_racing_appends_that_expect_one_version_one_wins(
    two_stores: tuple[EventStore, EventStore],
) -> None:
    """Optimistic concurrency holds between processes: one wins, the rest are told the version."""
    won: list[Outcome] = []
    lost: list[errors.WrongExpectedVersion] = []
    with Writer(two_stores[0]) as first, Writer(two_stores[1]) as second:
        first.append(one(registered("a")))

        def race(writer: Writer) -> None:
            try:
                won.append(writer.append(one(acted("a", expected_version=1))))
            except errors.WrongExpectedVersion as error:
                lost.append(error)

        run_all(*(lambda w=writer: race(w) for writer in (first, second) * 5))

    assert len(won) == 1
    assert [error.actual for error in lost] == [2] * 9


def test_of_racing_appends_with_one_condition_one_wins(
    two_stores: tuple[EventStore, EventStore],
) -> None:
    """A condition is checked under the head: no two appends that exclude each other are recorded."""
    results: list[bool] = []
    with Writer(two_stores[0]) as first, Writer(two_stores[1]) as second:
        first.append(one(registered("a")))

        def race(writer: Writer) -> None:
            claim = one(acted("a", actors=[{"name": "Ann"}]), actors=("ann",))
            try:
                results.append(writer.append(claim).created)
            except errors.ConditionFailed:
                results.append(False)

        run_all(*(lambda w=writer: race(w) for writer in (first, second) * 5))

    assert sorted(results) == [False] * 9 + [True]


def test_one_id_sent_to_two_processes_is_recorded_once(
    two_stores: tuple[EventStore, EventStore],
) -> None:
    """All senders of one event get the same receipt."""
    append: Append = one(registered("a"))
    outcomes: list[Outcome] = []
    with Writer(two_stores[0]) as first, Writer(two_stores[1]) as second:
        run_all(
            *(lambda w=writer: outcomes.append(w.append(append)) for writer in (first, second) * 5)
        )

    assert len(outcomes) == 10
    assert len({outcome.events for outcome in outcomes}) == 1
    assert sum(outcome.created for outcome in outcomes) == 1
    assert two_stores[1].head().position == 1


def test_a_reader_that_has_seen_a_position_has_seen_all_before_it(
    two_stores: tuple[EventStore, EventStore],
) -> None:
    """Readers that tail the log while others write read 1, 2, 3, … and never a gap."""
    done = Event()
    read: list[list[int]] = [[], []]

    def tail(store: EventStore, seen: list[int]) -> None:
        last_round = False
        while not last_round:
            last_round = done.is_set()
            page = store.read(seen[-1] if seen else 0, limit=7)
            while page:
                seen.extend(event.position for event in page)
                page = store.read(seen[-1], limit=7)

    readers = [
        Thread(target=tail, args=(store, seen))
        for store, seen in zip(two_stores, read, strict=True)
    ]
    with Writer(two_stores[0]) as first, Writer(two_stores[1]) as second:
        first.append(one(registered("a")))
        for reader in readers:
            reader.start()

        def write(writer: Writer) -> None:
            for _ in range(12):
                writer.append(one(acted("a")))

        run_all(*(lambda w=writer: write(w) for writer in (first, second) * 4))
    done.set()
    for reader in readers:
        reader.join(30)

    assert read == [list(range(1, 98))] * 2


def test_large_batches_get_in_beside_a_writer_of_single_events(
    two_stores: tuple[EventStore, EventStore],
) -> None:
    """Whoever needs long to judge loses race after race, until it holds the head for once."""
    done = Event()
    singles: list[Outcome] = []
    took_s: list[float] = []
    with Writer(two_stores[0]) as bulk, Writer(two_stores[1]) as quick:
        bulk.append(batch(registered("a"), registered("b")))

        def append_singly() -> None:
            while not done.is_set():
                singles.append(quick.append(one(acted("b"))))

        def append_batches() -> None:
            try:
                for _ in range(3):
                    large = batch(*(acted("a") for _ in range(1_000)))
                    started = monotonic()
                    bulk.append(large)
                    took_s.append(monotonic() - started)
            finally:
                done.set()

        run_all(append_singly, append_batches)

    assert len(took_s) == 3
    assert max(took_s) < 10
    assert singles
    assert two_stores[0].head().position == 2 + 3_000 + len(singles)


def test_no_one_else_moves_a_head_that_is_held(two_stores: tuple[EventStore, EventStore]) -> None:
    """A commit from elsewhere waits until the head is let go, then goes on."""
    with Writer(two_stores[1]) as writer:
        with two_stores[0].exclusively() as held:
            future = writer.submit(one(registered("a")))
            Event().wait(0.2)
            position = held.view(ViewRequest(())).head.position
            early = future.done()
        outcome = future.result(30)

    assert position == 0
    assert not early
    assert outcome.created
