"""Events as NDJSON: requests to record, or the events of another record's export.

Owns how a line becomes an event. Must not know the log.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from timeline.domain.errors import InvalidData
from timeline.domain.events import EventId, PolicyId, Shape, read
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Draft
from timeline.transparency.canonical import parse
from timeline.transparency.errors import CanonicalError, MalformedJson


class EventLine(Shape, frozen=True, kw_only=True):
    """What a line holds. The fields from `position` on are another record's, and are ignored."""

    id: EventId
    policy: PolicyId
    type: EventType
    data: dict[str, Any] | None
    expected_version: Annotated[int, Meta(ge=1, le=2**53 - 1)] | Literal["new"] | None = None
    position: Any = None
    version: Any = None
    schema: Any = None
    batch: Any = None
    recorded_at: Any = None
    recorded_by: Any = None
    erased_by: Any = None
    erasure: Any = None

    @property
    def erased(self) -> bool:
        """Tell whether this is an event whose payload was erased before it was exported."""
        return self.data is None and self.erased_by is not None


def read_line(raw: bytes) -> EventLine:
    """Read a line as an event.

    Raises:
        InvalidData: naming the field, and what is wrong with it.

    """
    try:
        document = parse(raw)
    except MalformedJson as error:
        raise InvalidData(field=error.path, reason=_reason(error)) from error
    event: EventLine = read(EventLine, document, "")
    if event.data is None and not event.erased:
        raise InvalidData(field="data", reason="Expected `object`, got `null`")
    return event


def draft(event: EventLine) -> Draft:
    """Return the event as one to be recorded.

    Raises:
        InvalidData: naming the field, and what is wrong with it.

    """
    try:
        return Draft.read(
            id=event.id,
            policy=event.policy,
            type=event.type,
            data=event.data,
            expected_version=event.expected_version,
        )
    except CanonicalError as error:
        path = ".".join(part for part in ("data", error.path) if part)
        raise InvalidData(field=path, reason=f"It holds {error.reason}") from error


def _reason(error: MalformedJson) -> str:
    """Return what is wrong, with the column; the line is the input's, which the caller knows."""
    where = "" if error.column is None else f" at column {error.column}"
    return f"The JSON is refused{where}: {error.reason}"
