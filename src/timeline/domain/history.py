"""From what is believed of a policy, and what bears on it, to its periods on the three axes.

Owns the fold as a whole: which of a policy's actions and of others' relations act, what is one
effect told twice, whom a selector names, and what the periods rest on. Must not know where events
are stored or which position a reader asked about: it folds what it is given.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from timeline.domain.bearing import (
    SOME_DAY,
    Bearing,
    Inbound,
    Reach,
    Variant,
    acting,
    amounts_to,
    case_key,
    deeds_of,
    effect_order,
    held,
    is_move,
    reach_of,
    shown_until,
    window,
)
from timeline.domain.belief import (
    Belief,
    BelievedAction,
    BelievedRelation,
    Believer,
    PastEvent,
)
from timeline.domain.cutting import Cutter
from timeline.domain.dates import Edtf, Occurrence
from timeline.domain.differences import difference
from timeline.domain.doubt import (
    AXES,
    MAX_CLAIMS,
    RELATED,
    Account,
    Followed,
    accounts,
    claimed_beliefs,
    overlaid,
)
from timeline.domain.effects import Deed, earliest_day, latest_day, part_of
from timeline.domain.events import Counterpart, RelationAsserted, citation_key
from timeline.domain.levels import Level, Spell, spells
from timeline.domain.pairing import UNPAIRED, Pairs, paired
from timeline.domain.periods import Period
from timeline.domain.selecting import chosen, standing_on
from timeline.domain.vocabulary import (
    RELATIONS,
    Instrument,
    Relation,
)


class History(Belief, frozen=True, kw_only=True):
    """What the record believes about a policy.

    `received` are the relations of others that no action of its own tells of, as actions of its
    timeline. `periods` are with all that open claims make possible: `believed` are those without,
    `followed` what follows from each claim, and `beyond` tells that there are more of them.
    """

    received: tuple[BelievedAction, ...]
    periods: tuple[Period, ...]
    believed: tuple[Period, ...]
    followed: tuple[Followed, ...]
    beyond: bool


def fold(
    policy: str, events: Sequence[PastEvent], bearings: Sequence[Bearing] = ()
) -> History | None:
    """Fold a policy's events into what the record believes about it; see `Folder.fold`."""
    return Folder(policy).fold(events, bearings)


MAX_KEPT_DEEDS: Final = 40_000
"""Deeds of one policy that are kept for its open claims, some 70 MB: all claims that are followed
of a policy with 1,250 actions. What is not kept is cut anew at each event, a millisecond for fifty
actions."""


class Folder:
    """Folds a policy again and again, taking over what has not changed since the fold before.

    That saves time and changes nothing. Not safe for threads.
    """

    def __init__(self, policy: str) -> None:
        self._believer = Believer(policy)
        self._cut = _Cut()
        self._claimed: dict[str, _Cut] = {}
        self.kept_deeds = 0
        """How many deeds are kept for open claims, all claims together."""

    def believe(self, events: Sequence[PastEvent]) -> Belief | None:
        """Return what the record believes of the policy, apart from its axes."""
        return self._believer.believe(events)

    def fold(self, events: Sequence[PastEvent], bearings: Sequence[Bearing] = ()) -> History | None:
        """Fold a policy's events into what the record believes about it.

        Args:
            events: its events, and those of the duplicates merged into it, by position.
            bearings: other policies, with relations that may point at it.

        Returns:
            The history, or None where no registration of the policy is among the events.

        """
        belief = self.believe(events)
        return None if belief is None else self.concluded(belief, bearings)

    def concluded(
        self,
        belief: Belief,
        bearings: Sequence[Bearing],
        claimed: Iterable[Account] | None = None,
        beyond: Sequence[str] = (),
    ) -> History:
        """Return the history that follows from a belief and what bears on it.

        Args:
            belief: what is believed.
            bearings: what bears on it.
            claimed: the accounts of open claims; by default those that both of them have.
            beyond: the axes on which there are more of them, which are not followed.

        """
        settled, cut = _settle(belief, bearings, self._cut)
        followed: list[Followed] = []
        kept, self._claimed, self.kept_deeds = self._claimed, {}, 0
        if not beyond and any(each.beyond for each in bearings):
            beyond = RELATED
        for account in accounts(belief, bearings) if claimed is None else claimed:
            if len(followed) == MAX_CLAIMS:
                beyond = RELATED if account.belief is belief else AXES
                break
            cut_so = kept.get(account.by) or _Cut()
            if self.kept_deeds + len(account.belief.actions) <= MAX_KEPT_DEEDS:
                self._claimed[account.by] = cut_so
                self.kept_deeds += len(account.belief.actions)
            _, theirs = _settle(account.belief, account.bearings, cut_so)
            followed.append(Followed(account.by, account.belief, theirs))
        periods = cut
        if followed or beyond:
            periods = overlaid(Followed("", belief, cut), followed, beyond=beyond)
        return History(
            policy=belief.policy,
            members=belief.members,
            version=belief.version,
            position=belief.position,
            retracted_by=belief.retracted_by,
            described=belief.described,
            actions=_with_relations(settled),
            relations=belief.relations,
            disputes=belief.disputes,
            redescribed=belief.redescribed,
            received=tuple(_received(settled)),
            periods=periods,
            believed=cut,
            followed=tuple(followed),
            beyond=bool(beyond),
        )


