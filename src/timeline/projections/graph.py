"""Every policy's history at one position, with whatever bears on it.

Owns who is folded into whom, who bears on whom, and the order in which that is worked out, cycles
included (rule 7). Must not know rows or databases.
"""

import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Self, TypeAlias

import msgspec

from timeline.domain.bearing import POSSIBLY, Bearing, Reach, effect_order, reach_of
from timeline.domain.belief import Belief, BelievedRelation, Described, PastEvent, standing
from timeline.domain.events import (
    ActionCorrected,
    ActionRecorded,
    PoliciesMerged,
    PolicyDescribed,
    PolicyRegistered,
    RelationAsserted,
    SourceAttached,
    Target,
)
from timeline.domain.history import Folder, History, bearing_of, may_point
from timeline.domain.references import claimed_target, references_of, target_references
from timeline.domain.vocabulary import RELATIONS
from timeline.projections.memory import Memory
from timeline.projections.model import Seen

MAX_CYCLE: Final = 100
"""Relations among policies that bear on each other in a cycle, followed in the order of their
effect; where there are more, they count as ones that possibly act."""

Effect: TypeAlias = tuple[int, int, int]
"""Where a relation stands in the order of effects."""

STREAMS: Final = 100
"""Streams read together where an event may reach many policies."""

MAX_NODES: Final = 5_000
"""Policies whose histories are kept."""


class _Keys(NamedTuple):
    """The reference keys that a description and the members of a policy come to."""

    described: Described
    members: frozenset[str]
    found: list[str]


class Node:
    """One policy at one position: what is believed, who may bear on it, and what follows."""

    def __init__(self, folder: Folder, keys: "_Keys | None" = None) -> None:
        self.folder = folder
        self.belief: Belief | None = None
        self._keys = keys
        self.sources: tuple[int, frozenset[str]] | None = None
        """Who may bear on it, at a position."""
        self.merged_into: str | None = None
        self.cycle: frozenset[str] = frozenset()
        self.position = sys.maxsize
        """Where the history was worked out; it is the same since, or the node would be renewed."""
        self.history: History | None = None
        self.bearing: Bearing | None = None
        self._asserted: Bearing | None = None
        self._relations: dict[str, list[BelievedRelation]] | None = None

    @property
    def seen(self) -> Seen | None:
        """The policy as read models see it, or None before its registration."""
        return None if self.history is None else Seen(self.history, self.merged_into)

    def followed(self, memory: Memory, position: int) -> tuple[Seen | None, Seen | None]:
        """Take in one more event of a policy that is alone; return how it was seen, and how it is."""
        before = self.seen
        if self.belief is not None:
            self.belief = self.folder.believe(memory.stream(self.belief.policy, position))
        if self.belief is not None:
            self.history = self.folder.concluded(self.belief, ())
        self.position = position
        self.sources = None
        return before, self.seen

    def anew(self) -> "Node":
        """Return a node for the policy to be worked out in, with what can be used again."""
        return Node(self.folder, self._keys)

    @property
    def references(self) -> list[str]:
        """The keys by which relations can point at the policy."""
        if self.belief is None:
            return []
        known, members = self.belief.described, self.belief.members
        if self._keys is None or known is not self._keys.described or members != self._keys.members:
            self._keys = _Keys(known, members, _references(self.belief))
        return self._keys.found

    def asserted(self, keys: Iterable[str]) -> Bearing | None:
        """Return its relations that these reference keys may find, apart from when they act."""
        if self._relations is None:
            self._asserted = None if self.belief is None else bearing_of(self.belief, POSSIBLY)
            self._relations = {} if self._asserted is None else _by_reference(self._asserted)
        relations = _pointing(self._relations, keys)
        if self._asserted is None or not relations:
            return None
        found = {each.event for each in relations}
        disputes = tuple(each for each in self._asserted.disputes if each.event in found)
        return msgspec.structs.replace(self._asserted, relations=relations, disputes=disputes)

    def narrowed(self, keys: Iterable[str]) -> Bearing | None:
        """Return what of its bearing may point at a policy that has these reference keys."""
        found = self.asserted(keys)
        if found is None or self.bearing is None:
            return None
        return msgspec.structs.replace(found, reach=self.bearing.reach)


