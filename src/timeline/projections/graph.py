"""Every policy's history at one position, with whatever bears on it.

Owns who is folded into whom, who bears on whom, and the order in which that is worked out, cycles
included (rule 7). Must not know rows or databases.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple, Self, TypeAlias

from timeline.domain.bearing import Bearing
from timeline.domain.belief import Belief, Described, PastEvent, standing
from timeline.domain.doubt import claimed_beliefs
from timeline.domain.events import (
    ActionCorrected,
    ActionRecorded,
    Data,
    EventRetracted,
    PoliciesMerged,
    PolicyDescribed,
    PolicyRegistered,
    RelationAsserted,
    SourceAttached,
    Target,
)
from timeline.domain.history import Folder, History, asserted, bearing_of, may_point
from timeline.domain.references import (
    CLAIMED_KIND,
    place_reference,
    references_of,
    target_references,
)
from timeline.domain.vocabulary import RELATIONS
from timeline.projections.circles import Circle
from timeline.projections.components import components
from timeline.projections.memory import Memory
from timeline.projections.model import Seen

Asserted: TypeAlias = dict[str, tuple[RelationAsserted, ...]]
"""Relations by event: all that they are said to be."""

STREAMS: Final = 100
"""Streams read together where an event may reach many policies."""

MAX_KEPT: Final = 50_000
"""What is kept of histories, counted in actions: one takes some 3 KB, so that all take 150 MB. Of
more policies the streams are not remembered either (`memory.MAX_REMEMBERED_EVENTS`)."""


class _Keys(NamedTuple):
    """The reference keys that a description and the members of a policy come to."""

    described: Described
    redescribed: tuple[tuple[str, Described], ...]
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
        self.unpointed: tuple[list[str], int] | None = None
        """Its references when none bore on it, and how many events pointed at anything then."""
        self.merged_into: str | None = None
        self.cycle: frozenset[str] = frozenset()
        self.position = sys.maxsize
        """Where the history was worked out; it is the same since, or the node would be renewed."""
        self.history: History | None = None
        self.bearing: Bearing | None = None
        self._asserted: Asserted | None = None
        self._by_reference: dict[str, set[str]] = {}
        self.counted = 0
        """Its size as the graph has counted it."""

    @property
    def size(self) -> int:
        """How much is kept for it, in actions: a policy without any is as large as three."""
        actions = 0 if self.belief is None else len(self.belief.actions)
        return 3 + actions + self.folder.kept_deeds

    @property
    def seen(self) -> Seen | None:
        """The policy as read models see it, or None before its registration."""
        return None if self.history is None else Seen(self.history, self.merged_into)

    def followed(self, memory: Memory, event: PastEvent) -> tuple[Seen | None, Seen | None]:
        """Take in one more event of a policy that is alone; return how it was seen, and how it is."""
        before = self.seen
        self.belief = self.folder.believe(memory.stream(event.policy, event.position))
        if self.belief is not None:
            self.history = self.folder.concluded(self.belief, ())
        self.position = event.position
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
        belief, keys = self.belief, self._keys
        if (
            keys is None
            or belief.described is not keys.described
            or belief.redescribed != keys.redescribed
            or belief.members != keys.members
        ):
            found = keys_of(belief)
            keys = self._keys = _Keys(belief.described, belief.redescribed, belief.members, found)
        return keys.found

    @property
    def asserted(self) -> Asserted:
        """Its relations that show on others, by event, as believed and as claimed."""
        if self._asserted is None:
            self._asserted = {} if self.belief is None else _asserted(self.belief)
            for event, told in self._asserted.items():
                for each in told:
                    for key in target_references(each.target):
                        self._by_reference.setdefault(key, set()).add(event)
        return self._asserted

    def pointing(self, keys: Iterable[str]) -> set[str]:
        """Return the relations, by event, that these reference keys may find."""
        if not self.asserted:
            return set()
        return set().union(*(self._by_reference.get(key, ()) for key in keys))

    def narrowed(self, keys: Iterable[str]) -> Bearing | None:
        """Return what of its bearing may point at a policy that has these reference keys."""
        events = self.pointing(keys)
        return self.bearing.only(events) if self.bearing is not None and events else None


def _asserted(belief: Belief) -> Asserted:
    found: dict[str, dict[RelationAsserted, None]] = {}
    for told in chain((belief,), (told for _, told in claimed_beliefs(belief))):
        for each in asserted(told):
            found.setdefault(each.event, {})[each.relation] = None
    return {event: tuple(told) for event, told in found.items()}


class Graph:
    """Histories at one position, worked out as they are asked for and kept until told otherwise.

    Not safe for threads.
    """

    def __init__(
        self, memory: Memory, position: int, on_worked: Callable[[], None] = lambda: None
    ) -> None:
        """Bind what histories are folded from.

        Args:
            memory: has the events.
            position: where to look.
            on_worked: called after each history, of which one event may change hundreds.

        """
        self._memory = memory
        self._on_worked = on_worked
        self._nodes: OrderedDict[str, Node] = OrderedDict()
        self._families: dict[str, frozenset[str]] = {}
        self._size = 0
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
            self._nodes[policy] = anew = node.anew()
            anew.counted = node.counted

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
        self._size = 0

    def drop(self, policy: str) -> None:
        """Drop what is kept of a policy."""
        node = self._nodes.pop(policy, None)
        if node is not None:
            self._size -= node.counted

    def prepare(self, policies: Iterable[str]) -> None:
        """Read what some policies are worked out from, in place of what was used longest ago."""
        self._memory.shrink()
        self.shrink()
        self._memory.prefetch(policies)

    def shrink(self) -> None:
        """Drop what was used longest ago until the bound holds, or one policy is left."""
        while self._size > MAX_KEPT and len(self._nodes) > 1:
            _, node = self._nodes.popitem(last=False)
            self._size -= node.counted
        if len(self._families) > MAX_KEPT:
            self._families.clear()

    def _count(self, node: Node) -> None:
        """Take in how large a node has become."""
        size = node.size
        self._size += size - node.counted
        node.counted = size

    # What is asked

    def alone(self, event: PastEvent) -> Node | None:
        """Return the node of an event's policy where neither bears on others, nor others on it.

        The event has not been taken in. Most events are such: nothing has to be asked of others.
        """
        if isinstance(event.data, PolicyRegistered):
            return self._newcomer(event, event.data)
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
        keys, pointed = node.references, self._memory.pointed
        if node.unpointed is None or node.unpointed[0] is not keys or node.unpointed[1] != pointed:
            if any(True for _ in self._pointing_policies(keys, event.position)):
                return None
            node.unpointed = keys, pointed
        self._nodes.move_to_end(event.policy)
        self._count(node)
        return node

    def _newcomer(self, event: PastEvent, registration: PolicyRegistered) -> Node | None:
        """Return a node for a policy that is being registered, where nothing ever pointed at it."""
        policy = event.policy
        keys = references_of([policy], registration.identifiers, [registration.jurisdiction])
        if (
            policy in self._nodes
            or self._memory.stream(policy, event.position)
            or any(map(_merges, self._memory.pointing_at(policy, event.position)))
            or any(True for _ in self._pointing_policies(keys, event.position))
        ):
            return None
        node = self._nodes[policy] = Node(Folder(policy))
        self._count(node)
        return node

    def node(self, policy: str) -> Node:
        """Return a policy's node, worked out with all that bears on it."""
        node = self._believed(policy)
        if node.history is None and node.belief is not None:
            for cycle in self._order(policy):
                self._conclude_all(cycle)
        return node

    def receivers(self, targets: Iterable[Target]) -> Iterator[str]:
        """Yield the policies that may be meant by targets, as they stand at this position."""
        found: set[str] = set()
        for target in targets:
            if target.selector is not None:
                found |= self._placed(target.selector.jurisdiction)
            elif target.policy is not None:
                found.add(target.policy)
            else:
                (key,) = target_references(target)
                found |= {each.policy for each in self._pointing_at(key) if names(each)}
        for start, policy in enumerate(ordered := sorted(found)):
            if start % STREAMS == 0:
                self._memory.shrink()
                self._memory.prefetch(ordered[start : start + STREAMS])
            yield self.survivor(policy)

    def bears_on_nobody(self, policy: str) -> bool:
        """Tell whether neither a policy nor one that was ever merged with it asserted anything."""
        return len(self._family(policy)) == 1 and not any(
            isinstance(event.data, RelationAsserted) for event in self._stream(policy)
        )

    def _placed(self, jurisdiction: str | None) -> set[str]:
        """Return the policies that were ever said to be in a jurisdiction, or all policies."""
        found = set(self._memory.registered_in(jurisdiction))
        if jurisdiction is not None:
            claims = self._pointing_at(place_reference(jurisdiction))
            found.update(each.policy for each in claims)
        return found

    def survivor(self, policy: str) -> str:
        """Return the policy that tells a policy's story: itself, or the end of its mergers."""
        while (into := self._merged_into(policy)) is not None:
            policy = into
        return policy

    def family(self, policies: Iterable[str]) -> set[str]:
        """Return the policies and all that were ever merged with them, in either direction."""
        return set().union(*map(self._family, policies))

    def tellers(self, event: PastEvent) -> set[str]:
        """Return the policies whose stories an event may be a part of, or may end or begin.

        What one was merged from tells nothing of it, but whether it still is merged.
        """
        found = about(event)
        waiting = list(found)
        while waiting:
            into = {each.policy for each in self._pointing_at(waiting.pop()) if _merges(each)}
            waiting.extend(into - found)
            found |= into
        if isinstance(event.data, EventRetracted):
            found.update(_duplicates(self._stream(event.policy)))
        return found

    def _family(self, policy: str) -> frozenset[str]:
        known = self._families.get(policy)
        if known is not None:
            return known
        found = {policy}
        waiting = [policy]
        while waiting:
            current = waiting.pop()
            related = {each.policy for each in self._pointing_at(current) if _merges(each)}
            related.update(_duplicates(self._stream(current)))
            waiting.extend(related - found)
            found |= related
        family = frozenset(found)
        self._families.update(dict.fromkeys(family, family))
        return family

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
            self._count(node)
        return node

    def _members(self, policy: str) -> list[str]:
        """Return the policy and the duplicates folded into it, theirs included."""
        members = {policy: None}
        waiting = [policy] if len(self._family(policy)) > 1 else []
        while waiting:
            events = self._stream(waiting.pop())
            mergers = [each for each in events if isinstance(each.data, PoliciesMerged)]
            if not mergers:
                continue
            taken_back = standing(events)
            standing_still = [each for each in mergers if each.id not in taken_back]
            new = [each for each in _duplicates(standing_still) if each not in members]
            members |= dict.fromkeys(new)
            waiting.extend(new)
        return list(members)

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
        pointing = set(self._pointing_policies(keys, self.position)) - belief.members
        for source in {self.survivor(each) for each in pointing} - belief.members:
            node = self._believed(source)
            found = (told for event in node.pointing(keys) for told in node.asserted[event])
            if may_point(found, belief):
                yield source

    def _pointing_policies(self, keys: Iterable[str], position: int) -> Iterator[str]:
        """Yield the policies of which an event may make them bear on who has some keys."""
        quiet: dict[str, str] = {}
        for event in (event for key in keys for event in self._memory.pointing_at(key, position)):
            if _acts(event.data):
                yield event.policy
            elif isinstance(event.data, RelationAsserted):
                quiet[event.id] = event.policy
        if quiet:
            for claim in self._memory.pointing_at(CLAIMED_KIND, position):
                if isinstance(claim.data, SourceAttached) and claim.data.event in quiet:
                    yield quiet[claim.data.event]

    # What follows

    def _order(self, policy: str) -> list[frozenset[str]]:
        """Return the policy and all that bear on it, sources first; cycles stand together."""
        if not self._sources(policy):
            return [frozenset((policy,))]
        return components([policy], self._sources)

    def _conclude_all(self, cycle: frozenset[str]) -> None:
        """Work out the histories of a cycle's members; what they bear on each other, once."""
        circle: Circle | None = None
        for member in sorted(cycle):
            if self._believed(member).history is None:
                if circle is None and len(cycle) > 1:
                    circle = Circle(self, cycle)
                self._conclude(member, cycle, circle)

    def _conclude(self, policy: str, cycle: frozenset[str], circle: Circle | None) -> None:
        """Work out a policy's history; that of every source outside its cycle is known."""
        node = self._believed(policy)
        if node.belief is None:
            return
        if circle is not None:
            node.cycle = cycle
            node.history = circle.history(policy, node.folder)
        else:
            bearings = list(self.bearings(policy, self._sources(policy)))
            node.history = node.folder.concluded(node.belief, bearings)
        node.position = self.position
        self._count(node)
        if node.merged_into is None and node.belief.relations:
            node.bearing = bearing_of(node.history)
        self._on_worked()

    # What circles ask

    def bearings(self, policy: str, sources: Iterable[str]) -> Iterator[Bearing]:
        """Yield what bears on a policy from sources that are worked out already."""
        keys = self._believed(policy).references
        for source in sorted(sources):
            bearing = self._believed(source).narrowed(keys)
            if bearing is not None:
                yield bearing

    def belief(self, policy: str) -> Belief | None:
        """Return what is believed of a policy."""
        return self._believed(policy).belief

    def sources(self, policy: str) -> frozenset[str]:
        """Return who may bear on a policy, as believed or as claimed."""
        return self._sources(policy)


