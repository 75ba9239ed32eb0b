"""The page of the timeline: a picture of what was in force and what happened, on two clocks.

Owns where its links lead. Must not know how a picture comes about, nor where its pieces lie.
"""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response

from timeline.application.queries import PictureQuery
from timeline.application.reading import Reader
from timeline.domain.vocabulary import Action, Instrument
from timeline.http.pages.asking import Shown, answered, plain, show
from timeline.http.pages.connectors import KINDS
from timeline.http.pages.drawing import SYMBOLS, draw
from timeline.http.pages.scales import windows
from timeline.http.replies import HttpRequest
from timeline.http.service import Service

_CHOICES: Final = {
    "instrument": [*map(str, Instrument)],
    "action": [*map(str, Action)],
}
_WINDOW: Final = ("from", "to")
_OF_PICTURES: Final = (
    "from",
    "to",
    "as_of",
    "known_at",
    "known_position",
    "relations",
    "marks",
    "differing",
)
_CLOCKS: Final = ("as_of", "known_at", "known_position")
_OF_CHANGES: Final = ("policy", "jurisdiction", "within", "instrument", "topic")
_OF_POLICIES: Final = ("jurisdiction", "within", "instrument", "topic", "q")


async def page(request: HttpRequest) -> Response[bytes]:
    """Answer the page of the timeline."""
    return await show(request, PictureQuery, _timeline)


def _timeline(service: Service, query: PictureQuery) -> Shown:
    picture = answered(service, query, Reader.picture)
    given = _given(query)
    titles = {
        each["policy"]: each["title"] for lane in picture["lanes"] for each in lane["policies"]
    }
    if query.around is not None and query.around not in titles:
        titles |= service.application.reader.titles([query.around], picture["position"])
    values = {
        "picture": picture,
        "drawing": draw(picture),
        "windows": windows(picture["from"], picture["to"]),
        "titles": titles,
        "identifiers": {
            each["policy"]: each["identifiers"]
            for lane in picture["lanes"]
            for each in lane["policies"]
        },
        "differing": _differing(picture),
        "choices": _CHOICES,
        "symbols": SYMBOLS,
        "kinds": KINDS,
        "filters_of_changes": {n: v for n, v in given.items() if n in _OF_CHANGES},
        "closed": {n: v for n, v in given.items() if n not in {*_WINDOW, "differing"}},
        "now": {n: v for n, v in given.items() if n not in {*_WINDOW, *_CLOCKS, "differing"}},
        "filters_of_policies": {n: v for n, v in given.items() if n in _OF_POLICIES},
        "filters_of_actions": {n: v for n, v in given.items() if n not in _OF_PICTURES},
        "filters": {n: v for n, v in given.items() if n not in {*_WINDOW, *_CLOCKS}},
        "clocks": {n: v for n, v in given.items() if n in _CLOCKS},
        "window": {n: v for n, v in given.items() if n in _WINDOW},
    }
    return Shown("timeline.html", values, picture["position"])


def _differing(picture: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how many policies differ from now, drawn and elsewhere, and from what of the two clocks."""
    if picture["differs"] is None:
        return None
    policies = {
        each["policy"]: each["differs"] for lane in picture["lanes"] for each in lane["policies"]
    }
    drawn = sum(policies.values())
    earlier = picture["position"] != picture["newest"]
    if picture["as_of"] is None:
        than = "is known now"
    else:
        than = "today, as known now" if earlier else "today"
    return {
        "drawn": drawn,
        "of": len(policies),
        "elsewhere": picture["differs"]["policies"] - drawn,
        "than": than,
    }


def _given(query: PictureQuery) -> dict[str, Any]:
    """Return what is asked for beyond what nobody has to say, as an address has it."""
    unsaid = plain(PictureQuery())
    return {
        name: "true" if value is True else value
        for name, value in plain(query).items()
        if value != unsaid[name]
    }
