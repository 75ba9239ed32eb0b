"""The routes that read: the log, what surveys the record, and the vocabulary.

Owns the way from a request to an answer's bytes and headers. Must not know how answers are made.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from litestar import HttpMethod, Response, route
from litestar.params import FromPath
from litestar.response import Stream
from litestar.types import ASGIApp

from timeline.application.changes import changes
from timeline.application.errors import (
    InvalidRequest,
    NotYetReflected,
    PolicyMoved,
    UnknownResource,
)
from timeline.application.log_reading import event_filter, within_log
from timeline.application.moments import Answer
from timeline.application.queries import (
    ChangesQuery,
    EventQuery,
    EventsQuery,
    GraphQuery,
    JurisdictionsQuery,
    PictureQuery,
    Query,
    ReviewQuery,
)
from timeline.application.reading import Reader
from timeline.application.vocabulary import vocabulary
from timeline.domain.events import SLUG_PATTERN, UUID_PATTERN
from timeline.eventstore.model import Head
from timeline.http.following import Following, headers_at
from timeline.http.parameters import following, pairs, parse, renamed
from timeline.http.problems import respond, shown
from timeline.http.replies import (
    EVENT_STREAM,
    JSON,
    NDJSON,
    REVALIDATE,
    HttpRequest,
    Reply,
    encode,
    etag,
    matches,
    negotiate,
    represent,
)
from timeline.http.requests import exchange, hold
from timeline.http.service import REFLECT_TIMEOUT_S, Service, position_in, service_of

READ: Final = [HttpMethod.GET, HttpMethod.HEAD]

POLICY: Final = re.compile(SLUG_PATTERN)
_EVENT: Final = re.compile(UUID_PATTERN)
_LONGEST_POLICY: Final = 128

Asked = TypeVar("Asked", bound=Query)
Made = TypeVar("Made")


class Written(NamedTuple):
    """How answers to a question are written: as what, and by what."""

    media_type: str
    write: Callable[[dict[str, Any]], bytes]


async def answer(
    request: HttpRequest,
    kind: type[Asked],
    ask: Callable[[Reader, Asked], Answer],
    *,
    of_log: bool = False,
    headers: Mapping[str, str] | None = None,
    written: Written | None = None,
) -> Response[bytes]:
    """Answer a question.

    Args:
        request: what was asked.
        kind: the question's struct.
        ask: puts it to the reader, in a worker thread.
        of_log: the log itself answers, so that no read model has to be waited for, and the answer
            is not kept.
        headers: what the answer carries besides.
        written: how the answer is written, where that was negotiated; else it is JSON.

    """
    if written is None:
        negotiate(request.headers.get("accept"), [JSON])
        written = Written(JSON, encode)
    service = service_of(request)
    await service.authorise_read(request.scope)
    query = parse(request.scope["query_string"], kind)
    await (service.until_recorded(request) if of_log else service.until_reflected(request))
    before = service.standing()
    try:
        found, body = await patiently(service, partial(_answered, service, ask, written, query))
    except PolicyMoved as moved:
        return moved_on(request, moved)
    all_headers = {**headers_of(request, found), **(headers or {})}
    route = request.scope["path_template"]
    representation = represent(body, written.media_type, all_headers, route=route)
    if not of_log:
        service.keep(request.scope, representation, found.position, before)
    return Reply(representation)


async def patiently(service: Service, make: Callable[[], Made]) -> Made:
    """Make an answer, once more where the read models have yet to reach what it is about."""
    try:
        return await service.reads.run(make)
    except NotYetReflected as behind:
        if not await service.reaches(behind.wanted, REFLECT_TIMEOUT_S):
            raise
    return await service.reads.run(make)


def _answered(
    service: Service, ask: Callable[[Reader, Asked], Answer], written: Written, query: Asked
) -> tuple[Answer, bytes]:
    found = ask(service.application.reader, query)
    return found, written.write(found.document)


def headers_of(request: HttpRequest, found: Answer) -> dict[str, str]:
    """Return what an answer's headers repeat of it: both clocks, and where it goes on."""
    told = {"Timeline-Position": str(found.position)}
    for name, field in CLOCKS.items():
        if found.document.get(field) is not None:
            told[name] = str(found.document[field])
    more = found.document.get("next")
    if more is not None:
        address = following(request.scope["path"], request.scope["query_string"], more)
        told["Link"] = f'<{address}>; rel="next"'
    return told


CLOCKS: Final = {"Timeline-As-Of": "as_of", "Timeline-Known-At": "known_at"}
"""The headers that repeat both clocks, for forms that have no place for them."""


def moved_on(request: HttpRequest, moved: PolicyMoved) -> Response[bytes]:
    """Answer where a policy is found that was merged into another."""
    return respond(request, moved, {"Location": _location_of_survivor(request, moved)})


POLICY_SEGMENT: Final = 3
"""Where the policy stands in `/v1/policies/{policy}…`."""


def _location_of_survivor(request: HttpRequest, moved: PolicyMoved) -> str:
    """Return the address that answers: the same one, of the survivor."""
    path, query = request.scope["path"], request.scope["query_string"]
    merged = str(moved.facts["policy"])
    if request.path_params.get("policy") != merged:
        return renamed(path, query, moved.field, moved.survivor)
    parts = path.split("/")
    parts[POLICY_SEGMENT] = moved.survivor
    location = "/".join(parts)
    return f"{location}?{query.decode()}" if query else location


def known_form(pattern: "re.Pattern[str]", kind: str, field: str, id: str, service: Service) -> str:
    """Return an id of the right form; nothing else can be in the record, so nobody is asked."""
    if pattern.match(id) is None or len(id) > _LONGEST_POLICY:
        raise UnknownResource(kind=kind, id=shown(id), position=service.position, field=field)
    return id


