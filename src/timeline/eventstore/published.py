"""What the log has published to be checked: its tree in tiles, its checkpoints, what witnesses added.

Owns the queries and the one transaction that publishes. Must not know who signs, nor who asks.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import starmap
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Engine,
    Integer,
    Select,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
    union_all,
)

from timeline.eventstore.database import read_snapshot, statement, write_transaction
from timeline.eventstore.tables import (
    log_checkpoints,
    log_cosignatures,
    log_digests,
    log_entries,
    log_keys,
    log_nodes,
    log_payloads,
)
from timeline.transparency.keys import VerifierKey
from timeline.transparency.notes import Note, Signature
from timeline.transparency.proofs import Node
from timeline.transparency.tiles import HEIGHT, WIDTH, Tile

MAX_LEAVES: Final = 64 * WIDTH
"""Leaf hashes read at once: half a megabyte."""

MAX_COSIGNATURES: Final = 64
"""Lines by witnesses below a checkpoint: two policies' worth.

A note has at most a hundred. That leaves room for the log's own, and for processes that look at the
same time how many there are.
"""

_COSIGN: Final = text(
    "INSERT INTO log_cosignatures (size, witness, line)"
    " SELECT CAST(:size AS bigint), CAST(:witness AS text), CAST(:line AS text)"
    " WHERE (SELECT count(*) FROM log_cosignatures WHERE size = :size) < :most"
    " AND NOT EXISTS (SELECT 1 FROM log_cosignatures WHERE size = :size AND witness = :witness)"
    " ON CONFLICT DO NOTHING"
)
"""A line that is there is not even tried: the guards refuse that. Another process may be adding it at
the same time: on PostgreSQL this waits for it then, and adds nothing."""


class Checkpointed(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as it was published, with the cosignatures that came since, and their keys."""

    size: int
    note: bytes
    signed_at: str
    cosignatures: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()

    @property
    def cosigned(self) -> Note:
        """The signed note with the lines of the witnesses below."""
        return Note.parse(self.note).with_signatures(tuple(map(Signature.parse, self.cosignatures)))


class Opening(NamedTuple):
    """An entry, its leaf hash, and the salt of its commitment: None once the payload is erased."""

    entry: bytes
    leaf_hash: bytes
    salt: bytes | None


class Digests(msgspec.Struct, frozen=True, kw_only=True):
    """The digests of the live read models at a day's last checkpoint, and what they depend on.

    Attributes:
        day: in UTC.
        size: the position of the last event that the checkpoint has.
        last_erasure: the position of the last erasure that the rows had taken in; one that comes
            later changes rows at every position.
        schema: the revision of the tables that the rows lay in.
        models: the digests, by read model.

    """

    day: str
    size: int
    last_erasure: int | None
    schema: str
    models: dict[str, str]


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a row keeps as JSON."""

    last_erasure: int | None
    models: dict[str, str]
    schema: str


NEWEST: Final = select(log_checkpoints).order_by(log_checkpoints.c.size.desc())
"""The newest checkpoint first."""


def checkpoint_of(connection: Connection, query: Select[Any] = NEWEST) -> Checkpointed | None:
    """Return the first checkpoint that a query finds, with its cosignatures as that snapshot has them."""
    first = query.limit(1).subquery()
    lines = log_cosignatures.c
    rows = connection.execute(
        select(first, lines.line, lines.witness)
        .outerjoin(log_cosignatures, lines.size == first.c.size)
        .order_by(lines.witness)
    ).all()
    if not rows:
        return None
    return Checkpointed(
        size=rows[0].size,
        note=bytes(rows[0].note),
        signed_at=rows[0].signed_at,
        cosignatures=tuple(row.line for row in rows if row.line is not None),
        witnesses=tuple(row.witness for row in rows if row.line is not None),
    )


def readable_digests(text: str) -> bool:
    """Tell whether a row's JSON is that of digests."""
    try:
        msgspec.json.decode(text, type=_Kept)
    except (msgspec.MsgspecError, UnicodeError):
        return False
    return True


