"""From effects in time to periods on the three axes.

Owns the atoms (a dated change of one axis), the small machines that fold them, and the cutting of
the calendar into periods. Must not know where effects come from: `effects` makes them.

A day falls before, within or after the bounds [earliest, latest] of an atom: the atom then has not
happened, has possibly happened, or has happened. Atoms fold in the order of their key and are never
permuted; a possible atom leaves both the state without it and the state with it. Each machine keeps
a handful of states, so the work is polynomial whatever the dates. Rules: design section 4.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import chain
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from timeline.domain.vocabulary import (
    FORCE_PRECEDENCE,
    GRAVITY,
    Force,
    ForceReason,
    InForce,
    Litigation,
)

FIRST_DAY: Final = 0
"""Stands for an open beginning; date.min.toordinal() is 1."""
LAST_DAY: Final = date.max.toordinal() + 1
"""Stands for an open end."""

UNKNOWN: Final = "unknown"


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
    """A dated change of one machine's state, with the event that brings it about."""

    key: Key
    event: str
    apply: Callable[[State], State]


class Stage(msgspec.Struct, frozen=True):
    """The stage machine: the latest stage action, and whether enactment has happened."""

    value: str | None = None
    enacted: bool = False


class End(msgspec.Struct, frozen=True):
    """Why force ended, by which event, and where that action stands in the order of actions."""

    reason: ForceReason
    event: str
    key: Key


class Standing(msgspec.Struct, frozen=True):
    """The machine of force apart from suspensions and courts.

    `term` is the event that set the end.
    """

    enacted: bool = False
    begun: bool = False
    partly_begun: bool = False
    ended: End | None = None
    partly_ended: bool = False
    term: str | None = None


class Suspension(msgspec.Struct, frozen=True):
    """The machine of one provision's suspension: the event that suspends it, if any."""

    by: str | None = None


class Case(msgspec.Struct, frozen=True):
    """The machine of one case and provision; `by` is the event that brought the status about."""

    status: Litigation = Litigation.NONE
    by: str | None = None


class Confirmed(msgspec.Struct, frozen=True):
    """When the policy was last seen in force, as EDTF text."""

    value: str | None = None


class Effects(msgspec.Struct):
    """All atoms of one policy, by machine.

    `suspensions` are by provision and `cases` by case and provision; None is the whole policy.
    """

    applicable: bool = True
    begins: bool = False
    stage: list[Atom[Stage]] = msgspec.field(default_factory=list)
    standing: list[Atom[Standing]] = msgspec.field(default_factory=list)
    suspensions: dict[str | None, list[Atom[Suspension]]] = msgspec.field(default_factory=dict)
    cases: dict[tuple[str, str | None], list[Atom[Case]]] = msgspec.field(default_factory=dict)
    confirmed: list[Atom[Confirmed]] = msgspec.field(default_factory=list)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of days on which the three axes do not change.

    `first` and `last` are proleptic ordinals, both inclusive, FIRST_DAY and LAST_DAY where open.
    An axis whose value is uncertain says `unknown`, and `possible` lists its values; `decided_by`
    names, per axis, the events that decide it.
    """

    first: int
    last: int
    stage: str | None
    force: str
    force_reason: str | None
    litigation: str
    in_force: InForce
    last_confirmed: str | None
    possible: dict[str, tuple[str | None, ...]]
    decided_by: dict[str, tuple[str, ...]]


class _Outcome(NamedTuple, Generic[State]):
    states: tuple[State, ...]
    events: frozenset[str]


class _Machine(Generic[State]):
    """One machine's atoms in order, answering for any day."""

    def __init__(self, start: State, atoms: Iterable[Atom[State]]) -> None:
        self.atoms = sorted(atoms, key=lambda atom: atom.key)
        self._earliest = [atom.key.earliest for atom in self.atoms]
        self._settled: list[tuple[State, dict[str, str]]] = [(start, {})]

    def days(self) -> Iterable[int]:
        """Yield the days on which the answer can change."""
        for atom in self.atoms:
            yield atom.key.earliest
            yield atom.key.latest

    def on(self, day: int) -> _Outcome[State]:
        """Return the possible states on a day, with the events that decide them."""
        reached = bisect_right(self._earliest, day)
        certain = 0
        while certain < reached and self.atoms[certain].key.latest <= day:
            certain += 1
        state, deciders = self._after(certain)
        states = [state]
        events = set(deciders.values())
        for atom in self.atoms[certain:reached]:
            applied = [atom.apply(each) for each in states]
            if applied == states:
                continue
            events.add(atom.event)
            happened = atom.key.latest <= day
            states = _distinct(applied if happened else [*states, *applied])
        return _Outcome(tuple(states), frozenset(events))

    def _after(self, count: int) -> tuple[State, dict[str, str]]:
        """Return the state after the first `count` atoms, and which event set each of its fields."""
        while len(self._settled) <= count:
            atom = self.atoms[len(self._settled) - 1]
            before, deciders = self._settled[-1]
            after = atom.apply(before)
            if after != before:
                deciders = deciders | {
                    name: atom.event
                    for name in after.__struct_fields__
                    if getattr(after, name) != getattr(before, name)
                }
            self._settled.append((after, deciders))
        return self._settled[count]


