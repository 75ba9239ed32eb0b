"""What the log publishes to be checked: nodes of its tree, checkpoints, keys, cosignatures, digests.

Rows are added and never changed; the guards are those of the log's own tables. Released migrations
never change.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

KEYS = {
    "log_nodes": ("level", "number"),
    "log_checkpoints": ("size",),
    "log_keys": ("vkey",),
    "log_cosignatures": ("size", "witness"),
    "log_digests": ("day",),
}


def upgrade() -> None:
    create_tree()
    create_beside()
    guards = {"postgresql": postgresql_guards, "sqlite": sqlite_guards}
    for table, key in KEYS.items():
        for statement in guards[op.get_bind().dialect.name](table, key):
            op.execute(statement)


def downgrade() -> None:
    msg = "There is no way back: what is published is never dropped"
    raise NotImplementedError(msg)


def column(name: str, type: Any) -> sa.Column[Any]:
    return sa.Column(name, type, nullable=False, autoincrement=False)


def create_tree() -> None:
    op.create_table(
        "log_nodes",
        column("level", sa.Integer()),
        column("number", POSITION),
        column("hash", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_log_nodes")),
        sa.CheckConstraint("level >= 1", name=op.f("ck_log_nodes_level")),
        sa.CheckConstraint("number >= 0", name=op.f("ck_log_nodes_number")),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_log_nodes_hash")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_checkpoints",
        column("size", POSITION),
        column("note", sa.LargeBinary()),
        column("signed_at", WORD),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoints")),
        sa.CheckConstraint("size >= 1", name=op.f("ck_log_checkpoints_size")),
        sa.CheckConstraint("length(note) <= 65535", name=op.f("ck_log_checkpoints_note")),
        sa.CheckConstraint("length(signed_at) = 27", name=op.f("ck_log_checkpoints_signed_at")),
    )


def create_beside() -> None:
    op.create_table(
        "log_keys",
        column("vkey", WORD),
        column("first_size", POSITION),
        sa.PrimaryKeyConstraint("vkey", name=op.f("pk_log_keys")),
        sa.CheckConstraint("length(vkey) <= 1024", name=op.f("ck_log_keys_vkey")),
        sa.CheckConstraint("first_size >= 1", name=op.f("ck_log_keys_first_size")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_cosignatures",
        column("size", POSITION),
        column("witness", WORD),
        column("line", sa.Text()),
        sa.PrimaryKeyConstraint("size", "witness", name=op.f("pk_log_cosignatures")),
        sa.ForeignKeyConstraint(
            ["size"],
            ["log_checkpoints.size"],
            name=op.f("fk_log_cosignatures_size_log_checkpoints"),
        ),
        sa.CheckConstraint("length(line) <= 1024", name=op.f("ck_log_cosignatures_line")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_digests",
        column("day", WORD),
        column("size", POSITION),
        column("digests", sa.Text()),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_log_digests")),
        sa.ForeignKeyConstraint(
            ["size"], ["log_checkpoints.size"], name=op.f("fk_log_digests_size_log_checkpoints")
        ),
        sa.CheckConstraint("length(day) = 10", name=op.f("ck_log_digests_day")),
        sqlite_with_rowid=False,
    )


def sqlite_guards(table: str, key: tuple[str, ...]) -> list[str]:
    # INSERT OR REPLACE deletes without asking the trigger that refuses to.
    same = " AND ".join(f"{name} = NEW.{name}" for name in key)
    return [
        *(
            f"""
            CREATE TRIGGER "{table}.refuse_{verb.lower()}" BEFORE {verb} ON {table}
            BEGIN SELECT RAISE(ABORT, '{verb} on {table} is refused'); END
            """
            for verb in ("UPDATE", "DELETE")
        ),
        f"""
        CREATE TRIGGER "{table}.refuse_replace" BEFORE INSERT ON {table}
        WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
        BEGIN SELECT RAISE(ABORT, 'REPLACE on {table} is refused'); END
        """,  # noqa: S608 - our own names
    ]


def postgresql_guards(table: str, _key: tuple[str, ...]) -> list[str]:
    # ALWAYS: session_replication_role = replica would switch ordinary triggers off.
    return [
        f"""
        CREATE TRIGGER "{table}.refuse_change" BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION "log.refuse"()
        """,
        f'ALTER TABLE {table} ENABLE ALWAYS TRIGGER "{table}.refuse_change"',
    ]
