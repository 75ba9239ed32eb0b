"""How policies bear on others: when a relation acts on its target, and as which deeds (rule 7).

Owns the levels of certainty over time, the reach of a policy, and the translation of relations into
deeds of their targets. Must not know how policies are found, nor how deeds fold.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import date
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

import msgspec

from timeline.domain.belief import Belief, BelievedAction, BelievedRelation
from timeline.domain.dates import Edtf, Occurrence
from timeline.domain.effects import Deed, earliest_day, latest_day, part_of
from timeline.domain.events import ActionRecorded, RelationAsserted
from timeline.domain.machines import FIRST_DAY, LAST_DAY
from timeline.domain.periods import Period
from timeline.domain.vocabulary import (
    ACTIONS,
    RELATIONS,
    Action,
    Effect,
    InForce,
    Instrument,
    Litigation,
    Relation,
)


class Level(IntEnum):
    """How certain it is that something holds on a day."""

    NO = 0
    MAYBE = 1
    YES = 2


Levels: TypeAlias = tuple[tuple[int, Level], ...]
"""Levels over time: each from its day on, the first of them from FIRST_DAY."""

ALWAYS: Final[Levels] = ((FIRST_DAY, Level.YES),)


class Reach(msgspec.Struct, frozen=True):
    """When a policy's relations can act, and when it counts as struck down.

    A lawsuit, which never is in force, acts from its first action until it is dismissed.
    """

    acts: Levels
    struck: Levels


POSSIBLY: Final = Reach(((FIRST_DAY, Level.MAYBE),), ((FIRST_DAY, Level.NO),))
"""The reach of a policy of which it is not worked out when its relations act."""


class Bearing(msgspec.Struct, frozen=True, kw_only=True):
    """What bears on a policy from one other: that one's relations, and what makes them act.

    `keys` are the names by which an action can say that this policy acted; `begun` is when its
    first action was; `moves` are its court actions, where it is a lawsuit. `variants` are what it
    bears if one open claim holds, where that differs; `beyond` tells that there are more claims
    than are followed.
    """

    source: str
    keys: frozenset[str]
    lawsuit: bool
    begun: Occurrence | None
    reach: Reach
    moves: tuple[BelievedAction, ...]
    relations: tuple[BelievedRelation, ...]
    variants: "tuple[Variant, ...]" = ()
    beyond: bool = False

    def as_claimed(self, by: str) -> "Bearing":
        """Return what it is if the claim of a dispute holds."""
        return next((each.bearing for each in self.variants if each.by == by), self)

    def only(self, events: Container[str]) -> "Bearing":
        """Return what it is with some of its relations alone."""
        relations = tuple(each for each in self.relations if each.event in events)
        told = msgspec.structs.replace(self, relations=relations, variants=())
        variants = (Variant(each.by, each.bearing.only(events)) for each in self.variants)
        differing = tuple(each for each in variants if each.bearing.differs(told))
        return msgspec.structs.replace(told, variants=differing) if differing else told

    def differs(self, other: "Bearing") -> bool:
        """Tell whether it bears otherwise than another; without relations neither bears at all."""
        return bool(self.relations or other.relations) and (
            msgspec.structs.replace(self, variants=(), beyond=False)
            != msgspec.structs.replace(other, variants=(), beyond=False)
        )


class Variant(NamedTuple):
    """What a policy bears on others if the claim of a dispute holds."""

    by: str
    bearing: Bearing


class Inbound(msgspec.Struct, frozen=True):
    """One relation that points at the policy, with its source.

    `member` tells whether the policy is among those that are named: a selector's can be doubtful.
    """

    bearing: Bearing
    believed: BelievedRelation
    member: Level = Level.YES

    @property
    def relation(self) -> RelationAsserted:
        """The relation as asserted."""
        return self.believed.relation

    @property
    def action(self) -> Action | None:
        """What it amounts to on its target."""
        return RELATIONS[self.relation.relation].action


def lowest(*all_levels: Levels) -> Levels:
    """Return what holds where all of them hold."""
    days = sorted({day for levels in all_levels for day, _ in levels})
    return _merged((day, min(level_on(levels, day) for levels in all_levels)) for day in days)


def level_on(levels: Levels, day: int) -> Level:
    """Return the level on a day."""
    found = levels[0][1]
    for first, level in levels:
        if first > day:
            break
        found = level
    return found


def _merged(steps: Iterable[tuple[int, Level]]) -> Levels:
    found: list[tuple[int, Level]] = []
    for day, level in steps:
        if not found or found[-1][1] is not level:
            found.append((day, level))
    return tuple(found)


def _fired(levels: Levels) -> Levels:
    """Return whether something held on the day or on any day before."""
    reached = Level.NO
    steps = []
    for day, level in levels:
        reached = max(reached, level)
        steps.append((day, reached))
    return _merged(steps)


def _opposite(levels: Levels) -> Levels:
    return tuple((day, Level(Level.YES - level)) for day, level in levels)


def _from(when: Edtf | None) -> Levels:
    """Return whether a day is at or after a date."""
    if when is None:
        return ALWAYS
    earliest, latest = earliest_day(when), latest_day(when)
    return _steps((FIRST_DAY, Level.NO), (earliest, Level.MAYBE), (latest, Level.YES))


def _until(when: Edtf | None) -> Levels:
    """Return whether a day is at or before a date."""
    if when is None:
        return ALWAYS
    earliest, latest = earliest_day(when), latest_day(when)
    after = FIRST_DAY if earliest == FIRST_DAY else earliest + 1
    return _steps((FIRST_DAY, Level.YES), (after, Level.MAYBE), (latest + 1, Level.NO))


def _steps(*steps: tuple[int, Level]) -> Levels:
    """Return levels from steps in order; of several on one day the last one counts."""
    by_day = {day: level for day, level in steps if day < LAST_DAY}
    return _merged(sorted(by_day.items()))


# --- the reach of a policy


def reach_of(belief: Belief, periods: Sequence[Period]) -> Reach:
    """Return when a policy's relations can act, given its periods."""
    struck = _over(periods, lambda period: _ANSWERS[period.void])
    if belief.described.instrument is not Instrument.LAWSUIT:
        return Reach(_over(periods, lambda period: _ANSWERS[period.in_force]), struck)
    if not belief.actions:
        return Reach(((FIRST_DAY, Level.NO),), struck)
    filed = _from(belief.actions[0].action.occurred)
    return Reach(lowest(filed, _over(periods, _undismissed)), struck)


