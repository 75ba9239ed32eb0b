"""How policies bear on others: when a relation acts on its target, and as which deeds (rule 7).

Owns the reach of a policy, and the translation of relations into deeds of their targets. Must not know how policies are found, nor how deeds fold.
"""

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import date
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from timeline.domain.belief import Belief, BelievedAction, BelievedRelation
from timeline.domain.dates import Edtf, Occurrence
from timeline.domain.effects import Deed, earliest_day, latest_day, part_of
from timeline.domain.events import ActionRecorded, RelationAsserted
from timeline.domain.levels import (
    ALWAYS,
    Days,
    Level,
    Levels,
    Spell,
    covers,
    fired,
    lowest,
    opposite,
    since,
    spells,
    stepped,
    up_to,
)
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


class Reach(msgspec.Struct, frozen=True):
    """When a policy's relations can act, and when it counts as struck down.

    A lawsuit, which never is in force, acts from its first action until it is dismissed. `tangles`
    are days on which it possibly acts, and may begin to and cease to more than once.
    """

    acts: Levels
    struck: Levels
    tangles: tuple[Days, ...] = ()


POSSIBLY: Final = Reach(
    ((FIRST_DAY, Level.MAYBE),), ((FIRST_DAY, Level.NO),), ((FIRST_DAY, LAST_DAY),)
)
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


# --- the reach of a policy


def reach_of(belief: Belief, periods: Sequence[Period]) -> Reach:
    """Return when a policy's relations can act, given its periods."""
    struck = _over(periods, lambda period: _ANSWERS[period.void])
    if belief.described.instrument is not Instrument.LAWSUIT:
        acts = _over(periods, lambda period: _ANSWERS[period.in_force])
        return Reach(acts, struck, tuple(_tangles(belief, periods, acts, "force")))
    if not belief.actions:
        return Reach(((FIRST_DAY, Level.NO),), struck)
    filed = since(belief.actions[0].action.occurred)
    acts = lowest(filed, _over(periods, _undismissed))
    return Reach(acts, struck, tuple(_tangles(belief, periods, acts, "litigation")))


def _tangles(belief: Belief, periods: Sequence[Period], acts: Levels, axis: str) -> Iterator[Days]:
    """Yield the days of doubt on which more than one uncertain date decides, or another policy."""
    lasts = (*(day for day, _ in acts[1:]), LAST_DAY)
    runs = [(day, last) for (day, level), last in zip(acts, lasts, strict=True) if level is _MAYBE]
    own = {id: each for each in belief.actions for id in each.decided_by} if runs else {}
    for first, last in runs:
        start = bisect_left(periods, first, key=_LAST)
        stop = bisect_left(periods, last, lo=start, key=_FIRST)
        decided = {
            event for period in periods[start:stop] for event in period.decided_by.get(axis, ())
        }
        dates = {
            (each.event, when.text)
            for event in decided
            if (each := own.get(event)) is not None
            for when in (each.action.occurred, each.action.effective, each.action.until)
            if when is not None and _within(when, first, last)
        }
        if len(dates) > 1 or not decided <= own.keys():
            yield first, last


def _within(when: Edtf, first: int, last: int) -> bool:
    """Tell whether it is uncertain on some days whether a date has passed."""
    return earliest_day(when) != latest_day(when) and (
        earliest_day(when) < last and first <= latest_day(when)
    )


def _over(periods: Sequence[Period], level: Callable[[Period], Level]) -> Levels:
    return stepped((FIRST_DAY, Level.NO), *((each.first, level(each)) for each in periods))


_MAYBE: Final = Level.MAYBE
_FIRST: Final = attrgetter("first")
_LAST: Final = attrgetter("last")
_ANSWERS: Final = {InForce.YES: Level.YES, InForce.MAYBE: Level.MAYBE, InForce.NO: Level.NO}


