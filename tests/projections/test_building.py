"""Building read models in one go, in several processes: as following the log event by event gives them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine

from builders import acted, registered, related
from timeline.eventstore.database import brief_transaction, create_engine
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections import filling, grouping
from timeline.projections import rebuild as rebuilding
from timeline.projections.emptying import require_run
from timeline.projections.errors import RebuildOvertakenError
from timeline.projections.forgetting import forget_elsewhere
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.reading import view
from timeline.projections.rebuild import build, live_digests, rebuild
from timeline.projections.runner import Runner, move


@contextmanager
def recording(engine: Engine) -> Iterator[Writer]:
    with Writer(SqlStore(engine)) as writer:
        yield writer


def story() -> list[Draft]:
    """Return policies of which some bear on others."""
    registrations = [registered(f"p-{number}") for number in range(30)]
    actions = [
        acted(f"p-{number}", action="issued", occurred=f"2024-01-{1 + number % 28:02}")
        for number in range(30)
    ]
    return [
        *registrations,
        *actions,
        *(related(f"p-{n + 1}", f"p-{n}", relation="rescinds") for n in range(0, 20, 2)),
    ]


@pytest.fixture
def recorded(engine: Engine) -> Engine:
    """Give a database with a story in its log, and empty read models."""
    with recording(engine) as writer:
        drafts = tuple(story())
        writer.append(Append(drafts=drafts, recorded_by="desk", batched=True))
    return engine


def test_several_processes_build_what_one_runner_does(
    recorded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Group by group, in whatever order they end; the digests are those of the increments."""
    monkeypatch.setattr(filling, "MANY_EVENTS", 1)
    monkeypatch.setattr(grouping, "GROUP_EVENTS", 8)
    log = Log(SqlStore(recorded))

    reached = build(recorded, log, MODELS)

    built = live_digests(recorded, MODELS)
    compared = rebuild(recorded, log, MODELS)
    assert reached == log.head() == built[0]
    assert all(each.identical and each.switched for each in compared)


def test_what_a_runner_did_meanwhile_is_not_taken_back(
    recorded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers who have seen a position never see an earlier one."""
    log = Log(SqlStore(recorded))
    fill = filling.fill

    def filled_while_recording(*arguments: object, **options: object) -> None:
        fill(*arguments, **options)  # type: ignore[arg-type]
        with recording(recorded) as writer:
            late = acted("p-1")
            writer.append(Append(drafts=(late,), recorded_by="desk"))
        Runner(recorded, log).catch_up()

    monkeypatch.setattr("timeline.projections.rebuild.fill", filled_while_recording)

    with pytest.raises(RebuildOvertakenError):
        build(recorded, log, MODELS)

    assert live_digests(recorded, MODELS)[0] == log.head()


def test_a_build_that_switches_and_a_runner_that_erases_do_not_wait_for_each_other(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both lock the live slots' progress first: one waits, and neither is ended as a deadlock."""
    engine = create_engine(postgresql_url)
    with view(engine) as live:
        slots = live.slots
    log, taken = rebuilding._begin(engine, Log(SqlStore(engine)), MODELS)  # noqa: SLF001 - but for the filling
    runner_has_locked, build_has_locked = threading.Event(), threading.Event()

    def erase() -> None:
        with brief_transaction(engine) as connection:
            move(connection, slots, 0, 0)
            runner_has_locked.set()
            build_has_locked.wait(1.0)
            forget_elsewhere(connection, MODELS, slots, {"p-1": 1})

    def require_run_and_say(*arguments: Any) -> None:
        require_run(*arguments)
        build_has_locked.set()

    monkeypatch.setattr(rebuilding, "require_run", require_run_and_say)
    with ThreadPoolExecutor(1) as runner:
        erasing = runner.submit(erase)
        runner_has_locked.wait(20.0)
        rebuilding._switch_unless_overtaken(engine, log, taken, 0)  # noqa: SLF001 - as above
        erasing.result()

    with view(engine) as live:
        assert live.slots == taken.slots
    engine.dispose()
