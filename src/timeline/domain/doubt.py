"""What open claims make of a policy (rule 8).

Owns what is believed, and what bears on a policy, with the one value of a claim in place of the
believed one; and laying the periods that follow over the believed ones. Must not know how periods
come about.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec

from timeline.domain.bearing import Bearing
from timeline.domain.belief import Belief, BelievedAction, BelievedRelation, Dispute
from timeline.domain.effects import action_key
from timeline.domain.events import ActionRecorded, Claim, RelationAsserted, field_type, read
from timeline.domain.machines import FIRST_DAY, LAST_DAY
from timeline.domain.periods import UNKNOWN, Period
from timeline.domain.vocabulary import WITHOUT_FORCE, Force, InForce, Instrument, Litigation

MAX_CLAIMS: Final = 32
"""Open claims that are followed up for one policy, a fold each; more leave every answer open."""

_TOLD: Final = frozenset(
    {"action", "occurred", "effective", "until", "by", "scope", "provision", "relation", "target"}
)
"""Fields of actions and relations that an axis can depend on."""


class Account(NamedTuple):
    """What is believed of a policy, and what bears on it, if one open claim holds.

    `by` is the dispute that makes the claim, here or about another policy.
    """

    by: str
    belief: Belief
    bearings: tuple[Bearing, ...]


class Followed(NamedTuple):
    """What follows from an account: the belief with its periods."""

    by: str
    belief: Belief
    periods: tuple[Period, ...]


def accounts(belief: Belief, bearings: Sequence[Bearing]) -> Iterator[Account]:
    """Yield an account for each open claim that matters, the policy's own claims first.

    There is one more than are followed, where there are more.
    """
    if not (bearings or belief.disputes or belief.redescribed):
        return
    own = dict(islice(claimed_beliefs(belief), MAX_CLAIMS + 1))
    told = dict.fromkeys((*own, *(each.by for one in bearings for each in one.variants)))
    for by in told:
        yield Account(by, own.get(by, belief), tuple(each.as_claimed(by) for each in bearings))


def claimed_beliefs(belief: Belief) -> Iterator[tuple[str, Belief]]:
    """Yield a belief for each of the policy's open claims that an axis or a name can depend on.

    Claims that say the same are one. First come those about its description: whether legal force
    applies at all is among what is followed.
    """
    for by, described in belief.redescribed:
        yield by, msgspec.structs.replace(belief, described=described)
    claims = [each for each in _open(belief) if each.claim.field in _TOLD]
    if not claims:
        return
    actions = {each.event: each for each in belief.actions}
    relations = {each.event: each for each in belief.relations}
    for dispute in claims:
        action, relation = actions.get(dispute.event), relations.get(dispute.event)
        if action is not None:
            told = _replaced(action.action, dispute.claim)
            if told != action.action:
                yield dispute.by, _with_action(belief, action, told)
        elif relation is not None:
            told = _replaced(relation.relation, dispute.claim)
            if told != relation.relation:
                yield dispute.by, _with_relation(belief, relation, told)


def _open(belief: Belief) -> Iterator[Dispute]:
    seen: set[tuple[str, str, bytes]] = set()
    for dispute in belief.disputes:
        if dispute.settled_by is not None:
            continue
        key = (dispute.event, dispute.claim.field, msgspec.json.encode(dispute.claim.value))
        if key not in seen:
            seen.add(key)
            yield dispute


def _replaced(told: Any, claim: Claim) -> Any:
    value = read(field_type(type(told), claim.field), claim.value, "claim.value")
    return msgspec.structs.replace(told, **{claim.field: value})


def _with_action(belief: Belief, action: BelievedAction, told: ActionRecorded) -> Belief:
    """Return a belief with another action; its place in the order can be another, too (rule 1)."""
    other = msgspec.structs.replace(action, action=told)
    actions = sorted(
        (other if each is action else each for each in belief.actions),
        key=lambda each: action_key(each.action, each.position),
    )
    return msgspec.structs.replace(belief, actions=tuple(actions))


def _with_relation(belief: Belief, relation: BelievedRelation, told: RelationAsserted) -> Belief:
    other = msgspec.structs.replace(relation, relation=told)
    relations = tuple(other if each is relation else each for each in belief.relations)
    return msgspec.structs.replace(belief, relations=relations)


# --- laying periods over periods

AXES: Final = ("stage", "force", "litigation")
RELATED: Final = ("force", "litigation")
"""The axes that relations of others move."""


def overlaid(
    believed: Followed, others: Sequence[Followed], *, beyond: Sequence[str] = ()
) -> tuple[Period, ...]:
    """Return the believed periods, saying where what an open claim leads to differs.

    Args:
        believed: what follows without the claims.
        others: what follows from each claim.
        beyond: the axes on which there are claims that were not followed, so that every answer is
            open; with the stage among them, also before anything is known to happen.

    """
    found: list[Period] = []
    days = {period.first for each in (believed, *others) for period in each.periods}
    if "stage" in beyond:
        days.add(FIRST_DAY)
    places = [_Place(each) for each in (believed, *others)]
    ordered = sorted(days)
    for index, first in enumerate(ordered):
        last = ordered[index + 1] - 1 if index + 1 < len(ordered) else LAST_DAY
        base, *rest = (place.on(first) for place in places)
        period = msgspec.structs.replace(base, first=first, last=last)
        named = zip((each.by for each in others), rest, strict=True)
        period = _doubted(period, list(named), beyond)
        if found and _continues(found[-1], period):
            found[-1] = msgspec.structs.replace(found[-1], last=last)
        else:
            found.append(period)
    return tuple(found)


class _Place:
    """Where a reader of periods is; days are asked in order."""

    def __init__(self, followed: Followed) -> None:
        self._periods = followed.periods
        self._next = 0
        self._current = _before_all(followed.belief.described.instrument)

    def on(self, day: int) -> Period:
        while self._next < len(self._periods) and self._periods[self._next].first <= day:
            self._current = self._periods[self._next]
            self._next += 1
        return self._current


def _before_all(instrument: Instrument) -> Period:
    """Return the period before anything is known to happen."""
    applicable = instrument not in WITHOUT_FORCE
    return Period(
        first=FIRST_DAY,
        last=LAST_DAY,
        stage=None,
        force=str(Force.NOT_ENACTED if applicable else Force.NOT_APPLICABLE),
        force_reason=None,
        litigation=str(Litigation.NONE),
        in_force=InForce.NO,
        last_confirmed=None,
        possible={},
        decided_by={},
    )


def _doubted(period: Period, others: Sequence[tuple[str, Period]], beyond: Sequence[str]) -> Period:
    """Return a period with what the claims make possible besides.

    The value served is the believed one.
    """
    possible = dict(period.possible)
    decided_by = dict(period.decided_by)
    answers = {period.in_force, *(other.in_force for _, other in others)}
    for axis in AXES:
        own = _values(period, axis)
        values, by = dict.fromkeys(own), []
        for dispute, other in others:
            theirs = _values(other, axis)
            if theirs != own:
                values.update(dict.fromkeys(theirs))
                by.append(dispute)
        if by:
            possible[axis] = tuple(values)
            decided_by[axis] = tuple(sorted({*decided_by.get(axis, ()), *by}))
        # Which claims say that force applies, or not, is always followed.
        if axis in beyond and values.keys() != {Force.NOT_APPLICABLE}:
            possible[axis] = tuple(dict.fromkeys((*values, UNKNOWN)))
            answers |= {InForce.MAYBE} if axis == "force" else set()
    return msgspec.structs.replace(
        period,
        possible=possible,
        decided_by=decided_by,
        in_force=period.in_force if len(answers) == 1 else InForce.MAYBE,
    )


def _values(period: Period, axis: str) -> tuple[str | None, ...]:
    return period.possible.get(axis, (getattr(period, axis),))


def _continues(period: Period, following: Period) -> bool:
    return msgspec.structs.replace(following, first=period.first, last=period.last) == period