def _over(periods: Sequence[Period], level: Callable[[Period], Level]) -> Levels:
    return _steps((FIRST_DAY, Level.NO), *((each.first, level(each)) for each in periods))


_ANSWERS: Final = {InForce.YES: Level.YES, InForce.MAYBE: Level.MAYBE, InForce.NO: Level.NO}


def _undismissed(period: Period) -> Level:
    if period.litigation == Litigation.DISMISSED:
        return Level.NO
    possible = period.possible.get("litigation", ())
    return Level.MAYBE if Litigation.DISMISSED in possible else Level.YES


# --- relations as deeds


class Spell(NamedTuple):
    """A stretch of time in which a relation acts, with the bounds of its beginning and its end."""

    begins: tuple[int, int]
    ends: tuple[int, int] | None


def spells(levels: Levels) -> list[Spell]:
    """Return the stretches in which something holds, certainly or possibly.

    Days that are possible between two that are certain stand for an end that may not have come.
    """
    found: list[Spell] = []
    begins: tuple[int, int] | None = None
    doubtful: int | None = None
    for day, level in levels:
        if level is Level.MAYBE:
            doubtful = day
            continue
        since = day if doubtful is None else doubtful
        if level is Level.YES:
            if begins is not None:
                found.append(Spell(begins, (since, LAST_DAY)))
                since = day
            begins = (since, day)
        elif begins is not None:
            found.append(Spell(begins, (since, day)))
            begins = None
        elif doubtful is not None:
            found.append(Spell((doubtful, LAST_DAY), (day, day)))
        doubtful = None
    if begins is not None:
        found.append(Spell(begins, None if doubtful is None else (doubtful, LAST_DAY)))
    elif doubtful is not None:
        found.append(Spell((doubtful, LAST_DAY), None))
    return found


def acting(inbound: Inbound) -> Levels:
    """Return when a relation acts on the policy, apart from its own end.

    From its effective day on, but never before its own policy is in force (or, where that is a
    lawsuit, before its first action), and not at all where that never is.
    """
    relation = inbound.relation
    return lowest(
        _from(relation.effective or relation.occurred),
        inbound.bearing.reach.acts,
        ((FIRST_DAY, inbound.member),),
    )


