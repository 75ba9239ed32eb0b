"""Digests of a day: recorded once, at its last checkpoint, and comparable with what the log gives."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from builders import acted, erased, event_id, registered
from clocks import TestClock
from timeline.application import digesting
from timeline.application.digesting import Digester, Digesting
from timeline.application.key_files import KeyFile
from timeline.application.replay import Replay, replay
from timeline.application.signing import Signer
from timeline.eventstore.database import write_transaction
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.published import Digests, Published
from timeline.eventstore.schema import head_revision
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.runner import Runner
from timeline.transparency.keys import SigningKey

ORIGIN = "log.example/record"
A_DAY_S = 86_400

Record = Callable[..., None]


@pytest.fixture
def record(engine: Engine, clock: TestClock, tmp_path: Path) -> Iterator[Record]:
    """Give a function that records events and has the head signed, a minute later each time."""
    keys = KeyFile(tmp_path / "log.key")
    keys.begin([SigningKey(ORIGIN, bytes(range(32)))])
    store = SqlStore(engine)
    signer = Signer(store, Published(engine), keys, ORIGIN, clock)
    with Writer(store, clock=clock) as writer:

        def record(*drafts: Draft) -> None:
            for each in drafts:
                writer.append(Append(drafts=(each,), recorded_by="desk"))
                clock.advance(60)
                signer.sign()

        yield record


@pytest.fixture
def told(record: Record, clock: TestClock, engine: Engine) -> Engine:
    """Give a record with three events on a first day, and one on the third; read models lag."""
    record(registered("one"), acted("one"), acted("one", id=event_id(7), summary="what has to go"))
    clock.advance(2 * A_DAY_S)
    record(acted("one"))
    return engine


def digester(engine: Engine) -> Digester:
    return Digester(engine, SqlStore(engine), Published(engine))


def catch_up(engine: Engine) -> None:
    Runner(engine, Log(SqlStore(engine))).catch_up()


def replayed(engine: Engine, until: int) -> Replay:
    return replay(engine, SqlStore(engine), MODELS, until=until)


def test_a_day_that_is_over_has_its_digests_recorded_once(told: Engine) -> None:
    """At its last checkpoint; of a day without one, and of the newest, there are none."""
    catch_up(told)

    found = digester(told).record()

    assert found is not None
    assert (found.day, found.size) == ("2026-11-22", 3)
    assert (found.last_erasure, found.schema) == (None, head_revision())
    live = {each.name: each.live for each in replayed(told, 3).projections}
    assert found.models == live
    assert digester(told).record() is None
    assert Published(told).newest_digests(9) == [found]


def test_days_are_recorded_late_as_they_would_have_been_in_time(
    told: Engine, record: Record, clock: TestClock
) -> None:
    """Rows of a position stay as they are: a service that was stopped for days tells of each."""
    for _ in range(3):
        clock.advance(A_DAY_S)
        record(acted("one"))
    catch_up(told)

    some = iter(lambda: digester(told).record(), None)

    assert [(each.day, each.size) for each in some if each] == [
        ("2026-11-22", 3),
        ("2026-11-24", 4),
        ("2026-11-25", 5),
        ("2026-11-26", 6),
    ]
    recorded = [replayed(told, size).recorded for size in range(3, 7)]
    assert [each.difference if each else "absent" for each in recorded] == [None] * 4


def test_nothing_is_recorded_of_what_is_not_known(told: Engine) -> None:
    """Read models that lag, or a policy whose events wait, are waited for."""
    assert digester(told).due()
    assert digester(told).record() is None

    catch_up(told)

    assert digester(told).record() is not None


def test_a_replay_compares_with_what_was_recorded(told: Engine) -> None:
    """At that position, and at no other."""
    catch_up(told)
    found = digester(told).record()

    at, beside = replayed(told, 3), replayed(told, 2)

    assert at.recorded is not None
    assert (at.recorded.day, at.recorded.difference) == ("2026-11-22", None)
    assert beside.recorded is None
    assert at.days == beside.days == [found]


def test_a_replay_tells_an_erasure_from_a_change(told: Engine, record: Record) -> None:
    """After an erasure, rows of earlier positions are others: that is said, and is no tampering."""
    catch_up(told)
    digester(told).record()
    record(erased(event_id(7), "one"))
    catch_up(told)

    found = replayed(told, 3)

    assert (found.identical, found.last_erasure) == (True, 5)
    assert found.recorded is not None
    assert (found.recorded.last_erasure, found.recorded.difference) == (None, "erasure")


def test_digests_that_nothing_explains_are_called_so(told: Engine) -> None:
    """Rows that were others when they were recorded, as they would be had they been tampered with."""
    catch_up(told)
    (model,) = [each for each in MODELS if each.name == "policies"]
    with write_transaction(told) as connection:
        connection.execute(update(model.table("policy_periods", "a")).values(force="suspended"))
    digester(told).record()

    found = replayed(told, 3)

    assert not found.identical
    assert found.recorded is not None
    assert found.recorded.difference == "unexplained"
    assert found.recorded.models == {each.name: each.live for each in found.projections}


def test_digests_of_other_tables_are_called_so(told: Engine) -> None:
    """A migration that changes the read models changes their digests."""
    catch_up(told)
    other = Digests(day="2026-11-22", size=3, last_erasure=None, schema="0001", models={})
    Published(told).record_digests(other)

    found = replayed(told, 3).recorded

    assert found is not None
    assert found.difference == "schema"


def test_of_several_processes_the_one_that_leads_records(
    told: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another does so only where that one has not for a while."""
    monkeypatch.setattr(digesting, "OTHERS_LOOKS", 2)
    catch_up(told)
    follows = Digesting(digester(told), lambda: False)

    assert [follows.look() for _ in range(4)] == [False, False, True, False]


def test_the_thread_records_and_ends(told: Engine) -> None:
    """It records what is due as it starts, and stops at once where it is told to."""
    catch_up(told)
    thread = Digesting(digester(told), lambda: True)

    thread.start()
    for _ in range(500):
        if Published(told).digests_at(3) is not None:
            break
        thread._stopping.wait(0.02)  # noqa: SLF001 - a wait that ends with the thread
    thread.stop()

    assert Published(told).digests_at(3) is not None
    assert not thread._thread.is_alive()  # noqa: SLF001 - what the test is about
