"""A policy's periods, cut anew where its deeds change and nowhere else.

Owns the machines of one policy, which days a change of its deeds bears on, and the cutting of those
into periods. Must not know where deeds come from, nor what the machines' states mean (`periods`).
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Final, Generic, TypeVar

import msgspec

from timeline.domain.effects import Deed, Effects, docketed, effects_of
from timeline.domain.machines import (
    FIRST_DAY,
    LAST_DAY,
    Atom,
    Case,
    Confirmed,
    Machine,
    Outcome,
    Spell,
    Stage,
    Standing,
    State,
    Stretch,
    Suspension,
)
from timeline.domain.periods import UNMOVED, Asked, Axes, Filed, Moved, Part, Period, Suspended
from timeline.domain.vocabulary import WITHOUT_FORCE, Instrument

Name = TypeVar("Name")


class Cutter:
    """Keeps the periods of one policy, of one instrument. Not safe for threads.

    Every machine answers for a day by itself, so a change of one of them bears on the days on which
    its course differs. Those alone are cut anew; the other periods stay the very same objects.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.periods: tuple[Period, ...] = ()
        self._periods: list[Period] = []
        self._axes = Axes(applicable=instrument not in WITHOUT_FORCE)
        self._deeds: dict[int, tuple[Deed, Effects]] = {}
        self._first = LAST_DAY
        self._begins = FIRST_DAY
        self._stage = Machine(Stage())
        self._standing = Machine(Standing())
        self._confirmed = Machine(Confirmed())
        self._parts: _Group[Part, Spell] = _Group(Spell())
        self._suspensions: _Group[Suspended, Suspension] = _Group(Suspension())
        self._cases: _Group[Filed, Case] = _Group(Case())

    def cut(self, deeds: Iterable[Deed]) -> tuple[Period, ...]:
        """Return the periods that follow from all these deeds."""
        now = {id(deed): deed for deed in deeds}
        gone = [deed for key, (deed, _) in self._deeds.items() if key not in now]
        come = [deed for key, deed in now.items() if key not in self._deeds]
        if gone and come:
            gone, come = _without_alike(gone, come)
        return self.change(gone, come)

    def change(self, gone: Sequence[Deed], come: Sequence[Deed]) -> tuple[Period, ...]:
        """Return the periods once some deeds, the very ones, are taken out and others put in."""
        if not gone and not come:
            return self.periods
        out = [self._deeds.pop(id(deed))[1] for deed in gone]
        into = [effects_of(self.instrument, deed) for deed in come]
        self._deeds.update(
            (id(deed), (deed, effects)) for deed, effects in zip(come, into, strict=True)
        )
        stretches = self._change_bounds(out, into)
        for effects in out:
            self._change_machines(effects, stretches, gone=True)
        for effects in into:
            self._change_machines(effects, stretches, gone=False)
        filed = {deed.docket for deed in (*gone, *come) if deed.docketed}
        if filed:
            stretches += self._file_anew(filed)
        if stretches:
            for first, last in _united(stretches):
                self._recut(first, last)
            self.periods = tuple(self._periods)
        return self.periods

    def _change_bounds(self, gone: Sequence[Effects], come: Sequence[Effects]) -> list[Stretch]:
        """Move the first day of all, and the one from which no beginning is to come."""
        first, begins = self._first, self._begins
        if any(each.first == first or each.begins == begins for each in gone):
            rest = [effects for _, effects in self._deeds.values()]
            self._first = min((each.first for each in rest), default=LAST_DAY)
            self._begins = max((each.begins for each in rest), default=FIRST_DAY)
        for each in come:
            self._first = min(self._first, each.first)
            self._begins = max(self._begins, each.begins)
        moved = ((first, self._first), (begins, self._begins))
        return [(min(both), max(both)) for both in moved if both[0] != both[1]]

    def _change_machines(self, effects: Effects, stretches: list[Stretch], *, gone: bool) -> None:
        """Take a deed's effects out of the machines, or put them in."""
        if effects.stage:
            stretches += self._stage.change(effects.stage, gone=gone)
        if effects.standing:
            stretches += self._standing.change(effects.standing, gone=gone)
        if effects.confirmed:
            stretches += self._confirmed.change(effects.confirmed, gone=gone)
        for kind, atoms in effects.parts:
            stretches += self._parts.change((kind, id(atoms)), () if gone else atoms)

    def _file_anew(self, changed: AbstractSet[str | None]) -> Iterator[Stretch]:
        """Give other atoms to the machines of some dockets; no other docket depends on these."""
        filed = (deed for deed, _ in self._deeds.values() if deed.docketed)
        dockets = docketed(deed for deed in filed if deed.docket in changed)
        suspensions = self._suspensions.machines if None in changed else ()
        yield from self._suspensions.replace(suspensions, dockets.suspensions)
        cases = [name for name in self._cases.machines if name[0] in changed]
        yield from self._cases.replace(cases, dockets.cases)

    def _recut(self, first: int, last: int) -> None:
        """Cut the days in [first, last) anew; what then is as it was stays the same object."""
        periods = self._periods
        start = max(0, bisect_left(periods, first, key=_first) - 1)
        stop = bisect_left(periods, last, lo=start, key=_first)
        before = periods[start : stop + 1]
        found: list[Period] = []
        if before and before[0].first < first:
            head = before[0]
            found.append(
                head if head.last < first else msgspec.structs.replace(head, last=first - 1)
            )
        for period in self._cut_days(first, last):
            _add(found, period)
        if last < LAST_DAY and stop > start and periods[stop - 1].last >= last:
            _add(found, msgspec.structs.replace(periods[stop - 1], first=last))
        elif stop < len(periods) and periods[stop].first == last:
            _add(found, periods[stop])
            stop += 1
        known = {period.first: period for period in before}
        periods[start:stop] = [
            same if (same := known.get(period.first)) == period else period for period in found
        ]

    def _cut_days(self, first: int, last: int) -> Iterator[Period]:
        """Yield the periods of the days in [first, last); adjoining ones may be alike."""
        first = max(first, self._first)
        days = {first, self._begins}
        for machine in (self._stage, self._standing, self._confirmed):
            days.update(machine.days(first, last))
        views = _Views(self._parts, self._suspensions, self._cases, first, last)
        days.update(views.days)
        ordered = sorted(day for day in days if first <= day < last)
        for index, day in enumerate(ordered):
            moved = views.on(day)
            following = ordered[index + 1] if index + 1 < len(ordered) else last
            yield self._axes.period(
                (day, LAST_DAY if following == LAST_DAY else following - 1),
                self._stage.on(day),
                Asked(self._standing.on(day), moved, day < self._begins),
                self._confirmed.on(day),
            )


