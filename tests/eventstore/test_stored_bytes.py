"""What lies in the tables: the entries' bytes, their hashes, and the payloads' commitments."""

import hashlib
import hmac
import json

from sqlalchemy import Engine, select

from builders import acted, batch, erased, event_id, one, registered
from clocks import TestClock
from eventstore.recording import Recorder
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.tables import log_entries, log_head, log_payloads


def naive_root(entries: list[bytes]) -> bytes:
    """Return the Merkle tree hash as RFC 6962, section 2.1, defines it."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    left, right = naive_root(entries[:split]), naive_root(entries[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def test_an_entry_is_these_bytes(engine: Engine, clock: TestClock) -> None:
    """The stored entry is canonical JSON of the envelope and the commitment, byte for byte."""
    recorder = Recorder(SqlStore(engine), clock)

    recorder.append(one(registered("an-order", id=event_id(1))))

    with engine.connect() as connection:
        row = connection.execute(select(log_entries)).one()
    assert row.entry == (
        b'{"batch":1,'
        b'"commitment":"4ee32bdda5178a5fe529a9506f122404eacb45d30ccc88bdbc3a6d438f47ac3d",'
        b'"id":"00000000-0000-7000-8000-000000000001","policy":"an-order","position":1,'
        b'"recorded_at":"2026-11-22T10:00:00.123456Z","recorded_by":"newsroom","schema":1,'
        b'"type":"PolicyRegistered","version":1}'
    )


def test_every_commitment_opens_with_the_stored_salt(engine: Engine, clock: TestClock) -> None:
    """The commitment is HMAC-SHA256 of the data as stored, keyed with the event's salt."""
    recorder = Recorder(SqlStore(engine), clock)
    recorder.append(batch(registered("a"), acted("a"), acted("a")))

    with engine.connect() as connection:
        rows = connection.execute(
            select(log_entries.c.entry, log_payloads).join(
                log_payloads, log_payloads.c.position == log_entries.c.position
            )
        ).all()

    assert len({row.salt for row in rows}) == 3
    for row in rows:
        opened = hmac.new(row.salt, row.data, hashlib.sha256).hexdigest()
        assert json.loads(row.entry)["commitment"] == opened


def test_the_frontier_is_that_of_the_entries(engine: Engine, clock: TestClock) -> None:
    """After every commit the head's frontier has the root of the tree over all entries."""
    recorder = Recorder(SqlStore(engine), clock)
    recorder.append(one(registered("a")))
    for size in (1, 2, 3, 5, 8):
        recorder.group(*(one(acted("a")) for _ in range(size)))

        with engine.connect() as connection:
            query = select(log_entries.c.entry, log_entries.c.leaf_hash)
            rows = connection.execute(query.order_by(log_entries.c.position)).all()
        head = recorder.store.head()
        assert head.position == head.frontier.size == len(rows)
        assert head.frontier.root() == naive_root([row.entry for row in rows])
        assert rows[-1].leaf_hash == hashlib.sha256(b"\x00" + rows[-1].entry).digest()


def test_erasure_leaves_no_payload_and_every_entry(engine: Engine, clock: TestClock) -> None:
    """Data and salt are gone from the database; the root still covers the event."""
    recorder = Recorder(SqlStore(engine), clock)
    action = acted("a")
    recorder.drafts(registered("a"), action, erased(action.id, "a"))

    with engine.connect() as connection:
        payloads = connection.execute(select(log_payloads.c.position)).scalars().all()
        entries = (
            connection.execute(select(log_entries.c.entry).order_by(log_entries.c.position))
            .scalars()
            .all()
        )

    assert sorted(payloads) == [1, 3]
    assert recorder.store.head().frontier.root() == naive_root(list(entries))


def test_a_column_says_what_the_entry_says(engine: Engine, clock: TestClock) -> None:
    """What is indexed of an entry is what its bytes hold, and the head is its last instant."""
    recorder = Recorder(SqlStore(engine), clock)
    action = acted("a")
    recorder.drafts(registered("a"), action, erased(action.id, "a"))

    with engine.connect() as connection:
        rows = connection.execute(select(log_entries).order_by(log_entries.c.position)).all()
        head = connection.execute(select(log_head)).one()

    for row in rows:
        entry = json.loads(row.entry)
        for name in ("position", "id", "policy", "version", "type", "recorded_at", "recorded_by"):
            assert getattr(row, name) == entry[name]
    assert [row.subject for row in rows] == [None, None, action.id]
    assert (head.position, head.recorded_at) == (3, rows[-1].recorded_at)