def _by_reference(bearing: Bearing) -> dict[str, list[BelievedRelation]]:
    by_event = {each.event: each for each in bearing.relations}
    found: dict[str, list[BelievedRelation]] = {}
    for each in bearing.relations:
        for key in target_references(each.relation.target):
            found.setdefault(key, []).append(each)
    for dispute in bearing.disputes:
        target = claimed_target(dispute.claim)
        if target is not None:
            for key in target_references(target):
                found.setdefault(key, []).append(by_event[dispute.event])
    return found


def _pointing(
    by_reference: Mapping[str, Sequence[BelievedRelation]], keys: Iterable[str]
) -> tuple[BelievedRelation, ...]:
    """Return the relations that point at any of the references, in the record's order."""
    found = {each.event: each for key in keys for each in by_reference.get(key, ())}
    return tuple(sorted(found.values(), key=lambda each: each.position))


class Graph:
    """Histories at one position, worked out as they are asked for and kept until told otherwise.

    Not safe for threads.
    """

    def __init__(self, memory: Memory, position: int) -> None:
        self._memory = memory
        self._nodes: OrderedDict[str, Node] = OrderedDict()
        self._families: dict[str, frozenset[str]] = {}
        self.position = position

    # What is kept

    def known(self, policy: str, position: int) -> Node | None:
        """Return a policy's node where its history was worked out at or before a position."""
        node = self._nodes.get(policy)
        return node if node is not None and node.position <= position else None

    def renew(self, policy: str) -> None:
        """Have a policy worked out anew when it is asked for; what has not changed is reused."""
        node = self._nodes.pop(policy, None)
        if node is not None:
            self._nodes[policy] = node.anew()

    def at(self, position: int) -> Self:
        """Drop everything, and look at another position."""
        self.forget()
        self.position = position
        return self

    def merge(self) -> None:
        """Take in that policies were merged."""
        self._families.clear()

    def forget(self) -> None:
        """Drop everything."""
        self._nodes.clear()
        self._families.clear()

    def shrink(self) -> None:
        """Drop what was used longest ago until the bound holds."""
        while len(self._nodes) > MAX_NODES:
            self._nodes.popitem(last=False)
        if len(self._families) > MAX_NODES:
            self._families.clear()

    # What is asked

    def alone(self, event: PastEvent) -> Node | None:
        """Return the node of an event's policy where neither bears on others, nor others on it.

        The event has not been taken in. Most events are such: nothing has to be asked of others.
        """
        node = self._nodes.get(event.policy)
        if (
            node is None
            or node.belief is None
            or node.history is None
            or node.belief.relations
            or node.merged_into is not None
            or len(node.belief.members) > 1
            or not isinstance(event.data, ActionRecorded | ActionCorrected)
        ):
            return None
        for key in node.references:
            for pointing in self._memory.pointing_at(key, event.position):
                if _bears(pointing):
                    return None
        self._nodes.move_to_end(event.policy)
        return node

    def node(self, policy: str) -> Node:
        """Return a policy's node, worked out with all that bears on it."""
        node = self._believed(policy)
        if node.history is None and node.belief is not None:
            for cycle in self._order(policy):
                for member in cycle:
                    if self._believed(member).history is None:
                        self._conclude(member, cycle)
        return node

    def receivers(
        self, relation: BelievedRelation, disputed: Iterable[Target] = ()
    ) -> Iterator[str]:
        """Yield the policies that a relation may point at, as they stand at this position."""
        found: set[str] = set()
        for target in (relation.relation.target, *disputed):
            if target.selector is not None:
                found |= self._memory.registered_in(target.selector.jurisdiction)
            elif target.policy is not None:
                found.add(target.policy)
            else:
                (key,) = target_references(target)
                pointing = self._memory.pointing_at(key, self.position)
                found |= {each.policy for each in pointing if _describes(each)}
        for start, policy in enumerate(ordered := sorted(found)):
            if start % STREAMS == 0:
                self._memory.prefetch(ordered[start : start + STREAMS])
            yield self.survivor(policy)

    def survivor(self, policy: str) -> str:
        """Return the policy that tells a policy's story: itself, or the end of its mergers."""
        while (into := self._merged_into(policy)) is not None:
            policy = into
        return policy

    def family(self, policies: Iterable[str]) -> set[str]:
        """Return the policies and all that were ever merged with them, in either direction."""
        return set().union(*map(self._family, policies))

    def _family(self, policy: str) -> frozenset[str]:
        known = self._families.get(policy)
        if known is not None:
            return known
        found = {policy}
        waiting = [policy]
        while waiting:
            current = waiting.pop()
            related = {each.policy for each in self._pointing_at(current) if _merges(each)} | {
                each.data.duplicate
                for each in self._stream(current)
                if isinstance(each.data, PoliciesMerged)
            }
            waiting.extend(related - found)
            found |= related
        self._families[policy] = frozenset(found)
        return self._families[policy]

    # What is believed

    def _stream(self, policy: str) -> Sequence[PastEvent]:
        return self._memory.stream(policy, self.position)

    def _pointing_at(self, reference: str) -> Sequence[PastEvent]:
        return self._memory.pointing_at(reference, self.position)

    def _believed(self, policy: str) -> Node:
        """Return a policy's node with what is believed of it and who may bear on it."""
        node = self._nodes.get(policy)
        if node is None:
            node = self._nodes[policy] = Node(Folder(policy))
        self._nodes.move_to_end(policy)
        if node.belief is None:
            members = self._members(policy)
            node.belief = node.folder.believe(self._events(members))
            if node.belief is not None:
                node.merged_into = self._merged_into(policy)
        return node

    def _members(self, policy: str) -> list[str]:
        """Return the policy and the duplicates folded into it, theirs included."""
        members = [policy]
        if len(self._family(policy)) == 1:
            return members
        for member in members:
            events = self._stream(member)
            mergers = [each for each in events if isinstance(each.data, PoliciesMerged)]
            if not mergers:
                continue
            taken_back = standing(events)
            for merger in mergers:
                if merger.id not in taken_back and isinstance(merger.data, PoliciesMerged):
                    members.extend({merger.data.duplicate} - set(members))
        return members

    def _events(self, members: Sequence[str]) -> Sequence[PastEvent]:
        """Return the members' events in the record's order."""
        if len(members) == 1:
            return self._stream(members[0])
        return sorted(
            (event for member in members for event in self._stream(member)),
            key=lambda event: event.position,
        )

    def _merged_into(self, policy: str) -> str | None:
        if len(self._family(policy)) == 1:
            return None
        for event in self._pointing_at(policy):
            if _merges(event) and event.id not in standing(self._stream(event.policy)):
                return event.policy
        return None

    def _sources(self, policy: str) -> frozenset[str]:
        """Return the policies whose relations may point at a policy, as believed or as claimed."""
        node = self._believed(policy)
        if node.sources is None or node.sources[0] != self.position:
            found = () if node.belief is None else self._pointers(node.belief, node.references)
            node.sources = self.position, frozenset(found)
        return node.sources[1]

    def _pointers(self, belief: Belief, keys: Sequence[str]) -> Iterator[str]:
        pointing = {
            event.policy for key in keys for event in self._pointing_at(key) if _bears(event)
        }
        for source in {self.survivor(each) for each in pointing - belief.members} - belief.members:
            asserted = self._believed(source).asserted(keys)
            if asserted is not None and may_point(asserted, belief):
                yield source

    # What follows

    def _order(self, policy: str) -> list[frozenset[str]]:
        """Return the policy and all that bear on it, sources first; cycles stand together.

        Tarjan's algorithm (SIAM J. Comput. 1, 1972), without recursion.
        """
        if not self._sources(policy):
            return [frozenset((policy,))]
        index: dict[str, int] = {}
        lowest: dict[str, int] = {}
        path: list[str] = []
        on_path: set[str] = set()
        found: list[frozenset[str]] = []
        work = [(policy, iter(sorted(self._sources(policy))))]
        index[policy] = lowest[policy] = 0
        path.append(policy)
        on_path.add(policy)
        while work:
            current, sources = work[-1]
            for source in sources:
                if source not in index:
                    index[source] = lowest[source] = len(index)
                    path.append(source)
                    on_path.add(source)
                    work.append((source, iter(sorted(self._sources(source)))))
                    break
                if source in on_path:
                    lowest[current] = min(lowest[current], index[source])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    lowest[above] = min(lowest[above], lowest[current])
                if lowest[current] == index[current]:
                    start = path.index(current)
                    found.append(frozenset(path[start:]))
                    on_path.difference_update(path[start:])
                    del path[start:]
        return found

    def _conclude(self, policy: str, cycle: frozenset[str]) -> None:
        """Work out a policy's history; that of every source outside its cycle is known."""
        node = self._believed(policy)
        if node.belief is None:
            return
        if len(cycle) > 1:
            node.cycle = cycle
            bearings = list(_Cycle(self, cycle).bearings(policy))
        else:
            bearings = list(self._bearings(policy, node.references))
        node.history = node.folder.concluded(node.belief, bearings)
        node.position = self.position
        if node.merged_into is None and node.belief.relations:
            reach = reach_of(node.belief, node.history.periods)
            node.bearing = bearing_of(node.belief, reach)

    def _bearings(self, policy: str, keys: Sequence[str]) -> Iterator[Bearing]:
        for source in sorted(self._sources(policy)):
            bearing = self.bearing(source, keys)
            if bearing is not None:
                yield bearing

    def bearing(self, source: str, keys: Iterable[str]) -> Bearing | None:
        """Return what bears from a source, worked out already, on who has these references."""
        return self._believed(source).narrowed(keys)

    def asserted(self, source: str, keys: Iterable[str]) -> Bearing | None:
        """Return what a source asserts of who has these references, apart from when it acts."""
        return self._believed(source).asserted(keys)

    def belief(self, policy: str) -> tuple[Belief | None, frozenset[str]]:
        """Return what is believed of a policy, and who may bear on it."""
        return self._believed(policy).belief, self._sources(policy)


