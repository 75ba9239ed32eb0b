"""The lease: one process advances the read models, the others look on; who stalls is overtaken."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, select

from builders import acted, registered, related
from timeline.application.retrying import parked_now
from timeline.eventstore.database import brief_transaction
from timeline.eventstore.errors import StoreBusy
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections import lease as leasing
from timeline.projections import runner as running
from timeline.projections.follower import Follower
from timeline.projections.graph import Graph
from timeline.projections.lease import Lease
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.rebuild import live_digests, rebuild
from timeline.projections.runner import Runner
from timeline.projections.tables import projection_lease

BOUND_S = 20.0
"""For what takes milliseconds on a machine that does nothing else."""


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    """Give a writer to the test's database."""
    with Writer(SqlStore(engine)) as writer:
        yield writer


def _append(writer: Writer, *drafts: Draft) -> int:
    position = 0
    for each in drafts:
        outcome = writer.append(Append(drafts=(each,), recorded_by="desk"))
        position = outcome.events[-1].position
    return position


@contextmanager
def _following(engine: Engine, holder: str) -> Iterator[tuple[Follower, Runner]]:
    runner = Runner(engine, Log(SqlStore(engine)))
    follower = Follower(runner, Lease(engine, holder))
    follower.start()
    try:
        yield follower, runner
    finally:
        follower.stop()


def _until(happens: Callable[[], bool], bound_s: float = BOUND_S) -> bool:
    deadline = time.monotonic() + bound_s
    while not happens():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def test_one_at_a_time_has_the_lease(engine: Engine) -> None:
    """It is kept by renewing it, refused to another, and free once it is given back."""
    one, other = Lease(engine, "one"), Lease(engine, "other")

    assert [one.hold(), other.hold(), one.hold()] == [True, False, True]
    assert other.look().holder == "one"
    other.release()
    assert other.hold() is False
    one.release()
    assert one.look().holder is None
    assert other.hold() is True


