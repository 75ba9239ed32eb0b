"""Rendering pages on the server, and what a page may load.

Owns the templates' environment and the headers of pages. Every page can be read without JavaScript
and works without the internet: what it loads is served by the same service (`assets`).
"""

import json
import re
from functools import cache, partial
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader
from litestar import Response
from markupsafe import Markup, escape

from timeline.http.errors import NotAcceptable
from timeline.http.pages import words
from timeline.http.pages.assets import address_of
from timeline.http.pages.labels import label
from timeline.http.replies import HTML, JSON, HttpRequest, encode, negotiate, reply

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What a page may load and send, and where to: this service alone, and nothing that stands in it."""

NAVIGATION: Final = (
    ("/", "Timeline"),
    ("/policies", "Policies"),
    ("/compare", "Compare"),
    ("/audit", "Audit"),
    ("/record", "Record"),
    ("/schema", "API"),
)
"""What the header of every page leads to; a template says by `here` which of them it belongs to."""

_CODE: Final = re.compile(r"`([^`]+)`")
_PROBLEM: Final = re.compile(r"`(/problems/[a-z-]+)`")


FOR_PROGRAMS: Final = {
    "/policies": "/v1/policies",
    "/policies/{policy}": "/v1/policies/{policy}",
    "/compare": "/v1/changes",
    "/audit": "/log/checkpoint",
    "/audit/policies/{policy}": "/v1/policies/{policy}/history",
    "/audit/events/{id}": "/v1/events/{id}?proof=true",
    "/record": "/v1/events",
    "/schema": "/schema/openapi.json",
}
"""Where programs have what a page shows, by the page's address."""


def require_browser(request: HttpRequest) -> None:
    """Refuse whoever takes no page, before anything is looked up: raises NotAcceptable.

    What programs ask instead is named, be it there or not.
    """
    try:
        negotiate(request.headers.get("accept"), [HTML])
    except NotAcceptable as error:
        instead = FOR_PROGRAMS.get(request.scope["path_template"].replace(":str", ""))
        if instead is None:
            raise
        named = {name: quote(str(value), safe="") for name, value in request.path_params.items()}
        raise NotAcceptable(offered=HTML, instead=instead.format_map(named)) from error


def page(body: bytes, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Answer with a page."""
    return reply(body, HTML, headers={"Content-Security-Policy": POLICY, **(headers or {})})


def either(request: HttpRequest, document: dict[str, Any], template: str) -> Response[bytes]:
    """Answer JSON, or a page for a browser."""
    wanted = negotiate(request.headers.get("accept"), [JSON, HTML])
    if wanted == JSON:
        return reply(encode(document), JSON, headers={"Vary": "Accept"})
    return page(render(template, **document), headers={"Vary": "Accept"})


def render(template: str, **values: Any) -> bytes:
    """Return a template with values in it, which are escaped."""
    return _environment().get_template(template).render(**values).encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("timeline.http"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= words.FILTERS
    environment.tests |= words.TESTS
    environment.globals |= words.GLOBALS
    environment.filters |= {
        "code": partial(_marked, _CODE, r"<code>\1</code>"),
        "problem_links": partial(_marked, _PROBLEM, r'<a href="\1"><code>\1</code></a>'),
        "label": label,
        "shown": _shown,
        "tojson_plain": json.dumps,
    }
    environment.globals |= {"asset": address_of, "navigation": NAVIGATION}
    return environment


def _marked(pattern: "re.Pattern[str]", replacement: str, text: str) -> Markup:
    """Return text, escaped, with what stands between backticks marked up."""
    return Markup(pattern.sub(replacement, str(escape(text))))  # noqa: S704 - escaped just here


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
