"""A digest of a read model as it was believed at a position.

Owns the canonical order and bytes of rows, so that two slots, or two databases, can be compared.
"""

import hashlib
from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Connection, case, literal, select

from timeline.projections.model import ReadModel
from timeline.projections.tables import OPEN

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_PAGE: Final = 1_000


def digest(
    connection: Connection,
    model: ReadModel,
    slot: str,
    position: int,
    on_page: Callable[[], None] = lambda: None,
) -> str:
    """Return the SHA-256, as hex, of a model's rows believed at or before a position.

    Rows that were believed no longer only after the position count as still believed, so digests
    of two slots compare at any position that both have reached.

    Args:
        connection: a snapshot.
        model: the read model.
        slot: a or b.
        position: at most the slot's progress.
        on_page: called now and then, every few milliseconds; what it raises ends the work.

    """
    total = hashlib.sha256()
    for spec in model.specs:
        table = model.table(spec.name, slot)
        # SQLAlchemy names columns by a subclass of str, which the encoder does not take.
        columns = sorted(str(column.name) for column in table.c)
        until = case(
            (table.c.known_until > position, literal(OPEN, BigInteger)),
            else_=table.c.known_until,
        )
        rows = connection.execution_options(yield_per=_PAGE).execute(
            select(*(until if name == "known_until" else table.c[name] for name in columns))
            .where(table.c.known_from <= position)
            .order_by(*(table.c[name] for name in spec.key), table.c.known_from)
        )
        total.update(_ENCODER.encode([spec.name, columns]) + b"\n")
        for some in rows.partitions():
            total.update(_ENCODER.encode_lines(list(map(tuple, some))))
            on_page()
    return total.hexdigest()
