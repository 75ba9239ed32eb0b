"""Many writers at once: nothing is lost, nothing is written twice, and no reader meets a gap."""

from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest

from builders import acted, batch, one, registered
from timeline.eventstore import errors
from timeline.eventstore.database import create_engine
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import Append, Outcome
from timeline.eventstore.protocol import EventStore
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