def _distinct(states: Iterable[State]) -> list[State]:
    return list(dict.fromkeys(states))


class _Axes(NamedTuple):
    stage: str | None
    force: str
    force_reason: str | None
    litigation: str
    in_force: InForce
    last_confirmed: str | None
    possible: dict[str, tuple[str | None, ...]]
    decided_by: dict[str, tuple[str, ...]]


class _Calendar:
    """All machines of one policy."""

    def __init__(self, effects: Effects) -> None:
        self.applicable = effects.applicable
        self.begins = effects.begins
        self.stage = _Machine(Stage(), effects.stage)
        self.standing = _Machine(Standing(), effects.standing)
        self.suspensions = {
            provision: _Machine(Suspension(), atoms)
            for provision, atoms in effects.suspensions.items()
        }
        self.cases = {key: _Machine(Case(), atoms) for key, atoms in effects.cases.items()}
        self.confirmed = _Machine(Confirmed(), effects.confirmed)

    def days(self) -> list[int]:
        single = (self.stage.days(), self.standing.days(), self.confirmed.days())
        several = (machine.days() for machine in self.suspensions.values())
        courts = (machine.days() for machine in self.cases.values())
        return sorted(set(chain(*single, *several, *courts)) - {LAST_DAY})

    def on(self, day: int) -> _Axes:
        stage = self.stage.on(day)
        confirmed = self.confirmed.on(day)
        litigation, courts, litigation_events = self._courts(day)
        force, reasons, force_events = self._force(day, courts)
        stages = _ordered({state.value for state in stage.states})
        axes: dict[str, tuple[str | None, ...]] = {
            "stage": stages,
            "force": force,
            "litigation": litigation,
        }
        possible = {axis: values for axis, values in axes.items() if len(values) > 1}
        decided = {
            "stage": stage.events,
            "force": force_events,
            "litigation": litigation_events,
        }
        return _Axes(
            stage=stages[0] if len(stages) == 1 else UNKNOWN,
            force=force[0] if len(force) == 1 else UNKNOWN,
            force_reason=reasons[0] if len(reasons) == 1 and len(force) == 1 else None,
            litigation=litigation[0] if len(litigation) == 1 else UNKNOWN,
            in_force=answer(force),
            last_confirmed=confirmed.states[-1].value,
            possible=possible,
            decided_by={axis: tuple(sorted(events)) for axis, events in decided.items() if events},
        )

    def _courts(
        self, day: int
    ) -> tuple[tuple[Litigation, ...], set[frozenset[tuple[Litigation, bool]]], frozenset[str]]:
        """Return the axis's possible values, the courts' possible effects, and who decides.

        An effect is (struck_down or enjoined, whether on the whole policy).
        """
        gravest = {Litigation.NONE}
        effects: set[frozenset[tuple[Litigation, bool]]] = {frozenset()}
        events: set[str] = set()
        for (_, provision), machine in self.cases.items():
            outcome = machine.on(day)
            statuses = {state.status for state in outcome.states}
            gravest = {graver(one, other) for one in gravest for other in statuses}
            effects = {
                effect | {(status, provision is None)} if status in _ACTING else effect
                for effect in effects
                for status in statuses
            }
            if statuses != {Litigation.NONE}:
                events |= outcome.events
        return tuple(value for value in GRAVITY if value in gravest), effects, frozenset(events)

    def _force(
        self, day: int, courts: set[frozenset[tuple[Litigation, bool]]]
    ) -> tuple[tuple[Force, ...], tuple[str, ...], frozenset[str]]:
        if not self.applicable:
            return (Force.NOT_APPLICABLE,), (), frozenset()
        standing = self.standing.on(day)
        events = set(standing.events)
        suspended: set[tuple[bool, bool]] = {(False, False)}
        for provision, machine in self.suspensions.items():
            outcome = machine.on(day)
            events |= outcome.events
            held = {state.by is not None for state in outcome.states}
            suspended = {
                (whole or (now and provision is None), part or (now and provision is not None))
                for whole, part in suspended
                for now in held
            }
        for case in self.cases.values():
            outcome_of_case = case.on(day)
            if any(state.status in _ACTING for state in outcome_of_case.states):
                events |= outcome_of_case.events
        answers = {
            force_of(state, whole=whole, part=part, courts=effect, begins=self.begins)
            for state in standing.states
            for whole, part in suspended
            for effect in courts
        }
        forces = {force for force, _ in answers}
        reasons = {reason for _, reason in answers if reason is not None}
        return (
            tuple(force for force in FORCE_PRECEDENCE if force in forces),
            tuple(sorted(reasons)),
            frozenset(events),
        )


