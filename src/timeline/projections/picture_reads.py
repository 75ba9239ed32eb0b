"""Questions to the read models for a picture of the record: counted where there is much of it.

Owns the counting of actions by place and days, the choice of the policies that a lane shows, and the
days of their force. A question costs at most a walk through one index or table, however wide the
window is and however much is in it. Must not know lanes, HTTP, nor how a picture is drawn.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, Table, and_, case, func, literal, or_, select

from timeline.domain.vocabulary import Force, InForce
from timeline.projections.reading import View, chunks, known, placed
from timeline.projections.timeline_reads import TimelineFilter, matching

_KINDS: Final = ("in_force", "force")
_SHOWN: Final = (str(InForce.YES), str(InForce.MAYBE), str(Force.SUSPENDED))
"""What a policy's days are shown for: what is, or may be, in force, and what is suspended."""

_FORCES: Final = tuple(map(str, Force))

_ANSWERS: Final = (str(InForce.YES), str(InForce.MAYBE))


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


class Moments(NamedTuple):
    """A day as known at a position."""

    day: int
    position: int


def gather(view: View, filter: TimelineFilter, position: int) -> "Gathered":
    """Return how many actions match, whenever they are, and which policies go with them.

    Args:
        view: the live read models.
        filter: what to look for; its days are left aside.
        position: the moment of the record asked about.

    """
    whenever = msgspec.structs.replace(filter, first=None, last=None, by=None)
    selection = Selection(view, whenever, position)
    if selection.by_actions:
        rows = _tally(selection, MAX_GATHERED + 1, by_policy=True)
        policies = {policy for _, policy in rows}
        if len(rows) <= MAX_GATHERED and len(policies) <= MAX_ACTING:
            selection = msgspec.structs.replace(selection, acting=tuple(sorted(policies)))
            return Gathered([tally for tally, _ in rows], selection)
    return Gathered([tally for tally, _ in _tally(selection, None)], selection)


def _tally(
    selection: "Selection", limit: int | None, *, by_policy: bool = False
) -> list[tuple[Tally, str]]:
    """Return tallies, each of one policy where that is asked for."""
    table = selection.view.table("timeline", "timeline")
    by = [table.c.jurisdiction, table.c.earliest, table.c.latest]
    policy = [table.c.policy] if by_policy else [literal("")]
    query = (
        select(*by, func.count(), *policy)
        .where(*selection.matching(table))
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


def count_in_force(selection: Selection, day: int) -> dict[str, dict[str, int]]:
    """Return, by place, how many policies are in force on a day, and how many may be."""
    values = selection.view.table("policies", "policy_values")
    query = (
        select(values.c.jurisdiction, values.c.value, func.count().label("policies"))
        .where(
            values.c.kind == "in_force",
            values.c.value.in_(_ANSWERS),
            _on(values, Moments(day, selection.position)),
            *selection.conditions(values),
        )
        .group_by(values.c.value, values.c.jurisdiction)
    )
    found: dict[str, dict[str, int]] = {}
    for row in selection.view.connection.execute(query):
        found.setdefault(row.jurisdiction, dict.fromkeys(_ANSWERS, 0))[row.value] += row.policies
    return found


def count_shown(selection: Selection, window: Window) -> dict[str, int]:
    """Return, by place, how many policies are, or may be, in force or suspended in a window."""
    values = selection.view.table("policies", "policy_values")
    query = (
        select(values.c.jurisdiction, func.count(values.c.policy.distinct()))
        .where(*_within_window(values, selection, window))
        .group_by(values.c.jurisdiction)
    )
    return {row[0]: row[1] for row in selection.view.connection.execute(query)}


def newest_policies(
    selection: Selection, window: Window, jurisdictions: Sequence[str], limit: int
) -> list[str]:
    """Return the policies of some places whose force changed last in a window, the last first."""
    values = selection.view.table("policies", "policy_values")
    found: list[Row[Any]] = []
    for some in chunks(jurisdictions):
        begun = func.max(values.c.first_day).label("begun")
        query = (
            select(values.c.policy, begun)
            .where(values.c.jurisdiction.in_(some), *_within_window(values, selection, window))
            .group_by(values.c.policy)
            .order_by(begun.desc(), values.c.policy)
            .limit(limit)
        )
        found.extend(selection.view.connection.execute(query))
    found.sort(key=lambda row: (-row.begun, row.policy))
    return [row.policy for row in found[:limit]]


def _within_window(
    values: Table, selection: Selection, window: Window
) -> list[ColumnElement[bool]]:
    return [
        values.c.kind.in_(_KINDS),
        values.c.value.in_(_SHOWN),
        values.c.first_day + 0 <= window.last,
        values.c.last_day + 0 >= window.first,
        known(values, selection.position),
        *selection.conditions(values),
    ]


def periods(view: View, policies: Sequence[str], position: int) -> dict[str, list[Row[Any]]]:
    """Return all periods of policies, in order, by policy."""
    table = view.table("policies", "policy_periods")
    names = ("policy", "first_day", "last_day", "force", "in_force", "litigation")
    found: dict[str, list[Row[Any]]] = {}
    for some in chunks(policies):
        query = (
            select(*(table.c[name] for name in names))
            .where(table.c.policy.in_(some), known(table, position))
            .order_by(table.c.policy, table.c.first_day)
        )
        for row in view.connection.execute(query):
            found.setdefault(row.policy, []).append(row)
    return found


def count_differing(selection: Selection, asked: Moments, now: Moments) -> int:
    """Return how many policies have another force at one day and position than at another."""
    differing = _differing(selection, asked, now).subquery()
    query = select(func.count(differing.c.policy.distinct()))
    return int(selection.view.connection.execute(query).scalar_one())


def differing(
    selection: Selection, asked: Moments, now: Moments, policies: Sequence[str]
) -> frozenset[str]:
    """Return which of some policies have another force at one day and position than at another."""
    values = selection.view.table("policies", "policy_values")
    found: set[str] = set()
    for some in chunks(policies):
        query = _differing(selection, asked, now).where(values.c.policy.in_(some))
        found.update(row.policy for row in selection.view.connection.execute(query))
    return frozenset(found)


def _differing(selection: Selection, asked: Moments, now: Moments) -> Any:
    """Return the query for the policies with a possible force that they have at one alone."""
    values = selection.view.table("policies", "policy_values")
    then, today = _on(values, asked), _on(values, now)
    counted = (func.sum(case((moment, 1), else_=0)) for moment in (then, today))
    return (
        select(values.c.policy)
        .where(
            values.c.kind == "force",
            values.c.value.in_(_FORCES),
            or_(then, today),
            *selection.conditions(values),
        )
        .group_by(values.c.value, values.c.jurisdiction, values.c.policy)
        .having(next(counted) != next(counted))
    )


def _on(values: Table, moment: Moments) -> ColumnElement[bool]:
    """Return the condition that a row holds on a day, as known at a position."""
    return and_(
        values.c.first_day + 0 <= moment.day,
        values.c.last_day + 0 >= moment.day,
        values.c.known_from + 0 <= moment.position,
        values.c.known_until + 0 > moment.position,
    )
