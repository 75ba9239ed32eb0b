"""From a policy's events to what the record believes about it.

Owns the fold: which events stand, the description, the actions as believed, relations, disputes,
and the periods on the three axes. Must not know where events are stored or which position a reader
asked about: it folds what it is given.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from timeline.domain.dates import Occurrence
from timeline.domain.effects import Deed, action_key, gather
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
)
from timeline.domain.periods import Period, periods
from timeline.domain.situation import correct
from timeline.domain.vocabulary import ACTIONS, Action, Effect, EventType, Instrument


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


class BelievedAction(msgspec.Struct, frozen=True, kw_only=True):
    """An action after its corrections, with every source that bears it out.

    `decided_by` names the original event and the corrections that stand, in the record's order.
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

    @property
    def corrected(self) -> bool:
        """Tell whether a correction stands."""
        return len(self.decided_by) > 1


class BelievedRelation(msgspec.Struct, frozen=True, kw_only=True):
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


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A lawsuit that challenges the policy: the relation, and the lawsuit's own actions."""

    lawsuit: str
    relation: BelievedRelation
    actions: tuple[BelievedAction, ...]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the record believes about a policy."""

    policy: str
    version: int
    position: int
    retracted_by: str | None
    described: Described
    actions: tuple[BelievedAction, ...]
    relations: tuple[BelievedRelation, ...]
    disputes: tuple[Dispute, ...]
    periods: tuple[Period, ...]


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


def fold(policy: str, events: Sequence[PastEvent], cases: Sequence[Case] = ()) -> History | None:
    """Fold a policy's events into what the record believes about it.

    Args:
        policy: the policy whose history is asked for.
        events: its events, and those of the duplicates merged into it, by position.
        cases: the lawsuits whose `challenges` relation stands (rule 6).

    Returns:
        The history, or None where no registration of the policy is among the events.

    """
    own = [event for event in events if event.policy == policy]
    registration = next((event for event in own if isinstance(event.data, PolicyRegistered)), None)
    if registration is None:
        return None
    taken_back = standing(events)
    stands = [event for event in events if event.id not in taken_back]
    evidence = _Evidence(stands)
    described = _describe(registration, own, events, taken_back)
    actions = tuple(_actions(stands, evidence))
    return History(
        policy=policy,
        version=own[-1].version,
        position=max(event.position for event in events),
        retracted_by=taken_back.get(registration.id),
        described=described,
        actions=actions,
        relations=tuple(_relations(stands, evidence)),
        disputes=tuple(evidence.disputes),
        periods=periods(gather(described.instrument, _deeds(actions, cases))),
    )


class _Evidence:
    """Corrections and attached sources that stand, by the event they are about."""

    def __init__(self, stands: Sequence[PastEvent]) -> None:
        self.corrections: dict[str, list[tuple[str, ActionCorrected]]] = {}
        self.supports: dict[str, list[Source]] = {}
        self.disputes: list[Dispute] = []
        settled: dict[str, str] = {}
        for event in stands:
            if isinstance(event.data, ActionCorrected):
                self.corrections.setdefault(event.data.event, []).append((event.id, event.data))
                settled.update(dict.fromkeys(event.data.settles, event.id))
        for event in stands:
            if isinstance(event.data, SourceAttached):
                self._attach(event.id, event.data, settled.get(event.id))
        self.open = {each.event for each in self.disputes if each.settled_by is None}

    def _attach(self, id: str, data: SourceAttached, settled_by: str | None) -> None:
        if data.stance is Stance.SUPPORTS or data.claim is None:
            self.supports.setdefault(data.event, []).append(data.source)
            return
        self.disputes.append(
            Dispute(
                event=data.event,
                by=id,
                claim=data.claim,
                source=data.source,
                settled_by=settled_by,
            )
        )

    def sources(self, event: str, own: Iterable[Source]) -> tuple[Source, ...]:
        """Return an event's own sources and those attached to it, each once."""
        return tuple(dict.fromkeys((*own, *self.supports.get(event, ()))))


