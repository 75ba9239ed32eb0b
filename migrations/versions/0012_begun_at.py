"""Where the log ended as a rebuild began to fill a slot: what was erased by then, it never reads.

Of slots that were filled before, nothing is known, as before. Released migrations never change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projection_progress", sa.Column("begun_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)
