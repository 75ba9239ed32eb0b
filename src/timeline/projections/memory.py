"""A bounded memory of the log, for what a policy's picture is folded from.

Owns which streams and references are kept between events. Must not know what is made of them.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, Protocol

from timeline.domain.belief import PastEvent
from timeline.domain.events import PolicyDescribed, PolicyRegistered
from timeline.domain.references import references

MAX_REMEMBERED_EVENTS: Final = 50_000
"""Events kept in memory between batches, some 100 MB at the usual size, so that a busy policy's
stream is not read again for each of its events."""


class Streams(Protocol):
    """The log as the projector reads it, with erased payloads replaced."""

    def streams(self, policies: Iterable[str], until: int) -> dict[str, list[PastEvent]]:
        """Return the events of policies up to a position, in order; no key where there are none."""

    def pointing_at(self, reference: str, until: int) -> list[PastEvent]:
        """Return the events with a reference up to a position, in order."""

    def pointing_at_any(self, wanted: Collection[str], until: int) -> dict[str, list[PastEvent]]:
        """Return, by reference, the events that have it still, up to a position, in order."""

    def registered_in(self, jurisdiction: str | None, until: int) -> frozenset[str]:
        """Return the policies that were ever in a jurisdiction, or all policies."""


class KeptReferences(Streams, Protocol):
    """The log with what erasures left of references."""

    def references(self, policy: str, until: int) -> frozenset[str]:
        """Return all references of a policy's events up to a position, also those erased since."""

    def hides(self, event: PastEvent) -> bool:
        """Tell whether an event waits: it is not to be taken in."""


class _Kept:
    """Lists of events by a key, kept current as events are added; the oldest used go first."""

    def __init__(self) -> None:
        self._lists: OrderedDict[str, list[PastEvent]] = OrderedDict()
        self._size = 0

    def __contains__(self, key: str) -> bool:
        return key in self._lists

    def get(self, key: str, load: Callable[[], list[PastEvent]]) -> list[PastEvent]:
        found = self._lists.get(key)
        if found is None:
            found = load()
            self.put(key, found)
        self._lists.move_to_end(key)
        return found

    def put(self, key: str, events: list[PastEvent]) -> None:
        self._lists[key] = events
        self._size += len(events)

    def add(self, key: str, event: PastEvent) -> None:
        if key in self._lists:
            self._lists[key].append(event)
            self._size += 1

    def shrink(self) -> None:
        while self._size > MAX_REMEMBERED_EVENTS or len(self._lists) > MAX_REMEMBERED_EVENTS:
            _, dropped = self._lists.popitem(last=False)
            self._size -= len(dropped)

    def clear(self) -> None:
        self._lists.clear()
        self._size = 0


class Memory:
    """The streams and references that were read, kept current as events are taken in.

    Not safe for threads.
    """

    def __init__(self, log: Streams) -> None:
        self._log = log
        self._streams = _Kept()
        self._pointing = _Kept()
        self.now = 0
        """The position up to which is read what is not remembered."""
        self.pointed = 0
        """How many of the events that were taken in point at anything, or can be pointed at."""

    def prefetch(self, policies: Iterable[str]) -> None:
        """Read the streams of policies together, as far as they are not remembered."""
        missing = sorted({policy for policy in policies if policy not in self._streams})
        if missing:
            found = self._log.streams(missing, self.now)
            for policy in missing:
                self._streams.put(policy, found.get(policy, []))

    def expect(self, coming: Sequence[PastEvent]) -> None:
        """Read together what some coming events will have looked up."""
        self.prefetch(event.policy for event in coming)
        described = [each for each in coming if _describes(each)]
        keys = {each.policy for each in described}.union(
            *(references(each.data) for each in described)
        )
        unknown = sorted(key for key in keys if key not in self._pointing)
        if unknown:
            pointing = self._log.pointing_at_any(unknown, self.now)
            for key in unknown:
                self._pointing.put(key, pointing.get(key, []))

    def add(self, event: PastEvent) -> None:
        """Take in the next event of the log."""
        self.now = event.position
        self._streams.add(event.policy, event)
        found = references(event.data)
        if found:
            self.pointed += 1
        for reference in found:
            self._pointing.add(reference, event)

    def stream(self, policy: str, position: int) -> Sequence[PastEvent]:
        """Return a policy's events up to a position, in order."""

        def load() -> list[PastEvent]:
            return self._log.streams([policy], self.now).get(policy, [])

        return _until(self._streams.get(policy, load), position)

    def pointing_at(self, reference: str, position: int) -> Sequence[PastEvent]:
        """Return the events with a reference up to a position, in order."""
        found = self._pointing.get(reference, lambda: self._log.pointing_at(reference, self.now))
        return _until(found, position)

    def registered_in(self, jurisdiction: str | None) -> frozenset[str]:
        """Return the policies that were ever in a jurisdiction, or all policies."""
        return self._log.registered_in(jurisdiction, self.now)

    def shrink(self) -> None:
        """Drop what was used longest ago until the bounds hold."""
        self._streams.shrink()
        self._pointing.shrink()

    def forget(self) -> None:
        """Drop everything; it is read from the log again."""
        self._streams.clear()
        self._pointing.clear()


def _until(events: list[PastEvent], position: int) -> Sequence[PastEvent]:
    if not events or events[-1].position <= position:
        return events
    return [event for event in events if event.position <= position]


def _describes(event: PastEvent) -> bool:
    return isinstance(event.data, PolicyRegistered | PolicyDescribed)