def test_a_lease_runs_out_by_the_databases_clock(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder that is gone keeps nobody waiting for longer than the lease lasts."""
    monkeypatch.setattr(leasing, "LEASE_MS", 200)
    monkeypatch.setattr(leasing, "RENEW_S", 0.05)
    gone, other = Lease(engine, "gone"), Lease(engine, "other")
    gone.hold()

    assert other.hold() is False
    assert _until(other.hold)
    assert gone.hold() is False


def test_followers_share_the_work_and_not_the_events(engine: Engine, writer: Writer) -> None:
    """Of several followers one applies each event; all of them come to know how far it is."""
    with (
        _following(engine, "one") as (one, first),
        _following(engine, "two") as (two, second),
    ):
        applied: list[str] = []
        for name, runner in (("one", first), ("two", second)):
            _note_steps(runner, name, applied)
        last = _append(writer, registered(), *(acted() for _ in range(30)))

        assert _until(lambda: one.position == two.position == last)
        assert len(set(applied)) == 1
        assert sum(each.leading for each in (one, two)) == 1

    assert live_digests(engine, MODELS) == (last, _rebuilt(engine))


def _note_steps(runner: Runner, name: str, applied: list[str]) -> None:
    step = runner.step

    def noted(until: int | None = None, keep: Callable[[], bool] = lambda: True) -> int:
        applied.append(name)
        return step(until, keep)

    runner.step = noted  # type: ignore[method-assign]


def test_a_follower_without_work_writes_nothing(engine: Engine, writer: Writer) -> None:
    """The lease of a service that nobody writes to runs out, and is not renewed."""
    with _following(engine, "one") as (follower, _):
        last = _append(writer, registered())
        assert _until(lambda: follower.position == last)
        with engine.connect() as connection:
            before = connection.execute(select(projection_lease.c.expires_ms)).scalar_one()
        time.sleep(leasing.RENEW_S + 0.5)
        with engine.connect() as connection:
            after = connection.execute(select(projection_lease.c.expires_ms)).scalar_one()

    assert after == before


def test_a_stopped_follower_gives_the_lease_back(engine: Engine, writer: Writer) -> None:
    """Another process need not wait until it runs out."""
    with _following(engine, "one") as (follower, _):
        last = _append(writer, registered())
        assert _until(lambda: follower.position == last)

    assert Lease(engine, "two").hold()


def test_a_holder_that_stalls_is_overtaken_and_applies_nothing_twice(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction comes after another's: the progress has moved, and it rolls back."""
    monkeypatch.setattr(leasing, "LEASE_MS", 100)
    last = _append(writer, registered(), acted(), acted())
    log = Log(SqlStore(engine))
    stalled, other = Lease(engine, "stalled"), Lease(engine, "other")
    stalled.hold()
    taken_over: list[bool] = []

    @contextmanager
    def after_a_stall(engine: Engine) -> Iterator[object]:
        monkeypatch.undo()
        taken_over.append(_until(other.hold))
        Runner(engine, log).catch_up()
        with brief_transaction(engine) as connection:
            yield connection

    monkeypatch.setattr(running, "brief_transaction", after_a_stall)
    runner = Runner(engine, log)

    reached = runner.step()

    assert (reached, taken_over) == (last, [True])
    assert live_digests(engine, MODELS) == (last, _rebuilt(engine))


def _rebuilt(engine: Engine) -> dict[str, str]:
    compared = rebuild(engine, Log(SqlStore(engine)), MODELS)
    return {each.name: each.rebuilt for each in compared}


def test_work_that_outlasts_the_lease_stays_with_its_holder(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event may change many policies, for seconds: whoever makes progress keeps the lease."""
    monkeypatch.setattr(leasing, "LEASE_MS", 400)
    monkeypatch.setattr(leasing, "RENEW_S", 0.05)
    policies = [f"p-{number}" for number in range(8)]
    last = _append(
        writer,
        *map(registered, policies),
        *(acted(policy, action="issued") for policy in policies),
        *(related(other, one, relation="suspends") for one, other in pairwise(policies)),
        acted(policies[0], action="rescinded"),
    )
    concluded = Graph._conclude  # noqa: SLF001 - made slow, as with thousands of actions
    folding: list[int] = []

    def slowly(graph: Graph, *arguments: Any) -> None:
        folding.append(threading.get_ident())
        time.sleep(0.1)
        concluded(graph, *arguments)

    Runner(engine, Log(SqlStore(engine))).catch_up(last - 1)
    monkeypatch.setattr(Graph, "_conclude", slowly)

    with _following(engine, "one") as (one, _), _following(engine, "two") as (two, _):
        assert _until(lambda: one.position == two.position == last)

    assert len(folding) > 8
    assert len(set(folding)) == 1


def test_work_that_outlasts_the_lease_in_two_processes_is_done_by_one(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two signs of life the lease runs out, and both begin: whoever is done first wins."""
    monkeypatch.setattr(leasing, "LEASE_MS", 100)
    monkeypatch.setattr(leasing, "RENEW_S", 0.03)
    policies = [f"p-{number}" for number in range(3)]
    last = _append(
        writer,
        *map(registered, policies),
        *(acted(policy, action="issued") for policy in policies),
        *(related(other, one, relation="suspends") for one, other in pairwise(policies)),
        acted(policies[0], action="rescinded"),
    )
    concluded = Graph._conclude  # noqa: SLF001 - made slow, as with a policy of years

    def slowly(graph: Graph, *arguments: Any) -> None:
        time.sleep(0.15)
        concluded(graph, *arguments)

    Runner(engine, Log(SqlStore(engine))).catch_up(last - 1)
    monkeypatch.setattr(Graph, "_conclude", slowly)

    with _following(engine, "one") as (one, _), _following(engine, "two") as (two, _):
        reached = _until(lambda: one.position == two.position == last)

    assert reached
    assert live_digests(engine, MODELS) == (last, _rebuilt(engine))


def test_a_runner_drops_work_that_another_has_done(engine: Engine, writer: Writer) -> None:
    """It has lost the lease, and sees that the read models moved; nothing is parked."""
    _append(writer, registered(), *(acted() for _ in range(9)))
    log = Log(SqlStore(engine))
    asked: list[int] = []

    def overtaken() -> bool:
        asked.append(Runner(engine, log).step(until=3))
        return False

    reached = Runner(engine, log).step(keep=overtaken)

    assert (reached, asked) == (3, [3])
    assert parked_now(engine) == ()


def test_a_runner_goes_on_with_work_that_another_has_only_begun(
    engine: Engine, writer: Writer
) -> None:
    """The other may stall as well: what is not done yet is done by whoever comes to its end."""
    last = _append(writer, registered(), *(acted() for _ in range(9)))
    asked: list[bool] = []

    def lost() -> bool:
        asked.append(False)
        return False

    reached = Runner(engine, Log(SqlStore(engine)), clock=lambda: 0.0).step(keep=lost)

    assert (reached, asked) == (last, [False])


def test_a_batch_ends_by_the_clock_as_well(engine: Engine, writer: Writer) -> None:
    """However dear events are, what is applied is committed within seconds."""
    _append(writer, registered(), *(acted() for _ in range(9)))
    moments = (0.3 * number for number in range(1_000))
    runner = Runner(engine, Log(SqlStore(engine)), clock=lambda: next(moments))

    reached = [runner.step() for _ in range(4)]

    assert reached == [4, 8, 10, 10]


def test_a_database_in_the_way_of_a_renewal_does_not_end_the_work(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only who sees that another has the lease gives up."""
    waiting, late = Lease(engine, "waiting"), Lease(engine, "late")

    def busy(_engine: Engine) -> None:
        raise StoreBusy(retry_after_s=1)

    with monkeypatch.context() as while_busy:
        while_busy.setattr(leasing, "brief_transaction", busy)
        kept = waiting.keep()
    Lease(engine, "other").hold()

    assert (kept, late.keep()) == (True, False)


FOLLOW = """
import sys, time
from timeline.eventstore.database import create_engine
from timeline.eventstore.sql import SqlStore
from timeline.projections.follower import Follower
from timeline.projections.graph import Graph
from timeline.projections.lease import Lease
from timeline.projections.log import Log
from timeline.projections.runner import Runner
engine = create_engine(sys.argv[1])
follower = Follower(Runner(engine, Log(SqlStore(engine))), Lease(engine, "another process"))
follower.start()
print("started", flush=True)
time.sleep(120)
"""


@contextmanager
def _another_process(database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", FOLLOW, database_url], stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            yield process
        finally:
            process.kill()


def test_a_stopped_process_loses_the_lease_and_does_no_harm_when_it_goes_on(
    database_url: str, engine: Engine, writer: Writer
) -> None:
    """SIGSTOP in the middle of its work; this process goes on within the lease's time."""
    with _another_process(database_url) as process:
        _append(writer, registered())
        looking = Lease(engine, "this process")
        assert _until(lambda: looking.look().holder == "another process")
        os.kill(process.pid, signal.SIGSTOP)
        last = _append(writer, *(acted() for _ in range(20)))
        with _following(engine, "this process") as (follower, _):
            overtaken = _until(lambda: follower.position == last)
            os.kill(process.pid, signal.SIGCONT)
            last = _append(writer, *(acted() for _ in range(20)))
            reached = _until(lambda: follower.position == last)

    assert (overtaken, reached) == (True, True)
    assert live_digests(engine, MODELS) == (last, _rebuilt(engine))
