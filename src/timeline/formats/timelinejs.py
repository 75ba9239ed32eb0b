"""TimelineJS: the JSON that Knight Lab's timeline shows, a slide for each action.

Owns the form of slides and eras. Must not know where the documents come from. All text is escaped,
as the library takes it for HTML.

Source: https://timeline.knightlab.com/docs/json-format.html
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

import msgspec

from timeline.domain.divisions import division_name
from timeline.formats.links import Links
from timeline.formats.words import (
    Document,
    addresses,
    cited,
    dated,
    deed,
    headline,
    is_exact,
    moment,
    on_one_line,
    paragraphs,
)

MEDIA_TYPE: Final = "application/vnd.knightlab.timelinejs+json"
"""Not registered: the format has no media type of its own, and has to be told from other JSON."""

_ANSWERS: Final = {"yes": "in force", "maybe": "perhaps in force"}


def actions(document: Document, links: Links) -> bytes:
    """Return a page of the timeline, with the eras of `policies` where the answer has those."""
    eras = [era for policy in document.get("policies", ()) for era in _eras(policy, document)]
    return _encoded("Timeline", document["items"], eras, document, links)


def policy(document: Document, links: Links) -> bytes:
    """Return one policy: its actions, and when it was in force."""
    title, eras = on_one_line(document["title"]), list(_eras(document, document))
    return _encoded(title, document["actions"], eras, document, links)


def _encoded(
    title: str,
    items: Sequence[Document],
    eras: list[dict[str, Any]],
    document: Document,
    links: Links,
) -> bytes:
    placed = [item for item in items if _bounds(item["occurred"]) is not None]
    told = {
        "title": {"text": {"headline": escape(title), "text": escape(moment(document))}},
        "events": [_slide(item, links) for item in placed],
        "eras": eras,
        "position": document["position"],
        "as_of": document["as_of"],
        "known_at": document["known_at"],
        "undated": len(items) - len(placed),
        "next": document.get("next"),
    }
    return msgspec.json.encode(told)


def _slide(item: Document, links: Links) -> dict[str, Any]:
    occurred = item["occurred"]
    first, last = _bounds(occurred) or ("", "")
    lines = [escape(line) for line in paragraphs(item)[1:]] + list(map(_linked, item["sources"]))
    return {
        # One event may be an action of several policies.
        "unique_id": f"{item['event']}-{item['policy']}",
        "start_date": _date(first),
        **({} if first == last else {"end_date": _date(last)}),
        "display_date": escape(dated(occurred)),
        "text": {
            "headline": escape(headline(item)),
            "text": "".join(f"<p>{line}</p>" for line in lines),
        },
        "group": escape(on_one_line(division_name(item["jurisdiction"]))),
        "autolink": False,
        "event": links.event(item["event"]),
        "action": escape(deed(item)),
        "exact": is_exact(occurred),
    }


def _linked(source: Document) -> str:
    """Return a source as HTML, linked where it has an address of the web."""
    words, found = escape(cited(source)), addresses([source])
    if not found:
        return words
    return f'<a href="{escape(found[0])}" rel="nofollow noopener">{words}</a>'


def _bounds(date: Document) -> tuple[str, str] | None:
    """Return the first and the last day of a date; where one is open, the other alone."""
    first, last = date["earliest"] or date["latest"], date["latest"] or date["earliest"]
    return None if first is None else (first, last)


def _date(day: str) -> dict[str, int]:
    year, month, of_month = map(int, day.split("-"))
    return {"year": year, "month": month, "day": of_month}


def _eras(policy: Document, document: Document) -> Iterator[dict[str, Any]]:
    """Yield when a policy was in force, or perhaps; where no end is known, until the date asked about.

    The format has no open end, and none of its own kind for what is not certain.
    """
    now = document["as_of"] or (document["known_at"] or "")[:10]
    for answer, first, last in stretches(policy["periods"]):
        until = last or now
        if first is None or until < first:
            continue
        words = f"{on_one_line(policy['title'])}: {_ANSWERS[answer]}"
        yield {
            "start_date": _date(first),
            "end_date": _date(until),
            "text": {"headline": escape(words)},
        }


def stretches(periods: Sequence[Document]) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield when something is in force, or perhaps: the answer, the first day, the last one.

    Periods of the same answer that follow each other are one: some other axis changed between them.
    """
    running: tuple[str, str | None, str | None] | None = None
    for period in periods:
        answer = period["in_force"]
        if running is not None and running[0] == answer:
            running = (answer, running[1], period["until"])
            continue
        if running is not None:
            yield running
        first, last = period["from"], period["until"]
        running = (answer, first, last) if answer in _ANSWERS else None
    if running is not None:
        yield running
