"""The routes whose answers come in several forms: the timeline, policies, one policy, its history.

Owns which forms each route has, and how one is chosen. Must not know how any is written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import HttpMethod, Response, route
from litestar.params import FromPath
from litestar.response import Stream

from timeline.application.errors import PolicyMoved
from timeline.application.moments import Answer
from timeline.application.queries import (
    MAX_LIMIT,
    HistoryQuery,
    PoliciesQuery,
    PolicyQuery,
    Query,
    TimelineQuery,
)
from timeline.application.reading import Reader
from timeline.formats import atom, csv, ics, jsonfeed, jsonld, ndjson, prov, timelinejs
from timeline.formats.links import Links
from timeline.http.parameters import following, pairs, parse
from timeline.http.reading import (
    BY_ACCEPT,
    POLICY,
    READ,
    Written,
    answer,
    headers_of,
    known_form,
    made_ahead,
    moved_on,
    patiently,
)
from timeline.http.replies import (
    JSON,
    REVALIDATE,
    HttpRequest,
    encode,
    etag,
    matches,
    negotiate,
)
from timeline.http.requests import hold
from timeline.http.service import service_of

Document = dict[str, Any]
Asked = TypeVar("Asked", bound=Query)
Paged = TypeVar("Paged", TimelineQuery, PoliciesQuery)


class Series(NamedTuple):
    """A form in which all pages can follow each other: a head, rows page by page, and a tail."""

    rows: Callable[[list[Document], Links], bytes]
    head: Callable[[Document, Links], bytes] = lambda _document, _links: b""
    tail: bytes = b""

    def page(self, document: Document, links: Links) -> bytes:
        """Return one page, whole in itself."""
        return self.head(document, links) + self.rows(document["items"], links) + self.tail


class Form(NamedTuple):
    """One form of a route's answers.

    Args:
        media_type: what it is.
        ask: puts the question to the reader.
        write: makes bytes of the answer.
        series: how all pages follow each other: then the whole rest is streamed, unless a page is
            asked for.
        filename: what it is called where it is saved.

    """

    media_type: str
    ask: Callable[..., Answer]
    write: Callable[[Document, Links], bytes]
    series: Series | None = None
    filename: str | None = None


def _as_json(document: Document, _: Links) -> bytes:
    return encode(document)


_LINES: Final = Series(lambda items, _: ndjson.lines(items))
_CALENDAR: Final = Series(ics.rows, ics.head, ics.TAIL)


def _table(columns: Sequence[tuple[str, csv.Cell]]) -> Series:
    return Series(lambda items, _: csv.rows(columns, items), lambda *_: csv.head(columns))


def _whole(
    media_type: str, ask: Callable[..., Answer], series: Series, filename: str | None = None
) -> Form:
    return Form(media_type, ask, series.page, series, filename)


def _still_told(document: Document, links: Links) -> bytes:
    items = [item for item in document["items"] if not item["gone"]]
    return timelinejs.actions({**document, "items": items}, links)


def _plain_history(document: Document, links: Links) -> bytes:
    # Its events hold data as the bytes that were sent.
    return prov.history(msgspec.json.decode(encode(document)), links)


TIMELINE: Final[Mapping[str, Form]] = {
    "json": Form(JSON, Reader.timeline, _as_json),
    "ndjson": _whole(ndjson.MEDIA_TYPE, Reader.timeline, _LINES),
    "csv": _whole(csv.MEDIA_TYPE, Reader.timeline, _table(csv.ACTIONS), "timeline.csv"),
    "atom": Form(atom.MEDIA_TYPE, Reader.timeline_feed, atom.feed),
    "jsonfeed": Form(jsonfeed.MEDIA_TYPE, Reader.timeline_feed, jsonfeed.feed),
    "ics": _whole(ics.MEDIA_TYPE, Reader.timeline_calendar, _CALENDAR, "timeline.ics"),
    "timelinejs": Form(timelinejs.MEDIA_TYPE, Reader.timeline_with_periods, timelinejs.actions),
    "jsonld": Form(jsonld.MEDIA_TYPE, Reader.timeline, jsonld.actions),
}

POLICIES: Final[Mapping[str, Form]] = {
    "json": Form(JSON, Reader.policies, _as_json),
    "ndjson": _whole(ndjson.MEDIA_TYPE, Reader.policies, _LINES),
    "csv": _whole(csv.MEDIA_TYPE, Reader.policies, _table(csv.POLICIES), "policies.csv"),
    "atom": Form(atom.MEDIA_TYPE, Reader.policies_feed, atom.feed),
    "jsonfeed": Form(jsonfeed.MEDIA_TYPE, Reader.policies_feed, jsonfeed.feed),
    "ics": _whole(ics.MEDIA_TYPE, Reader.policies_calendar, _CALENDAR, "policies.ics"),
    "timelinejs": Form(timelinejs.MEDIA_TYPE, Reader.policies_calendar, _still_told),
    "jsonld": Form(jsonld.MEDIA_TYPE, Reader.policies, jsonld.policies),
}

ONE_POLICY: Final[Mapping[str, Form]] = {
    "json": Form(JSON, Reader.policy, _as_json),
    "ics": Form(ics.MEDIA_TYPE, Reader.policy_calendar, _CALENDAR.page, filename="policy.ics"),
    "timelinejs": Form(timelinejs.MEDIA_TYPE, Reader.policy, timelinejs.policy),
    "jsonld": Form(jsonld.MEDIA_TYPE, Reader.policy, jsonld.policy),
}

HISTORY: Final[Mapping[str, Form]] = {
    "json": Form(JSON, Reader.history, _as_json),
    "atom": Form(atom.MEDIA_TYPE, Reader.history_feed, atom.feed),
    "jsonfeed": Form(jsonfeed.MEDIA_TYPE, Reader.history_feed, jsonfeed.feed),
    "prov": Form(prov.MEDIA_TYPE, Reader.history, _plain_history),
}


@route("/v1/timeline", http_method=READ, status_code=200)
async def timeline(request: HttpRequest) -> Response[bytes] | Stream:
    """Answer the actions as the record believes them, by date."""
    return await _listed(request, TimelineQuery, TIMELINE)


@route("/v1/policies", http_method=READ, status_code=200)
async def policies(request: HttpRequest) -> Response[bytes] | Stream:
    """Answer the policies with their three axes."""
    return await _listed(request, PoliciesQuery, POLICIES)


@route("/v1/policies/{policy:str}", http_method=READ, status_code=200)
async def policy(request: HttpRequest, policy: FromPath[str]) -> Response[bytes]:
    """Answer one policy."""
    form = chosen(request, ONE_POLICY)
    return await _written(request, PolicyQuery, form, partial(_about, request, policy, form))


@route("/v1/policies/{policy:str}/history", http_method=READ, status_code=200)
async def history(request: HttpRequest, policy: FromPath[str]) -> Response[bytes]:
    """Answer a policy's replay."""
    form = chosen(request, HISTORY)
    return await _written(request, HistoryQuery, form, partial(_about, request, policy, form))


