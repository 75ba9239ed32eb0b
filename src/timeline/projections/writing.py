"""Writing gathered changes to the read models' tables.

Owns the order of what is written, and its parts. Must not know how changes come about, nor whose
slots they go to.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, Table, delete

from timeline.eventstore.dialects import dialect_of
from timeline.projections.changes import Changes
from timeline.projections.model import ReadModel, Row
from timeline.projections.reading import chunks
from timeline.projections.tables import OPEN

ROWS: Final = 10_000
"""Rows sent at once: a few MB."""


def apply(
    connection: Connection,
    models: Sequence[ReadModel],
    slots: dict[str, str],
    changes: Changes,
) -> None:
    """Write gathered changes to the slots' tables: rewritten policies go, rows close, rows come."""
    inserts, closings = changes.inserts(), changes.closings()
    for model in models:
        for spec in model.specs:
            table = model.table(spec.name, slots[model.name])
            for some in chunks(sorted(changes.rewritten)):
                connection.execute(delete(table).where(table.c.policy.in_(some)))
            _close(connection, table, spec.key, closings.get(spec.name, []))
            _insert(connection, table, inserts.get(spec.name, []))


def _close(
    connection: Connection, table: Table, key: Sequence[str], rows: list[tuple[object, ...]]
) -> None:
    dialect = dialect_of(connection.engine)
    for start in range(0, len(rows), ROWS):
        dialect.update_rows(
            connection, table, key, ("known_until", OPEN), rows[start : start + ROWS]
        )


def _insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Add rows in the order of their key, which is that of the table's tree."""
    dialect = dialect_of(connection.engine)
    names = [str(column.name) for column in table.c]
    key = itemgetter(*(names.index(str(column.name)) for column in table.primary_key))
    ordered = sorted(map(itemgetter(*names), rows), key=key)
    for start in range(0, len(rows), ROWS):
        dialect.insert_rows(connection, table, ordered[start : start + ROWS])
