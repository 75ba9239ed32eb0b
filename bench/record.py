"""A record to measure on: policies with actions over thirty years, some corrected long after.

Owns what the record holds, always the same for the same number of events. Must not know databases.
"""

import random
from collections.abc import Iterator
from datetime import date
from typing import Final

from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Draft

MAX_POLICIES: Final = 20_000
"""As many as a record of a million events has, 50 to each."""

EVENTS_PER_POLICY: Final = 5
"""Fewer than that would make a record of registrations: a small record has fewer policies."""

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
_SOURCES: Final = [
    {"url": "https://news.example/orders/an-order", "title": "The order", "class": "news"}
]


def policies(events: int) -> int:
    """Return how many policies a record of so many events has."""
    return min(MAX_POLICIES, events // EVENTS_PER_POLICY)


def jurisdiction(policy: int, events: int) -> str:
    """Return the place that a policy of a record of so many events belongs to."""
    place = policy % max(1, policies(events) // POLICIES_PER_PLACE)
    return f"ocd-division/country:us/state:{'ca' if place % 2 else 'ny'}/place:town_{place}"


def drafts(events: int, seed: int = 1) -> Iterator[Draft]:
    """Yield the events of a record: every policy is issued first, the rest comes as it happens."""
    chance = random.Random(seed)  # noqa: S311 - a measurement's dice
    count = policies(events)
    actions: list[list[str]] = [[] for _ in range(count)]
    for number in range(events):
        policy = number if number < count else chance.randrange(count)
        id = f"00000000-0000-7000-8000-{number:012}"
        if number < count:
            yield _registered(id, policy, jurisdiction(policy, events))
        elif actions[policy] and chance.random() < CORRECTIONS * events / (events - count):
            yield _corrected(id, policy, chance.choice(actions[policy]), chance)
        else:
            yield _acted(id, policy, chance, first=not actions[policy])
            actions[policy].append(id)


def name(policy: int) -> str:
    """Return a policy's id."""
    return f"order-{policy:05}"


def _registered(id: str, policy: int, jurisdiction: str) -> Draft:
    data = {
        "title": f"Order {policy} on the care of parks, streets and squares",
        "instrument": "executive_order",
        "jurisdiction": jurisdiction,
        "identifiers": [{"scheme": "order", "value": f"{policy}/95"}],
        "topics": [f"topic {policy % 37}"],
        "sources": _SOURCES,
    }
    return Draft.read(id=id, policy=name(policy), type=EventType.POLICY_REGISTERED, data=data)


def _acted(id: str, policy: int, chance: random.Random, *, first: bool) -> Draft:
    data = {
        "action": "issued" if first else chance.choice(_ACTIONS),
        "occurred": _day(chance, FIRST, FIRST + 365 if first else LAST),
        "sources": _SOURCES,
    }
    return Draft.read(id=id, policy=name(policy), type=EventType.ACTION_RECORDED, data=data)


def _corrected(id: str, policy: int, event: str, chance: random.Random) -> Draft:
    data = {
        "event": event,
        "changes": {"occurred": _day(chance, FIRST, LAST)},
        "reason": "The archive gives another day.",
    }
    return Draft.read(id=id, policy=name(policy), type=EventType.ACTION_CORRECTED, data=data)


def _day(chance: random.Random, first: int, last: int) -> str:
    return date.fromordinal(chance.randint(first, last)).isoformat()
