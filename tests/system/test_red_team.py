"""Attacks on the record by someone who owns the database, and who finds each of them.

Three can: `timeline verify` on the database, which knows the key and what it signed last; a remote
verifier that had seen an earlier checkpoint; and a witness, who had cosigned one. The docstring of
each test names which does. Where someone owns the key as well, `verify` no longer can.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from attacks import Run, attacking, reseal, rewrite_entry
from builders import acted
from proven_log import KEY, ORIGIN, Mirror, ProvenLog
from timeline.application import remote_verifying
from timeline.application.findings import Kind
from timeline.application.remote_verified import RemotelyVerified
from timeline.application.verifying import Verified, verify
from timeline.application.witnessing import Witnesses
from timeline.eventstore.errors import LogDiverged
from timeline.eventstore.published import Published
from timeline.transparency.checkpoints import Checkpoint, cosign
from timeline.transparency.entries import commitment
from timeline.transparency.keys import COSIGNATURE_V1, SigningKey
from timeline.transparency.notes import Note, signed
from timeline.transparency.policies import Policy
from witness_server import TestWitness, witnessing


@pytest.fixture
def log(proven_log: ProvenLog) -> ProvenLog:
    """Give a log of 300 events, with checkpoints of 7, 290 and 300."""
    return proven_log


def verified(log: ProvenLog) -> Verified:
    return verify(log.engine, log.key_file)


def told(found: Verified | RemotelyVerified) -> list[tuple[Kind, int | None]]:
    return [(finding.kind, finding.position) for finding in found.findings]


def remotely(log: ProvenLog, *seen: bytes) -> RemotelyVerified:
    return remote_verifying.verify(Mirror(log.engine), [KEY.verifier], seen=seen)


# --- what stands there is changed, and the rest left as it is


def test_a_payload_is_changed(log: ProvenLog) -> None:
    """`verify` names the position: its entry commits to other data."""
    with attacking(log.engine) as run:
        run(
            "UPDATE log_payloads SET data = :data WHERE position = 2",
            data=b'{"action":"vetoed","occurred":"2024"}',
        )

    assert told(verified(log)) == [(Kind.PAYLOAD, 2)]


def test_a_payload_is_changed_with_its_salt(log: ProvenLog) -> None:
    """`verify` names the position: no other salt and data give the same commitment.

    Here it is an erasure's: what it erased is then without one.
    """
    with attacking(log.engine) as run:
        changed = "UPDATE log_payloads SET data = salt, salt = :salt WHERE position = 290"
        run(changed, salt=bytes(32))

    assert told(verified(log)) == [(Kind.PAYLOAD, 3), (Kind.PAYLOAD, 290)]


def test_a_payload_is_removed_without_an_erasure(log: ProvenLog) -> None:
    """`verify` names the position: no event of the log says that it was erased."""
    with attacking(log.engine) as run:
        run("DELETE FROM log_payloads WHERE position = 9")

    found = verified(log)

    assert told(found) == [(Kind.PAYLOAD, 9)]
    assert found.erased == 1


def test_an_erased_payload_is_put_back(log: ProvenLog) -> None:
    """`verify` names the position: whoever has a backup can bring back what had to go."""
    salt = (3).to_bytes(32)
    data = acted("an-order").data
    with attacking(log.engine) as run:
        run("INSERT INTO log_payloads VALUES (3, :data, :salt)", data=data, salt=salt)

    found = verified(log)

    assert told(found) == [(Kind.PAYLOAD, 290)]
    assert "whose payload is there" in found.findings[0].what


def test_an_entry_is_changed(log: ProvenLog) -> None:
    """`verify` names the position: row, payload and leaf hash say otherwise than the entry."""
    with attacking(log.engine) as run:
        raw = bytes(run("SELECT entry FROM log_entries WHERE position = 100").scalar_one())
        forged = raw.replace(b'"recorded_by":"desk"', b'"recorded_by":"mole"')
        run("UPDATE log_entries SET entry = :raw WHERE position = 100", raw=forged)

    found = verified(log)

    assert told(found) == [(Kind.LEAF, 100), (Kind.ENTRY, 100)]
    assert found.findings[1].what == "its entry has the recorded_by mole, and its row desk"


def test_an_entry_is_written_in_another_form(log: ProvenLog) -> None:
    """`verify` names the position: an entry says the same, and its bytes are not those hashed."""
    with attacking(log.engine) as run:
        raw = bytes(run("SELECT entry FROM log_entries WHERE position = 300").scalar_one())
        spaced = raw.replace(b",", b", ", 1)
        run("UPDATE log_entries SET entry = :raw WHERE position = 300", raw=spaced)

    assert set(told(verified(log))) == {(Kind.ENTRY, 300), (Kind.LEAF, 300)}


def test_a_leaf_hash_is_changed(log: ProvenLog) -> None:
    """`verify` names the position: the leaf hash is not that of the entry."""
    with attacking(log.engine) as run:
        run("UPDATE log_entries SET leaf_hash = :hash WHERE position = 256", hash=bytes(32))

    assert told(verified(log)) == [(Kind.LEAF, 256)]


def test_a_tile_is_changed(log: ProvenLog) -> None:
    """`verify` names the tile, and the positions under it; a remote verifier gets another tile."""
    with attacking(log.engine) as run:
        run("UPDATE log_nodes SET hash = :hash", hash=bytes(32))

    found = verified(log)

    assert told(found) == [(Kind.TILE, 1)]
    assert "tile 0/0, over positions 1 to 256" in found.findings[0].what
    assert told(remotely(log)) == [(Kind.TILE, 1)]


def test_a_tile_is_deleted(log: ProvenLog) -> None:
    """`verify` names the tile: it had to be published with the checkpoint."""
    with attacking(log.engine) as run:
        run("DELETE FROM log_nodes")

    assert told(verified(log)) == [(Kind.TILE, 1)]


def test_a_tile_of_the_future_is_added(log: ProvenLog) -> None:
    """`verify` names it: there are no entries under it."""
    with attacking(log.engine) as run:
        run("INSERT INTO log_nodes VALUES (1, 1, :hash)", hash=bytes(32))

    assert told(verified(log)) == [(Kind.TILE, None)]


def test_the_recorder_is_changed(log: ProvenLog) -> None:
    """`verify` names the position: the entry says who it was."""
    with attacking(log.engine) as run:
        run("UPDATE log_entries SET recorded_by = 'mole' WHERE position = 5")

    found = verified(log)

    assert told(found) == [(Kind.ENTRY, 5)]
    assert found.findings[0].what == "its entry has the recorded_by desk, and its row mole"


def test_an_event_is_found_under_another_name(log: ProvenLog) -> None:
    """`verify` names the position: a correction is looked up as one of another event."""
    with attacking(log.engine) as run:
        run("UPDATE log_entries SET subject = 'another' WHERE position IN (4, 6)")

    assert told(verified(log)) == [(Kind.ENTRY, 4), (Kind.ENTRY, 6)]


def test_the_head_is_moved(log: ProvenLog) -> None:
    """`verify` tells that the head is not where the entries end."""
    with attacking(log.engine) as run:
        run("UPDATE log_head SET position = 299")

    assert (Kind.HEAD, 300) in told(verified(log))


def test_the_newest_events_are_deleted(log: ProvenLog) -> None:
    """`verify` tells: head and checkpoints say that there were more, and so does the signer's file."""
    with attacking(log.engine) as run:
        run("DELETE FROM log_payloads WHERE position > 295")
        run("DELETE FROM log_entries WHERE position > 295")

    found = told(verified(log))

    assert found == [(Kind.SIGNED, 296), (Kind.HEAD, 296), (Kind.CHECKPOINT, 296)]