def reached(belief: Belief, bearings: Sequence[Bearing]) -> Reach:
    """Return when a policy's relations can act, given what bears on it, apart from open claims."""
    _, cut = _settle(belief, bearings, _Cut())
    return reach_of(belief, cut)


class Names(NamedTuple):
    """By what others can point at a policy."""

    policies: frozenset[str]
    identifiers: frozenset[str]

    @classmethod
    def of(cls, belief: Belief) -> "Names":
        """Return the names of a policy: its members' ids, and its identifiers' keys."""
        return cls(belief.members, frozenset(each.key for each in belief.described.identifiers))

    @property
    def keys(self) -> frozenset[str]:
        """The names as `by` gives them."""
        return frozenset(
            (
                *(f"policy/{each}" for each in self.policies),
                *(f"citation/{each}" for each in self.identifiers),
            )
        )


NOBODY: Final = Names(frozenset(), frozenset())
"""The names of a policy that nothing bears on, so that nobody asks for them."""


# --- who bears on the policy


class Facts(NamedTuple):
    """What a policy's periods follow from, and whom a selector names."""

    instrument: Instrument
    jurisdiction: str
    actions: tuple[BelievedAction, ...]
    inbound: tuple[Inbound, ...] = ()


class _Settled(NamedTuple):
    """The facts, with the relations that do point at the policy.

    `pairs` are those of them that an action of its own tells of, too.
    """

    facts: Facts
    pairs: Pairs


def _settle(
    belief: Belief, bearings: Sequence[Bearing], before: "_Cut"
) -> tuple[_Settled, tuple[Period, ...]]:
    """Work out which relations point at the policy, and cut its periods.

    Selectors that ask what was in force are asked one after the other, in the order of their
    effect, each before it acts itself.
    """
    facts = _facts(belief)
    names = Names.of(belief) if bearings else NOBODY
    certain: list[Inbound] = []
    waiting: list[Inbound] = []
    for each in _inbound(belief, bearings):
        level = _pointed_at(each.relation, facts, names)
        if level is Level.NO:
            continue
        placed = each if level is each.member else msgspec.structs.replace(each, member=level)
        selector = each.relation.target.selector
        asks = selector is not None and selector.in_force_on is not None
        (waiting if asks else certain).append(placed)
    settled, cut = before.anew(facts, certain)
    for each in sorted(waiting, key=_order):
        level = min(each.member, standing_on(each.relation.target.selector, cut))
        if level is not Level.NO:
            certain.append(msgspec.structs.replace(each, member=level))
            settled, cut = before.anew(facts, certain)
    return settled, cut


def _facts(belief: Belief) -> Facts:
    described = belief.described
    return Facts(described.instrument, described.jurisdiction, belief.actions)


def _inbound(belief: Belief, bearings: Sequence[Bearing]) -> Iterator[Inbound]:
    """Yield the relations of others that may point at the policy; none of its own does."""
    for bearing in bearings:
        if bearing.source not in belief.members:
            yield from (Inbound(bearing, relation) for relation in bearing.relations)


def _pointed_at(relation: RelationAsserted, facts: Facts, names: Names) -> Level:
    target = relation.target
    if target.policy is not None:
        return Level.YES if target.policy in names.policies else Level.NO
    if target.citation is not None:
        return Level.YES if citation_key(target.citation) in names.identifiers else Level.NO
    if target.selector is None or names.policies & set(target.selector.except_):
        return Level.NO
    return chosen(target.selector, facts.instrument, facts.jurisdiction, facts.actions)


