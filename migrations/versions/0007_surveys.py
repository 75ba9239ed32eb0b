"""Indexes by which the graph finds whom a selector names, and which selectors name a policy.

Released migrations never change.
"""

from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

SLOTS = ("a", "b")
INDEXED = ("timeline", "relations")


def upgrade() -> None:
    for slot in SLOTS:
        for name in INDEXED:
            table = f"{name}_{slot}"
            op.create_index(
                op.f(f"ix_{table}_event"), table, ["event", "known_from", "known_until"]
            )


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)
