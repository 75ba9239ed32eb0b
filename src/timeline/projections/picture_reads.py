"""Questions to the read models for a picture of the record: its actions, and which policies go with them.

Owns the counting of actions by place and days. A question costs at most a walk through one index or
table, however wide the window is and however much is in it. Must not know lanes, HTTP, nor how a
picture is drawn.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Row,
    Table,
    and_,
    func,
    literal,
    or_,
    select,
)

from timeline.projections.reading import View, chunks, known, placed
from timeline.projections.timeline_reads import TimelineFilter, matching

MAX_GATHERED: Final = 5_000
"""Tallies of a narrow question that are read policy by policy: the whole of it, in one walk."""

MAX_ACTING: Final = 1_000
"""Policies that are named in one question; of more, each question asks for them anew."""


class Window(NamedTuple):
    """A stretch of the world's days, both ends in it."""

    first: int
    last: int


class Tally(NamedTuple):
    """How many actions of a place lie between two days."""

    jurisdiction: str
    earliest: int
    latest: int
    actions: int


def gather(view: View, filter: TimelineFilter, position: int, window: Window | None) -> "Gathered":
    """Return how many actions match, and which policies go with them, whenever they match.

    Args:
        view: the live read models.
        filter: what to look for; its days are left aside.
        position: the moment of the record asked about.
        window: days; actions that are certainly not of them may be left out. None for all days.

    """
    whenever = msgspec.structs.replace(filter, first=None, last=None, by=None)
    selection = Selection(view, whenever, position)
    if selection.by_actions:
        rows = _tally(selection, MAX_GATHERED + 1, by_policy=True)
        policies = {policy for _, policy in rows}
        if len(rows) <= MAX_GATHERED and len(policies) <= MAX_ACTING:
            selection = msgspec.structs.replace(selection, acting=tuple(sorted(policies)))
            return Gathered([tally for tally, _ in rows], selection)
    return Gathered([tally for tally, _ in _tally(selection, None, window)], selection)


def _tally(
    selection: "Selection",
    limit: int | None,
    window: Window | None = None,
    *,
    by_policy: bool = False,
) -> list[tuple[Tally, str]]:
    """Return tallies, each of one policy where that is asked for."""
    table = selection.view.table("timeline", "timeline")
    by = [table.c.jurisdiction, table.c.earliest, table.c.latest]
    policy = [table.c.policy] if by_policy else [literal("")]
    days: list[ColumnElement[bool]] = []
    if window is not None:
        # A walk in the order of the groups: a search by days would have to sort what it finds.
        days = [table.c.earliest + 0 <= window.last, table.c.latest + 0 >= window.first]
    query = (
        select(*by, func.count(), *policy)
        .where(*selection.matching(table), *days)
        .group_by(*by, *(policy if by_policy else ()))
        .limit(limit)
    )
    rows = selection.view.connection.execute(query).all()
    return [(Tally(*values), policy) for *values, policy in rows]


def count_differing_actions(view: View, filter: TimelineFilter, position: int, newest: int) -> int:
    """Return of how many actions the record said something else, or nothing, or says so now."""
    table = view.table("timeline", "timeline")
    then, now = known(table, position), known(table, newest)
    # An action is told by its position and the policy on whose timeline it is.
    distinct = (
        select(table.c.position, table.c.policy)
        .distinct()
        .where(
            or_(and_(then, ~now), and_(now, ~then)),
            *matching(view, filter, table, newest, whole=True),
        )
        .subquery()
    )
    return int(view.connection.execute(select(func.count()).select_from(distinct)).scalar_one())


def actions(
    view: View, filter: TimelineFilter, position: int, jurisdictions: Sequence[str], limit: int
) -> list[Row[Any]]:
    """Return the actions of some places that match, in their order.

    Their rows have `known_until`, the position from which on the record says something else.
    """
    table = view.table("timeline", "timeline")
    found: list[Row[Any]] = []
    for some in chunks(jurisdictions):
        query = (
            select(*(table.c[name] for name in _TOLD))
            .where(
                known(table, position),
                table.c.jurisdiction.in_(some),
                *matching(view, filter, table, position, whole=True),
            )
            .limit(limit - len(found))
        )
        found.extend(view.connection.execute(query))
    return sorted(found, key=lambda row: (row.earliest, row.latest, row.rank, row.position))


_TOLD: Final = (
    "event",
    "policy",
    "jurisdiction",
    "earliest",
    "latest",
    "rank",
    "position",
    "item",
    "known_until",
)


# Policies


class Selection(msgspec.Struct, frozen=True):
    """Which policies a picture may show; one matches by its actions where these are asked about.

    `acting` are the policies that do, where it is known and they are few.
    """

    view: View
    filter: TimelineFilter
    position: int
    acting: tuple[str, ...] | None = None

    @property
    def by_actions(self) -> bool:
        """Tell whether policies match by their actions."""
        return any(getattr(self.filter, name) is not None for name in _OF_ACTIONS)

    def matching(self, actions: Table) -> list[ColumnElement[bool]]:
        """Return the conditions that an action matches."""
        found = matching(self.view, self.filter, actions, self.position, whole=True)
        return [known(actions, self.position), *found]

    def conditions(self, values: Table) -> list[ColumnElement[bool]]:
        """Return the conditions on a table of policies' days that the policy matches."""
        filter = self.filter
        found: list[ColumnElement[bool]] = []
        if filter.policies is not None:
            found.append(values.c.policy.in_(filter.policies))
        if filter.jurisdiction is not None:
            place = values.c.jurisdiction
            found.append(placed(place, filter.jurisdiction, below=filter.within))
        if filter.instrument is not None:
            found.append(values.c.instrument == filter.instrument)
        if self.acting is not None:
            found.append(values.c.policy.in_(self.acting))
        elif self.by_actions:
            actions = self.view.table("timeline", "timeline")
            acting = select(actions.c.policy).where(*self.matching(actions))
            found.append(values.c.policy.in_(acting))
        return found


_OF_ACTIONS: Final = ("action", "topic", "actor", "body", "words")


class Gathered(NamedTuple):
    """The actions that match, counted, and the policies that go with them."""

    tallies: list[Tally]
    selection: Selection