def may_point(relations: Iterable[RelationAsserted], belief: Belief) -> bool:
    """Tell whether any of some relations may point at a policy, by what is believed or claimed.

    What a selector asks to be in force counts as in force.
    """
    pointing = list(relations)
    return any(
        points(each, told)
        for told in chain((belief,), (told for _, told in claimed_beliefs(belief)))
        for each in pointing
    )


def points(relation: RelationAsserted, belief: Belief) -> bool:
    """Tell whether a relation may point at a policy, by what is believed."""
    return _pointed_at(relation, _facts(belief), Names.of(belief)) is not Level.NO


def _order(inbound: Inbound) -> tuple[int, int, int]:
    return effect_order(inbound.believed, inbound.bearing.reach.acts)


# --- cutting periods


class _Cut:
    """The periods of a policy as they were cut last, and the deeds that they were cut from."""

    def __init__(self) -> None:
        self._cutter: Cutter | None = None
        self._actions: tuple[BelievedAction, ...] = ()
        self._own: list[Deed] = []
        self._alone = True

    def anew(self, facts: Facts, inbound: Sequence[Inbound]) -> tuple[_Settled, tuple[Period, ...]]:
        """Cut the periods from the facts, and the relations that do point at the policy."""
        if inbound:
            facts = facts._replace(inbound=tuple(inbound))
        settled = _Settled(facts, paired(facts.actions, inbound) if inbound else UNPAIRED)
        if self._cutter is None or self._cutter.instrument is not facts.instrument:
            self._cutter = Cutter(facts.instrument)
            self._actions, self._own, self._alone = (), [], True
        if not inbound and self._alone:
            return settled, self._by_itself(self._cutter, facts.actions)
        self._alone = False
        return settled, self._cutter.cut((*_own_deeds(settled), *_others_deeds(settled)))

    def _by_itself(self, cutter: Cutter, actions: tuple[BelievedAction, ...]) -> tuple[Period, ...]:
        """Cut the periods of a policy that nothing bears on, before and now."""
        start, stop, others = difference(self._actions, actions)
        gone = {
            id(action): deed
            for action, deed in zip(self._actions[start:stop], self._own[start:stop], strict=True)
        }
        come: list[Deed] = []
        own: list[Deed] = []
        for each in actions[start:others]:
            deed = gone.pop(id(each), None)
            if deed is None:
                deed = _own_deed(each)
                come.append(deed)
            own.append(deed)
        self._actions = actions
        self._own[start:stop] = own
        return cutter.change(list(gone.values()), come)


def _own_deeds(settled: _Settled) -> Iterator[Deed]:
    cases = {
        key: case_key(inbound) for inbound in settled.facts.inbound for key in inbound.bearing.keys
    }
    twins, holders = settled.pairs
    for each in settled.facts.actions:
        deed = _own_deed(each, cases)
        relation = holders.get(each.event)
        if relation is None:
            yield deed
        else:
            because = deed.because | {relation.believed.event}
            twin = twins.get(relation.believed.event) is each
            told = msgspec.structs.replace(deed, because=because)
            yield from held(told, relation, until=relation.relation.until if twin else None)


def _own_deed(believed: BelievedAction, cases: Mapping[str, str] = MappingProxyType({})) -> Deed:
    by = believed.action.by
    return Deed(
        believed.event,
        believed.position,
        believed.action,
        frozenset(believed.decided_by),
        "" if by is None else cases.get(by.key, by.key),
    )


def _others_deeds(settled: _Settled) -> Iterable[Deed]:
    """Return what relations do, a lawsuit's action once however many relations it asserts.

    Where one of them is certain to name the policy, so is the action.
    """
    found: dict[tuple[str, str | None, tuple[int, int]], Deed] = {}
    for inbound in settled.facts.inbound:
        for deed in deeds_of(inbound, told=inbound.believed.event in settled.pairs.twins):
            occurred = deed.action.occurred
            days = earliest_day(occurred), latest_day(occurred)
            identity = (deed.event, part_of(deed.action), days)
            known = found.get(identity)
            if known is None or (known.doubtful and not deed.doubtful):
                found[identity] = deed
    return found.values()


# --- what is shown