def _about(request: HttpRequest, policy: str, form: Form, reader: Reader, query: Query) -> Answer:
    return form.ask(
        reader, known_form(POLICY, "policy", "policy", policy, service_of(request)), query
    )


def chosen(request: HttpRequest, forms: Mapping[str, Form]) -> Form:
    """Return the form that is asked for: by `format`, else by the header `Accept`.

    Raises:
        NotAcceptable: the client takes none of them.

    """
    query_string = request.scope["query_string"]
    if b"format" in query_string:
        for name, value in pairs(query_string):
            # Any other value is refused where the question is read.
            if name == "format" and value in forms:
                return forms[value]
    by_type = {form.media_type: form for form in forms.values()}
    return by_type[negotiate(request.headers.get("accept"), list(by_type))]


async def _listed(
    request: HttpRequest, kind: type[Paged], forms: Mapping[str, Form]
) -> Response[bytes] | Stream:
    """Answer a page, or stream the whole rest."""
    form = chosen(request, forms)
    if form.series is None or _asks_for_a_page(request):
        return await _written(request, kind, form, form.ask)
    return await _streamed(request, kind, form, form.series)


def _asks_for_a_page(request: HttpRequest) -> bool:
    return any(name in {"cursor", "limit"} for name, _ in pairs(request.scope["query_string"]))