# The log


BY_ACCEPT: Final = {"Vary": "Accept"}


@route("/v1/events", http_method=READ, status_code=200)
async def events(request: HttpRequest) -> ASGIApp:
    """Answer a page of the log, stream the whole rest of it, or go on with what comes."""
    media_type = negotiate(request.headers.get("accept"), [JSON, NDJSON, EVENT_STREAM])
    if media_type == JSON:
        page = await answer(request, EventsQuery, Reader.events, of_log=True, headers=BY_ACCEPT)
        return page.to_asgi_response(app=None, request=request)
    service = service_of(request)
    await service.authorise_read(request.scope)
    query = _whole(request)
    await service.until_recorded(request)
    if media_type == NDJSON:
        found = await _stream(request, service, query)
        return found.to_asgi_response(app=None, request=request)
    return await _follow(request, service, query)


def _whole(request: HttpRequest) -> EventsQuery:
    """Return what a stream is asked for; raises InvalidRequest where it is a page."""
    query_string = request.scope["query_string"]
    query = parse(query_string, EventsQuery)
    for name, _ in pairs(query_string):
        if name in {"limit", "cursor"}:
            reason = "A stream holds the whole rest; pages go with `Accept: application/json`"
            raise InvalidRequest(field=name, reason=reason)
    return query


async def _follow(request: HttpRequest, service: Service, query: EventsQuery) -> ASGIApp:
    """Go on with what comes; where a client comes back, after what it had."""
    after, said = query.after, "after"
    last = request.headers.get("last-event-id", "")
    if last:
        after, said = position_in(last, "Last-Event-ID"), "Last-Event-ID"
    head = (await service.reads.run(service.application.store.head)).position
    within_log(after, head, said)
    if request.method == HttpMethod.HEAD:
        empty = Response(b"", headers=dict(headers_at(head)))
        return empty.to_asgi_response(app=None, request=request)
    exchange(request.scope, service.live.slots.taken())
    return Following(service.live, event_filter(query), after, head)


async def _stream(
    request: HttpRequest, service: Service, query: EventsQuery
) -> Response[bytes] | Stream:
    query_string = request.scope["query_string"]
    head, parts = await service.reads.run(service.application.reader.rest, query)
    tag = _stream_tag(head, query_string)
    headers = {
        "ETag": tag,
        "Cache-Control": REVALIDATE,
        "Timeline-Position": str(head.position),
        **BY_ACCEPT,
    }
    if matches(request.headers.get("if-none-match"), tag):
        return Response(b"", status_code=304, headers=headers)
    if request.method == HttpMethod.HEAD:
        return Response(b"", media_type=NDJSON, headers=headers)
    hold(request.scope, service.streams.taken())
    return Stream(made_ahead(service, parts), media_type=NDJSON, headers=headers)


def _stream_tag(head: Head, query_string: bytes) -> str:
    """Return a weak validator: the same question at the same root hash has the same answer.

    It is weak because an erasure may overtake a stream that has begun.
    """
    return "W/" + etag(head.frontier.root() + head.position.to_bytes(8) + query_string)


async def made_ahead(service: Service, parts: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield parts that are made in a worker thread, the next one while one is being sent."""

    def begin() -> asyncio.Task[bytes | None]:
        return asyncio.create_task(service.reads.run(next, parts, None))

    coming = begin()
    try:
        while (part := await coming) is not None:
            coming = begin()
            yield part
    finally:
        # Whoever left early leaves the next part, or why there is none, to nobody.
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


@route("/v1/events/{id:str}", http_method=READ, status_code=200)
async def event(request: HttpRequest, id: FromPath[str]) -> Response[bytes]:
    """Answer one event."""
    service = service_of(request)

    def ask(reader: Reader, query: EventQuery) -> Answer:
        if query.cosignatures and not query.proof:
            raise InvalidRequest(field="cosignatures", reason="It goes with proof=true")
        found = reader.event(known_form(_EVENT, "event", "id", id, service))
        if query.proof:
            prover = service.application.prover
            found.document.update(prover.opening(found.document["position"], query.cosignatures))
        return found

    return await answer(request, EventQuery, ask, of_log=True)


# The read models


@route("/v1/picture", http_method=READ, status_code=200)
async def picture(request: HttpRequest) -> Response[bytes]:
    """Answer a picture of the timeline."""
    return await answer(request, PictureQuery, Reader.picture)


@route("/v1/jurisdictions", http_method=READ, status_code=200)
async def jurisdictions(request: HttpRequest) -> Response[bytes]:
    """Answer how many policies each jurisdiction has."""
    return await answer(request, JurisdictionsQuery, Reader.jurisdictions)


@route("/v1/graph", http_method=READ, status_code=200)
async def graph(request: HttpRequest) -> Response[bytes]:
    """Answer the relations around a policy."""
    return await answer(request, GraphQuery, Reader.graph)


@route("/v1/review", http_method=READ, status_code=200)
async def review(request: HttpRequest) -> Response[bytes]:
    """Answer what an editor should look at."""
    return await answer(request, ReviewQuery, Reader.review)


@route("/v1/changes", http_method=READ, status_code=200)
async def changed(request: HttpRequest) -> Response[bytes]:
    """Answer what the record learned between two moments."""
    return await answer(request, ChangesQuery, changes)


@route("/v1/vocabulary", http_method=READ, status_code=200)
async def words(request: HttpRequest) -> Response[bytes]:
    """Answer the vocabulary."""
    service = service_of(request)
    return await answer(
        request, Query, lambda _reader, _query: Answer(vocabulary(), service.position)
    )


HANDLERS: Final = (events, event, picture, jurisdictions, graph, review, changed, words)
