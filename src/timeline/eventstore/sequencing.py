"""What becomes of a group of appends: outcomes and refusals, and the one batch that records them.

Owns the order of the checks: ids, versions, conditions, the domain's rules. Pure: clock and
randomness come in as arguments, and nothing is stored here.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from timeline.domain.decide import decide
from timeline.domain.errors import DomainError
from timeline.domain.situation import Situation
from timeline.eventstore.assembly import Assembly, RandomBytes
from timeline.eventstore.errors import (
    ConditionBeyondLog,
    ConditionFailed,
    EventStoreError,
    IdConflict,
    MisplacedExpectedVersion,
    PartlyKnownBatch,
    RepeatedId,
    WrongExpectedVersion,
)
from timeline.eventstore.instants import Clock, instant, next_instant
from timeline.eventstore.model import Append, Condition, Outcome
from timeline.eventstore.protocol import Batch, Known, View, ViewRequest

Refusal: TypeAlias = DomainError | EventStoreError


class Plan(NamedTuple):
    """For each append its outcome or why it is refused, and what is to be written, if anything.

    An outcome holds once the batch is committed. A refusal may rest on events of the batch, so it
    is to be told only after the commit, too. `situation` and `known` are the write side's picture, and
    what is recorded of these events, as the batch leaves them.
    """

    results: tuple[Outcome | Exception, ...]
    batch: Batch | None
    situation: Situation
    known: Mapping[str, Known]


def request_for(appends: Sequence[Append]) -> ViewRequest:
    """Return what has to be looked up before these appends can be planned."""
    return ViewRequest(
        tuple(draft.proposal for append in appends for draft in append.drafts),
        tuple(append.condition for append in appends if append.condition is not None),
    )


def plan(view: View, appends: Sequence[Append], *, clock: Clock, random_bytes: RandomBytes) -> Plan:
    """Judge appends one after the other, each as if those before it had been recorded.

    Args:
        view: the snapshot that `request_for` these same appends asked for.
        appends: in order; one that is refused changes nothing for the others.
        clock: tells the time of recording.
        random_bytes: gives that many unguessable bytes, for the salts.

    """
    assembly = Assembly(view, random_bytes)
    matches = iter(view.matches)
    results: list[Outcome | Exception] = []
    for append in appends:
        match = None if append.condition is None else next(matches)
        try:
            results.append(_judge(assembly, append, match, clock))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others go on
            results.append(error)
    return Plan(tuple(results), assembly.batch(), assembly.situation, assembly.known)


def _judge(assembly: Assembly, append: Append, match: int | None, clock: Clock) -> Outcome:
    repeated = _known_before(append, assembly.known)
    if repeated is not None:
        return repeated
    _check_versions(append, assembly.situation)
    if append.condition is not None:
        _check_condition(append.condition, match, assembly)
    trial = assembly.trial(append.recorded_by)
    for index, draft in enumerate(append.drafts):
        try:
            decide(trial.situation, draft.proposal)
            trial.record(draft)
        except (DomainError, EventStoreError) as error:
            _naming(error, append, index)
            raise
    recorded_at = next_instant(instant(clock()), assembly.recorded_at)
    return assembly.accept(trial, recorded_at)


def _known_before(append: Append, known: Mapping[str, Known]) -> Outcome | None:
    """Return the first outcome of an append that is recorded already, or None for a new one."""
    seen: set[str] = set()
    found: list[Known] = []
    for index, draft in enumerate(append.drafts):
        if draft.id in seen:
            raise _naming(RepeatedId(id=draft.id), append, index)
        seen.add(draft.id)
        former = known.get(draft.id)
        if former is None:
            continue
        if not former.holds(draft.proposal, draft.data):
            raise _naming(IdConflict(id=draft.id), append, index)
        found.append(former)
    if not found:
        return None
    if len(found) < len(append.drafts):
        raise PartlyKnownBatch(ids=tuple(former.receipt.id for former in found))
    return Outcome(tuple(former.receipt for former in found), created=False)


def _check_versions(append: Append, situation: Situation) -> None:
    seen: set[str] = set()
    for index, draft in enumerate(append.drafts):
        policy = draft.proposal.policy
        expected = draft.expected_version
        if expected is not None:
            if policy in seen:
                raise _naming(MisplacedExpectedVersion(policy=policy), append, index)
            stream = situation.streams.get(policy)
            actual = 0 if stream is None else stream.version
            if actual != (0 if expected == "new" else expected):
                wrong = WrongExpectedVersion(policy=policy, expected=expected, actual=actual)
                raise _naming(wrong, append, index)
        seen.add(policy)


def _check_condition(condition: Condition, match: int | None, assembly: Assembly) -> None:
    """Refuse where an event of the log matches, or one that this group will have recorded.

    What begins beyond the log's end holds for no event, now and for some time to come: whoever asks
    for it has a position of another log.
    """
    end = assembly.view.head.position + len(assembly.planned)
    if condition.after > end:
        raise ConditionBeyondLog(after=condition.after, position=end)
    if match is not None:
        raise ConditionFailed(position=match)
    for planned in assembly.planned:
        proposal = planned.draft.proposal
        if planned.position > condition.after and condition.fail_if_match.matches(
            type=proposal.type,
            policy=proposal.policy,
            recorded_by=planned.recorded_by,
            tags=assembly.ledger.tagged[planned.position],
        ):
            raise ConditionFailed(position=planned.position)


def _naming(error: Refusal, append: Append, index: int) -> Refusal:
    """Let an error name the event of a batch that it is about."""
    if append.batched:
        error.field = ".".join(part for part in (f"events[{index}]", error.field) if part)
    return error
