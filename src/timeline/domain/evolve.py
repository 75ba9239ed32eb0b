"""The write side's picture after an event.

Owns how a recorded event changes the `Situation`, and what the event can be found by. Must not
judge: `decide` has let the event pass.
"""

from typing import Any

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
    named = situation.subjects.get(event) if event is not None else None
    retracts: tuple[str, ...] = ()
    if isinstance(data, EventRetracted) and named is not None:
        retracts = (named.id, *named.retracts)
    situation.subjects[proposal.id] = SubjectState(
        id=proposal.id,
        policy=proposal.policy,
        type=proposal.type,
        position=position,
        subject=event,
        duplicate=data.duplicate if isinstance(data, PoliciesMerged) else None,
        disputes=_disputes(data),
        retracts=retracts,
    )
    version = _advance_stream(situation, proposal)
    if isinstance(data, ActionRecorded):
        situation.actions[proposal.id] = ActionLog(data)
    elif isinstance(data, ActionCorrected):
        _amend_action(situation, data.event, Correction(proposal.id, data.changes))
    elif isinstance(data, EventRetracted):
        _toggle(situation, proposal.id, retracts)
    elif isinstance(data, PoliciesMerged):
        _set_stream(situation, data.duplicate, merged_into=proposal.policy)
    elif isinstance(data, PayloadErased) and named is not None:
        _erase(situation, proposal.id, named, data)
    return version


def _disputes(data: Data) -> bool:
    return isinstance(data, SourceAttached) and data.stance is Stance.DISPUTES


def _advance_stream(situation: Situation, proposal: Proposal) -> int:
    data = proposal.data
    if isinstance(data, PolicyRegistered):
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
    changes: dict[str, Any] = {"version": stream.version + 1}
    if isinstance(data, PolicyDescribed):
        description = describe(proposal.id, data)
        if description.jurisdiction is not None:
            changes["jurisdiction"] = description.jurisdiction
        if description.topics is not None:
            changes["topics"] = description.topics
        if proposal.policy in situation.descriptions:
            situation.descriptions[proposal.policy] += (description,)
    _set_stream(situation, proposal.policy, **changes)
    return stream.version + 1


def _set_stream(situation: Situation, policy: str, **changes: object) -> None:
    situation.streams[policy] = msgspec.structs.replace(situation.streams[policy], **changes)


def _amend_action(situation: Situation, event: str, correction: Correction) -> None:
    log = situation.actions.get(event)
    if log is not None:
        situation.actions[event] = ActionLog(log.original, (*log.corrections, correction))


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


def _erase(situation: Situation, by: str, named: SubjectState, data: PayloadErased) -> None:
    """Mark an event erased; without a replacement it counts as retracted, and for good."""
    if data.replacement is None:
        situation.subjects[named.id] = msgspec.structs.replace(named, erased_by=by, retracted_by=by)
        _follow(situation, named, by)
        return
    replacement: Data = read(DATA_TYPES[named.type], data.replacement, "data.replacement")
    situation.subjects[named.id] = msgspec.structs.replace(
        named, erased_by=by, disputes=_disputes(replacement)
    )
    if isinstance(replacement, PolicyRegistered | PolicyDescribed):
        description = msgspec.structs.replace(
            describe(named.id, replacement), retracted=named.retracted_by is not None
        )
        _redescribe(situation, named, replacement=description)
    elif isinstance(replacement, ActionRecorded) and named.id in situation.actions:
        log = situation.actions[named.id]
        situation.actions[named.id] = ActionLog(replacement, log.corrections)
    elif isinstance(replacement, ActionCorrected):
        _replace_correction(situation, named, changes=replacement.changes)


def tags(stream: StreamState, data: Data) -> frozenset[Tag]:
    """Return the tags of an event, given its policy's stream as the event leaves it."""
    found = {Tag("jurisdiction", stream.jurisdiction)}
    found.update(Tag("topic", fold_text(topic)) for topic in stream.topics)
    parties: tuple[Party, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    if isinstance(data, PolicyRegistered):
        parties, identifiers = data.sponsors, data.identifiers
    elif isinstance(data, PolicyDescribed):
        parties = data.sponsors if isinstance(data.sponsors, tuple) else ()
        identifiers = data.identifiers if isinstance(data.identifiers, tuple) else ()
    elif isinstance(data, ActionRecorded):
        parties = data.actors
    elif isinstance(data, ActionCorrected):
        parties = data.changes.actors if isinstance(data.changes.actors, tuple) else ()
    found.update(Tag("actor", fold_text(party.name)) for party in parties)
    found.update(Tag("identifier", identifier.key) for identifier in identifiers)
    found.update(Tag("target", reference) for reference in references(data))
    return frozenset(found)
