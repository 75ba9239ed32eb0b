"""An event as it is served: in pages, in streams, in exports.

Owns the fields and their order. Must not know where events come from or how they travel.
"""

from collections.abc import Sequence
from typing import Any, Final, Self

import msgspec
from msgspec import UNSET, Raw, UnsetType

from timeline.eventstore.model import Recorded, Stored


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


_ENTRY_FIELDS: Final = ServedEvent.__struct_fields__[:-2]
_ENTRIES: Final = msgspec.json.Decoder(list[ServedEvent])


def served_events(stored: Sequence[Stored]) -> list[ServedEvent]:
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
    return events
