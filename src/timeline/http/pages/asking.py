"""Pages that show what the reader answers: asked as programs ask, or refused in words.

Owns the way from a request to such a page, and what a person sees in the place of a problem. Must
not know what any page shows.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from litestar import Response

from timeline.application.errors import (
    ApplicationError,
    InvalidRequest,
    PolicyGone,
    PolicyMoved,
    TokenMissing,
    TokenUnknown,
)
from timeline.application.moments import Answer
from timeline.application.queries import BothClocks, Query
from timeline.application.reading import Reader
from timeline.domain.events import write_custom
from timeline.eventstore.errors import EventStoreError
from timeline.http.errors import HttpError, NotAcceptable
from timeline.http.pages import places
from timeline.http.pages.rendering import POLICY, render, require_browser
from timeline.http.parameters import following, parse
from timeline.http.problems import PROBLEM_JSON, problem, respond
from timeline.http.reading import patiently
from timeline.http.replies import HTML, JSON, HttpRequest, Reply, negotiate, represent
from timeline.http.requests import raw_path, request_id
from timeline.http.service import Service, service_of

Asked = TypeVar("Asked", bound=Query)

BEHIND: Final = 100
"""How many events have to be missing for a page to say so: an import's, and not those that came
while it was made."""

PAGE_HEADERS: Final = {"Content-Security-Policy": POLICY, "Vary": "Accept"}
"""What a page may load, and that programs may get something else under its address."""

_CLOCKS: Final = ("as_of", "known_at", "known_position")
_OF_PROGRAMS: Final = ("/v1/", "/log/", "/health/", "/metrics", "/assets/")
"""What begins so is no page, whoever asks for it."""

_REFUSED: Final = (ApplicationError, EventStoreError, HttpError)


class Shown(NamedTuple):
    """A page: its template, what stands in it, and the position that it reflects."""

    template: str
    values: dict[str, Any]
    position: int


async def show(
    request: HttpRequest,
    kind: type[Asked],
    make: Callable[[Service, Asked], Shown],
    *,
    of_log: bool = False,
) -> Response[bytes]:
    """Answer with a page.

    Args:
        request: what was asked.
        kind: the question's struct; a field that a form left empty counts as absent.
        make: asks the reader, in a worker thread, where the page is rendered, too.
        of_log: the log itself answers, so that no read model has to be waited for, and the page is
            not kept.

    """
    service = service_of(request)
    try:
        require_browser(request)
        await service.authorise_read(request.scope)
        question = await _question(request, service, kind)
        if isinstance(question, str):
            return _elsewhere(question)
        query, unplaced = question
        await (service.until_recorded(request) if of_log else service.until_reflected(request))
        before = service.standing()
        asked = filled(request.scope["query_string"]).decode("latin-1")
        common = {
            "asked": f"?{asked}" if asked else "",
            "query": plain(query),
            "unplaced": unplaced,
        }
        body, position = await patiently(
            service, lambda: _rendered(service, make(service, query), common, kind)
        )
    except _REFUSED as error:
        return refused(request, error)
    headers = {**PAGE_HEADERS, "Timeline-Position": str(position)}
    if unplaced is not None:
        headers |= {"Cache-Control": "no-store"}
        return Response(body, status_code=HTTPStatus.BAD_REQUEST, media_type=HTML, headers=headers)
    representation = represent(body, HTML, headers, route=request.scope["path_template"])
    if not of_log:
        service.keep(request.scope, representation, position, before)
    return Reply(representation)


async def _question(
    request: HttpRequest, service: Service, kind: type[Asked]
) -> str | tuple[Asked, dict[str, Any] | None]:
    """Return what is asked, and what to ask back; or where a place that was typed by its name is asked for.

    Where the name is not that of one place, the request goes on without it, with all else that was
    asked for.
    """
    given = filled(request.scope["query_string"])
    try:
        return parse(given, kind), None
    except InvalidRequest as error:
        text = places.typed(error, kind, given)
        if text is None:
            raise
    path, rest = raw_path(request.scope), places.without(given, places.FIELD)
    found = await patiently(service, lambda: places.look_up(service, text, path, rest))
    if isinstance(found, str):
        return found
    request.scope["query_string"] = rest.encode("latin-1")
    return parse(filled(request.scope["query_string"]), kind), found


def _rendered(
    service: Service, made: Shown, common: dict[str, Any], kind: type[Query]
) -> tuple[bytes, int]:
    behind = service.application.store.head().position - service.position
    reader = service.application.reader
    values = {
        "places": reader.offered_places() if places.has_places(kind) else [],
        "private": is_private(service),
        "behind": behind if behind >= BEHIND else 0,
        **common,
        **made.values,
    }
    return render(made.template, **values), made.position


def plain(value: object) -> Any:
    """Return a value as a program gets it: text, numbers, lists and dictionaries."""
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=write_custom))


def answered(
    service: Service, query: Asked, ask: Callable[[Reader, Asked], Answer]
) -> dict[str, Any]:
    """Return what the reader answers, as a program gets it."""
    found: dict[str, Any] = plain(ask(service.application.reader, query).document)
    return found


def clocks(query: BothClocks) -> dict[str, Any]:
    """Return the clocks that were asked for, as the parameters that ask for them."""
    asked: dict[str, Any] = plain(query)
    return {name: asked[name] for name in _CLOCKS if asked.get(name) is not None}


def next_address(request: HttpRequest, document: dict[str, Any]) -> str | None:
    """Return the address of the page after this one, None on the last."""
    more = document["next"]
    if more is None:
        return None
    return following(request.scope["path"], filled(request.scope["query_string"]), more)


def filled(query_string: bytes) -> bytes:
    """Return a query string without the fields that a form left empty."""
    return b"&".join(part for part in query_string.split(b"&") if part.partition(b"=")[2])


def is_private(service: Service) -> bool:
    """Tell whether reading needs a token."""
    return not service.application.settings.public_read


def refuse(request: HttpRequest, error: Exception) -> Response[bytes]:
    """Answer an error that reached no page (Litestar's exception handler), in words to a browser."""
    if not raw_path(request.scope).startswith(_OF_PROGRAMS) and _asks_for_page(request):
        return refused(request, error)
    return respond(request, error)


def _asks_for_page(request: HttpRequest) -> bool:
    try:
        wanted = negotiate(request.headers.get("accept"), [PROBLEM_JSON, JSON, HTML])
    except NotAcceptable:
        return False
    return wanted == HTML


def refused(request: HttpRequest, error: Exception) -> Response[bytes]:
    """Answer a problem in words; where a policy was merged, go on to the one that it is part of."""
    service = service_of(request)
    path = raw_path(request.scope)
    if isinstance(error, NotAcceptable):
        return respond(request, error)
    if isinstance(error, PolicyMoved):
        return _elsewhere(_of_survivor(request, error))
    served = problem(error, path=path, request_id=request_id(request.scope))
    values: dict[str, Any] = {
        **served.document,
        "private": is_private(service),
        "gone": str(error.facts["policy"]) if isinstance(error, PolicyGone) else None,
        "field": None,
    }
    if isinstance(error, InvalidRequest):
        values |= _other_filters(request, path, error.field)
    template = "refused.html"
    if isinstance(error, TokenMissing | TokenUnknown):
        template = "sign_in.html"
        query = request.scope["query_string"].decode("latin-1")
        values |= {"then": f"{path}?{query}" if query else path, "wrong": None, "private": False}
    headers = {**PAGE_HEADERS, **served.headers, "Cache-Control": "no-store"}
    return Response(
        render(template, **values), status_code=served.status, media_type=HTML, headers=headers
    )


def _other_filters(request: HttpRequest, path: str, field: str) -> dict[str, Any]:
    """Return the way back to all that was asked for but the field that is refused."""
    given = filled(request.scope["query_string"])
    rest = places.without(given, field)
    if rest == given.decode("latin-1"):
        return {}
    return {"field": field, "back": f"{path}?{rest}" if rest else path}


def _elsewhere(address: str) -> Response[bytes]:
    headers = {"Location": address, "Cache-Control": "no-store"}
    return Response(b"", status_code=HTTPStatus.TEMPORARY_REDIRECT, headers=headers)


def _of_survivor(request: HttpRequest, moved: PolicyMoved) -> str:
    merged = str(moved.facts["policy"])
    parts = request.scope["path"].split("/")
    path = "/".join(moved.survivor if part == merged else part for part in parts)
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path