async def _written(
    request: HttpRequest, kind: type[Asked], form: Form, ask: Callable[[Reader, Asked], Answer]
) -> Response[bytes]:
    def write(document: Document) -> bytes:
        return form.write(document, links(request, document.get("next")))

    written = Written(form.media_type, write)
    return await answer(request, kind, ask, headers=_headers(form), written=written)


def _headers(form: Form) -> dict[str, str]:
    if form.filename is None:
        return BY_ACCEPT
    return {**BY_ACCEPT, "Content-Disposition": f'inline; filename="{form.filename}"'}


_OF_A_PAGE: Final = frozenset({"cursor", "limit", "format"})
"""Parameters that leave what is asked about as it is."""


def links(request: HttpRequest, more: str | None) -> Links:
    """Return the addresses that an answer carries."""
    path, query_string = request.scope["path"], request.scope["query_string"]
    given = pairs(query_string)
    asked = [(name, value) for name, value in given if name not in _OF_A_PAGE]
    settings = service_of(request).application.settings
    return Links(
        base=settings.public_url,
        origin=settings.log_origin,
        own=_with_query(path, query_string.decode()),
        first=_with_query(path, urlencode([pair for pair in given if pair[0] != "cursor"])),
        next=None if more is None else following(path, query_string, more),
        subject=_with_query(path, urlencode(sorted(asked))),
    )


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


# The whole rest


async def _streamed(
    request: HttpRequest, kind: type[Paged], form: Form, series: Series
) -> Response[bytes] | Stream:
    service = service_of(request)
    await service.authorise_read(request.scope)
    query = msgspec.structs.replace(parse(request.scope["query_string"], kind), limit=MAX_LIMIT)
    await service.until_reflected(request)
    before = service.position
    try:
        first = await patiently(service, partial(form.ask, service.application.reader, query))
    except PolicyMoved as moved:
        return moved_on(request, moved)
    parts = _parts(
        series, partial(form.ask, service.application.reader), query, first, links(request, None)
    )
    begin = await service.reads.run(next, parts)
    # Weak, because an erasure may overtake a stream that has begun.
    asked = b"%d %d %b\n" % (before, first.position, request.scope["query_string"])
    tag = f"W/{etag(asked + begin)}"
    told = headers_of(request, first)
    told.pop("Link", None)
    headers = {"ETag": tag, "Cache-Control": REVALIDATE, **told, **_headers(form)}
    if matches(request.headers.get("if-none-match"), tag):
        return Response(b"", status_code=304, headers=headers)
    if request.method == HttpMethod.HEAD:
        return Response(b"", media_type=form.media_type, headers=headers)
    hold(request.scope, service.streams.taken())
    return Stream(
        made_ahead(service, _after(begin, parts)), media_type=form.media_type, headers=headers
    )


def _parts(
    series: Series,
    ask: Callable[[Paged], Answer],
    query: Paged,
    first: Answer,
    links: Links,
) -> Iterator[bytes]:
    """Yield all pages from the first one on; each cursor pins both clocks."""
    page = first.document
    yield series.head(page, links) + series.rows(page["items"], links)
    while (more := page["next"]) is not None:
        page = ask(msgspec.structs.replace(query, cursor=more)).document
        yield series.rows(page["items"], links)
    yield series.tail


def _after(begin: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    yield begin
    yield from parts


HANDLERS: Final = (timeline, policies, policy, history)
