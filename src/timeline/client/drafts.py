"""Events to be recorded, as a program writes them down.

Owns their ids: each is made once, with the draft, so that sending it again records nothing twice.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from timeline.domain.events import DATA_TYPES, Data, plain

ExpectedVersion: TypeAlias = int | Literal["new"]


def new_event_id() -> str:
    """Return a new UUID of version 7 in lower case; source: RFC 9562, section 5.7."""
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 0x7 << 76  # version 7
    number = number & ~(0x3 << 62) | 0x2 << 62  # variant
    text = f"{number & 2**128 - 1:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event to be recorded.

    Attributes:
        policy: whose stream it goes into.
        data: one of the structs of `timeline.domain.events`, or plain JSON values with `type`.
        type: the type tag; a struct says it by itself.
        id: stands for this event for ever.
        expected_version: the version that the policy has to be at; "new" where it is not to exist.

    """

    policy: str
    data: Data | dict[str, Any]
    type: str | None = None
    id: str = msgspec.field(default_factory=new_event_id)
    expected_version: ExpectedVersion | UnsetType = UNSET

    def document(self) -> dict[str, Any]:
        """Return it as it is sent."""
        found: dict[str, Any] = {
            "id": self.id,
            "policy": self.policy,
            "type": self.type or str(_TYPES[type(self.data)]),
            "data": self.data if isinstance(self.data, dict) else plain(self.data),
        }
        if self.expected_version is not UNSET:
            found["expected_version"] = self.expected_version
        return found


_TYPES: Final[Mapping[type[Any], str]] = {kind: tag for tag, kind in DATA_TYPES.items()}

Sent: TypeAlias = Draft | Mapping[str, Any]
"""A draft, or the JSON document itself, as files hold it; without an id it gets one when it is sent."""


def document_of(event: Sent) -> dict[str, Any]:
    """Return an event as it is sent, with an id."""
    if isinstance(event, Draft):
        return event.document()
    return {"id": new_event_id(), **event}


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What must not have been recorded after a position: fields are joined by and, values by or."""

    after: int
    types: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as it is sent."""
        fields = msgspec.to_builtins(self)
        return {"after": fields.pop("after"), "fail_if_match": fields}
