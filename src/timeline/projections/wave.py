"""How far an event reaches: which policies' histories it changes, directly or through others.

Owns the spreading from policy to policy. Must not know rows or databases.
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from timeline.domain.bearing import Bearing
from timeline.domain.belief import BelievedRelation, Dispute, PastEvent
from timeline.domain.events import PoliciesMerged, Target
from timeline.domain.references import claimed_target
from timeline.projections.graph import Graph, Node

_OUTWARD: Final = ("keys", "lawsuit", "begun", "reach", "moves", "contested")
"""What all relations of a policy depend on."""


class Wave:
    """One event's way through the policies.

    A policy is worked out anew where the event is about it, or where what bears on it has changed;
    it is passed over where nothing that it bears on others has.
    """

    def __init__(self, graph: Graph, past: Graph, *, most: int = sys.maxsize) -> None:
        """Look at one position and at an earlier one.

        Args:
            graph: as it is.
            past: as it was.
            most: policies that are looked at; where there are more, the wave is `cut`.

        """
        self._graph = graph
        self._past = past
        self._most = most
        self.cut = False
        self._before: dict[str, Node] = {}
        self._latest: dict[str, Node] = {}
        self._waiting: deque[str] = deque()
        self._queued: set[str] = set()
        self._cycles: set[frozenset[str]] = set()

    def spread(self, event: PastEvent) -> dict[str, Node]:
        """Work out all histories that the event changes.

        Args:
            event: the newest event, which the graph has taken in.

        Returns:
            The policies that it may have changed, in order, as they were before.

        """
        return self.reach(self._graph.family(about(event)))

    def reach(self, policies: Iterable[str]) -> dict[str, Node]:
        """Work out policies, and all whose histories change with theirs; returns as `spread`."""
        for policy in sorted(policies):
            self._push(policy)
        while self._waiting:
            policy = self._waiting.popleft()
            self._queued.discard(policy)
            self._work_out(policy)
        return {policy: self._before[policy] for policy in sorted(self._before)}

    def _push(self, policy: str) -> None:
        if policy not in self._before:
            if len(self._before) >= self._most:
                self.cut = True
                return
            known = self._graph.known(policy, self._past.position)
            self._before[policy] = self._past.node(policy) if known is None else known
        self._graph.renew(policy)
        if policy not in self._queued:
            self._queued.add(policy)
            self._waiting.append(policy)

    def _work_out(self, policy: str) -> None:
        earlier = self._latest.get(policy, self._before[policy])
        node = self._latest[policy] = self._graph.node(policy)
        # Within a cycle everyone depends on what is believed of everyone, not on histories.
        for cycle in {earlier.cycle, node.cycle} - self._cycles:
            self._cycles.add(cycle)
            for member in sorted(cycle - {policy}):
                self._push(member)
        for relation, targets in _differing(earlier.bearing, node.bearing):
            for receiver in self._graph.receivers(relation, targets):
                self._push(receiver)
                self._cycles.discard(self._cycle_entered(receiver, policy))
                if self.cut:
                    break

    def _cycle_entered(self, policy: str, source: str) -> frozenset[str]:
        """Return a policy's cycle where a source outside it has changed: all of it has to follow."""
        node = self._latest.get(policy) or self._before.get(policy)
        return frozenset() if node is None or source in node.cycle else node.cycle


def about(event: PastEvent) -> set[str]:
    """Return the policies that an event itself is about."""
    if isinstance(event.data, PoliciesMerged):
        return {event.policy, event.data.duplicate}
    return {event.policy}


def _differing(
    before: Bearing | None, after: Bearing | None
) -> Iterator[tuple[BelievedRelation, list[Target]]]:
    """Yield the relations whose effect may differ, with the targets that disputes name instead."""
    if before is None and after is None:
        return
    alike = (
        before is not None
        and after is not None
        and all(getattr(before, name) == getattr(after, name) for name in _OUTWARD)
    )
    told = [_told(each) for each in (before, after)]
    for event in sorted(told[0].keys() | told[1].keys()):
        one, other = told[0].get(event), told[1].get(event)
        if alike and one == other:
            continue
        for each in (one, other):
            if each is not None:
                relation, disputes = each
                claimed = (claimed_target(dispute.claim) for dispute in disputes)
                yield relation, [target for target in claimed if target is not None]


def _told(bearing: Bearing | None) -> dict[str, tuple[BelievedRelation, list[Dispute]]]:
    """Return the relations by event, with the open disputes about each."""
    if bearing is None:
        return {}
    found: dict[str, tuple[BelievedRelation, list[Dispute]]] = {
        each.event: (each, []) for each in bearing.relations
    }
    for dispute in bearing.disputes:
        found[dispute.event][1].append(dispute)
    return found
