"""Copying: the same log in another database, byte for byte, or none that could be taken for it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, Table, event, text

from builders import acted, event_id, one, registered
from clocks import TestClock
from eventstore.recording import Recorder
from held import peak_bytes
from timeline.application import copying
from timeline.application.access import Access, Role
from timeline.application.copying import Copied
from timeline.application.findings import Kind
from timeline.application.verifying import verify
from timeline.bootstrap import application
from timeline.eventstore import copying as row_copying
from timeline.eventstore import rows as row_reading
from timeline.eventstore import tables
from timeline.eventstore.database import create_engine, write_transaction
from timeline.eventstore.errors import AnotherLog, CopyDiffers, CopyUnfinished, EventStoreError
from timeline.eventstore.migrating import migrate
from timeline.eventstore.published import Published
from timeline.eventstore.schema import load_tables
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.stops import Stop
from timeline.settings import Settings
from whole_logs import WRITE_SIDE, WholeLog, log_rows

DIRECTIONS = {
    "sqlite to postgresql": ("sqlite_url", "postgresql_url"),
    "postgresql to sqlite": ("postgresql_url", "sqlite_url"),
}


def nothing(_done: int, _total: int) -> None:
    """Hear of progress."""


def copy(source: Engine, target: Engine) -> Copied:
    with copying.copying(source, target) as work:
        work.carry(nothing)
        return work.finish(nothing)


@pytest.fixture(params=list(DIRECTIONS.values()), ids=list(DIRECTIONS))
def engines(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Engine]]:
    """Give a database to copy from, and an empty one of the other kind."""
    source, target = (create_engine(request.getfixturevalue(name)) for name in request.param)
    yield source, target
    source.dispose()
    target.dispose()


@pytest.fixture
def source(engines: tuple[Engine, Engine]) -> Engine:
    """Give what is copied from."""
    return engines[0]


@pytest.fixture
def target(engines: tuple[Engine, Engine]) -> Engine:
    """Give what is copied to."""
    return engines[1]


@pytest.fixture
def log(source: Engine, tmp_path: Path) -> WholeLog:
    """Give a log with something in every table."""
    log = WholeLog(source, tmp_path)
    log.fill()
    return log


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything carried in many small parts."""
    monkeypatch.setattr(row_copying, "events", partial(row_reading.events, limit=50))
    monkeypatch.setattr(row_copying, "ROWS", 70)
    monkeypatch.setattr(row_reading, "ROWS", 70)


def test_every_table_of_the_log_is_carried() -> None:
    """A table that is added to the log, and forgotten here, would be lost on the way."""
    of_the_log = {
        table.name
        for table in load_tables().sorted_tables
        if table.info["kind"] in {"log", "access"}
    }
    write_side = {
        table.name
        for table in vars(tables).values()
        if isinstance(table, Table) and table.info["kind"] == "derived"
    }

    carried = {table.name for table, _ in copying._CARRIED}  # noqa: SLF001 - the list itself

    assert carried | {"log_head", "log_entries", "log_payloads"} == of_the_log | write_side
    assert write_side == set(WRITE_SIDE)


@pytest.mark.usefixtures("small_parts")
def test_a_copy_is_the_log_byte_for_byte(log: WholeLog, source: Engine, target: Engine) -> None:
    """Entries, payloads, salts, the tree, checkpoints, cosignatures, digests, tokens, tags."""
    copied = copy(source, target)

    rows = log_rows(source)
    assert log_rows(target) == rows
    assert all(rows.values()), "each table has something in it"
    assert len(rows["log_payloads"]) < len(rows["log_entries"]), "something is erased"
    head = log.store.head()
    assert (copied.position, copied.copied, copied.known) == (head.position, head.position, 0)
    assert copied.checkpoint == head.position


@pytest.mark.usefixtures("small_parts", "log")
def test_a_copy_taken_back_is_the_log_again(source: Engine, target: Engine, tmp_path: Path) -> None:
    """There and back: what arrives is what left."""
    copy(source, target)
    again = create_engine(f"sqlite:///{tmp_path / 'again.db'}")
    migrate(again)

    copy(target, again)

    assert log_rows(again) == log_rows(source)
    again.dispose()


