"""The page of policies: search, filters, and the three axes of each that is found."""

from functools import partial
from typing import Final
from urllib.parse import urlencode

from litestar import Response, route

from timeline.application.queries import LITIGATIONS, STAGES, PoliciesAsked
from timeline.application.reading import Reader
from timeline.domain.vocabulary import Force, InForce, Instrument
from timeline.http.pages.asking import Shown, answered, clocks, filled, next_address, show
from timeline.http.parameters import pairs
from timeline.http.reading import READ
from timeline.http.replies import HttpRequest
from timeline.http.service import Service

_CHOICES: Final = {
    "instrument": [*map(str, Instrument)],
    "stage": STAGES,
    "force": [*map(str, Force)],
    "litigation": LITIGATIONS,
    "in_force": [*map(str, InForce)],
}


@route("/policies", http_method=READ, status_code=200)
async def policies(request: HttpRequest) -> Response[bytes]:
    """Answer the page of policies."""
    return await show(request, PoliciesAsked, partial(_policies, request))


def _policies(request: HttpRequest, service: Service, query: PoliciesAsked) -> Shown:
    document = answered(service, query, Reader.policies)
    values = {
        "document": document,
        "choices": _CHOICES,
        "clocks": clocks(query),
        "narrowed": _narrowed(request),
        "following": next_address(request, document),
    }
    return Shown("policies.html", values, document["position"])


def _narrowed(request: HttpRequest) -> str:
    """Return the question without its page: other forms hold all that it finds."""
    asked = pairs(filled(request.scope["query_string"]))
    kept = [(name, value) for name, value in asked if name not in {"cursor", "limit"}]
    return f"?{urlencode(kept)}" if kept else ""


HANDLERS: Final = (policies,)