class _Cycle:
    """Policies whose relations lead back to them: only relations with earlier effect count.

    What a policy is by the time a relation of its own takes effect is worked out with the relations
    of the cycle that took effect before; that ends, as each step is an earlier one.
    """

    def __init__(self, graph: Graph, members: frozenset[str]) -> None:
        self._graph = graph
        self._members = members
        self._reaches: dict[tuple[str, Effect | None], Reach] = {}
        beliefs = [graph.belief(member)[0] for member in members]
        self._followed = sum(len(each.relations) for each in beliefs if each) <= MAX_CYCLE

    def bearings(self, policy: str, before: Effect | None = None) -> Iterator[Bearing]:
        """Yield what bears on a member: from within the cycle, what takes effect before."""
        belief, sources = self._graph.belief(policy)
        if belief is None:
            return
        keys = _references(belief)
        for source in sorted(sources - self._members):
            bearing = self._graph.bearing(source, keys)
            if bearing is not None:
                yield bearing
        for source in sorted(sources & self._members):
            yield from self._within(source, keys, before)

    def _within(self, source: str, keys: Sequence[str], before: Effect | None) -> Iterator[Bearing]:
        asserted = self._graph.asserted(source, keys)
        if asserted is None:
            return
        alone = self._alone(source)
        for relation in asserted.relations:
            effect = effect_order(relation, alone.acts)
            if before is None or effect < before:
                reach = self._reach(source, effect) if self._followed else POSSIBLY
                yield msgspec.structs.replace(asserted, relations=(relation,), reach=reach)

    def _reach(self, policy: str, before: Effect) -> Reach:
        """Return a member's reach, given of the cycle only what takes effect before."""
        if (policy, before) not in self._reaches:
            self._reaches[policy, before] = self._folded(policy, self.bearings(policy, before))
        return self._reaches[policy, before]

    def _alone(self, policy: str) -> Reach:
        """Return a member's reach by its own actions."""
        if (policy, None) not in self._reaches:
            self._reaches[policy, None] = self._folded(policy, ())
        return self._reaches[policy, None]

    def _folded(self, policy: str, bearings: Iterable[Bearing]) -> Reach:
        belief, _ = self._graph.belief(policy)
        if belief is None:
            return POSSIBLY
        history = Folder(policy).concluded(belief, list(bearings))
        return reach_of(belief, history.periods)


def _references(belief: Belief) -> list[str]:
    described = belief.described
    return references_of(belief.members, described.identifiers, described.jurisdiction)


def _merges(event: PastEvent) -> bool:
    return isinstance(event.data, PoliciesMerged)


def _describes(event: PastEvent) -> bool:
    return isinstance(event.data, PolicyRegistered | PolicyDescribed)


def _bears(event: PastEvent) -> bool:
    """Tell whether an event may make its policy bear on what it points at."""
    if isinstance(event.data, RelationAsserted):
        return RELATIONS[event.data.relation].action is not None
    return isinstance(event.data, SourceAttached)
