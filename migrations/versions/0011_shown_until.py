"""What relations did to their targets: until when, and in an order that tells their items apart.

The last day, and what ends an effect in words, stand in the timeline's rows, which are made from
the log with all other rows: the read models are emptied, and `timeline migrate` fills them before
it returns. The indexes for pages of actions end in the policy, as one relation is an item on each
policy that it names. By which selectors a policy is named is told by the tags alone, so that no
index of events is needed. Released migrations never change.
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
ORDER = ("earliest", "latest", "rank", "time", "position", "policy")
LED_BY = ((), ("jurisdiction",), ("action",))


def upgrade() -> None:
    for slot in SLOTS:
        for name in EMPTIED:
            op.execute(sa.delete(sa.table(f"{name}_{slot}")))
        for first in LED_BY:
            create_index_anew(f"timeline_{slot}", (*first, *ORDER))
        op.drop_index(op.f(f"ix_timeline_{slot}_event"), f"timeline_{slot}")
        create_index_anew(f"timeline_tags_{slot}", ("policy", "kind"))
    progress = sa.table("projection_progress", sa.column("position"))
    op.execute(progress.update().values(position=0))


def create_index_anew(table: str, columns: tuple[str, ...]) -> None:
    name = op.f(f"ix_{table}_{columns[0]}")
    op.drop_index(name, table)
    op.create_index(name, table, [*columns, "known_from", "known_until"])


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)
