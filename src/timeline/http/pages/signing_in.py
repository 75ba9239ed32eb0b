"""Signing in to a record that is not public, by a token, and out again.

Owns the form and the way back to the page that was asked for. The token goes into a cookie
(`timeline.http.cookies`) that counts for reading alone.
"""

from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlsplit

from litestar import HttpMethod, Response, post, route
from msgspec import Meta

from timeline.application.access import Role
from timeline.application.errors import InvalidRequest, NotAllowed, TokenMissing, TokenUnknown
from timeline.application.queries import Query
from timeline.http import cookies
from timeline.http.bodies import read_body
from timeline.http.errors import HttpError, UnsupportedMediaType
from timeline.http.pages.asking import PAGE_HEADERS, refused
from timeline.http.pages.rendering import render
from timeline.http.parameters import parse
from timeline.http.reading import READ
from timeline.http.replies import FORM, HTML, HttpRequest
from timeline.http.requests import header
from timeline.http.service import service_of

MAX_FORM_BYTES: Final = 8 * 1024
"""A token, and the address to go back to: browsers send no longer ones."""

_MAX_FIELDS: Final = 10
_PATH: Final = "/sign-in"


class SignInQuery(Query, frozen=True, kw_only=True):
    """`GET /sign-in`."""

    then: Annotated[
        Annotated[str, Meta(max_length=2_000)] | None,
        Meta(description="The page to go on to, an address of this service."),
    ] = None


@route(_PATH, http_method=[HttpMethod.OPTIONS], status_code=204)
async def options() -> Response[None]:
    """Answer which methods there are; Litestar's own answer knows those of one handler alone."""
    return Response(None, headers={"Allow": "GET, HEAD, OPTIONS, POST"})


@route(_PATH, http_method=READ, status_code=200)
async def sign_in_form(request: HttpRequest) -> Response[bytes]:
    """Answer the form."""
    query = parse(request.scope["query_string"], SignInQuery)
    return _form(request, HTTPStatus.OK, within(query.then), None)


@post(_PATH, status_code=303, request_max_body_size=None)
async def sign_in(request: HttpRequest) -> Response[bytes]:
    """Have the browser keep a token that is known, and go on."""
    service = service_of(request)
    try:
        fields = await _fields(request)
    except (HttpError, InvalidRequest) as error:
        return refused(request, error)
    then = within(fields.get("then"))
    token = fields.get("token", "").strip()
    try:
        known = token if cookies.TOKEN.fullmatch(token) else None
        (await service.recognised(known, service.reads)).require(Role.READER)
    except (TokenMissing, TokenUnknown, NotAllowed):
        return _form(request, HTTPStatus.UNAUTHORIZED, then, "Nobody has this token.")
    return _on(then, cookies.kept(request.scope, token))


@post("/sign-out", status_code=303, request_max_body_size=None)
async def sign_out(request: HttpRequest) -> Response[bytes]:
    """Have the browser forget its token."""
    try:
        _require_own_page(request)
    except InvalidRequest as error:
        return refused(request, error)
    return _on(_PATH, cookies.forgotten(request.scope))


def within(then: str | None) -> str:
    """Return the address to go on to, where it is one of this service; else its first page."""
    address = then or "/"
    plain = address.isprintable() and address.isascii() and "\\" not in address
    if not plain or not address.startswith("/") or address.startswith("//"):
        return "/"
    parts = urlsplit(address)
    return address if not parts.scheme and not parts.netloc else "/"


async def _fields(request: HttpRequest) -> dict[str, str]:
    parse(request.scope["query_string"], Query)
    _require_own_page(request)
    given = header(request.scope, b"content-type") or ""
    if given.partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMediaType(expected=FORM, given=given[:100] or "not said")
    body = await read_body(
        request.scope, request.receive, service_of(request).patience, MAX_FORM_BYTES
    )
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=_MAX_FIELDS, errors="strict"))
    except ValueError as error:
        raise InvalidRequest(field="body", reason="The form cannot be read") from error


def _require_own_page(request: HttpRequest) -> None:
    """Refuse what a page of another site sends; browsers say where a request comes from.

    They leave Sec-Fetch-Site out where they reach the service by plain HTTP, and say the origin alone.
    What says neither is a program: it sends no cookie but its own, and the token is in its form.
    """
    site = header(request.scope, b"sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise InvalidRequest(field="Sec-Fetch-Site", reason="This comes from another site")
        return
    origin = header(request.scope, b"origin")
    public_url = service_of(request).application.settings.public_url
    if origin is not None and not cookies.is_own(request.scope, origin, public_url):
        reason = "This comes from another site, unless TIMELINE_PUBLIC_URL says so"
        raise InvalidRequest(field="Origin", reason=reason)


def _form(
    request: HttpRequest, status: HTTPStatus, then: str, wrong: str | None
) -> Response[bytes]:
    service = service_of(request)
    values: dict[str, Any] = {
        "then": then,
        "wrong": wrong,
        "public": service.application.settings.public_read,
    }
    headers = {**PAGE_HEADERS, "Cache-Control": "no-store"}
    body = render("sign_in.html", **values)
    return Response(body, status_code=status, media_type=HTML, headers=headers)


def _on(location: str, cookie: str) -> Response[bytes]:
    headers = {"Location": location, "Set-Cookie": cookie, "Cache-Control": "no-store"}
    return Response(b"", status_code=HTTPStatus.SEE_OTHER, headers=headers)


HANDLERS: Final = (options, sign_in_form, sign_in, sign_out)
