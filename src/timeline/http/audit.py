"""`GET /v1/audit/replay`: the read models recomputed from the log alone, while a client waits.

Owns how much of that an answer is given time for. Must not know how rows come about.
"""

import time
from functools import partial
from typing import Final

import msgspec
from litestar import Response, route

from timeline.application.errors import NotYetReflected, ReplayTooLong
from timeline.application.queries import ReplayQuery
from timeline.application.replay import Replay, replay
from timeline.http.parameters import parse
from timeline.http.reading import READ
from timeline.http.replies import JSON, HttpRequest, encode, negotiate, reply
from timeline.http.service import REFLECT_TIMEOUT_S, Service, service_of
from timeline.projections.models import MODELS

MAX_REPLAY_EVENTS: Final = 20_000
"""Events of one replay: some five seconds' work, in which other requests share the process."""

REPLAY_TIMEOUT_S: Final = 30.0
"""How long a replay may take, on a machine that is slow or busy: clients wait no longer."""

_PAUSE_S: Final = 0.02


@route("/v1/audit/replay", http_method=READ, status_code=200)
async def replayed(request: HttpRequest) -> Response[bytes]:
    """Answer whether the read models are what the log gives."""
    negotiate(request.headers.get("accept"), [JSON])
    service = service_of(request)
    await service.authorise_read(request.scope)
    query = parse(request.scope["query_string"], ReplayQuery)
    await service.until_reflected(request)
    with service.replaying.taken():
        found = await service.replays.run(_replay, service, query.position)
    headers = {"Timeline-Position": str(found.position)}
    return reply(encode(msgspec.to_builtins(found)), JSON, headers)


def _replay(service: Service, asked: int | None) -> Replay:
    application = service.application
    position = _reflected(service) if asked is None else asked
    too_long = ReplayTooLong(position=position, limit=MAX_REPLAY_EVENTS)
    if position > MAX_REPLAY_EVENTS:
        raise too_long
    deadline = time.monotonic() + REPLAY_TIMEOUT_S

    def on_progress(_reached: int, _until: int) -> None:
        if time.monotonic() > deadline:
            raise too_long

    return replay(
        application.engine,
        application.store,
        MODELS,
        until=position,
        field="position",
        settle=partial(_until_reflected, service),
        on_progress=on_progress,
    )


def _until_reflected(service: Service, position: int) -> None:
    """Wait until whoever advances the read models has brought them to a position."""
    deadline = time.monotonic() + REFLECT_TIMEOUT_S
    while _reflected(service) < position:
        if time.monotonic() > deadline:
            raise NotYetReflected(position=service.position, wanted=position, field="")
        time.sleep(_PAUSE_S)


def _reflected(service: Service) -> int:
    with service.application.reader.snapshot() as live:
        return live.position


HANDLERS: Final = (replayed,)
