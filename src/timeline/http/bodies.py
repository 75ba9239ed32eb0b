"""Bodies of requests: what they are, and their bytes within a bound.

Owns the refusal of what is not read at all. Must not know what a body says.
"""

import re
from collections.abc import AsyncIterator
from typing import Final

from litestar.types import Receive

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


_patience: Final = Patience()


def media_type(scope: Scope) -> str:
    """Return what the body is.

    Raises:
        UnsupportedMediaType: it is neither JSON nor lines of JSON, not UTF-8, or compressed.

    """
    expected = f"{JSON} or {NDJSON}"
    given = header(scope, b"content-type") or ""
    name, _, parameter = (part.strip() for part in given[:MAX_MEDIA_TYPE].lower().partition(";"))
    known = name in {JSON, NDJSON} and (not parameter or _UTF8.fullmatch(parameter))
    if len(given) > MAX_MEDIA_TYPE or not known:
        raise UnsupportedMediaType(expected=expected, given=given[:100] or "not said")
    coding = (header(scope, b"content-encoding") or "").strip().lower()
    if coding not in {"", "identity"}:
        raise UnsupportedMediaType(
            field="Content-Encoding", expected="uncompressed", given=coding[:100]
        )
    return name


async def read_body(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
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
    async for part in body_parts(receive):
        size_bytes += len(part)
        if size_bytes > limit_bytes:
            raise BodyTooLarge(part="body", limit_bytes=limit_bytes)
        parts.append(part)
    return b"".join(parts)


async def body_parts(receive: Receive) -> AsyncIterator[bytes]:
    """Yield a body's parts as they come.

    Raises:
        BodyIncomplete: the client went, or sent nothing for PART_TIMEOUT_S.

    """
    more = True
    while more:
        try:
            message = await _patience.wait(receive(), PART_TIMEOUT_S)
        except TimeoutError as error:
            raise BodyIncomplete from error
        if message["type"] != "http.request":
            raise BodyIncomplete
        yield message["body"]
        more = message["more_body"]
