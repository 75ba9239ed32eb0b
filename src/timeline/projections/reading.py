"""Reading the read models: which slot is live, at which position, in one snapshot.

Owns the view that every read goes through. Must not know what is asked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import (
    CTE,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
)

from timeline.eventstore.database import read_snapshot
from timeline.projections.models import MODELS
from timeline.projections.parking import Parked, parked
from timeline.projections.tables import parked_policies, projection_progress, projections

MAX_IN_LIST: Final = 500
"""Values in one `IN` list: databases and drivers bound a statement's parameters, SQLite at times
to 999."""

Value = TypeVar("Value")

_BY_NAME: Final = {model.name: model for model in MODELS}


class View(msgspec.Struct, frozen=True):
    """The live read models in one snapshot; `position` is what they all reflect."""

    connection: Connection
    slots: dict[str, str]
    position: int
    parked: dict[str, Parked] = {}
    """The policies whose events wait, by id."""
    remembered: dict[object, Any] = {}
    """What was found out in this snapshot, which answers the same at every time."""

    def mark(self, items: Iterable[dict[str, Any]], position: int) -> None:
        """Say so in items whose policy's events wait, where that touches what they tell.

        Args:
            items: each with its `policy`.
            position: the one at which they are told.

        """
        if not self.parked:
            return
        for item in items:
            found = self.parked.get(item["policy"])
            if found is not None and found.position <= position:
                item["parked"] = {"event": found.event, "position": found.position}

    def table(self, model: str, name: str) -> Table:
        """Return a live table of a read model."""
        return _BY_NAME[model].table(name, self.slots[model])


@contextmanager
def view(engine: Engine) -> Iterator[View]:
    """Yield the live read models in one snapshot."""
    with read_snapshot(engine) as connection:
        yield open_view(connection)


def open_view(connection: Connection) -> View:
    """Return the live read models as this connection's snapshot has them."""
    live = projections.join(
        projection_progress,
        and_(
            projection_progress.c.name == projections.c.name,
            projection_progress.c.slot == projections.c.live,
        ),
    )
    rows = connection.execute(
        select(
            projections.c.name,
            projections.c.live,
            projection_progress.c.position,
            exists().select_from(parked_policies).label("any_parked"),
        ).select_from(live)
    ).all()
    waiting = parked(connection) if any(row.any_parked for row in rows) else ()
    return View(
        connection,
        {row.name: row.live for row in rows},
        min((row.position for row in rows), default=0),
        {each.policy: each for each in waiting},
    )


def known(table: FromClause, position: int | BindParameter[Any]) -> ColumnElement[bool]:
    """Return the condition that a row is believed at a position."""
    return and_(table.c.known_from <= position, table.c.known_until > position)


def within(column: ColumnElement[str], jurisdiction: str) -> ColumnElement[bool]:
    """Return the condition that a jurisdiction is the one given, or below it by whole segments.

    "Below" is a range (`/` is followed by `0` in the code), since `_` in ids would be a wildcard.
    """
    return or_(
        column == jurisdiction,
        and_(column >= f"{jurisdiction}/", column < f"{jurisdiction}0"),
    )


def around(column: ColumnElement[str], jurisdiction: str) -> ColumnElement[bool]:
    """Return the range of an index that has all that is `within`, and next to nothing else."""
    return and_(column >= jurisdiction, column < f"{jurisdiction}0")


def contains(column: ColumnElement[str], words: str) -> ColumnElement[bool]:
    """Return the condition that a folded text contains the words, as they stand."""
    return column.contains(words, autoescape=True)


def values_of(column: Column[Any]) -> CTE:
    """Return the different values of a column that an index begins with, as `value`, and a last null.

    Each is looked up behind the one before: no database leaps over those of the same value.
    """
    values = select(func.min(column).label("value")).cte("found_values", recursive=True)
    behind = select(func.min(column)).where(column > values.c.value).correlate(values)
    return values.union_all(select(behind.scalar_subquery()).where(values.c.value.is_not(None)))


def chunks(values: Sequence[Value], columns: int = 1) -> Iterator[Sequence[Value]]:
    """Yield the values, each of so many columns, in parts that fit into an `IN` list."""
    size = max(1, MAX_IN_LIST // columns)
    for start in range(0, len(values), size):
        yield values[start : start + size]


def placed(column: ColumnElement[str], jurisdiction: str, *, below: bool) -> ColumnElement[bool]:
    """Return the condition that a jurisdiction is the one given, or also one below it."""
    if below:
        return and_(around(column, jurisdiction), within(column, jurisdiction))
    return column == jurisdiction