def test_an_event_in_the_middle_is_deleted(log: ProvenLog) -> None:
    """`verify` names the position that is missing, and the version."""
    with attacking(log.engine) as run:
        run("DELETE FROM log_payloads WHERE position = 100")
        run("DELETE FROM log_entries WHERE position = 100")

    found = verified(log)

    assert [finding.what for finding in found.findings if finding.position == 101] == [
        "position 100 is missing before it",
        "it is version 96 of a-rule, after version 94",
    ]
    assert {kind for kind, _ in told(found)} == {Kind.ENTRY, Kind.TILE}


def test_two_events_are_swapped(log: ProvenLog) -> None:
    """`verify` names both positions: each entry says where it belongs."""
    with attacking(log.engine) as run:
        for before, after in ((20, 9999), (21, 20), (9999, 21)):
            for table in ("log_entries", "log_payloads"):
                run(
                    f"UPDATE {table} SET position = :after WHERE position = :before",  # noqa: S608
                    before=before,
                    after=after,
                )

    found = verified(log)

    assert {finding.position for finding in found.findings if finding.kind is Kind.ENTRY} == {
        *(20, 21),
        22,  # Its version follows that of neither.
    }
    assert "its entry has the position 21, and its row 20" in {each.what for each in found.findings}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_position_is_used_twice_in_a_table_without_constraints(log: ProvenLog) -> None:
    """`verify` names it: a table that is made anew has no primary key to refuse this."""
    with attacking(log.engine) as run:
        run("CREATE TABLE copied AS SELECT * FROM log_entries")
        run("DROP TABLE log_entries")
        run("ALTER TABLE copied RENAME TO log_entries")
        run("INSERT INTO log_entries SELECT * FROM log_entries WHERE position = 5")

    found = verified(log)

    assert (Kind.ENTRY, 5) in told(found)
    assert "the entry before it has position 5" in {each.what for each in found.findings}


