"""Events as NDJSON: requests to record, or the events of another record's export.

Owns how a stream becomes lines, and a line becomes an event. Must not know the log.
"""

from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, Final, Literal, NamedTuple

from msgspec import Meta

from timeline.domain.errors import InvalidData
from timeline.domain.events import EventId, PolicyId, Shape, read
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Draft
from timeline.transparency.canonical import parse
from timeline.transparency.errors import CanonicalError, MalformedJson

MAX_LINE_BYTES: Final = 2 * 1024 * 1024
"""An event's data takes 256 KiB, six times that where each character is written as an escape."""


class Line(NamedTuple):
    """One line of the input; `number` counts from 1, blank lines too."""

    number: int
    raw: bytes


class LineTooLong(Exception):
    """The line is longer than {limit} bytes."""

    def __init__(self, *, number: int, limit: int) -> None:
        self.number = number
        super().__init__((type(self).__doc__ or "").format(limit=limit))

    def __reduce__(self) -> tuple[Any, ...]:
        # Its constructor takes no message, from which exceptions are made anew by default.
        return type(self).__new__, (type(self), *self.args), vars(self)


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


def lines(stream: BinaryIO, limit_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """Yield the lines of a stream that are not blank, holding one at a time.

    Raises:
        LineTooLong: a line has more bytes than the limit.

    """
    number = 0
    while raw := stream.readline(limit_bytes + 1):
        number += 1
        if len(raw) > limit_bytes:
            raise LineTooLong(number=number, limit=limit_bytes)
        if raw.strip():
            yield Line(number, raw)


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
