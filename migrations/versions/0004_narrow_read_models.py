"""Read models whose size follows what changes: one row per source, dispute, step and axis value.

The tables are made anew in both slots, and are filled from the log: `timeline migrate` does so
before it returns. Released migrations never change.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SLOTS = ("a", "b")
REPLACED = (
    "policies",
    "policy_periods",
    "policy_tags",
    "timeline",
    "timeline_tags",
    "relations",
)
ORDER = ("earliest", "latest", "rank", "time", "position")


def upgrade() -> None:
    roles = service_roles()
    for slot in SLOTS:
        for name in REPLACED:
            op.drop_table(f"{name}_{slot}")
        create_policies(slot)
        create_days(slot)
        create_evidence(slot)
        create_timeline(slot)
        create_relations(slot)
        grant(roles, slot)
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


def grant(roles: list[str], slot: str) -> None:
    """Give the roles on the new tables what they had on those that are gone."""
    quote = op.get_bind().dialect.identifier_preparer.quote
    names = (*REPLACED, "policy_steps", "policy_values", "sources", "disputes")
    tables = ", ".join(f"{name}_{slot}" for name in names)
    for role in roles:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {tables} TO {quote(role)}")


def word(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, WORD, nullable=null)


def prose(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null)


def day(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def create_model(
    name: str,
    key: tuple[str, ...],
    columns: tuple[sa.Column[Any], ...],
    indexes: tuple[tuple[str, ...], ...] = (),
    *,
    narrow: bool = False,
) -> None:
    op.create_table(
        name,
        *columns,
        number("known_from"),
        number("known_until"),
        sa.PrimaryKeyConstraint(*key, "known_from", name=op.f(f"pk_{name}")),
        sa.CheckConstraint("known_from < known_until", name=op.f(f"ck_{name}_known_in_order")),
        sqlite_with_rowid=not narrow,
    )
    for names in indexes:
        op.create_index(op.f(f"ix_{name}_{names[0]}"), name, [*names, "known_from", "known_until"])


def create_policies(slot: str) -> None:
    create_model(
        f"policies_{slot}",
        ("policy",),
        (
            word("policy"),
            prose("title"),
            word("instrument"),
            word("jurisdiction"),
            prose("body", null=True),
            prose("identifiers"),
            prose("topics"),
            prose("sponsors"),
            prose("summary", null=True),
            prose("decided_by"),
            prose("search"),
            word("retracted_by", null=True),
            word("merged_into", null=True),
        ),
    )
    create_model(
        f"policy_steps_{slot}", ("policy",), (word("policy"), number("version")), narrow=True
    )
    create_model(
        f"policy_tags_{slot}",
        ("kind", "value", "policy"),
        (word("kind"), word("value"), word("policy")),
        (("policy", "kind"),),
        narrow=True,
    )


def create_days(slot: str) -> None:
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
            prose("decided_by"),
        ),
    )
    create_model(
        f"policy_values_{slot}",
        ("kind", "value", "policy", "first_day"),
        (
            word("kind"),
            word("value"),
            word("policy"),
            word("jurisdiction"),
            word("instrument"),
            day("first_day"),
            day("last_day"),
        ),
        (
            ("kind", "value", "jurisdiction", "policy", "first_day", "last_day"),
            ("policy",),
        ),
        narrow=True,
    )


def create_evidence(slot: str) -> None:
    create_model(
        f"sources_{slot}",
        ("policy", "event", "place"),
        (word("policy"), word("event"), number("place"), prose("source")),
    )
    create_model(
        f"disputes_{slot}",
        ("policy", "by"),
        (
            word("policy"),
            word("by"),
            number("place"),
            word("event"),
            prose("claim"),
            prose("source"),
            word("settled_by", null=True),
        ),
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
        (ORDER, ("policy", *ORDER), ("jurisdiction", *ORDER), ("action", *ORDER)),
    )
    create_model(
        f"timeline_tags_{slot}",
        ("kind", "value", "policy", "event"),
        (word("kind"), word("value"), word("policy"), word("event")),
        (("policy",),),
        narrow=True,
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
        (("target_policy",), ("target_citation",)),
    )