class Published:
    """Reads what was published, and publishes more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- the tree

    def leaf_hashes(self, after: int, limit: int = MAX_LEAVES) -> list[bytes]:
        """Return the leaf hashes of the next entries after a position, at most MAX_LEAVES."""
        query = (
            select(log_entries.c.leaf_hash)
            .where(log_entries.c.position > after)
            .order_by(log_entries.c.position)
            .limit(min(limit, MAX_LEAVES))
        )
        with statement(self._engine) as connection:
            return [bytes(leaf) for leaf in connection.execute(query).scalars()]

    def tiles(self, tiles: Sequence[Tile]) -> Mapping[Tile, Sequence[bytes]]:
        """Return the hashes of tiles, in one snapshot; those that the log lacks come short."""
        if not tiles:
            return {}
        known = {(tile.level or 0, tile.number): tile for tile in tiles}
        found: dict[Tile, list[bytes]] = {tile: [] for tile in tiles}
        # One statement: each more would be a way to the server and back.
        query = _hashes(tuple(tile.level or 0 for tile in tiles))
        spans = {
            f"{name}_{index}": number
            for index, tile in enumerate(tiles)
            for name, number in (
                ("first", WIDTH * tile.number),
                ("last", WIDTH * tile.number + tile.width - 1),
            )
        }
        with statement(self._engine) as connection:
            rows = connection.execute(query, spans).all()
        for level, number, hash in rows:
            found[known[level, number // WIDTH]].append(bytes(hash))
        return found

    def entries(self, after: int, limit: int = WIDTH) -> list[bytes]:
        """Return the next entries after a position, at most a bundle of them."""
        query = (
            select(log_entries.c.entry)
            .where(log_entries.c.position > after)
            .order_by(log_entries.c.position)
            .limit(min(limit, WIDTH))
        )
        with statement(self._engine) as connection:
            return [bytes(entry) for entry in connection.execute(query).scalars()]

    def opening(self, position: int) -> Opening:
        """Return what shows one event, which the log has, to be what its entry commits to."""
        query = (
            select(log_entries.c.entry, log_entries.c.leaf_hash, log_payloads.c.salt)
            .outerjoin(log_payloads, log_payloads.c.position == log_entries.c.position)
            .where(log_entries.c.position == position)
        )
        with statement(self._engine) as connection:
            entry, leaf, salt = connection.execute(query).one()
        return Opening(bytes(entry), bytes(leaf), None if salt is None else bytes(salt))

    # --- checkpoints

    def latest(self) -> Checkpointed | None:
        """Return the newest checkpoint, or None before the first."""
        return self._checkpoint(NEWEST)

    def at(self, size: int) -> Checkpointed | None:
        """Return the checkpoint of a size, or None where none was published."""
        return self._checkpoint(select(log_checkpoints).where(log_checkpoints.c.size == size))

    def cosigned(
        self,
        fewest: int,
        sizes: range,
        *,
        witnesses: Collection[str] | None = None,
        looked_at: int | None = None,
    ) -> Checkpointed | None:
        """Return the newest checkpoint that so many witnesses have cosigned, if any.

        Their lines are not checked here.

        Args:
            fewest: of them, at least 1.
            sizes: how many entries it may have.
            witnesses: by verifier key, if only some count.
            looked_at: how many cosignatures to look at, the newest ones.

        """
        lines = log_cosignatures.c
        looked = (
            select(lines.size)
            .where(lines.size.between(sizes.start, sizes.stop - 1))
            .where(true() if witnesses is None else lines.witness.in_(witnesses))
            .order_by(lines.size.desc())
            .limit(looked_at)
        )
        size = looked.subquery().c.size
        newest = (
            select(size)
            .group_by(size)
            .having(func.count() >= fewest)
            .order_by(size.desc())
            .limit(1)
        )
        return self._checkpoint(
            select(log_checkpoints).where(log_checkpoints.c.size == newest.scalar_subquery())
        )

    def since(self, after: int, limit: int = 1_000) -> list[Checkpointed]:
        """Return the next checkpoints of more entries than `after`, without cosignatures."""
        query = (
            select(log_checkpoints)
            .where(log_checkpoints.c.size > after)
            .order_by(log_checkpoints.c.size)
            .limit(limit)
        )
        with statement(self._engine) as connection:
            return [
                Checkpointed(size=row.size, note=bytes(row.note), signed_at=row.signed_at)
                for row in connection.execute(query)
            ]

    def _checkpoint(self, query: Select[Any]) -> Checkpointed | None:
        with statement(self._engine) as connection:
            return checkpoint_of(connection, query)

    def verifier_keys(self) -> list[VerifierKey]:
        """Return the keys by which checkpoints were ever signed, the oldest first."""
        query = select(log_keys.c.vkey).order_by(log_keys.c.first_size, log_keys.c.vkey)
        with statement(self._engine) as connection:
            return [VerifierKey.parse(key) for key in connection.execute(query).scalars()]

    def publish(
        self, checkpoint: Checkpointed, keys: Sequence[VerifierKey], nodes: Mapping[Node, bytes]
    ) -> bool:
        """Publish a checkpoint, with the roots of the tiles that have become full up to it.

        Returns:
            Whether it is published, now or before; False where another one of that size, or of a
            larger one, is.

        Args:
            checkpoint: signed.
            keys: check its signatures.
            nodes: of levels that are roots of tiles.

        """
        with write_transaction(self._engine) as connection:
            newer = select(log_checkpoints.c.note).where(log_checkpoints.c.size >= checkpoint.size)
            there = connection.execute(newer.limit(1)).scalar()
            if there is not None:
                return bytes(there) == checkpoint.note
            rows = [
                {"level": node.level // HEIGHT, "number": node.number, "hash": hash}
                for node, hash in sorted(nodes.items())
            ]
            if rows:
                connection.execute(insert(log_nodes), rows)
            signed_before = set(connection.execute(select(log_keys.c.vkey)).scalars())
            for key in dict.fromkeys(map(str, keys)):
                if key not in signed_before:
                    connection.execute(
                        insert(log_keys).values(vkey=key, first_size=checkpoint.size)
                    )
            connection.execute(
                insert(log_checkpoints).values(
                    size=checkpoint.size, note=checkpoint.note, signed_at=checkpoint.signed_at
                )
            )
            return True

    # --- what is added to checkpoints

    def cosign(self, size: int, witness: str, line: str) -> bool:
        """Add a witness's line, by its verifier key, to a checkpoint.

        Returns:
            Whether the checkpoint has a line of that witness, now or before; False where it has as
            many as it takes.

        """
        given = {"size": size, "witness": witness, "line": line, "most": MAX_COSIGNATURES}
        key = (log_cosignatures.c.size == size) & (log_cosignatures.c.witness == witness)
        with write_transaction(self._engine) as connection:
            connection.execute(_COSIGN, given)
            return connection.execute(select(func.count()).where(key)).scalar_one() == 1

    def cosigned_size(self, witness: str) -> int:
        """Return how many entries the newest checkpoint has that a witness cosigned; 0 before."""
        query = select(func.max(log_cosignatures.c.size)).where(
            log_cosignatures.c.witness == witness
        )
        with statement(self._engine) as connection:
            return connection.execute(query).scalar() or 0

    # --- digests of the read models

    def digests_due(self) -> tuple[str, int] | None:
        """Return the first day that is over and has no digests, and its last checkpoint's size.

        A day is over once there is a checkpoint of a later one. Where a clock was set back, what
        was signed on a day before the last that has digests belongs to none.
        """
        size, day = log_checkpoints.c.size, func.substr(log_checkpoints.c.signed_at, 1, 10)
        with read_snapshot(self._engine) as connection:
            last = connection.execute(
                select(log_digests).order_by(log_digests.c.day.desc()).limit(1)
            ).one_or_none()
            later = [] if last is None else [size > last.size, day > last.day]
            first = connection.execute(
                select(day).where(*later).order_by(size).limit(1)
            ).scalar_one_or_none()
            newest = connection.execute(
                select(day).order_by(size.desc()).limit(1)
            ).scalar_one_or_none()
            if first is None or newest is None or first >= newest:
                return None
            query = select(func.max(size)).where(*later, day == first)
            return first, connection.execute(query).scalar_one()

    def digests_at(self, size: int) -> Digests | None:
        """Return the digests that are recorded at a position, or None where none are."""
        return next(iter(self._digests(log_digests.c.size == size)), None)

    def newest_digests(self, limit: int) -> list[Digests]:
        """Return the digests of the last days, the newest first."""
        return self._digests(limit=limit)

    def _digests(self, *conditions: ColumnElement[bool], limit: int = 1) -> list[Digests]:
        query = select(log_digests).where(*conditions).order_by(log_digests.c.day.desc())
        with statement(self._engine) as connection:
            return [
                Digests(
                    day=row.day,
                    size=row.size,
                    **msgspec.structs.asdict(msgspec.json.decode(row.digests, type=_Kept)),
                )
                for row in connection.execute(query.limit(limit))
            ]

    def record_digests(self, found: Digests) -> None:
        """Record the digests of a day's last checkpoint, unless they are recorded already."""
        kept = _Kept(last_erasure=found.last_erasure, models=found.models, schema=found.schema)
        with write_transaction(self._engine) as connection:
            known = select(log_digests.c.day).where(log_digests.c.day == found.day)
            if connection.execute(known).scalar() is None:
                connection.execute(
                    insert(log_digests).values(
                        day=found.day,
                        size=found.size,
                        digests=msgspec.json.encode(kept, order="sorted").decode(),
                    )
                )


@lru_cache(maxsize=64)
def _hashes(levels: tuple[int, ...]) -> CompoundSelect[Any]:
    """Return the query for tiles of these levels: the level, numbers in it, and hashes, in order.

    Of each tile it takes the numbers, from 0, of its first hash and of its last.
    """
    return union_all(*starmap(_of_tile, enumerate(levels))).order_by("level", "number")


def _of_tile(index: int, level: int) -> Select[Any]:
    # Leaves are numbered as positions are, from 1.
    offset = 0 if level else 1
    place = log_nodes.c.number if level else log_entries.c.position
    first, last = (bindparam(f"{name}_{index}", type_=BigInteger) for name in ("first", "last"))
    query = select(
        literal_column(str(level), Integer).label("level"),
        (place - literal_column(str(offset), Integer)).label("number"),
        log_nodes.c.hash if level else log_entries.c.leaf_hash,
    ).where(place.between(first + offset, last + offset))
    return query.where(log_nodes.c.level == level) if level else query
