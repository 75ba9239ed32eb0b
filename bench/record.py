"""A record to measure on: policies with actions over thirty years, some corrected long after.

Owns what the record holds, always the same for the same number of events. Must not know databases.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Draft

Event: TypeAlias = dict[str, Any]
"""An event as it is sent: id, policy, type, data."""

MAX_POLICIES: Final = 20_000
"""As many as a record has at most, however long it is."""

EVENTS_PER_POLICY: Final = 5
"""Where nothing else is asked for: fewer would make a record of registrations."""

CORRECTIONS: Final = 0.15
"""The share of events that correct an action of long ago."""

POLICIES_PER_PLACE: Final = 200
"""More than a page, in a small record, too: a larger one has more places."""

FIRST: Final = date(1995, 1, 1).toordinal()
LAST: Final = date(2025, 12, 31).toordinal()

_ACTIONS: Final = (
    *("hearing_held",) * 4,
    *("amended",) * 3,
    *("confirmed",) * 2,
    *("suspended", "resumed") * 2,
    "challenged",
    "upheld",
    "rescinded",
    "extended",
)
_RELATIONS: Final = (*("cites", "amends", "implements") * 4, "supplements", "suspends", "repeals")
_SOURCES: Final = [
    {"url": "https://news.example/orders/an-order", "title": "The order", "class": "news"}
]


def policies(events: int, each: int = EVENTS_PER_POLICY) -> int:
    """Return how many policies a record of so many events has, so many to each."""
    return min(MAX_POLICIES, events // each)


def jurisdiction(policy: int, registered: int) -> str:
    """Return the place that one of so many policies belongs to."""
    place = policy % max(1, registered // POLICIES_PER_PLACE)
    return f"ocd-division/country:us/state:{'ca' if place % 2 else 'ny'}/place:town_{place}"


def events(
    number: int, seed: int = 1, *, each: int = EVENTS_PER_POLICY, relations: float = 0.0
) -> Iterator[Event]:
    """Yield the events of a record: every policy is issued first, the rest comes as it happens.

    Args:
        number: how many.
        seed: of the dice.
        each: how many a policy has, on average.
        relations: the share of events that relate a policy to another one.

    """
    chance = random.Random(seed)  # noqa: S311 - a measurement's dice
    registered = policies(number, each)
    actions: list[list[str]] = [[] for _ in range(registered)]
    for place in range(number):
        policy = place if place < registered else chance.randrange(registered)
        id = event_id(place)
        if place < registered:
            yield _registered(id, policy, jurisdiction(policy, registered))
        elif relations and chance.random() < relations:
            yield _related(id, policy, chance.randrange(registered), chance)
        elif actions[policy] and chance.random() < CORRECTIONS * number / (number - registered):
            yield _corrected(id, policy, chance.choice(actions[policy]), chance)
        else:
            yield _acted(id, policy, chance, first=not actions[policy])
            actions[policy].append(id)


def drafts(
    number: int, seed: int = 1, *, each: int = EVENTS_PER_POLICY, relations: float = 0.0
) -> Iterator[Draft]:
    """Yield the events of a record, read."""
    return map(_draft, events(number, seed, each=each, relations=relations))


def registrations(registered: int) -> list[Draft]:
    """Return the registrations of policies."""
    return [
        _draft(_registered(event_id(each), each, jurisdiction(each, registered)))
        for each in range(registered)
    ]


def actions(registered: int, first: int, seed: int = 1) -> Iterator[Draft]:
    """Yield actions on registered policies without end, each with an id of its own.

    Args:
        registered: how many policies there are.
        first: the number of the first event, which its id follows from.
        seed: of the dice.

    """
    chance = random.Random(seed)  # noqa: S311 - a measurement's dice
    base = [_draft(_acted(event_id(0), each, chance, first=False)) for each in range(registered)]
    for number, draft in zip(count(first), cycle(base), strict=False):
        proposal = msgspec.structs.replace(draft.proposal, id=event_id(number))
        yield msgspec.structs.replace(draft, proposal=proposal)


def write_lines(path: Path, written: Iterable[Event]) -> None:
    """Write events as lines of NDJSON."""
    with path.open("wb") as file:
        file.writelines(msgspec.json.encode(event) + b"\n" for event in written)


def event_id(number: int) -> str:
    """Return the id of a numbered event."""
    return f"00000000-0000-7000-8000-{number:012}"


def _draft(event: Event) -> Draft:
    return Draft.read(
        id=event["id"], policy=event["policy"], type=EventType(event["type"]), data=event["data"]
    )


def name(policy: int) -> str:
    """Return a policy's id."""
    return f"order-{policy:05}"


def _registered(id: str, policy: int, jurisdiction: str) -> Event:
    data = {
        "title": f"Order {policy} on the care of parks, streets and squares",
        "instrument": "executive_order",
        "jurisdiction": jurisdiction,
        "identifiers": [{"scheme": "order", "value": f"{policy}/95"}],
        "topics": [f"topic {policy % 37}"],
        "sources": _SOURCES,
    }
    return _event(id, policy, EventType.POLICY_REGISTERED, data)


def _acted(id: str, policy: int, chance: random.Random, *, first: bool) -> Event:
    data = {
        "action": "issued" if first else chance.choice(_ACTIONS),
        "occurred": _day(chance, FIRST, FIRST + 365 if first else LAST),
        "sources": _SOURCES,
    }
    return _event(id, policy, EventType.ACTION_RECORDED, data)


def _corrected(id: str, policy: int, event: str, chance: random.Random) -> Event:
    data = {
        "event": event,
        "changes": {"occurred": _day(chance, FIRST, LAST)},
        "reason": "The archive gives another day.",
    }
    return _event(id, policy, EventType.ACTION_CORRECTED, data)


def _related(id: str, policy: int, other: int, chance: random.Random) -> Event:
    data = {
        "relation": chance.choice(_RELATIONS),
        "target": {"policy": name(other)},
        "effective": _day(chance, FIRST, LAST),
        "sources": _SOURCES,
    }
    return _event(id, policy, EventType.RELATION_ASSERTED, data)


def _event(id: str, policy: int, type: EventType, data: dict[str, Any]) -> Event:
    return {"id": id, "policy": name(policy), "type": str(type), "data": data}


def _day(chance: random.Random, first: int, last: int) -> str:
    return date.fromordinal(chance.randint(first, last)).isoformat()
