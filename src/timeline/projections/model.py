"""What a read model is: tables in two slots, and a pure function from a history to rows.

Owns the contract that each read model's file fulfils. Must not know the database or the runner.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import Table

from timeline.domain.belief import BelievedAction, BelievedRelation, Dispute
from timeline.domain.differences import Difference, difference
from timeline.domain.history import History
from timeline.domain.periods import Period
from timeline.projections.tables import SLOTS

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = dict["RowKey", "Fact"]


class RowKey(msgspec.Struct, frozen=True, order=True, cache_hash=True, gc=False):
    """Which table of the model, and which thing in it.

    A row that `follows` tables is lasting: it is never closed, and written anew at each position
    where it, or a row of the policy in one of these tables, changes.
    """

    table: str
    key: tuple[object, ...]
    follows: tuple[str, ...] = ()


class Fact(msgspec.Struct, gc=False):
    """What a row says: how it is made, and of what.

    Most of a policy's rows stay as they are at each of its events; comparing what they are made of
    saves making them.
    """

    make: Callable[..., Row]
    of: tuple[object, ...]
    _row: Row | None = None

    @property
    def row(self) -> Row:
        """The row, made once."""
        if self._row is None:
            self._row = self.make(*self.of)
        return self._row

    def differs(self, other: "Fact | None") -> bool:
        """Tell whether the row differs from another."""
        return other is None or (self.of != other.of and self.row != other.row)


class Seen(msgspec.Struct, frozen=True):
    """A policy as the read models see it at one position.

    `merged_into` names the policy that it is folded into, whose rows then tell its story.
    """

    history: History
    merged_into: str | None = None

    @property
    def listed(self) -> bool:
        """Tell whether the policy has a story of its own in listings."""
        return self.merged_into is None and self.history.retracted_by is None


class Part(msgspec.Struct, frozen=True):
    """What of a picture of a policy another picture of it does not have, or has otherwise.

    Most of a policy stays the very same at each of its events. `described` tells whether its
    description, or whether it is listed, may differ; `periods` are the first, and the one after the
    last, of those that do, or None where the other picture lacks none and has no others; `instead`
    are those others.
    """

    seen: Seen
    described: bool
    actions: Sequence[BelievedAction]
    received: Sequence[BelievedAction]
    relations: Sequence[BelievedRelation]
    disputes: Sequence[Dispute]
    periods: tuple[int, int] | None
    instead: Sequence[Period] = ()

    @property
    def history(self) -> History:
        """The history, all of it."""
        return self.seen.history


def whole(seen: Seen) -> Part:
    """Return all of a policy's picture."""
    history = seen.history
    return Part(
        seen,
        described=True,
        actions=history.actions,
        received=history.received,
        relations=history.relations,
        disputes=history.disputes,
        periods=(0, len(history.periods)),
    )


def parts(before: Seen | None, after: Seen | None) -> tuple[Part | None, Part | None]:
    """Return in what two pictures of a policy differ: what the one has, and what the other."""
    if before is None or after is None:
        return None if before is None else whole(before), None if after is None else whole(after)
    one, other = before.history, after.history
    same = before.merged_into == after.merged_into and one.retracted_by == other.retracted_by
    if not same or one.described is not other.described:
        return whole(before), whole(after)
    differences = (
        difference(one.actions, other.actions),
        difference(one.received, other.received),
        difference(one.relations, other.relations),
        difference(one.periods, other.periods),
    )
    disputed = one.disputes is not other.disputes
    return (
        _part(before, other.periods, 1, differences, disputed=disputed),
        _part(after, one.periods, 2, differences, disputed=disputed),
    )


def _part(
    seen: Seen,
    periods: Sequence[Period],
    side: int,
    differences: tuple[Difference, Difference, Difference, Difference],
    *,
    disputed: bool,
) -> Part:
    """Return what is on one side of differences; `periods` are those on the other."""
    history = seen.history
    acted, received, related, dated = differences
    return Part(
        seen,
        described=False,
        actions=history.actions[acted[0] : acted[side]],
        received=history.received[received[0] : received[side]],
        relations=history.relations[related[0] : related[side]],
        disputes=history.disputes if disputed else (),
        periods=(dated[0], dated[side]) if dated[0] < max(dated) else None,
        instead=periods[dated[0] : dated[3 - side]],
    )


AddRows: TypeAlias = Callable[[Part, Rows], None]
"""Adds a policy's rows, as far as another picture of it may lack them."""


class TableSpec(msgspec.Struct, frozen=True):
    """One table of a read model: its name without slot, its key, and how a slot's table is made."""

    name: str
    key: tuple[str, ...]
    make: Callable[[str], Table]


class ReadModel(msgspec.Struct, frozen=True):
    """A projection: its name, its tables, and the rows that a policy has in them.

    Every row has a `policy` column, so that an erasure can rewrite one policy's rows.
    """

    name: str
    specs: tuple[TableSpec, ...]
    add_rows: AddRows
    tables: dict[tuple[str, str], Table]

    def table(self, name: str, slot: str) -> Table:
        """Return one of the model's tables in a slot."""
        return self.tables[name, slot]


def read_model(
    name: str,
    specs: tuple[TableSpec, ...],
    add_rows: AddRows,
) -> ReadModel:
    """Return a read model with its tables in both slots."""
    tables = {(spec.name, slot): spec.make(slot) for spec in specs for slot in SLOTS}
    return ReadModel(name, specs, add_rows, tables)


def rows_of(models: Iterable[ReadModel], part: Part) -> Rows:
    """Return a policy's rows in read models."""
    found: Rows = {}
    for model in models:
        model.add_rows(part, found)
    return found


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def to_json(value: object) -> str:
    """Return plain JSON values as text, always the same for equal values."""
    return _ENCODER.encode(value).decode()


def served_date(value: Any) -> dict[str, str | None] | None:
    """Return a date as it is served, or None."""
    if value is None:
        return None
    served: dict[str, str | None] = value.served()
    return served
