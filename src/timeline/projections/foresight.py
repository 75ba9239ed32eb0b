"""What policies would be if events were recorded that are not.

Owns the log as it would be, and who would change with it. Must not know why the events are allowed,
rows in a database, or HTTP.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from timeline.domain.belief import PastEvent
from timeline.domain.events import (
    DATA_TYPES,
    Data,
    PayloadErased,
    PolicyDescribed,
    PolicyRegistered,
    read,
)
from timeline.domain.references import references
from timeline.projections.graph import Graph, about
from timeline.projections.memory import Memory, Streams
from timeline.projections.model import Row, RowKey, Seen, rows_of, whole
from timeline.projections.policies import FOLLOWED, POLICIES
from timeline.projections.policy_reads import state_of
from timeline.projections.wave import Wave

MAX_SPREAD: Final = 200
"""Policies looked at besides those that the events are about: about a second's work. An event that
selects a whole jurisdiction may reach many more."""


class Proposed:
    """The log with events on top that are not recorded, and what they would erase erased."""

    def __init__(self, log: Memory, events: Sequence[PastEvent]) -> None:
        """Put events on what is remembered of the log; their positions are those that follow."""
        self._log = log
        self._events: dict[str, list[PastEvent]] = {}
        self._erased: dict[str, PastEvent] = {}
        for event in events:
            self._events.setdefault(event.policy, []).append(event)
        for event in events:
            if isinstance(event.data, PayloadErased):
                self._erase(event, event.data)
        self._new = (*self._erased.values(), *events)
        self._pointing: dict[str, list[PastEvent]] = {}
        for event in self._new:
            for reference in references(event.data):
                self._pointing.setdefault(reference, []).append(event)

    def _erase(self, event: PastEvent, erasure: PayloadErased) -> None:
        own = self.streams([event.policy], event.position)[event.policy]
        subject = next(each for each in own if each.id == erasure.event)
        data: Data | None = None
        if erasure.replacement is not None:
            data = read(DATA_TYPES[subject.type], erasure.replacement, "data.replacement")
        self._erased[subject.id] = msgspec.structs.replace(subject, data=data, erased=True)

    def streams(self, policies: Iterable[str], until: int) -> dict[str, list[PastEvent]]:
        """Return the events of policies up to a position, in order; no key where there are none."""
        wanted = sorted(policies)
        self._log.prefetch(wanted)
        found = {policy: self._stream(policy, until) for policy in wanted}
        return {policy: events for policy, events in found.items() if events}

    def _stream(self, policy: str, until: int) -> list[PastEvent]:
        new = (each for each in self._events.get(policy, ()) if each.position <= until)
        return self._left((*self._log.stream(policy, until), *new))

    def pointing_at(self, reference: str, until: int) -> list[PastEvent]:
        """Return the events with a reference, or that had it before their erasure, in order."""
        found = {event.position: event for event in self._log.pointing_at(reference, until)}
        for event in self._pointing.get(reference, ()):
            if event.position <= until:
                found.setdefault(event.position, event)
        return self._left(found[position] for position in sorted(found))

    def pointing_at_any(self, wanted: Collection[str], until: int) -> dict[str, list[PastEvent]]:
        """Return, by reference, the events that have it, in order."""
        return {key: self.pointing_at(key, until) for key in wanted}

    def registered_in(self, jurisdiction: str | None, until: int) -> frozenset[str]:
        """Return the policies that were ever in a jurisdiction, or all policies.

        Those that the events describe are among them wherever they are: who asks looks closer.
        """
        described = {
            event.policy
            for event in self._new
            if event.position <= until
            and isinstance(event.data, PolicyRegistered | PolicyDescribed)
        }
        return self._log.registered_in(jurisdiction) | described

    def _left(self, events: Iterable[PastEvent]) -> list[PastEvent]:
        return [self._erased.get(event.id, event) for event in events]


Picture: TypeAlias = dict[RowKey, Row]
"""A policy's rows in its read model."""


class Turn(msgspec.Struct, frozen=True):
    """A policy's rows before and after; none before its registration."""

    before: Picture
    after: Picture

    @property
    def changes(self) -> bool:
        """Tell whether the policy's picture changes, on whatever date."""
        return _picture(self.before) != _picture(self.after)


def foresee(log: Streams, head: int, events: Sequence[PastEvent]) -> tuple[dict[str, Turn], bool]:
    """Work out what events would do that are not recorded.

    Args:
        log: the log.
        head: the position that it is looked at.
        events: as they would follow the head.

    Returns:
        By policy what would become of it, for all that the events are about and those that may
        change with them; and whether some of the latter are left out.

    """
    end = head + len(events)
    memory = _memory(log, head, events)
    past = Graph(memory, head)
    future = Graph(_memory(Proposed(memory, events), end, events), end)
    named = {policy for event in events for policy in about(event)}
    families = past.family(named) | future.family(named)
    wave = Wave(future, past, most=len(families) + MAX_SPREAD)
    turns = {
        policy: Turn(_rows(before.seen), _rows(after.seen))
        for policy, before, after in wave.reach(families)
    }
    return dict(sorted(turns.items())), wave.cut


def _memory(log: Streams, now: int, events: Sequence[PastEvent]) -> Memory:
    memory = Memory(log)
    memory.now = now
    memory.expect(events)
    return memory


def _rows(seen: Seen | None) -> Picture:
    if seen is None:
        return {}
    return {key: fact.row for key, fact in rows_of((POLICIES,), whole(seen)).items()}


def _picture(rows: Picture) -> Picture:
    return {key: row for key, row in rows.items() if key.table in FOLLOWED}


def state_on(rows: Picture, day: int) -> dict[str, Any]:
    """Return a policy's state on a day from its rows, of which it has some."""
    found: dict[str, Any] = {}
    period = None
    disputed = False
    for key, row in rows.items():
        if key.table == "policy_periods" and row["first_day"] <= day <= row["last_day"]:
            period = row
        elif key.table == "disputes":
            disputed = disputed or row["settled_by"] is None
        elif key.table in {"policies", "policy_steps"}:
            found |= row
    return state_of(found, period, disputed=disputed)
