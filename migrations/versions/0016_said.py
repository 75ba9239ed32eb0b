"""What actions say, as a key by which the same texts are found: words are looked for in each once.

The keys are made from the log with all other rows: the read models are emptied, and
`timeline migrate` fills them before it returns. Released migrations never change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
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
ORDER = ("earliest", "latest", "rank", "time", "position", "policy", "said")


def upgrade() -> None:
    for slot in SLOTS:
        for name in EMPTIED:
            op.execute(sa.delete(sa.table(f"{name}_{slot}")))
        table = f"timeline_{slot}"
        op.add_column(table, sa.Column("said", WORD, nullable=False))
        for columns in (ORDER, ("jurisdiction", *ORDER)):
            op.drop_index(op.f(f"ix_{table}_{columns[0]}"), table)
            create_index(table, columns)
        create_index(table, ("said", "policy"))
    progress = sa.table("projection_progress", sa.column("position"))
    op.execute(progress.update().values(position=0))


def create_index(table: str, columns: tuple[str, ...]) -> None:
    name = op.f(f"ix_{table}_{columns[0]}")
    op.create_index(name, table, [*columns, "known_from", "known_until"])


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)
