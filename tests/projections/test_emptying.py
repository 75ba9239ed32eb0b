"""Emptying the slots that are not live, part by part."""

import pytest
from sqlalchemy import Engine, func, select

from builders import acted, registered
from timeline.eventstore import postgresql, sqlite
from timeline.eventstore.model import Append
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections.emptying import empty_slots
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.rebuild import rebuild
from timeline.projections.runner import Runner


def test_a_slot_is_emptied_in_parts_and_the_live_one_is_not(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many parts a table has, nothing of it is left."""
    monkeypatch.setattr(postgresql, "EMPTIED_PAGES", 1)
    monkeypatch.setattr(sqlite, "EMPTIED_ROWS", 3)
    drafts = [registered(f"p-{number}") for number in range(40)]
    drafts += [acted(f"p-{number}", action="issued") for number in range(40)]
    with Writer(SqlStore(engine)) as writer:
        writer.append(Append(drafts=tuple(drafts), recorded_by="desk", batched=True))
    log = Log(SqlStore(engine))
    Runner(engine, log).catch_up()
    rebuild(engine, log, MODELS)

    slots = empty_slots(engine, MODELS)

    assert set(slots.values()) == {"a"}
    for model in MODELS:
        for spec in model.specs:
            assert count(engine, model.table(spec.name, "a")) == 0
    assert count(engine, MODELS[0].table("policies", "b")) == len(drafts) / 2


def count(engine: Engine, table: object) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]
