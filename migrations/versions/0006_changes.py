"""An index by which the policies that changed between two positions are found in the log's order.

It is added to both slots; no row changes. Released migrations never change.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for slot in ("a", "b"):
        name = f"policy_steps_{slot}"
        op.create_index(op.f(f"ix_{name}_known_from"), name, ["known_from", "policy"])


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)
