"""What the states of all machines together mean: the three axes of a day.

Owns the axes, and what a period of days says. Must not know where effects come from (`effects`
makes them), how a machine folds them (`machines`), nor how days become periods (`cutting`).

The machines of a policy fold apart from each other: where several are uncertain on a day, all
combinations of their states count as possible. Rules: design section 4.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias, TypeVar

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


class _Meaning(NamedTuple):
    """The axes of force and litigation, apart from who decides them."""

    force: str
    force_reason: str | None
    litigation: str
    in_force: InForce
    possible: dict[str, tuple[str | None, ...]]
    void: InForce


class _Legal(NamedTuple):
    """The axes of force and litigation, and the events that decide them."""

    meaning: _Meaning
    decided_by: dict[str, tuple[str, ...]]


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


class Asked(msgspec.Struct, frozen=True):
    """What force and litigation of a day follow from.

    `begins` tells that a recorded beginning is to come.
    """

    standing: Outcome[Standing]
    moved: Moved
    begins: bool

    @property
    def outcomes(self) -> tuple[int, ...]:
        """The identities of all that force and litigation follow from, apart from `begins`."""
        moved = self.moved
        if moved is UNMOVED:
            return (id(self.standing),)
        named = (moved.parts, moved.suspensions, moved.cases)
        return id(self.standing), *(id(each) for group in named for each in group.values())


MAX_ANSWERS: Final = 256
"""Answers about force and litigation that are remembered for a policy: most have a dozen."""


class Axes:
    """Says what the machines mean; remembers its answers about force and litigation.

    On most days on which something happens, nothing happens to these two.
    """

    def __init__(self, *, applicable: bool) -> None:
        self._applicable = applicable
        self._answers: dict[tuple[int, ...], tuple[Asked, _Legal]] = {}

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
        told, decided_by = self._decided(legal)
        stages = stage.states
        values: tuple[str | None, ...] = (stages[0].value,)
        if len(stages) > 1:
            values = _ordered({state.value for state in stages})
        deciding = stage.deciders.get("value")
        certain = len(values) == 1
        return Period(
            first=days[0],
            last=days[1],
            stage=values[0] if certain else UNKNOWN,
            force=told.force,
            force_reason=told.force_reason,
            litigation=told.litigation,
            in_force=told.in_force,
            last_confirmed=confirmed.states[-1].value,
            possible=told.possible if certain else {"stage": values, **told.possible},
            decided_by={"stage": _named(deciding), **decided_by} if deciding else decided_by,
            void=told.void,
        )

    def _decided(self, legal: Asked) -> _Legal:
        """Return what force and litigation are."""
        # What is remembered keeps the outcomes, and so their identities, from being used again.
        key = (legal.begins, *legal.outcomes)
        found = self._answers.get(key)
        if found is not None:
            return found[1]
        answered = _legal(legal, applicable=self._applicable)
        if len(self._answers) == MAX_ANSWERS:
            self._answers.clear()
        self._answers[key] = legal, answered
        return answered


class _World(NamedTuple):
    """What force and litigation follow from: the possible states of the machines that have moved.

    Of parts, suspensions and cases it has each as often as it adds to what is possible; `begins`
    tells that a recorded beginning is to come, `beyond` that more is possible than is listed.
    """

    applicable: bool
    standings: tuple[Standing, ...]
    parts: tuple[tuple[PartEffect, frozenset[Spell]], ...]
    suspensions: tuple[tuple[bool, frozenset[bool]], ...]
    cases: tuple[tuple[bool, frozenset[Litigation]], ...]
    begins: bool
    beyond: bool


class _Court(NamedTuple):
    """One case: whether it is about the whole policy, how it may stand, and who decides that."""

    whole: bool
    statuses: frozenset[Litigation]
    events: frozenset[str]


def _legal(asked: Asked, *, applicable: bool) -> _Legal:
    """Return what force and litigation are."""
    moved = asked.moved
    if moved is UNMOVED:
        meaning = _meaning(_world(asked, (), applicable=applicable))
        events = asked.standing.events if applicable else frozenset()
        return _Legal(meaning, {"force": _named(events)} if events else {})
    courts = [
        _Court(part is None, _statuses(each.states), each.events)
        for (_, part, _), each in moved.cases.items()
    ]
    meaning = _meaning(_world(asked, courts, applicable=applicable))
    return _Legal(meaning, _deciders(asked, courts, meaning, applicable=applicable))


def _world(asked: Asked, courts: Sequence[_Court], *, applicable: bool) -> _World:
    moved = asked.moved
    return _World(
        applicable,
        tuple(map(_unplaced, asked.standing.states)),
        _few([(effect, frozenset(each.states)) for (effect, _), each in moved.parts.items()]),
        _few([(part is None, _held(each.states)) for (part, _), each in moved.suspensions.items()]),
        _few([(court.whole, court.statuses) for court in courts]),
        asked.begins,
        asked.standing.beyond,
    )


def _unplaced(state: Standing) -> Standing:
    """Return a state apart from what no answer depends on."""
    if state.term is None and state.ended is None and not state.marks:
        return state
    ended = None if state.ended is None else state.ended.unplaced
    return msgspec.structs.replace(state, term=None, ended=ended, marks=frozenset())


_ONE_STATUS: Final = {status: frozenset({status}) for status in Litigation}
_ONE_HELD: Final = {held: frozenset({held}) for held in (True, False)}


def _statuses(states: Sequence[Case]) -> frozenset[Litigation]:
    if len(states) == 1:
        return _ONE_STATUS[states[0].status]
    return frozenset(state.status for state in states)


def _held(states: Sequence[Suspension]) -> frozenset[bool]:
    if len(states) == 1:
        return _ONE_HELD[states[0].held]
    return frozenset(state.held for state in states)


def _deciders(
    asked: Asked, courts: Sequence[_Court], meaning: _Meaning, *, applicable: bool
) -> dict[str, tuple[str, ...]]:
    """Return the events that decide force, and the litigation that is shown."""
    decided: dict[str, tuple[str, ...]] = {}
    if applicable:
        force = asked.standing.events.union(
            *[each.events for each in asked.moved.parts.values()],
            *[each.events for each in asked.moved.suspensions.values()],
            *[court.events for court in courts if court.statuses & _ACTING],
        )
        if force:
            decided["force"] = _named(force)
    if courts:
        grave = {meaning.litigation, *meaning.possible.get("litigation", ())} - {Litigation.NONE}
        litigation = _union(court.events for court in courts if court.statuses & grave)
        if litigation:
            decided["litigation"] = _named(litigation)
    return decided


def _named(events: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(events)) if len(events) > 1 else tuple(events)


@lru_cache(maxsize=4_096)
def _meaning(world: _World) -> _Meaning:
    """Work out force and litigation: most policies are in the same few worlds."""
    litigation, courts = _courts(world)
    force, reasons = _force(world, courts)
    axes: dict[str, tuple[str | None, ...]] = {
        "force": tuple(map(str, force)),
        "litigation": tuple(map(str, litigation)),
    }
    return _Meaning(
        force=str(force[0]) if len(force) == 1 else UNKNOWN,
        force_reason=reasons[0] if len(reasons) == 1 and len(force) == 1 else None,
        litigation=str(litigation[0]) if len(litigation) == 1 else UNKNOWN,
        in_force=answer(force),
        possible={axis: values for axis, values in axes.items() if len(values) > 1},
        void=_void(courts),
    )


def _courts(
    world: _World,
) -> tuple[tuple[Litigation, ...], set[frozenset[tuple[Litigation, bool]]]]:
    """Return the axis's possible values, and the courts' possible effects.

    An effect is (struck_down or enjoined, whether on the whole policy).
    """
    gravest = {Litigation.NONE}
    effects: set[frozenset[tuple[Litigation, bool]]] = {frozenset()}
    for whole, values in world.cases:
        gravest = {graver(one, other) for one in gravest for other in values}
        effects = {
            effect | {(status, whole)} if status in _ACTING else effect
            for effect in effects
            for status in values
        }
    return tuple(value for value in GRAVITY if value in gravest), effects


def _force(
    world: _World, courts: set[frozenset[tuple[Litigation, bool]]]
) -> tuple[tuple[Force, ...], tuple[str, ...]]:
    if not world.applicable:
        return (Force.NOT_APPLICABLE,), ()
    answers = {
        force_of(
            state,
            touched=touched,
            whole=whole,
            part=part,
            courts=effect,
            begins=world.begins,
        )
        for touched in _touched(world)
        for whole, part in _suspended(world)
        for effect in courts
        for state in set(world.standings)
    }
    forces = {force for force, _ in answers}
    if world.beyond:
        forces.add(Force.UNKNOWN)
    reasons = {reason for _, reason in answers if reason is not None}
    return tuple(force for force in FORCE_PRECEDENCE if force in forces), tuple(sorted(reasons))


def _touched(world: _World) -> set[frozenset[tuple[PartEffect, bool]]]:
    """Return the possible sets of effects on parts, each with whether it is over."""
    found: set[frozenset[tuple[PartEffect, bool]]] = {frozenset()}
    for effect, spells in world.parts:
        found = {
            touched | {(effect, spell.over)} if spell.begun else touched
            for touched in found
            for spell in spells
        }
    return found


def _suspended(world: _World) -> set[tuple[bool, bool]]:
    """Return whether the whole policy, and whether a part of it, may be suspended."""
    found = {(False, False)}
    for of_whole, values in world.suspensions:
        found = {
            (whole or (held and of_whole), part or (held and not of_whole))
            for whole, part in found
            for held in values
        }
    return found


def _few(
    moved: Sequence[tuple[Kind, frozenset[Value]]],
) -> tuple[tuple[Kind, frozenset[Value]], ...]:
    """Return each as often as it adds to a set of sets: once for each of its possible values."""
    if len(moved) <= 1:
        return tuple(moved)
    alike = Counter(moved)
    return tuple(each for each, count in alike.items() for _ in range(min(count, len(each[1]))))


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
