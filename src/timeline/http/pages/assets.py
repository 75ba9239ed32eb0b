"""What pages load: styles, scripts and pictures, which come with the package.

Owns their addresses and how long they may be kept. An address has the file's digest in it, so that
what it names never changes; without the digest, as scripts name each other, it is asked for again.
"""

import hashlib
import mimetypes
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, NamedTuple

from litestar import Response, route
from litestar.params import FromPath
from msgspec import Meta

from timeline.application.queries import Query
from timeline.http.errors import UnknownRoute
from timeline.http.parameters import parse
from timeline.http.problems import shown
from timeline.http.reading import READ
from timeline.http.replies import REVALIDATE, HttpRequest, reply

IMMUTABLE: Final = "public, max-age=31536000, immutable"

_DIGEST_CHARACTERS: Final = 16


class Asset(NamedTuple):
    """A file that pages load."""

    body: bytes
    media_type: str
    digest: str


class AssetQuery(Query, frozen=True, kw_only=True):
    """`GET /assets/{name}`."""

    v: Annotated[
        Annotated[str, Meta(max_length=64)] | None,
        Meta(description="The version that a page means, by the file's digest."),
    ] = None


def address_of(name: str) -> str:
    """Return the address under which a page loads a file; KeyError where there is none."""
    return f"/assets/{name}?v={_assets()[name].digest}"


@route("/assets/{name:str}", http_method=READ, status_code=200)
async def asset(request: HttpRequest, name: FromPath[str]) -> Response[bytes]:
    """Answer a file that pages load."""
    query = parse(request.scope["query_string"], AssetQuery)
    found = _assets().get(name)
    if found is None:
        raise UnknownRoute(path=f"/assets/{shown(name)}")
    kept = IMMUTABLE if query.v == found.digest else REVALIDATE
    return reply(found.body, found.media_type, headers={"Cache-Control": kept})


HANDLERS: Final = (asset,)


@cache
def _assets() -> dict[str, Asset]:
    directory = files("timeline.http").joinpath("assets")
    return {each.name: _read(each.name, each.read_bytes()) for each in directory.iterdir()}


def _read(name: str, body: bytes) -> Asset:
    media_type, _ = mimetypes.guess_type(name)
    digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]
    return Asset(body, media_type or "application/octet-stream", digest)
