"""How far the last rebuild is, for those who do not see its terminal.

There was none before, as far as this row knows. Released migrations never change.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "last_rebuild",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("state", WORD, nullable=True),
        number("events_done"),
        number("events_total"),
        number("began_ms"),
        number("told_ms"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_last_rebuild")),
        sa.CheckConstraint("id = 1", name=op.f("ck_last_rebuild_one_row")),
    )
    names = ("id", "events_done", "events_total", "began_ms", "told_ms")
    row = sa.table("last_rebuild", *map(sa.column, names))
    op.execute(row.insert().values(id=1, events_done=0, events_total=0, began_ms=0, told_ms=0))
    for role in service_roles():
        grant(role, "last_rebuild")


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)


def number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def service_roles() -> list[str]:
    """Return the roles that may change the read models besides their owner."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return []
    rows = connection.execute(
        sa.text(
            "SELECT DISTINCT grantee FROM information_schema.role_table_grants"
            " WHERE table_schema = current_schema() AND table_name = 'projections'"
            " AND privilege_type = 'INSERT' AND grantee <> current_user ORDER BY grantee"
        )
    )
    return [row.grantee for row in rows]


def grant(role: str, table: str) -> None:
    """Give a role on a new table what it has on the others."""
    quote = op.get_bind().dialect.identifier_preparer.quote
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {table} TO {quote(role)}")
