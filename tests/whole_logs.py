"""A log with something in every table that belongs to it, and what lies in those tables."""

from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import Engine, select

from builders import acted, batch, one, registered
from clocks import TestClock
from eventstore.random_appends import RandomAppends
from eventstore.recording import Recorder
from timeline.application.access import Access, Role
from timeline.application.key_files import KeyFile
from timeline.application.signing import Signer
from timeline.eventstore.database import read_snapshot
from timeline.eventstore.dialects import RAW
from timeline.eventstore.instants import instant
from timeline.eventstore.published import Digests, Published
from timeline.eventstore.schema import load_tables
from timeline.eventstore.sql import SqlStore
from timeline.transparency.checkpoints import cosign
from timeline.transparency.keys import COSIGNATURE_V1, SigningKey

ORIGIN: Final = "log.example/record"
KEY: Final = SigningKey(ORIGIN, bytes(range(32)))
WITNESS: Final = SigningKey("witness.example", bytes(range(1, 33)), COSIGNATURE_V1)
SEEN_S: Final = 1_795_000_000
WRITE_SIDE: Final = ("log_tags", "streams", "subjects")

Rows = dict[str, list[tuple[Any, ...]]]


class WholeLog:
    """Records, signs, has witnessed, and gives out tokens, repeatably."""

    def __init__(self, engine: Engine, directory: Path, seed: int = 1) -> None:
        self.engine = engine
        self.clock = TestClock()
        self.store = SqlStore(engine)
        self.published = Published(engine)
        self.recorder = Recorder(self.store, self.clock)
        self.access = Access(engine, lambda: instant(self.clock()))
        self._appends = RandomAppends(Random(seed))  # noqa: S311 - a test's dice
        self.keys = KeyFile(directory / f"{seed}.key")
        self.keys.begin([KEY])
        self._signer = Signer(self.store, self.published, self.keys, ORIGIN, self.clock)

    def grow(self, groups: int) -> None:
        """Record random groups of events, erasures among them; sign the head, and have it seen."""
        for _ in range(groups):
            self.clock.advance(1)
            self.recorder.group(*self._appends.next_group())
        self.sign()

    def lengthen(self, actions: int) -> None:
        """Record another policy with so many actions."""
        policy = f"long-order-{self.store.head().position}"
        self.recorder.group(
            one(registered(policy)), batch(*(acted(policy) for _ in range(actions)))
        )

    def sign(self) -> int:
        """Sign the head, with a witness and the day's digests."""
        size = self._signer.sign()
        found = self.published.at(size)
        assert found is not None
        line = str(cosign(found.cosigned, WITNESS, SEEN_S))
        self.published.cosign(size, str(WITNESS.verifier), line)
        return size

    def fill(self, groups: int = 60) -> None:
        """Have something in every table: full tiles, too."""
        registration, *actions = (
            registered("long-order"),
            *(acted("long-order") for _ in range(300)),
        )
        self.recorder.group(one(registration), batch(*actions))
        self.access.create("desk", Role.RECORDER)
        self.access.create("former", Role.ADMIN)
        self.grow(groups // 2)
        self.access.revoke("former")
        self.grow(groups - groups // 2)
        size = self.store.head().position
        self.published.record_digests(
            Digests(
                day="2026-11-22",
                size=size,
                last_erasure=None,
                schema="0013",
                models={"policies": "0f"},
            )
        )


def log_rows(engine: Engine) -> Rows:
    """Return the rows of all tables of the log, byte for byte."""
    tables = [
        table
        for table in load_tables().sorted_tables
        if table.info["kind"] in {"log", "access"} or table.name in WRITE_SIDE
    ]
    with read_snapshot(engine) as connection:
        return {
            table.name: [
                tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
                for row in connection.execute(
                    select(table).order_by(*table.primary_key.columns), execution_options=RAW
                )
            ]
            for table in tables
        }
