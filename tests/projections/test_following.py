"""Following the log on real databases: what the projector's own tests cannot see."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from sqlalchemy import Engine, select, update

from builders import acted, draft, erased, event_id, registered
from timeline.application.errors import InvalidRequest, NotYetReflected
from timeline.application.queries import EventsQuery, PolicyQuery
from timeline.application.reading import Reader
from timeline.domain.vocabulary import EventType
from timeline.eventstore import postgresql
from timeline.eventstore.database import brief_transaction
from timeline.eventstore.errors import EventStoreError
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer, utc_now
from timeline.projections import follower as following
from timeline.projections.follower import Follower
from timeline.projections.lease import Lease
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.reading import view
from timeline.projections.rebuild import rebuild
from timeline.projections.runner import Runner
from timeline.projections.tables import projection_progress

SOURCES = [{"url": "https://news.example/order"}]


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    """Give a writer to the test's database."""
    with Writer(SqlStore(engine)) as writer:
        yield writer


def _append(writer: Writer, *drafts: Draft) -> int:
    """Record drafts one by one; return the last position."""
    position = 0
    for each in drafts:
        outcome = writer.append(Append(drafts=(each,), recorded_by="desk"))
        position = outcome.events[-1].position
    return position


def _runner(engine: Engine) -> Runner:
    return Runner(engine, Log(SqlStore(engine)))


def test_what_is_reached_is_told_while_the_log_still_grows(engine: Engine, writer: Writer) -> None:
    """A writer that never pauses does not keep the follower from telling how far it is."""
    _append(writer, registered("an-order"))
    follower = Follower(_runner(engine), Lease(engine, "one"))
    stop = threading.Event()

    def write() -> None:
        deadline = time.monotonic() + 20
        while not stop.is_set() and time.monotonic() < deadline:
            _append(writer, acted("an-order", action="hearing_held"))

    thread = threading.Thread(target=write)
    thread.start()
    follower.start()
    try:
        _reaches(follower, 5)
        told, writing = follower.position, thread.is_alive()
    finally:
        stop.set()
        thread.join(20)
        follower.stop()

    assert told >= 5
    assert writing


