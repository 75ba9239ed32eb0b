"""The page of what the record learned between two of its moments."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, route
from msgspec import Meta

from timeline.application.changes import changes
from timeline.application.errors import InvalidRequest
from timeline.application.queries import ChangesQuery
from timeline.domain.vocabulary import Instrument
from timeline.eventstore.instants import instant
from timeline.http.pages.asking import Shown, answered, plain, show
from timeline.http.pages.words import address
from timeline.http.reading import READ
from timeline.http.replies import HttpRequest
from timeline.http.service import Service

PRESETS: Final = (
    ("since yesterday", 1),
    ("in the last week", 7),
    ("in the last 30 days", 30),
    ("in the last year", 365),
)
"""Stretches that are offered, in days before now."""

DEFAULT_DAYS: Final = 7
LAST_EVENTS: Final = 50
"""How many events back the last stretch that is offered begins."""

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_POSITION: Final = re.compile(r"\d{1,16}", re.ASCII)
_AXES: Final = ("force", "force_reason", "stage", "litigation", "in_force")

RecordMoment = Annotated[
    str, Meta(max_length=40, description="An instant, a day (its beginning, UTC), or a position.")
]


class ComparePageQuery(ChangesQuery, frozen=True, kw_only=True):
    """`GET /compare`: as of the API, but a week back where no `from` is given."""

    from_: RecordMoment | None = None  # type: ignore[assignment]
    to: RecordMoment | None = None  # type: ignore[assignment]


@route("/compare", http_method=READ, status_code=200)
async def compare(request: HttpRequest) -> Response[bytes]:
    """Answer the page of what the record learned."""
    return await show(request, ComparePageQuery, _compare)


def _compare(service: Service, query: ComparePageQuery) -> Shown:
    presets = _presets(service)
    asked = plain(query)
    if query.from_ is None:
        asked["from"] = next(at for _, days, at in presets if days == DEFAULT_DAYS)
    else:
        asked["from"] = _read_moment(query.from_, "from")
    asked["to"] = None if query.to is None else _read_moment(query.to, "to")
    question = msgspec.convert(asked, ChangesQuery, strict=False)
    document = answered(service, question, changes)
    kept = {
        name: asked[name]
        for name in ("policy", "jurisdiction", "instrument", "topic", "as_of")
        if asked[name] is not None
    } | ({"within": "true"} if query.within else {})
    values = {
        "document": document,
        "differences": [_difference(each) for each in document["items"]],
        "presets": [(words, at) for words, _, at in presets],
        "last_events": max(document["position"] - LAST_EVENTS, 0),
        "instruments": [*map(str, Instrument)],
        "kept": kept,
        "following": _following(asked, kept, document["next"]),
    }
    return Shown("compare.html", values, document["position"])


def _following(asked: dict[str, Any], kept: dict[str, Any], more: str | None) -> str | None:
    """Return the address of the next page, whose question is the same to the letter."""
    if more is None:
        return None
    ends = {"from": str(asked["from"]), "to": None if asked["to"] is None else str(asked["to"])}
    return address("/compare", ends, kept, limit=str(asked["limit"]), cursor=more)


def _read_moment(text: str, field: str) -> int | str:
    """Return a moment as the API takes it: a day stands for its beginning."""
    if _POSITION.fullmatch(text):
        return int(text)
    if _DAY.fullmatch(text):
        text = f"{text}T00:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        reason = "Expected a position, a day, or an instant with its zone: 2026-01-31T12:00:00Z"
        raise InvalidRequest(field=field, reason=reason)
    return text


def _presets(service: Service) -> list[tuple[str, int, int]]:
    """Return the stretches that are offered, each with the position that it begins after."""
    store = service.application.store
    now = datetime.now(UTC)
    return [
        (words, days, store.position_at(instant(now - timedelta(days=days))))
        for words, days in PRESETS
    ]


def _difference(item: dict[str, Any]) -> dict[str, Any]:
    """Return a change's rows: the axes, each with what is possible, and whatever else differs."""
    before, after, changed = item["before"], item["after"], item["changed"]
    names = [*_AXES, *(name for name in changed if name not in {*_AXES, "policy", "possible"})]
    if before is None:
        names = list(_AXES)
    return {
        **item,
        "rows": [
            {
                "name": name,
                "before": None if before is None else before.get(name),
                "after": after.get(name),
                "differs": name in changed or _possible(before, name) != _possible(after, name),
                "axis": name in _AXES,
            }
            for name in names
            if name in changed or before is None or name != "force_reason"
        ],
    }


def _possible(state: dict[str, Any] | None, axis: str) -> list[str] | None:
    """Return the values that an axis may have; None where it is not in doubt."""
    return None if state is None else state.get("possible", {}).get(axis)


HANDLERS: Final = (compare,)