def keys_of(belief: Belief) -> list[str]:
    """Return all keys by which relations can point at a policy, as believed or as claimed."""
    described = (belief.described, *(each for _, each in belief.redescribed))
    return references_of(
        belief.members,
        (each for one in described for each in one.identifiers),
        (one.jurisdiction for one in described),
    )


def names(event: PastEvent) -> bool:
    """Tell whether an event may be what gives its policy an identifier, if only by a claim."""
    if isinstance(event.data, SourceAttached):
        return event.data.claim is not None and event.data.claim.field == "identifiers"
    return isinstance(event.data, PolicyRegistered | PolicyDescribed)


def about(event: PastEvent) -> set[str]:
    """Return the policies that an event itself is about."""
    return {event.policy, *_duplicates([event])}


def _duplicates(events: Iterable[PastEvent]) -> Iterator[str]:
    """Yield the policies that events merge into their own."""
    for each in events:
        if isinstance(each.data, PoliciesMerged):
            yield each.data.duplicate


def _merges(event: PastEvent) -> bool:
    return isinstance(event.data, PoliciesMerged)


def _acts(data: Data | None) -> bool:
    """Tell whether an event may make its policy bear on what it points at."""
    if isinstance(data, RelationAsserted):
        return RELATIONS[data.relation].action is not None
    return isinstance(data, SourceAttached)
