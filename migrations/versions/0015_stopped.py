"""Why nothing is recorded any more: beside the head, where every append asks for it.

Once that is set, the head is not moved. It is set and taken away with the head left as it is, which
its guard lets by. Released migrations never change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    stopped = sa.Column(
        "stopped",
        sa.Text(),
        sa.CheckConstraint("length(stopped) <= 1024", name=op.f("ck_log_head_stopped")),
        nullable=True,
    )
    op.add_column("log_head", stopped)
    guards = {"postgresql": POSTGRESQL_GUARDS, "sqlite": SQLITE_GUARDS}
    for statement in guards[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    msg = "There is no way back: what is recorded is never dropped"
    raise NotImplementedError(msg)


SQLITE_GUARDS = (
    # Who rewrites a record drops its guards; the log is verified once this has run.
    'DROP TRIGGER IF EXISTS "log_head.refuse_going_back"',
    """
    CREATE TRIGGER "log_head.refuse_going_back" BEFORE UPDATE ON log_head
    WHEN NEW.position <= OLD.position
        AND (NEW.stopped IS OLD.stopped OR NEW.id IS NOT OLD.id
            OR NEW.position IS NOT OLD.position OR NEW.recorded_at IS NOT OLD.recorded_at
            OR NEW.frontier IS NOT OLD.frontier)
    BEGIN SELECT RAISE(ABORT, 'UPDATE on log_head is refused: it only moves forward'); END
    """,
    """
    CREATE TRIGGER "log_head.refuse_stopped" BEFORE UPDATE ON log_head
    WHEN NEW.position IS NOT OLD.position AND OLD.stopped IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'UPDATE on log_head is refused: the log is stopped'); END
    """,
)

POSTGRESQL_GUARDS = (
    """
    CREATE OR REPLACE FUNCTION "log.refuse_going_back"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.position <= OLD.position AND (
            NEW.stopped IS NOT DISTINCT FROM OLD.stopped
            OR (NEW.id, NEW.position, NEW.recorded_at, NEW.frontier)
                IS DISTINCT FROM (OLD.id, OLD.position, OLD.recorded_at, OLD.frontier)
        ) THEN
            RAISE EXCEPTION 'UPDATE on log_head is refused: it only moves forward'
                USING ERRCODE = 'TL001';
        END IF;
        IF NEW.position <> OLD.position AND OLD.stopped IS NOT NULL THEN
            RAISE EXCEPTION 'UPDATE on log_head is refused: the log is stopped'
                USING ERRCODE = 'TL001';
        END IF;
        RETURN NEW;
    END
    $$
    """,
)
