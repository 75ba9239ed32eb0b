"""Rendering pages on the server, and what a page may load.

Owns the templates' environment and the headers of pages. Every page can be read without JavaScript
and works without the internet: what it loads is served by the same service (`assets`).
"""

import json
import re
from functools import cache, partial
from typing import Any, Final

from jinja2 import Environment, PackageLoader
from litestar import Response
from markupsafe import Markup, escape

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
