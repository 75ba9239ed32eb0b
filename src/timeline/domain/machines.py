"""The small machines whose states the three axes are read from.

Owns the atoms (a dated change of one machine's state), the states, and how a machine's atoms fold
for one day after the other. Must not know which action makes which atom (`effects`), nor what the
states of all machines together mean (`periods`).

A day falls before, within or after the bounds [earliest, latest] of an atom: the atom then has not
happened, has possibly happened, or has happened. Atoms fold in the order of their key and are never
permuted; a possible atom leaves both the state without it and the state with it. A machine's states
are at most MAX_STATES, and a day folds again only what changed since the day before, so the work is
polynomial whatever the dates. Rules: design section 4.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from operator import attrgetter
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from timeline.domain.vocabulary import GRAVITY, ForceReason, Litigation

FIRST_DAY: Final = 0
"""Stands for an open beginning; date.min.toordinal() is 1."""
LAST_DAY: Final = date.max.toordinal() + 1
"""Stands for an open end."""


class Key(NamedTuple):
    """The order in which atoms fold: what they say of the world, then the record's order.

    `phase` is 0 for what happens as a day begins (a term that ended the day before).
    """

    earliest: int
    latest: int
    phase: int
    rank: int
    time: str
    position: int
    step: int = 0


State = TypeVar("State", bound=msgspec.Struct)


class Atom(msgspec.Struct, Generic[State], frozen=True):
    """A dated change of one machine's state, with the events that bring it about.

    It folds where its key says, and may have happened from `key.earliest` on. It has happened from
    `certain` on: `key.latest` where None; other days where an end is better known than the
    beginning after which it folds. What `floats` folds there, or after any other up to `key.latest`.
    """

    key: Key
    because: frozenset[str]
    apply: Callable[[State], State]
    certain: int | None = None
    floats: bool = False

    @property
    def certainly(self) -> int:
        """The day from which it has happened."""
        return self.key.latest if self.certain is None else self.certain

    @property
    def blurred(self) -> bool:
        """Tell whether there are days on which it has possibly happened."""
        key = self.key
        return key.earliest != (key.latest if self.certain is None else self.certain)


class Stage(msgspec.Struct, frozen=True):
    """The stage machine: the latest stage action, and whether enactment has happened."""

    value: str | None = None
    enacted: bool = False


_NO_PLACE: Final = Key(FIRST_DAY, FIRST_DAY, 0, 0, "", 0)


class End(msgspec.Struct, frozen=True):
    """Why force ended, and where the action that ended it stands in the order of actions.

    A `temporary` end carries an end of its own; a `doubtful` one may never have come, and is told
    apart from the one that has in its place.
    """

    reason: ForceReason
    key: Key
    temporary: bool = False
    doubtful: bool = False

    @property
    def unplaced(self) -> "End":
        """The end without its place in the order, for ends that read alike to compare equal."""
        return End(self.reason, _NO_PLACE)

    @property
    def expired(self) -> bool:
        """Tell whether an extension reopens force."""
        return self.reason is ForceReason.EXPIRED


class Standing(msgspec.Struct, frozen=True):
    """The machine of force apart from suspensions, courts and what touches a part for a time.

    `term` is the event that set the end to come. `marks` are what deeds that come and go have to
    know of before; no answer depends on them.
    """

    enacted: bool = False
    begun: bool = False
    partly_begun: bool = False
    ended: End | None = None
    partly_ended: bool = False
    term: str | None = None
    marks: frozenset[str] = frozenset()


class PartEffect(StrEnum):
    """What an action can do to a part of the policy for a time."""

    BEGUN = "begun"
    ENDED = "ended"
    KEPT = "kept"


class Spell(msgspec.Struct, frozen=True):
    """The machine of one action's effect on a part for a time."""

    begun: bool = False
    over: bool = False


class Suspension(msgspec.Struct, frozen=True):
    """The machine of one part's suspension.

    `lifted` is a resumption that itself will end; `lapsed` tells that it is interrupted.
    """

    on: bool = False
    lifted: str | None = None
    lapsed: bool = False

    @property
    def held(self) -> bool:
        """Tell whether the part is out of force."""
        return self.on and self.lifted is None


def graver(one: Litigation, other: Litigation) -> Litigation:
    """Return the graver of two litigation statuses."""
    return one if GRAVITY.index(one) <= GRAVITY.index(other) else other


LASTING: Final = ""
"""Stands where an event's id would, for what does not end by itself."""


class Case(msgspec.Struct, frozen=True):
    """The machine of one case and part.

    `merits` is the status apart from an injunction; `by` the event that set it for a time, and
    `before` what it was then. `enjoined` and `stayed` are the events of an injunction and of what
    holds it back, or LASTING. `lapsed` are the events of what is interrupted.
    """

    merits: Litigation = Litigation.NONE
    by: str | None = None
    before: Litigation = Litigation.NONE
    enjoined: str | None = None
    stayed: str | None = None
    lapsed: frozenset[str] = frozenset()

    @property
    def status(self) -> Litigation:
        """The case on the axis of litigation."""
        if self.enjoined is None or self.stayed is not None:
            return self.merits
        return graver(self.merits, Litigation.ENJOINED)


