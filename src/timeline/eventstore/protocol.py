"""The port of the event store, and what the write side exchanges through it.

Owns what every store must be able to do. Must not know any of them; the contract suite holds each
to the same behaviour.
"""

import hmac
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from timeline.domain.events import Data
from timeline.domain.situation import Proposal, Situation, StreamState, SubjectState, Tag
from timeline.eventstore.model import (
    EVERYTHING,
    MAX_STRETCH_EVENTS,
    STRETCH_BYTES,
    Condition,
    EventFilter,
    Head,
    Receipt,
    Recorded,
    Stretch,
)
from timeline.eventstore.retagging import Line
from timeline.transparency.entries import Envelope, commitment


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event that is recorded already, for the comparison with one that has the same id.

    Contents compare by the commitment, so stored data need not be read; the `salt` went with the
    data where that is erased.
    """

    receipt: Receipt
    commitment: str
    salt: bytes | None

    def holds(self, proposal: Proposal, data: bytes) -> bool:
        """Tell whether this is that event; once erased, policy and type decide alone."""
        if (proposal.policy, proposal.type) != (self.receipt.policy, self.receipt.type):
            return False
        if self.salt is None:
            return True
        return hmac.compare_digest(commitment(self.salt, data), self.commitment)


class ViewRequest(msgspec.Struct, frozen=True, gc=False):
    """What the write side wants to judge by: proposals in order, and the conditions they carry."""

    proposals: tuple[Proposal, ...]
    conditions: tuple[Condition, ...] = ()


class View(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One consistent snapshot of what concerns a request.

    Attributes:
        head: the end of the log that all else here belongs to.
        known: by id, those of the proposals' ids that are recorded already.
        situation: complete: `decide` and `evolve` miss nothing for these proposals.
        matches: for each condition, the first position that matches it, or None.
        contents: by id, the data of the events whose payload is to be erased.
        lines: by policy, every event of a policy whose description is to be erased.

    """

    head: Head
    known: dict[str, Known]
    situation: Situation
    matches: tuple[int | None, ...] = ()
    contents: dict[str, Data | None] = {}
    lines: dict[str, tuple[Line, ...]] = {}


class NewEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry to be written: its bytes, and what is indexed of it."""

    envelope: Envelope
    subject: str | None
    entry: bytes
    leaf_hash: bytes


class Payload(msgspec.Struct, frozen=True, gc=False):
    """The data of one event, with the salt of its commitment."""

    position: int
    data: bytes
    salt: bytes


class TagRow(msgspec.Struct, frozen=True, order=True, gc=False):
    """One tag of one event."""

    tag: Tag
    position: int


class Batch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that one commit writes.

    `untagged` are rows that exist and go, `tagged` rows that do not exist and come; `erased` are
    positions before this batch whose payload goes.
    """

    head: Head
    entries: tuple[NewEntry, ...]
    payloads: tuple[Payload, ...]
    tagged: tuple[TagRow, ...]
    untagged: tuple[TagRow, ...] = ()
    streams: tuple[StreamState, ...] = ()
    subjects: tuple[SubjectState, ...] = ()
    erased: tuple[int, ...] = ()


class HeldHead(Protocol):
    """The head of the log, held: until it is let go, no one else moves it."""

    def view(self, request: ViewRequest) -> View:
        """Return what the proposals are to be judged by, as `EventStore.view` does."""
        ...

    def commit(self, expected: int, batch: Batch) -> bool:
        """Write the batch as `EventStore.commit` does, but durably only once the head is let go.

        Nothing may follow it while the head is held.
        """
        ...


class EventStore(Protocol):
    """The append-only log.

    A reader that has seen position P has seen every event at or before P, for ever. Every method
    may raise StoreUnavailable or StoreBusy.
    """

    @property
    def commits_elsewhere(self) -> bool:
        """Whether another process does the work of a commit, so that this one is free meanwhile."""
        ...

    def head(self) -> Head:
        """Return the end of the log."""
        ...

    def view(self, request: ViewRequest) -> View:
        """Return one consistent snapshot of all that the proposals are to be judged by."""
        ...

    def commit(self, expected: int, batch: Batch) -> bool:
        """Write the batch if the head still stands at the position `expected`.

        Returns:
            True once it is durable; False where the head has moved on and nothing was written.

        Raises:
            LogDiverged: nothing is recorded any more, since somebody who signs a log that lasts has
                found it to be another one.

        """
        ...

    def exclusively(self) -> AbstractContextManager[HeldHead]:
        """Hold the head for one view and one commit; whoever else commits waits meanwhile.

        Letting go may raise StoreUnavailable or StoreBusy, too: only after it is anything written.
        Who stalls with the head in hand loses it, as far as the store can tell.
        """
        ...

    def read(
        self,
        after: int = 0,
        *,
        until: int | None = None,
        filter: EventFilter = EVERYTHING,
        limit: int = 100,
    ) -> list[Recorded]:
        """Return the first `limit` (at most MAX_PAGE) matching events in (after, until]."""
        ...

    def stretch(
        self,
        after: int,
        *,
        until: int,
        filter: EventFilter = EVERYTHING,
        limit: int = MAX_STRETCH_EVENTS,
        size_bytes: int = STRETCH_BYTES,
    ) -> Stretch:
        """Return the first matching events in (after, until] as they are stored.

        Args:
            after: the position before the first.
            until: the last position to look at; the log may end before.
            filter: which events.
            limit: how many at most.
            size_bytes: where it is reached, the stretch ends.

        """
        ...

    def tagged(self, tags: Collection[Tag], after: int, until: int) -> dict[int, set[Tag]]:
        """Return which of some tags the events in (after, until] have, by position."""
        ...

    def get(self, id: str) -> Recorded | None:
        """Return the event with this id, or None."""
        ...

    def erasures(self, events: frozenset[str]) -> dict[str, Recorded]:
        """Return what erased these events, by their ids, where something did."""
        ...

    def stream(
        self,
        policy: str,
        *,
        after_version: int = 0,
        until: int | None = None,
        limit: int = 100,
    ) -> list[Recorded]:
        """Return the first `limit` events of a policy after a version, up to a position."""
        ...

    def streams(
        self, policies: frozenset[str], *, until: int | None = None
    ) -> dict[str, list[Recorded]]:
        """Return the whole streams of at most MAX_PAGE policies up to a position, by policy."""
        ...

    def targets(self, policy: str, until: int) -> frozenset[str]:
        """Return the keys of what a policy's events up to a position pointed at, erased or not."""
        ...

    def links(self, until: int) -> list[tuple[str, str]]:
        """Return every policy with each key that one of its events ever pointed at, once."""
        ...

    def versions(self, until: int) -> dict[str, int]:
        """Return every policy's version at a position, by policy in any order."""
        ...

    def position_at(self, recorded_at: str) -> int:
        """Return the last position recorded at or before an instant; 0 where there is none."""
        ...
