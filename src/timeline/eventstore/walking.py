"""The whole log as it is stored, part by part: what a check of all of it reads.

Owns these queries and their bounds. Must not know what is to be checked.

Each part is read in a snapshot of its own: what is in the log stays as it is, so that nothing is won
by holding one for minutes, while servers cannot clean up behind it.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Engine, and_, func, or_, select

from timeline.domain.vocabulary import EventType
from timeline.eventstore.database import read_snapshot, statement
from timeline.eventstore.dialects import RAW
from timeline.eventstore.published import Checkpointed
from timeline.eventstore.stops import Stop
from timeline.eventstore.tables import (
    log_checkpoints,
    log_cosignatures,
    log_entries,
    log_head,
    log_keys,
    log_nodes,
    log_payloads,
)
from timeline.transparency.proofs import Node
from timeline.transparency.tiles import HEIGHT, WIDTH

PART: Final = 64 * WIDTH
"""Positions in one part: half a megabyte of leaf hashes."""

ROWS: Final = WIDTH
"""Events held at once: 84 MB, if each of them were as large as an event can be."""

MAX_KEYS: Final = 100
"""More than a log has in its life, where a key is changed each year."""

MAX_TILE_LEVEL: Final = 8
"""Tiles of more levels than positions can fill."""


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """Where the log ends, as each of its tables has it; 0 in an empty one.

    `rows` counts all entries, wherever they say to be, and `first_payload` is where payloads begin.
    """

    position: int
    recorded_at: str | None
    frontier: bytes
    stopped: Stop | None
    entries: int
    rows: int
    payloads: int
    first_payload: int
    checkpoint: int
    nodes: dict[int, int]
    """By level of tiles, how many nodes it reaches up to."""


class Erasure(msgspec.Struct, frozen=True):
    """An event that says to have erased another one, as it is stored."""

    position: int
    entry: bytes
    data: bytes | None
    salt: bytes | None


def ends(engine: Engine) -> Ends:
    """Return where the log ends, in one snapshot."""
    with read_snapshot(engine) as connection:
        head = connection.execute(select(log_head)).one_or_none()
        levels = select(log_nodes.c.level, func.max(log_nodes.c.number)).group_by(log_nodes.c.level)
        return Ends(
            position=0 if head is None else head.position,
            recorded_at=None if head is None else head.recorded_at,
            frontier=b"" if head is None else _bytes(head.frontier),
            stopped=None if head is None or head.stopped is None else Stop.read(head.stopped),
            entries=_last(connection, log_entries.c.position),
            rows=_one(connection, func.count(), log_entries),
            payloads=_last(connection, log_payloads.c.position),
            first_payload=_one(connection, func.min(log_payloads.c.position), log_payloads),
            checkpoint=_last(connection, log_checkpoints.c.size),
            nodes={level: number + 1 for level, number in connection.execute(levels)},
        )


def _last(connection: Connection, column: Column[Any]) -> int:
    return _one(connection, func.max(column), column.table)


def _one(connection: Connection, asked: Any, table: Any) -> int:
    return connection.execute(select(asked).select_from(table)).scalar() or 0


def _bytes(value: Any) -> bytes:
    """Return bytes; of anything else, which only constraints that were dropped let in, its text."""
    return value if isinstance(value, bytes) else str(value).encode()


class Part:
    """What is stored of some positions, in one snapshot."""

    def __init__(self, connection: Connection, after: int, until: int) -> None:
        self.after = after
        self.until = until
        self._connection = connection

    def events(self) -> Generator[Sequence[Sequence[Any]], None, None]:
        """Yield the events by position, at most `ROWS` at once.

        Each is position, id, policy, version, type, subject, recorded_at, recorded_by, entry and
        leaf hash, then data and salt, or None for both.
        """
        position = log_entries.c.position
        # Payloads are bounded by positions of their own: else they would be read from the first on.
        here = self._among(log_payloads.c.position)
        query = (
            select(log_entries, log_payloads.c.data, log_payloads.c.salt)
            .outerjoin_from(
                log_entries, log_payloads, and_(log_payloads.c.position == position, here)
            )
            .where(self._among(position))
            .order_by(position)
        )
        options = {"yield_per": ROWS, **RAW}
        with self._connection.execute(query, execution_options=options) as rows:
            yield from rows.partitions()

    def payloads(self) -> int:
        """Return how many payloads there are."""
        query = select(func.count()).where(self._among(log_payloads.c.position))
        return self._connection.execute(query).scalar_one()

    def orphans(self) -> list[int]:
        """Return the first positions of payloads that belong to no entry."""
        position = log_payloads.c.position
        query = (
            select(position)
            .outerjoin_from(log_payloads, log_entries, log_entries.c.position == position)
            .where(self._among(position), log_entries.c.position.is_(None))
            .order_by(position)
            .limit(ROWS)
        )
        return list(self._connection.execute(query).scalars())

    def nodes(self) -> dict[Node, bytes]:
        """Return the roots of tiles that become full within the part."""
        levels = [
            and_(
                log_nodes.c.level == level,
                log_nodes.c.number >= self.after >> (HEIGHT * level),
                log_nodes.c.number < self.until >> (HEIGHT * level),
            )
            for level in range(1, MAX_TILE_LEVEL)
        ]
        rows = self._connection.execute(select(log_nodes).where(or_(*levels)))
        return {Node(HEIGHT * row.level, row.number): _bytes(row.hash) for row in rows}

    def checkpoints(self) -> Iterator[Checkpointed]:
        """Yield the checkpoints by size, as the log signed them."""
        query = select(log_checkpoints).where(self._among(log_checkpoints.c.size))
        for row in self._connection.execute(query.order_by(log_checkpoints.c.size)):
            yield Checkpointed(size=row.size, note=_bytes(row.note), signed_at=row.signed_at)

    def cosignatures(self) -> dict[int, list[tuple[str, str]]]:
        """Return what witnesses added to checkpoints: by size, verifier keys and lines."""
        query = select(log_cosignatures).where(self._among(log_cosignatures.c.size))
        found: dict[int, list[tuple[str, str]]] = {}
        for row in self._connection.execute(query.order_by(log_cosignatures.c.witness)):
            found.setdefault(row.size, []).append((row.witness, row.line))
        return found

    def _among(self, column: Any) -> Any:
        return and_(column > self.after, column <= self.until)


@contextmanager
def part(engine: Engine, after: int, until: int) -> Iterator[Part]:
    """Open a snapshot of what is stored of the positions in (after, until]."""
    with read_snapshot(engine) as connection:
        yield Part(connection, after, until)


def verifier_keys(engine: Engine) -> list[str]:
    """Return the keys by which checkpoints were ever signed, as they are written."""
    query = select(log_keys.c.vkey).order_by(log_keys.c.first_size, log_keys.c.vkey).limit(MAX_KEYS)
    with statement(engine) as connection:
        return [str(key) for key in connection.execute(query).scalars()]


def next_position(engine: Engine, after: int) -> int:
    """Return the first position after another that has an entry; there has to be one."""
    query = select(func.min(log_entries.c.position)).where(log_entries.c.position > after)
    with statement(engine) as connection:
        return int(connection.execute(query).scalar_one())


def erasures(engine: Engine, id: str) -> list[Erasure]:
    """Return the events that say to have erased the one with an id."""
    query = (
        select(
            log_entries.c.position,
            log_entries.c.entry,
            log_payloads.c.data,
            log_payloads.c.salt,
        )
        .outerjoin_from(
            log_entries, log_payloads, log_payloads.c.position == log_entries.c.position
        )
        # An event is erased once; more rows than that would be forged.
        .where(log_entries.c.subject == id, log_entries.c.type == EventType.PAYLOAD_ERASED.value)
        .order_by(log_entries.c.position)
        .limit(10)
    )
    with statement(engine) as connection:
        return [Erasure(*row) for row in connection.execute(query)]


def has_payload(engine: Engine, id: str) -> bool:
    """Tell whether the event with an id has its payload."""
    query = (
        select(log_payloads.c.position)
        .join(log_entries, log_entries.c.position == log_payloads.c.position)
        .where(log_entries.c.id == id)
    )
    with statement(engine) as connection:
        return connection.execute(query.limit(1)).scalar() is not None
