"""The event store in memory: the reference that the databases are held to.

Owns nothing durable: plain dicts and lists behind one lock, searched in full. Must not be clever,
since it is read to learn what the others do.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from threading import RLock
from typing import Self

from timeline.domain.situation import Situation, StreamState, SubjectState, Tag
from timeline.domain.vocabulary import EventType
from timeline.eventstore.lookup import (
    DESCRIBING,
    Content,
    Wanted,
    line,
    look_up,
    picture,
    read_content,
)
from timeline.eventstore.model import (
    EVERYTHING,
    MAX_STRETCH_EVENTS,
    STRETCH_BYTES,
    Condition,
    EntryFields,
    EventFilter,
    Head,
    Receipt,
    Recorded,
    Stored,
    Stretch,
    checked_limit,
)
from timeline.eventstore.protocol import Batch, Known, NewEntry, Payload, View, ViewRequest


class _Row:
    """One event: what never changes, and the payload and tags, which erasure changes."""

    def __init__(self, new: NewEntry, payload: Payload | None) -> None:
        self.entry = new.entry
        self.fields = EntryFields.read(new.entry)
        self.subject = new.subject
        self.payload = payload
        self.tags: set[Tag] = set()


class MemoryStore:
    """An `EventStore` that forgets everything with its process."""

    commits_elsewhere = False

    def __init__(self) -> None:
        self._lock = RLock()
        self._head = Head()
        self._rows: list[_Row] = []
        self._by_id: dict[str, _Row] = {}
        self._streams: dict[str, StreamState] = {}
        self._subjects: dict[str, SubjectState] = {}

    def head(self) -> Head:
        """Return the end of the log."""
        return self._head

    def view(self, request: ViewRequest) -> View:
        """Return one consistent snapshot of all that the proposals are to be judged by."""
        with self._lock:
            situation, wanted = look_up(request.proposals, self._load)
            contents = {each.id: each for each in self._contents(wanted)}
            return View(
                head=self._head,
                known={id: _known(self._by_id[id]) for id in wanted.ids if id in self._by_id},
                situation=situation,
                matches=tuple(self._match(condition) for condition in request.conditions),
                contents={id: contents[id].data for id in wanted.erasing if id in contents},
                lines={
                    policy: tuple(
                        line(row.fields.position, row.fields.id, contents, self._retracts(row))
                        for row in self._rows
                        if row.fields.policy == policy
                    )
                    for policy in wanted.redescribing
                },
            )

    def commit(self, expected: int, batch: Batch) -> bool:
        """Write the batch if the head still stands at the position `expected`."""
        with self._lock:
            if self._head.position != expected:
                return False
            payloads = {payload.position: payload for payload in batch.payloads}
            for new in batch.entries:
                row = _Row(new, payloads.get(new.envelope.position))
                self._rows.append(row)
                self._by_id[new.envelope.id] = row
            for gone in batch.untagged:
                self._rows[gone.position - 1].tags.discard(gone.tag)
            for come in batch.tagged:
                self._rows[come.position - 1].tags.add(come.tag)
            for position in batch.erased:
                self._rows[position - 1].payload = None
            self._streams.update((stream.policy, stream) for stream in batch.streams)
            self._subjects.update((subject.id, subject) for subject in batch.subjects)
            self._head = batch.head
            return True

    @contextmanager
    def exclusively(self) -> Iterator[Self]:
        """Hold the head for one view and one commit; whoever else commits waits meanwhile."""
        with self._lock:
            yield self

    def read(
        self,
        after: int = 0,
        *,
        until: int | None = None,
        filter: EventFilter = EVERYTHING,
        limit: int = 100,
    ) -> list[Recorded]:
        """Return the first `limit` matching events in (after, until]."""
        with self._lock:
            found = self._matching(filter, after, until)
            return [self._recorded(row) for row in islice(found, checked_limit(limit))]

    def stretch(
        self,
        after: int,
        *,
        until: int,
        filter: EventFilter = EVERYTHING,
        limit: int = MAX_STRETCH_EVENTS,
        size_bytes: int = STRETCH_BYTES,
    ) -> Stretch:
        """Return the first matching events in (after, until] as they are stored."""
        events: list[Stored] = []
        total = 0
        with self._lock:
            for row in self._matching(filter, after, until):
                event = self._stored(row)
                events.append(event)
                total += event.size_bytes
                if len(events) == limit or total >= size_bytes:
                    return Stretch(events, row.fields.position)
        return Stretch(events, until)

    def tagged(self, tags: Collection[Tag], after: int, until: int) -> dict[int, set[Tag]]:
        """Return which of some tags the events in (after, until] have, by position."""
        with self._lock:
            found = {
                row.fields.position: row.tags & frozenset(tags)
                for row in self._rows[max(after, 0) : until]
            }
        return {position: set(some) for position, some in found.items() if some}

    def get(self, id: str) -> Recorded | None:
        """Return the event with this id, or None."""
        with self._lock:
            row = self._by_id.get(id)
            return None if row is None else self._recorded(row)

    def erasures(self, events: frozenset[str]) -> dict[str, Recorded]:
        """Return what erased these events, by their ids, where something did."""
        with self._lock:
            states = {id: self._subject(row) for id, row in self._by_id.items() if id in events}
            return {
                id: self._recorded(self._by_id[state.erased_by])
                for id, state in states.items()
                if state.erased_by is not None
            }

    def stream(
        self,
        policy: str,
        *,
        after_version: int = 0,
        until: int | None = None,
        limit: int = 100,
    ) -> list[Recorded]:
        """Return the first `limit` events of a policy after a version, up to a position."""
        with self._lock:
            found = self._matching(EventFilter(policies=(policy,)), 0, until)
            later = (row for row in found if row.fields.version > after_version)
            return [self._recorded(row) for row in islice(later, checked_limit(limit))]

    def streams(
        self, policies: frozenset[str], *, until: int | None = None
    ) -> dict[str, list[Recorded]]:
        """Return the whole streams of these policies up to a position, by policy."""
        checked_limit(max(len(policies), 1))
        streams: dict[str, list[Recorded]] = {}
        with self._lock:
            for row in self._matching(EVERYTHING, 0, until):
                if row.fields.policy in policies:
                    streams.setdefault(row.fields.policy, []).append(self._recorded(row))
        return streams

    def targets(self, policy: str, until: int) -> frozenset[str]:
        """Return the keys of what a policy's events up to a position pointed at, erased or not."""
        with self._lock:
            return frozenset(
                tag.value
                for row in self._rows
                for tag in row.tags
                if row.fields.policy == policy
                and row.fields.position <= until
                and tag.kind == "target"
            )

    def links(self, until: int) -> list[tuple[str, str]]:
        """Return every policy with each key that one of its events ever pointed at, once."""
        with self._lock:
            return sorted(
                {
                    (row.fields.policy, tag.value)
                    for row in self._rows
                    for tag in row.tags
                    if tag.kind == "target" and row.fields.position <= until
                }
            )

    def versions(self, until: int) -> dict[str, int]:
        """Return every policy's version at a position."""
        with self._lock:
            return {
                row.fields.policy: row.fields.version
                for row in self._rows
                if row.fields.position <= until
            }

    def position_at(self, recorded_at: str) -> int:
        """Return the last position recorded at or before an instant; 0 where there is none."""
        with self._lock:
            return sum(row.fields.recorded_at <= recorded_at for row in self._rows)

    def _load(self, wanted: Wanted) -> tuple[Situation, Wanted]:
        streams = [self._streams[id] for id in wanted.needs.policies if id in self._streams]
        named = [self._by_id[id] for id in wanted.needs.subjects if id in self._by_id]
        subjects = [self._subject(row) for row in named]
        return picture(wanted.needs, streams, subjects, self._contents(wanted)), wanted

    def _contents(self, wanted: Wanted) -> Iterator[Content]:
        needs = wanted.needs
        contents = wanted.contents
        if not (contents or needs.descriptions):
            return
        for row in self._rows:
            fields = row.fields
            if (
                fields.id in contents
                or (row.subject in needs.actions and fields.type is EventType.ACTION_CORRECTED)
                or (fields.policy in needs.descriptions and fields.type in DESCRIBING)
            ):
                yield self._content(row)

    def _content(self, row: _Row) -> Content:
        state = self._subject(row)
        erasing = None if state.erased_by is None else self._by_id[state.erased_by]
        return Content(
            id=row.fields.id,
            policy=row.fields.policy,
            type=row.fields.type,
            data=read_content(
                row.fields.type,
                row.fields.schema,
                None if row.payload is None else row.payload.data,
                None
                if erasing is None or erasing.payload is None
                else (erasing.fields.schema, erasing.payload.data),
            ),
            retracted=state.retracted_by is not None,
        )

    def _subject(self, row: _Row) -> SubjectState:
        return self._subjects.get(row.fields.id) or SubjectState(
            id=row.fields.id,
            policy=row.fields.policy,
            type=row.fields.type,
            position=row.fields.position,
            subject=row.subject,
        )

    def _retracts(self, row: _Row) -> tuple[str, ...]:
        return self._subject(row).retracts

    def _match(self, condition: Condition) -> int | None:
        found = self._matching(condition.fail_if_match, condition.after, None)
        return next((row.fields.position for row in found), None)

    def _matching(self, filter: EventFilter, after: int, until: int | None) -> Iterator[_Row]:
        for row in self._rows[max(after, 0) : until]:
            if filter.matches(
                type=row.fields.type,
                policy=row.fields.policy,
                recorded_by=row.fields.recorded_by,
                tags=row.tags,
            ):
                yield row

    def _recorded(self, row: _Row) -> Recorded:
        return Recorded.from_entry(*self._stored(row))

    def _stored(self, row: _Row) -> Stored:
        data = None if row.payload is None else row.payload.data
        return Stored(row.entry, data, self._subject(row).erased_by)


def _known(row: _Row) -> Known:
    fields = row.fields
    receipt = Receipt(
        id=fields.id,
        policy=fields.policy,
        version=fields.version,
        position=fields.position,
        recorded_at=fields.recorded_at,
        type=fields.type,
        erased=row.payload is None,
    )
    salt = None if row.payload is None else row.payload.salt
    return Known(receipt=receipt, commitment=fields.commitment, salt=salt)
