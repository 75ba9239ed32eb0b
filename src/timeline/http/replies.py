"""Replies: bytes with their validators, in the representation that was asked for.

Owns content negotiation, ETags and conditional requests. Must not know what is served.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Request, Response
from litestar.datastructures import State

from timeline.formats import ndjson
from timeline.http.errors import NotAcceptable

JSON: Final = "application/json"
NDJSON: Final = ndjson.MEDIA_TYPE
HTML: Final = "text/html"

HttpRequest: TypeAlias = Request[Any, Any, State]

MAX_ACCEPT: Final = 64
"""Media ranges that are looked at; browsers send some eight."""

_RANGE: Final = re.compile(r"\s*([\w!#$&^.+*-]+)/([\w!#$&^.+*-]+)\s*(.*)", re.ASCII | re.DOTALL)
_QUALITY: Final = re.compile(
    r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", re.ASCII | re.IGNORECASE
)
_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')

_REVALIDATE: Final = "no-cache"
"""May be kept, but is asked for again: the position moves with every append."""


def negotiate(accept: str | None, offered: Sequence[str]) -> str:
    """Return the media type to serve, the first offered one where several are as good.

    Args:
        accept: the header, or None where there is none: anything will do.
        offered: what there is, the preferred one first.

    Raises:
        NotAcceptable: the client takes none of it.

    Source: RFC 9110, section 12.5.1.

    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_RANGE.fullmatch(part) for part in accept.split(",")[:MAX_ACCEPT]]
    found = [match.groups() for match in ranges if match]
    weights = {media: _weight(media, found) for media in offered}
    best = max(offered, key=weights.__getitem__)
    if weights[best] <= 0:
        raise NotAcceptable(offered=" or ".join(offered))
    return best


def _weight(media: str, ranges: list[tuple[Any, ...]]) -> float:
    """Return a media type's weight: that of the most specific range that covers it."""
    main, sub = media.split("/")
    best = (-1, 0.0)
    for range_main, range_sub, parameters in ranges:
        patterns = (("*", "*"), (main, "*"), (main, sub))
        asked = (range_main.lower(), range_sub.lower())
        if asked not in patterns:
            continue
        quality = _QUALITY.search(parameters)
        weight = float(quality.group(1)) if quality else 1.0
        best = max(best, (patterns.index(asked), min(weight, 1.0)))
    return best[1]


def etag(body: bytes) -> str:
    """Return a strong validator of a representation's bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Tell whether a client has this representation already (weak comparison, RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return tag.removeprefix("W/") in _TAG.findall(if_none_match)


def reply(
    request: HttpRequest,
    body: bytes,
    media_type: str,
    *,
    tag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """Return a read's answer: the body, or 304 where the client has it.

    Args:
        request: what was asked.
        body: the representation.
        media_type: what it is.
        tag: its validator, where it was computed already.
        headers: what it carries besides.

    """
    validator = etag(body) if tag is None else tag
    all_headers = {"ETag": validator, "Cache-Control": _REVALIDATE, **(headers or {})}
    if matches(request.headers.get("if-none-match"), validator):
        return Response(b"", status_code=304, headers=all_headers)
    return Response(body, status_code=200, media_type=media_type, headers=all_headers)


def encode(document: object) -> bytes:
    """Return a document as JSON."""
    return msgspec.json.encode(document)
