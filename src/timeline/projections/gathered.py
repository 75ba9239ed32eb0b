"""Some policies' events in memory, as the log that a projector reads.

Owns the answers about policies that nothing outside of them bears on. Must not know where their
events come from.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from timeline.domain.belief import PastEvent
from timeline.domain.events import PolicyDescribed, PolicyRegistered
from timeline.domain.references import references


class Gathered:
    """The whole log of some policies, for a `Projector`."""

    def __init__(
        self, events: Sequence[PastEvent], ever_referred: Callable[[str, int], frozenset[str]]
    ) -> None:
        """Take events.

        Args:
            events: all events of the policies up to a position, in order.
            ever_referred: returns what a policy's events up to a position pointed at, also what is
                erased.

        """
        self._ever_referred = ever_referred
        self._streams: dict[str, list[PastEvent]] = {}
        self._pointing: dict[str, list[PastEvent]] = {}
        self._places: list[tuple[int, str, str]] = []
        for event in events:
            self._streams.setdefault(event.policy, []).append(event)
            for reference in references(event.data):
                self._pointing.setdefault(reference, []).append(event)
            data = event.data
            if isinstance(data, PolicyRegistered | PolicyDescribed) and isinstance(
                data.jurisdiction, str
            ):
                self._places.append((event.position, data.jurisdiction, event.policy))

    def hides(self, _event: PastEvent) -> bool:
        """Tell that no event waits: those that do are not among these."""
        return False

    def streams(self, policies: Iterable[str], until: int) -> dict[str, list[PastEvent]]:
        """Return the events of policies up to a position, in order; no key where there are none."""
        found = {policy: _until(self._streams.get(policy, []), until) for policy in policies}
        return {policy: events for policy, events in found.items() if events}

    def pointing_at(self, reference: str, until: int) -> list[PastEvent]:
        """Return the events with a reference up to a position, in order."""
        return _until(self._pointing.get(reference, []), until)

    def pointing_at_any(self, wanted: Collection[str], until: int) -> dict[str, list[PastEvent]]:
        """Return, by reference, the events that have it, up to a position, in order."""
        found = {reference: self.pointing_at(reference, until) for reference in wanted}
        return {reference: events for reference, events in found.items() if events}

    def registered_in(self, jurisdiction: str | None, until: int) -> frozenset[str]:
        """Return the policies that were ever in a jurisdiction, or all policies."""
        return frozenset(
            policy
            for position, place, policy in self._places
            if position <= until and jurisdiction in {None, place}
        )

    def references(self, policy: str, until: int) -> frozenset[str]:
        """Return all references of a policy's events up to a position, also those erased since."""
        return self._ever_referred(policy, until)


def _until(events: Sequence[PastEvent], position: int) -> list[PastEvent]:
    return [event for event in events if event.position <= position]