def _undismissed(period: Period) -> Level:
    if period.litigation == Litigation.DISMISSED:
        return Level.NO
    possible = period.possible.get("litigation", ())
    return Level.MAYBE if Litigation.DISMISSED in possible else Level.YES


# --- relations as deeds


def acting(inbound: Inbound) -> Levels:
    """Return when a relation acts on the policy, apart from its own end.

    From its effective day on, but never before its own policy is in force (or, where that is a
    lawsuit, before its first action), and not at all where that never is.
    """
    return lowest(_acting(inbound), ((FIRST_DAY, inbound.member),))


def _acting(inbound: Inbound) -> Levels:
    """Return when a relation acts on the policies that it names."""
    relation = inbound.relation
    return lowest(since(relation.effective or relation.occurred), inbound.bearing.reach.acts)


def effects_in_time(inbound: Inbound) -> Levels:
    """Return when a relation's effect on the policy holds.

    Endings and extensions fire once. What ended another stays ended even if the ending policy is
    repealed; once that one is struck down, it has ended nothing from that day on.
    """
    relation = inbound.relation.relation
    if relation in _WHILE_IN_FORCE:
        return lowest(acting(inbound), up_to(inbound.relation.until))
    if relation in _EXTENDING:
        return fired(acting(inbound))
    return lowest(fired(acting(inbound)), _letting(inbound))


def _letting(inbound: Inbound) -> Levels:
    """Return until when a relation's effect can last: that which can end it."""
    until = up_to(inbound.relation.until)
    if inbound.relation.relation in _WHILE_IN_FORCE:
        return lowest(inbound.bearing.reach.acts, until)
    return lowest(opposite(inbound.bearing.reach.struck), until)


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
    lets, tangles = ALWAYS, reach.tangles
    if relation in _ENDING:
        lets, tangles = opposite(reach.struck), ()
    elif relation in _WHILE_IN_FORCE and not moved_by_case(inbound):
        lets = reach.acts
    action = deed.action
    until = action.until or until
    own = lowest(since(action.effective or action.occurred), up_to(until))
    if not covers(lets, own):
        stretches = spells(lowest(own, lets), lowest(lets, up_to(until)), tangles)
        yield from _held_back(deed, stretches)
    elif until is action.until:
        yield deed
        return
    else:
        told = msgspec.structs.replace(action, until=until)
        yield msgspec.structs.replace(deed, action=told)
    if inbound.member is not Level.YES:
        yield msgspec.structs.replace(deed, doubtful=True)


def _held_back(deed: Deed, stretches: Iterable[Spell]) -> Iterator[Deed]:
    """Yield an action for the stretches in which another policy lets it hold."""
    when = deed.action.effective or deed.action.occurred
    for spell in stretches:
        action = msgspec.structs.replace(deed.action, until=_last_day(spell))
        if spell.begins != (earliest_day(when), latest_day(when)):
            action = msgspec.structs.replace(action, occurred=window(*spell.begins), effective=None)
        yield msgspec.structs.replace(
            deed, action=action, doubtful=spell.doubtful, lapses=spell.lapses
        )


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
    held = spells(effects_in_time(inbound), _letting(inbound))
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
    """Yield what a relation does by itself, for each stretch in which it does."""
    holding = inbound.relation.relation in _WHILE_IN_FORCE
    for deed in (_holdings if holding else _firings)(inbound, key):
        yield _perhaps(inbound, deed)


def _holdings(inbound: Inbound, key: str) -> Iterator[Deed]:
    """Yield what holds back those that the relation names while its own policy is in force."""
    relation = inbound.relation
    said = relation.effective or relation.occurred
    own = lowest(since(said), up_to(relation.until))
    if said is not None and covers(inbound.bearing.reach.acts, own):
        yield _deed(inbound, (earliest_day(said), latest_day(said)), relation.until, key)
        return
    levels = lowest(_acting(inbound), up_to(relation.until))
    for spell in spells(levels, _letting(inbound), inbound.bearing.reach.tangles):
        yield _in_spell(inbound, spell, key)


