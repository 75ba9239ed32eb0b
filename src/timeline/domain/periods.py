"""What the states of all machines together mean: the three axes of a day.

Owns the axes, and what a period of days says. Must not know where effects come from (`effects`
makes them), how a machine folds them (`machines`), nor how days become periods (`cutting`).

The machines of a policy fold apart from each other: where several are uncertain on a day, all
combinations of their states count as possible. Rules: design section 4.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from timeline.domain.machines import (
    FIRST_DAY,
    LAST_DAY,
    Case,
    Confirmed,
    Outcome,
    PartEffect,
    Spell,
    Stage,
    Standing,
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

__all__ = ["FIRST_DAY", "LAST_DAY", "Axes", "Moved", "Period", "answer", "force_of"]

UNKNOWN: Final = "unknown"


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


Part: TypeAlias = tuple[PartEffect, object]
Suspended: TypeAlias = tuple[str | None, str | None]
Filed: TypeAlias = tuple[str, str | None, str | None]


class Moved(msgspec.Struct, frozen=True):
    """The machines of which there may be many, as far as they have moved by some day.

    `parts` are by kind of effect, `suspensions` by part, `cases` by case and part, each with what
    tells those apart that are alike in that.
    """

    parts: dict[Part, Outcome[Spell]] = msgspec.field(default_factory=dict)
    suspensions: dict[Suspended, Outcome[Suspension]] = msgspec.field(default_factory=dict)
    cases: dict[Filed, Outcome[Case]] = msgspec.field(default_factory=dict)


UNMOVED: Final = Moved()


class Asked(NamedTuple):
    """What force and litigation of a day follow from.

    `begins` tells that a recorded beginning is to come.
    """

    standing: Outcome[Standing]
    moved: Moved
    begins: bool

    def same(self, other: "Asked | None") -> bool:
        """Tell whether both are the same objects, so that the same follows from them."""
        return other is not None and all(
            one is another for one, another in zip(self, other, strict=True)
        )


class Axes:
    """Says what the machines mean; remembers its last answer about force and litigation.

    On most days on which something happens, nothing happens to these two.
    """

    def __init__(self, *, applicable: bool) -> None:
        self._applicable = applicable
        self._asked: Asked | None = None
        self._legal: _Legal | None = None

    def period(
        self,
        days: tuple[int, int],
        stage: Outcome[Stage],
        legal: Asked,
        confirmed: Outcome[Confirmed],
    ) -> Period:
        """Return what holds on some days.

        Args:
            days: the first and the last of them.
            stage: the machine of the stage.
            legal: what force and litigation follow from.
            confirmed: the machine of confirmations.

        """
        told = self._decided(legal)
        stages = _ordered({state.value for state in stage.states})
        deciding = stage.deciders.get("value")
        certain = len(stages) == 1
        return Period(
            first=days[0],
            last=days[1],
            stage=stages[0] if certain else UNKNOWN,
            force=told.force,
            force_reason=told.force_reason,
            litigation=told.litigation,
            in_force=told.in_force,
            last_confirmed=confirmed.states[-1].value,
            possible=told.possible if certain else {"stage": stages, **told.possible},
            decided_by=(
                {"stage": tuple(sorted(deciding)), **told.decided_by}
                if deciding
                else told.decided_by
            ),
            void=told.void,
        )

    def _decided(self, legal: Asked) -> _Legal:
        """Return what force and litigation are."""
        if self._legal is None or not legal.same(self._asked):
            self._asked = legal
            self._legal = _World(self._applicable, legal).legal()
        return self._legal


class _World(NamedTuple):
    """What force and litigation of a day follow from, and whether force applies."""

    applicable: bool
    asked: Asked

    def legal(self) -> _Legal:
        """Work out force and litigation."""
        cases = {
            name: _Seen(frozenset(state.status for state in outcome.states), outcome.events)
            for name, outcome in self.asked.moved.cases.items()
        }
        litigation, courts, litigation_events = _courts(cases)
        force, reasons, force_events = self._force(courts, cases)
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

    def _force(
        self,
        courts: set[frozenset[tuple[Litigation, bool]]],
        cases: Mapping[Filed, _Seen[Litigation]],
    ) -> tuple[tuple[Force, ...], tuple[str, ...], frozenset[str]]:
        if not self.applicable:
            return (Force.NOT_APPLICABLE,), (), frozenset()
        answers = {
            force_of(
                state,
                touched=touched,
                whole=whole,
                part=part,
                courts=effect,
                begins=self.asked.begins,
            )
            for touched in self._touched()
            for whole, part in self._suspended()
            for effect in courts
            for state in self._standings()
        }
        forces = {force for force, _ in answers}
        if self.asked.standing.beyond:
            forces.add(Force.UNKNOWN)
        reasons = {reason for _, reason in answers if reason is not None}
        events = (
            self.asked.standing.events,
            *(outcome.events for outcome in self.asked.moved.parts.values()),
            *(outcome.events for outcome in self.asked.moved.suspensions.values()),
            *(seen.events for seen in cases.values() if seen.values & _ACTING),
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
            for state in self.asked.standing.states
        }

    def _touched(self) -> set[frozenset[tuple[PartEffect, bool]]]:
        """Return the possible sets of effects on parts, each with whether it is over."""
        found: set[frozenset[tuple[PartEffect, bool]]] = {frozenset()}
        alike = Counter(
            (effect, frozenset(outcome.states))
            for (effect, _), outcome in self.asked.moved.parts.items()
        )
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
        alike = {
            (part is None, frozenset(state.held for state in outcome.states))
            for (part, _), outcome in self.asked.moved.suspensions.items()
        }
        for of_whole, values in alike:
            found = {
                (whole or (held and of_whole), part or (held and not of_whole))
                for whole, part in found
                for held in values
            }
        return found


def _courts(
    cases: Mapping[Filed, _Seen[Litigation]],
) -> tuple[tuple[Litigation, ...], set[frozenset[tuple[Litigation, bool]]], frozenset[str]]:
    """Return the axis's possible values, the courts' possible effects, and who decides.

    An effect is (struck_down or enjoined, whether on the whole policy).
    """
    gravest = {Litigation.NONE}
    effects: set[frozenset[tuple[Litigation, bool]]] = {frozenset()}
    alike = Counter((part is None, seen.values) for (_, part, _), seen in cases.items())
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
        _union(seen.events for seen in cases.values() if seen.values & shown),
    )


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


@lru_cache(maxsize=4_096)
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
