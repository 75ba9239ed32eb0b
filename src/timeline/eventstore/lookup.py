"""What the write side has to look up before it can judge, and the picture made of what was found.

Owns the bounded rounds of asking `needs`, and the reading of rows into a `Situation`. Must not know
where the rows come from.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

import msgspec

from timeline.domain.decide import needs, reaches_below
from timeline.domain.events import (
    ActionCorrected,
    ActionRecorded,
    Data,
    PayloadErased,
    PoliciesMerged,
    PolicyDescribed,
    PolicyRegistered,
)
from timeline.domain.situation import (
    ActionLog,
    Correction,
    Description,
    Needs,
    Proposal,
    Situation,
    StreamState,
    SubjectState,
    describe,
    named_event,
)
from timeline.domain.upcasting import read_recorded, read_replacement
from timeline.domain.vocabulary import EventType
from timeline.eventstore.errors import StoreBusy
from timeline.eventstore.retagging import Line

MAX_ROUNDS: Final = 6
"""Three rounds find all that one head of the log holds; each round may find a later head."""

DESCRIBING: Final = (EventType.POLICY_REGISTERED, EventType.POLICY_DESCRIBED)

_Found = TypeVar("_Found")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What one round looks up.

    Beside the `needs` of the domain: `ids` that may be recorded already, `erasing` (the events
    whose payload is to go, with their data), `redescribing` (the policies whose description may
    lose something that way, with every event they have).
    """

    needs: Needs = Needs()
    ids: frozenset[str] = frozenset()
    erasing: frozenset[str] = frozenset()
    redescribing: frozenset[str] = frozenset()

    @property
    def contents(self) -> frozenset[str]:
        """The events that are to be found with their data, by id."""
        return self.needs.actions | self.erasing


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its data: as sent, or as its erasure replaced it."""

    id: str
    policy: str
    type: EventType
    data: Data | None
    retracted: bool


def look_up(
    proposals: tuple[Proposal, ...],
    load: Callable[[Wanted], tuple[Situation, _Found]],
) -> tuple[Situation, _Found]:
    """Load until nothing new is needed.

    Args:
        proposals: the events to be judged, in order.
        load: returns what is wanted, all of it from one snapshot, and the picture made of it.

    Raises:
        StoreBusy: the log moved so fast that no snapshot was complete.

    """
    ids = frozenset(each.id for each in proposals)
    if not any(reaches_below(each) for each in proposals):
        return load(Wanted(ids=ids, needs=needs(Situation(), proposals)))
    wanted = _widen(Wanted(ids=ids), Situation(), proposals)
    for _ in range(MAX_ROUNDS):
        situation, found = load(wanted)
        wider = _widen(wanted, situation, proposals)
        if wider == wanted:
            return situation, found
        wanted = wider
    raise StoreBusy(retry_after_s=1)


def _widen(wanted: Wanted, situation: Situation, proposals: tuple[Proposal, ...]) -> Wanted:
    """Return what is wanted once this picture is known.

    Proposals may name each other, so `needs` is asked as if those before it were recorded.
    """
    seen = situation.fork()
    sets: tuple[set[str], ...] = (set(), set(), set(), set())
    erasures = [each for each in proposals if isinstance(each.data, PayloadErased)]
    for proposal in proposals:
        needed = needs(seen, (proposal,))
        fields = (needed.policies, needed.subjects, needed.actions, needed.descriptions)
        for total, more in zip(sets, fields, strict=True):
            total.update(more)
        if proposal.id not in seen.subjects:
            seen.subjects[proposal.id] = _as_if_recorded(seen, proposal)
    needed = wanted.needs | Needs(*(frozenset(each) for each in sets))
    erasing = frozenset(named_event(each.data) or "" for each in erasures)
    redescribing = needed.descriptions & {each.policy for each in erasures}
    return msgspec.structs.replace(
        wanted, needs=needed, erasing=erasing, redescribing=wanted.redescribing | redescribing
    )


def _as_if_recorded(situation: Situation, proposal: Proposal) -> SubjectState:
    data = proposal.data
    event = named_event(data)
    retracts: tuple[str, ...] = ()
    if proposal.type is EventType.EVENT_RETRACTED and event is not None:
        below = situation.subjects.get(event)
        retracts = (event, *(below.retracts if below is not None else ()))
    return SubjectState(
        id=proposal.id,
        policy=proposal.policy,
        type=proposal.type,
        position=0,
        subject=event,
        duplicate=data.duplicate if isinstance(data, PoliciesMerged) else None,
        retracts=retracts,
    )


def picture(
    wanted: Needs,
    streams: Iterable[StreamState],
    subjects: Iterable[SubjectState],
    contents: Iterable[Content],
) -> Situation:
    """Return the write side's picture of what was found.

    Args:
        wanted: what of the contents is told as actions, what as descriptions.
        streams: the heads of the streams found.
        subjects: the events found.
        contents: events with their data, in the order of the log.

    """
    situation = Situation()
    situation.streams.own.update((stream.policy, stream) for stream in streams)
    situation.subjects.own.update((subject.id, subject) for subject in subjects)
    for content in contents:
        data = content.data
        if content.policy in wanted.descriptions and content.type in DESCRIBING:
            told = situation.descriptions.get(content.policy) or ()
            situation.descriptions[content.policy] = (*told, _description(content))
        if isinstance(data, ActionRecorded) and content.id in wanted.actions:
            situation.actions[content.id] = ActionLog(data)
        elif isinstance(data, ActionCorrected) and data.event in situation.actions:
            log = situation.actions[data.event]
            correction = Correction(content.id, data.changes, content.retracted)
            situation.actions[data.event] = ActionLog(log.original, (*log.corrections, correction))
    return situation


def _description(content: Content) -> Description:
    if isinstance(content.data, PolicyRegistered | PolicyDescribed):
        told = describe(content.id, content.data)
        return msgspec.structs.replace(told, retracted=content.retracted)
    return Description(content.id, retracted=True)


def line(
    position: int,
    id: str,
    contents: Mapping[str, Content],
    retracts: tuple[str, ...],
) -> Line:
    """Return what a recorded event means for the description of its policy."""
    content = contents.get(id)
    told = None
    if content is not None and isinstance(content.data, PolicyRegistered | PolicyDescribed):
        told = describe(id, content.data)
    return Line(position, id, told, retracts[-1] if retracts else None)


def read_content(
    type: EventType,
    schema: int,
    data: bytes | str | None,
    erasure: tuple[int, bytes | str] | None,
) -> Data | None:
    """Read an event's data: as sent, or what replaced it when it was erased, or nothing.

    Args:
        type: the event's type.
        schema: the version of its shape.
        data: as stored; None where it is erased.
        erasure: the version and the data of what erased it.

    """
    if data is not None:
        return read_recorded(type, schema, msgspec.json.decode(data))
    if erasure is None:
        return None
    return read_replacement(type, erasure[0], msgspec.json.decode(erasure[1]))
