"""The event log: entries, payloads, the head, and what the write side keeps beside them.

Released migrations never change. Revision 0001, the first.

The guards: the log takes rows and never changes one. Payloads alone may go, and only those that a
PayloadErased names.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    create_log()
    create_write_side()
    head = sa.table(
        "log_head", sa.column("id"), sa.column("position"), sa.column("frontier", sa.LargeBinary())
    )
    op.execute(head.insert().values(id=1, position=0, frontier=b""))
    guards = {"postgresql": POSTGRESQL_GUARDS, "sqlite": SQLITE_GUARDS}
    for statement in guards[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    msg = "There is no way back: what is recorded is never dropped"
    raise NotImplementedError(msg)


def column(name: str, type: Any, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, type, nullable=null, autoincrement=False)


def create_log() -> None:
    op.create_table(
        "log_head",
        column("id", sa.Integer()),
        column("position", POSITION),
        column("recorded_at", WORD, null=True),
        column("frontier", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_one_row")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_log_head_position")),
    )
    op.create_table(
        "log_entries",
        column("position", POSITION),
        column("id", WORD),
        column("policy", WORD),
        column("version", sa.Integer()),
        column("type", WORD),
        column("subject", WORD, null=True),
        column("recorded_at", WORD),
        column("recorded_by", WORD),
        column("entry", sa.LargeBinary()),
        column("leaf_hash", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_log_entries")),
        sa.UniqueConstraint("id", name=op.f("uq_log_entries_id")),
        sa.UniqueConstraint("policy", "version", name=op.f("uq_log_entries_policy_version")),
        sa.CheckConstraint("position >= 1", name=op.f("ck_log_entries_position")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_log_entries_version")),
        sa.CheckConstraint("length(recorded_at) = 27", name=op.f("ck_log_entries_recorded_at")),
        sa.CheckConstraint("length(entry) <= 65535", name=op.f("ck_log_entries_entry")),
        sa.CheckConstraint("length(leaf_hash) = 32", name=op.f("ck_log_entries_leaf_hash")),
    )
    for columns in (
        ["subject"],
        ["type", "position"],
        ["recorded_by", "position"],
        ["recorded_at"],
    ):
        op.create_index(op.f(f"ix_log_entries_{'_'.join(columns)}"), "log_entries", columns)
    op.create_table(
        "log_payloads",
        column("position", POSITION),
        column("data", sa.LargeBinary()),
        column("salt", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_log_payloads")),
        sa.ForeignKeyConstraint(
            ["position"],
            ["log_entries.position"],
            name=op.f("fk_log_payloads_position_log_entries"),
        ),
        sa.CheckConstraint("length(data) <= 262144", name=op.f("ck_log_payloads_data")),
        sa.CheckConstraint("length(salt) = 32", name=op.f("ck_log_payloads_salt")),
    )


def create_write_side() -> None:
    op.create_table(
        "log_tags",
        column("kind", WORD),
        column("value", WORD),
        column("position", POSITION),
        sa.PrimaryKeyConstraint("kind", "value", "position", name=op.f("pk_log_tags")),
        sqlite_with_rowid=False,
    )
    target = sa.text("kind = 'target'")
    op.create_index(
        op.f("ix_log_tags_target"),
        "log_tags",
        ["position"],
        postgresql_where=target,
        sqlite_where=target,
    )
    op.create_table(
        "streams",
        column("policy", WORD),
        column("version", sa.Integer()),
        column("registered_by", WORD),
        column("jurisdiction", WORD),
        column("topics", sa.Text()),
        column("retracted_by", WORD, null=True),
        column("merged_into", WORD, null=True),
        sa.PrimaryKeyConstraint("policy", name=op.f("pk_streams")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "subjects",
        column("id", WORD),
        column("retracted_by", WORD, null=True),
        column("erased_by", WORD, null=True),
        column("duplicate", WORD, null=True),
        column("disputes", sa.Integer()),
        column("retracts", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
        sa.CheckConstraint("disputes IN (0, 1)", name=op.f("ck_subjects_disputes")),
        sqlite_with_rowid=False,
    )


SQLITE_GUARDS = (
    """
    CREATE TRIGGER "log_entries.refuse_update" BEFORE UPDATE ON log_entries
    BEGIN SELECT RAISE(ABORT, 'UPDATE on log_entries is refused'); END
    """,
    """
    CREATE TRIGGER "log_entries.refuse_delete" BEFORE DELETE ON log_entries
    BEGIN SELECT RAISE(ABORT, 'DELETE on log_entries is refused'); END
    """,
    # INSERT OR REPLACE deletes without asking the trigger above.
    """
    CREATE TRIGGER "log_entries.refuse_replace" BEFORE INSERT ON log_entries
    WHEN EXISTS (SELECT 1 FROM log_entries WHERE position = NEW.position)
        OR EXISTS (SELECT 1 FROM log_entries WHERE id = NEW.id)
        OR EXISTS (
            SELECT 1 FROM log_entries WHERE policy = NEW.policy AND version = NEW.version)
    BEGIN SELECT RAISE(ABORT, 'REPLACE on log_entries is refused'); END
    """,
    """
    CREATE TRIGGER "log_payloads.refuse_update" BEFORE UPDATE ON log_payloads
    BEGIN SELECT RAISE(ABORT, 'UPDATE on log_payloads is refused'); END
    """,
    """
    CREATE TRIGGER "log_payloads.refuse_delete" BEFORE DELETE ON log_payloads
    WHEN NOT EXISTS (
        SELECT 1 FROM log_entries AS gone
        JOIN log_entries AS erasure ON erasure.subject = gone.id
        WHERE gone.position = OLD.position AND erasure.type = 'PayloadErased')
    BEGIN SELECT RAISE(ABORT, 'DELETE on log_payloads is refused without a PayloadErased'); END
    """,
    """
    CREATE TRIGGER "log_payloads.refuse_replace" BEFORE INSERT ON log_payloads
    WHEN EXISTS (SELECT 1 FROM log_payloads WHERE position = NEW.position)
    BEGIN SELECT RAISE(ABORT, 'REPLACE on log_payloads is refused'); END
    """,
    """
    CREATE TRIGGER "log_head.refuse_going_back" BEFORE UPDATE ON log_head
    WHEN NEW.position <= OLD.position
    BEGIN SELECT RAISE(ABORT, 'UPDATE on log_head is refused: it only moves forward'); END
    """,
    """
    CREATE TRIGGER "log_head.refuse_delete" BEFORE DELETE ON log_head
    BEGIN SELECT RAISE(ABORT, 'DELETE on log_head is refused'); END
    """,
    """
    CREATE TRIGGER "log_head.refuse_replace" BEFORE INSERT ON log_head
    WHEN EXISTS (SELECT 1 FROM log_head)
    BEGIN SELECT RAISE(ABORT, 'REPLACE on log_head is refused'); END
    """,
)

# The tables are named with the schema of the trigger's own table: a temporary table of the same
# name comes first in every search path, and could answer in its place.
POSTGRESQL_GUARDS = (
    """
    CREATE FUNCTION "log.refuse"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'TL001';
    END
    $$
    """,
    """
    CREATE FUNCTION "log.refuse_going_back"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.position <= OLD.position THEN
            RAISE EXCEPTION 'UPDATE on log_head is refused: it only moves forward'
                USING ERRCODE = 'TL001';
        END IF;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE FUNCTION "log.refuse_unless_erased"() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        erased boolean;
    BEGIN
        EXECUTE format(
            'SELECT EXISTS ('
            '    SELECT FROM %1$I.log_entries AS gone'
            '    JOIN %1$I.log_entries AS erasure ON erasure.subject = gone.id'
            '    WHERE gone.position = $1 AND erasure.type = ''PayloadErased'')',
            TG_TABLE_SCHEMA
        ) INTO erased USING OLD.position;
        IF NOT erased THEN
            RAISE EXCEPTION 'DELETE on log_payloads is refused without a PayloadErased'
                USING ERRCODE = 'TL001';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER "log_entries.refuse_change" BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries
    FOR EACH STATEMENT EXECUTE FUNCTION "log.refuse"()
    """,
    """
    CREATE TRIGGER "log_payloads.refuse_change" BEFORE UPDATE OR TRUNCATE ON log_payloads
    FOR EACH STATEMENT EXECUTE FUNCTION "log.refuse"()
    """,
    # Deferred: one statement erases and records the erasure, in whatever order.
    """
    CREATE CONSTRAINT TRIGGER "log_payloads.refuse_delete" AFTER DELETE ON log_payloads
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "log.refuse_unless_erased"()
    """,
    """
    CREATE TRIGGER "log_head.refuse_going_back" BEFORE UPDATE ON log_head
    FOR EACH ROW EXECUTE FUNCTION "log.refuse_going_back"()
    """,
    """
    CREATE TRIGGER "log_head.refuse_delete" BEFORE DELETE OR TRUNCATE ON log_head
    FOR EACH STATEMENT EXECUTE FUNCTION "log.refuse"()
    """,
    # ALWAYS: session_replication_role = replica would switch ordinary triggers off.
    'ALTER TABLE log_entries ENABLE ALWAYS TRIGGER "log_entries.refuse_change"',
    'ALTER TABLE log_payloads ENABLE ALWAYS TRIGGER "log_payloads.refuse_change"',
    'ALTER TABLE log_payloads ENABLE ALWAYS TRIGGER "log_payloads.refuse_delete"',
    'ALTER TABLE log_head ENABLE ALWAYS TRIGGER "log_head.refuse_going_back"',
    'ALTER TABLE log_head ENABLE ALWAYS TRIGGER "log_head.refuse_delete"',
)
