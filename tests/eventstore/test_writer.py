"""Group commit: who shares a commit, who is turned away, and that no one is left waiting."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Event

import pytest

from builders import acted, batch, one, registered
from timeline.domain import errors as domain
from timeline.eventstore import errors, waiting
from timeline.eventstore import writer as writing
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import Outcome
from timeline.eventstore.protocol import View, ViewRequest
from timeline.eventstore.waiting import Pending, WaitingRoom
from timeline.eventstore.writer import Writer

BOUND_S = 5.0


class Gated(MemoryStore):
    """A store that looks only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Event()
        self.waiting = Event()

    def view(self, request: ViewRequest) -> View:
        """Wait at the gate."""
        self.waiting.set()
        assert self.gate.wait(30)
        return super().view(request)


@pytest.fixture
def gated() -> Iterator[Gated]:
    """Give a store whose gate is opened in the end."""
    store = Gated()
    yield store
    store.gate.set()


def test_appends_that_come_together_share_a_commit() -> None:
    """While a group is under way the next one gathers: 101 appends take two commits."""
    store = Gated()
    commits: list[int] = []
    with Writer(store) as writer:
        writer.on_committed(commits.append)
        first = writer.submit(one(registered("a")))
        store.waiting.wait(30)
        others = [writer.submit(one(acted("a"))) for _ in range(100)]
        store.gate.set()

        positions = [each.result(30).events[0].position for each in (first, *others)]

    assert positions == list(range(1, 102))
    assert commits == [1, 101]
    assert (writer.commit_sizes.total, writer.queued) == (101, 0)
    assert [count for _, count in writer.commit_sizes.up_to_bounds()] == [1] * 6 + [2] * 5


def _take(room: WaitingRoom, enter: Callable[[], None]) -> int:
    """Take a group while appends are being entered; return how many it has."""
    taken: list[int] = []
    thread = threading.Thread(target=lambda: taken.append(len(room.take() or ())))
    thread.start()
    enter()
    thread.join(BOUND_S)
    return taken[0]


@pytest.mark.parametrize(("answered", "together"), [(20, 20), (4, 1)])
def test_those_who_were_answered_together_are_waited_for(
    monkeypatch: pytest.MonkeyPatch, answered: int, together: int
) -> None:
    """They come back one after the other and share a commit again; a few are not waited for."""
    monkeypatch.setattr(waiting, "GATHER_S", BOUND_S)
    room = WaitingRoom(100, 100)

    def enter(pause_s: float) -> None:
        for _ in range(answered):
            room.enter(Pending(one(registered()), Future()))
            time.sleep(pause_s)

    enter(0)
    assert len(room.take() or ()) == answered

    assert _take(room, lambda: enter(0.005)) == together


def test_those_who_do_not_come_back_are_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever is there is recorded, and the group after that is expected to be as small."""
    monkeypatch.setattr(waiting, "GATHER_S", 0.02)
    room = WaitingRoom(100, 100)
    for _ in range(20):
        room.enter(Pending(one(registered()), Future()))
    assert len(room.take() or ()) == 20

    assert _take(room, lambda: room.enter(Pending(one(registered()), Future()))) == 1
    monkeypatch.setattr(waiting, "GATHER_S", BOUND_S)
    assert _take(room, lambda: room.enter(Pending(one(registered()), Future()))) == 1


def test_closing_ends_the_wait_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that stops is not kept by those who do not come back."""
    monkeypatch.setattr(waiting, "GATHER_S", BOUND_S)
    room = WaitingRoom(100, 100)
    for _ in range(20):
        room.enter(Pending(one(registered()), Future()))
    assert len(room.take() or ()) == 20

    began_s = time.monotonic()
    assert _take(room, lambda: room.close("it is shutting down")) == 0
    assert time.monotonic() - began_s < BOUND_S / 2


