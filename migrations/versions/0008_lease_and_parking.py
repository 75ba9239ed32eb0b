"""Who advances the read models, who fills a slot, and the policies that had to be left waiting.

Nobody holds the lease at first, and nothing is parked. Released migrations never change.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "projection_lease",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("holder", WORD, nullable=True),
        number("expires_ms"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projection_lease")),
        sa.CheckConstraint("id = 1", name=op.f("ck_projection_lease_one_row")),
    )
    lease = sa.table("projection_lease", sa.column("id"), sa.column("expires_ms"))
    op.execute(lease.insert().values(id=1, expires_ms=0))
    op.create_table(
        "parked_policies",
        sa.Column("policy", WORD, nullable=False),
        number("hidden_from"),
        number("position"),
        sa.Column("event", WORD, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        number("parked_ms"),
        sa.Column("retry", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("policy", name=op.f("pk_parked_policies")),
        sa.CheckConstraint(
            "hidden_from >= 1 AND hidden_from <= position",
            name=op.f("ck_parked_policies_hidden_in_order"),
        ),
    )
    op.add_column("projection_progress", sa.Column("run", WORD, nullable=True))
    for role in service_roles():
        for table in ("projection_lease", "parked_policies"):
            grant(role, table)


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
