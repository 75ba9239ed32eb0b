"""From effects in time to periods on the three axes.

Owns the cutting of the calendar into periods, and the axes of a day. Must not know where effects
come from (`effects` makes them), nor how a machine folds them (`machines`).

The machines of a policy fold apart from each other: where several are uncertain on a day, all
combinations of their states count as possible. Rules: design section 4.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from timeline.domain.machines import (
    FIRST_DAY,
    LAST_DAY,
    Atom,
    Case,
    Confirmed,
    Effects,
    Machine,
    PartEffect,
    Spell,
    Stage,
    Standing,
    State,
    Suspension,
    graver,
)
from timeline.domain.vocabulary import (
    FORCE_PRECEDENCE,
    GRAVITY,
    Force,
    ForceReason,
    InForce,
    Litigation,
)

__all__ = ["FIRST_DAY", "LAST_DAY", "Calendar", "Period", "answer", "force_of", "periods"]

UNKNOWN: Final = "unknown"


Name = TypeVar("Name")
Kind = TypeVar("Kind")
Value = TypeVar("Value")


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of days on which the three axes do not change.

    `first` and `last` are proleptic ordinals, both inclusive, FIRST_DAY and LAST_DAY where open.
    An axis whose value is uncertain says `unknown`, and `possible` lists its values (of the stage,
    None before the first); `decided_by` names, per axis, the events that decide it. `void` tells
    whether a court has struck the whole policy down, whatever else ended it.
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
    void: InForce = InForce.NO


class _Axes(NamedTuple):
    stage: str | None
    force: str
    force_reason: str | None
    litigation: str
    in_force: InForce
    last_confirmed: str | None
    possible: dict[str, tuple[str | None, ...]]
    decided_by: dict[str, tuple[str, ...]]
    void: InForce


class _Legal(NamedTuple):
    """The axes of force and litigation: on most days that something happens, nothing of them does."""

    force: str
    force_reason: str | None
    litigation: str
    in_force: InForce
    possible: dict[str, tuple[str | None, ...]]
    decided_by: dict[str, tuple[str, ...]]
    void: InForce


class _Seen(NamedTuple, Generic[Value]):
    """The possible values of a machine that has moved, and the events that decide them."""

    values: frozenset[Value]
    events: frozenset[str]


class Calendar:
    """All machines of one policy, answering for one day after the other.

    Of the machines that may be many, those that moved are kept apart, for a day to ask no others.

    Args:
        effects: all atoms of the policy.
        earlier: a calendar of the policy that was cut to its end, to take over from.
        since: the first day on which the effects may differ from those; none before is asked for.

    """

    def __init__(
        self, effects: Effects, earlier: "Calendar | None" = None, since: int = FIRST_DAY
    ) -> None:
        self._effects = effects
        self._since = since
        self._legal_days: set[int] = set()
        self._legal: _Legal | None = None
        self._due: dict[int, list[Callable[[int], None]]] = {day: [] for day in effects.days}
        self.stage: Machine[Stage] = self._machine(
            Stage(), effects.stage, legal=False, earlier=earlier.stage if earlier else None
        )
        self.standing: Machine[Standing] = self._machine(
            Standing(), effects.standing, earlier=earlier.standing if earlier else None
        )
        self.confirmed: Machine[Confirmed] = self._machine(
            Confirmed(),
            effects.confirmed,
            legal=False,
            earlier=earlier.confirmed if earlier else None,
        )
        self._parts = self._machines(Spell(), effects.parts, lambda state: state)
        self._suspensions = self._machines(
            Suspension(), effects.suspensions, lambda state: state.held
        )
        self._cases = self._machines(Case(), effects.cases, lambda state: state.status)

    def _machine(
        self,
        start: State,
        atoms: Iterable[Atom[State]],
        *,
        legal: bool = True,
        earlier: Machine[State] | None = None,
    ) -> Machine[State]:
        """Make a machine; `legal` tells that force or litigation depend on it."""
        machine = Machine(start, atoms, earlier, self._since)
        days = set(machine.days())
        for day in days:
            self._due.setdefault(day, []).append(machine.reach)
        if legal:
            self._legal_days |= days
        return machine

    def _machines(
        self,
        start: State,
        atoms: dict[Name, list[Atom[State]]],
        value: Callable[[State], Value],
    ) -> dict[Name, _Seen[Value]]:
        """Make the machines; returns where to find those that moved."""
        seen: dict[Name, _Seen[Value]] = {}

        def watch(name: Name, machine: Machine[State]) -> None:
            def look(_: int) -> None:
                if machine.moved:
                    states, events = machine.outcome.states, machine.outcome.events
                    seen[name] = _Seen(frozenset(map(value, states)), events)
                else:
                    seen.pop(name, None)

            for day in set(machine.days()):
                self._due[day].append(look)

        for name, each in atoms.items():
            watch(name, self._machine(start, each))
        return seen

    def days(self) -> list[int]:
        """Return the days on which an answer can change."""
        return sorted(self._due.keys() - {LAST_DAY})

    def pass_over(self, days: Sequence[int]) -> None:
        """Go on to the last of the first days, without an answer for any of them."""
        acts = dict.fromkeys(act for day in days for act in self._due.get(day, ()))
        for act in acts:
            act(days[-1])

    def on(self, day: int) -> _Axes:
        """Go on to one of the days, and answer for it; from here on, none may be left out."""
        for act in self._due.get(day, ()):
            act(day)
        if self._legal is None or day in self._legal_days:
            self._legal = self._decided(day)
        legal = self._legal
        stages = _ordered({state.value for state in self.stage.outcome.states})
        deciding = self.stage.outcome.deciders.get("value")
        return _Axes(
            stage=stages[0] if len(stages) == 1 else UNKNOWN,
            force=legal.force,
            force_reason=legal.force_reason,
            litigation=legal.litigation,
            in_force=legal.in_force,
            last_confirmed=self.confirmed.outcome.states[-1].value,
            possible=legal.possible if len(stages) == 1 else {"stage": stages, **legal.possible},
            decided_by=(
                {"stage": tuple(sorted(deciding)), **legal.decided_by}
                if deciding
                else legal.decided_by
            ),
            void=legal.void,
        )

    def _decided(self, day: int) -> "_Legal":
        """Work out force and litigation."""
        litigation, courts, litigation_events = self._courts()
        force, reasons, force_events = self._force(day, courts)
        axes: dict[str, tuple[str | None, ...]] = {
            "force": tuple(map(str, force)),
            "litigation": tuple(map(str, litigation)),
        }
        decided = {"force": force_events, "litigation": litigation_events}
        return _Legal(
            force=force[0] if len(force) == 1 else UNKNOWN,
            force_reason=reasons[0] if len(reasons) == 1 and len(force) == 1 else None,
            litigation=litigation[0] if len(litigation) == 1 else UNKNOWN,
            in_force=answer(force),
            possible={axis: values for axis, values in axes.items() if len(values) > 1},
            decided_by={axis: tuple(sorted(events)) for axis, events in decided.items() if events},
            void=_void(courts),
        )

    def _courts(
        self,
    ) -> tuple[tuple[Litigation, ...], set[frozenset[tuple[Litigation, bool]]], frozenset[str]]:
        """Return the axis's possible values, the courts' possible effects, and who decides.

        An effect is (struck_down or enjoined, whether on the whole policy).
        """
        gravest = {Litigation.NONE}
        effects: set[frozenset[tuple[Litigation, bool]]] = {frozenset()}
        alike = Counter((part is None, seen.values) for (_, part, _), seen in self._cases.items())
        for whole, values in _few(alike):
            gravest = {graver(one, other) for one in gravest for other in values}
            effects = {
                effect | {(status, whole)} if status in _ACTING else effect
                for effect in effects
                for status in values
            }
        shown = gravest - {Litigation.NONE}
        return (
            tuple(value for value in GRAVITY if value in gravest),
            effects,
            _union(seen.events for seen in self._cases.values() if seen.values & shown),
        )

    def _force(
        self, day: int, courts: set[frozenset[tuple[Litigation, bool]]]
    ) -> tuple[tuple[Force, ...], tuple[str, ...], frozenset[str]]:
        if not self._effects.applicable:
            return (Force.NOT_APPLICABLE,), (), frozenset()
        answers = {
            force_of(
                state,
                touched=touched,
                whole=whole,
                part=part,
                courts=effect,
                begins=day < self._effects.begins,
            )
            for touched in self._touched()
            for whole, part in self._suspended()
            for effect in courts
            for state in self._standings()
        }
        forces = {force for force, _ in answers}
        if self.standing.outcome.beyond:
            forces.add(Force.UNKNOWN)
        reasons = {reason for _, reason in answers if reason is not None}
        events = (
            self.standing.outcome.events,
            *(seen.events for seen in self._parts.values()),
            *(seen.events for seen in self._suspensions.values()),
            *(seen.events for seen in self._cases.values() if seen.values & _ACTING),
        )
        return (
            tuple(force for force in FORCE_PRECEDENCE if force in forces),
            tuple(sorted(reasons)),
            _union(events),
        )

    def _standings(self) -> set[Standing]:
        """Return the possible states, apart from what no answer depends on."""
        return {
            msgspec.structs.replace(
                state, term=None, ended=None if state.ended is None else state.ended.unplaced
            )
            for state in self.standing.outcome.states
        }

    def _touched(self) -> set[frozenset[tuple[PartEffect, bool]]]:
        """Return the possible sets of effects on parts, each with whether it is over."""
        found: set[frozenset[tuple[PartEffect, bool]]] = {frozenset()}
        alike = Counter((effect, seen.values) for (effect, _), seen in self._parts.items())
        for effect, spells in _few(alike):
            found = {
                touched | {(effect, spell.over)} if spell.begun else touched
                for touched in found
                for spell in spells
            }
        return found

    def _suspended(self) -> set[tuple[bool, bool]]:
        """Return whether the whole policy, and whether a part of it, may be suspended."""
        found = {(False, False)}
        alike = {(part is None, seen.values) for (part, _), seen in self._suspensions.items()}
        for of_whole, values in alike:
            found = {
                (whole or (held and of_whole), part or (held and not of_whole))
                for whole, part in found
                for held in values
            }
        return found


def _few(alike: Counter[tuple[Kind, frozenset[Value]]]) -> Iterator[tuple[Kind, frozenset[Value]]]:
    """Yield each as often as it adds to a set of sets: once for each of its possible values."""
    for (kind, values), count in alike.items():
        yield from repeat((kind, values), min(count, len(values)))


def _union(events: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*events)


_ACTING: Final = frozenset({Litigation.ENJOINED, Litigation.STRUCK_DOWN})


def _void(courts: set[frozenset[tuple[Litigation, bool]]]) -> InForce:
    """Return whether courts have struck the whole policy down."""
    struck = {(Litigation.STRUCK_DOWN, True) in effect for effect in courts}
    if struck == {True}:
        return InForce.YES
    return InForce.MAYBE if True in struck else InForce.NO


def force_of(
    state: Standing,
    *,
    touched: frozenset[tuple[PartEffect, bool]],
    whole: bool,
    part: bool,
    courts: frozenset[tuple[Litigation, bool]],
    begins: bool,
) -> tuple[Force, ForceReason | None]:
    """Return the force of one possible world: the first value of the precedence that applies.

    Args:
        state: enactment, beginning and end.
        touched: what began, ended or was kept in a part of it for a time, each with whether that
            is over.
        whole: the whole policy is suspended.
        part: a part of it is.
        courts: what courts did, each with whether on the whole policy.
        begins: a recorded beginning is to come, so that an enacted policy is not yet in force.

    """
    struck = (Litigation.STRUCK_DOWN, True) in courts
    whole = whole or (Litigation.ENJOINED, True) in courts
    kept = (PartEffect.KEPT, False) in touched
    ended = state.ended is not None and not (kept and state.ended.expired)
    waiting = not (state.begun or state.partly_begun or (PartEffect.BEGUN, False) in touched)
    part = (
        part
        or bool(courts & _PARTLY)
        or state.partly_ended
        or (PartEffect.ENDED, False) in touched
        or state.ended is not None
        or not state.begun
    )
    applies = {
        Force.NOT_ENACTED: not (state.enacted or any(each in touched for each in _BEGUN)),
        Force.NOT_YET_IN_FORCE: waiting and begins,
        Force.NO_LONGER_IN_FORCE: struck or ended,
        Force.SUSPENDED: whole,
        Force.UNKNOWN: waiting,
        Force.PARTIALLY_IN_FORCE: part,
        Force.IN_FORCE: True,
    }
    force = next(value for value in FORCE_PRECEDENCE if applies[value])
    if force is not Force.NO_LONGER_IN_FORCE:
        return force, None
    return force, ForceReason.STRUCK_DOWN if state.ended is None else state.ended.reason


_BEGUN: Final = ((PartEffect.BEGUN, False), (PartEffect.BEGUN, True))
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


def periods(
    calendar: Calendar, before: Sequence[Period] = (), since: int = FIRST_DAY
) -> tuple[Period, ...]:
    """Cut a calendar into periods, oldest first; none before anything is known to happen.

    Args:
        calendar: a new one; it is at its end afterwards.
        before: the periods of an earlier cut, to take over up to `since`.
        since: the first day on which the calendar may differ from that cut's.

    Returns:
        Adjoining periods, the last of them open.

    """
    days = calendar.days()
    passed = bisect_left(days, since)
    if passed:
        calendar.pass_over(days[:passed])
    days = days[passed:]
    found = [period for period in before if period.first < since]
    if found:
        days = days if days[:1] == [since] else [since, *days]
        found[-1] = msgspec.structs.replace(found[-1], last=since - 1)
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
