"""A log in a list, as the projector reads it."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from timeline.domain.belief import PastEvent
from timeline.domain.events import (
    DATA_TYPES,
    PayloadErased,
    PolicyDescribed,
    PolicyRegistered,
    read,
)
from timeline.domain.references import references
from timeline.projections.graph import Graph
from timeline.projections.memory import Memory
from timeline.projections.model import Seen


class RecordedStreams:
    """A log in a list; payloads that were erased by the position `erased_until` are replaced."""

    def __init__(
        self,
        events: Sequence[PastEvent],
        erased_until: int,
        hidden: Mapping[str, int] | None = None,
    ) -> None:
        self._hidden = hidden or {}
        self._original = events
        self.events = [_erase(event, events, erased_until) for event in events]

    def hides(self, event: PastEvent) -> bool:
        """Tell whether an event waits."""
        return event.position >= self._hidden.get(event.policy, event.position + 1)

    def streams(self, policies: Iterable[str], until: int) -> dict[str, list[PastEvent]]:
        """Return the events of policies up to a position."""
        wanted = set(policies)
        found: dict[str, list[PastEvent]] = {}
        for each in self.events:
            if each.policy in wanted and each.position <= until and not self.hides(each):
                found.setdefault(each.policy, []).append(each)
        return found

    def pointing_at(self, reference: str, until: int) -> list[PastEvent]:
        """Return the events that have, or had before their erasure, a reference."""
        return [
            each
            for each, original in zip(self.events, self._original, strict=False)
            if each.position <= until
            and not self.hides(each)
            and reference in references(each.data) | references(original.data)
        ]

    def pointing_at_any(self, wanted: Collection[str], until: int) -> dict[str, list[PastEvent]]:
        """Return, by reference, the events that have it."""
        return {key: self.pointing_at(key, until) for key in wanted}

    def references(self, policy: str, until: int) -> frozenset[str]:
        """Return all references that a policy's events up to a position ever had."""
        own = [each for each in self._original if each.policy == policy and each.position <= until]
        return frozenset(key for each in own for key in references(each.data))

    def registered_in(self, jurisdiction: str | None, until: int) -> frozenset[str]:
        """Return the policies that were ever in a jurisdiction, or all."""
        return frozenset(
            each.policy
            for each in self._original
            if each.position <= until
            and not self.hides(each)
            and isinstance(each.data, PolicyRegistered | PolicyDescribed)
            and jurisdiction in {None, each.data.jurisdiction}
        )


def seen_at(log: RecordedStreams, policy: str, position: int) -> Seen | None:
    """Return a policy as one sees it at a position who remembers nothing."""
    memory = Memory(log)
    memory.now = position
    return Graph(memory, position).node(policy).seen


def _erase(event: PastEvent, events: Sequence[PastEvent], erased_until: int) -> PastEvent:
    for other in events[:erased_until]:
        if isinstance(other.data, PayloadErased) and other.data.event == event.id:
            data = None
            if other.data.replacement is not None:
                data = read(DATA_TYPES[event.type], other.data.replacement, "data")
            return msgspec.structs.replace(event, data=data, erased=True)
    return event
