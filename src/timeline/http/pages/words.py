"""The record's values in a reader's words: dates, places, the vocabulary, addresses.

Owns how a value is told on a page. Must not know which page it is.
"""

import re
from calendar import month_name
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from timeline.domain.divisions import division_name
from timeline.domain.vocabulary import EventType

_PLAIN: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_AT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2})"
)
_QUALIFIERS: Final = {"?": "uncertain", "~": "about", "%": "about, uncertain"}
_URL: Final = re.compile(r"https?://", re.IGNORECASE)

NONE: Final = "none"


def said(value: object) -> str:
    """Return a word of the vocabulary as it is read: "not_yet_in_force" as "not yet in force"."""
    return NONE if value is None else str(value).replace("_", " ")


def told(date: dict[str, Any] | None) -> str:
    """Return a served date in words, with all that is uncertain about it."""
    if date is None:
        return ""
    edtf = str(date["edtf"])
    bare = edtf.rstrip("?~%")
    doubt = _QUALIFIERS.get(edtf[len(bare) :])
    if _PLAIN.fullmatch(bare):
        words = day(bare)
    elif at := _AT.fullmatch(bare):
        zone = "UTC" if at[3] == "Z" else f"UTC{at[3]}"
        words = f"{day(at[1])}, {at[2]} {zone}"
    else:
        words = _between(date["earliest"], date["latest"])
    return words if doubt is None else f"{words} ({doubt})"


def meant(date: dict[str, Any]) -> str:
    """Return a served date in words that also tell where it is no single day."""
    bare = str(date["edtf"]).rstrip("?~%")
    some = bool(_PLAIN.fullmatch(bare)) and date["earliest"] != date["latest"]
    return f"some day in {told(date)}" if some else told(date)


def _between(earliest: str | None, latest: str | None) -> str:
    if earliest is None and latest is None:
        return "on an unknown date"
    if latest is None:
        return f"not before {day(earliest)}"
    if earliest is None:
        return f"not after {day(latest)}"
    return f"between {day(earliest)} and {day(latest)}"


def day(iso: str | None) -> str:
    """Return a year, month or day in words: "2024-12-09" as "9 December 2024"."""
    found = _PLAIN.fullmatch(str(iso or ""))
    if found is None:
        return iso or ""
    year, month, number = found.groups()
    if month is None:
        return year
    name = month_name[int(month)] if 1 <= int(month) <= 12 else month  # noqa: PLR2004 - months
    return f"{name} {year}" if number is None else f"{int(number)} {name} {year}"


def dated(edtf: str) -> str:
    """Return a date that comes without its bounds in words: a source's."""
    bare = edtf.rstrip("?~%")
    doubt = _QUALIFIERS.get(edtf[len(bare) :])
    return day(bare) if doubt is None else f"{day(bare)} ({doubt})"


def moment(instant: str | None) -> str:
    """Return an instant of the record in words, to the second."""
    if not instant:
        return "no moment yet"
    return f"{day(instant[:10])}, {instant[11:19]} UTC"


_FILTERS_SAID: Final = {"q": "words", "actor": "who acted", "within": "all within it"}
_OF_VOCABULARY: Final = {"instrument", "action"}


def narrowed(name: str, value: object) -> str:
    """Return what a question is narrowed by, in words, for whoever looks at a closed filter."""
    words = _FILTERS_SAID.get(name, said(name))
    if value == "true":
        return words
    if name == "jurisdiction":
        value = division_name(str(value))
    each = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    return f"{words} {', '.join(map(said, each) if name in _OF_VOCABULARY else each)}"


def address(path: str, *parameters: dict[str, Any], **more: Any) -> str:
    """Return an address with those of the parameters that have a value."""
    given = {name: value for each in (*parameters, more) for name, value in each.items()}
    kept = {name: value for name, value in given.items() if value not in {None, ""}}
    return f"{path}?{urlencode(kept)}" if kept else path


def is_web(url: object) -> bool:
    """Tell whether an address that a stranger gave may be a link: one of the web, and no script."""
    return isinstance(url, str) and _URL.match(url) is not None


HAPPENINGS: Final[Mapping[EventType, str]] = {
    EventType.POLICY_REGISTERED: "Registration",
    EventType.POLICY_DESCRIBED: "New description",
    EventType.ACTION_RECORDED: "Action",
    EventType.ACTION_CORRECTED: "Correction",
    EventType.SOURCE_ATTACHED: "Source",
    EventType.RELATION_ASSERTED: "Relation",
    EventType.EVENT_RETRACTED: "Retraction",
    EventType.POLICIES_MERGED: "Merger",
    EventType.PAYLOAD_ERASED: "Erasure",
}
"""What an event is called, also by the form's script, which the page hands them to."""


def happening(event: Mapping[str, Any]) -> str:
    """Return what an event recorded: "Action: passed"."""
    words = HAPPENINGS.get(event["type"], str(event["type"]))
    data = event.get("data") or {}
    what = data.get("action") or data.get("relation")
    return f"{words}: {said(what)}" if what else words


FILTERS: Final = {
    "happening": happening,
    "said": said,
    "told": told,
    "day": day,
    "dated": dated,
    "moment": moment,
    "place": division_name,
}
GLOBALS: Final = {"address": address, "narrowed_by": narrowed}
TESTS: Final = {"web": is_web}
