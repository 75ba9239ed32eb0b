"""Who may record: principals with their roles and hashed tokens.

Released migrations never change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("name", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("revoked_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_tokens_token_hash")),
        sa.CheckConstraint(
            "role IN ('reader', 'recorder', 'curator', 'admin')",
            name=op.f("ck_tokens_role_is_known"),
        ),
    )


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)
