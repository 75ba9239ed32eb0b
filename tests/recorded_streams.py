"""A log in a list, as the projector reads it."""

from collections.abc import Sequence

import msgspec

from timeline.domain.events import DATA_TYPES, PayloadErased, read
from timeline.domain.evolve import targets
from timeline.domain.history import PastEvent


class RecordedStreams:
    """A log in a list; payloads that were erased by the position `erased_until` are replaced."""

    def __init__(self, events: Sequence[PastEvent], erased_until: int) -> None:
        self._original = events
        self.events = [_erase(event, events, erased_until) for event in events]

    def stream(self, policy: str, until: int) -> list[PastEvent]:
        """Return a policy's events up to a position."""
        return [each for each in self.events if each.policy == policy and each.position <= until]

    def pointing_at(self, policy: str, until: int) -> list[PastEvent]:
        """Return the events that point at a policy, up to a position."""
        return [
            each for each in self.events if policy in targets(each.data) and each.position <= until
        ]

    def targets(self, policy: str) -> frozenset[str]:
        """Return the policies that a policy's events ever pointed at."""
        own = [each for each in self._original if each.policy == policy]
        return frozenset(target for each in own for target in targets(each.data))


def _erase(event: PastEvent, events: Sequence[PastEvent], erased_until: int) -> PastEvent:
    for other in events[:erased_until]:
        if isinstance(other.data, PayloadErased) and other.data.event == event.id:
            data = None
            if other.data.replacement is not None:
                data = read(DATA_TYPES[event.type], other.data.replacement, "data")
            return msgspec.structs.replace(event, data=data, erased=True)
    return event
