"""Events as they are sent, read in one pass where that provably gives what the strict reader would.

Owns which lines can be read so, and the proof that nothing in them was passed over. Says nothing of
what is wrong with a line: whoever is told None asks the strict reader (`canonical.parse`), which
takes or refuses it, at three times the cost.

The proof. Without a backslash in a line, each text in it stands between two quotes, and no quote is
anything else. What was read is written again; texts, lists and objects come out as they went in, but
for white space, for the order of keys, and for members that were left out: of two with one name the
first, of one that says what its absence would say that one. A member has a name, so with it at least
two quotes go. Where as many are written as were sent, nothing was left out, and what was written in
the order of RFC 8785 is the canonical form of what was sent. Numbers have several spellings and no
quotes: what holds any in its data, or may hold a value of any kind, is left to the strict reader.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta

from timeline.domain.events import (
    DATA_TYPES,
    MAX_DATA_BYTES,
    ActionCorrected,
    ActionRecorded,
    Data,
    EventId,
    PayloadErased,
    PolicyId,
    Shape,
    SourceAttached,
    read_custom,
    write_custom,
)
from timeline.domain.situation import Proposal
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Draft
from timeline.transparency.canonical import MAX_INTEGER

Number = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]


class Sent(Shape, frozen=True, kw_only=True):
    """A request to record an event, which may leave its id to the service."""

    id: EventId | None = None
    policy: PolicyId
    type: EventType
    data: msgspec.Raw
    expected_version: Annotated[int, Meta(ge=1, le=MAX_INTEGER)] | Literal["new"] | None = None


class Exported(Sent, frozen=True, kw_only=True):
    """An event as a record serves it, whose own fields of the log mean nothing to another one."""

    position: Number | None = None
    version: Number | None = None
    schema: Number | None = None
    batch: Number | None = None
    recorded_at: str | None = None
    recorded_by: str | None = None


_encoder: Final = msgspec.json.Encoder(order="sorted", enc_hook=write_custom)
_envelopes: Final[dict[type[Sent], msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Sent, Exported)
}
_payloads: Final[dict[EventType, msgspec.json.Decoder[Any]]] = {
    type: msgspec.json.Decoder(kind, dec_hook=read_custom) for type, kind in DATA_TYPES.items()
}


def plain(line: bytes, kind: type[Sent], new_id: Callable[[], str] | None = None) -> Draft | None:
    """Read a line of JSON as an event; None where the strict reader has to look at it.

    Args:
        line: the bytes of one JSON document.
        kind: what else than a request it may be.
        new_id: gives an event its id that has none; without it, it has to have one.

    """
    if b"\\" in line:
        return None
    try:
        sent: Sent = _envelopes[kind].decode(line)
        data: Data = _payloads[sent.type].decode(sent.data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if _holds_numbers(data):
        return None
    canonical = _encoder.encode(data)
    written = _encoder.encode(msgspec.structs.replace(sent, data=msgspec.Raw(canonical)))
    if written.count(b'"') != line.count(b'"') or len(canonical) > MAX_DATA_BYTES:
        return None
    id = sent.id
    if id is None:
        if new_id is None:
            return None
        id = new_id()
    return Draft(
        proposal=Proposal(id, sent.policy, sent.type, data),
        data=canonical,
        expected_version=sent.expected_version,
    )


def _holds_numbers(data: Data) -> bool:
    """Tell whether data holds numbers, or may: the votes do, and values of any kind."""
    if type(data) is ActionRecorded:
        return data.vote is not None
    if type(data) is ActionCorrected:
        return data.changes.vote is not UNSET
    if type(data) is SourceAttached:
        return data.claim is not None
    return type(data) is PayloadErased
