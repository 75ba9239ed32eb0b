"""The pages of reference: the API's description and the problem types.

Owns what they show. Must not know how a page is rendered.
"""

from functools import cache
from typing import Final

from litestar import Response, route
from litestar.params import FromPath

from timeline.application.queries import Query
from timeline.http import openapi
from timeline.http.errors import UnknownRoute
from timeline.http.examples import examples
from timeline.http.operations import OPERATIONS
from timeline.http.pages.rendering import either, page, render, require_browser
from timeline.http.parameters import parse
from timeline.http.problems import problem_types, shown
from timeline.http.reading import READ
from timeline.http.replies import JSON, HttpRequest, encode, negotiate, reply

_BOUND_WORDS: Final = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "length from",
    "maxLength": "length to",
    "minItems": "items from",
    "maxItems": "items to",
    "pattern": "pattern",
}


@route("/schema", http_method=READ, status_code=200)
async def schema(request: HttpRequest) -> Response[bytes]:
    """Answer the API's description as a page."""
    parse(request.scope["query_string"], Query)
    require_browser(request)
    return page(_schema_page())


@route("/schema/openapi.json", http_method=READ, status_code=200)
async def description(request: HttpRequest) -> Response[bytes]:
    """Answer the API's description as OpenAPI."""
    parse(request.scope["query_string"], Query)
    negotiate(request.headers.get("accept"), [JSON])
    return reply(_openapi_json(), JSON)


@route("/problems/{slug:str}", http_method=READ, status_code=200)
async def problem(request: HttpRequest, slug: FromPath[str]) -> Response[bytes]:
    """Answer what a problem type means."""
    parse(request.scope["query_string"], Query)
    found = problem_types().get(slug)
    if found is None:
        raise UnknownRoute(path=f"/problems/{shown(slug)}")
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    return either(request, fields, "problem.html")


HANDLERS: Final = (schema, description, problem)


@cache
def _schema_page() -> bytes:
    return render(
        "schema.html",
        document=openapi.document(),
        operations=OPERATIONS,
        problems=list(problem_types().values()),
        examples=examples(),
        bound_words=_BOUND_WORDS,
    )


@cache
def _openapi_json() -> bytes:
    return encode(openapi.document())