def effects_in_time(inbound: Inbound) -> Levels:
    """Return when a relation's effect on the policy holds.

    Endings and extensions fire once. What ended another stays ended even if the ending policy is
    repealed; once that one is struck down, it has ended nothing from that day on.
    """
    relation = inbound.relation.relation
    if relation in _WHILE_IN_FORCE:
        return lowest(acting(inbound), _until(inbound.relation.until))
    fired = _fired(acting(inbound))
    if relation in _EXTENDING:
        return fired
    return lowest(fired, _opposite(inbound.bearing.reach.struck), _until(inbound.relation.until))


_WHILE_IN_FORCE: Final = frozenset({Relation.SUSPENDS, Relation.ENJOINS, Relation.STAYS})
_ENDING: Final = frozenset({Relation.REPEALS, Relation.RESCINDS, Relation.SUPERSEDES})
_EXTENDING: Final = frozenset({Relation.CONTINUES, Relation.EXTENDS})


def held(deed: Deed, inbound: Inbound, *, until: Edtf | None = None) -> Iterator[Deed]:
    """Yield an action by one whose relation is of the same kind: held as that relation is.

    An ending holds while that one's policy is not struck down, a suspension while it is in force
    (a lawsuit: until it is dismissed). A lawsuit's own actions move what it enjoins.

    Args:
        deed: the action; its own dates count.
        inbound: the relation.
        until: the last day of the effect, where the action has none.

    """
    relation, reach = inbound.relation.relation, inbound.bearing.reach
    if not RELATIONS[relation].acts:
        yield deed
        return
    if relation in _ENDING:
        lets = _opposite(reach.struck)
    elif relation in _WHILE_IN_FORCE and not moved_by_case(inbound):
        lets = reach.acts
    else:
        lets = ALWAYS
    action = deed.action
    until = action.until or until
    own = lowest(_from(action.effective or action.occurred), _until(until))
    levels = lowest(own, lets)
    if levels == own and until is action.until:
        yield deed
        return
    for spell in spells(levels):
        told = msgspec.structs.replace(
            action, occurred=window(*spell.begins), effective=None, until=_last_day(spell)
        )
        yield msgspec.structs.replace(deed, action=told)


def moved_by_case(inbound: Inbound) -> bool:
    """Tell whether a relation enjoins by a lawsuit, so that the moves of its case end it."""
    return inbound.relation.relation is Relation.ENJOINS and inbound.bearing.lawsuit


def _last_day(spell: Spell) -> Occurrence | None:
    """Return the last day of a stretch, as a date between bounds."""
    if spell.ends is None:
        return None
    first, last = spell.ends
    return window(first - 1, last if last == LAST_DAY else last - 1)


def shown_until(inbound: Inbound) -> Edtf | None:
    """Return the last day of a relation's effect on the policy, None where that has no end.

    What a relation says of its end stands, unless its own policy lets the effect end before: a
    repeal when that is struck down, a suspension when it is no longer in force. Where the effect
    comes and goes it is the end of its last stretch.
    """
    relation = inbound.relation
    if not RELATIONS[relation.relation].acts or relation.relation not in _ENDING | _WHILE_IN_FORCE:
        return relation.until
    held = spells(effects_in_time(inbound))
    if not held or held[-1].ends is None:
        return relation.until
    until = relation.until
    if until is not None and held[-1].ends == (earliest_day(until) + 1, latest_day(until) + 1):
        return until
    return _last_day(held[-1])


def deeds_of(inbound: Inbound, *, told: bool = False) -> Iterator[Deed]:
    """Yield what a relation does to the policy, as deeds of actions that amount to the same.

    Args:
        inbound: the relation.
        told: an action of the policy's own stream tells of it already.

    """
    relation = inbound.relation.relation
    if not RELATIONS[relation].acts:
        return
    key = case_key(inbound)
    if relation is Relation.CHALLENGES or moved_by_case(inbound):
        yield from _case(inbound, key, told=told)
    elif not told:
        yield from _spells(inbound, key)


