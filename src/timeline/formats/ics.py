"""iCalendar: actions, and the first and last days of their effect, as days of a calendar.

Owns which entries there are and how they are told apart over time. Must not know where the
documents come from. Text is escaped and folded by the package `icalendar`.

Source: RFC 5545, and RFC 7986 for the calendar's own properties.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from icalendar import Calendar, Event, vText

from timeline.formats.links import Links
from timeline.formats.words import (
    Document,
    cited,
    clean,
    dated,
    deed,
    headline,
    is_exact,
    moment,
    on_one_line,
    paragraphs,
    spoken,
)

MEDIA_TYPE: Final = "text/calendar"

_DAY: Final = timedelta(days=1)

_DATES: Final = (("occurred", ""), ("effective", "-effective"), ("until", "-until"))
"""The dates of an action, each an entry whose id is the event's with this behind it."""


def head(document: Document, links: Links) -> bytes:
    """Return what a calendar begins with: what is in it, and at which moment."""
    made = Calendar()
    made.add("prodid", "-//Timeline//The record of what governments did//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    for name in ("name", "x-wr-calname"):
        made.add(name, vText("Timeline"))
    for name in ("description", "x-wr-caldesc"):
        made.add(name, vText(f"What governments did, {moment(document)}"))
    made.add("x-timeline-position", vText(document["position"]))
    for name in ("as_of", "known_at"):
        if document[name] is not None:
            made.add(f"x-timeline-{name.replace('_', '-')}", vText(document[name]))
    if links.next is not None:
        made.add("x-timeline-next", vText(links.absolute(links.next)))
    text: bytes = made.to_ical()
    return text.removesuffix(TAIL)


TAIL: Final = b"END:VCALENDAR\r\n"
"""What a calendar ends with."""


def rows(items: Iterable[Document], links: Links) -> bytes:
    """Return the entries of some actions; those whose date is wholly unknown have none.

    The items are those of the timeline; each has besides how often it was `revised` since it was
    recorded, `revised_at`, and whether it is `gone`: then its entries are cancelled.
    """
    events = groupby(items, key=itemgetter("event"))
    return b"".join(entry.to_ical() for _, same in events for entry in _entries(list(same), links))


def _entries(items: Sequence[Document], links: Links) -> Iterator[Event]:
    """Yield the entries of an event, which may be an item on several policies' timelines."""
    item = items[0]
    for name, suffix in _DATES:
        told = item[name]
        if told is None or (name == "effective" and told == item["occurred"]):
            continue
        days = _days(told)
        if days is not None:
            yield _entry(items, name, f"{item['event']}{suffix}", days, links)


def _entry(
    items: Sequence[Document], name: str, id: str, days: tuple[date, date], links: Links
) -> Event:
    item = items[0]
    gone = all(each["gone"] for each in items)
    revised_at = max(datetime.fromisoformat(each["revised_at"]) for each in items)
    entry = Event()
    entry.add("uid", id)
    entry.add("dtstamp", revised_at)
    entry.add("last-modified", revised_at)
    entry.add("created", datetime.fromisoformat(item["recorded_at"]))
    entry.add("sequence", max(each["revised"] for each in items))
    entry.add("dtstart", days[0])
    entry.add("dtend", days[1] + _DAY)
    entry.add("transp", "TRANSPARENT")
    entry.add("summary", _summary(item, name))
    entry.add("description", _description(items, name))
    entry.add("status", _status(item, name, gone=gone))
    entry.add("categories", [spoken(item["instrument"]), on_one_line(deed(item))])
    # An address in a calendar is a whole one.
    if links.base:
        entry.add("url", links.page(item["policy"], item["event"]))
    return entry


def _days(told: Document) -> tuple[date, date] | None:
    """Return the days of a date: all on which it may be; where one end is open, the other."""
    first, last = told["earliest"] or told["latest"], told["latest"] or told["earliest"]
    if first is None:
        return None
    until = date.fromisoformat(last)
    # The day after is written, too.
    return date.fromisoformat(first), min(until, date.max - _DAY)


def _summary(item: Document, name: str) -> str:
    if name == "effective":
        return f"{on_one_line(item['title'])}: takes effect ({deed(item)})"
    if name == "until":
        return f"{on_one_line(item['title'])}: last day of effect ({deed(item)})"
    return headline(item)


def _status(item: Document, name: str, *, gone: bool) -> str:
    if gone:
        return "CANCELLED"
    return "CONFIRMED" if is_exact(item[name]) and not item["disputed"] else "TENTATIVE"


def _description(items: Sequence[Document], name: str) -> str:
    item = items[0]
    told: list[str] = []
    if all(each["gone"] for each in items):
        told.append("The record does not say this any more.")
    if not is_exact(item[name]):
        told.append(f"The date is not certain: {dated(item[name])}.")
    told += paragraphs(item)
    told += [f"Source: {cited(source)}" for source in item["sources"]]
    told += [f"Also: {clean(title)}" for title in _titles(items[1:])]
    return "\n".join(told)


def _titles(items: Iterable[Document]) -> list[Any]:
    return [item["title"] for item in items]
