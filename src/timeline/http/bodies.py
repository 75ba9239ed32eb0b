"""Bodies of requests: what they are, and their bytes within a bound.

Owns the refusal of what is not read at all. Must not know what a body says.
"""

import re
from collections.abc import AsyncIterator
from typing import Final

from litestar.types import HTTPRequestEvent, Receive

from timeline.http.errors import BodyIncomplete, BodyTooLarge, UnsupportedMediaType
from timeline.http.patience import Patience
from timeline.http.replies import JSON, NDJSON
from timeline.http.requests import Scope, header

PART_TIMEOUT_S: Final = 15.0
"""How long a body may bring nothing: a stalled client is not to hold a slot for ever."""

MAX_MEDIA_TYPE: Final = 200
"""Characters of a Content-Type: those that are taken have some forty."""

_UTF8: Final = re.compile(r'charset\s*=\s*"?utf-?8"?', re.ASCII | re.IGNORECASE)
_LENGTH: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def media_type(scope: Scope) -> str:
    """Return what the body is.

    Raises:
        UnsupportedMediaType: it is neither JSON nor lines of JSON, not UTF-8, or compressed.

    """
    given = header(scope, b"content-type") or ""
    name = given if given == JSON else _taken(given)
    coding = header(scope, b"content-encoding")
    if coding is not None and coding.strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType(
            field="Content-Encoding", expected="uncompressed", given=coding.strip().lower()[:100]
        )
    return name


def _taken(given: str) -> str:
    """Return the media type that is given, without its parameter, where it is taken."""
    name, _, parameter = (part.strip() for part in given[:MAX_MEDIA_TYPE].lower().partition(";"))
    known = name in {JSON, NDJSON} and (not parameter or _UTF8.fullmatch(parameter))
    if len(given) > MAX_MEDIA_TYPE or not known:
        expected = f"{JSON} or {NDJSON}"
        raise UnsupportedMediaType(expected=expected, given=given[:100] or "not said")
    return name


async def read_body(scope: Scope, receive: Receive, patience: Patience, limit_bytes: int) -> bytes:
    """Read a body, as announced or in chunks, up to a bound.

    Raises:
        BodyTooLarge: it passes the bound.
        BodyIncomplete: the client went, or stalled.

    """
    length = header(scope, b"content-length") or ""
    if _LENGTH.fullmatch(length) and int(length) > limit_bytes:
        raise BodyTooLarge(part="body", limit_bytes=limit_bytes)
    parts: list[bytes] = []
    size_bytes = 0
    more = True
    while more:
        part = await _next(receive, patience)
        parts.append(part["body"])
        size_bytes += len(part["body"])
        if size_bytes > limit_bytes:
            raise BodyTooLarge(part="body", limit_bytes=limit_bytes)
        more = part["more_body"]
    return b"".join(parts)


async def body_parts(receive: Receive, patience: Patience) -> AsyncIterator[bytes]:
    """Yield a body's parts as they come.

    Raises:
        BodyIncomplete: the client went, or sent nothing for PART_TIMEOUT_S.

    """
    more = True
    while more:
        part = await _next(receive, patience)
        yield part["body"]
        more = part["more_body"]


async def _next(receive: Receive, patience: Patience) -> HTTPRequestEvent:
    """Wait for a body's next part."""
    try:
        message = await patience.wait(receive(), PART_TIMEOUT_S)
    except TimeoutError as error:
        raise BodyIncomplete from error
    if message["type"] != "http.request":
        raise BodyIncomplete
    return message