# --- what stands there is changed, and the rest made to fit


def rewritten_entry(run: Run) -> None:
    rewrite_entry(run, 100, recorded_by="mole")


def rewritten_payload(run: Run) -> None:
    data, salt = b'{"action":"vetoed","occurred":"2024"}', bytes(32)
    run(
        "UPDATE log_payloads SET data = :data, salt = :salt WHERE position = 100",
        data=data,
        salt=salt,
    )
    rewrite_entry(run, 100, commitment=commitment(salt, data))


def deleted_and_closed(run: Run) -> None:
    run("DELETE FROM log_payloads WHERE position = 100")
    run("DELETE FROM log_entries WHERE position = 100")
    for position in range(101, 301):
        for table in ("log_payloads", "log_entries"):
            run(
                f"UPDATE {table} SET position = position - 1 WHERE position = :at",  # noqa: S608
                at=position,
            )
        version = run(
            "SELECT version FROM log_entries WHERE position = :at", at=position - 1
        ).scalar_one()
        policy = run(
            "SELECT policy FROM log_entries WHERE position = :at", at=position - 1
        ).scalar_one()
        rewrite_entry(
            run,
            at=position - 1,
            position=position - 1,
            version=version - (policy == "a-rule"),
            batch=8 if position <= 290 else 290,
        )


def swapped(run: Run) -> None:
    ids = [
        run("SELECT id FROM log_entries WHERE position = :at", at=at).scalar_one()
        for at in (100, 101)
    ]
    payloads = [
        run("SELECT data, salt FROM log_payloads WHERE position = :at", at=at).one()
        for at in (100, 101)
    ]
    run("UPDATE log_entries SET id = 'x' WHERE position = 100")
    for at, id, (data, salt) in zip((101, 100), ids, payloads, strict=True):
        run(
            "UPDATE log_payloads SET data = :data, salt = :salt WHERE position = :at",
            data=data,
            salt=salt,
            at=at,
        )
        rewrite_entry(run, at, id=id, commitment=commitment(bytes(salt), bytes(data)))


