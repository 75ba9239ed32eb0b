"""The log as files that anyone can mirror and check (C2SP tlog-tiles), and proofs by themselves.

Owns the way from a request to these bytes and how long they may be kept. Must not know how a proof
is made.
"""

import gzip
from collections.abc import Callable
from typing import Final, TypeVar

from litestar import Response, route

from timeline.application.proving import Prover
from timeline.application.queries import ConsistencyQuery, InclusionQuery, Query
from timeline.http.parameters import parse
from timeline.http.reading import READ, answer
from timeline.http.replies import OCTETS, PLAIN, HttpRequest, negotiate, reply, takes_gzip
from timeline.http.service import service_of
from timeline.transparency.tiles import Tile

FOR_EVER: Final = "public, max-age=31536000, immutable"
"""For what never changes; a year is what caches take for "for ever"."""

A_WHILE: Final = "public, max-age=3600"
"""For a tile that is not full: its bytes never change, but soon nobody asks for it any more."""

_TILES: Final = "/log/tile/"

_GZIP_LEVEL: Final = 6
"""1.4 ms of a processor for a bundle of 76 KB; the highest takes three times that to save 2 % more."""

Found = TypeVar("Found")


async def _found(request: HttpRequest, media_type: str, find: Callable[[Prover], Found]) -> Found:
    """Ask the prover, in a worker thread, for what has no parameters."""
    negotiate(request.headers.get("accept"), [media_type])
    service = service_of(request)
    await service.authorise_read(request.scope)
    parse(request.scope["query_string"], Query)
    return await service.reads.run(find, service.application.prover)


@route("/log/checkpoint", http_method=READ, status_code=200)
async def checkpoint(request: HttpRequest) -> Response[bytes]:
    """Answer the newest checkpoint, with the cosignatures of witnesses."""
    latest = await _found(request, PLAIN, Prover.checkpoint)
    return reply(bytes(latest.cosigned), PLAIN)


@route("/log/vkey", http_method=READ, status_code=200)
async def verifier_keys(request: HttpRequest) -> Response[bytes]:
    """Answer the keys that check the newest checkpoint, one a line."""
    keys = await _found(request, PLAIN, Prover.keys)
    return reply("".join(f"{key}\n" for key in keys).encode(), PLAIN)


@route(f"{_TILES}{{tile:path}}", http_method=READ, status_code=200)
async def tile(request: HttpRequest) -> Response[bytes]:
    """Answer a tile of hashes, or a bundle of entries."""
    # As it was sent: Litestar's own parameter would take several paths for one.
    path = request.scope["path"].removeprefix(_TILES)
    zips = takes_gzip(request.headers.get("accept-encoding"))
    found, body, coding = await _found(
        request, OCTETS, lambda prover: _in_coding(*prover.tile(path), zips=zips)
    )
    headers = {"Cache-Control": FOR_EVER if found.is_full else A_WHILE}
    if found.level is None:
        headers["Vary"] = "Accept-Encoding"
    return reply(body, OCTETS, headers, coding=coding)


def _in_coding(found: Tile, body: bytes, *, zips: bool) -> tuple[Tile, bytes, str | None]:
    """Zip a bundle of entries, which then takes a third; hashes are as good as random."""
    if found.level is not None or not zips:
        return found, body, None
    return found, gzip.compress(body, _GZIP_LEVEL, mtime=0), "gzip"


@route("/v1/audit/proof/inclusion", http_method=READ, status_code=200)
async def inclusion(request: HttpRequest) -> Response[bytes]:
    """Answer the proof that an entry is in the log."""
    prover = service_of(request).application.prover
    return await answer(
        request, InclusionQuery, lambda _, query: prover.inclusion(query), of_log=True
    )


@route("/v1/audit/proof/consistency", http_method=READ, status_code=200)
async def consistency(request: HttpRequest) -> Response[bytes]:
    """Answer the proof that the log only grew."""
    prover = service_of(request).application.prover
    return await answer(
        request, ConsistencyQuery, lambda _, query: prover.consistency(query), of_log=True
    )


HANDLERS: Final = (checkpoint, verifier_keys, tile, inclusion, consistency)
