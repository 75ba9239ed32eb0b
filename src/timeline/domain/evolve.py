"""The write side's picture after an event.

Owns how a recorded event changes the `Situation`, and what the event can be found by. Must not
judge: `decide` has let the event pass.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from timeline.domain.events import (
    DATA_TYPES,
    ActionCorrected,
    ActionRecorded,
    Data,
    EventRetracted,
    Identifier,
    Party,
    PayloadErased,
    PoliciesMerged,
    PolicyDescribed,
    PolicyRegistered,
    SourceAttached,
    Stance,
    read,
)
from timeline.domain.references import references
from timeline.domain.situation import (
    ActionLog,
    Correction,
    Description,
    Proposal,
    Situation,
    StreamState,
    SubjectState,
    Tag,
    describe,
    fold_text,
    named_event,
)
from timeline.domain.vocabulary import EventType

CACHED_DESCRIPTIONS: Final = 1_024
"""Descriptions whose tags are remembered: those of the policies that are written to now."""


def evolve(situation: Situation, proposal: Proposal, position: int) -> int:
    """Take a recorded event into the picture.

    Args:
        situation: changed in place.
        proposal: an event that `decide` let pass.
        position: its place in the log.

    Returns:
        The event's version in its stream.

    """
    data = proposal.data
    event = named_event(data)
    retracts: tuple[str, ...] = ()
    if type(data) is EventRetracted and (named := situation.subjects.get(data.event)) is not None:
        retracts = (named.id, *named.retracts)
    situation.subjects[proposal.id] = SubjectState(
        id=proposal.id,
        policy=proposal.policy,
        type=proposal.type,
        position=position,
        subject=event,
        duplicate=data.duplicate if type(data) is PoliciesMerged else None,
        disputes=_disputes(data),
        retracts=retracts,
    )
    version = _advance_stream(situation, proposal)
    effect = _EFFECTS.get(type(data))
    if effect is not None:
        effect(situation, proposal, data)
    return version


def _disputes(data: Data) -> bool:
    return type(data) is SourceAttached and data.stance is Stance.DISPUTES


def _advance_stream(situation: Situation, proposal: Proposal) -> int:
    data = proposal.data
    if type(data) is PolicyRegistered:
        situation.streams[proposal.policy] = StreamState(
            policy=proposal.policy,
            version=1,
            registered_by=proposal.id,
            jurisdiction=data.jurisdiction,
            topics=data.topics,
        )
        situation.descriptions[proposal.policy] = (describe(proposal.id, data),)
        return 1
    stream = situation.streams[proposal.policy]
    version = stream.version + 1
    situation.streams[proposal.policy] = msgspec.structs.replace(stream, version=version)
    return version


def _describe_again(situation: Situation, proposal: Proposal, data: PolicyDescribed) -> None:
    description = describe(proposal.id, data)
    if description.jurisdiction is not None:
        _set_stream(situation, proposal.policy, jurisdiction=description.jurisdiction)
    if description.topics is not None:
        _set_stream(situation, proposal.policy, topics=description.topics)
    if proposal.policy in situation.descriptions:
        situation.descriptions[proposal.policy] += (description,)


def _set_stream(situation: Situation, policy: str, **changes: object) -> None:
    situation.streams[policy] = msgspec.structs.replace(situation.streams[policy], **changes)


def _keep_action(situation: Situation, proposal: Proposal, data: ActionRecorded) -> None:
    situation.actions[proposal.id] = ActionLog(data)


def _amend_action(situation: Situation, proposal: Proposal, data: ActionCorrected) -> None:
    log = situation.actions.get(data.event)
    if log is not None:
        correction = Correction(proposal.id, data.changes)
        situation.actions[data.event] = ActionLog(log.original, (*log.corrections, correction))


def _merge(situation: Situation, proposal: Proposal, data: PoliciesMerged) -> None:
    _set_stream(situation, data.duplicate, merged_into=proposal.policy)


def _retract(situation: Situation, proposal: Proposal, _: EventRetracted) -> None:
    _toggle(situation, proposal.id, situation.subjects[proposal.id].retracts)


def _toggle(situation: Situation, by: str, chain: tuple[str, ...]) -> None:
    """Turn a chain of retractions over: its first event is retracted, its second restored, ….

    What was erased without a replacement is not restored: it counts as retracted for good.
    """
    for index, event in enumerate(chain):
        above = by if index == 0 else chain[index - 1]
        subject = situation.subjects[event]
        if index % 2 == 0:
            subject = msgspec.structs.replace(subject, retracted_by=above)
        elif subject.retracted_by == above:
            subject = msgspec.structs.replace(subject, retracted_by=None)
        situation.subjects[event] = subject
    root = situation.subjects[chain[-1]]
    _follow(situation, root, root.retracted_by)


def _follow(situation: Situation, root: SubjectState, retracted_by: str | None) -> None:
    """Carry the retraction or restoring of an event to what it had brought about."""
    retracted = retracted_by is not None
    if root.type is EventType.POLICY_REGISTERED:
        _set_stream(situation, root.policy, retracted_by=retracted_by)
    elif root.duplicate is not None:
        _set_stream(situation, root.duplicate, merged_into=None if retracted else root.policy)
    elif root.type is EventType.POLICY_DESCRIBED:
        _redescribe(situation, root, retracted=retracted)
    elif root.type is EventType.ACTION_CORRECTED:
        _replace_correction(situation, root, retracted=retracted)


def _replace_correction(situation: Situation, root: SubjectState, **changes: object) -> None:
    """Change one correction of an action that the picture holds."""
    log = situation.actions.get(root.subject or "")
    if log is None:
        return
    corrections = tuple(
        msgspec.structs.replace(each, **changes) if each.id == root.id else each
        for each in log.corrections
    )
    situation.actions[root.subject or ""] = ActionLog(log.original, corrections)


def _redescribe(
    situation: Situation,
    root: SubjectState,
    *,
    retracted: bool = False,
    replacement: Description | None = None,
) -> None:
    """Work out jurisdiction and topics again after a description was taken back or replaced.

    The registration's own description, the first, always stands: where that event is retracted,
    the whole policy is, and keeps its description for the day it is restored.
    """
    told = tuple(
        (replacement or msgspec.structs.replace(each, retracted=retracted))
        if each.id == root.id
        else each
        for each in situation.descriptions[root.policy]
    )
    situation.descriptions[root.policy] = told
    standing = [each for each in told if each is told[0] or not each.retracted]
    jurisdiction = next(
        (each.jurisdiction for each in reversed(standing) if each.jurisdiction is not None),
        situation.streams[root.policy].jurisdiction,
    )
    topics = next((each.topics for each in reversed(standing) if each.topics is not None), ())
    _set_stream(situation, root.policy, jurisdiction=jurisdiction, topics=topics)


def _erase(situation: Situation, proposal: Proposal, data: PayloadErased) -> None:
    """Mark an event erased; without a replacement it counts as retracted, and for good."""
    by = proposal.id
    named = situation.subjects.get(data.event)
    if named is None:
        return
    if data.replacement is None:
        situation.subjects[named.id] = msgspec.structs.replace(named, erased_by=by, retracted_by=by)
        _follow(situation, named, by)
        return
    replacement: Data = read(DATA_TYPES[named.type], data.replacement, "data.replacement")
    situation.subjects[named.id] = msgspec.structs.replace(
        named, erased_by=by, disputes=_disputes(replacement)
    )
    if isinstance(replacement, (PolicyRegistered, PolicyDescribed)):
        description = msgspec.structs.replace(
            describe(named.id, replacement), retracted=named.retracted_by is not None
        )
        _redescribe(situation, named, replacement=description)
    elif isinstance(replacement, ActionRecorded) and named.id in situation.actions:
        log = situation.actions[named.id]
        situation.actions[named.id] = ActionLog(replacement, log.corrections)
    elif isinstance(replacement, ActionCorrected):
        _replace_correction(situation, named, changes=replacement.changes)


_EFFECTS: Final[dict[type[Data], Callable[[Situation, Proposal, Any], None]]] = {
    PolicyDescribed: _describe_again,
    ActionRecorded: _keep_action,
    ActionCorrected: _amend_action,
    EventRetracted: _retract,
    PoliciesMerged: _merge,
    PayloadErased: _erase,
}
"""What an event does beside advancing its stream."""


def tags(stream: StreamState, data: Data) -> frozenset[Tag]:
    """Return the tags of an event, given its policy's stream as the event leaves it."""
    own = own_tags(data)
    described = description_tags(stream.jurisdiction, stream.topics)
    return described | own if own else described


