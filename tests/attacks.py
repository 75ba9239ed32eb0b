"""What someone can do to a log who owns the database: by SQL, with the guards dropped.

Such a one may also leave all else as it has to be: `resealed` works out leaf hashes, tiles and head
anew, as if what stands there now had been recorded so.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import msgspec
import sqlalchemy
from sqlalchemy import Connection, Engine, text

from timeline.transparency.entries import Envelope, entry, read_entry
from timeline.transparency.growing import Growth
from timeline.transparency.merkle import leaf_hash

Run: TypeAlias = Callable[..., Any]
"""Takes a statement, and its parameters by name."""

LOG_TABLES: Final = (
    *("log_head", "log_entries", "log_payloads"),
    *("log_nodes", "log_checkpoints", "log_keys", "log_cosignatures"),
)


@contextmanager
def attacking(engine: Engine) -> Iterator[Run]:
    """Yield what runs statements that no guard and no foreign key refuses."""
    # A plain engine: without what this project sets on each of its connections.
    name = "sqlite" if engine.dialect.name == "sqlite" else "postgresql+psycopg"
    plain = sqlalchemy.create_engine(engine.url.set(drivername=name))
    with plain.begin() as connection:
        _drop_guards(connection)
        yield lambda statement, **given: connection.execute(text(statement), given)
    plain.dispose()


def _drop_guards(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        for table in LOG_TABLES:
            connection.execute(text(f"ALTER TABLE IF EXISTS {table} DISABLE TRIGGER ALL"))
        return
    triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    for (trigger,) in triggers.all():
        connection.execute(text(f'DROP TRIGGER "{trigger}"'))


def rewrite_entry(run: Run, at: int, **changes: Any) -> None:
    """Write fields of an entry anew, in its row and in its bytes; the leaf hash stays."""
    raw = run("SELECT entry FROM log_entries WHERE position = :at", at=at).scalar_one()
    held = msgspec.structs.asdict(read_entry(bytes(raw))) | changes
    committed = held.pop("commitment")
    written = entry(Envelope(**held), committed)
    columns = [name for name in changes if name not in {"batch", "schema", "commitment"}]
    sets = ", ".join([*(f"{name} = :{name}" for name in columns), "entry = :entry"])
    run(
        f"UPDATE log_entries SET {sets} WHERE position = :at",  # noqa: S608 - our own names
        at=at,
        entry=written,
        **{name: changes[name] for name in columns},
    )


def reseal(run: Run) -> None:
    """Make leaf hashes, tiles and head fit what stands in the entries."""
    rows = run("SELECT position, entry, recorded_at FROM log_entries ORDER BY position").all()
    leaves = [leaf_hash(bytes(row.entry)) for row in rows]
    for row, leaf in zip(rows, leaves, strict=True):
        run(
            "UPDATE log_entries SET leaf_hash = :leaf WHERE position = :at",
            leaf=leaf,
            at=row.position,
        )
    tree, full = Growth().extend(leaves)
    run("DELETE FROM log_nodes")
    for node, root in full.items():
        run(
            "INSERT INTO log_nodes (level, number, hash) VALUES (:level, :number, :hash)",
            level=node.level // 8,
            number=node.number,
            hash=root,
        )
    run(
        "UPDATE log_head SET position = :at, recorded_at = :recorded_at, frontier = :frontier",
        at=len(rows),
        recorded_at=rows[-1].recorded_at,
        frontier=tree.frontier().to_bytes(),
    )
