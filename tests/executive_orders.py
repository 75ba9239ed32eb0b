"""US executive orders 12890 to 13622 and the edges that another reader found in their notes.

Owns the reading of two CSV files, and the order in which what the product makes of them is recorded
at once. Must not know the mapping: that is the importer's.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from timeline.domain.vocabulary import EventType
from timeline.importers.disposition_notes import Verb
from timeline.importers.executive_orders import SYSTEM, Edge, Order, sketches
from timeline.importers.sketch import Sketch, event_id

Json: TypeAlias = Any


def read_orders(path: Path) -> list[Order]:
    """Return the orders of a file."""
    return [
        Order(row["number"], row["signing_date"], row["document_number"], row["citation"].strip())
        for row in _rows(path)
    ]


def read_edges(path: Path) -> list[Edge]:
    """Return the edges of a file."""
    return [
        Edge(
            actor=row["actor"],
            target=row["target"],
            verb=Verb(row["verb"]),
            partial=row["partial"] == "1",
            stated_on=row["stated_on"],
            inverse=row["direction"] == "inverse",
            cited=row["cited_date"],
        )
        for row in _rows(path)
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def events(orders: Sequence[Order], edges: Iterable[Edge]) -> Iterator[Json]:
    """Yield all events, those before which others need; the same each time, ids included."""
    found = [
        each
        for each in sketches({order.number: order for order in orders}, edges)
        if isinstance(each, Sketch)
    ]
    for sketch in found:
        type = EventType.POLICY_REGISTERED
        yield _event(sketch.policy, sketch.about, type, sketch.described)
    for sketch in found:
        for statement in sketch.statements:
            yield _event(sketch.policy, statement.about, statement.type, statement.data)


def _event(policy: str, about: str, type: EventType, data: Json) -> Json:
    return {"id": event_id(SYSTEM, about), "policy": policy, "type": type, "data": data}
