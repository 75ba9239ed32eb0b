"""What representations say in words: headlines, dates, and text that any format can hold.

Owns the wording that several formats share. Must not know any format, nor where documents come from.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

Document = Mapping[str, Any]

MAX_HEADLINE: Final = 200
"""Characters of a headline: readers show one line; the whole title stands in the text below it."""

_NOT_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_LINE_BREAK: Final = re.compile("\r\n|[\r\x85\u2028\u2029]")
_BLANKS: Final = re.compile(r"\s+")
_WEB: Final = re.compile(r"https?://[^\s<>\"\\^`{|}]+", re.ASCII | re.IGNORECASE)


def clean(text: str) -> str:
    """Return text without what XML 1.0 and iCalendar forbid; what is replaced is seen to be."""
    return _NOT_TEXT.sub("\ufffd", _LINE_BREAK.sub("\n", text))


def on_one_line(text: str, most: int = MAX_HEADLINE) -> str:
    """Return text as a headline: clean, on one line, cut where it is longer than that."""
    line = _BLANKS.sub(" ", clean(text)).strip()
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def spoken(word: str) -> str:
    """Return a word of the vocabulary as people write it."""
    return word.replace("_", " ")


def is_exact(date: Document) -> bool:
    """Tell whether a date is one day."""
    return date["earliest"] is not None and date["earliest"] == date["latest"]


def dated(date: Document) -> str:
    """Return a date in words, with its bounds where it is not one day."""
    told: str = date["edtf"]
    first, last = date["earliest"], date["latest"]
    if is_exact(date):
        return told
    if first is None and last is None:
        return f"{told} (not known)"
    if first is None:
        return f"{told} (by {last})"
    if last is None:
        return f"{told} (on or after {first})"
    return f"{told} (some day from {first} to {last})"


def deed(item: Document) -> str:
    """Return what happened: the source's own words where the vocabulary has none."""
    if item["action"] == "other" and item["label"]:
        return on_one_line(item["label"])
    return spoken(item["action"])


def headline(item: Document) -> str:
    """Return an action of the timeline as one line."""
    return f"{on_one_line(item['title'])}: {deed(item)}"


def paragraphs(item: Document) -> list[str]:
    """Return what an action of the timeline says, a line for each thing but its sources."""
    told = [
        clean(item["title"]),
        f"{spoken(item['instrument'])}, {item['jurisdiction']}",
        f"{deed(item)}: {dated(item['occurred'])}",
    ]
    for name, words in (("effective", "Takes effect"), ("until", "Last day of effect")):
        if item[name] is not None:
            told.append(f"{words}: {dated(item[name])}")
    for name, words in (
        ("until_condition", "Ends"),
        ("provision", "Provision"),
        ("label", "Label"),
    ):
        if item[name]:
            told.append(f"{words}: {clean(item[name])}")
    if item["scope"] == "partial":
        told.append("In part")
    if item["summary"]:
        told.append(clean(item["summary"]))
    marks = [mark for mark in ("corrected", "disputed", "erased") if item[mark]]
    if marks:
        told.append(f"Marked in the record as {', '.join(marks)}")
    return told


def cited(source: Document) -> str:
    """Return a source in words, its address last."""
    parts = (source.get(name) for name in ("title", "publisher", "citation", "published", "url"))
    return ", ".join(on_one_line(str(part)) for part in parts if part)


def identified(identifier: Document) -> str:
    """Return an identifier as `scheme:value`."""
    return f"{identifier['scheme']}:{identifier['value']}"


def named(counterpart: Document) -> str:
    """Return who or what a policy, a citation or a selector names."""
    if counterpart.get("policy"):
        return str(counterpart["policy"])
    citation = counterpart.get("citation")
    if isinstance(citation, Mapping):
        return identified(citation)
    if citation:
        return str(citation)
    selector = counterpart.get("selector") or {}
    told = (f"{spoken(key)} {_listed(value)}" for key, value in selector.items() if value)
    return f"all with {'; '.join(told)}"


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def addresses(sources: Sequence[Document]) -> list[str]:
    """Return the addresses of sources that are of the web: those that may be linked to."""
    found = (source.get("url") for source in sources)
    return [url for url in found if isinstance(url, str) and _WEB.fullmatch(url)]


def moment(document: Document) -> str:
    """Return both clocks of an answer in words."""
    told = f"position {document['position']} of the record"
    if document["known_at"] is not None:
        told += f", known at {document['known_at']}"
    return told if document["as_of"] is None else f"as of {document['as_of']}, {told}"