@pytest.mark.parametrize(
    "attack", [rewritten_entry, rewritten_payload, deleted_and_closed, swapped]
)
def test_the_log_is_rewritten_and_all_else_made_to_fit(
    log: ProvenLog, attack: Callable[[Run], None]
) -> None:
    """`verify` tells between which positions: what was signed has other roots. So does a remote one.

    The signer finds it, too, and signs nothing more.
    """
    seen = log.checkpoint()
    with attacking(log.engine) as run:
        attack(run)
        reseal(run)

    found = verified(log)

    kinds = {kind for kind, _ in told(found)}
    assert kinds <= {Kind.CHECKPOINT, Kind.SIGNED}
    assert Kind.SIGNED in kinds
    first = next(each for each in found.findings if each.kind is Kind.CHECKPOINT)
    assert first.position == 290
    assert "after position 7, up to position 290" in first.what
    # A log that lost an entry cannot even serve what its checkpoint says.
    lost = attack is deleted_and_closed
    assert (Kind.WITHHELD if lost else Kind.SEEN) in {kind for kind, _ in told(remotely(log, seen))}
    with pytest.raises(LogDiverged):
        log.sign()


def test_the_log_is_rewritten_and_its_checkpoints_dropped(log: ProvenLog) -> None:
    """`verify` tells: what was signed last lies beside the key, outside the database."""
    with attacking(log.engine) as run:
        rewritten_entry(run)
        reseal(run)
        run("DELETE FROM log_checkpoints")
        run("DELETE FROM log_keys")

    assert told(verified(log)) == [(Kind.SIGNED, None)]


# --- the log is shortened


def shortened(log: ProvenLog, size: int) -> None:
    """Make a log again what it was with fewer events, as a backup would that was taken then."""
    with attacking(log.engine) as run:
        for statement in (
            "DELETE FROM log_tags WHERE position > :size",
            "DELETE FROM log_payloads WHERE position > :size",
            "DELETE FROM log_entries WHERE position > :size",
            "DELETE FROM log_cosignatures WHERE size > :size",
            "DELETE FROM log_checkpoints WHERE size > :size",
        ):
            run(statement, size=size)
        run(
            "UPDATE streams SET version = (SELECT max(version) FROM log_entries AS entry"
            " WHERE entry.policy = streams.policy)"
        )
        reseal(run)


def test_the_newest_events_are_deleted_without_a_trace(log: ProvenLog) -> None:
    """`verify` tells from what lies beside the key; a remote verifier that saw more tells, too."""
    seen = log.checkpoint()
    shortened(log, 290)

    assert told(verified(log)) == [(Kind.SIGNED, 291)]
    assert told(remotely(log, seen)) == [(Kind.SEEN, 291)]


def test_a_backup_is_restored_and_recording_goes_on(log: ProvenLog) -> None:
    """`verify` tells although there are more events than before; a remote verifier tells of a fork.

    The signer signs nothing of it.
    """
    seen = log.checkpoint()
    shortened(log, 290)
    log.record(*(acted("an-order") for _ in range(40)))

    assert told(verified(log)) == [(Kind.SIGNED, None)]
    with pytest.raises(LogDiverged):
        log.sign()
    assert told(remotely(log, seen)) == [(Kind.SEEN, 291)]


def test_a_position_is_used_again(log: ProvenLog) -> None:
    """`verify` tells: the newest event was deleted, and another one recorded in its place."""
    shortened(log, 299)
    log.record(acted("an-order"))

    assert told(verified(log)) == [(Kind.SIGNED, None)]


# --- someone has the key as well


def forked(log: ProvenLog) -> None:
    """Record something else in place of what was signed, and sign it with the log's own key."""
    shortened(log, 290)
    log.forget()
    log.record(*(acted("an-order") for _ in range(40)))
    log.sign()


def test_a_fork_is_signed(log: ProvenLog) -> None:
    """A remote verifier that had seen an earlier checkpoint tells, and has the proof of it.

    `verify` finds nothing: whoever has the key and all that lies beside it can sign anything.
    """
    seen = log.checkpoint()
    forked(log)

    found = remotely(log, seen)

    assert told(verified(log)) == []
    assert told(found) == [(Kind.SEEN, None)]
    assert found.evidence == (seen.decode(), log.checkpoint().decode())


