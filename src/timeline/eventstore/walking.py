"""The whole log as it is stored, part by part: what a check of all of it reads.

Owns these queries and their bounds. Must not know what is to be checked.

Each part is read in a snapshot of its own: what is in the log stays as it is, so that nothing is won
by holding one for minutes, while servers cannot clean up behind it.
"""

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Column, Connection, Engine, and_, func, or_, select

from timeline.domain.vocabulary import EventType
from timeline.eventstore.database import read_snapshot, statement
from timeline.eventstore.dialects import RAW
from timeline.eventstore.tables import (
    log_checkpoints,
    log_cosignatures,
    log_digests,
    log_entries,
    log_head,
    log_keys,
    log_nodes,
    log_payloads,
)
from timeline.transparency.tiles import HEIGHT, WIDTH

PART: Final = 64 * WIDTH
"""Positions in one part: half a megabyte of leaf hashes."""

ROWS: Final = WIDTH
"""Events held at once: 84 MB, if each of them were as large as an event can be."""

MAX_KEYS: Final = 100
"""More than a log has in its life, where a key is changed each year."""

MAX_TILE_LEVEL: Final = 8
"""Tiles of more levels than positions can fill."""


MAX_POSITION: Final = 2**62
"""Where SQLite compares it, all that is no number is more than any."""

Kind = TypeVar("Kind", int, str, bytes)


def held(value: object, kind: type[Kind]) -> Kind | None:
    """Return what stands in a column, where it is of that kind.

    SQLite keeps values of any kind in a column once its constraints were dropped. None is turned
    into another kind: `bytes(2**33)` would be eight gigabytes.
    """
    return value if type(value) is kind else None


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """Where the log ends, as each of its tables has it; 0 in an empty one.

    Attributes:
        heads: the rows of the head, whatever stands there.
        entries: the last position.
        rows: counts all entries, wherever they say to be.
        payloads: the last position of a payload.
        first_payload: where payloads begin.
        checkpoint: the size of the newest one.
        strays: rows that say to be of a size that the log never had, by what they are.
        nodes: by level of tiles, the first and the last number of a node, whatever stands there.

    """

    heads: Sequence[Any]
    entries: int
    rows: int
    payloads: int
    first_payload: int
    checkpoint: int
    strays: dict[str, list[Any]]
    nodes: Sequence[Any]


class Erasure(msgspec.Struct, frozen=True):
    """An event that says to have erased another one, as it is stored."""

    position: int
    entry: bytes
    data: bytes | None
    salt: bytes | None


def ends(engine: Engine) -> Ends:
    """Return where the log ends, in one snapshot."""
    with read_snapshot(engine) as connection:
        number = log_nodes.c.number
        levels = select(log_nodes.c.level, func.min(number), func.max(number))
        entries = _last(connection, log_entries.c.position)
        return Ends(
            heads=connection.execute(select(log_head).limit(2)).all(),
            entries=entries,
            rows=_one(connection, func.count(), log_entries),
            payloads=_last(connection, log_payloads.c.position),
            first_payload=_one(connection, func.min(log_payloads.c.position), log_payloads),
            checkpoint=_last(connection, log_checkpoints.c.size),
            strays={
                table.name: _strays(connection, table.c.size, entries)
                for table in (log_checkpoints, log_cosignatures, log_digests)
            },
            nodes=connection.execute(levels.group_by(log_nodes.c.level).limit(ROWS)).all(),
        )


def _last(connection: Connection, column: Column[int]) -> int:
    query = select(func.max(column)).where(column <= MAX_POSITION)
    return math.ceil(connection.execute(query).scalar() or 0)


def _strays(connection: Connection, size: Column[int], entries: int) -> list[Any]:
    query = select(size).where(or_(size < 1, size > entries)).order_by(size)
    return list(connection.execute(query.limit(ROWS)).scalars())


def _one(connection: Connection, asked: Any, table: Any) -> int:
    return connection.execute(select(asked).select_from(table)).scalar() or 0


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

    def nodes(self) -> list[tuple[Any, Any, Any]]:
        """Return the roots of tiles that become full within the part: level, number and hash."""
        levels = [
            and_(
                log_nodes.c.level == level,
                log_nodes.c.number >= self.after >> (HEIGHT * level),
                log_nodes.c.number < self.until >> (HEIGHT * level),
            )
            for level in range(1, MAX_TILE_LEVEL)
        ]
        rows = self._connection.execute(select(log_nodes).where(or_(*levels)))
        return [(row.level, row.number, row.hash) for row in rows]

    def checkpoints(self) -> Iterator[tuple[Any, Any, Any]]:
        """Yield the checkpoints by size: size, note and when it was signed."""
        query = select(log_checkpoints).where(self._among(log_checkpoints.c.size))
        for row in self._connection.execute(query.order_by(log_checkpoints.c.size)):
            yield row.size, row.note, row.signed_at

    def cosignatures(self) -> dict[Any, list[tuple[Any, Any]]]:
        """Return what witnesses added to checkpoints: by size, verifier keys and lines."""
        query = select(log_cosignatures).where(self._among(log_cosignatures.c.size))
        found: dict[Any, list[tuple[Any, Any]]] = {}
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


def listed_keys(engine: Engine) -> Sequence[Any]:
    """Return the keys by which checkpoints were ever signed, whatever stands there.

    Each is a verifier key, the size of its first checkpoint, and that of the checkpoint of that
    size, if there is one.
    """
    query = (
        select(log_keys.c.vkey, log_keys.c.first_size, log_checkpoints.c.size)
        .outerjoin_from(log_keys, log_checkpoints, log_checkpoints.c.size == log_keys.c.first_size)
        .order_by(log_keys.c.first_size, log_keys.c.vkey)
        .limit(MAX_KEYS)
    )
    with statement(engine) as connection:
        return connection.execute(query).all()


def digests(engine: Engine) -> Iterator[Any]:
    """Yield what was recorded of read models, whatever stands there.

    Each is a day, a size, the digests, and when the checkpoint of that size was signed, if there
    is one.
    """
    query = (
        select(log_digests, log_checkpoints.c.signed_at)
        .outerjoin_from(log_digests, log_checkpoints, log_checkpoints.c.size == log_digests.c.size)
        .order_by(log_digests.c.day)
    )
    with read_snapshot(engine) as connection:
        yield from connection.execute(query, execution_options={"yield_per": ROWS})


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
