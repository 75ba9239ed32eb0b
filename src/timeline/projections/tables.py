"""The tables of the read models, twice: slots a and b, and the pointers that say which is live.

Owns the columns, keys and indexes. Every row is a rectangle: it is believed from position
`known_from` up to, and not including, `known_until` (OPEN while it still is). Must not know how
rows come about.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from timeline.eventstore.tables import DERIVED, WORD, metadata

SLOTS: Final = ("a", "b")
OPEN: Final = 2**62
"""`known_until` of what is believed now; larger than any position, so that one range test serves."""

projections: Final = Table(
    "projections",
    metadata,
    Column("name", WORD, nullable=False),
    Column("live", WORD, nullable=False),
    PrimaryKeyConstraint("name"),
    CheckConstraint("live IN ('a', 'b')", name="live_is_a_slot"),
    info=DERIVED,
)
"""The pointer rows: which slot of a projection is read."""

projection_progress: Final = Table(
    "projection_progress",
    metadata,
    Column("name", WORD, nullable=False),
    Column("slot", WORD, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("run", WORD, nullable=True),
    Column("begun_at", BigInteger, nullable=True),
    PrimaryKeyConstraint("name", "slot"),
    CheckConstraint("slot IN ('a', 'b')", name="slot_is_a_slot"),
    CheckConstraint("position >= 0", name="position_not_negative"),
    info=DERIVED,
)
"""The position up to which each slot has read, moved by compare-and-set; which rebuild fills it, or
has filled it, and where the log ended as that began: what was erased by then was never read."""

projection_lease: Final = Table(
    "projection_lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("holder", WORD, nullable=True),
    Column("expires_ms", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    info=DERIVED,
)
"""Which process advances the live slots, and until when, by the database's clock."""

last_rebuild: Final = Table(
    "last_rebuild",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("state", WORD, nullable=True),
    Column("events_done", BigInteger, nullable=False),
    Column("events_total", BigInteger, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("told_ms", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    info=DERIVED,
)
"""What the last rebuild told of itself, when it began and when that was, by the database's clock."""

parked_policies: Final = Table(
    "parked_policies",
    metadata,
    Column("policy", WORD, nullable=False),
    Column("hidden_from", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("event", WORD, nullable=False),
    Column("error", Text, nullable=False),
    Column("parked_ms", BigInteger, nullable=False),
    Column("retry", Boolean, nullable=False),
    PrimaryKeyConstraint("policy"),
    CheckConstraint("hidden_from >= 1 AND hidden_from <= position", name="hidden_in_order"),
    info=DERIVED,
)
"""Policies with an event that broke the read models: what they have from `hidden_from` on waits."""


def model_table(
    name: str,
    slot: str,
    key: tuple[str, ...],
    *columns: Column[object],
    indexes: tuple[tuple[str, ...], ...] = (),
    narrow: bool = False,
) -> Table:
    """Return one read model's table in one slot.

    Args:
        name: the table's name without the slot.
        slot: a or b.
        key: the columns that say which thing a row is about.
        columns: all columns but those of the record's clock.
        indexes: columns to find rows by, each an index named for the first of them that ends in
            both ends of the record's clock, so that rows that are not believed are never fetched.
        narrow: SQLite keeps the rows in the key's own tree, which suits those that are all key.

    """
    full = f"{name}_{slot}"
    return Table(
        full,
        metadata,
        *columns,
        Column("known_from", BigInteger, nullable=False),
        Column("known_until", BigInteger, nullable=False),
        PrimaryKeyConstraint(*key, "known_from"),
        CheckConstraint("known_from < known_until", name="known_in_order"),
        *(Index(f"ix_{full}_{names[0]}", *names, "known_from", "known_until") for names in indexes),
        info=DERIVED,
        sqlite_with_rowid=not narrow,
    )


def text(name: str, *, nullable: bool = False) -> Column[object]:
    """Return a text column that sorts and compares by code points on every database."""
    return Column(name, WORD, nullable=nullable)


def prose(name: str, *, nullable: bool = False) -> Column[object]:
    """Return a text column that nothing sorts by: titles, JSON."""
    return Column(name, Text, nullable=nullable)


def day(name: str) -> Column[object]:
    """Return a column of days as proleptic ordinals."""
    return Column(name, Integer, nullable=False)


def number(name: str) -> Column[object]:
    """Return a column of positions or counts."""
    return Column(name, BigInteger, nullable=False)