def test_a_writer_tells_that_many_append_at_once(
    gated: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other are not many; many are, until they have been recorded for a while."""
    monkeypatch.setattr(writing, "CROWDED_S", BOUND_S)
    with Writer(gated) as writer:
        futures = [writer.submit(one(registered("a")))]
        gated.waiting.wait(BOUND_S)
        alone = writer.crowded
        futures += [writer.submit(one(acted("a"))) for _ in range(10)]
        waiting_for = writer.crowded
        gated.gate.set()
        for future in futures:
            future.result(BOUND_S)
        just_now = writer.crowded
        monkeypatch.setattr(writing, "CROWDED_S", 0.0)

        assert (alone, waiting_for, just_now, writer.crowded) == (False, True, True, False)


def test_a_group_is_bounded(gated: Gated) -> None:
    """A group ends before it would have more events than allowed; one append may be larger."""
    commits: list[int] = []
    with Writer(gated, max_group_events=3) as writer:
        writer.on_committed(commits.append)
        futures = [writer.submit(one(registered("a")))]
        gated.waiting.wait(30)
        sizes = (2, 1, 1, 4, 1)
        futures += [writer.submit(batch(*(acted("a") for _ in range(size)))) for size in sizes]
        gated.gate.set()
        for future in futures:
            future.result(30)

    assert commits == [1, 4, 5, 9, 10]


def test_a_full_queue_says_when_to_come_back(gated: Gated) -> None:
    """Whoever comes when too many wait is turned away at once, and nothing is recorded."""
    with Writer(gated, max_queued=2) as writer:
        waiting = [writer.submit(one(registered("a")))]
        gated.waiting.wait(30)
        waiting += [writer.submit(one(acted("a"))) for _ in range(2)]

        with pytest.raises(errors.StoreBusy) as refused:
            writer.append(one(acted("a")))
        gated.gate.set()

        assert refused.value.retry_after_s == 1
        assert [each.result(30).events[0].position for each in waiting] == [1, 2, 3]


def test_who_gives_up_waiting_in_the_queue_has_recorded_nothing(gated: Gated) -> None:
    """A caller that stops waiting before its turn is told that nothing was recorded, truly."""
    with Writer(gated) as writer:
        first = writer.submit(one(registered("a")))
        gated.waiting.wait(30)

        with pytest.raises(errors.StoreBusy):
            writer.append(one(acted("a")), timeout_s=0.01)
        gated.gate.set()
        first.result(30)

    assert gated.head().position == 1


def test_who_gives_up_during_the_commit_does_not_know(gated: Gated) -> None:
    """A caller that stops waiting while its group is under way is told the ids to ask for."""
    with Writer(gated) as writer:
        append = one(registered("a"))

        with pytest.raises(errors.OutcomeUnknown) as unknown:
            writer.append(append, timeout_s=0.2)
        gated.gate.set()

    assert unknown.value.ids == append.ids
    assert gated.head().position == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_died_leaves_no_one_waiting() -> None:
    """When the thread ends for whatever reason, all who wait are answered, and who comes later."""

    class Deadly(Gated):
        def view(self, request: ViewRequest) -> View:
            super().view(request)
            raise SystemExit

    gated = Deadly()
    writer = Writer(gated)
    futures = [writer.submit(one(registered("a")))]
    gated.waiting.wait(30)
    futures.append(writer.submit(one(registered("b"))))
    gated.gate.set()

    for future in futures:
        with pytest.raises(errors.StoreUnavailable, match="its writer has stopped"):
            future.result(30)
    with pytest.raises(errors.StoreUnavailable, match="its writer has stopped"):
        writer.append(one(registered("c")))
    writer.close()


def test_closing_records_what_waits_and_then_refuses(gated: Gated) -> None:
    """Who was let in is served; who comes after is told that the store is closing."""
    writer = Writer(gated)
    futures = [writer.submit(one(registered("a")))]
    gated.waiting.wait(30)
    futures.append(writer.submit(one(acted("a"))))
    gated.gate.set()

    writer.close()

    assert [future.result(0).events[0].position for future in futures] == [1, 2]
    with pytest.raises(errors.StoreUnavailable, match="shutting down"):
        writer.append(one(acted("a")))


def test_closing_is_bounded(gated: Gated) -> None:
    """A store that hangs does not keep the process from stopping: who waits is answered."""
    writer = Writer(gated)
    writer.submit(one(registered("a")))
    gated.waiting.wait(30)
    waiting = writer.submit(one(acted("a")))

    writer.close(timeout_s=0.05)

    with pytest.raises(errors.StoreUnavailable, match="shutting down"):
        waiting.result(0)


def test_listeners_hear_of_each_commit_and_cannot_spoil_it() -> None:
    """A listener is told the new position; its failure is not the caller's."""
    heard: list[int] = []

    def fail(_: int) -> None:
        raise ZeroDivisionError

    with Writer(MemoryStore()) as writer:
        writer.on_committed(fail)
        writer.on_committed(heard.append)
        outcome = writer.append(batch(registered("a"), acted("a")))
        writer.append(one(acted("a")))

    assert outcome.created
    assert heard == [2, 3]


def test_a_refusal_reaches_its_caller(writer: Writer) -> None:
    """`append` raises what the record has against it, as the future does."""
    with pytest.raises(domain.PolicyNotRegistered):
        writer.append(one(acted("a")))
    with pytest.raises(domain.PolicyNotRegistered):
        writer.submit(one(acted("a"))).result(30)


# ---- Tasks of an event loop ----


def test_tasks_share_a_commit_as_threads_do() -> None:
    """A hundred tasks of one loop hold no thread, and take a commit together."""
    store = Gated()
    commits: list[int] = []

    async def all_of_them(writer: Writer) -> list[int]:
        first = asyncio.create_task(writer.appended(one(registered("a"))))
        await asyncio.to_thread(store.waiting.wait, 30)
        others = [asyncio.create_task(writer.appended(one(acted("a")))) for _ in range(100)]
        await asyncio.sleep(0)
        store.gate.set()
        return [each.events[0].position for each in await asyncio.gather(first, *others)]

    with Writer(store) as writer:
        writer.on_committed(commits.append)
        positions = asyncio.run(all_of_them(writer))

    assert positions == list(range(1, 102))
    assert commits == [1, 101]


def test_a_task_whose_append_is_refused_fails_alone() -> None:
    """Of the tasks of a group, the one that the record refuses is told why, the others go on."""

    async def both(writer: Writer) -> list[object]:
        appends = (one(registered("a")), one(acted("nobody")), one(acted("a")))
        tasks = (writer.appended(append) for append in appends)
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    with Writer(MemoryStore()) as writer:
        first, refused, last = asyncio.run(both(writer))

    assert isinstance(refused, domain.PolicyNotRegistered)
    assert [type(each) for each in (first, last)] == [Outcome, Outcome]


def test_a_task_that_gives_up_in_the_queue_has_recorded_nothing(gated: Gated) -> None:
    """Before its turn, a task that stops waiting is told that nothing was recorded, truly."""

    async def give_up(writer: Writer) -> None:
        await asyncio.to_thread(gated.waiting.wait, 30)
        await writer.appended(one(acted("a")), timeout_s=0.01)

    with Writer(gated) as writer:
        first = writer.submit(one(registered("a")))
        with pytest.raises(errors.StoreBusy):
            asyncio.run(give_up(writer))
        gated.gate.set()
        first.result(30)

    assert gated.head().position == 1


def test_a_task_that_gives_up_during_the_commit_does_not_know(gated: Gated) -> None:
    """While its group is under way, a task that stops waiting is told the ids to ask for."""
    append = one(registered("a"))

    with Writer(gated) as writer:
        with pytest.raises(errors.OutcomeUnknown) as unknown:
            asyncio.run(writer.appended(append, timeout_s=0.2))
        # Its loop is closed by now, which is no reason not to record.
        gated.gate.set()

    assert unknown.value.ids == append.ids
    assert gated.head().position == 1
