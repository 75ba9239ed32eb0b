"""Cursors: where a listing goes on, bound to its query, its date and its position.

Owns their form, and bounds on all that is in them. A cursor is no secret and grants nothing; whoever
forges one gets another page of the same public listing, or a refusal.
"""

import base64
import binascii
import hashlib
from datetime import date
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta

from timeline.application.errors import CursorMismatch
from timeline.application.queries import Position, Query
from timeline.domain.events import JurisdictionId, PolicyId, write_custom
from timeline.domain.machines import FIRST_DAY, LAST_DAY
from timeline.projections.review_reads import ReviewKey
from timeline.projections.timeline_reads import ItemKey

_BOUND_ELSEWHERE: Final = frozenset({"cursor", "format", "limit"})

_Day: TypeAlias = Annotated[int, Meta(ge=1, le=date.max.toordinal())]
_Bound: TypeAlias = Annotated[int, Meta(ge=FIRST_DAY, le=LAST_DAY)]
_Instant: TypeAlias = Annotated[str, Meta(max_length=27, pattern=r"^[0-9TZ.:-]*(?!\n)$")]
_Time: TypeAlias = Annotated[str, Meta(max_length=15, pattern=r"^[0-9:.]*(?!\n)$")]

_Event: TypeAlias = Annotated[str, Meta(max_length=36, pattern=r"^[0-9a-f-]*(?!\n)$")]


class _ItemKey(ItemKey, frozen=True, array_like=True):
    """A key of the timeline, within what its columns hold."""

    earliest: _Bound
    latest: _Bound
    rank: Position
    time: _Time
    position: Position
    policy: PolicyId


class ChangeKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of changes ends, and the beginning that its first page resolved.

    A later event may bear an instant that lies before the one asked for, so both are pinned.
    """

    since: Position
    since_at: _Instant | None
    position: Position
    policy: PolicyId


class _ReviewKey(ReviewKey, frozen=True, array_like=True):
    """A key of the review, within what its columns hold."""

    policy: PolicyId
    event: _Event
    by: _Event


TIMELINE_KEY: Final = _ItemKey
CHANGE_KEY: Final = ChangeKey
POLICY_KEY: Final = PolicyId
JURISDICTION_KEY: Final = JurisdictionId
POSITION_KEY: Final = Position
REVIEW_KEY: Final = _ReviewKey


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A cursor's content: the query's digest, both clocks that it pins, and the last key."""

    query: str
    position: Position
    day: _Day | None
    known_at: _Instant | None
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


def read_cursor(cursor: str, digest: str, kind: Any) -> tuple[Place, Any]:
    """Return what a cursor pins, and the key to go on after.

    Args:
        cursor: what `write_cursor` gave, or anything else.
        digest: that of the query at hand.
        kind: one of the keys above: what msgspec reads the key as.

    Raises:
        CursorMismatch: it is no cursor, or one of another query.

    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = msgspec.json.decode(raw, type=Place)
        if place.query != digest:
            raise CursorMismatch
        key = msgspec.json.decode(place.key, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise CursorMismatch from error
    return place, key
