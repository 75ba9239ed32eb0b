"""The log as the read models read it: events decoded, erased payloads replaced.

Owns the way from a recorded event to one that folds. Must not know the read models.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from timeline.domain.belief import PastEvent
from timeline.domain.events import DATA_TYPES, Data, read_custom
from timeline.domain.references import references
from timeline.domain.upcasting import is_current, read_recorded, read_replacement
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import MAX_FILTER_VALUES, MAX_PAGE, EventFilter, Recorded
from timeline.eventstore.protocol import EventStore

STREAMS: Final = 100
"""Streams read in one statement: a batch's policies in a few statements, some MB each."""

_DECODERS: Final = {
    type: msgspec.json.Decoder(kind, dec_hook=read_custom) for type, kind in DATA_TYPES.items()
}


_ERASURES: Final = EventFilter(types=(EventType.PAYLOAD_ERASED.value,))


class Log:
    """Reads the log for the projector; every page is bounded, streams are read to their end."""

    def __init__(self, store: EventStore, hidden: Mapping[str, int] | None = None) -> None:
        """Read a log.

        Args:
            store: has it.
            hidden: policies whose events wait, with the position from which on they do.

        """
        self._store = store
        self._hidden = dict(hidden or {})

    def hiding(self, hidden: Mapping[str, int]) -> "Log":
        """Return the same log with these policies' events hidden, and no others."""
        return Log(self._store, hidden)

    def hides(self, event: Recorded | PastEvent) -> bool:
        """Tell whether an event waits: nothing but its place in the log is to be seen of it."""
        hidden_from = self._hidden.get(event.policy)
        return hidden_from is not None and event.position >= hidden_from

    def next(self, position: int) -> Recorded | None:
        """Return the event after a position as it was recorded, hidden or not, and not decoded."""
        return next(iter(self._store.read(position, limit=1)), None)

    def first_of(self, policy: str) -> int:
        """Return the position of a policy's first event."""
        (registration,) = self._store.read(0, filter=EventFilter(policies=(policy,)), limit=1)
        return registration.position

    def after(self, position: int, *, until: int | None = None, limit: int) -> list[PastEvent]:
        """Return the next events of the log; those that are hidden come without their data."""
        return [
            self._past(event)
            for event in self._store.read(position, until=until, limit=min(limit, MAX_PAGE))
        ]

    def head(self) -> int:
        """Return the position of the log's last event."""
        return self._store.head().position

    def erased_between(self, after: int, until: int) -> bool:
        """Tell whether a payload was erased in (after, until]."""
        if until <= after:
            return False
        return bool(self._store.read(after, until=until, filter=_ERASURES, limit=1))

    def last_erasure(self, until: int) -> int | None:
        """Return the position of the last erasure up to a position, or None before the first."""
        last = None
        while page := self._store.read(last or 0, until=until, filter=_ERASURES, limit=MAX_PAGE):
            last = page[-1].position
        return last

    def streams(self, policies: Iterable[str], until: int) -> dict[str, list[PastEvent]]:
        """Return the events of policies up to a position, in order; no key where there are none."""
        wanted = sorted(policies)
        found: dict[str, list[PastEvent]] = {}
        for start in range(0, len(wanted), STREAMS):
            some = self._store.streams(frozenset(wanted[start : start + STREAMS]), until=until)
            for policy, events in some.items():
                seen = [self._past(event) for event in events if not self.hides(event)]
                if seen:
                    found[policy] = seen
        return found

    def pointing_at(self, reference: str, until: int) -> list[PastEvent]:
        """Return the events with a reference up to a position, in order."""
        return self._all(EventFilter(targets=(reference,)), until)

    def pointing_at_any(self, wanted: Collection[str], until: int) -> dict[str, list[PastEvent]]:
        """Return, by reference, the events that have it still, up to a position, in order."""
        ordered = sorted(wanted)
        found: dict[str, list[PastEvent]] = {}
        for start in range(0, len(ordered), MAX_FILTER_VALUES):
            some = tuple(ordered[start : start + MAX_FILTER_VALUES])
            for event in self._all(EventFilter(targets=some), until):
                for key in references(event.data).intersection(some):
                    found.setdefault(key, []).append(event)
        return found

    def references(self, policy: str, until: int) -> frozenset[str]:
        """Return all references of a policy's events up to a position, also those erased since."""
        return self._store.targets(policy, until)

    def links(self, until: int) -> list[tuple[str, str]]:
        """Return every policy with each key that one of its events ever pointed at, once."""
        return self._store.links(until)

    def versions(self, until: int) -> dict[str, int]:
        """Return every policy's version at a position."""
        return self._store.versions(until)

    def registered_in(self, jurisdiction: str | None, until: int) -> frozenset[str]:
        """Return the policies that were ever in a jurisdiction, or all policies."""
        describing = EventFilter(
            types=(EventType.POLICY_REGISTERED.value, EventType.POLICY_DESCRIBED.value),
            jurisdictions=() if jurisdiction is None else (jurisdiction,),
        )
        return frozenset(event.policy for event in self._all(describing, until))

    def _all(self, filter: EventFilter, until: int) -> list[PastEvent]:
        found: list[Recorded] = []
        while True:
            after = found[-1].position if found else 0
            more = self._store.read(after, until=until, filter=filter, limit=MAX_PAGE)
            found.extend(more)
            if len(more) < MAX_PAGE:
                return [self._past(event) for event in found if not self.hides(event)]

    def _past(self, event: Recorded) -> PastEvent:
        return PastEvent(
            position=event.position,
            id=event.id,
            policy=event.policy,
            version=event.version,
            type=EventType(event.type),
            recorded_at=event.recorded_at,
            recorded_by=event.recorded_by,
            data=None if self.hides(event) else self._data(event),
            erased=event.erased_by is not None,
        )

    def _data(self, event: Recorded) -> Data | None:
        """Return an event's data, or what replaces it once it is erased."""
        if event.data is not None:
            if is_current(event.type, event.schema):
                return decode(event.type, event.data)
            return read_recorded(event.type, event.schema, msgspec.json.decode(event.data))
        erasure = self._store.get(event.erased_by) if event.erased_by else None
        if erasure is None or erasure.data is None:
            return None
        return read_replacement(event.type, erasure.schema, msgspec.json.decode(erasure.data))


def decode(type: EventType, data: bytes) -> Data:
    """Read stored canonical JSON as its payload."""
    return _DECODERS[type].decode(data)
