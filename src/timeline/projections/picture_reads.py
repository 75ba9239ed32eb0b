"""Questions to the read models for a picture of the record: its actions, and which policies go with them.

Owns the counting of actions by place and days. A question costs at most a walk through one index or
table, however wide the window is and however much is in it. Must not know lanes, HTTP, nor how a
picture is drawn.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Row,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
)

from timeline.eventstore.dialects import dialect_of
from timeline.projections.reading import View, chunks, known, placed
from timeline.projections.timeline_reads import TimelineFilter, matching

MAX_GATHERED: Final = 20_000
"""Actions of a narrow question that are read one by one: the whole of it, in one walk."""

MAX_ACTING: Final = 5_000
"""Policies that are named in each question, as one list; of more, the actions of each are asked for."""


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
    table = view.table("timeline", "timeline")
    by = [table.c.jurisdiction, table.c.earliest, table.c.latest]
    if selection.by_actions:
        each = select(table.c.policy, *by).where(*selection.matching(table))
        found = view.connection.execute(each.limit(MAX_GATHERED + 1)).all()
        policies = {row.policy for row in found}
        if len(found) <= MAX_GATHERED:
            counted = Counter((row[1], row[2], row[3]) for row in found)
            tallies = [Tally(*day, actions) for day, actions in counted.items()]
            return Gathered(tallies, selection.of(policies))
        if len(policies) > MAX_ACTING:
            view.remembered[_acting(selection)] = policies
    days: list[ColumnElement[bool]] = []
    if window is not None:
        # A walk in the order of the groups: a search by days would have to sort what it finds.
        days = [table.c.earliest + 0 <= window.last, table.c.latest + 0 >= window.first]
    tally = select(*by, func.count()).where(*selection.matching(table), *days).group_by(*by)
    rows = view.connection.execute(tally).all()
    return Gathered([Tally(*tuple(row)) for row in rows], at(selection, position))


def at(selection: "Selection", position: int) -> "Selection":
    """Return what a picture may show where the same is asked about another position."""
    view, selection = selection.view, Selection(selection.view, selection.filter, position)
    if not selection.by_actions:
        return selection
    if _acting(selection) not in view.remembered:
        table = view.table("timeline", "timeline")
        # No column, and so no index that has them in order, where each row would have to be fetched.
        acting = select(table.c.policy + "").distinct().where(*selection.matching(table))
        found = view.connection.execute(acting.limit(MAX_ACTING + 1)).scalars()
        view.remembered[_acting(selection)] = set(found)
    policies: set[str] = view.remembered[_acting(selection)]
    return selection.of(policies) if len(policies) <= MAX_ACTING else selection


def _acting(selection: "Selection") -> tuple[object, ...]:
    """Return under which key the policies are remembered that match by their actions."""
    return ("acting", selection.filter, selection.position)


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
    acting: frozenset[str] | None = None

    def of(self, acting: Collection[str]) -> "Selection":
        """Return the same of these policies alone, which are all that match by their actions."""
        return msgspec.structs.replace(self, acting=frozenset(acting))

    @property
    def by_actions(self) -> bool:
        """Tell whether policies match by their actions."""
        return any(getattr(self.filter, name) is not None for name in _OF_ACTIONS)

    def matching(self, actions: Table, *, whole: bool = True) -> list[ColumnElement[bool]]:
        """Return the conditions that an action matches, one of all or one of a policy."""
        found = matching(self.view, self.filter, actions, self.position, whole=whole)
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
            dialect = dialect_of(self.view.connection.engine)
            found.append(dialect.one_of(values.c.policy, self.acting))
        elif self.by_actions:
            actions = self.view.table("timeline", "timeline")
            own = self.matching(actions, whole=False)
            found.append(
                exists().where(actions.c.policy == values.c.policy, *own).correlate(values)
            )
        return found


_OF_ACTIONS: Final = ("action", "topic", "actor", "body", "words")


class Gathered(NamedTuple):
    """The actions that match, counted, and the policies that go with them."""

    tallies: list[Tally]
    selection: Selection