class Confirmed(msgspec.Struct, frozen=True):
    """When the policy was last seen in force, as EDTF text."""

    value: str | None = None


MAX_STATES: Final = 128
"""Possible states of one machine. A dozen uncertain actions stay far below; where hundreds overlap,
an answer that lists their outcomes would help no one, and costs their square."""


class Outcome(msgspec.Struct, Generic[State], frozen=True):
    """The possible states on a day, the last of them that in which all has happened.

    `deciders` are the events that set a field of them, by field. `beyond` tells that there are more
    states than are kept.
    """

    states: tuple[State, ...]
    deciders: dict[str, frozenset[str]]
    beyond: bool = False

    @property
    def events(self) -> frozenset[str]:
        """All the events that decide."""
        deciders = self.deciders.values()
        return next(iter(deciders)) if len(deciders) == 1 else frozenset().union(*deciders)

    def after(self, atom: Atom[State], *, happened: bool) -> "Outcome[State]":
        """Return the outcome once the atom has happened, or has possibly happened."""
        if happened and len(self.states) == 1:
            return self._certainly_after(atom)
        applied = tuple(atom.apply(state) for state in self.states)
        if applied == self.states:
            return self
        states = tuple(dict.fromkeys(applied if happened else (*self.states, *applied)))
        beyond = self.beyond or len(states) > MAX_STATES
        states = states[-MAX_STATES:]
        deciders = dict(self.deciders)
        for name in states[0].__struct_fields__:
            before = [getattr(state, name) for state in self.states]
            after = [getattr(state, name) for state in applied]
            if before == after:
                continue
            overruled = happened and all(value == after[0] for value in after)
            others = frozenset() if overruled else deciders.get(name, frozenset())
            deciders[name] = others | atom.because
        return Outcome(states, deciders, beyond)

    def _certainly_after(self, atom: Atom[State]) -> "Outcome[State]":
        """Return the outcome once the atom has happened, where one state is possible."""
        (before,) = self.states
        after = atom.apply(before)
        if after == before:
            return self
        deciders = dict(self.deciders)
        for name in after.__struct_fields__:
            if getattr(before, name) != getattr(after, name):
                deciders[name] = atom.because
        return Outcome((after,), deciders)


_KEY: Final = attrgetter("key")

Stretch: TypeAlias = tuple[int, int]
"""Days from the first up to, and not including, the last."""


class Machine(Generic[State]):
    """One machine's atoms in order, and its course: what it comes to from which day on.

    A change works the course out anew from the first day that it bears on, and only as far as it
    then differs, so that a late correction costs what it changes. Not safe for threads.
    """

    def __init__(self, start: State, atoms: Sequence[Atom[State]] = ()) -> None:
        self._start = Outcome((start,), {})
        self._atoms: list[Atom[State]] = []
        self._keys: list[Key] = []
        self._blurred = 0
        self._days: list[int] = []
        self._course: list[Outcome[State]] = [self._start]
        # In their order, so that nothing is worked out twice.
        self.change(sorted(atoms, key=_KEY), gone=False)

    def on(self, day: int) -> Outcome[State]:
        """Return the outcome on a day."""
        return self._course[bisect_right(self._days, day)]

    def moved_on(self, day: int) -> Outcome[State] | None:
        """Return the outcome on a day, or None where the machine stands where it started."""
        outcome = self.on(day)
        return None if outcome.states == self._start.states else outcome

    def days(self, first: int, last: int) -> Sequence[int]:
        """Return the days in [first, last) on which the outcome can change, in order."""
        return self._days[bisect_left(self._days, first) : bisect_left(self._days, last)]

    def change(self, atoms: Sequence[Atom[State]], *, gone: bool) -> list[Stretch]:
        """Take atoms out, or put them in; return the stretches of days that may differ."""
        change = self._remove if gone else self._insert
        found: list[Stretch] = []
        for number, atom in enumerate(atoms):
            if self._blurred or atom.blurred:
                return found + self._change_blurred(atoms[number:], gone=gone)
            stretch = change(atom)
            if stretch is not None:
                found.append(stretch)
        return found

    def differences(self, other: "Machine[State]") -> list[Stretch]:
        """Return the stretches of days on which another machine of this start may differ."""
        stretch = _difference((self._days, self._course), (other._days, other._course))  # noqa: SLF001 - of the same class
        return [] if stretch is None else [stretch]

    # Where every atom has a day, an outcome is the one before it and its atom, whatever the day.

    def _insert(self, atom: Atom[State]) -> Stretch | None:
        index = bisect_right(self._keys, atom.key)
        self._put(index, atom)
        self._days.insert(index, atom.key.earliest)
        before = self._course[index]
        after = before.after(atom, happened=True)
        self._course.insert(index + 1, after)
        return None if after is before else self._settle(atom.key.earliest, index + 1)

    def _remove(self, atom: Atom[State]) -> Stretch | None:
        index = self._take(atom)
        del self._days[index]
        without = self._course[index]
        had = self._course.pop(index + 1)
        return None if had is without else self._settle(atom.key.earliest, index)

    def _settle(self, day: int, index: int) -> Stretch | None:
        """Work the course out from an atom on, until it is what it was."""
        while index < len(self._atoms):
            outcome = self._course[index].after(self._atoms[index], happened=True)
            if outcome == self._course[index + 1]:
                break
            index += 1
            self._course[index] = outcome
        last = self._days[index] if index < len(self._atoms) else LAST_DAY
        return (day, last) if day < last else None

    # Elsewhere it depends on the day which atoms have happened.

    def _change_blurred(self, atoms: Sequence[Atom[State]], *, gone: bool) -> list[Stretch]:
        since = min((atom.key.earliest for atom in atoms), default=LAST_DAY)
        before = self._days, self._course
        for atom in atoms:
            if gone:
                self._take(atom)
            else:
                self._put(bisect_right(self._keys, atom.key), atom)
        kept = bisect_left(self._days, since)
        days, course = _course(self._start, self._atoms, since)
        self._days, self._course = self._days[:kept] + days, self._course[: kept + 1] + course
        if not self._blurred:
            self._days = [key.earliest for key in self._keys]
            self._course = [self._start]
            for atom in self._atoms:
                self._course.append(self._course[-1].after(atom, happened=True))
        stretch = _difference(before, (self._days, self._course))
        return [] if stretch is None else [stretch]

    def _put(self, index: int, atom: Atom[State]) -> None:
        self._atoms.insert(index, atom)
        self._keys.insert(index, atom.key)
        if atom.blurred:
            self._blurred += 1

    def _take(self, atom: Atom[State]) -> int:
        index = bisect_left(self._keys, atom.key)
        while self._atoms[index] is not atom:
            index += 1
        del self._atoms[index], self._keys[index]
        if atom.blurred:
            self._blurred -= 1
        return index


