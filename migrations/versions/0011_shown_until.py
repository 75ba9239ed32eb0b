"""The last day of what relations did to their targets, where their own policy lets it end.

It stands in the timeline's rows, which are made from the log with all other rows: the read models
are emptied, and `timeline migrate` fills them before it returns. Released migrations never change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SLOTS = ("a", "b")
EMPTIED = (
    "policies",
    "policy_periods",
    "policy_steps",
    "policy_tags",
    "policy_values",
    "sources",
    "disputes",
    "review",
    "timeline",
    "timeline_tags",
    "relations",
)


def upgrade() -> None:
    for slot in SLOTS:
        for name in EMPTIED:
            op.execute(sa.delete(sa.table(f"{name}_{slot}")))
    progress = sa.table("projection_progress", sa.column("position"))
    op.execute(progress.update().values(position=0))


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)
