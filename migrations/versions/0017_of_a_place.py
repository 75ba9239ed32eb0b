"""An index of policies by their place: whoever is about to record asks for both with every few keys.

No row changes, so the read models stay as they are. Released migrations never change.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SLOTS = ("a", "b")


def upgrade() -> None:
    for slot in SLOTS:
        table = f"policies_{slot}"
        columns = ("jurisdiction", "policy", "known_from", "known_until")
        op.create_index(op.f(f"ix_{table}_jurisdiction"), table, [*columns])


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)
