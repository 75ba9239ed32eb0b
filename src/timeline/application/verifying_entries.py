"""Checks each event as it is stored: its row, its entry, its payload and its leaf hash.

Owns what has to be so of one event, given those before it. Must not know the tree, nor how rows are
read.

Nearly all events are as they have to be, so each is first compared with the one entry that its row,
its payload and those before it allow. Only where that differs is it asked in which way.
"""

import hmac
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from timeline.application.findings import Findings, Kind, shown
from timeline.domain.events import SCHEMA_VERSIONS
from timeline.domain.vocabulary import EventType
from timeline.eventstore.walking import Erasure
from timeline.transparency.entries import Entry, commitment, plain, read_entry
from timeline.transparency.errors import TransparencyError
from timeline.transparency.merkle import leaf_hash
from timeline.transparency.succession import Succession

Row = Sequence[Any]
"""An event as `eventstore.walking` gives it."""

NAMING: Final = {
    EventType.ACTION_CORRECTED.value,
    EventType.SOURCE_ATTACHED.value,
    EventType.EVENT_RETRACTED.value,
    EventType.PAYLOAD_ERASED.value,
}
"""The types of events whose data names another event, by which its row is found."""

_ERASED: Final = EventType.PAYLOAD_ERASED.value
_COLUMNS: Final = ("position", "id", "policy", "version", "type", "recorded_at", "recorded_by")
_SCHEMAS: Final = {type.value: version for type, version in SCHEMA_VERSIONS.items()}


class _Names(msgspec.Struct, frozen=True):
    """What is read of the data of an event that names another."""

    event: str


_names: Final = msgspec.json.Decoder(_Names)


class Entries:
    """Checks events one after the other, by position."""

    def __init__(
        self,
        findings: Findings,
        erasures: Callable[[str], list[Erasure]],
        has_payload: Callable[[str], bool],
    ) -> None:
        """Begin with the first event.

        Args:
            findings: take what is wrong.
            erasures: returns the events that say to have erased the one with an id.
            has_payload: tells whether the event with an id has its payload.

        """
        self.payloads = 0
        self.erased = 0
        self._findings = findings
        self._erasures = erasures
        self._has_payload = has_payload
        self._succession = Succession()
        self._schemas: dict[str, int] = {}

    @property
    def recorded_at(self) -> str:
        """When the last event was recorded, by its row."""
        return self._succession.recorded_at

    @property
    def position(self) -> int:
        """The position of the last event, by its row."""
        return self._succession.position

    def leaf(self, row: Row) -> bytes | None:
        """Check the next event; return the leaf hash of its entry, or None where it has none."""
        position, id, policy, version, type, subject, at, by, entry, leaf, data, salt = row
        batch = 0
        try:
            batch = self._succession.follows(position, policy, version, at)
            committed = hmac.digest(salt, data, "sha256").hex()
            schema = self._schemas.get(type, 0)
            expected = plain(
                Entry(batch, committed, id, policy, position, at, by, schema, type, version)
            )
            hash = sha256(b"\x00" + entry).digest()
            named = _named(data) if type in NAMING else None
            if expected == entry and hash == leaf and named == subject and type != _ERASED:
                self.payloads += 1
                return hash
        except (TypeError, ValueError):
            pass  # What is no value of its kind is found below.
        return self._looked_into(row, batch)

    def _looked_into(self, row: Row, batch: int) -> bytes | None:
        """Find in which ways an event is not as it has to be."""
        position, _, policy, version, _, _, at, _, raw, leaf, _, _ = row
        hash = leaf_hash(raw) if isinstance(raw, bytes) else None
        if leaf != hash:
            self._add(Kind.LEAF, position, "its leaf hash is not that of its entry")
        try:
            entry = read_entry(raw)
        except (TransparencyError, TypeError) as error:
            self._add(Kind.ENTRY, position, str(error))
            if not batch:
                # Where constraints were dropped, there may be values of any kind in a row.
                counted = version if isinstance(version, int) else 0
                self._follow(position, str(policy), counted, str(at), None)
            return hash
        self._compare(row, entry)
        if batch and (policy, version, at) != (entry.policy, entry.version, entry.recorded_at):
            # What follows goes on from what was hashed, so that a wrong column is one finding.
            self._succession.undo(position, policy, version)
            batch = 0
        if not batch:
            self._follow(position, entry.policy, entry.version, entry.recorded_at, entry.batch)
        elif entry.batch != batch:
            what = f"its batch is {entry.batch}, and its append began at {batch}"
            self._add(Kind.ENTRY, position, what)
        self._look_at_payload(row, entry)
        return hash

    def _follow(
        self, position: int, policy: str, version: int, recorded_at: str, batch: int | None
    ) -> None:
        """Go on from an event that may not follow the one before; say in which ways."""
        for fault in self._succession.faults(position, policy, version, recorded_at, batch):
            self._add(Kind.ENTRY, position, fault)

    def _compare(self, row: Row, entry: Entry) -> None:
        """Compare the columns with the entry's fields, and the entry with what is known here."""
        position, id, policy, version, type, _, at, by, *_ = row
        for name, value in zip(
            _COLUMNS, (position, id, policy, version, type, at, by), strict=True
        ):
            held = getattr(entry, name)
            if held != value:
                what = f"its entry has the {name} {shown(held)}, and its row {shown(value)}"
                self._add(Kind.ENTRY, position, what)
        newest = _SCHEMAS.get(entry.type)
        if newest is None or not 1 <= entry.schema <= newest:
            what = f"there is no {shown(entry.type)} of schema {entry.schema}"
            self._add(Kind.ENTRY, position, what)
        else:
            self._schemas[entry.type] = entry.schema

    def _look_at_payload(self, row: Row, entry: Entry) -> None:
        position, id, _, _, type, subject, *_, data, salt = row
        if data is None:
            if any(_erases(each, id) for each in self._erasures(id)):
                self.erased += 1
            else:
                self._add(Kind.PAYLOAD, position, "its payload is gone, and no event erased it")
            return
        if not _opens(data, salt, entry.commitment):
            what = "its data and salt are not what its entry commits to"
            self._add(Kind.PAYLOAD, position, what)
            return
        self.payloads += 1
        named = _named(data) if type in NAMING else None
        if named != subject:
            what = f"its row names the event {shown(subject)}, and its data {shown(named)}"
            self._add(Kind.ENTRY, position, what)
        if type == _ERASED and named and self._has_payload(named):
            what = f"it erased the event {shown(named)}, whose payload is there"
            self._add(Kind.PAYLOAD, position, what)

    def _add(self, kind: Kind, position: int, what: str) -> None:
        self._findings.add(kind, position, what)


def _opens(data: Any, salt: Any, committed: str) -> bool:
    """Tell whether data and salt are what an entry commits to."""
    try:
        return commitment(salt, data) == committed
    except (TransparencyError, TypeError):
        return False


def _erases(erasure: Erasure, id: str) -> bool:
    """Tell whether an event says in its own data, to which it commits, that it erases another."""
    try:
        entry = read_entry(erasure.entry)
    except (TransparencyError, TypeError):
        return False
    return (
        entry.type == _ERASED
        and _opens(erasure.data, erasure.salt, entry.commitment)
        and _named(erasure.data) == id
    )


def _named(data: Any) -> str | None:
    """Return the event that data names, or None."""
    try:
        return _names.decode(data).event
    except (msgspec.MsgspecError, UnicodeError):
        return None
