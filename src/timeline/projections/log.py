"""The log as the read models read it: events decoded, erased payloads replaced.

Owns the way from a recorded event to one that folds. Must not know the read models.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from timeline.domain.events import DATA_TYPES, Data, PayloadErased, read, read_custom
from timeline.domain.history import PastEvent
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import MAX_PAGE, EventFilter, Recorded
from timeline.eventstore.protocol import EventStore

_DECODERS: Final = {
    type: msgspec.json.Decoder(kind, dec_hook=read_custom) for type, kind in DATA_TYPES.items()
}


class Log:
    """Reads the log for the projector; every page is bounded, streams are read to their end."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def after(self, position: int, *, until: int | None = None, limit: int) -> list[PastEvent]:
        """Return the next events of the log."""
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
        erasures = EventFilter(types=(EventType.PAYLOAD_ERASED.value,))
        return bool(self._store.read(after, until=until, filter=erasures, limit=1))

    def stream(self, policy: str, until: int) -> list[PastEvent]:
        """Return a policy's events up to a position, in order."""
        return self._pages(
            lambda last: self._store.stream(
                policy, after_version=last.version if last else 0, until=until, limit=MAX_PAGE
            )
        )

    def pointing_at(self, policy: str, until: int) -> list[PastEvent]:
        """Return the events that point at a policy, up to a position, in order."""
        return self._pages(
            lambda last: self._store.read(
                last.position if last else 0,
                until=until,
                filter=EventFilter(targets=(policy,)),
                limit=MAX_PAGE,
            )
        )

    def targets(self, policy: str) -> frozenset[str]:
        """Return the policies that a policy's events ever pointed at, also those erased since."""
        return self._store.targets(policy)

    def _pages(self, page: Callable[[Recorded | None], list[Recorded]]) -> list[PastEvent]:
        found: list[Recorded] = []
        while True:
            more = page(found[-1] if found else None)
            found.extend(more)
            if len(more) < MAX_PAGE:
                return [self._past(event) for event in found]

    def _past(self, event: Recorded) -> PastEvent:
        return PastEvent(
            position=event.position,
            id=event.id,
            policy=event.policy,
            version=event.version,
            type=EventType(event.type),
            recorded_at=event.recorded_at,
            recorded_by=event.recorded_by,
            data=self._data(event),
            erased=event.erased_by is not None,
        )

    def _data(self, event: Recorded) -> Data | None:
        """Return an event's data, or what replaces it once it is erased."""
        if event.data is not None:
            return decode(event.type, event.data)
        erasure = self._store.get(event.erased_by) if event.erased_by else None
        if erasure is None or erasure.data is None:
            return None
        erased = decode(erasure.type, erasure.data)
        if not isinstance(erased, PayloadErased) or erased.replacement is None:
            return None
        data: Data = read(DATA_TYPES[event.type], erased.replacement, "data")
        return data


def decode(type: EventType, data: bytes) -> Data:
    """Read stored canonical JSON as its payload."""
    return _DECODERS[type].decode(data)