def test_following_gives_way_to_many_appends_until_a_reader_waits(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It applies a few events and rests for a multiple of the time; hurrying ends that at once."""
    monkeypatch.setattr(Follower, "_overrun", lambda *_: True)
    monkeypatch.setattr(following, "GIVE_WAY", 1e9)
    monkeypatch.setattr(following, "MAX_REST_S", 60.0)
    monkeypatch.setattr(following, "EVENTS_AT_ONCE", 2)
    last = _append(writer, registered("an-order"), *(acted("an-order") for _ in range(3)))
    follower = Follower(_runner(engine), Lease(engine, "one"), lambda: True)
    follower.start()
    try:
        assert _reaches(follower, 2)
        time.sleep(0.2)
        rested_at = follower.position

        follower.hurry()

        assert _reaches(follower, last)
    finally:
        follower.stop()
    assert rested_at == 2


def test_a_rest_makes_up_for_work_and_not_for_waiting(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a batch waits for the database, or for its turn, it keeps the interpreter from nobody."""
    monkeypatch.setattr(Follower, "_overrun", lambda *_: True)
    monkeypatch.setattr(following, "MAX_REST_S", 60.0)
    monkeypatch.setattr(following, "EVENTS_AT_ONCE", 1)
    last = _append(writer, registered("an-order"), *(acted("an-order") for _ in range(3)))
    follower = Follower(_SlowRunner(engine, Log(SqlStore(engine))), Lease(engine, "one"), _always)

    follower.start()
    try:
        assert _reaches(follower, last)
    finally:
        follower.stop()


class _SlowRunner(Runner):
    """Waits for long before each batch: with the rests due for that, four would take half a minute."""

    def step(self, until: int | None = None, keep: Callable[[], bool] = lambda: True) -> int:
        """Wait, and apply a batch."""
        time.sleep(0.4)
        return super().step(until, keep)


def _always() -> bool:
    return True


def test_what_can_be_kept_up_with_is_followed_without_a_rest(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many append at once: a rest would let others wait for what could be there."""
    monkeypatch.setattr(following, "GIVE_WAY", 1e9)
    monkeypatch.setattr(following, "MAX_REST_S", 60.0)
    follower = Follower(_runner(engine), Lease(engine, "one"), lambda: True)
    last = _append(writer, registered("an-order"), acted("an-order"))
    follower.start()
    try:
        follower.hurry()
        assert _reaches(follower, last)
        for _ in range(3):
            time.sleep(0.2)
            last = _append(writer, acted("an-order"))
            assert _reaches(follower, last)
    finally:
        follower.stop()


def _reaches(follower: Follower, position: int) -> bool:
    deadline = time.monotonic() + 15
    while follower.position < position and time.monotonic() < deadline:
        time.sleep(0.01)
    return follower.position >= position


@pytest.mark.parametrize("letter", ["x", "島", "ﬃ"])
def test_the_longest_words_that_are_taken_can_be_found(
    engine: Engine, writer: Writer, letter: str
) -> None:
    """Whatever the record accepts fits into the read models' indexes."""
    last = _append(
        writer,
        registered(
            "an-order",
            identifiers=[{"scheme": "x" * 64, "value": letter * 256}],
            topics=[letter * 100],
        ),
        acted("an-order", actors=[{"name": letter * 500}], body=letter * 500),
        draft(
            EventType.RELATION_ASSERTED,
            "an-order",
            {"relation": "cites", "target": {"citation": letter * 1000}, "sources": SOURCES},
        ),
    )

    assert _runner(engine).catch_up() == last


def test_an_erasure_reaches_the_slot_that_is_not_live(engine: Engine, writer: Writer) -> None:
    """What a rebuild left behind in the other slot forgets what is erased, too."""
    words = "what has to go"
    _append(
        writer,
        registered("an-order"),
        acted("an-order", id=event_id(7), summary=words),
    )
    _runner(engine).catch_up()
    rebuild(engine, Log(SqlStore(engine)), MODELS)

    _append(writer, erased(event_id(7), "an-order"))
    _runner(engine).catch_up()

    with engine.connect() as connection:
        for model in MODELS:
            for (name, slot), table in model.tables.items():
                rows = connection.execute(select(table)).all()
                assert words not in str(rows), f"{name} in slot {slot}"


def test_what_the_log_has_and_the_models_have_not_is_not_answered_yet(
    engine: Engine, writer: Writer
) -> None:
    """A position of the log is not refused because a process lags, nor answered too early."""
    _append(writer, registered("an-order"))
    _runner(engine).catch_up()
    last = _append(writer, acted("an-order"))
    reader = Reader(engine, SqlStore(engine), utc_now)
    recorded_at = SqlStore(engine).read(last - 1, limit=1)[0].recorded_at

    with pytest.raises(NotYetReflected):
        reader.policy("an-order", PolicyQuery(known_position=last))
    with pytest.raises(InvalidRequest, match="ends at position 2"):
        reader.policy("an-order", PolicyQuery(known_position=last + 1))
    with pytest.raises(NotYetReflected):
        reader.policy("an-order", PolicyQuery(known_at=datetime.fromisoformat(recorded_at)))

    _runner(engine).catch_up()
    answer = reader.policy("an-order", PolicyQuery(known_position=last))
    assert answer.position == last


def test_a_page_of_the_log_goes_on_in_the_log_of_the_first(engine: Engine, writer: Writer) -> None:
    """A cursor pins the log's end: what came later is on no page that it leads to."""
    _append(writer, registered("an-order"), acted("an-order"))
    reader = Reader(engine, SqlStore(engine), utc_now)
    first = reader.events(EventsQuery(limit=1)).document
    _append(writer, acted("an-order"))

    second = reader.events(EventsQuery(limit=1, cursor=first["next"])).document

    assert [item.position for item in second["items"]] == [2]
    assert (second["next"], second["position"]) == (None, 2)


def test_a_view_is_read_at_one_position(engine: Engine, writer: Writer) -> None:
    """All read models of one view stand at the same position."""
    last = _append(writer, registered("an-order"), acted("an-order"))
    _runner(engine).catch_up()

    with view(engine) as live:
        assert live.position == last
        assert set(live.slots) == {model.name for model in MODELS}


def test_a_runner_that_stalls_does_not_hold_up_the_others(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ends its transaction; an SQLite file is locked until its process ends."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no server that could end another process's transaction")
    monkeypatch.setattr(postgresql, "BRIEF_IDLE_MS", 200)
    last = _append(writer, registered("an-order"), acted("an-order", action="issued"))
    runner = _runner(engine)

    with pytest.raises(EventStoreError):
        _stall(engine, lambda: _catch_up_soon(runner, last))


def _stall(engine: Engine, meanwhile: Callable[[], None]) -> None:
    """Hold the progress, let something else happen, and go on."""
    held = update(projection_progress).values(position=projection_progress.c.position)
    with brief_transaction(engine) as stalled:
        stalled.execute(held)
        meanwhile()
        stalled.execute(held)


def _catch_up_soon(runner: Runner, position: int) -> None:
    started_s = time.monotonic()
    assert runner.catch_up() == position
    assert time.monotonic() - started_s < 3
