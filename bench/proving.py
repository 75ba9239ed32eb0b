"""What proof costs: verifying the log, appends while checkpoints are signed, and a proof.

Owns what is measured of each. Verifying is measured in processor time, since it is one process that
computes; the rest in the time that passes.
"""

import hmac
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from hashlib import sha256
from itertools import islice
from typing import Final

from sqlalchemy import Engine

from bench import record, two_clocks
from bench.appends import MOST_A_SECOND, POLICIES, TASKS, tasks
from bench.databases import Databases, sqlite_path
from bench.filling import record as record_all
from bench.filling import writing
from bench.table import Row, Scale, Target, rounds
from timeline.application.key_files import KeyFile
from timeline.application.proving import Prover
from timeline.application.queries import ConsistencyQuery
from timeline.application.signing import Signer, Signing
from timeline.application.verifying import verify
from timeline.bootstrap import now
from timeline.eventstore.published import Published
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections.collecting import collect_seldom
from timeline.transparency.keys import SigningKey

MILLION: Final = 1_000_000
ORIGIN: Final = "bench.invalid/log"

VERIFIED: Final = "timeline verify, one process"
HASHED: Final = "sqlite3, SHA-256 and HMAC of the same rows"
SIGNED: Final = f"single appends, {TASKS} tasks, checkpoints signed"
UNSIGNED: Final = "the same, nothing signed"
OPENED: Final = "an event's proof, p50"
CONSISTENT: Final = "a consistency proof, p50"

VERIFIED_TARGET: Final = Target(bound=100_000, of="value")
SIGNED_TARGET: Final = Target(bound=0.9)
PROOF_TARGET: Final = Target(bound=5, of="value", least=False)

PROOFS: Final = 500
"""Proofs in one turn."""

PAGE: Final = 10_000
SEED: Final = 7


def measure(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Measure on each database; verifying beside the bare driver on SQLite alone."""
    for kind in scale.kinds:
        yield from _appending(scale, databases, kind)
        yield from _proofs(scale, databases, kind)


def _appending(scale: Scale, databases: Databases, kind: str) -> Iterator[Row]:
    """Append to two stores in turns: the head of one of them is signed meanwhile."""
    supply = record.actions(POLICIES, POLICIES)
    ready = int(MOST_A_SECOND * scale.seconds)

    def turn(writer: Writer) -> float:
        return tasks(writer, list(islice(supply, ready)), TASKS, scale.seconds)

    with ExitStack() as stack:
        contestants: dict[str, Callable[[], float]] = {}
        for name in (SIGNED, UNSIGNED):
            engine = stack.enter_context(databases.engine(kind))
            record_all(engine, record.registrations(POLICIES))
            writer = stack.enter_context(writing(engine))
            if name == SIGNED:
                stack.enter_context(_signing(engine, databases, writer))
            contestants[name] = partial(turn, writer)
        figures = rounds(contestants, scale.rounds)
    yield Row(
        part="proof",
        database=kind,
        what=SIGNED,
        value=figures[SIGNED],
        unit="events/s",
        beside=UNSIGNED,
        beside_value=figures[UNSIGNED],
        targets=(SIGNED_TARGET,),
    )


def _signer(engine: Engine, databases: Databases) -> Signer:
    name = f"{engine.url.database or ''}.key".replace("/", "-")
    keys = KeyFile(databases.directory / name)
    keys.begin([SigningKey(ORIGIN, bytes(range(32)))])
    return Signer(SqlStore(engine), Published(engine), keys, ORIGIN, now)


@contextmanager
def _signing(engine: Engine, databases: Databases, writer: Writer) -> Iterator[None]:
    """Sign the head as a service does."""
    signing = Signing(_signer(engine, databases))
    writer.on_committed(signing.wake)
    signing.start()
    try:
        yield
    finally:
        signing.stop()


def _proofs(scale: Scale, databases: Databases, kind: str) -> Iterator[Row]:
    events = MILLION if scale.full else scale.events
    with databases.engine(kind) as engine:
        record_all(engine, record.drafts(events))
        signer = _signer(engine, databases)
        signer.sign()
        if kind == "sqlite":
            yield _verifying(scale, engine, events)
        prover = Prover(SqlStore(engine), Published(engine))
        chance = random.Random(SEED)  # noqa: S311 - a measurement's dice
        asked: dict[str, Callable[[], object]] = {
            OPENED: lambda: prover.opening(chance.randint(1, events)),
            CONSISTENT: lambda: prover.consistency(
                ConsistencyQuery(from_=chance.randint(1, events))
            ),
        }
        figures = rounds({name: partial(_p50_ms, ask) for name, ask in asked.items()}, scale.rounds)
    for name in asked:
        yield Row(
            part="proof",
            database=kind,
            what=f"{name}, {events:,} events",
            value=figures[name],
            unit="ms",
            targets=(PROOF_TARGET,) if events == MILLION else (),
            note="" if events == MILLION else "--full: a million",
        )


def _p50_ms(ask: Callable[[], object]) -> float:
    return two_clocks.quantile(two_clocks.timed(ask, PROOFS), 0.5) * 1_000


def _verifying(scale: Scale, engine: Engine, events: int) -> Row:
    collect_seldom()  # As every command of this project does.
    figures = rounds(
        {VERIFIED: partial(_verified, engine), HASHED: partial(_hashed, engine)}, scale.rounds
    )
    return Row(
        part="proof",
        database="sqlite",
        what=f"{VERIFIED}, {events:,} events",
        value=figures[VERIFIED],
        unit="events/s of processor time",
        beside=HASHED,
        beside_value=figures[HASHED],
        targets=(VERIFIED_TARGET,),
    )


def _verified(engine: Engine) -> float:
    started = time.process_time()
    found = verify(engine)
    took = time.process_time() - started
    if found.findings or found.checkpoints == 0:
        raise ValueError(found)
    return found.position / took


def _hashed(engine: Engine) -> float:
    """Read every entry and payload, and hash both: less than that no verifier can do."""
    query = (
        "SELECT entry, data, salt FROM log_entries JOIN log_payloads USING (position)"
        " ORDER BY position"
    )
    found = 0
    started = time.process_time()
    with closing(sqlite3.connect(sqlite_path(str(engine.url)))) as connection:
        rows = connection.execute(query)
        while page := rows.fetchmany(PAGE):
            for entry, data, salt in page:
                sha256(b"\x00" + entry).digest()
                hmac.digest(salt, data, "sha256")
            found += len(page)
    return found / (time.process_time() - started)