def test_an_empty_log_is_copied(source: Engine, target: Engine) -> None:
    """Nothing is not an error."""
    copied = copy(source, target)

    assert (copied.position, copied.copied, copied.checkpoint) == (0, 0, None)
    assert log_rows(target) == log_rows(source)


@pytest.mark.usefixtures("small_parts")
def test_a_copy_of_a_stopped_log_is_stopped(log: WholeLog, source: Engine, target: Engine) -> None:
    """Nobody gets on with a log that is another one than was signed by moving it elsewhere."""
    log.store.stop(Stop("2026-11-22T10:00:00.000000Z", 400, "it has fewer entries now"))

    copy(source, target)
    again = copy(source, target)

    assert log_rows(target) == log_rows(source)
    assert again.copied == 0
    assert SqlStore(target).stopped() == log.store.stopped()


def test_nothing_is_copied_into_a_log_that_was_stopped(source: Engine, target: Engine) -> None:
    """Nor does it get on because another log reaches further; `timeline key adopt` has a say first."""
    SqlStore(target).stop(Stop("2026-11-22T10:00:00.000000Z", 400, "it has fewer entries now"))

    with pytest.raises(AnotherLog, match="nothing is recorded in it, since 2026-11-22"):
        copy(source, target)


def test_a_copy_can_be_written_to(log: WholeLog, source: Engine, target: Engine) -> None:
    """What the write side needs to know came along: it refuses and takes what the source would."""
    copy(source, target)
    policy = next(row[0] for row in log_rows(source)["streams"] if row[5] is row[6] is None)
    append = one(acted(policy, id=event_id(7_000_000)))

    there = Recorder(SqlStore(target), log.clock).append(append)

    assert there == Recorder(log.store, log.clock).append(append)
    assert log_rows(target)["log_tags"] == log_rows(source)["log_tags"]


@pytest.mark.usefixtures("small_parts")
def test_another_run_carries_on_what_came_since(
    log: WholeLog, source: Engine, target: Engine
) -> None:
    """More events, erasures of events that were copied, cosignatures, tokens, a revocation."""
    first = copy(source, target)
    log.grow(40)
    log.access.create("late", Role.READER)
    log.access.revoke("desk")

    second = copy(source, target)

    assert log_rows(target) == log_rows(source)
    assert second.known == first.position
    assert second.copied == log.store.head().position - first.position > 0
    assert len(erased_of(target, until=first.position)) > 0


def erased_of(engine: Engine, until: int) -> list[int]:
    rows = log_rows(engine)
    kept = {row[0] for row in rows["log_payloads"]}
    return [row[0] for row in rows["log_entries"] if row[0] <= until and row[0] not in kept]


@pytest.mark.usefixtures("small_parts")
def test_what_is_recorded_meanwhile_waits_for_another_run(
    log: WholeLog, source: Engine, target: Engine
) -> None:
    """A copy is of one moment, erasures included."""
    before = log_rows(source)
    with copying.copying(source, target) as work:
        log.grow(20)
        work.carry(nothing)
        log.grow(20)
        work.finish(nothing)

    assert log_rows(target) == before
    copy(source, target)
    assert log_rows(target) == log_rows(source) != before


class KilledError(Exception):
    """The process is gone."""


