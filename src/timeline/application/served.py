"""An event as it is served: in pages, in streams, in exports.

Owns the fields and their order. Must not know where events come from or how they travel.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

import msgspec
from msgspec import UNSET, Raw, UnsetType

from timeline.domain.events import PayloadErased
from timeline.domain.upcasting import read_recorded
from timeline.eventstore.model import Recorded, Stored
from timeline.eventstore.protocol import EventStore


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """What erased an event's payload: who, when, and by what authority."""

    event: str
    position: int
    recorded_at: str
    recorded_by: str
    authority: str


class ServedEvent(msgspec.Struct, kw_only=True):
    """The entry's fields, and the data as it was sent; None once the event was erased.

    An entry reads as one of these, but for its data; of its fields only the commitment is left out.
    """

    id: str
    position: int
    policy: str
    version: int
    type: str
    schema: int
    batch: int
    recorded_at: str
    recorded_by: str
    data: Raw | None = None
    erased_by: str | UnsetType = UNSET
    erasure: Erasure | UnsetType = UNSET

    @classmethod
    def of(cls, event: Recorded) -> Self:
        """Return an event that was read one by one."""
        return cls(
            **{name: getattr(event, name) for name in _ENTRY_FIELDS},
            data=None if event.data is None else Raw(event.data),
            erased_by=UNSET if event.erased_by is None else event.erased_by,
        )

    def document(self) -> dict[str, Any]:
        """Return its fields by name."""
        return {
            name: value
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not UNSET
        }


_ENTRY_FIELDS: Final = ServedEvent.__struct_fields__[:-3]
_ENTRIES: Final = msgspec.json.Decoder(list[ServedEvent])


def served_events(store: EventStore, stored: Sequence[Stored]) -> list[ServedEvent]:
    """Return events as they are served, from their bytes.

    All entries are read at once, and data stays the bytes that it is: a microsecond an event.
    """
    entries = b",".join([event.entry for event in stored])
    events = _ENTRIES.decode(b"[" + entries + b"]")
    for event, (_, data, erased_by) in zip(events, stored, strict=True):
        if data is not None:
            event.data = Raw(data)
        if erased_by is not None:
            event.erased_by = erased_by
    return with_erasures(store, events)


def with_erasures(store: EventStore, events: list[ServedEvent]) -> list[ServedEvent]:
    """Return events that say, where their payload was erased, who did so."""
    erased = {event.id: event for event in events if event.erased_by is not UNSET}
    for id, erasure in _erasures(store, erased).items():
        erased[id].erasure = erasure
    return events


def tell_erasures(store: EventStore, items: Iterable[dict[str, Any]]) -> None:
    """Say who erased the payload, in items of the read models that are marked as `erased`."""
    marked = [item for item in items if item["erased"]]
    found = _erasures(store, (item["event"] for item in marked))
    for item in marked:
        item["erasure"] = found[item["event"]]


def _erasures(store: EventStore, events: Iterable[str]) -> Mapping[str, Erasure]:
    """Return what erased events, by their ids; without any, nobody is asked."""
    ids = frozenset(events)
    return {id: _erasure(event) for id, event in store.erasures(ids).items()} if ids else {}


def _erasure(event: Recorded) -> Erasure:
    data = read_recorded(event.type, event.schema, msgspec.json.decode(event.data or b"{}"))
    return Erasure(
        event=event.id,
        position=event.position,
        recorded_at=event.recorded_at,
        recorded_by=event.recorded_by,
        authority=data.authority if isinstance(data, PayloadErased) else "",
    )
