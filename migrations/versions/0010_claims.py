"""Tags by which claims are found that bear on other policies, for those recorded before there were.

Those are claims of other identifiers, of another jurisdiction, and that a relation is of another
kind. What follows from them is made from the log with all other rows: the read models are emptied,
and `timeline migrate` fills them before it returns. Released migrations never change, so what a
reference looks like stands here, too.
"""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

PAGE = 1_000
TYPES = ("SourceAttached", "PayloadErased")
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

entries = sa.table(
    "log_entries",
    sa.column("position", sa.BigInteger),
    sa.column("id", sa.Text),
    sa.column("type", sa.Text),
)
payloads = sa.table(
    "log_payloads", sa.column("position", sa.BigInteger), sa.column("data", sa.LargeBinary)
)
tags = sa.table(
    "log_tags",
    sa.column("kind", sa.Text),
    sa.column("value", sa.Text),
    sa.column("position", sa.BigInteger),
)


def upgrade() -> None:
    tag_claims(op.get_bind())
    for slot in SLOTS:
        for name in EMPTIED:
            op.execute(sa.delete(sa.table(f"{name}_{slot}")))
    progress = sa.table("projection_progress", sa.column("position"))
    op.execute(progress.update().values(position=0))


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)


def tag_claims(connection: sa.Connection) -> None:
    after = 0
    while page := read(connection, after):
        after = page[-1].position
        for row in page:
            position, claim = told(connection, row)
            for value in sorted(references(claim)):
                tag = {"kind": "target", "value": value, "position": position}
                known = sa.select(tags.c.position).filter_by(**tag)
                if connection.execute(known).first() is None:
                    connection.execute(sa.insert(tags).values(**tag))


def told(connection: sa.Connection, row: sa.Row[Any]) -> tuple[int, dict[str, Any]]:
    """Return what a source claims, and where; of an erasure, what it puts in place of a source."""
    data = json.loads(row.data)
    if row.type != "PayloadErased":
        return row.position, data.get("claim") or {}
    erased = sa.select(entries.c.position).where(
        entries.c.id == data["event"], entries.c.type == "SourceAttached"
    )
    position = connection.execute(erased).scalar()
    replacement = data.get("replacement") or {}
    return (0, {}) if position is None else (position, replacement.get("claim") or {})


def read(connection: sa.Connection, after: int) -> list[sa.Row[Any]]:
    return list(
        connection.execute(
            sa.select(entries.c.position, entries.c.type, payloads.c.data)
            .join_from(entries, payloads, payloads.c.position == entries.c.position)
            .where(entries.c.position > after, entries.c.type.in_(TYPES))
            .order_by(entries.c.position)
            .limit(PAGE)
        )
    )


def references(claim: dict[str, Any]) -> set[str]:
    field, value = claim.get("field"), claim.get("value")
    if field == "relation":
        return {"relation/*"}
    if field == "jurisdiction" and isinstance(value, str):
        return {f"claimed/{value}"}
    if field == "identifiers" and isinstance(value, list):
        return {citation(each) for each in value}
    return set()


def citation(identifier: dict[str, str]) -> str:
    number = "".join(identifier["value"].split()).casefold()
    key = f"{identifier['scheme'].casefold()}:{number}"
    return f"citation/{hashlib.sha256(key.encode()).hexdigest()[:32]}"