def _with_relations(settled: _Settled) -> tuple[BelievedAction, ...]:
    """Return the policy's actions, with what they take from the relations that tell of the same."""
    if not settled.pairs.twins:
        return settled.facts.actions
    telling: dict[str, list[Inbound]] = {}
    for inbound in settled.facts.inbound:
        twin = settled.pairs.twins.get(inbound.believed.event)
        if twin is not None:
            telling.setdefault(twin.event, []).append(inbound)
    return tuple(
        _told_by(each, telling[each.event]) if each.event in telling else each
        for each in settled.facts.actions
    )


def _told_by(action: BelievedAction, relations: Sequence[Inbound]) -> BelievedAction:
    """Return an action with the relations' sources, and those that select its policy and act."""
    more = (source for each in relations for source in each.believed.sources)
    selecting = (each for each in relations if each.relation.target.selector is not None)
    return msgspec.structs.replace(
        action,
        sources=tuple(dict.fromkeys((*action.sources, *more))),
        selected_by=tuple(each.believed.event for each in selecting if _shows(each)),
    )


def _shows(inbound: Inbound) -> bool:
    """Tell whether a relation may act on the policy at all, or opens a case against it."""
    return inbound.relation.relation is Relation.CHALLENGES or bool(_held(inbound))


def _held(inbound: Inbound) -> list[Spell]:
    """Return the stretches in which a relation may act on the policy."""
    return spells(acting(inbound), inbound.bearing.reach.acts)


def _received(settled: _Settled) -> Iterator[BelievedAction]:
    """Yield the relations that act on the policy, and that no action of its own tells of."""
    for inbound in settled.facts.inbound:
        relation = inbound.relation
        if inbound.action is None or inbound.believed.event in settled.pairs.twins:
            continue
        held_in = _held(inbound)
        if not held_in and relation.relation is not Relation.CHALLENGES:
            continue
        occurred, effective = _shown_dates(inbound, held_in)
        action = amounts_to(inbound, occurred, effective, shown_until(inbound))
        by = action.by or Counterpart(policy=inbound.bearing.source)
        yield BelievedAction(
            event=inbound.believed.event,
            policy=inbound.believed.policy,
            position=inbound.believed.position,
            recorded_at=inbound.believed.recorded_at,
            action=msgspec.structs.replace(action, by=by),
            decided_by=(inbound.believed.event,),
            sources=inbound.believed.sources,
            disputed=inbound.believed.disputed,
            erased=inbound.believed.erased,
            selected_by=() if relation.target.selector is None else (inbound.believed.event,),
        )


def _shown_dates(inbound: Inbound, held: Sequence[Spell]) -> tuple[Occurrence, Edtf | None]:
    """Return when a relation occurred to the policy, and its effective date where that differs.

    Where it acts later than it says, or perhaps never, that is when: a timeline is not to show an
    end that has not come.
    """
    relation = inbound.relation
    said = relation.effective or relation.occurred
    if relation.relation is not Relation.CHALLENGES and held:
        begins = held[0].begins
        if said is None or begins != (earliest_day(said), latest_day(said)):
            return window(*begins), None
    day = relation.occurred or relation.effective
    return SOME_DAY if day is None else Occurrence.parse(day.text), relation.effective


# --- what the policy bears on others


def bearing_of(history: History) -> Bearing | None:
    """Return what a policy bears on others, or None where it asserts nothing that shows on them."""
    if not history.relations:
        return None
    told = bears(history, reach_of(history, history.believed))
    variants = tuple(
        Variant(each.by, other)
        for each in history.followed
        if (other := bears(each.belief, reach_of(each.belief, each.periods))).differs(told)
    )
    if not (told.relations or variants or history.beyond):
        return None
    return msgspec.structs.replace(told, variants=variants, beyond=history.beyond)


def bears(belief: Belief, reach: Reach) -> Bearing:
    """Return what a policy bears on others with a given reach, apart from open claims."""
    lawsuit = belief.described.instrument is Instrument.LAWSUIT
    return Bearing(
        source=belief.policy,
        keys=Names.of(belief).keys,
        lawsuit=lawsuit,
        begun=belief.actions[0].action.occurred if belief.actions else None,
        reach=reach,
        moves=tuple(each for each in belief.actions if lawsuit and is_move(each.action)),
        relations=asserted(belief),
    )


def asserted(belief: Belief) -> tuple[BelievedRelation, ...]:
    """Return the relations of a policy that show on others."""
    if belief.retracted_by is not None:
        return ()
    return tuple(
        each for each in belief.relations if RELATIONS[each.relation.relation].action is not None
    )