def _course(
    start: Outcome[State], atoms: Sequence[Atom[State]], since: int
) -> tuple[list[int], list[Outcome[State]]]:
    """Return the days from one on, on which the outcome can change, and what it is from each on.

    Keeps the outcome after each atom, and works out anew from the first atom that has changed from
    possible to happened since the day before.
    """
    atoms = _spread(atoms)
    certain = [atom.certainly for atom in atoms]
    by_certainty = sorted(range(len(atoms)), key=certain.__getitem__)
    bounds = {*(atom.key.earliest for atom in atoms), *certain} - {LAST_DAY}
    outcomes = [start]
    settled = 0
    days: list[int] = []
    course: list[Outcome[State]] = []
    # The day before is gone to first: from there on each day follows the one before.
    for day in (since - 1, *sorted(day for day in bounds if day >= since)):
        unchanged = len(outcomes)
        while settled < len(atoms) and certain[by_certainty[settled]] <= day:
            unchanged = min(unchanged, by_certainty[settled] + 1)
            settled += 1
        del outcomes[unchanged:]
        for index in range(len(outcomes) - 1, len(atoms)):
            if atoms[index].key.earliest > day:
                break
            outcomes.append(outcomes[-1].after(atoms[index], happened=certain[index] <= day))
        if day >= since:
            days.append(day)
            course.append(outcomes[-1])
    return days, course


def _spread(atoms: Sequence[Atom[State]]) -> Sequence[Atom[State]]:
    """Return the atoms with those that float after each of the others that they may follow."""
    if not any(atom.floats for atom in atoms):
        return atoms
    found: list[Atom[State]] = []
    floating: list[Atom[State]] = []
    for atom in atoms:
        found.append(atom)
        if atom.floats:
            floating.append(atom)
            continue
        floating = [each for each in floating if each.key.latest > atom.key.earliest]
        found.extend(
            msgspec.structs.replace(each, key=atom.key, certain=LAST_DAY) for each in floating
        )
    return found


def _difference(
    before: tuple[list[int], list[Outcome[State]]], after: tuple[list[int], list[Outcome[State]]]
) -> Stretch | None:
    """Return the one stretch outside of which two courses are the same, or None."""
    (days, course), (others, theirs) = before, after
    first = 0
    most = min(len(days), len(others))
    while first < most and days[first] == others[first] and course[first + 1] == theirs[first + 1]:
        first += 1
    if first == len(days) == len(others):
        return None
    last = 0
    while last < most - first and course[-1 - last] == theirs[-1 - last]:
        last += 1
        if days[-last] != others[-last]:
            break
    begins = min((each[first] for each in (days, others) if first < len(each)), default=LAST_DAY)
    if not last:
        return begins, LAST_DAY
    return begins, max(days[-last], others[-last])
