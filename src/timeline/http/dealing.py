"""What comes new to the log, dealt out to filters: each event is read, encoded and looked up once.

Owns which of many filters an event is for, without asking each of them. Must not know who reads.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from timeline.application.served import ServedEvent, served_events
from timeline.domain.situation import Tag
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import EventFilter
from timeline.eventstore.protocol import EventStore
from timeline.formats import sse
from timeline.http.replies import encode


class Encoded(NamedTuple):
    """An event as it is sent, and its position."""

    position: int
    body: bytes


class Dealt(NamedTuple):
    """A stretch of the log up to a position: what matches each filter, and whether it erases any."""

    until: int
    found: dict[EventFilter, list[Encoded]]
    erases: bool


class Dealer:
    """Filters, each found by the values of one of its fields: the one that fewest events have."""

    def __init__(self, filters: Iterable[EventFilter]) -> None:
        self.filters = frozenset(filters)
        tags = [Tag(kind, value) for each in self.filters for kind, value in _tags(each)]
        self._tags = frozenset(tags)
        self._found_by: dict[Hashable, list[EventFilter]] = defaultdict(list)
        for each in self.filters:
            for key in _keys(each):
                self._found_by[key].append(each)

    def deal(self, store: EventStore, after: int, until: int) -> Dealt:
        """Read the next stretch of the log."""
        stretch = store.stretch(after, until=until)
        tagged = store.tagged(self._tags, after, stretch.until) if self._tags else {}
        found: dict[EventFilter, list[Encoded]] = defaultdict(list)
        erases = False
        for event in served_events(store, stretch.events):
            erases = erases or event.type == EventType.PAYLOAD_ERASED
            filters = self._whose(event, tagged.get(event.position, frozenset()))
            if filters:
                encoded = Encoded(event.position, sse.event(event.position, encode(event)))
                for each in filters:
                    found[each].append(encoded)
        return Dealt(stretch.until, found, erases)

    def _whose(self, event: ServedEvent, tags: AbstractSet[Tag]) -> Collection[EventFilter]:
        """Return the filters that an event matches."""
        keys = (*tags, *_facts(event.policy, event.recorded_by, event.type), None)
        candidates = {each for key in keys for each in self._found_by.get(key, ())}
        return [
            each
            for each in candidates
            if each.matches(
                type=event.type, policy=event.policy, recorded_by=event.recorded_by, tags=tags
            )
        ]


def _tags(filter: EventFilter) -> Iterator[tuple[str, str]]:
    for kind, values in filter.tags():
        for value in values:
            yield kind, value


def _facts(policy: str, recorded_by: str, type: str) -> tuple[Hashable, ...]:
    """Return what an event is found by besides its tags."""
    return ("policy", policy), ("recorded_by", recorded_by), ("type", type)


def _keys(filter: EventFilter) -> list[Hashable]:
    """Return what an event has one of where it matches; None, which all have, where all do."""
    if filter.policies:
        return [("policy", each) for each in filter.policies]
    for kind, values in filter.tags():
        return [Tag(kind, each) for each in values]
    if filter.recorded_by:
        return [("recorded_by", each) for each in filter.recorded_by]
    return [("type", each) for each in filter.types] or [None]
