"""Which event may follow which.

Owns what a proposal needs to be judged (`needs`) and the judgement (`decide`). Must not know how
the picture it judges by is stored, and never reads what projections derive.
"""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import UNSET

from timeline.domain import errors
from timeline.domain.dates import Edtf
from timeline.domain.events import (
    DATA_TYPES,
    ActionCorrected,
    ActionRecorded,
    Claim,
    Counterpart,
    EventRetracted,
    PayloadErased,
    PoliciesMerged,
    PolicyDescribed,
    RelationAsserted,
    SourceAttached,
    field_type,
    read,
)
from timeline.domain.situation import (
    Needs,
    Proposal,
    Situation,
    StreamState,
    SubjectState,
    correct,
    named_event,
)
from timeline.domain.vocabulary import EventType

MAX_RETRACTION_DEPTH: Final = 16
"""Retract, restore, retract again …: deep enough for any quarrel, and a bound on the walk."""


def needs(situation: Situation, proposals: Iterable[Proposal]) -> Needs:
    """Return what is still to be looked up before the proposals can be judged.

    Looking up can show that more is needed (the end of a chain of retractions), so callers ask
    again until nothing new is named; three rounds are enough. What events of the same request
    bring about is covered: each names all that a later one can reach through it.
    """
    policies: set[str] = set()
    subjects: set[str] = set()
    actions: set[str] = set()
    descriptions: set[str] = set()
    below = Needs()
    for proposal in proposals:
        data = proposal.data
        policies.add(proposal.policy)
        policies.update(policy for policy, _ in _counterparts(proposal))
        event = named_event(data)
        if event is not None:
            subjects.add(event)
            subject = situation.subjects.get(event)
            if subject is not None and reaches_below(proposal):
                below |= _needs_below(situation, subject)
        if isinstance(data, ActionCorrected):
            subjects.update(data.settles)
            actions.add(data.event)
        elif isinstance(data, PoliciesMerged):
            policies.add(data.duplicate)
        elif isinstance(data, PolicyDescribed):
            descriptions.add(proposal.policy)
    direct = Needs(*map(frozenset, (policies, subjects, actions, descriptions)))
    return direct | below


def reaches_below(proposal: Proposal) -> bool:
    """Tell whether what it needs depends on what the event that it names turns out to be."""
    return proposal.type in _REACHING_BELOW


_REACHING_BELOW: Final = frozenset({EventType.EVENT_RETRACTED, EventType.PAYLOAD_ERASED})


def _needs_below(situation: Situation, subject: SubjectState) -> Needs:
    """Return what retracting or erasing this subject touches besides itself."""
    chain = Needs(subjects=frozenset(subject.retracts))
    root = situation.subjects.get(subject.retracts[-1]) if subject.retracts else subject
    if root is None:
        return chain
    actions = {EventType.ACTION_RECORDED: root.id, EventType.ACTION_CORRECTED: root.subject}
    action = actions.get(root.type)
    claimed_of = root.subject if root.type is EventType.SOURCE_ATTACHED else None
    return chain | Needs(
        policies=frozenset(() if root.duplicate is None else (root.duplicate,)),
        subjects=frozenset(() if claimed_of is None else (claimed_of,)),
        actions=frozenset(() if action is None else (action,)),
        descriptions=frozenset((root.policy,) if root.type in _DESCRIBING else ()),
    )


_DESCRIBING: Final = frozenset({EventType.POLICY_REGISTERED, EventType.POLICY_DESCRIBED})


def _counterparts(proposal: Proposal) -> list[tuple[str, str]]:
    """Return the policies that a payload points at, each with its field."""
    data = proposal.data
    found: list[tuple[str, str]] = []
    by: object = None
    prefix = "data.by"
    if type(data) is ActionRecorded:
        by = data.by
    elif type(data) is RelationAsserted:
        if data.target.policy is not None:
            found.append((data.target.policy, "data.target.policy"))
        by = data.by
    elif type(data) is ActionCorrected:
        by, prefix = data.changes.by, "data.changes.by"
    # In a relation its own policy is who acts; to say so changes nothing.
    own = proposal.policy if type(data) is RelationAsserted else None
    if type(by) is Counterpart and by.policy is not None and by.policy != own:
        found.append((by.policy, f"{prefix}.policy"))
    return found


def decide(situation: Situation, proposal: Proposal) -> None:
    """Judge whether the event may be recorded now.

    Args:
        situation: the write side's picture, holding all that `needs` named.
        proposal: the event, read and within its bounds.

    Raises:
        DomainError: the subclass says why not, its `field` where.

    """
    _judge_stream(situation, proposal)
    for policy, field in _counterparts(proposal):
        if policy == proposal.policy:
            raise errors.SelfReference(policy=policy, field=field)
        if policy not in situation.streams:
            raise errors.UnknownPolicy(policy=policy, field=field)
    judge = _JUDGES.get(proposal.type)
    if judge is not None:
        judge(situation, proposal, proposal.data)


