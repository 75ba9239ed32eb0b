"""Builders for tests of the domain: what does not matter to a rule is filled in here."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from timeline.domain.decide import decide, needs
from timeline.domain.errors import DomainError
from timeline.domain.events import decode_data
from timeline.domain.evolve import evolve
from timeline.domain.situation import (
    Layered,
    Needs,
    Proposal,
    Situation,
    StreamState,
    SubjectState,
)
from timeline.domain.vocabulary import EventType

T = TypeVar("T")

Json: TypeAlias = Any
"""A plain JSON value; typed loosely, because tests write malformed ones too."""

SOURCE: Final[dict[str, Json]] = {"url": "https://news.example/order"}
CALIFORNIA: Final = "ocd-division/country:us/state:ca"
LOS_ANGELES: Final = "ocd-division/country:us/state:ca/place:los_angeles"
ROUNDS: Final = 3
"""How often the write side may have to look up, as `needs` promises."""


class Draft(NamedTuple):
    """An event that a test wants to record, its data as plain JSON values."""

    policy: str
    type: EventType
    data: dict[str, Json]


class Refusal(NamedTuple):
    """What a refused writer is told."""

    error: type[DomainError]
    field: str
    message: str


def event_id(number: int) -> str:
    """Return the id of the event that a `Record` accepts as its first, second, …."""
    return f"00000000-0000-7000-8000-{number:012}"


def registered(policy: str, **data: Json) -> Draft:
    """Register a policy."""
    needed = {
        "title": "An order",
        "instrument": "executive_order",
        "jurisdiction": LOS_ANGELES,
        "sources": [SOURCE],
    }
    return Draft(policy, EventType.POLICY_REGISTERED, needed | data)


def described(policy: str, **data: Json) -> Draft:
    """Describe a policy anew; what changes is up to the test."""
    return Draft(policy, EventType.POLICY_DESCRIBED, {"reason": "as filed", **data})


def acted(policy: str, **data: Json) -> Draft:
    """Record an action."""
    needed = {"action": "issued", "occurred": "2024-11-19", "sources": [SOURCE]}
    return Draft(policy, EventType.ACTION_RECORDED, needed | data)


def corrected(policy: str, event: str, changes: dict[str, Json], **data: Json) -> Draft:
    """Correct an action."""
    needed = {"event": event, "changes": changes, "reason": "misread"}
    return Draft(policy, EventType.ACTION_CORRECTED, needed | data)


def supported(policy: str, event: str, **data: Json) -> Draft:
    """Attach a source that bears an event out."""
    needed = {"event": event, "source": SOURCE, "stance": "supports"}
    return Draft(policy, EventType.SOURCE_ATTACHED, needed | data)


def disputed(policy: str, event: str, field: str, value: Json) -> Draft:
    """Attach a source that claims another value of one field."""
    claim = {"field": field, "value": value}
    return supported(policy, event, stance="disputes", claim=claim)


def related(policy: str, target: dict[str, Json], **data: Json) -> Draft:
    """Assert a relation."""
    needed = {"relation": "rescinds", "target": target, "sources": [SOURCE]}
    return Draft(policy, EventType.RELATION_ASSERTED, needed | data)


def retracted(policy: str, event: str) -> Draft:
    """Retract an event; where it is a retraction, that restores."""
    return Draft(policy, EventType.EVENT_RETRACTED, {"event": event, "reason": "in error"})


def merged(policy: str, duplicate: str) -> Draft:
    """Fold a duplicate into the policy."""
    return Draft(policy, EventType.POLICIES_MERGED, {"duplicate": duplicate, "reason": "one order"})


def erased(policy: str, event: str, replacement: dict[str, Json] | None = None) -> Draft:
    """Erase an event's payload, with or without a replacement."""
    data: dict[str, Json] = {"event": event, "authority": "Court", "reason": "names a minor"}
    if replacement is not None:
        data["replacement"] = replacement
    return Draft(policy, EventType.PAYLOAD_ERASED, data)


class Accepted(NamedTuple):
    """An event that the record took in."""

    position: int
    version: int
    id: str
    draft: Draft


class Record:
    """A record in the making.

    Each judgement is made twice, on the whole picture and on one that holds only what `needs`
    names, as the event store does it; both have to agree.
    """

    def __init__(self) -> None:
        self.situation = Situation()
        self.log: list[Accepted] = []

    def given(self, *drafts: Draft) -> str:
        """Record events one by one; returns the last one's id."""
        for draft in drafts:
            self.append(draft)
        return self.log[-1].id

    when = given

    def refusal(self, draft: Draft) -> Refusal:
        """Return what refuses the event, after a check that nothing of it is left behind."""
        before = picture(self.situation)
        try:
            self.append(draft)
        except DomainError as error:
            assert picture(self.situation) == before
            return Refusal(type(error), error.field, str(error))
        raise AssertionError(f"{draft.type} was not refused")

    def append(self, *drafts: Draft) -> None:
        """Record events as one batch: all of them, or none and a DomainError."""
        first = len(self.log) + 1
        proposals = [
            Proposal(event_id(number), policy, type, decode_data(type, data))
            for number, (policy, type, data) in enumerate(drafts, start=first)
        ]
        whole, part = self.situation.fork(), looked_up(self.situation, proposals).fork()
        accepted = []
        for position, proposal in enumerate(proposals, start=first):
            outcome = judge(whole, proposal, position)
            assert repr(judge(part, proposal, position)) == repr(outcome)
            if isinstance(outcome, DomainError):
                raise outcome
            accepted.append(Accepted(position, outcome, proposal.id, drafts[position - first]))
        assert whole.changed_streams() == part.changed_streams()
        assert whole.changed_subjects() == part.changed_subjects()
        self.situation.merge(whole)
        self.log += accepted

    def stream(self, policy: str) -> StreamState:
        """Return a policy's head."""
        return self.situation.streams[policy]

    def subject(self, event: str) -> SubjectState:
        """Return what is known of an event."""
        return self.situation.subjects[event]


def judge(situation: Situation, proposal: Proposal, position: int) -> int | DomainError:
    """Take an event into the picture; returns its version, or why it is refused."""
    try:
        decide(situation, proposal)
    except DomainError as error:
        return error
    return evolve(situation, proposal, position)


def looked_up(whole: Situation, proposals: list[Proposal]) -> Situation:
    """Return the part of a picture that `needs` names, in as many rounds as it promises."""
    part, asked = Situation(), Needs()
    for _ in range(ROUNDS):
        wanted = needs(part, proposals)
        if asked | wanted == asked:
            break
        asked |= wanted
        _copy(whole.streams, part.streams, asked.policies)
        _copy(whole.subjects, part.subjects, asked.subjects)
        _copy(whole.actions, part.actions, asked.actions)
        _copy(whole.descriptions, part.descriptions, asked.descriptions)
    assert asked | needs(part, proposals) == asked
    return part


def _copy(known: Layered[T], found: Layered[T], names: Iterable[str]) -> None:
    found.own.update({name: known[name] for name in names if name in known})


def picture(situation: Situation) -> tuple[dict[str, Any], ...]:
    """Return all that a situation holds, for comparison."""
    return (
        dict(situation.streams),
        dict(situation.subjects),
        dict(situation.actions),
        dict(situation.descriptions),
    )
