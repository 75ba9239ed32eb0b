"""`timeline retry`: parked policies come back, or stay parked with the reason."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from sqlalchemy import Engine

from builders import acted, event_id, registered
from timeline.domain.belief import PastEvent
from timeline.eventstore.model import Append
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections.changes import Changes
from timeline.projections.lease import Lease
from timeline.projections.log import Log
from timeline.projections.projector import Projector
from timeline.projections.runner import Runner

Timeline = Callable[..., Result]
BREAKING = "breaks what takes it in"


class Fault:
    """Events with certain words break the fold while it is there."""

    def __init__(self) -> None:
        self.there = True


@pytest.fixture
def fault(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Give a fault that has parked one policy of two."""
    fault, take = Fault(), Projector._take  # noqa: SLF001 - where an event is folded

    def faulty(projector: Projector, event: PastEvent, changes: Changes) -> None:
        take(projector, event, changes)
        if fault.there and BREAKING in str(event.data):
            raise ValueError("cannot fold this")

    monkeypatch.setattr(Projector, "_take", faulty)
    drafts = (
        registered("good"),
        registered("bad"),
        acted("bad", id=event_id(7), summary=BREAKING),
        acted("good"),
    )
    with Writer(SqlStore(engine)) as writer:
        writer.append(Append(drafts=drafts, recorded_by="desk"))
    Runner(engine, Log(SqlStore(engine))).catch_up()
    return fault


def test_status_tells_what_is_parked(timeline: Timeline, fault: Fault) -> None:
    """The policy, the event that broke, and why."""
    assert fault.there

    told = json.loads(timeline("status", "--json").stdout)["parked"]
    line = "parked bad: event 00000000-0000-7000-8000-000000000007 at position 3: ValueError"

    assert told == [
        {
            "policy": "bad",
            "position": 3,
            "event": event_id(7),
            "error": "ValueError: cannot fold this",
        }
    ]
    assert line in timeline("status").stdout


@pytest.mark.parametrize("words", [(), ("bad",)])
def test_a_policy_that_can_be_taken_in_is_unparked(
    timeline: Timeline, fault: Fault, words: tuple[str, ...]
) -> None:
    """Named, or with all others; the read models are then what the log gives."""
    fault.there = False

    result = timeline("retry", *words)

    assert (result.exit_code, result.stdout) == (0, "bad: unparked\n")
    assert json.loads(timeline("status", "--json").stdout)["parked"] == []
    assert timeline("replay", "--quiet").exit_code == 0


def test_a_policy_that_breaks_again_stays_parked(timeline: Timeline, fault: Fault) -> None:
    """The exit code is 1, and the reason is told."""
    assert fault.there

    result = timeline("retry", "--json")

    found = json.loads(result.stdout)
    assert (result.exit_code, found["unparked"]) == (1, [])
    assert [(each["policy"], each["retry"]) for each in found["parked"]] == [("bad", False)]


def test_a_policy_that_is_not_parked_is_refused(timeline: Timeline, fault: Fault) -> None:
    """A wrong name is not taken for one that came back."""
    assert fault.there

    result = timeline("retry", "good")

    assert result.exit_code == 1
    assert "good is not parked" in result.stderr


def test_nothing_parked_is_nothing_to_do(timeline: Timeline) -> None:
    """The command may run after every deployment."""
    assert timeline("retry").exit_code == 0


def test_who_has_the_lease_is_told(timeline: Timeline, engine: Engine) -> None:
    """By host and process."""
    Lease(engine, "host/1/abcd").hold()

    assert json.loads(timeline("status", "--json").stdout)["lease"] == {"holder": "host/1/abcd"}