def dying_at(engine: Engine, commit: int) -> Callable[[], None]:
    """Have the nth commit from now on not happen; return what ends that."""
    left = commit

    def count(_connection: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KilledError

    event.listen(engine, "commit", count)
    return lambda: event.remove(engine, "commit", count)


@pytest.mark.usefixtures("small_parts")
def test_a_copy_is_resumed_wherever_it_was_killed(
    log: WholeLog, source: Engine, target: Engine
) -> None:
    """Before each of its commits: what is there is no log yet, nor any part of one, and is carried on.

    Each time the source has gone on, too, and has erased of what was copied.
    """
    deaths = 0
    url = target.url.render_as_string(hide_password=False)
    url = url.replace("+psycopg", "").replace("+pysqlite", "")
    while True:
        revive = dying_at(target, deaths % 4 + 1)
        try:
            copy(source, target)
        except KilledError:
            deaths += 1
            if SqlStore(target).head().position < len(log_rows(target)["log_entries"]):
                with pytest.raises(CopyUnfinished), application(Settings(database_url=url)):
                    pass
        else:
            break
        finally:
            revive()
        if deaths % 5 == 0:
            log.grow(3)

    assert deaths > 10
    assert log_rows(target) == log_rows(source)
    with application(Settings(database_url=url), follow=False) as app:
        assert app.store.head() == log.store.head()


@pytest.mark.usefixtures("log")
def test_nothing_is_recorded_in_a_copy_that_is_not_finished(source: Engine, target: Engine) -> None:
    """A service that runs there already cannot come in between."""
    with copying.copying(source, target) as work:
        work.carry(nothing)
        before = log_rows(target)

        with pytest.raises(EventStoreError):
            Recorder(SqlStore(target), TestClock()).append(one(registered("in-between")))

        assert log_rows(target) == before
        (finding,) = [each for each in verify(target).findings if each.kind is Kind.HEAD][:1]
        assert "copied here in part" in finding.what
        work.finish(nothing)
    assert log_rows(target) == log_rows(source)


def test_what_is_recorded_in_the_target_first_is_found(
    log: WholeLog, source: Engine, target: Engine
) -> None:
    """Between the look at it and the first row, too."""
    with copying.copying(source, target) as work:
        Recorder(SqlStore(target), log.clock).append(one(registered("in-between")))
        before = log_rows(target)

        with pytest.raises(AnotherLog, match="something else was recorded"):
            work.carry(nothing)

    assert log_rows(target) == before


@pytest.mark.parametrize("actions", [5, 500])
def test_a_target_that_holds_another_log_is_refused(
    actions: int, log: WholeLog, source: Engine, target: Engine, tmp_path: Path
) -> None:
    """Nothing is written into it, be it shorter or longer."""
    other = WholeLog(target, tmp_path, seed=2)
    other.lengthen(actions)
    assert (other.store.head().position > log.store.head().position) is (actions == 500)
    before = log_rows(target)

    with pytest.raises(AnotherLog):
        copy(source, target)

    assert log_rows(target) == before


@pytest.mark.usefixtures("log")
def test_a_target_that_went_on_by_itself_is_refused(
    log: WholeLog, source: Engine, target: Engine
) -> None:
    """After a copy both may record; then they are two logs, and stay so."""
    copy(source, target)
    Recorder(SqlStore(target), log.clock).append(one(registered("there", id=event_id(8_000_001))))
    Recorder(SqlStore(source), log.clock).append(one(registered("here", id=event_id(8_000_002))))
    before = log_rows(target)

    with pytest.raises(AnotherLog, match="its entry at position"):
        copy(source, target)

    assert log_rows(target) == before


def test_a_target_with_tokens_of_its_own_is_refused(
    log: WholeLog, source: Engine, target: Engine
) -> None:
    """A token that is valid there stays so, and none comes back that was revoked there."""
    there = Access(target, lambda: "2026-11-22T10:00:00.123456Z")
    there.create("somebody", Role.ADMIN)
    with pytest.raises(AnotherLog, match="tokens"):
        copy(source, target)
    assert SqlStore(target).head().position == 0
    assert log_rows(target)["log_entries"] == []

    log.access.create("somebody", Role.ADMIN)
    with pytest.raises(AnotherLog, match="tokens"):
        copy(source, target)


@pytest.mark.usefixtures("log")
def test_a_token_that_was_revoked_in_the_copy_stays_revoked(source: Engine, target: Engine) -> None:
    """Another run would make it valid again, and is refused."""
    copy(source, target)
    Access(target, lambda: "2026-11-22T10:00:00.123456Z").revoke("desk")

    with pytest.raises(AnotherLog, match="tokens"):
        copy(source, target)


def test_a_target_with_other_checkpoints_is_refused(
    log: WholeLog, source: Engine, target: Engine
) -> None:
    """Before anything is written into it."""
    found = log.published.latest()
    assert found is not None
    Published(target).publish(found, [], {})
    with write_transaction(target) as connection:
        connection.execute(
            text(
                "INSERT INTO log_checkpoints SELECT size + 1, note, signed_at FROM log_checkpoints"
            )
        )

    with pytest.raises(AnotherLog, match="log_checkpoints"):
        copy(source, target)

    assert log_rows(target)["log_entries"] == []


TAMPERINGS = {
    "a payload": "UPDATE log_payloads SET salt = (SELECT leaf_hash FROM log_entries WHERE position = 1)"
    " WHERE position = 1",
    "a payload that is gone": "DELETE FROM log_payloads WHERE position = 1",
    "an entry": "UPDATE log_entries SET entry = (SELECT entry FROM log_entries WHERE position = 2)"
    " WHERE position = 1",
    "a column": "UPDATE log_entries SET recorded_by = 'nobody' WHERE position = 3",
    "a leaf hash": "UPDATE log_entries SET leaf_hash = (SELECT salt FROM log_payloads"
    " WHERE position = 1) WHERE position = 3",
    "an entry that is gone": "DELETE FROM log_entries WHERE position IN (SELECT position FROM"
    " log_entries WHERE position NOT IN (SELECT position FROM log_payloads) LIMIT 1)",
    "a tag": "DELETE FROM log_tags WHERE position = 302",
    "a head of a stream": "UPDATE streams SET version = version + 1",
    "a checkpoint": "UPDATE log_checkpoints SET signed_at = '2026-11-22T10:00:00.123457Z'",
    "a token": "UPDATE tokens SET role = 'admin'",
}


def tamper(engine: Engine, statement: str) -> None:
    """Change what may not be changed."""
    guarded = ("log_entries", "log_payloads", "log_checkpoints")
    with write_transaction(engine) as connection:
        if engine.dialect.name == "postgresql":
            for table in guarded:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            names = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).scalars()
            for name in list(names):
                connection.execute(text(f'DROP TRIGGER "{name}"'))
        connection.execute(text(statement))