def test_a_witness_does_not_cosign_a_fork(log: ProvenLog) -> None:
    """The witness tells: what it saw is no beginning of what it is asked to cosign."""
    witness = TestWitness("witness.example", 7, KEY.verifier)
    with witnessing(witness):
        asked = Policy.parse(f"witness w {witness.key.verifier} {witness.url}\nquorum w\n")
        before = Witnesses(Published(log.engine), asked).ask()
        forked(log)
        after = Witnesses(Published(log.engine), asked).ask()

    assert before is not None
    assert before.satisfied
    assert after is not None
    assert not after.satisfied
    assert "it answered 422" in after.missing["w"]


def test_a_shortened_log_is_signed_anew(log: ProvenLog) -> None:
    """A remote verifier that had seen more tells, although all that it gets is signed and fits."""
    seen = log.checkpoint()
    shortened(log, 295)
    log.forget()
    with attacking(log.engine) as run:
        for table in ("log_checkpoints", "log_keys", "log_nodes"):
            run(f"DELETE FROM {table}")  # noqa: S608 - our own names
    log.sign()

    assert told(verified(log)) == []
    assert told(remotely(log)) == []
    assert told(remotely(log, seen)) == [(Kind.SEEN, 296)]


def test_a_checkpoint_kept_elsewhere_is_as_good_as_a_remote_verifier(log: ProvenLog) -> None:
    """`verify --since FILE` tells of a fork, where someone kept an earlier checkpoint."""
    seen = log.checkpoint()
    forked(log)

    found = verify(log.engine, log.key_file, seen=[seen])

    assert told(found) == [(Kind.SEEN, None)]


def test_a_fork_with_checkpoints_of_its_own_is_no_common_ground(log: ProvenLog) -> None:
    """`verify --since FILE` says of the entries seen what is proven, and no position after the fork."""
    seen = log.checkpoint()
    shortened(log, 290)
    log.forget()
    log.record(acted("an-order"))
    log.sign()
    log.record(*(acted("an-order") for _ in range(20)))
    log.sign()

    found = verify(log.engine, log.key_file, seen=[seen])

    assert [str(each) for each in found.findings] == [
        "seen: its first 300 entries are not those of the log which was seen before"
    ]


# --- what was signed is changed


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"\n290\n", b"\n291\n"), (b"log.example/record\n290", b"log.example/other\n290")],
)
def test_a_checkpoint_is_changed(log: ProvenLog, old: bytes, new: bytes) -> None:
    """`verify` tells that the key did not sign that."""
    with attacking(log.engine) as run:
        note = bytes(run("SELECT note FROM log_checkpoints WHERE size = 290").scalar_one())
        run("UPDATE log_checkpoints SET note = :note WHERE size = 290", note=note.replace(old, new))

    found = verified(log)

    assert told(found) == [(Kind.CHECKPOINT, 290)]
    assert "not that of log.example/record" in found.findings[0].what


def test_a_forged_checkpoint_is_added(log: ProvenLog) -> None:
    """`verify` tells: who signs with a key of their own, and lists it, is not known outside."""
    stranger = SigningKey(ORIGIN, bytes(32))
    note = bytes(signed(Checkpoint(ORIGIN, 200, bytes(32)).text, [stranger]))
    with attacking(log.engine) as run:
        at = "2026-11-22T10:00:00.000000Z"
        run("INSERT INTO log_checkpoints VALUES (200, :note, :at)", note=note, at=at)
        run("INSERT INTO log_keys VALUES (:key, 200)", key=str(stranger.verifier))

    found = verified(log)

    assert told(found) == [(Kind.CHECKPOINT, 200)] * 2
    assert "signed by none of the known keys" in found.findings[0].what
    assert "has another root" in found.findings[1].what


