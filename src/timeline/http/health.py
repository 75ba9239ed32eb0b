"""`/health/live` and `/health/ready`: whether to restart the process, and whether to send it work.

Owns what ready means. Must not ask for a token: probes have none.
"""

from typing import Final

from litestar import Response, route

from timeline.application.queries import Query
from timeline.eventstore.errors import EventStoreError
from timeline.eventstore.schema import check_schema
from timeline.http.errors import NotReady
from timeline.http.parameters import parse
from timeline.http.reading import READ
from timeline.http.replies import JSON, HttpRequest, encode, negotiate
from timeline.http.service import Service, service_of

READY_TIMEOUT_S: Final = 2.0
"""How long the read models may take to the log's head as it stood: a probe waits some four."""

_HEADERS: Final = {"Cache-Control": "no-store"}


@route("/health/live", http_method=READ, status_code=200)
async def live(request: HttpRequest) -> Response[bytes]:
    """Answer that the process runs."""
    negotiate(request.headers.get("accept"), [JSON])
    parse(request.scope["query_string"], Query)
    return Response(encode({"status": "live"}), media_type=JSON, headers=_HEADERS)


@route("/health/ready", http_method=READ, status_code=200)
async def ready(request: HttpRequest) -> Response[bytes]:
    """Answer whether this process can serve: database, schema and read models."""
    negotiate(request.headers.get("accept"), [JSON])
    parse(request.scope["query_string"], Query)
    service = service_of(request)
    head = await service.reads.run(_head_of_right_schema, service)
    error = service.application.follower.error
    reached = await service.reaches(head, READY_TIMEOUT_S)
    positions = service.openly(position=head, reflected=service.position)
    if error is not None and not reached:
        raise NotReady(reason="the read models do not follow the log")
    if not reached:
        raise NotReady(reason="the read models lag behind the log", **positions)
    document = {"status": "ready", **positions}
    return Response(encode(document), media_type=JSON, headers=_HEADERS)


def _head_of_right_schema(service: Service) -> int:
    application = service.application
    if not service.database_is_there():
        raise NotReady(reason="the database's file is gone, or another is in its place")
    try:
        check_schema(application.engine)
        return application.store.head().position
    except EventStoreError as error:
        raise NotReady(reason=str(error).rstrip(".")) from error


HANDLERS: Final = (live, ready)
