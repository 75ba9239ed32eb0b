"""Cursors: where a listing goes on, bound to its query, its date and its position.

Owns their form. A cursor is no secret and grants nothing; whoever forges one gets another page of
the same public listing, or a refusal.
"""

import base64
import binascii
import hashlib
from typing import Final, TypeVar

import msgspec

from timeline.application.errors import CursorMismatch
from timeline.application.queries import Query
from timeline.domain.events import write_custom

_BOUND_ELSEWHERE: Final = frozenset({"cursor", "limit"})

Key = TypeVar("Key")


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A cursor's content: the query's digest, both clocks that it pins, and the last key."""

    query: str
    position: int
    day: int | None
    known_at: str | None
    key: msgspec.Raw


def query_digest(query: Query, *, about: str = "") -> str:
    """Return a short digest of what is asked, without the page."""
    asked = {
        name: value
        for name, value in msgspec.to_builtins(query, enc_hook=write_custom).items()
        if name not in _BOUND_ELSEWHERE
    }
    text = msgspec.json.encode([type(query).__name__, about, asked], order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]


def write_cursor(
    digest: str, position: int, day: int | None, key: object, known_at: str | None = None
) -> str:
    """Return a cursor that goes on after a key."""
    place = Place(digest, position, day, known_at, msgspec.Raw(msgspec.json.encode(key)))
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(cursor: str, digest: str, kind: type[Key]) -> tuple[Place, Key]:
    """Return what a cursor pins, and the key to go on after.

    Raises:
        CursorMismatch: it is no cursor, or one of another query.

    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = msgspec.json.decode(raw, type=Place)
        if place.query != digest or place.position < 0:
            raise CursorMismatch
        key = msgspec.json.decode(place.key, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise CursorMismatch from error
    return place, key
