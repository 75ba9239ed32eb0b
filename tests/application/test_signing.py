"""Signing: each checkpoint is of a log that the one before it was signed for, or there is none."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from builders import acted, registered
from clocks import TestClock
from timeline.application import key_files, signing
from timeline.application.errors import KeyFileError
from timeline.application.key_files import KeyFile
from timeline.application.signing import Signer, Signing
from timeline.eventstore.errors import LogDiverged
from timeline.eventstore.model import Append
from timeline.eventstore.published import Published
from timeline.eventstore.relay import Relay
from timeline.eventstore.sequencing import plan, request_for
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.stops import Stop
from timeline.eventstore.writer import Writer
from timeline.transparency.checkpoints import Checkpoint, opened
from timeline.transparency.keys import SigningKey
from timeline.transparency.notes import signed
from timeline.transparency.proofs import (
    check_consistency,
    check_inclusion,
    consistency,
    inclusion,
    root,
)
from timeline.transparency.tiles import TiledTree

ORIGIN = "log.example/record"
KEY = SigningKey(ORIGIN, bytes(range(32)))


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    """Give a file with one key."""
    file = KeyFile(tmp_path / "log.key")
    file.begin([KEY])
    return file


Record = Callable[[int], None]


@pytest.fixture
def record(engine: Engine) -> Iterator[Record]:
    """Give a function that records so many events more."""
    with Writer(SqlStore(engine)) as writer:
        registration = registered("an-order")
        writer.append(Append(drafts=(registration,), recorded_by="desk"))

        def more(number: int) -> None:
            for start in range(0, number, 1_000):
                drafts = tuple(acted("an-order") for _ in range(min(1_000, number - start)))
                writer.append(Append(drafts=drafts, recorded_by="desk", batched=True))

        yield more


def signer(engine: Engine, keys: KeyFile) -> Signer:
    return Signer(SqlStore(engine), Published(engine), keys, ORIGIN, TestClock())


def latest(engine: Engine) -> Checkpoint:
    found = Published(engine).latest()
    assert found is not None
    checkpoint, _ = opened(found.note, [KEY.verifier])
    return checkpoint


def test_each_checkpoint_continues_the_one_before(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """A reader who has seen one can check the next; each entry can be shown to be in it."""
    signs = signer(engine, keys)
    roots: dict[int, bytes] = {}
    for more in (0, 1, 254, 1, 300):
        record(more)
        size = signs.sign()
        roots[size] = latest(engine).root

    tree = TiledTree(size, Published(engine).tiles)
    assert size == SqlStore(engine).head().position == 557
    assert roots[size] == SqlStore(engine).head().frontier.root()
    for old, older in roots.items():
        check_consistency(old, size, older, roots[size], consistency(old, size, tree.nodes))
    leaves = Published(engine).leaf_hashes(0)
    for index in (0, 255, 256, 556):
        check_inclusion(index, size, leaves[index], inclusion(index, size, tree.nodes), roots[size])


def test_levels_above_come_with_the_checkpoint(
    engine: Engine, keys: KeyFile, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many entries come at once, and in whatever parts their leaves are read."""
    monkeypatch.setattr(signing, "MAX_LEAVES", 512)
    signs = signer(engine, keys)
    record(300)
    signs.sign()
    record(66_000 if engine.dialect.name == "sqlite" else 2_000)
    size = signs.sign()

    tree = TiledTree(size, Published(engine).tiles)
    root = SqlStore(engine).head().frontier.root()
    leaf = Published(engine).leaf_hashes(299, 1)[0]
    check_inclusion(299, size, leaf, inclusion(299, size, tree.nodes), root)


def test_a_head_is_signed_once(engine: Engine, keys: KeyFile, record: Record) -> None:
    """Nothing is signed where nothing is new, also not by the next process."""
    record(1)
    signer(engine, keys).sign()
    kept = keys.last_signed()

    signer(engine, keys).sign()

    assert keys.last_signed() == kept
    assert len(Published(engine).since(0)) == 1