def _firings(inbound: Inbound, key: str) -> Iterator[Deed]:
    """Yield what ends or extends, once, those that the relation names.

    It fires as it begins to act. Where it is not certain when that is at first, it fires on one of
    several days, and on no two of them.
    """
    beginnings = list(_beginnings(inbound))
    several = len(beginnings) > 1
    for begins, doubtful, floats in beginnings:
        for number, deed in enumerate(_fired_in(inbound, begins, key)):
            yield msgspec.structs.replace(
                deed,
                doubtful=deed.doubtful or doubtful or (several and number > 0),
                once=several and number == 0,
                floats=floats and number == 0,
            )


class _Beginning(NamedTuple):
    """Between which days a relation may begin to act, for the first time.

    A `doubtful` one may never come. What `floats` may come before or after anything meanwhile.
    """

    begins: tuple[int, int]
    doubtful: bool
    floats: bool = False


def _beginnings(inbound: Inbound) -> Iterator[_Beginning]:
    reach = inbound.bearing.reach
    for spell in spells(_acting(inbound), reach.acts, reach.tangles):
        if not spell.tangled:
            yield _Beginning(spell.begins, spell.doubtful)
        else:
            yield _Beginning(spell.begins, doubtful=True, floats=True)
            if not spell.doubtful:
                yield _Beginning((spell.begins[1], spell.begins[1]), doubtful=False)
        if not spell.doubtful:
            return


def _fired_in(inbound: Inbound, begins: tuple[int, int], key: str) -> Iterator[Deed]:
    """Yield what a relation does that fires between two days."""
    relation = inbound.relation
    until = up_to(relation.until)
    begun = stepped((FIRST_DAY, Level.NO), (begins[0], Level.MAYBE), (begins[1], Level.YES))
    said = relation.effective or relation.occurred
    as_said = said is not None and begins == (earliest_day(said), latest_day(said))
    stands = as_said and covers(opposite(inbound.bearing.reach.struck), lowest(begun, until))
    if stands or relation.relation in _EXTENDING:
        yield _deed(inbound, begins, relation.until, key)
        return
    letting = _letting(inbound)
    for spell in spells(lowest(begun, letting), letting):
        yield _in_spell(inbound, spell, key)


def _in_spell(inbound: Inbound, spell: Spell, key: str) -> Deed:
    deed = _deed(inbound, spell.begins, _last_day(spell), key)
    return msgspec.structs.replace(deed, doubtful=spell.doubtful, lapses=spell.lapses)


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
        yield from _injunction(inbound, key)
        return
    occurred = relation.occurred or inbound.bearing.begun or SOME_DAY
    opening = amounts_to(inbound, occurred, relation.effective, relation.until)
    event = inbound.believed.event
    deed = Deed(event, inbound.believed.position, opening, frozenset({event}), key)
    yield _perhaps(inbound, deed)


def _injunction(inbound: Inbound, key: str) -> Iterator[Deed]:
    """Yield a lawsuit's injunction, in the first stretch in which it acts."""
    relation = inbound.relation
    stretches = spells(lowest(_acting(inbound), up_to(relation.until)), _letting(inbound))
    for number, stretch in enumerate(stretches):
        deed = _deed(inbound, stretch.begins, relation.until, key)
        doubtful = stretch.doubtful or number > 0
        yield _perhaps(inbound, msgspec.structs.replace(deed, doubtful=doubtful))
        if not stretch.doubtful:
            return


def _perhaps(inbound: Inbound, deed: Deed) -> Deed:
    """Return the deed, as one that may never have happened where membership is doubtful."""
    if inbound.member is Level.YES:
        return deed
    return msgspec.structs.replace(deed, doubtful=True)


SOME_DAY: Final = Occurrence.parse("XXXX")
