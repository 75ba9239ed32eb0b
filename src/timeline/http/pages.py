"""Pages for people: the entry points, the API's description and the problem types.

Owns what is rendered on the server. Every page works without JavaScript and without the internet.
"""

import base64
import hashlib
import json
import re
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader
from litestar import Response, route
from litestar.params import FromPath
from markupsafe import Markup, escape

from timeline.application.queries import Query
from timeline.http import openapi
from timeline.http.errors import UnknownRoute
from timeline.http.examples import examples
from timeline.http.operations import OPERATIONS
from timeline.http.parameters import parse
from timeline.http.problems import problem_types, shown
from timeline.http.reading import READ
from timeline.http.replies import HTML, JSON, HttpRequest, encode, negotiate, reply
from timeline.http.service import service_of

ENTRY_POINTS: Final = (
    ("/schema", "The API, described"),
    ("/schema/openapi.json", "The same as OpenAPI 3.1"),
    ("/v1/timeline", "What happened, by date"),
    ("/v1/policies", "Policies, and whether they are in force"),
    ("/v1/changes?from=0", "What the record learned"),
    ("/v1/jurisdictions", "How many policies each place has, by force"),
    ("/v1/review", "What an editor should look at"),
    ("/v1/events", "The log"),
    ("/v1/vocabulary", "The words of the record"),
    ("/health/ready", "Whether this service is ready"),
    ("/metrics", "What is measured, for Prometheus"),
)

_BOUND_WORDS: Final = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "length from",
    "maxLength": "length to",
    "minItems": "items from",
    "maxItems": "items to",
    "pattern": "pattern",
}
_CODE: Final = re.compile(r"`([^`]+)`")
_PROBLEM: Final = re.compile(r"`(/problems/[a-z-]+)`")


@route("/", http_method=READ, status_code=200)
async def index(request: HttpRequest) -> Response[bytes]:
    """Answer where to begin."""
    parse(request.scope["query_string"], Query)
    service = service_of(request)
    document = {
        "items": [{"href": href, "title": title} for href, title in ENTRY_POINTS],
        **service.openly(position=service.position),
    }
    return _either(request, document, "index.html")


@route("/schema", http_method=READ, status_code=200)
async def schema(request: HttpRequest) -> Response[bytes]:
    """Answer the API's description as a page."""
    parse(request.scope["query_string"], Query)
    negotiate(request.headers.get("accept"), [HTML])
    return reply(_schema_page(), HTML, headers=_page_headers())


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
    return _either(
        request, {name: getattr(found, name) for name in found.__struct_fields__}, "problem.html"
    )


HANDLERS: Final = (index, schema, description, problem)


def _either(request: HttpRequest, document: dict[str, Any], template: str) -> Response[bytes]:
    """Answer JSON, or a page for a browser."""
    wanted = negotiate(request.headers.get("accept"), [JSON, HTML])
    if wanted == JSON:
        return reply(encode(document), JSON, headers={"Vary": "Accept"})
    page = _render(template, **document)
    return reply(page, HTML, headers={"Vary": "Accept", **_page_headers()})


def _page_headers() -> dict[str, str]:
    """Return what a page may load: its own style, known by its digest, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }


@cache
def _schema_page() -> bytes:
    return _render(
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


@cache
def _style() -> str:
    return files("timeline.http").joinpath("templates/style.css").read_text(encoding="utf-8")


def _render(template: str, **values: Any) -> bytes:
    page = _environment().get_template(template)
    return page.render(style=Markup(_style()), **values).encode()  # noqa: S704 - our own file


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("timeline.http"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "code": partial(_marked, _CODE, r"<code>\1</code>"),
        "problem_links": partial(_marked, _PROBLEM, r'<a href="\1"><code>\1</code></a>'),
        "shown": _shown,
        "tojson_plain": json.dumps,
    }
    return environment


def _marked(pattern: "re.Pattern[str]", replacement: str, text: str) -> Markup:
    """Return text, escaped, with what stands between backticks marked up."""
    return Markup(pattern.sub(replacement, str(escape(text))))  # noqa: S704 - escaped just here


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
