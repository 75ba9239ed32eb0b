"""A rebuild tells how far it is to those who do not see its terminal."""

from typing import Any

import pytest
from sqlalchemy import Engine

from builders import acted, registered
from timeline.eventstore.database import read_snapshot
from timeline.eventstore.errors import StoreBusy
from timeline.eventstore.model import Append
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections import filling
from timeline.projections import telling as tellings
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.rebuild import rebuild
from timeline.projections.runner import Runner
from timeline.projections.telling import last_told


@pytest.fixture
def log(engine: Engine) -> Log:
    """Give a log with some events that the live read models have."""
    with Writer(SqlStore(engine)) as writer:
        drafts = tuple(each for name in "abc" for each in (registered(name), acted(name)))
        writer.append(Append(drafts=drafts, recorded_by="desk", batched=True))
    log = Log(SqlStore(engine))
    Runner(engine, log).catch_up()
    return log


def told(engine: Engine) -> tuple[str, int, int] | None:
    """Return what the last rebuild told, but for when."""
    with read_snapshot(engine) as connection:
        found = last_told(connection)
    return None if found is None else found[:3]


def test_a_rebuild_tells_what_it_does_and_how_it_ended(
    engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it fills slots, and once readers are pointed at them."""
    before = told(engine)
    meanwhile: list[object] = []
    fill = filling.fill

    def looked_at(*arguments: Any, **options: Any) -> None:
        meanwhile.append(told(engine))
        fill(*arguments, **options)

    monkeypatch.setattr("timeline.projections.rebuild.fill", looked_at)

    rebuild(engine, log, MODELS)

    assert before is None
    assert meanwhile == [("filling", 0, 0)]
    assert told(engine) == ("switched", 6, 6)


def test_a_rebuild_that_breaks_off_says_so(
    engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it was; one that is killed says nothing, and how long it is silent shows that."""

    def broken(*_arguments: Any, **_options: Any) -> None:
        raise OSError("disk")

    monkeypatch.setattr("timeline.projections.rebuild.fill", broken)

    with pytest.raises(OSError, match="disk"):
        rebuild(engine, log, MODELS)

    assert told(engine) == ("failed", 0, 0)


def test_what_cannot_be_told_does_not_end_a_rebuild(
    engine: Engine, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is for those who look on; the work does not depend on it."""

    def busy(_engine: Engine) -> None:
        raise StoreBusy(retry_after_s=1)

    monkeypatch.setattr(tellings, "write_transaction", busy)

    compared = rebuild(engine, log, MODELS)

    assert all(each.switched for each in compared)
    assert told(engine) is None