def _judge_stream(situation: Situation, proposal: Proposal) -> None:
    stream = situation.streams.get(proposal.policy)
    if stream is None:
        if proposal.type is not EventType.POLICY_REGISTERED:
            raise errors.PolicyNotRegistered(policy=proposal.policy)
        return
    if proposal.type is EventType.PAYLOAD_ERASED:
        return
    if stream.merged_into is not None:
        raise errors.PolicyMerged(policy=proposal.policy, survivor=stream.merged_into)
    if stream.retracted_by is not None and not _restores(situation, stream, proposal):
        raise errors.PolicyRetracted(policy=proposal.policy, event=stream.retracted_by)
    if proposal.type is EventType.POLICY_REGISTERED:
        raise errors.PolicyAlreadyRegistered(policy=proposal.policy)


def _restores(situation: Situation, stream: StreamState, proposal: Proposal) -> bool:
    if not isinstance(proposal.data, EventRetracted):
        return False
    subject = situation.subjects.get(proposal.data.event)
    return (
        subject is not None
        and bool(subject.retracts)
        and subject.retracts[-1] == stream.registered_by
    )


def _subject(situation: Situation, proposal: Proposal, event: str, field: str) -> SubjectState:
    """Return the event named, of the same policy, or raise."""
    subject = situation.subjects.get(event)
    if subject is None:
        raise errors.UnknownEvent(event=event, field=field)
    if subject.policy != proposal.policy:
        raise errors.EventOfAnotherPolicy(
            event=event, owner=subject.policy, policy=proposal.policy, field=field
        )
    return subject


def _standing(situation: Situation, proposal: Proposal, event: str) -> SubjectState:
    """Return the event named, of the same policy and not retracted, or raise."""
    subject = _subject(situation, proposal, event, "data.event")
    if subject.retracted_by is not None:
        raise errors.EventAlreadyRetracted(event=event, by=subject.retracted_by)
    return subject


def _judge_description(_: Situation, __: Proposal, data: PolicyDescribed) -> None:
    told = {name for name in data.__struct_fields__ if getattr(data, name) is not UNSET}
    if told == {"reason"}:
        raise errors.NothingDescribed


def _judge_action(_: Situation, __: Proposal, data: ActionRecorded | RelationAsserted) -> None:
    _judge_term(data.effective, data.until, "data.until")


def _judge_term(effective: Edtf | None, until: Edtf | None, field: str) -> None:
    """Refuse an effect that certainly ends before it begins: latest(until) < earliest(effective)."""
    if effective is None or until is None:
        return
    if until.latest is None or effective.earliest is None:
        return
    if until.latest < effective.earliest:
        raise errors.UntilBeforeEffective(until=until.text, effective=effective.text, field=field)


def _judge_correction(situation: Situation, proposal: Proposal, data: ActionCorrected) -> None:
    subject = _standing(situation, proposal, data.event)
    _expect(subject, EventType.ACTION_RECORDED)
    for index, settled in enumerate(data.settles):
        field = f"data.settles[{index}]"
        dispute = _subject(situation, proposal, settled, field)
        if not dispute.disputes or dispute.subject != data.event or dispute.retracted_by:
            raise errors.InvalidSettlement(event=settled, field=field)
    log = situation.actions.get(data.event)
    if log is None:
        raise errors.UnknownEvent(event=data.event)
    after = correct(log.believed(), data.changes)
    for name in ("until", "effective"):
        if getattr(data.changes, name) is not UNSET:
            _judge_term(after.effective, after.until, f"data.changes.{name}")


def _expect(subject: SubjectState, expected: EventType) -> None:
    if subject.type is not expected:
        raise errors.WrongEventType(event=subject.id, actual=subject.type, expected=expected)


def _judge_source(situation: Situation, proposal: Proposal, data: SourceAttached) -> None:
    subject = _standing(situation, proposal, data.event)
    if data.claim is not None:
        _judge_claim(subject, data.claim, "data.claim")


def _judge_claim(subject: SubjectState, claim: Claim, field: str) -> None:
    """Refuse a claim about a field that the event's type does not have, or of a wrong type."""
    kind = field_type(DATA_TYPES[subject.type], claim.field)
    if kind is None or claim.field in _NOT_CLAIMABLE:
        raise errors.InvalidClaim(
            event=subject.id,
            reason=f"{subject.type} has no field {claim.field!r} that a source can dispute",
            field=f"{field}.field",
        )
    read(kind, claim.value, f"{field}.value")