@lru_cache(maxsize=CACHED_DESCRIPTIONS)
def description_tags(jurisdiction: str, topics: tuple[str, ...]) -> frozenset[Tag]:
    """Return the tags that an event has from what its policy is described as."""
    found = (Tag("topic", fold_text(topic)) for topic in topics)
    return frozenset((Tag("jurisdiction", jurisdiction), *found))


def own_tags(data: Data | None) -> frozenset[Tag]:
    """Return the tags that an event has from its own data: its actors, identifiers and targets."""
    named = _NAMES.get(type(data))
    parties, identifiers = ((), ()) if named is None else named(data)
    found = references(data)
    if not (parties or identifiers or found):
        return _NO_TAGS
    return frozenset(
        (
            *(Tag("target", reference) for reference in found),
            *(Tag("actor", fold_text(party.name)) for party in parties),
            *(Tag("identifier", identifier.key) for identifier in identifiers),
        )
    )


_NO_TAGS: Final[frozenset[Tag]] = frozenset()

_Names: TypeAlias = tuple[tuple[Party, ...], tuple[Identifier, ...]]


def _named_in_description(data: PolicyDescribed) -> _Names:
    parties = data.sponsors if isinstance(data.sponsors, tuple) else ()
    return parties, data.identifiers if isinstance(data.identifiers, tuple) else ()


def _named_in_correction(data: ActionCorrected) -> _Names:
    return data.changes.actors if isinstance(data.changes.actors, tuple) else (), ()


_NAMES: Final[dict[type, Callable[[Any], _Names]]] = {
    PolicyRegistered: lambda data: (data.sponsors, data.identifiers),
    PolicyDescribed: _named_in_description,
    ActionRecorded: lambda data: (data.actors, ()),
    ActionCorrected: _named_in_correction,
}
"""The parties and the identifiers that an event names, by the type of its data."""
