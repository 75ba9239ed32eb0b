"""Erasures while read models are rebuilt: what is erased goes, and nothing else does."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Engine, select

from builders import SOURCE, acted, corrected, described, draft, erased, event_id, registered
from timeline.application.replay import replay
from timeline.domain.events import SCHEMA_VERSIONS, ActionRecorded
from timeline.domain.upcasting import REPLACEMENT_SHAPES, UPCASTERS, check_chain
from timeline.domain.vocabulary import EventType
from timeline.eventstore.database import write_transaction
from timeline.eventstore.lookup import read_content
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections import filling, grouping
from timeline.projections import rebuild as rebuilding
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.rebuild import build, rebuild
from timeline.projections.runner import Runner
from timeline.projections.tables import SLOTS

HERE: Final = "ocd-division/country:us/state:ca/place:here"
THERE: Final = "ocd-division/country:us/state:ca/place:there"

Record = Callable[..., None]


@pytest.fixture
def record(engine: Engine) -> Iterator[Record]:
    """Give a function that records drafts, each on its own."""
    with Writer(SqlStore(engine)) as writer:

        def record(*drafts: Draft) -> None:
            for each in drafts:
                writer.append(Append(drafts=(each,), recorded_by="desk"))

        yield record


def story() -> list[Draft]:
    """Return an order that suspends what is HERE, and one that is not, yet."""
    suspends_all_here = {
        "relation": "suspends",
        "target": {"selector": {"jurisdiction": HERE}},
        "effective": "2024-06-01",
        "sources": [{"url": "https://news.example/order"}],
    }
    return [
        registered("one", jurisdiction=HERE),
        acted("one", id=event_id(7), summary="what has to go"),
        draft(EventType.RELATION_ASSERTED, "one", suspends_all_here),
        registered("other", jurisdiction=THERE),
        acted("other"),
    ]


def after_filling(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> None:
    """Have something happen when a rebuild has filled its slots up to the log's end."""
    fill = filling.fill

    def fill_first(*arguments: Any, **options: Any) -> None:
        fill(*arguments, **options)
        meanwhile()

    monkeypatch.setattr("timeline.projections.rebuild.fill", fill_first)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_rebuild_keeps_what_came_to_depend_on_an_erased_payload_later(
    engine: Engine, record: Record, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """A follower's batch goes beyond the erasure, the rebuild's may end with it."""
    log = Log(SqlStore(engine))
    record(*story())
    Runner(engine, log).catch_up()

    def erase_and_go_on() -> None:
        record(erased(event_id(7), "one"), described("other", jurisdiction=HERE))
        Runner(engine, log).catch_up()

    after_filling(monkeypatch, erase_and_go_on)
    monkeypatch.setattr("timeline.projections.rebuild.BATCH", batch)

    compared = rebuild(engine, log, MODELS)

    assert all(each.identical and each.switched for each in compared)
    assert all(replay(engine, SqlStore(engine), MODELS, until=at).identical for at in range(8))


def while_working_out(
    monkeypatch: pytest.MonkeyPatch, module: str, number: int, meanwhile: Callable[[], None]
) -> None:
    """Have something happen once, when a rebuild is about to write rows for the nth time."""
    writes = count(1)

    def write_late(engine: Engine) -> AbstractContextManager[Connection]:
        if next(writes) == number:
            meanwhile()
        return write_transaction(engine)

    monkeypatch.setattr(f"timeline.projections.{module}.write_transaction", write_late)


def places_of(engine: Engine, text: str) -> set[str]:
    """Return the tables of read models, of either slot, in which a text stands."""
    tables = [
        model.table(spec.name, slot) for model in MODELS for spec in model.specs for slot in SLOTS
    ]
    with engine.connect() as connection:
        return {
            table.name for table in tables if text in str(connection.execute(select(table)).all())
        }


@pytest.mark.parametrize(
    ("together", "module", "number"),
    [(grouping.MAX_TOGETHER, "filling", 1), (0, "rebuild", 1), (0, "rebuild", 2)],
)
def test_what_is_erased_as_it_is_worked_out_does_not_outlast_a_rebuild(
    engine: Engine,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
    together: int,
    module: str,
    number: int,
) -> None:
    """As a group and in the log's order, read now or before; the rebuild is killed before it comes to the erasure."""
    log = Log(SqlStore(engine))
    record(*story(), corrected(event_id(7), {"occurred": "2023"}, "one"))
    Runner(engine, log).catch_up()
    fill_apart = rebuilding._fill_apart  # noqa: SLF001 - what a rebuild is killed after

    def erase() -> None:
        record(erased(event_id(7), "one"))
        Runner(engine, log).catch_up()

    def fill_and_die(*arguments: Any) -> None:
        fill_apart(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(grouping, "MAX_TOGETHER", together)
        patched.setattr(rebuilding, "BATCH", 3)
        patched.setattr(rebuilding, "_fill_apart", fill_and_die)
        while_working_out(patched, module, number, erase)
        before = places_of(engine, "what has to go")
        with pytest.raises(KeyboardInterrupt):
            rebuild(engine, log, MODELS)

    assert before == {"timeline_a"}
    assert places_of(engine, "what has to go") == set()
    assert all(each.identical for each in rebuild(engine, log, MODELS))


def test_a_follower_that_lags_takes_nothing_from_what_is_rebuilt_already(
    engine: Engine, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rebuild never read what was erased before it began, so there is nothing to forget."""
    log = Log(SqlStore(engine))
    record(*story())
    Runner(engine, log).catch_up()
    record(erased(event_id(7), "one"), acted("one"))
    after_filling(monkeypatch, lambda: void(Runner(engine, log).catch_up()))

    compared = rebuild(engine, log, MODELS)

    assert all(each.identical and each.switched for each in compared)


def test_a_follower_beside_a_first_build_takes_nothing_from_it(
    engine: Engine, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to compare with, so that nobody would see it."""
    log = Log(SqlStore(engine))
    record(*story(), erased(event_id(7), "one"), acted("one"))
    after_filling(monkeypatch, lambda: void(Runner(engine, log).catch_up()))

    assert build(engine, log, MODELS) == log.head()

    assert replay(engine, SqlStore(engine), MODELS).identical


def test_a_replacement_is_read_in_todays_shape_as_all_else_is(
    engine: Engine, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the projections and by the write side, when the shape has changed since the erasure."""
    store = SqlStore(engine)
    replacement = {"action": "issued", "occurred": "2024", "sources": [SOURCE]}
    record(registered("one"), acted("one", id=event_id(7), label="has to go"))
    record(erased(event_id(7), "one", replacement=replacement))
    kind, erasure = EventType.ACTION_RECORDED, EventType.PAYLOAD_ERASED
    monkeypatch.setitem(SCHEMA_VERSIONS, kind, 2)
    monkeypatch.setitem(SCHEMA_VERSIONS, erasure, 2)
    monkeypatch.setitem(UPCASTERS, (kind, 1), lambda data: {**data, "label": "new"})
    monkeypatch.setitem(UPCASTERS, (erasure, 1), dict)
    monkeypatch.setitem(REPLACEMENT_SHAPES, 2, dict(SCHEMA_VERSIONS))
    check_chain()

    read = Log(store).after(1, limit=1)[0].data
    known = read_content(kind, 1, None, (1, store.read(2, limit=1)[0].data or b""))

    assert isinstance(read, ActionRecorded)
    assert read.label == "new"
    assert known == read


def void(_value: object) -> None:
    """Return nothing."""
