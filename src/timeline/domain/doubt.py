"""What open disputes make of a policy's periods (rule 8).

Owns the claims that can change an answer, and laying the periods that they lead to over the believed
ones. Must not know how periods come about.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from timeline.domain.bearing import Inbound, is_move
from timeline.domain.belief import BelievedAction, Described, Dispute
from timeline.domain.events import (
    ActionRecorded,
    Claim,
    PolicyRegistered,
    RelationAsserted,
    field_type,
    read,
)
from timeline.domain.machines import LAST_DAY
from timeline.domain.periods import Period
from timeline.domain.vocabulary import Force, InForce, Instrument, Litigation

MAX_CLAIMS: Final = 32
"""Open claims that are followed up for one policy, a fold each; more leave every answer open."""

_TOLD: Final = frozenset(
    {"action", "occurred", "effective", "until", "by", "scope", "provision", "relation", "target"}
)
"""Fields of actions and relations that an axis can depend on."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy's periods follow from."""

    instrument: Instrument
    jurisdiction: str
    actions: tuple[BelievedAction, ...]
    inbound: tuple[Inbound, ...]


class Doubt(NamedTuple):
    """An open claim that bears on the periods: who makes it, and the facts as it has them."""

    by: str
    facts: Facts


def doubts(facts: Facts, described: Described, disputes: Iterable[Dispute]) -> Iterator[Doubt]:
    """Yield the facts as each open claim has them; claims that say the same are followed once."""
    seen: set[tuple[str, str, bytes]] = set()
    for dispute in (*disputes, *_of_others(facts.inbound)):
        claim = dispute.claim
        key = (dispute.event, claim.field, msgspec.json.encode(claim.value))
        if dispute.settled_by is not None or key in seen:
            continue
        seen.add(key)
        claimed = _claimed(facts, described, dispute)
        if claimed is not None:
            yield Doubt(dispute.by, claimed)


def _of_others(inbound: Iterable[Inbound]) -> Iterator[Dispute]:
    """Yield the claims about the relations that point here, and about what their lawsuits did."""
    for each in inbound:
        for dispute in each.bearing.disputes:
            if dispute.event == each.believed.event:
                yield dispute
        yield from each.bearing.contested


def _claimed(facts: Facts, described: Described, dispute: Dispute) -> Facts | None:
    """Return the facts with the one value replaced, or None where no axis can depend on it."""
    claim = dispute.claim
    if claim.field == "instrument" and dispute.event == described.decided_by["instrument"]:
        instrument = _value(PolicyRegistered, claim)
        return msgspec.structs.replace(facts, instrument=instrument)
    if claim.field not in _TOLD:
        return None
    for index, action in enumerate(facts.actions):
        if action.event == dispute.event:
            told = _replaced(action.action, claim)
            changed = msgspec.structs.replace(action, action=told)
            actions = (*facts.actions[:index], changed, *facts.actions[index + 1 :])
            return msgspec.structs.replace(facts, actions=actions)
    for index, inbound in enumerate(facts.inbound):
        if inbound.believed.event == dispute.event:
            relation = _replaced(inbound.relation, claim)
            believed = msgspec.structs.replace(inbound.believed, relation=relation)
            other = msgspec.structs.replace(inbound, believed=believed)
            rest = (*facts.inbound[:index], other, *facts.inbound[index + 1 :])
            return msgspec.structs.replace(facts, inbound=rest)
    moved = tuple(_moved(each, dispute) for each in facts.inbound)
    return None if moved == facts.inbound else msgspec.structs.replace(facts, inbound=moved)


def _moved(inbound: Inbound, dispute: Dispute) -> Inbound:
    """Return a relation of a lawsuit with its moves as a claim has them."""
    if dispute not in inbound.bearing.contested:
        return inbound
    moves = (
        msgspec.structs.replace(each, action=_replaced(each.action, dispute.claim))
        if each.event == dispute.event
        else each
        for each in inbound.bearing.moves
    )
    bearing = msgspec.structs.replace(
        inbound.bearing, moves=tuple(each for each in moves if is_move(each.action))
    )
    return msgspec.structs.replace(inbound, bearing=bearing)


def _replaced(told: Any, claim: Claim) -> Any:
    return msgspec.structs.replace(told, **{claim.field: _value(type(told), claim)})


def _value(kind: type[ActionRecorded | RelationAsserted | PolicyRegistered], claim: Claim) -> Any:
    return read(field_type(kind, claim.field), claim.value, "claim.value")


# --- laying periods over periods


def overlaid(
    believed: Sequence[Period],
    others: Sequence[tuple[str, Sequence[Period]]],
    *,
    applicable: bool,
    more: bool,
) -> tuple[Period, ...]:
    """Return the believed periods, saying where what an open claim leads to differs.

    Args:
        believed: the periods without the claims.
        others: for each claim, who makes it and the periods that follow from it.
        applicable: whether legal force applies to the policy.
        more: there are more claims than were followed, so that every answer is open.

    """
    found: list[Period] = []
    sets = [believed, *(periods for _, periods in others)]
    days = sorted({period.first for periods in sets for period in periods})
    before = _before_all(days[0] if days else LAST_DAY, applicable=applicable)
    at = [_Place(periods, before) for periods in sets]
    for index, first in enumerate(days):
        last = days[index + 1] - 1 if index + 1 < len(days) else LAST_DAY
        base, *rest = (place.on(first) for place in at)
        period = msgspec.structs.replace(base, first=first, last=last)
        named = zip((by for by, _ in others), rest, strict=True)
        period = _doubted(period, list(named), more=more)
        if found and _continues(found[-1], period):
            found[-1] = msgspec.structs.replace(found[-1], last=last)
        else:
            found.append(period)
    return tuple(found)


class _Place:
    """Where a reader of periods is; days are asked in order."""

    def __init__(self, periods: Sequence[Period], before: Period) -> None:
        self._periods = periods
        self._next = 0
        self._current = before

    def on(self, day: int) -> Period:
        while self._next < len(self._periods) and self._periods[self._next].first <= day:
            self._current = self._periods[self._next]
            self._next += 1
        return self._current


def _before_all(day: int, *, applicable: bool) -> Period:
    """Return the period before anything is known to happen."""
    return Period(
        first=0,
        last=day - 1,
        stage=None,
        force=str(Force.NOT_ENACTED if applicable else Force.NOT_APPLICABLE),
        force_reason=None,
        litigation=str(Litigation.NONE),
        in_force=InForce.NO,
        last_confirmed=None,
        possible={},
        decided_by={},
    )


AXES: Final = ("stage", "force", "litigation")


def _doubted(period: Period, others: Sequence[tuple[str, Period]], *, more: bool) -> Period:
    """Return a period with what the claims make possible besides.

    The value served is the believed one.
    """
    possible = dict(period.possible)
    decided_by = dict(period.decided_by)
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
    if more:
        possible["force"] = tuple(dict.fromkeys((*_values(period, "force"), str(Force.UNKNOWN))))
    answers = {period.in_force, *(other.in_force for _, other in others)}
    return msgspec.structs.replace(
        period,
        possible=possible,
        decided_by=decided_by,
        in_force=period.in_force if len(answers) == 1 and not more else InForce.MAYBE,
        void=period.void
        if all(other.void is period.void for _, other in others)
        else InForce.MAYBE,
    )


def _values(period: Period, axis: str) -> tuple[str | None, ...]:
    return period.possible.get(axis, (getattr(period, axis),))


def _continues(period: Period, following: Period) -> bool:
    return msgspec.structs.replace(following, first=period.first, last=period.last) == period
