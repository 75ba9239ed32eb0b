"""Tags by which citations and selectors are found: for events recorded before there were any.

What is written from now on has them already. Released migrations never change, so what a reference
looks like stands here, too.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PAGE = 1_000
TYPES = (
    "PolicyRegistered",
    "PolicyDescribed",
    "RelationAsserted",
    "SourceAttached",
    "PayloadErased",
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
    connection = op.get_bind()
    after = 0
    while page := read(connection, after):
        after = page[-1].position
        found = [
            {"kind": "target", "value": value, "position": position}
            for row in page
            for position, type, data in told(connection, row)
            for value in references(type, data)
        ]
        for tag in found:
            known = sa.select(tags.c.position).filter_by(**tag)
            if connection.execute(known).first() is None:
                connection.execute(sa.insert(tags).values(**tag))


def downgrade() -> None:
    msg = "There is no way back; restore the database from a backup"
    raise NotImplementedError(msg)


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


def told(connection: sa.Connection, row: sa.Row[Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield an event's data; of an erasure what it puts in place of another event's."""
    data = json.loads(row.data)
    if row.type != "PayloadErased":
        yield row.position, row.type, data
        return
    erased = connection.execute(
        sa.select(entries.c.position, entries.c.type).where(entries.c.id == data["event"])
    ).first()
    if erased is not None and data.get("replacement") is not None:
        yield erased.position, erased.type, data["replacement"]


def references(type: str, data: dict[str, Any]) -> set[str]:
    if type in ("PolicyRegistered", "PolicyDescribed"):
        return {citation(each) for each in data.get("identifiers") or ()}
    target = data.get("target")
    claim = data.get("claim") or {}
    if type == "SourceAttached" and claim.get("field") == "target":
        target = claim.get("value")
    if not isinstance(target, dict):
        return set()
    if isinstance(target.get("policy"), str):
        return {target["policy"]}
    if target.get("citation") is not None:
        return {citation(target["citation"])}
    if isinstance(target.get("selector"), dict):
        return {f"selector/{target['selector'].get('jurisdiction') or '*'}"}
    return set()


def citation(cited: dict[str, str] | str) -> str:
    if isinstance(cited, dict):
        key = identifier(cited["scheme"], cited["value"])
    else:
        scheme, colon, value = cited.partition(":")
        if colon and scheme and value.strip() and not any(mark.isspace() for mark in scheme):
            key = identifier(scheme, value)
        else:
            key = " ".join(cited.casefold().split())
    return f"citation/{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def identifier(scheme: str, value: str) -> str:
    return f"{scheme.casefold()}:{''.join(value.split()).casefold()}"