@pytest.mark.usefixtures("log", "small_parts")
@pytest.mark.parametrize("statement", TAMPERINGS.values(), ids=TAMPERINGS)
def test_what_arrived_otherwise_is_found_before_it_counts(
    statement: str, source: Engine, target: Engine
) -> None:
    """The copy is read again, and its head stays where it was."""
    with copying.copying(source, target) as work:
        work.carry(nothing)
        tamper(target, statement)

        with pytest.raises((CopyDiffers, AnotherLog)):
            work.finish(nothing)

    assert SqlStore(target).head().position == 0


@pytest.mark.usefixtures("log", "small_parts")
def test_a_log_that_is_not_what_its_tree_says_is_not_copied(source: Engine, target: Engine) -> None:
    """A fault of the source is found on the way, and does not arrive as a log."""
    tamper(
        source,
        "UPDATE log_entries SET leaf_hash = (SELECT salt FROM log_payloads WHERE position = 1)"
        " WHERE position = 2",
    )

    with pytest.raises(CopyDiffers, match="leaf hash at 2 "):
        copy(source, target)

    assert SqlStore(target).head().position == 0


@pytest.mark.usefixtures("log", "small_parts")
def test_a_payload_that_is_not_what_its_entry_says_is_told(source: Engine, target: Engine) -> None:
    """It is copied as it lies, and nobody reads that all agrees."""
    tamper(
        source,
        "UPDATE log_payloads SET data = (SELECT data FROM log_payloads WHERE position = 1)"
        " WHERE position IN (2, 3)",
    )

    copied = copy(source, target)

    assert (copied.unopened, copied.first_unopened) == (2, 2)
    assert log_rows(target) == log_rows(source)


@pytest.mark.usefixtures("small_parts")
def test_memory_does_not_grow_with_the_log(source: Engine, target: Engine, tmp_path: Path) -> None:
    """Three times the events take no more of it, neither to carry nor to compare.

    The smaller log is long enough for the drivers' own garbage to have come to its usual amount.
    """
    log = WholeLog(source, tmp_path)
    peaks = []
    for events in (2_500, 7_500):
        while log.store.head().position < events:
            log.lengthen(499)
        log.sign()
        with copying.copying(source, target) as work:
            carried = peak_bytes(partial(work.carry, nothing))
            peaks.append((carried, peak_bytes(partial(work.finish, nothing))))

    assert [later < 1.5 * former for former, later in zip(*peaks, strict=True)] == [True, True]