_NOT_CLAIMABLE: Final = frozenset({"sources", "origin", "event", "reason", "settles", "changes"})


def _judge_retraction(situation: Situation, proposal: Proposal, data: EventRetracted) -> None:
    subject = _standing(situation, proposal, data.event)
    if subject.type is EventType.PAYLOAD_ERASED:
        raise errors.WrongEventType(
            event=subject.id, actual=subject.type, expected="an event that can be taken back"
        )
    if len(subject.retracts) >= MAX_RETRACTION_DEPTH:
        raise errors.RetractionTooDeep(limit=MAX_RETRACTION_DEPTH, root=subject.retracts[-1])
    chain = (subject.id, *subject.retracts)
    for event in chain[2::2]:
        _judge_second_retraction(situation.subjects[event])
    root = situation.subjects[chain[-1]]
    if root.duplicate is not None and not _is_retracted_after(chain):
        _judge_merge_of(situation, proposal.policy, root.duplicate, "data.event")


def _judge_second_retraction(subject: SubjectState) -> None:
    """Refuse to bring back the retraction of an event that by now another one has taken back.

    An event has at most one retraction that holds, so lifting that one restores it.
    """
    if subject.retracted_by is not None:
        raise errors.EventAlreadyRetracted(event=subject.id, by=subject.retracted_by)


def _is_retracted_after(chain: tuple[str, ...]) -> bool:
    """Tell whether the last of a chain is retracted once the first is: every second one is."""
    return (len(chain) - 1) % 2 == 0


def _judge_merger(situation: Situation, proposal: Proposal, data: PoliciesMerged) -> None:
    if data.duplicate == proposal.policy:
        raise errors.SelfReference(policy=proposal.policy, field="data.duplicate")
    _judge_merge_of(situation, proposal.policy, data.duplicate, "data.duplicate")


def _judge_merge_of(situation: Situation, survivor: str, duplicate: str, field: str) -> None:
    """Refuse a merger that is impossible now.

    Both ends are heads of their chains (a merged policy takes no appends), so no cycle can close.
    """
    stream = situation.streams.get(duplicate)
    if stream is None:
        raise errors.UnknownPolicy(policy=duplicate, field=field)
    if stream.merged_into is not None:
        reason = (
            "it already is merged into this policy"
            if stream.merged_into == survivor
            else f"it is merged into {stream.merged_into}"
        )
        raise errors.MergeRefused(duplicate=duplicate, reason=reason, field=field)
    if stream.retracted_by is not None:
        reason = "its registration is retracted"
        raise errors.MergeRefused(duplicate=duplicate, reason=reason, field=field)


def _judge_erasure(situation: Situation, proposal: Proposal, data: PayloadErased) -> None:
    subject = _subject(situation, proposal, data.event, "data.event")
    if subject.erased_by is not None:
        raise errors.EventAlreadyErased(event=subject.id, by=subject.erased_by)
    if subject.type is EventType.PAYLOAD_ERASED:
        raise errors.WrongEventType(
            event=subject.id, actual=subject.type, expected="an event with a payload of its own"
        )
    if data.replacement is None:
        if subject.type in _NEVER_WITHOUT_DATA:
            raise errors.ReplacementRequired(type=subject.type)
        return
    replacement = read(DATA_TYPES[subject.type], data.replacement, "data.replacement")
    if named_event(replacement) != subject.subject:
        raise errors.InvalidData(
            field="data.replacement.event", reason="The replacement names another event"
        )
    if getattr(replacement, "duplicate", None) != subject.duplicate:
        raise errors.InvalidData(
            field="data.replacement.duplicate", reason="The replacement names another policy"
        )
    if isinstance(replacement, (ActionRecorded, RelationAsserted)):
        _judge_term(replacement.effective, replacement.until, "data.replacement.until")
    elif isinstance(replacement, SourceAttached) and replacement.claim is not None:
        disputed = situation.subjects[replacement.event]
        _judge_claim(disputed, replacement.claim, "data.replacement.claim")


_NEVER_WITHOUT_DATA: Final = frozenset(
    {EventType.POLICY_REGISTERED, EventType.EVENT_RETRACTED, EventType.POLICIES_MERGED}
)
"""Types whose effect on the record must outlive their payload."""

_JUDGES: Final[dict[EventType, Any]] = {
    EventType.POLICY_DESCRIBED: _judge_description,
    EventType.ACTION_RECORDED: _judge_action,
    EventType.ACTION_CORRECTED: _judge_correction,
    EventType.SOURCE_ATTACHED: _judge_source,
    EventType.RELATION_ASSERTED: _judge_action,
    EventType.EVENT_RETRACTED: _judge_retraction,
    EventType.POLICIES_MERGED: _judge_merger,
    EventType.PAYLOAD_ERASED: _judge_erasure,
}