def test_a_cosignature_is_forged(log: ProvenLog) -> None:
    """`verify` tells: the line of a witness is that of another text."""
    witness = SigningKey("witness.example", bytes(32), COSIGNATURE_V1)
    other = signed(Checkpoint(ORIGIN, 300, bytes(32)).text, [KEY])
    right = cosign(Note.parse(log.checkpoint()), witness, 1_800_000_000)
    wrong = cosign(other, witness, 1_800_000_000)
    add = "INSERT INTO log_cosignatures VALUES (:size, :witness, :line)"
    with attacking(log.engine) as run:
        run(add, size=300, witness=str(witness.verifier), line=str(right))
        run(add, size=290, witness=str(witness.verifier), line=str(wrong))

    found = verified(log)

    assert told(found) == [(Kind.COSIGNATURE, 290)]
    assert found.cosignatures == 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("statement", "kind", "position"),
    [
        ("UPDATE log_entries SET version = 'many' WHERE position = 9", Kind.ENTRY, 9),
        ("UPDATE log_entries SET version = 1.5 WHERE position = 9", Kind.ENTRY, 9),
        ("UPDATE log_entries SET recorded_at = x'00' WHERE position = 9", Kind.ENTRY, 9),
        ("UPDATE log_entries SET entry = CAST(entry AS TEXT) WHERE position = 9", Kind.LEAF, 9),
        ("UPDATE log_entries SET entry = x'' WHERE position = 9", Kind.LEAF, 9),
        ("UPDATE log_entries SET leaf_hash = 'no hash' WHERE position = 9", Kind.LEAF, 9),
        ("UPDATE log_payloads SET salt = 7 WHERE position = 9", Kind.PAYLOAD, 9),
        ("UPDATE log_payloads SET data = CAST(data AS TEXT) WHERE position = 9", Kind.PAYLOAD, 9),
        ("UPDATE log_nodes SET hash = x'00'", Kind.TILE, 1),
        ("UPDATE log_checkpoints SET note = 'none' WHERE size = 290", Kind.CHECKPOINT, 290),
        ("UPDATE log_keys SET vkey = 'none'", Kind.CHECKPOINT, None),
        ("UPDATE log_head SET frontier = x'00'", Kind.HEAD, None),
        ("DELETE FROM log_head", Kind.HEAD, None),
        ("INSERT INTO log_payloads VALUES (999, x'00', x'00')", Kind.PAYLOAD, 999),
        ("UPDATE log_payloads SET position = 0 WHERE position = 9", Kind.PAYLOAD, 0),
        ("UPDATE log_entries SET position = -9 WHERE position = 9", Kind.ENTRY, None),
        ("UPDATE log_entries SET position = 1099511627776 WHERE position = 300", Kind.ENTRY, 2**40),
    ],
)
def test_there_is_anything_at_all_in_a_table(
    log: ProvenLog, statement: str, kind: Kind, position: int | None
) -> None:
    """`verify` names it, whatever values constraints would have refused: it never breaks off."""
    with attacking(log.engine) as run:
        run("PRAGMA ignore_check_constraints = ON")
        run(statement)

    found = verified(log)

    assert (kind, position) in told(found)
    assert found.complete


@pytest.mark.parametrize(
    "change",
    [
        "recorded_at = '2027-01-01T00:00:00.000000Z'",
        "recorded_at = '2020-01-01T00:00:00.000000Z'",
        "version = 10000",
        "policy = 'another'",
        "type = 'EventRetracted'",
        "id = 'another'",
    ],
)
def test_a_column_is_changed(log: ProvenLog, change: str) -> None:
    """`verify` names that position, and none of those that follow it."""
    with attacking(log.engine) as run:
        run(f"UPDATE log_entries SET {change} WHERE position = 100")  # noqa: S608 - see above

    found = verified(log)

    assert {position for _, position in told(found)} == {100}
    name = change.partition(" ")[0]
    assert found.findings[0].what.startswith(f"its entry has the {name} ")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_last_week_s_file_is_put_back(log: ProvenLog, tmp_path: Path) -> None:
    """`verify` tells that the signer had signed more; so does a remote verifier that had seen it."""
    path = Path(log.engine.url.database or "")
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(tmp_path / "old")) as old:
        now.backup(old)
    log.record(*(acted("an-order") for _ in range(10)))
    log.sign()
    seen = log.checkpoint()
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(tmp_path / "old")) as old:
        old.backup(now)

    assert told(verified(log)) == [(Kind.SIGNED, 301)]
    assert told(remotely(log, seen)) == [(Kind.SEEN, 301)]
    with pytest.raises(LogDiverged):
        log.sign()
