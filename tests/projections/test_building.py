"""Building read models in one go, in several processes: as following the log event by event gives them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine

from builders import acted, registered, related
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections import filling, grouping
from timeline.projections.errors import RebuildOvertakenError
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.rebuild import build, live_digests, rebuild
from timeline.projections.runner import Runner


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
