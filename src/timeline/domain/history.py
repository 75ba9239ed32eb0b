"""From a policy's events to what the record believes about it.

Owns the fold: which events stand, the description, the actions as believed, relations, disputes,
and the periods on the three axes. Must not know where events are stored or which position a reader
asked about: it folds what it is given.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET

from timeline.domain.dates import Occurrence
from timeline.domain.effects import Deed, action_key, earliest_day, gather, part_of
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
from timeline.domain.machines import FIRST_DAY, LAST_DAY
from timeline.domain.periods import Period, periods
from timeline.domain.situation import correct, fold_text
from timeline.domain.vocabulary import ACTIONS, Action, Effect, EventType, Instrument

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


def fold(
    policy: str,
    events: Sequence[PastEvent],
    cases: Sequence[Case] = (),
    earlier: "History | None" = None,
) -> History | None:
    """Fold a policy's events into what the record believes about it.

    Args:
        policy: the policy whose history is asked for.
        events: its events, and those of the duplicates merged into it, by position.
        cases: the lawsuits whose `challenges` relation stands (rule 6).
        earlier: the policy's history at another position, folded without cases; what has not
            changed since is taken from it, which saves time and changes nothing.

    Returns:
        The history, or None where no registration of the policy is among the events.

    """
    own = [event for event in events if event.policy == policy]
    registration = next((event for event in own if isinstance(event.data, PolicyRegistered)), None)
    if registration is None:
        return None
    taken_back = standing(events)
    stands = [event for event in events if event.id not in taken_back]
    evidence = _Evidence(stands, taken_back)
    described = _describe(registration, stands, evidence)
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
        periods=_periods(described.instrument, actions, cases, earlier),
    )


def _periods(
    instrument: Instrument,
    actions: tuple[BelievedAction, ...],
    cases: Sequence[Case],
    earlier: History | None,
) -> tuple[Period, ...]:
    since = FIRST_DAY
    if earlier is not None and not cases and earlier.described.instrument is instrument:
        since = _first_difference(actions, earlier.actions)
    if earlier is not None and since == LAST_DAY:
        return earlier.periods
    effects = gather(instrument, _deeds(actions, cases))
    if earlier is None or since == FIRST_DAY:
        return _explained(periods(effects), actions, cases)
    return periods(effects, earlier.periods, since)


_LOCAL: Final = frozenset({Effect.STAGE, Effect.CONFIRM, Effect.NOTHING})
"""Effects that nothing before their day depends on."""


def _first_difference(actions: Sequence[BelievedAction], others: Sequence[BelievedAction]) -> int:
    """Return the first day that can differ between two sets of actions; FIRST_DAY if any can.

    Where corrections stand, periods name them besides what decides, and are not taken over.
    """
    now = {each.event: each for each in actions}
    then = {each.event: each for each in others}
    if any(each.corrected for each in (*actions, *others)):
        return FIRST_DAY
    differing = [
        each
        for event in now.keys() | then.keys()
        if now.get(event) != then.get(event)
        for each in (now.get(event), then.get(event))
        if each is not None
    ]
    if any(ACTIONS[each.action.action].effect not in _LOCAL for each in differing):
        return FIRST_DAY
    return min((earliest_day(each.action.occurred) for each in differing), default=LAST_DAY)


class _Evidence:
    """Corrections and attached sources that stand, by the event they are about.

    A dispute about what is taken back itself is none.
    """

    def __init__(self, stands: Sequence[PastEvent], taken_back: Container[str]) -> None:
        self.corrections: dict[str, list[tuple[str, ActionCorrected]]] = {}
        self.supports: dict[str, list[Source]] = {}
        self.disputes: list[Dispute] = []
        settled: dict[str, str] = {}
        for event in stands:
            if isinstance(event.data, ActionCorrected):
                self.corrections.setdefault(event.data.event, []).append((event.id, event.data))
                settled.update(dict.fromkeys(event.data.settles, event.id))
        for event in stands:
            if isinstance(event.data, SourceAttached) and event.data.event not in taken_back:
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

    def sources(self, own: Iterable[Source], *events: str) -> tuple[Source, ...]:
        """Return the events' own sources and those attached to them, each once."""
        attached = (source for event in events for source in self.supports.get(event, ()))
        return tuple(dict.fromkeys((*own, *attached)))


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
        sources=evidence.sources(
            (*action.sources, *sources), event.id, *(id for id, _ in corrections)
        ),
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
                sources=evidence.sources(event.data.sources, event.id),
                disputed=event.id in evidence.open,
                erased=event.erased,
            )


def _explained(
    cut: tuple[Period, ...], actions: Sequence[BelievedAction], cases: Sequence[Case]
) -> tuple[Period, ...]:
    """Return periods that name, beside the deciding events, the corrections that they took."""
    lawsuits = (each for case in cases for each in case.actions)
    corrected = {each.event: each.decided_by for each in (*actions, *lawsuits) if each.corrected}
    if not corrected:
        return cut
    return tuple(
        msgspec.structs.replace(
            period,
            decided_by={
                axis: tuple(
                    sorted({id for event in events for id in corrected.get(event, (event,))})
                )
                for axis, events in period.decided_by.items()
            },
        )
        for period in cut
    )


def _deeds(actions: Sequence[BelievedAction], cases: Sequence[Case]) -> Iterator[Deed]:
    """Yield what acts on the policy: its own actions, and the lawsuits that challenge it."""
    for each in actions:
        by = each.action.by
        yield Deed(each.event, each.position, each.action, "" if by is None else by.key)
    seen: set[tuple[str, str | None]] = set()
    for case in cases:
        for deed in _case_deeds(case):
            identity = (deed.event, part_of(deed.action))
            if identity not in seen:
                seen.add(identity)
                yield deed


def _case_deeds(case: Case) -> Iterator[Deed]:
    """Yield a case's opening, then what its lawsuit's own stream says of it.

    A lawsuit that challenges a part moves that part, where its actions name no other.
    """
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
        if ACTIONS[each.action.action].effect is not Effect.LITIGATE:
            continue
        action = each.action
        if part_of(action) is None:
            action = msgspec.structs.replace(
                action, scope=relation.scope, provision=relation.provision
            )
        yield Deed(each.event, each.position, action, key)


_SOME_DAY: Final = Occurrence.parse("XXXX")