def test_what_was_signed_is_published_after_a_crash(
    engine: Engine, keys: KeyFile, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file beside the key is written first; the database follows at the next start."""
    record(255)
    with monkeypatch.context() as patch:
        patch.setattr(Published, "publish", _crash)
        with pytest.raises(KeyboardInterrupt):
            signer(engine, keys).sign()
    record(10)

    size = signer(engine, keys).sign()

    assert size == 266
    assert [each.size for each in Published(engine).since(0)] == [256, 266]
    tree = TiledTree(size, Published(engine).tiles)
    assert root(size, tree.nodes) == SqlStore(engine).head().frontier.root()


def test_a_checkpoint_that_is_lost_is_published_again(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """Also under a signer that runs on, so that no tile is missing below the next one."""
    record(255)
    signs = signer(engine, keys)
    signs.sign()
    _lose_publications(engine)
    record(45)

    size = signs.sign()

    tree = TiledTree(size, Published(engine).tiles)
    assert [each.size for each in Published(engine).since(0)] == [256, 301]
    assert root(size, tree.nodes) == SqlStore(engine).head().frontier.root()


def _lose_publications(engine: Engine) -> None:
    """Take out what was published, past the guards."""
    tables = ("log_nodes", "log_checkpoints", "log_keys")
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for table in tables:
                connection.execute(text(f'DROP TRIGGER "{table}.refuse_delete"'))
        else:
            for table in tables:
                connection.execute(text(f'DROP TRIGGER "{table}.refuse_change" ON {table}'))
        for table in tables:
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names


def test_a_signer_that_remembers_nothing_does_not_sign(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """What the database says of itself is not taken for what was signed last."""
    record(3)
    signer(engine, keys).sign()
    keys.checkpoint_path.unlink()
    record(1)

    with pytest.raises(KeyFileError, match="missing"):
        signer(engine, keys).sign()

    assert [each.size for each in Published(engine).since(0)] == [4]


def test_a_key_that_signed_nothing_yet_goes_on(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """As after the older of two keys was retired while nothing came: the log is the same."""
    record(3)
    signer(engine, keys).sign()
    newer = SigningKey(ORIGIN, bytes(range(1, 33)))
    keys.write([newer])

    signer(engine, keys).check()
    record(1)
    signer(engine, keys).sign()

    notes = [each.note for each in Published(engine).since(0)]
    assert opened(notes[1], [newer.verifier])[0].size == 5


def test_a_new_key_takes_no_signed_log_over_by_itself(
    engine: Engine, keys: KeyFile, record: Record, tmp_path: Path
) -> None:
    """A key made where another one signed goes on only once someone says that it may."""
    signer(engine, keys).sign()
    record(1)
    another = KeyFile(tmp_path / "another.key")
    another.begin([SigningKey(ORIGIN, bytes(32))])

    with pytest.raises(KeyFileError, match="timeline key adopt"):
        signer(engine, another).check()

    assert latest(engine).size == 1


def test_another_head_of_the_same_size_is_refused(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """As many entries as were signed, and a head that speaks of another tree."""
    record(3)
    signer(engine, keys).sign()
    with engine.begin() as connection:
        name = "log_head.refuse_going_back"
        on = "" if engine.dialect.name == "sqlite" else " ON log_head"
        connection.execute(text(f'DROP TRIGGER "{name}"{on}'))
        connection.execute(
            text("UPDATE log_head SET frontier = :frontier"), {"frontier": bytes(32)}
        )

    with pytest.raises(LogDiverged, match="another root hash"):
        signer(engine, keys).sign()


def test_a_log_is_checked_also_while_another_process_signs(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """A start does not pass the check because the lock is held."""
    record(1)
    signer_of_a_longer_log(keys)

    with keys.signing(), pytest.raises(LogDiverged):
        signer(engine, keys).check()


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_log_that_is_shorter_than_signed_is_refused(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """A backup of last week was restored: nothing is signed, and nothing recorded any more."""
    record(1)
    later = signer_of_a_longer_log(keys)
    store = SqlStore(engine)
    signs = Signer(store, Published(engine), keys, ORIGIN, TestClock())

    with pytest.raises(LogDiverged, match="2 entries now"):
        signs.sign()

    with Writer(store) as writer, pytest.raises(LogDiverged):
        writer.append(Append(drafts=(acted("an-order"),), recorded_by="desk"))
    assert Published(engine).latest() is None
    assert keys.last_signed() == later


def test_a_database_made_anew_beside_its_old_key_is_told_what_to_do(
    engine: Engine, keys: KeyFile
) -> None:
    """Who deletes the database alone, to start over, learns what else has to go."""
    signer_of_a_longer_log(keys)

    with pytest.raises(LogDiverged, match="remove its key's files with the database"):
        signer(engine, keys).check()


def test_no_process_records_once_one_has_found_another_log(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """One process has the key, and finds out; another one has none, and runs on all the same."""
    record(1)
    elsewhere = SqlStore(engine)
    append = Append(drafts=(acted("an-order"),), recorded_by="desk")
    with Writer(elsewhere) as writer:
        before = writer.append(Append(drafts=(acted("an-order"),), recorded_by="desk"))
        signer_of_a_longer_log(keys)
        with pytest.raises(LogDiverged):
            signer(engine, keys).check()

        with pytest.raises(LogDiverged, match="1000 entries: it has 3 entries now"):
            writer.append(append)

        assert before.created
    assert elsewhere.head().position == 3


def test_a_stop_holds_on_each_way_to_the_head(engine: Engine, record: Record) -> None:
    """Also for who holds the head, and who plans the next append while one is under way."""
    record(1)
    store = SqlStore(engine)
    append = Append(drafts=(acted("an-order"),), recorded_by="desk")
    plain = plan(
        store.view(request_for([append])), [append], clock=TestClock(), random_bytes=os.urandom
    )
    assert plain.batch is not None
    store.stop(Stop("2026-11-22T10:00:00.000000Z", 9, "its root hash is another one now"))

    with pytest.raises(LogDiverged), store.exclusively() as held:
        held.commit(2, plain.batch)
    with Relay(store, clock=TestClock(), random_bytes=os.urandom) as relay:
        relay.start(relay.prepare(append))
        with pytest.raises(LogDiverged):
            relay.settle()
    with pytest.raises(LogDiverged):
        store.commit(2, plain.batch)
    assert store.head().position == 2


def test_the_first_reason_for_a_stop_stays(engine: Engine) -> None:
    """Until recording goes on: whoever finds something out later changes nothing."""
    store = SqlStore(engine)
    first = Stop("2026-11-22T10:00:00.000000Z", 9, "it has 3 entries now")

    stops = [store.stop(first), store.stop(Stop("2026-11-23T10:00:00.000000Z", 8, "else"))]

    assert stops == [True, False]
    assert [store.stopped(), store.resume(), store.resume(), store.stopped()] == [
        first,
        first,
        None,
        None,
    ]


def test_a_long_reason_is_cut(engine: Engine) -> None:
    """It may come from a checkpoint that somebody else wrote, and the column has a bound."""
    why = LogDiverged(size=2**62, reason="\x01" * 60_000)
    store = SqlStore(engine)

    store.stop(Stop.of(why, "2026-11-22T10:00:00.000000Z"))

    found = store.stopped()
    assert found is not None
    assert (found.size, found.reason) == (2**62, "\x01" * 150)


def signer_of_a_longer_log(keys: KeyFile) -> bytes:
    note = bytes(signed(Checkpoint(ORIGIN, 1_000, bytes(32)).text, [KEY]))
    keys.keep_signed(note)
    return note


def test_a_log_with_other_entries_than_signed_is_refused(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """As many entries are there as were signed, and more; they are not the same."""
    keys.keep_signed(bytes(signed(Checkpoint(ORIGIN, 2, bytes(32)).text, [KEY])))
    record(5)

    with pytest.raises(LogDiverged, match="root hash"):
        signer(engine, keys).sign()


def test_one_process_signs_at_a_time(engine: Engine, keys: KeyFile, record: Record) -> None:
    """Another one sees what was published."""
    record(3)
    with keys.signing() as alone:
        assert alone
        assert signer(engine, keys).sign() == 0
    assert signer(engine, keys).sign() == 4


def test_both_keys_sign_while_they_are_rotated(
    engine: Engine, keys: KeyFile, record: Record
) -> None:
    """Who knows the old key, and who knows the new one, can check the same checkpoint."""
    newer = SigningKey(ORIGIN, bytes(range(1, 33)))
    record(1)
    signer(engine, keys).sign()
    keys.write([KEY, newer])
    record(1)
    signer(engine, keys).sign()
    keys.write([newer])
    record(1)
    signer(engine, keys).sign()

    notes = [each.note for each in Published(engine).since(0)]
    assert opened(notes[1], [KEY.verifier])[0] == opened(notes[1], [newer.verifier])[0]
    assert opened(notes[2], [newer.verifier])[0].size == 4


def test_a_thread_signs_soon_after_an_append(
    engine: Engine, keys: KeyFile, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Woken by the append, however seldom it looks by itself."""
    monkeypatch.setattr(signing, "LOOK_S", 3_600.0)
    thread = Signing(signer(engine, keys))
    thread.start()
    record(3)
    thread.wake()

    deadline = time.monotonic() + 10
    while thread.size < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    signed_by_then = thread.size
    thread.stop()

    assert signed_by_then == latest(engine).size == 4


# --- the key's file


def test_a_key_that_others_can_read_is_refused(keys: KeyFile) -> None:
    """As with ssh: such a key may be anybody's."""
    assert keys.path.stat().st_mode & 0o777 == 0o600
    keys.path.chmod(0o640)

    with pytest.raises(KeyFileError, match="0640"):
        keys.read()


def test_the_first_keys_are_written_once(keys: KeyFile) -> None:
    """Of two starts that make a key at once, one has none to sign with before the other's is known."""
    before = keys.path.read_bytes()

    again = keys.begin([SigningKey(ORIGIN, bytes(range(1, 33)))])

    assert not again
    assert keys.path.read_bytes() == before


def test_keys_appear_whole_and_replace_none(keys: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the file of the lock was taken away: what is there already is not written over."""
    before = keys.path.read_bytes()
    there = iter([False, True])
    monkeypatch.setattr(KeyFile, "exists", lambda _: next(there))

    again = keys.begin([SigningKey(ORIGIN, bytes(range(1, 33)))])

    assert not again
    assert keys.path.read_bytes() == before
    assert not keys.path.with_name("log.key.new").exists()


def test_keys_are_changed_by_one_at_a_time(keys: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while a checkpoint is signed with them; who waits does not wait for ever."""
    monkeypatch.setattr(key_files, "ALONE_S", 0.05)

    with keys.signing(), pytest.raises(KeyFileError, match="another process"), keys.alone():
        pass

    with keys.alone():
        pass


def test_a_lock_of_another_user_is_told(keys: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a command that ran as root leaves it; the line names the way out."""
    lock = keys.path.with_name("log.key.lock")
    lock.touch()
    owner = lock.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(KeyFileError, match=f"of the user {owner}: remove it"), keys.signing():
        pass


def test_a_check_leaves_no_lock_behind(engine: Engine, keys: KeyFile) -> None:
    """A command that runs as root takes nothing away from the service."""
    lock = keys.path.with_name("log.key.lock")
    lock.unlink()

    signer(engine, keys).check()

    assert not lock.exists()


@pytest.mark.parametrize("raw", [b"", b"nonsense\n", b"\xff\n", 3 * f"{KEY.to_text()}\n".encode()])
def test_a_file_that_holds_no_key_is_refused(keys: KeyFile, raw: bytes) -> None:
    """What it holds is never repeated."""
    keys.path.write_bytes(raw)

    with pytest.raises(KeyFileError) as refused:
        keys.read()

    assert KEY.to_text() not in str(refused.value)
