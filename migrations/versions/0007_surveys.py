"""What an editor should look at, and indexes by which the graph finds whom a selector names.

The rows of the review are made from the log with all others: the read models are emptied, and
`timeline migrate` fills them before it returns. Released migrations never change.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SLOTS = ("a", "b")
INDEXED = ("timeline", "relations")
EMPTIED = (
    "policies",
    "policy_periods",
    "policy_steps",
    "policy_tags",
    "policy_values",
    "sources",
    "disputes",
    "timeline",
    "timeline_tags",
    "relations",
)


def upgrade() -> None:
    roles = service_roles()
    for slot in SLOTS:
        for name in EMPTIED:
            op.execute(sa.delete(sa.table(f"{name}_{slot}")))
        for name in INDEXED:
            create_index(f"{name}_{slot}", "event")
        create_review(f"review_{slot}")
        grant(roles, f"review_{slot}")
    progress = sa.table("projection_progress", sa.column("position"))
    op.execute(progress.update().values(position=0))


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)


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


def grant(roles: list[str], table: str) -> None:
    """Give the roles on the new table what they have on the others."""
    quote = op.get_bind().dialect.identifier_preparer.quote
    for role in roles:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {table} TO {quote(role)}")


def create_index(table: str, column: str) -> None:
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column, "known_from", "known_until"])


def word(name: str) -> sa.Column[Any]:
    return sa.Column(name, WORD, nullable=False)


def number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def create_review(table: str) -> None:
    key = ("kind", "policy", "event", "by")
    op.create_table(
        table,
        *(word(name) for name in (*key, "jurisdiction")),
        number("known_from"),
        number("known_until"),
        sa.PrimaryKeyConstraint(*key, "known_from", name=op.f(f"pk_{table}")),
        sa.CheckConstraint("known_from < known_until", name=op.f(f"ck_{table}_known_in_order")),
        sqlite_with_rowid=False,
    )
    create_index(table, "policy")
