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

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from enum import StrEnum
from operator import attrgetter
from typing import Final, Generic, NamedTuple, TypeVar

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
    """A dated change of one machine's state, with the event that brings it about.

    It folds where its key says, and may have happened from `key.earliest` on. It has happened from
    `certain` on: `key.latest` where None; other days where an end is better known than the
    beginning after which it folds.
    """

    key: Key
    event: str
    apply: Callable[[State], State]
    certain: int | None = None

    @property
    def certainly(self) -> int:
        """The day from which it has happened."""
        return self.key.latest if self.certain is None else self.certain


class Stage(msgspec.Struct, frozen=True):
    """The stage machine: the latest stage action, and whether enactment has happened."""

    value: str | None = None
    enacted: bool = False


_NO_PLACE: Final = Key(FIRST_DAY, FIRST_DAY, 0, 0, "", 0)


class End(msgspec.Struct, frozen=True):
    """Why force ended, and where the action that ended it stands in the order of actions.

    A `temporary` end carries an end of its own.
    """

    reason: ForceReason
    key: Key
    temporary: bool = False

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

    `term` is the event that set the end to come.
    """

    enacted: bool = False
    begun: bool = False
    partly_begun: bool = False
    ended: End | None = None
    partly_ended: bool = False
    term: str | None = None


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
    """The machine of one part's suspension; `lifted` is a resumption that itself will end."""

    on: bool = False
    lifted: str | None = None

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
    holds it back, or LASTING.
    """

    merits: Litigation = Litigation.NONE
    by: str | None = None
    before: Litigation = Litigation.NONE
    enjoined: str | None = None
    stayed: str | None = None

    @property
    def status(self) -> Litigation:
        """The case on the axis of litigation."""
        if self.enjoined is None or self.stayed is not None:
            return self.merits
        return graver(self.merits, Litigation.ENJOINED)


class Confirmed(msgspec.Struct, frozen=True):
    """When the policy was last seen in force, as EDTF text."""

    value: str | None = None


class Effects(msgspec.Struct):
    """All atoms of one policy, by machine.

    `suspensions` are by part, `cases` by case and part, where None is the whole policy. Both are by
    track besides: None, or the event of a suspension or injunction that ends by itself.
    `parts` are by kind and event. From the day `begins` on, no recorded beginning is to come any
    more. `days` are further days on which a period begins.
    """

    applicable: bool = True
    begins: int = FIRST_DAY
    days: set[int] = msgspec.field(default_factory=set)
    stage: list[Atom[Stage]] = msgspec.field(default_factory=list)
    standing: list[Atom[Standing]] = msgspec.field(default_factory=list)
    parts: dict[tuple[PartEffect, str], list[Atom[Spell]]] = msgspec.field(default_factory=dict)
    suspensions: dict[tuple[str | None, str | None], list[Atom[Suspension]]] = msgspec.field(
        default_factory=dict
    )
    cases: dict[tuple[str, str | None, str | None], list[Atom[Case]]] = msgspec.field(
        default_factory=dict
    )
    confirmed: list[Atom[Confirmed]] = msgspec.field(default_factory=list)


MAX_STATES: Final = 128
"""Possible states of one machine. A dozen uncertain actions stay far below; where hundreds overlap,
an answer that lists their outcomes would help no one, and costs their square."""


class Outcome(NamedTuple, Generic[State]):
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
        return frozenset().union(*self.deciders.values())

    def after(self, atom: Atom[State], *, happened: bool) -> "Outcome[State]":
        """Return the outcome once the atom has happened, or has possibly happened."""
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
            deciders[name] = others | {atom.event}
        return Outcome(states, deciders, beyond)


_KEY: Final = attrgetter("key")


class Machine(Generic[State]):
    """One machine's atoms in order, answering for one day after the other.

    Keeps the outcome after each atom, and works out anew from the first atom that has changed from
    possible to happened since the day before.

    Args:
        start: the state before all atoms.
        atoms: in any order.
        earlier: a machine of the same start that has reached its last day; what its first atoms
            came to is taken over as far as they are the same.
        since: the first day that will be asked for.

    """

    def __init__(
        self,
        start: State,
        atoms: Iterable[Atom[State]],
        earlier: "Machine[State] | None" = None,
        since: int = FIRST_DAY,
    ) -> None:
        self._atoms = sorted(atoms, key=_KEY)
        self._certain = [atom.certainly for atom in self._atoms]
        self._by_certainty = sorted(range(len(self._atoms)), key=self._certain.__getitem__)
        self._settled = 0
        self._kept = 0 if earlier is None else self._in_common(earlier, since)
        self._outcomes: list[Outcome[State]] = (
            [Outcome((start,), {})] if earlier is None else earlier._outcomes[: self._kept + 1]  # noqa: SLF001 - of the same class
        )

    def _in_common(self, earlier: "Machine[State]", since: int) -> int:
        """Return how many first atoms are the same, and certain from their day on, before `since`."""
        count = 0
        for one, other, certain in zip(self._atoms, earlier._atoms, self._certain, strict=False):  # noqa: SLF001 - of the same class
            if one is not other or one.key.earliest != certain or certain >= since:
                break
            count += 1
        return count

    @property
    def outcome(self) -> Outcome[State]:
        """The outcome on the day that was reached."""
        return self._outcomes[-1]

    @property
    def moved(self) -> bool:
        """Tell whether the machine may be elsewhere than where it started."""
        return self.outcome.states != self._outcomes[0].states

    def days(self) -> Iterator[int]:
        """Yield the days on which the outcome can change."""
        for atom, certain in zip(self._atoms, self._certain, strict=True):
            yield atom.key.earliest
            yield certain

    def reach(self, day: int) -> None:
        """Go on to a day, which is later than the one before."""
        unchanged = len(self._outcomes)
        while self._settled < len(self._by_certainty):
            index = self._by_certainty[self._settled]
            if self._certain[index] > day:
                break
            if index >= self._kept:
                unchanged = min(unchanged, index + 1)
            self._settled += 1
        del self._outcomes[unchanged:]
        for index in range(len(self._outcomes) - 1, len(self._atoms)):
            atom = self._atoms[index]
            if atom.key.earliest > day:
                break
            happened = self._certain[index] <= day
            self._outcomes.append(self.outcome.after(atom, happened=happened))
