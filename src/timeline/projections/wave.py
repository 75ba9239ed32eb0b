"""How far an event reaches: which policies' histories it changes, directly or through others.

Owns the spreading from policy to policy. Must not know rows or databases.
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeAlias

import msgspec

from timeline.domain.bearing import Bearing
from timeline.domain.belief import BelievedRelation, PastEvent
from timeline.domain.events import Target
from timeline.projections.graph import STREAMS, Graph, Node


class Wave:
    """One event's way through the policies.

    A policy is worked out anew where the event is about it, or where what bears on it has changed;
    it is passed over where nothing that it bears on others has. Those that bear on nobody come last,
    one after the other, and nothing is kept of them: a selector may name all of a country's orders.
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
        self._leaves: dict[str, None] = {}
        self._before: dict[str, Node] = {}
        self._latest: dict[str, Node] = {}
        self._waiting: deque[str] = deque()
        self._queued: set[str] = set()
        self._cycles: set[frozenset[str]] = set()

    def spread(self, event: PastEvent) -> Iterator[tuple[str, Node, Node]]:
        """Work out all histories that the event changes.

        Args:
            event: the newest event, which the graph has taken in.

        Yields:
            The policies that it may have changed, each once, as they were before and as they are.

        """
        yield from self.reach(self._graph.tellers(event))

    def reach(self, policies: Iterable[str]) -> Iterator[tuple[str, Node, Node]]:
        """Work out policies, and all whose histories change with theirs; yields as `spread`."""
        for policy in sorted(policies):
            self._push(policy)
        while self._waiting:
            policy = self._waiting.popleft()
            self._queued.discard(policy)
            self._work_out(policy)
        for policy in sorted(self._before):
            yield policy, self._before[policy], self._graph.node(policy)
        yield from self._settled(sorted(self._leaves))

    def _settled(self, leaves: Sequence[str]) -> Iterator[tuple[str, Node, Node]]:
        """Work out policies that bear on nobody, so that nothing comes back to them."""
        for start in range(0, len(leaves), STREAMS):
            some = leaves[start : start + STREAMS]
            self._graph.prepare(some)
            for policy in some:
                before = self._earlier(policy)
                self._graph.renew(policy)
                yield policy, before, self._graph.node(policy)
                self._past.drop(policy)

    def _earlier(self, policy: str) -> Node:
        known = self._graph.known(policy, self._past.position)
        return self._past.node(policy) if known is None else known

    def _push_receiver(self, policy: str) -> None:
        if policy in self._before or not self._graph.bears_on_nobody(policy):
            self._push(policy)
        elif policy not in self._leaves:
            if self._is_full():
                return
            self._leaves[policy] = None

    def _is_full(self) -> bool:
        """Tell whether no further policy may be looked at, and take note that one is left out."""
        self.cut = self.cut or len(self._before) + len(self._leaves) >= self._most
        return self.cut

    def _push(self, policy: str) -> None:
        if policy not in self._before:
            if self._is_full():
                return
            self._before[policy] = self._earlier(policy)
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
        for targets in _differing(earlier, node):
            for receiver in self._graph.receivers(targets):
                if receiver in node.cycle:
                    continue
                self._push_receiver(receiver)
                self._cycles.discard(self._cycle_entered(receiver, policy))
                if self.cut:
                    break

    def _cycle_entered(self, policy: str, source: str) -> frozenset[str]:
        """Return a policy's cycle where a source outside it has changed: all of it has to follow."""
        node = self._latest.get(policy) or self._before.get(policy)
        return frozenset() if node is None or source in node.cycle else node.cycle


Said: TypeAlias = dict[str, tuple[int, BelievedRelation | None]]
"""What a relation is, as believed and by each claim for which that differs; the number tells what
else it depends on."""


def _differing(before: Node, after: Node) -> Iterator[list[Target]]:
    """Yield the targets, believed and claimed, of each relation whose effect may differ."""
    if before.bearing is None and after.bearing is None:
        return
    outward: list[Bearing] = []
    one, other = _said(before, outward), _said(after, outward)
    for event in sorted(one.keys() | other.keys()):
        told = [node.asserted.get(event, ()) for node in (before, after)]
        if one.get(event) != other.get(event) or told[0] != told[1]:
            yield list(dict.fromkeys(each.target for each in chain(*told)))


def _said(node: Node, outward: list[Bearing]) -> dict[str, Said]:
    """Return what a policy bears on others, by relation; adds to what all relations depend on."""
    if node.bearing is None:
        return {}
    number = _number(node.bearing, outward)
    believed = {each.event: (number, each) for each in node.bearing.relations}
    found: dict[str, Said] = {
        event: {"": believed.get(event, (number, None))} for event in node.asserted
    }
    for by, bearing in node.bearing.variants:
        number = _number(bearing, outward)
        claimed = {each.event: (number, each) for each in bearing.relations}
        for event in believed.keys() | claimed.keys():
            told = claimed.get(event, (number, None))
            if told != believed.get(event):
                found[event][by] = told
    return found


def _number(bearing: Bearing, outward: list[Bearing]) -> int:
    told = msgspec.structs.replace(bearing, relations=(), variants=())
    if told not in outward:
        outward.append(told)
    return outward.index(told)
