"""From a policy's events to what the record believes of it, apart from time.

Owns which events stand, the description, the actions and relations with their evidence, and the
disputes. Must not know what any of this does to the three axes: that is `history`'s business.
"""

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET

from timeline.domain.effects import action_key
from timeline.domain.events import (
    ActionCorrected,
    ActionRecorded,
    Claim,
    Data,
    EventRetracted,
    Identifier,
    Party,
    PoliciesMerged,
    PolicyDescribed,
    PolicyRegistered,
    RelationAsserted,
    Source,
    SourceAttached,
    Stance,
    field_type,
    read,
)
from timeline.domain.machines import Key
from timeline.domain.situation import correct, fold_text
from timeline.domain.vocabulary import EventType, Instrument

T = TypeVar("T")


class PastEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the record as the fold reads it.

    `data` is the replacement where the payload is erased, or None where there is none: the event
    then counts as retracted.
    """

    position: int
    id: str
    policy: str
    version: int
    type: EventType
    recorded_at: str
    recorded_by: str
    data: Data | None
    erased: bool = False


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says against an event; open until a correction settles it."""

    event: str
    by: str
    claim: Claim
    source: Source
    settled_by: str | None


class BelievedAction(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """An action after its corrections, with every source that bears it out.

    `decided_by` names the original event and the corrections that stand, in the record's order;
    `selected_by` the relations that it tells of and that name its policy by a selector.
    """

    event: str
    policy: str
    position: int
    recorded_at: str
    action: ActionRecorded
    decided_by: tuple[str, ...]
    sources: tuple[Source, ...]
    disputed: bool
    erased: bool
    selected_by: tuple[str, ...] = ()

    @property
    def corrected(self) -> bool:
        """Tell whether a correction stands."""
        return len(self.decided_by) > 1


class BelievedRelation(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """A relation that stands, with every source that bears it out."""

    event: str
    policy: str
    position: int
    recorded_at: str
    relation: RelationAsserted
    sources: tuple[Source, ...]
    disputed: bool
    erased: bool


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A policy's description; `decided_by` names, per field, the event that set it."""

    title: str
    instrument: Instrument
    jurisdiction: str
    body: str | None
    identifiers: tuple[Identifier, ...]
    topics: tuple[str, ...]
    sponsors: tuple[Party, ...]
    summary: str | None
    sources: tuple[Source, ...]
    decided_by: dict[str, str]


class Belief(msgspec.Struct, frozen=True, kw_only=True):
    """What the record believes of a policy, apart from what follows for its three axes.

    `members` are the policy and the duplicates that are merged into it. `redescribed` are the
    descriptions that open claims lead to, each with the dispute that makes the claim.
    """

    policy: str
    members: frozenset[str]
    version: int
    position: int
    retracted_by: str | None
    described: Described
    actions: tuple[BelievedAction, ...]
    relations: tuple[BelievedRelation, ...]
    disputes: tuple[Dispute, ...]
    redescribed: tuple[tuple[str, Described], ...] = ()


def standing(events: Sequence[PastEvent]) -> dict[str, str]:
    """Return which events do not stand, each with the event that takes it back.

    An event stands unless a retraction of it stands; retractions come later than what they
    retract, so one pass from the newest event decides all.
    """
    taken_back: dict[str, str] = {}
    for event in reversed(events):
        if event.data is None and event.erased:
            taken_back.setdefault(event.id, event.id)
        if event.id not in taken_back and isinstance(event.data, EventRetracted):
            taken_back[event.data.event] = event.id
    return taken_back


class _Made(NamedTuple, Generic[T]):
    """What an event came to, and what that rests on."""

    rests_on: tuple[Any, ...]
    believed: T
    key: Key


class Believer:
    """Works out a policy's belief from its events, again and again.

    What an event came to is taken over as long as what bears on it has not changed, and where one
    more action or correction is all that is new, nothing else is looked at: a long stream costs
    little for each further event. Not safe for threads.
    """

    def __init__(self, policy: str) -> None:
        self._policy = policy
        self._actions: dict[str, _Made[BelievedAction]] = {}
        self._order: list[Key] = []
        self._relations: dict[str, _Made[BelievedRelation]] = {}
        self._described: tuple[tuple[object, ...], Described] | None = None
        self._last: tuple[int, PastEvent, Belief, _Evidence] | None = None

    def believe(self, events: Sequence[PastEvent]) -> Belief | None:
        """Return what the record believes of the policy.

        Args:
            events: its events, and those of the duplicates merged into it, by position.

        Returns:
            The belief, or None where no registration of the policy is among the events.

        """
        belief = self._followed(events)
        if belief is not None:
            return belief
        own = [event for event in events if event.policy == self._policy]
        registration = next(
            (event for event in own if isinstance(event.data, PolicyRegistered)), None
        )
        if registration is None:
            return None
        taken_back = standing(events)
        stands = (
            [event for event in events if event.id not in taken_back]
            if taken_back
            else list(events)
        )
        evidence = _Evidence(stands, taken_back)
        described = self._describe(registration, stands, evidence)
        belief = Belief(
            policy=self._policy,
            members=frozenset(event.policy for event in events),
            version=own[-1].version,
            position=events[-1].position,
            retracted_by=taken_back.get(registration.id),
            described=described,
            actions=self._believed_actions(stands, evidence),
            relations=self._believed_relations(stands, evidence),
            disputes=tuple(evidence.disputes),
            redescribed=tuple(_redescribed(registration, stands, evidence, described))
            if evidence.open
            else (),
        )
        self._last = len(events), events[-1], belief, evidence
        return belief

    def _followed(self, events: Sequence[PastEvent]) -> Belief | None:
        """Return the belief where at most one action or correction is new since the last.

        Nothing else can have changed then: neither of them bears on who is merged, on what stands,
        or, as long as a correction settles nothing, on disputes.
        """
        if self._last is None:
            return None
        count, last, belief, evidence = self._last
        event = events[-1]
        if len(events) == count and event is last:
            return belief
        if len(events) != count + 1 or events[-2] is not last or event.policy != self._policy:
            return None
        actions = self._actions_with(event, belief.actions, evidence)
        if actions is None:
            return None
        belief = msgspec.structs.replace(
            belief, version=event.version, position=event.position, actions=actions
        )
        self._last = len(events), event, belief, evidence
        return belief

    def _actions_with(
        self, event: PastEvent, actions: tuple[BelievedAction, ...], evidence: "_Evidence"
    ) -> tuple[BelievedAction, ...] | None:
        """Return the actions with one more, or with one corrected; None for any other event."""
        data = event.data
        if event.erased:
            return None
        if isinstance(data, ActionRecorded):
            return self._with_action(actions, event, data, evidence)
        if not isinstance(data, ActionCorrected) or data.settles:
            return None
        made = self._actions.get(data.event)
        if made is None:
            return None
        evidence.corrections.setdefault(data.event, []).append((event, data))
        original = made.rests_on[0]
        return self._with_action(
            self._without_action(actions, made), original, original.data, evidence
        )

    def _with_action(
        self,
        actions: tuple[BelievedAction, ...],
        event: PastEvent,
        data: ActionRecorded,
        evidence: "_Evidence",
    ) -> tuple[BelievedAction, ...]:
        made = _made(event, data, evidence)
        self._actions[event.id] = made
        place = bisect_left(self._order, made.key)
        self._order.insert(place, made.key)
        return (*actions[:place], made.believed, *actions[place:])

    def _without_action(
        self, actions: tuple[BelievedAction, ...], made: "_Made[BelievedAction]"
    ) -> tuple[BelievedAction, ...]:
        place = bisect_left(self._order, made.key)
        del self._order[place]
        return (*actions[:place], *actions[place + 1 :])

    def _believed_actions(
        self, stands: Sequence[PastEvent], evidence: "_Evidence"
    ) -> tuple[BelievedAction, ...]:
        """Return the actions in the order of rule 1."""
        known, self._actions = self._actions, {}
        for event in stands:
            if not isinstance(event.data, ActionRecorded):
                continue
            made = known.get(event.id)
            if made is None or not _same_objects(made.rests_on, (event, *evidence.about(event.id))):
                made = _made(event, event.data, evidence)
            self._actions[event.id] = made
        ordered = sorted(self._actions.values(), key=attrgetter("key"))
        self._order = [each.key for each in ordered]
        return tuple(each.believed for each in ordered)

    def _believed_relations(
        self, stands: Sequence[PastEvent], evidence: "_Evidence"
    ) -> tuple[BelievedRelation, ...]:
        """Return the relations in the record's order."""
        known, self._relations = self._relations, {}
        for event in stands:
            if not isinstance(event.data, RelationAsserted):
                continue
            rests_on = (event, *evidence.about(event.id))
            made = known.get(event.id)
            if made is None or not _same_objects(made.rests_on, rests_on):
                key = Key(0, 0, 0, 0, "", event.position)
                made = _Made(rests_on, _relate(event, event.data, evidence), key)
            self._relations[event.id] = made
        return tuple(each.believed for each in self._relations.values())

    def _describe(
        self, registration: PastEvent, stands: Sequence[PastEvent], evidence: "_Evidence"
    ) -> Described:
        telling = [registration, *(event for event in stands if _tells(event))]
        rests_on = (*telling, *(each for event in telling for each in evidence.about(event.id)))
        if self._described is None or not _same_objects(self._described[0], rests_on):
            self._described = rests_on, _describe(registration, stands, evidence)
        return self._described[1]


def _made(event: PastEvent, data: ActionRecorded, evidence: "_Evidence") -> _Made[BelievedAction]:
    believed = _believe(event, data, evidence)
    rests_on = (event, *evidence.about(event.id))
    return _Made(rests_on, believed, action_key(believed.action, event.position))


def _same_objects(some: Sequence[object], others: Sequence[object]) -> bool:
    return len(some) == len(others) and all(
        one is other for one, other in zip(some, others, strict=True)
    )


def _tells(event: PastEvent) -> bool:
    return isinstance(event.data, PolicyRegistered | PolicyDescribed | PoliciesMerged)


class _Evidence:
    """Corrections and attached sources that stand, by the event they are about.

    A dispute about what is taken back itself is none.
    """

    def __init__(self, stands: Sequence[PastEvent], taken_back: Container[str]) -> None:
        self.corrections: dict[str, list[tuple[PastEvent, ActionCorrected]]] = {}
        self.disputes: list[Dispute] = []
        self._supports: dict[str, list[tuple[PastEvent, Source]]] = {}
        settled: dict[str, str] = {}
        attached: list[tuple[PastEvent, SourceAttached]] = []
        for event in stands:
            data = event.data
            if isinstance(data, ActionCorrected):
                self.corrections.setdefault(data.event, []).append((event, data))
                settled.update(dict.fromkeys(data.settles, event.id))
            elif isinstance(data, SourceAttached) and data.event not in taken_back:
                attached.append((event, data))
        for event, data in attached:
            self._attach(event, data, settled.get(event.id))
        self.open = {each.event for each in self.disputes if each.settled_by is None}

    def _attach(self, event: PastEvent, data: SourceAttached, settled_by: str | None) -> None:
        if data.stance is Stance.SUPPORTS or data.claim is None:
            self._supports.setdefault(data.event, []).append((event, data.source))
            return
        self.disputes.append(
            Dispute(
                event=data.event,
                by=event.id,
                claim=data.claim,
                source=data.source,
                settled_by=settled_by,
            )
        )

    def about(self, event: str) -> tuple[object, ...]:
        """Return all that bears on what an event comes to."""
        corrections = [each for each, _ in self.corrections.get(event, ())]
        supported = (event, *(each.id for each in corrections))
        supports = (each for id in supported for each, _ in self._supports.get(id, ()))
        return (event in self.open, *corrections, *supports)

    def sources(self, own: Iterable[Source], *events: str) -> tuple[Source, ...]:
        """Return the events' own sources and those attached to them, each once."""
        found = tuple(own)
        if self._supports:
            found += tuple(
                source for event in events for _, source in self._supports.get(event, ())
            )
        return tuple(dict.fromkeys(found)) if len(found) > 1 else found


def _believe(event: PastEvent, data: ActionRecorded, evidence: _Evidence) -> BelievedAction:
    corrections = evidence.corrections.get(event.id, [])
    action = data
    sources: list[Source] = []
    for _, correction in corrections:
        action = correct(action, correction.changes)
        sources.extend(correction.sources)
    ids = [each.id for each, _ in corrections]
    return BelievedAction(
        event=event.id,
        policy=event.policy,
        position=event.position,
        recorded_at=event.recorded_at,
        action=action,
        decided_by=(event.id, *ids),
        sources=evidence.sources((*action.sources, *sources), event.id, *ids),
        disputed=event.id in evidence.open,
        erased=event.erased,
    )


def _relate(event: PastEvent, data: RelationAsserted, evidence: _Evidence) -> BelievedRelation:
    return BelievedRelation(
        event=event.id,
        policy=event.policy,
        position=event.position,
        recorded_at=event.recorded_at,
        relation=data,
        sources=evidence.sources(data.sources, event.id),
        disputed=event.id in evidence.open,
        erased=event.erased,
    )


# --- the description


def _describe(
    registration: PastEvent, stands: Sequence[PastEvent], evidence: _Evidence
) -> Described:
    """Return the description, with the identifiers and topics of the duplicates merged into it.

    A retracted registration still describes: the policy can be read at earlier positions.
    """
    fields, decided_by, told_by = _told(registration, stands)
    for duplicate in _duplicates(stands):
        theirs, _, _ = _told(duplicate, stands)
        for name, key in (("identifiers", _IDENTIFIER_KEY), ("topics", fold_text)):
            fields[name] = _united(fields[name], theirs[name], key)
    fields["sources"] = evidence.sources(fields["sources"], *told_by)
    return Described(**fields, decided_by=decided_by)


_NAMING: Final = ("instrument", "jurisdiction", "identifiers")
"""Fields of a description that other answers depend on; first that which decides on the axes."""


def _redescribed(
    registration: PastEvent,
    stands: Sequence[PastEvent],
    evidence: _Evidence,
    described: Described,
) -> Iterator[tuple[str, Described]]:
    """Yield the descriptions that open claims lead to, each once."""
    telling = {event.id: place for place, event in enumerate(stands) if _tells(event)}
    known = [described]
    claims = [
        each
        for name in _NAMING
        for each in evidence.disputes
        if each.claim.field == name and each.settled_by is None and each.event in telling
    ]
    for dispute in claims:
        place = telling[dispute.event]
        told = _claimed(stands[place], dispute.claim)
        if told is None:
            continue
        first = told if told.id == registration.id else registration
        found = _describe(first, (*stands[:place], told, *stands[place + 1 :]), evidence)
        if found not in known:
            known.append(found)
            yield dispute.by, found


def _claimed(event: PastEvent, claim: Claim) -> PastEvent | None:
    """Return a describing event as a claim has it; None where it does not tell of the field."""
    data = event.data
    if data is None or getattr(data, claim.field, UNSET) is UNSET:
        return None
    value = read(field_type(type(data), claim.field), claim.value, "claim.value")
    claimed = msgspec.structs.replace(data, **{claim.field: value})
    return msgspec.structs.replace(event, data=claimed)


_IDENTIFIER_KEY: Final = attrgetter("key")


def _united(own: tuple[T, ...], theirs: Iterable[T], key: Callable[[T], str]) -> tuple[T, ...]:
    """Return one's own and what of the other's does not compare equal to it."""
    known = {key(each) for each in own}
    return (*own, *(each for each in theirs if key(each) not in known))


_DESCRIPTION: Final = tuple(name for name in Described.__struct_fields__ if name != "decided_by")


def _told(
    registration: PastEvent, stands: Sequence[PastEvent]
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Return what a policy's own stream says of it, who decides each field, and who says so.

    That is the registration, then every PolicyDescribed that stands.
    """
    fields: dict[str, Any] = {name: getattr(registration.data, name) for name in _DESCRIPTION}
    decided_by = {name: registration.id for name in _DESCRIPTION if fields[name]}
    told_by = [registration.id]
    for event in stands:
        if event.policy != registration.policy or not isinstance(event.data, PolicyDescribed):
            continue
        told_by.append(event.id)
        for name in _DESCRIPTION:
            value = getattr(event.data, name)
            if value is not UNSET:
                fields[name] = value
                decided_by[name] = event.id
    return fields, decided_by, told_by


def _duplicates(stands: Sequence[PastEvent]) -> Iterator[PastEvent]:
    """Yield the registrations of the duplicates merged into the policy, in the record's order."""
    merged = {event.data.duplicate for event in stands if isinstance(event.data, PoliciesMerged)}
    for event in stands:
        if event.policy in merged and isinstance(event.data, PolicyRegistered):
            yield event