def _describe(
    registration: PastEvent,
    own: Sequence[PastEvent],
    events: Sequence[PastEvent],
    taken_back: dict[str, str],
) -> Described:
    """Return the description: the registration, then every PolicyDescribed that stands.

    A retracted registration still describes: the policy can be read at earlier positions.
    """
    data = registration.data
    fields: dict[str, Any] = {name: getattr(data, name) for name in _DESCRIPTION}
    decided_by = {name: registration.id for name in _DESCRIPTION if fields[name]}
    for event in own:
        if not isinstance(event.data, PolicyDescribed) or event.id in taken_back:
            continue
        for name in _DESCRIPTION:
            value = getattr(event.data, name)
            if value is not UNSET:
                fields[name] = value
                decided_by[name] = event.id
    for duplicate in _duplicates(events, taken_back):
        for name in ("identifiers", "topics"):
            fields[name] = tuple(dict.fromkeys((*fields[name], *getattr(duplicate, name))))
    return Described(**fields, decided_by=decided_by)


_DESCRIPTION: Final = tuple(name for name in Described.__struct_fields__ if name != "decided_by")


def _duplicates(
    events: Sequence[PastEvent], taken_back: dict[str, str]
) -> Iterator[PolicyRegistered | PolicyDescribed]:
    """Yield what the duplicates merged into the policy said of themselves."""
    merged = {
        event.data.duplicate
        for event in events
        if isinstance(event.data, PoliciesMerged) and event.id not in taken_back
    }
    for event in events:
        if event.policy not in merged or event.id in taken_back:
            continue
        if isinstance(event.data, PolicyRegistered):
            yield event.data
        elif isinstance(event.data, PolicyDescribed):
            yield msgspec.structs.replace(
                event.data,
                identifiers=event.data.identifiers or (),
                topics=event.data.topics or (),
            )


def _actions(stands: Sequence[PastEvent], evidence: _Evidence) -> list[BelievedAction]:
    """Return the actions as believed, in the order of rule 1."""
    believed = [
        _believe(event, event.data, evidence)
        for event in stands
        if isinstance(event.data, ActionRecorded)
    ]
    return sorted(believed, key=lambda each: action_key(each.action, each.position))


def _believe(event: PastEvent, data: ActionRecorded, evidence: _Evidence) -> BelievedAction:
    corrections = evidence.corrections.get(event.id, [])
    action = data
    sources: list[Source] = []
    for _, correction in corrections:
        action = correct(action, correction.changes)
        sources.extend(correction.sources)
    return BelievedAction(
        event=event.id,
        policy=event.policy,
        position=event.position,
        recorded_at=event.recorded_at,
        action=action,
        decided_by=(event.id, *(id for id, _ in corrections)),
        sources=evidence.sources(event.id, (*action.sources, *sources)),
        disputed=event.id in evidence.open,
        erased=event.erased,
    )


def _relations(stands: Sequence[PastEvent], evidence: _Evidence) -> Iterator[BelievedRelation]:
    for event in stands:
        if isinstance(event.data, RelationAsserted):
            yield BelievedRelation(
                event=event.id,
                policy=event.policy,
                position=event.position,
                recorded_at=event.recorded_at,
                relation=event.data,
                sources=evidence.sources(event.id, event.data.sources),
                disputed=event.id in evidence.open,
                erased=event.erased,
            )


def _deeds(actions: Sequence[BelievedAction], cases: Sequence[Case]) -> Iterator[Deed]:
    """Yield what acts on the policy: its own actions, and the lawsuits that challenge it."""
    for each in actions:
        by = each.action.by
        yield Deed(each.event, each.position, each.action, "" if by is None else by.key)
    for case in cases:
        yield from _case_deeds(case)


def _case_deeds(case: Case) -> Iterator[Deed]:
    """Yield a case's opening, then what its lawsuit's own stream says of it."""
    key = f"policy/{case.lawsuit}"
    relation = case.relation.relation
    first = case.actions[0].action.occurred if case.actions else _SOME_DAY
    opening = ActionRecorded(
        action=Action.CHALLENGED,
        occurred=relation.occurred or first,
        effective=relation.effective,
        until=relation.until,
        scope=relation.scope,
        provision=relation.provision,
        sources=relation.sources,
    )
    yield Deed(case.relation.event, case.relation.position, opening, key)
    for each in case.actions:
        if ACTIONS[each.action.action].effect is Effect.LITIGATE:
            yield Deed(each.event, each.position, each.action, key)


_SOME_DAY: Final = Occurrence.parse("XXXX")
