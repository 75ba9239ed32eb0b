"""From events to changes of the read models.

Owns which policies an event touches, what is folded for each of them, and a bounded memory of it.
Must not know the database: it reads the log through a port, and hands out changes.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from timeline.domain.events import PayloadErased, PoliciesMerged, PolicyRegistered, RelationAsserted
from timeline.domain.evolve import targets
from timeline.domain.history import Case, History, PastEvent, fold, standing
from timeline.domain.vocabulary import Relation
from timeline.projections.changes import Changes
from timeline.projections.model import ReadModel, Rows, Seen

MAX_REMEMBERED_EVENTS: Final = 50_000
"""Events kept in memory between batches, some 100 MB at the usual size, so that a busy policy's
stream is not read again for each of its events."""

MAX_REMEMBERED_POLICIES: Final = 5_000
"""Policies whose rows and history are kept between batches."""


class Streams(Protocol):
    """The log as the projector reads it, with erased payloads replaced."""

    def stream(self, policy: str, until: int) -> list[PastEvent]:
        """Return a policy's events up to a position, in order."""

    def pointing_at(self, policy: str, until: int) -> list[PastEvent]:
        """Return the events that point at a policy, up to a position, in order."""

    def targets(self, policy: str) -> frozenset[str]:
        """Return the policies that a policy's events ever pointed at, also those erased since."""


class Memory:
    """The streams that were read, kept current as events are taken in."""

    def __init__(self, load: Callable[[str, int], list[PastEvent]]) -> None:
        self._load = load
        self._kept: OrderedDict[str, list[PastEvent]] = OrderedDict()
        self._size = 0

    def get(self, policy: str, until: int) -> list[PastEvent]:
        """Return a policy's events; those up to `until` are read where none are kept."""
        if policy not in self._kept:
            self._kept[policy] = self._load(policy, until)
            self._size += len(self._kept[policy])
        self._kept.move_to_end(policy)
        return self._kept[policy]

    def put_empty(self, policy: str) -> None:
        """Note that a policy has no events yet, so that none are looked for."""
        self._kept.setdefault(policy, [])

    def add(self, policy: str, event: PastEvent) -> None:
        """Add one more event where the policy's events are kept."""
        if policy in self._kept:
            self._kept[policy].append(event)
            self._size += 1

    def shrink(self) -> None:
        """Drop what was used longest ago until the bound holds."""
        while self._size > MAX_REMEMBERED_EVENTS or len(self._kept) > MAX_REMEMBERED_EVENTS:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped)

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self._size = 0