class _Group(Generic[Name, State]):
    """Machines of a kind of which there may be many, by name."""

    def __init__(self, start: State) -> None:
        self._start = start
        self.machines: dict[Name, Machine[State]] = {}

    def change(self, name: Name, atoms: Sequence[Atom[State]]) -> list[Stretch]:
        """Give a machine other atoms; returns the stretches of days that may differ."""
        before = self.machines.pop(name, None) or Machine(self._start)
        after = Machine(self._start, atoms)
        if atoms:
            self.machines[name] = after
        return after.differences(before)

    def replace(
        self, names: Iterable[Name], atoms: Mapping[Name, Sequence[Atom[State]]]
    ) -> Iterator[Stretch]:
        """Give some machines other atoms, or none; yields the stretches of days that may differ."""
        for name in dict.fromkeys((*names, *atoms)):
            yield from self.change(name, atoms.get(name, ()))

    def view(self, first: int, last: int) -> "_View[Name, State]":
        """Return a view of some days."""
        return _View(self.machines, first, last)


class _Views:
    """The machines of which there may be many, on one day after the other."""

    def __init__(
        self,
        parts: _Group[Part, Spell],
        suspensions: _Group[Suspended, Suspension],
        cases: _Group[Filed, Case],
        first: int,
        last: int,
    ) -> None:
        self.days: set[int] = set()
        self._moved = UNMOVED
        if not parts.machines and not suspensions.machines and not cases.machines:
            return
        self._parts = parts.view(first, last)
        self._suspensions = suspensions.view(first, last)
        self._cases = cases.view(first, last)
        self.days.update(self._parts.days, self._suspensions.days, self._cases.days)

    def on(self, day: int) -> Moved:
        """Return those that have moved: the very same while that is so."""
        if day in self.days:
            views = self._parts, self._suspensions, self._cases
            reached = [view.reach(day) for view in views]
            if any(reached):
                self._moved = Moved(self._parts.moved, self._suspensions.moved, self._cases.moved)
        return self._moved


class _View(Generic[Name, State]):
    """The machines of a group that have moved, on one day after the other.

    A day asks only those that it may move.
    """

    def __init__(self, machines: Mapping[Name, Machine[State]], first: int, last: int) -> None:
        self._machines = machines
        self.days: dict[int, list[Name]] = {first: list(machines)} if machines else {}
        self.moved: dict[Name, Outcome[State]] = {}
        for name, machine in machines.items():
            for day in dict.fromkeys(machine.days(first + 1, last)):
                self.days.setdefault(day, []).append(name)

    def reach(self, day: int) -> bool:
        """Go on to a day, the first of all at the beginning; tell whether a machine has moved."""
        names = self.days.get(day)
        if not names:
            return False
        moved = dict(self.moved)
        for name in names:
            outcome = self._machines[name].moved_on(day)
            if outcome is None:
                moved.pop(name, None)
            else:
                moved[name] = outcome
        changed = moved != self.moved
        self.moved = moved
        return changed


_first: Final = attrgetter("first")


def _add(periods: list[Period], period: Period) -> None:
    """Add a period, or let the last one go on where nothing changes."""
    if periods and _alike(periods[-1], period):
        periods[-1] = msgspec.structs.replace(periods[-1], last=period.last)
    else:
        periods.append(period)


def _alike(one: Period, other: Period) -> bool:
    """Tell whether two periods differ in their days alone; what differs most often comes first."""
    return (
        one.decided_by == other.decided_by
        and one.last_confirmed == other.last_confirmed
        and msgspec.structs.astuple(one)[2:] == msgspec.structs.astuple(other)[2:]
    )


def _united(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return the stretches in order, those that touch as one."""
    found: list[Stretch] = []
    for first, last in sorted(stretches):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def _without_alike(some: Sequence[Deed], others: Sequence[Deed]) -> tuple[list[Deed], list[Deed]]:
    """Return the deeds of each side that no deed of the other is equal to."""
    by_event: dict[str, list[Deed]] = {}
    for deed in others:
        by_event.setdefault(deed.event, []).append(deed)
    left = []
    for deed in some:
        alike = by_event.get(deed.event, [])
        if deed in alike:
            alike.remove(deed)
        else:
            left.append(deed)
    return left, [deed for deeds in by_event.values() for deed in deeds]
