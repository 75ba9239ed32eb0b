"""`POST /v1/events`: one event, a batch, or a stream of lines.

Owns the reading of bodies within their bounds, and the answers, those to trials included. Must not judge events.
"""

from typing import Final

import msgspec
from litestar import HttpMethod, Response, post, route
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import UNSET, UnsetType

from timeline.application.access import Role
from timeline.application.errors import InvalidRequest
from timeline.application.queries import RecordQuery
from timeline.application.trial import Tried, require_dry_run
from timeline.eventstore.model import Outcome, Receipt
from timeline.http.bodies import media_type, read_body
from timeline.http.lines import LineUpload
from timeline.http.parameters import parse
from timeline.http.replies import JSON, NDJSON, HttpRequest, encode, negotiate
from timeline.http.requests import header, hold
from timeline.http.service import Service, service_of

SHORT_BYTES: Final = 8 * 1024
"""A body that is read at once, within a fraction of a millisecond; others meanwhile wait for longer
ones to be read in a thread."""


PATH: Final = "/v1/events"


class Recording:
    """An ASGI application that records what one request brings."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record it, and answer."""
        await (await self._record(scope, receive))(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive) -> ASGIApp:
        """Record an event or a batch, and return the answer; or what records a stream of lines."""
        service = self._service
        principal = await service.principal(scope, Role.RECORDER)
        query = parse(scope["query_string"], RecordQuery)
        require_dry_run(query)
        lines = media_type(scope) == NDJSON
        if query.wait is not None:
            await _require_proofs(service, judged=query.dry_run, lines=lines)
        accept = header(scope, b"accept")
        if lines:
            if query.dry_run:
                reason = "Lines are not tried; an event or a batch is, as `application/json`"
                raise InvalidRequest(field="dry_run", reason=reason)
            negotiate(accept, [NDJSON])
            hold(scope, service.uploads.taken())
            hold(scope, service.bodies.taken())
            return LineUpload(scope, service, principal)
        negotiate(accept, [JSON])
        with service.bodies.taken():
            limit_bytes = service.application.settings.max_body_bytes
            body = await read_body(scope, receive, service.patience, limit_bytes)
        if query.dry_run:
            attempt = service.application.trials.attempt
            return Answered(await service.trials.run(attempt, body, principal, query))
        recorder = service.application.recorder
        append = (
            recorder.read(body, principal)
            if len(body) <= SHORT_BYTES
            else await service.writes.run(recorder.read, body, principal)
        )
        outcome = await service.append(append)
        service.acknowledge(_last(outcome))
        if query.wait is None:
            return Recorded(outcome)
        return Recorded(outcome, await service.proofs.until(_last(outcome)))


async def _require_proofs(service: Service, *, judged: bool, lines: bool) -> None:
    """Refuse to wait for a proof that will not come."""
    if judged or lines:
        reason = "Only one event, or a batch, that is recorded can be waited for"
        raise InvalidRequest(field="wait", reason=reason)
    if not await service.proves():
        raise InvalidRequest(field="wait", reason="Nothing signs this log")


@post(PATH, status_code=201, request_max_body_size=None)
async def record(request: HttpRequest) -> ASGIApp:
    """Record an event, a batch or a stream of lines."""
    return Recording(service_of(request))


@route(PATH, http_method=[HttpMethod.OPTIONS], status_code=204)
async def options() -> Response[None]:
    """Answer which methods there are.

    Litestar's own answer knows only those of the handler that is registered first.
    """
    return Response(None, headers={"Allow": "GET, HEAD, OPTIONS, POST"})


HANDLERS: Final = (options, record)
"""The answer to OPTIONS first: a path that has one when it is registered gets no other."""


class Recorded(msgspec.Struct, frozen=True):
    """What became of an append, as it is sent."""

    outcome: Outcome
    checkpoint: str | UnsetType | None = UNSET
    """The checkpoint that was waited for, None where it did not come in time."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        events = self.outcome.events
        document: dict[str, object] = {"events": [_served(receipt) for receipt in events]}
        if self.checkpoint is not UNSET:
            document["checkpoint"] = self.checkpoint
        await _send(
            send,
            201 if self.outcome.created else 200,
            document,
            (b"location", f"{PATH}/{events[0].id}".encode()),
            (b"timeline-position", b"%d" % _last(self.outcome)),
        )


def _last(outcome: Outcome) -> int:
    return max(receipt.position for receipt in outcome.events)


class Answered(msgspec.Struct, frozen=True):
    """What became of a trial, as it is sent."""

    tried: Tried

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        tried = self.tried
        known = not tried.outcome.created
        events = [_served(receipt) for receipt in tried.outcome.events]
        if not known:
            events = [{name: event[name] for name in _FORESEEN} for event in events]
        document = {
            "dry_run": True,
            "known": known,
            "position": tried.position,
            "as_of": tried.as_of,
            "events": events,
            "policies": tried.policies,
            "truncated": ["policies"] if tried.truncated else [],
        }
        await _send(send, 200, document, (b"timeline-position", b"%d" % tried.position))


async def _send(send: Send, status: int, document: object, *headers: tuple[bytes, bytes]) -> None:
    body = encode(document)
    length = (b"content-length", b"%d" % len(body))
    every = [_CONTENT_TYPE, length, _NO_STORE, *headers]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": body, "more_body": False})


_CONTENT_TYPE: Final = (b"content-type", JSON.encode())
_NO_STORE: Final = (b"cache-control", b"no-store")

_FORESEEN: Final = ("id", "policy", "version", "type")
"""What is known of an event before it is recorded; its position is not, as others may come first."""


def _served(receipt: Receipt) -> dict[str, object]:
    served: dict[str, object] = {
        "id": receipt.id,
        "policy": receipt.policy,
        "version": receipt.version,
        "position": receipt.position,
        "recorded_at": receipt.recorded_at,
        "type": str(receipt.type),
    }
    if receipt.erased:
        served["erased"] = True
    return served