class Projector:
    """Folds events, in order, into changes of the read models.

    Not safe for threads. After a lost race the caller says `forget`.
    """

    def __init__(self, models: Sequence[ReadModel], streams: Streams) -> None:
        self._models = models
        self._log = streams
        self._streams = Memory(streams.stream)
        self._pointing = Memory(streams.pointing_at)
        self._rows: OrderedDict[str, Rows] = OrderedDict()
        self._unchallenged: OrderedDict[str, History] = OrderedDict()
        self.now = 0
        """The position up to which streams are read where they are not remembered."""

    def forget(self) -> None:
        """Drop all that is remembered; it is read from the log again."""
        self._streams.clear()
        self._pointing.clear()
        self._rows.clear()
        self._unchallenged.clear()

    def advance(self, events: Sequence[PastEvent], changes: Changes) -> None:
        """Take events into the read models.

        Args:
            events: the next events of the log, in order.
            changes: what the read models' rows become is added here.

        """
        for event in events:
            self._take(event, changes)
        self._streams.shrink()
        self._pointing.shrink()
        for remembered in (self._rows, self._unchallenged):
            while len(remembered) > MAX_REMEMBERED_POLICIES:
                remembered.popitem(last=False)

    def _take(self, event: PastEvent, changes: Changes) -> None:
        self.now = event.position - 1
        if isinstance(event.data, PolicyRegistered):
            self._streams.put_empty(event.policy)
            self._pointing.put_empty(event.policy)
        touched = self._touched(event)
        if isinstance(event.data, PayloadErased):
            self.forget()
            self.now = event.position
            for policy in touched:
                self._rewrite(policy, changes)
            return
        before = {policy: self._known_rows(policy) for policy in touched}
        self._streams.add(event.policy, event)
        for policy in targets(event.data):
            self._pointing.add(policy, event)
        self.now = event.position
        for policy in touched:
            after = self._rows_at(policy, event.position)
            changes.advance(policy, before[policy], after, event.position)
            self._rows[policy] = after
            self._rows.move_to_end(policy)

    def _stream(self, policy: str) -> list[PastEvent]:
        return self._streams.get(policy, self.now)

    def _pointing_at(self, policy: str) -> list[PastEvent]:
        return self._pointing.get(policy, self.now)

    def _touched(self, event: PastEvent) -> list[str]:
        """Return the policies whose rows the event can change, in a fixed order.

        Its own, those ever merged with it, those that any of these challenges, and the survivors
        that any of these is folded into. What an erased event pointed at its data no longer says,
        so the log's tags are asked.
        """
        family = self._family(event)
        touched = set(family)
        for each in (*(each for member in family for each in self._stream(member)), event):
            if _challenges(each):
                touched |= targets(each.data)
        if isinstance(event.data, PayloadErased):
            touched |= self._log.targets(event.policy)
        waiting = list(touched)
        while waiting:
            for survivor in self._survivors(waiting.pop()):
                if survivor not in touched:
                    touched.add(survivor)
                    waiting.append(survivor)
        return sorted(touched)

    def _family(self, event: PastEvent) -> set[str]:
        """Return the event's policy and those ever merged with it, in either direction."""
        family = {event.policy}
        if isinstance(event.data, PoliciesMerged):
            family |= targets(event.data)
        waiting = list(family)
        while waiting:
            current = waiting.pop()
            related = self._survivors(current) | self._duplicates(current)
            waiting.extend(related - family)
            family |= related
        return family

    def _duplicates(self, policy: str) -> set[str]:
        """Return the policies that ever were merged into a policy."""
        return {
            target
            for each in self._stream(policy)
            if isinstance(each.data, PoliciesMerged)
            for target in targets(each.data)
        }

    def _survivors(self, policy: str) -> set[str]:
        """Return the policies that a policy ever was merged into."""
        return {
            each.policy
            for each in self._pointing_at(policy)
            if isinstance(each.data, PoliciesMerged)
        }

    def _known_rows(self, policy: str) -> Rows:
        """Return a policy's rows as they are before the next event."""
        rows = self._rows.get(policy)
        return self._rows_at(policy, self.now) if rows is None else rows

    def _rows_at(self, policy: str, position: int) -> Rows:
        seen = self.see(policy, position)
        if seen is None:
            return {}
        return {key: row for model in self._models for key, row in model.rows(seen)}

    def _rewrite(self, policy: str, changes: Changes) -> None:
        """Write a policy's rows anew from the first event that bears on it."""
        changes.rewrite(policy, self.now)
        before: Rows = {}
        for position in sorted(set(self._positions(policy))):
            after = self._rows_at(policy, position)
            changes.advance(policy, before, after, position)
            before = after
        self._rows[policy] = before

    def _positions(self, policy: str) -> Iterator[int]:
        """Yield the positions at which a policy's rows may have changed."""
        waiting, seen = [policy], {policy}
        while waiting:
            current = waiting.pop()
            own = self._stream(current)
            pointing = self._pointing_at(current)
            yield from (each.position for each in (*own, *pointing))
            others = {each.policy for each in pointing if _challenges(each)}
            others |= self._survivors(current) | self._duplicates(current)
            waiting.extend(others - seen)
            seen |= others

    def see(self, policy: str, position: int) -> Seen | None:
        """Return a policy as known at a position, or None before its registration."""
        members = self._members(policy, position)
        events = self._past(members, position)
        cases = list(self._cases(members, position))
        history = fold(policy, events, cases, self._unchallenged.get(policy))
        if history is None:
            return None
        if cases:
            self._unchallenged.pop(policy, None)
        else:
            self._unchallenged[policy] = history
        return Seen(history, self._merged_into(policy, position))

    def _past(self, members: Sequence[str], position: int) -> list[PastEvent]:
        """Return the events of a policy's members up to a position, in the record's order."""
        return sorted(
            (event for member in members for event in self._until(member, position)),
            key=lambda event: event.position,
        )

    def _until(self, policy: str, position: int) -> list[PastEvent]:
        stream = self._stream(policy)
        if not stream or stream[-1].position <= position:
            return stream
        return [event for event in stream if event.position <= position]

    def _members(self, policy: str, position: int) -> list[str]:
        """Return the policy and the duplicates folded into it, theirs included."""
        members = [policy]
        for member in members:
            events = self._until(member, position)
            mergers = [event for event in events if isinstance(event.data, PoliciesMerged)]
            if not mergers:
                continue
            taken_back = standing(events)
            for merger in mergers:
                if merger.id not in taken_back:
                    members.extend(targets(merger.data) - set(members))
        return members

    def _merged_into(self, policy: str, position: int) -> str | None:
        for event in self._pointing_at(policy):
            if event.position > position or not isinstance(event.data, PoliciesMerged):
                continue
            if event.id not in standing(self._until(event.policy, position)):
                return event.policy
        return None

    def _survivor(self, policy: str, position: int) -> str:
        """Return the policy that tells a policy's story: itself, or the end of its mergers."""
        while (into := self._merged_into(policy, position)) is not None:
            policy = into
        return policy

    def _cases(self, members: Sequence[str], position: int) -> Iterator[Case]:
        """Yield the lawsuits whose challenge to one of the members stands.

        A lawsuit that is merged into another is told by its survivor, once, with the actions of
        both; one that is merged into the policy itself challenges nothing any more.
        """
        challengers = {
            event.policy
            for member in members
            for event in self._pointing_at(member)
            if event.position <= position and _challenges(event)
        }
        lawsuits = {self._survivor(each, position) for each in challengers}
        for lawsuit in sorted(lawsuits - set(members)):
            history = fold(lawsuit, self._past(self._members(lawsuit, position), position))
            if history is None or history.retracted_by is not None:
                continue
            for relation in history.relations:
                if (
                    relation.relation.relation is Relation.CHALLENGES
                    and relation.relation.target.policy in members
                ):
                    yield Case(lawsuit=lawsuit, relation=relation, actions=history.actions)


def _challenges(event: PastEvent) -> bool:
    return isinstance(event.data, RelationAsserted) and event.data.relation is Relation.CHALLENGES
