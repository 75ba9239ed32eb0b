"""The oracle: what a store must hold, worked out from nothing but the events that were recorded.

It replays the whole record with the domain alone, without positions to look up, rows or indexes.
"""

from collections import defaultdict

import msgspec

from timeline.domain.events import DATA_TYPES, Data, PayloadErased, PolicyDescribed, read
from timeline.domain.evolve import evolve, tags
from timeline.domain.references import references
from timeline.domain.situation import Description, Proposal, Situation, Tag
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import EventFilter
from timeline.eventstore.protocol import EventStore, ViewRequest


def replayed(proposals: list[Proposal]) -> Situation:
    """Return the write side's picture after these events, at positions 1, 2, 3, …."""
    situation = Situation()
    for position, proposal in enumerate(proposals, 1):
        evolve(situation, proposal, position)
    return situation


def replayed_tags(proposals: list[Proposal]) -> dict[Tag, list[int]]:
    """Return the positions that each tag is found at, in order.

    Erasure acts at every known position, except on what an event pointed at: the record is replayed as if each replacement had been
    recorded in the first place, and as if what was erased without one had said nothing.
    """
    erasures = {
        each.data.event: each.data for each in proposals if isinstance(each.data, PayloadErased)
    }
    situation = Situation()
    found: defaultdict[Tag, list[int]] = defaultdict(list)
    for position, proposal in enumerate(proposals, 1):
        data = _left_of(proposal, erasures.get(proposal.id))
        if isinstance(data, PayloadErased):
            # Its own effect is in the replay already; it still is a version of its stream.
            stream = situation.streams[proposal.policy]
            situation.streams[proposal.policy] = msgspec.structs.replace(
                stream, version=stream.version + 1
            )
        else:
            evolve(situation, msgspec.structs.replace(proposal, data=data), position)
        pointed_at = {Tag("target", reference) for reference in references(proposal.data)}
        for tag in tags(situation.streams[proposal.policy], data) | pointed_at:
            found[tag].append(position)
    return dict(found)


def _left_of(proposal: Proposal, erasure: PayloadErased | None) -> Data:
    if erasure is None:
        return proposal.data
    if erasure.replacement is not None:
        data: Data = read(DATA_TYPES[proposal.type], erasure.replacement, "replacement")
        return data
    if proposal.type is EventType.POLICY_DESCRIBED:
        return PolicyDescribed(reason="erased")
    return _without_parties(proposal.data)


def _without_parties(data: Data) -> Data:
    """Return the data with the only thing taken out of it that tags are made of."""
    cleared: dict[str, object] = {}
    if hasattr(data, "actors"):
        cleared["actors"] = ()
    if hasattr(data, "changes"):
        cleared["changes"] = msgspec.structs.replace(data.changes, actors=msgspec.UNSET)
    return msgspec.structs.replace(data, **cleared)


def assert_holds(store: EventStore, proposals: list[Proposal]) -> None:
    """Assert that the store's write side and its tags are those of a replay from scratch."""
    probes = tuple(_probe(proposal) for proposal in proposals)
    situation = store.view(ViewRequest(probes)).situation
    expected = replayed(proposals)
    assert dict(situation.streams) == dict(expected.streams)
    assert dict(situation.subjects) == dict(expected.subjects)
    for id, log in situation.actions.items():
        assert log.believed() == expected.actions[id].believed()
    assert set(situation.actions) == {id for id in expected.actions if not _is_gone(id, proposals)}
    for policy, descriptions in situation.descriptions.items():
        assert _standing(descriptions) == _standing(expected.descriptions[policy])
    for tag, positions in replayed_tags(proposals).items():
        assert _positions(store, tag) == positions, tag


def _standing(descriptions: tuple[Description, ...]) -> list[Description]:
    """Return the descriptions that count; the registration's, the first, always does."""
    first, *others = descriptions
    standing = [each for each in others if not each.retracted]
    return [msgspec.structs.replace(first, retracted=False), *standing]


def _is_gone(id: str, proposals: list[Proposal]) -> bool:
    return any(
        isinstance(each.data, PayloadErased)
        and each.data.event == id
        and each.data.replacement is None
        for each in proposals
    )


def _probe(proposal: Proposal) -> Proposal:
    """Return a retraction of the event, which asks for all that hangs on it."""
    data = read(
        DATA_TYPES[EventType.EVENT_RETRACTED], {"event": proposal.id, "reason": "probe"}, "data"
    )
    return Proposal(f"probe of {proposal.id}", proposal.policy, EventType.EVENT_RETRACTED, data)


def _positions(store: EventStore, tag: Tag) -> list[int]:
    filters = {
        "jurisdiction": EventFilter(jurisdictions=(tag.value,)),
        "topic": EventFilter(topics=(tag.value,)),
        "actor": EventFilter(actors=(tag.value,)),
        "identifier": EventFilter(identifiers=(tag.value,)),
        "target": EventFilter(targets=(tag.value,)),
    }
    return [event.position for event in store.read(filter=filters[tag.kind], limit=1_000)]
