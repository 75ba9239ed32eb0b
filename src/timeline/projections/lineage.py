"""Who ever bore on whom, at whatever position, also by what is erased since.

Owns the closures over references and mergers that an erasure needs. Must not know histories.
"""

from collections.abc import Callable, Iterable
from typing import Final

from timeline.domain.belief import PastEvent
from timeline.domain.events import PoliciesMerged, PolicyDescribed, PolicyRegistered
from timeline.domain.references import (
    ANYWHERE,
    PLACE,
    is_policy,
    place_reference,
    selector_reference,
)
from timeline.domain.vocabulary import EventType
from timeline.projections.memory import KeptReferences

_NAMING: Final = frozenset(
    {EventType.POLICY_REGISTERED, EventType.POLICY_DESCRIBED, EventType.SOURCE_ATTACHED}
)
"""Types of events that can give their policy an identifier, if only by a claim."""


class Lineage:
    """Reads the log up to a position for who pointed at whom."""

    def __init__(self, log: KeptReferences, until: int) -> None:
        self._log = log
        self._until = until
        self._streams: dict[str, list[PastEvent]] = {}

    def downstream(self, policies: Iterable[str]) -> set[str]:
        """Return policies, and all that they ever pointed at, directly or through others."""
        return _closure(policies, self._pointed_at)

    def events(self, policies: Iterable[str]) -> list[PastEvent]:
        """Return the events of policies, and of all that ever pointed at them, in order."""
        upstream = _closure(policies, self._pointing)
        return sorted(
            (event for policy in upstream for event in self._stream(policy)),
            key=lambda event: event.position,
        )

    def _stream(self, policy: str) -> list[PastEvent]:
        if policy not in self._streams:
            found = self._log.streams([policy], self._until)
            self._streams[policy] = found.get(policy, [])
        return self._streams[policy]

    def _pointed_at(self, policy: str) -> set[str]:
        found = self._merged(policy)
        for reference in self._log.references(policy, self._until):
            if reference == ANYWHERE:
                found |= self._log.registered_in(None, self._until)
            elif reference.startswith("selector/"):
                jurisdiction = reference.removeprefix("selector/")
                found |= self._log.registered_in(jurisdiction, self._until)
                found |= self._pointing_at(place_reference(jurisdiction))
            elif reference.startswith("citation/"):
                pointing = self._log.pointing_at(reference, self._until)
                found |= {each.policy for each in pointing if each.type in _NAMING}
            elif is_policy(reference):
                found.add(reference)
        return found

    def _pointing(self, policy: str) -> set[str]:
        references = {policy, ANYWHERE}
        for reference in self._log.references(policy, self._until):
            if reference.startswith("citation/"):
                references.add(reference)
            elif reference.startswith(PLACE):
                references.add(selector_reference(reference.removeprefix(PLACE)))
        for event in self._stream(policy):
            if isinstance(event.data, PolicyRegistered | PolicyDescribed) and isinstance(
                event.data.jurisdiction, str
            ):
                references.add(selector_reference(event.data.jurisdiction))
        return self._merged(policy).union(*map(self._pointing_at, references))

    def _pointing_at(self, reference: str) -> set[str]:
        return {event.policy for event in self._log.pointing_at(reference, self._until)}

    def _merged(self, policy: str) -> set[str]:
        """Return who ever was merged with a policy, in either direction."""
        survivors = {
            each.policy
            for each in self._log.pointing_at(policy, self._until)
            if each.type is EventType.POLICIES_MERGED
        }
        duplicates = {
            each.data.duplicate
            for each in self._stream(policy)
            if isinstance(each.data, PoliciesMerged)
        }
        return survivors | duplicates


def _closure(policies: Iterable[str], next: Callable[[str], set[str]]) -> set[str]:
    found = set(policies)
    waiting = list(found)
    while waiting:
        new = next(waiting.pop()) - found
        found |= new
        waiting.extend(new)
    return found