_ACTING: Final = frozenset({Litigation.ENJOINED, Litigation.STRUCK_DOWN})


def graver(one: Litigation, other: Litigation) -> Litigation:
    """Return the graver of two litigation statuses."""
    return one if GRAVITY.index(one) <= GRAVITY.index(other) else other


def force_of(
    state: Standing,
    *,
    whole: bool,
    part: bool,
    courts: frozenset[tuple[Litigation, bool]],
    begins: bool,
) -> tuple[Force, ForceReason | None]:
    """Return the force of one possible world: the first value of the precedence that applies.

    Args:
        state: enactment, beginning and end.
        whole: the whole policy is suspended.
        part: a part of it is.
        courts: what courts did, each with whether on the whole policy.
        begins: a beginning is recorded, so that an enacted policy is not yet in force before it.

    """
    struck = (Litigation.STRUCK_DOWN, True) in courts
    whole = whole or (Litigation.ENJOINED, True) in courts
    part = part or bool(courts & _PARTLY) or state.partly_ended or not state.begun
    waiting = not state.begun and not state.partly_begun
    applies = {
        Force.NOT_ENACTED: not state.enacted,
        Force.NOT_YET_IN_FORCE: waiting and begins,
        Force.NO_LONGER_IN_FORCE: struck or state.ended is not None,
        Force.SUSPENDED: whole,
        Force.UNKNOWN: waiting,
        Force.PARTIALLY_IN_FORCE: part,
        Force.IN_FORCE: True,
    }
    force = next(value for value in FORCE_PRECEDENCE if applies[value])
    if force is not Force.NO_LONGER_IN_FORCE:
        return force, None
    return force, ForceReason.STRUCK_DOWN if state.ended is None else state.ended.reason


_PARTLY: Final = frozenset({(Litigation.ENJOINED, False), (Litigation.STRUCK_DOWN, False)})
_IN_FORCE: Final = frozenset({Force.IN_FORCE, Force.PARTIALLY_IN_FORCE})


def answer(forces: Sequence[Force]) -> InForce:
    """Return whether a policy is in force, given every force that is possible."""
    if all(force in _IN_FORCE for force in forces):
        return InForce.YES
    if any(force in _IN_FORCE or force is Force.UNKNOWN for force in forces):
        return InForce.MAYBE
    return InForce.NO


def _ordered(values: set[str | None]) -> tuple[str | None, ...]:
    return tuple(sorted(values, key=lambda value: (value is not None, value or "")))


def periods(effects: Effects) -> tuple[Period, ...]:
    """Cut the calendar into periods, oldest first; none before anything is known to happen.

    Args:
        effects: all atoms of one policy.

    Returns:
        Adjoining periods, the last of them open.

    """
    calendar = _Calendar(effects)
    days = calendar.days()
    found: list[Period] = []
    for index, first in enumerate(days):
        last = days[index + 1] - 1 if index + 1 < len(days) else LAST_DAY
        axes = calendar.on(first)
        if found and _same(found[-1], axes):
            found[-1] = msgspec.structs.replace(found[-1], last=last)
        else:
            found.append(Period(first=first, last=last, **axes._asdict()))
    return tuple(found)


def _same(period: Period, axes: _Axes) -> bool:
    return all(getattr(period, name) == value for name, value in axes._asdict().items())
