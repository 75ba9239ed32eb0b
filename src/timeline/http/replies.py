"""Replies: bytes with their validators, in the representation that was asked for.

Owns content negotiation, ETags, conditional requests and how an answer is sent, the first time or
once more. Must not know what is served.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as LitestarScope

from timeline.formats import ndjson, sse
from timeline.http.errors import NotAcceptable
from timeline.http.requests import header

JSON: Final = "application/json"
NDJSON: Final = ndjson.MEDIA_TYPE
EVENT_STREAM: Final = sse.MEDIA_TYPE
HTML: Final = "text/html"
CSS: Final = "text/css"
JAVASCRIPT: Final = "text/javascript"
SVG: Final = "image/svg+xml"
PLAIN: Final = "text/plain"
FORM: Final = "application/x-www-form-urlencoded"
OCTETS: Final = "application/octet-stream"

HttpRequest: TypeAlias = Request[Any, Any, State]

MAX_ACCEPT: Final = 64
"""Media ranges that are looked at; browsers send some eight."""

_RANGE: Final = re.compile(r"\s*([\w!#$&^.+*-]+)/([\w!#$&^.+*-]+)\s*(.*)", re.ASCII | re.DOTALL)
_QUALITY: Final = re.compile(
    r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", re.ASCII | re.IGNORECASE
)
_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')

REVALIDATE: Final = "no-cache"
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


def takes_gzip(accept_encoding: str | None) -> bool:
    """Tell whether a client says that it takes gzip; source: RFC 9110, section 12.5.3."""
    weights: dict[str, float] = {}
    for part in (accept_encoding or "").split(",")[:MAX_ACCEPT]:
        coding, _, parameters = part.partition(";")
        quality = _QUALITY.search(f";{parameters}")
        weights[coding.strip().lower()] = float(quality[1]) if quality else 1.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


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


class Representation(msgspec.Struct, frozen=True):
    """A complete answer to a read, as it is sent to everyone who asks the same.

    `headers` are those of the headers that a 304 has, too; `route` is what made it.
    """

    body: bytes
    tag: str
    headers: tuple[tuple[bytes, bytes], ...]
    content_headers: tuple[tuple[bytes, bytes], ...]
    route: str = ""

    @property
    def size_bytes(self) -> int:
        """What its texts take."""
        headers = (*self.headers, *self.content_headers)
        return len(self.body) + sum(len(name) + len(value) for name, value in headers)

    async def __call__(self, scope: LitestarScope, _receive: Receive, send: Send) -> None:
        """Send it, or 304 where the client has it; a HEAD's body is left out further out."""
        if matches(header(scope, b"if-none-match"), self.tag):
            await send(
                {"type": "http.response.start", "status": 304, "headers": list(self.headers)}
            )
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        headers = [*self.headers, *self.content_headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class Reply(Response[bytes]):
    """A representation, as Litestar takes it from a handler."""

    def __init__(self, representation: Representation) -> None:
        super().__init__(b"")
        self._representation = representation

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]
        """Return what sends it."""
        return self._representation


def represent(
    body: bytes,
    media_type: str,
    headers: Mapping[str, str] | None = None,
    *,
    route: str = "",
    coding: str | None = None,
) -> Representation:
    """Return a complete answer.

    Args:
        body: the representation's bytes.
        media_type: what they are.
        headers: what it carries besides.
        route: what made it, for those that count.
        coding: the content coding that the bytes are in.

    """
    tag = etag(body)
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    content = {"Content-Type": media_type + charset, "Content-Length": str(len(body))}
    if coding is not None:
        content["Content-Encoding"] = coding
    return Representation(
        body,
        tag,
        _encoded({"ETag": tag, "Cache-Control": REVALIDATE, **(headers or {})}),
        _encoded(content),
        route,
    )


def reply(
    body: bytes,
    media_type: str,
    headers: Mapping[str, str] | None = None,
    *,
    coding: str | None = None,
) -> Reply:
    """Return a read's answer: the body, or 304 where the client has it; arguments as above."""
    return Reply(represent(body, media_type, headers, coding=coding))


def _encoded(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(
        (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()
    )


def encode(document: object) -> bytes:
    """Return a document as JSON."""
    return msgspec.json.encode(document)
