"""The tables of the log and of the write side, and the `metadata` that all tables hang in.

Owns names, types, constraints and indexes. Must not know who reads or writes; triggers are in the
migrations, since SQLAlchemy has no word for them.

Each table says in its `info` of which kind it is: `log` (the record itself), or `derived` (it can
be dropped and filled again from the log). `grants` lists what the service's role may do with it.
"""

from hashlib import sha256
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
"""Shared by every package that has tables, so that one migration tree covers them."""

POSITION: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A place in the log. SQLite's INTEGER has 64 bits, and as primary key it is the row id."""

WORD: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""Ids, slugs, instants, folded tags: compared by their bytes, on both databases."""

DERIVED: Final[dict[str, Any]] = {
    "kind": "derived",
    "grants": ("SELECT", "INSERT", "UPDATE", "DELETE"),
}


def _log(*grants: str) -> dict[str, Any]:
    return {"kind": "log", "grants": grants}


log_head: Final = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", POSITION, nullable=False),
    Column("recorded_at", WORD),
    Column("frontier", LargeBinary, nullable=False),
    Column("stopped", Text),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("position >= 0", name="position"),
    CheckConstraint("length(stopped) <= 1024", name="stopped"),
    info=_log("SELECT", "UPDATE"),
)
"""The end of the log, in one row: whoever moves it has written what lies before.

Where it says why it is `stopped`, nobody moves it.
"""

log_entries: Final = Table(
    "log_entries",
    metadata,
    Column("position", POSITION, primary_key=True, autoincrement=False),
    Column("id", WORD, nullable=False),
    Column("policy", WORD, nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", WORD, nullable=False),
    Column("subject", WORD),
    Column("recorded_at", WORD, nullable=False),
    Column("recorded_by", WORD, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    UniqueConstraint("id"),
    UniqueConstraint("policy", "version"),
    CheckConstraint("position >= 1", name="position"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("length(recorded_at) = 27", name="recorded_at"),
    CheckConstraint("length(entry) <= 65535", name="entry"),
    CheckConstraint("length(leaf_hash) = 32", name="leaf_hash"),
    Index(None, "subject"),
    Index(None, "type", "position"),
    Index(None, "recorded_by", "position"),
    Index(None, "recorded_at"),
    info=_log("SELECT", "INSERT"),
)
"""One row per event: the entry's bytes, and of its fields what is searched by."""

log_payloads: Final = Table(
    "log_payloads",
    metadata,
    Column(
        "position",
        POSITION,
        ForeignKey("log_entries.position"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("data", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    CheckConstraint("length(data) <= 262144", name="data"),
    CheckConstraint("length(salt) = 32", name="salt"),
    info=_log("SELECT", "INSERT", "DELETE"),
)
"""An event's data and the salt of its commitment: the one row that may go, when it is erased."""

log_nodes: Final = Table(
    "log_nodes",
    metadata,
    Column("level", Integer, nullable=False),
    Column("number", POSITION, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "number"),
    CheckConstraint("level >= 1", name="level"),
    CheckConstraint("number >= 0", name="number"),
    CheckConstraint("length(hash) = 32", name="hash"),
    info=_log("SELECT", "INSERT"),
    sqlite_with_rowid=False,
)
"""The roots of full tiles, which are the hashes of the tiles above; those of level 0 are the leaves'."""

log_checkpoints: Final = Table(
    "log_checkpoints",
    metadata,
    Column("size", POSITION, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("signed_at", WORD, nullable=False),
    CheckConstraint("size >= 1", name="size"),
    CheckConstraint("length(note) <= 65535", name="note"),
    CheckConstraint("length(signed_at) = 27", name="signed_at"),
    info=_log("SELECT", "INSERT"),
)
"""The checkpoints that were published, as the log signed them."""

log_keys: Final = Table(
    "log_keys",
    metadata,
    Column("vkey", WORD, primary_key=True),
    Column("first_size", POSITION, nullable=False),
    CheckConstraint("length(vkey) <= 1024", name="vkey"),
    CheckConstraint("first_size >= 1", name="first_size"),
    info=_log("SELECT", "INSERT"),
    sqlite_with_rowid=False,
)
"""The verifier keys by which checkpoints were ever signed, and the size of the first of these."""

log_cosignatures: Final = Table(
    "log_cosignatures",
    metadata,
    Column("size", POSITION, ForeignKey("log_checkpoints.size"), nullable=False),
    Column("witness", WORD, nullable=False),
    Column("line", Text, nullable=False),
    PrimaryKeyConstraint("size", "witness"),
    CheckConstraint("length(line) <= 1024", name="line"),
    info=_log("SELECT", "INSERT"),
    sqlite_with_rowid=False,
)
"""What witnesses added to checkpoints: one line by each verifier key."""

log_digests: Final = Table(
    "log_digests",
    metadata,
    Column("day", WORD, nullable=False),
    Column("size", POSITION, ForeignKey("log_checkpoints.size"), nullable=False),
    Column("digests", Text, nullable=False),
    PrimaryKeyConstraint("day"),
    CheckConstraint("length(day) = 10", name="day"),
    info=_log("SELECT", "INSERT"),
    sqlite_with_rowid=False,
)
"""The digests of the live read models at each day's last checkpoint, as JSON: `models` by name, and
what else they depend on."""

log_tags: Final = Table(
    "log_tags",
    metadata,
    Column("kind", WORD, nullable=False),
    Column("value", WORD, nullable=False),
    Column("position", POSITION, nullable=False),
    PrimaryKeyConstraint("kind", "value", "position"),
    info=DERIVED,
    sqlite_with_rowid=False,
)
"""What events are found by, and conditions checked against."""

IS_TARGET: Final = log_tags.c.kind == literal_column("'target'")
"""What an event points at; a literal, since only that lets planners use the index below."""

Index(
    "ix_log_tags_target",
    log_tags.c.position,
    postgresql_where=IS_TARGET,
    sqlite_where=IS_TARGET,
)

streams: Final = Table(
    "streams",
    metadata,
    Column("policy", WORD, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("registered_by", WORD, nullable=False),
    Column("jurisdiction", WORD, nullable=False),
    Column("topics", Text, nullable=False),
    Column("retracted_by", WORD),
    Column("merged_into", WORD),
    info=DERIVED,
    sqlite_with_rowid=False,
)
"""The head of each policy's stream; `topics` is a JSON list."""

subjects: Final = Table(
    "subjects",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("retracted_by", WORD),
    Column("erased_by", WORD),
    Column("duplicate", WORD),
    Column("disputes", Integer, nullable=False),
    Column("retracts", Text, nullable=False),
    CheckConstraint("disputes IN (0, 1)", name="disputes"),
    info=DERIVED,
    sqlite_with_rowid=False,
)
"""Events of which the write side knows more than their entry says; `retracts` is a JSON list."""

MAX_TAG_BYTES: Final = 1_024
"""PostgreSQL's B-trees take rows of 2,704 bytes; folding can make 500 characters longer."""


def tag_value(value: str) -> str:
    """Return a tag's value as `log_tags` keeps it: whole, or its beginning and its digest."""
    encoded = value.encode()
    if len(encoded) <= MAX_TAG_BYTES:
        return value
    return f"{value[:100]}…{sha256(encoded).hexdigest()}"
