"""The read models: policies, timeline and relations, each in the slots a and b, with their pointers.

Released migrations never change. Every table can be dropped and filled again from the log.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MODELS = ("policies", "timeline", "relations")
SLOTS = ("a", "b")


def upgrade() -> None:
    create_pointers()
    for slot in SLOTS:
        create_policies(slot)
        create_timeline(slot)
        create_relations(slot)
    pointers = sa.table("projections", sa.column("name"), sa.column("live"))
    progress = sa.table(
        "projection_progress", sa.column("name"), sa.column("slot"), sa.column("position")
    )
    for name in MODELS:
        op.execute(pointers.insert().values(name=name, live="a"))
        for slot in SLOTS:
            op.execute(progress.insert().values(name=name, slot=slot, position=0))


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)


def word(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, WORD, nullable=null)


def prose(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null)


def day(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def create_pointers() -> None:
    op.create_table(
        "projections",
        word("name"),
        word("live"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_projections")),
        sa.CheckConstraint("live IN ('a', 'b')", name=op.f("ck_projections_live_is_a_slot")),
    )
    op.create_table(
        "projection_progress",
        word("name"),
        word("slot"),
        number("position"),
        sa.PrimaryKeyConstraint("name", "slot", name=op.f("pk_projection_progress")),
        sa.CheckConstraint(
            "slot IN ('a', 'b')", name=op.f("ck_projection_progress_slot_is_a_slot")
        ),
        sa.CheckConstraint(
            "position >= 0", name=op.f("ck_projection_progress_position_not_negative")
        ),
    )


def create_model(
    name: str, key: tuple[str, ...], columns: tuple[sa.Column[Any], ...], indexes: tuple[str, ...]
) -> None:
    op.create_table(
        name,
        *columns,
        number("known_from"),
        number("known_until"),
        sa.PrimaryKeyConstraint(*key, "known_from", name=op.f(f"pk_{name}")),
        sa.CheckConstraint("known_from < known_until", name=op.f(f"ck_{name}_known_in_order")),
    )
    for column in indexes:
        op.create_index(op.f(f"ix_{name}_{column}"), name, [column, "known_from"])


def create_policies(slot: str) -> None:
    create_model(
        f"policies_{slot}",
        ("policy",),
        (
            word("policy"),
            number("version"),
            prose("title"),
            word("instrument"),
            word("jurisdiction"),
            prose("body", null=True),
            prose("identifiers"),
            prose("topics"),
            prose("sponsors"),
            prose("summary", null=True),
            prose("sources"),
            prose("decided_by"),
            prose("disputes"),
            number("open_disputes"),
            prose("search"),
            word("retracted_by", null=True),
            word("merged_into", null=True),
        ),
        ("jurisdiction", "instrument", "merged_into"),
    )
    create_model(
        f"policy_periods_{slot}",
        ("policy", "first_day"),
        (
            word("policy"),
            day("first_day"),
            day("last_day"),
            word("stage", null=True),
            word("force"),
            word("force_reason", null=True),
            word("litigation"),
            word("in_force"),
            word("last_confirmed", null=True),
            prose("possible"),
            prose("stages"),
            prose("forces"),
            prose("litigations"),
            prose("decided_by"),
        ),
        (),
    )
    create_model(
        f"policy_tags_{slot}",
        ("kind", "value", "policy"),
        (word("kind"), word("value"), word("policy")),
        ("policy",),
    )


def create_timeline(slot: str) -> None:
    create_model(
        f"timeline_{slot}",
        ("policy", "event"),
        (
            word("event"),
            word("policy"),
            day("earliest"),
            day("latest"),
            number("rank"),
            word("time"),
            number("position"),
            word("jurisdiction"),
            word("instrument"),
            word("action"),
            word("body_key", null=True),
            prose("search"),
            prose("item"),
        ),
        ("event", "earliest", "jurisdiction", "action"),
    )
    create_model(
        f"timeline_tags_{slot}",
        ("kind", "value", "policy", "event"),
        (word("kind"), word("value"), word("event"), word("policy")),
        ("policy",),
    )


def create_relations(slot: str) -> None:
    create_model(
        f"relations_{slot}",
        ("policy", "event"),
        (
            word("event"),
            word("policy"),
            word("relation"),
            word("target_policy", null=True),
            word("target_citation", null=True),
            prose("item"),
        ),
        ("target_policy", "target_citation"),
    )