def _spells(inbound: Inbound, key: str) -> Iterator[Deed]:
    relation = inbound.relation
    for spell in spells(effects_in_time(inbound)):
        if relation.relation in _EXTENDING:
            yield _deed(inbound, spell.begins, relation.until, key)
            return
        yield _deed(inbound, spell.begins, _last_day(spell), key)


def effect_order(believed: BelievedRelation, acts: Levels) -> tuple[int, int, int]:
    """Return where a relation stands in the order of effects.

    Args:
        believed: the relation.
        acts: when its own policy's relations can act; it takes no effect before.

    """
    when = believed.relation.effective or believed.relation.occurred
    first = next((day for day, level in acts if level is not Level.NO), LAST_DAY)
    if when is None:
        return first, first, believed.position
    return max(earliest_day(when), first), max(latest_day(when), first), believed.position


def is_move(action: ActionRecorded) -> bool:
    """Tell whether an action moves a case."""
    return ACTIONS[action.action].effect is Effect.LITIGATE


def case_key(inbound: Inbound) -> str:
    """Return the case that a relation's litigation belongs to."""
    by = inbound.relation.by
    return f"policy/{inbound.bearing.source}" if by is None else by.key


def amounts_to(
    inbound: Inbound, occurred: Occurrence, effective: Edtf | None, until: Edtf | None
) -> ActionRecorded:
    """Return the action of the target that a relation amounts to, with these dates."""
    relation = inbound.relation
    action = inbound.action
    if action is None:
        raise ValueError(relation.relation)
    return ActionRecorded(
        action=action,
        occurred=occurred,
        effective=effective,
        until=until,
        by=relation.by,
        scope=relation.scope,
        provision=relation.provision,
        sources=relation.sources,
    )


def _deed(inbound: Inbound, begins: tuple[int, int], until: Edtf | None, key: str) -> Deed:
    action = amounts_to(inbound, window(*begins), None, until)
    event = inbound.believed.event
    return Deed(event, inbound.believed.position, action, frozenset({event}), key)


def window(first: int, last: int) -> Occurrence:
    """Return a date that lies between two days, LAST_DAY and FIRST_DAY standing for open."""
    earliest = None if first <= FIRST_DAY else date.fromordinal(first)
    latest = None if last >= LAST_DAY else date.fromordinal(last)
    if earliest == latest:
        return Occurrence("XXXX" if earliest is None else earliest.isoformat(), earliest, latest)
    return Occurrence(f"{earliest or '..'}/{latest or '..'}", earliest, latest)


def _case(inbound: Inbound, key: str, *, told: bool) -> Iterator[Deed]:
    """Yield a case's opening, then what its lawsuit's own stream says of it.

    A lawsuit that challenges a part moves that part, where its actions name no other.
    """
    relation = inbound.relation
    if not told:
        yield from _opening(inbound, key)
    for each in inbound.bearing.moves:
        action = each.action
        if part_of(action) is None:
            action = msgspec.structs.replace(
                action, scope=relation.scope, provision=relation.provision
            )
        because = frozenset(each.decided_by)
        yield _perhaps(inbound, Deed(each.event, each.position, action, because, key))


def _opening(inbound: Inbound, key: str) -> Iterator[Deed]:
    """Yield what opens a case: a challenge, or an injunction if it acts before the dismissal."""
    relation = inbound.relation
    if relation.relation is Relation.ENJOINS:
        for spell in spells(effects_in_time(inbound))[:1]:
            yield _deed(inbound, spell.begins, relation.until, key)
        return
    occurred = relation.occurred or inbound.bearing.begun or SOME_DAY
    opening = amounts_to(inbound, occurred, relation.effective, relation.until)
    event = inbound.believed.event
    deed = Deed(event, inbound.believed.position, opening, frozenset({event}), key)
    yield _perhaps(inbound, deed)


def _perhaps(inbound: Inbound, deed: Deed) -> Deed:
    """Return the deed, as one that may never have happened where membership is doubtful."""
    if inbound.member is Level.YES:
        return deed
    acts_on = deed.action.effective or deed.action.occurred
    action = msgspec.structs.replace(
        deed.action, occurred=window(earliest_day(acts_on), LAST_DAY), effective=None
    )
    return msgspec.structs.replace(deed, action=action)


SOME_DAY: Final = Occurrence.parse("XXXX")
