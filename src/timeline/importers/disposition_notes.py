"""The disposition notes of executive orders, as the Office of the Federal Register writes them.

Owns how a note's lines become statements about two orders. Pure. Must not know what the record
makes of them.

A line is a heading and a list: "Revokes: EO 11063, November 20, 1962 (in part); EO 12259, December
31, 1980". What is read, beyond that, was met in notes of 1993 to 2012:

- A heading may have "in part", two verbs ("Revoked in part and supplemented by"), or words between.
  Of "Supersedes or Revokes" the first counts, and that is told as doubtful.
- Items are separated by ";", by ", and", or by nothing; some lack "EO", have "EEO", or a date that is
  written another way. A date that is none is left out.
- What is in brackets, and what follows "read in conjunction with", is no item of the list.
- Other documents (notices, memoranda, proclamations) are no orders; they are left out, and counted.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias


class Verb(StrEnum):
    """What an order does to another."""

    AMENDS = "amends"
    REVOKES = "revokes"
    SUPERSEDES = "supersedes"
    CONTINUES = "continues"
    SUPPLEMENTS = "supplements"
    SUSPENDS = "suspends"
    TERMINATES = "terminates"
    SEE = "see"


class Said(NamedTuple):
    """What a note says of its own order and another.

    Attributes:
        verb: what is done.
        other: the other order's number.
        inverse: whether the other order does it to this one.
        partial: whether it is done in part.
        cited: the other order's date, as "January 5, 2008"; empty where there is none.

    """

    verb: Verb
    other: str
    inverse: bool
    partial: bool
    cited: str


class Unread(NamedTuple):
    """A part of a note that says nothing of two orders, or not clearly."""

    about: str
    doubtful: bool = False


Read: TypeAlias = Said | Unread

_HEADING: Final = re.compile(r"\s*(?P<heading>See(?=\s)|[A-Za-z() ]{1,80}(?=:))[\s:]*(?P<list>.*)")
_IN_PART: Final = re.compile(r"\b(?:in part|partially)\b", re.IGNORECASE)
_ASIDE: Final = re.compile(r"\((?!\s*in part\s*\))[^()]*\)|,?\s*read in conjunction with\b.*")
_ORDER: Final = re.compile(
    r"(?:(?<![A-Za-z])(?:E?EO|Executive Order(?: No\.?)?)\s*(?P<number>[0-9]{1,5}(?:-[A-Z])?)"
    r"|^\s*(?P<bare>[0-9]{4,5}(?:-[A-Z])?)(?=,))(?![0-9A-Za-z])"
)
_DATE: Final = re.compile(
    r"\b(?P<month>[A-Z][a-z]+),? (?P<day>[0-9]{1,2}), ?(?P<year>[0-9]{4})(?![0-9])"
)
_DATED: Final = re.compile(r"[A-Z][a-z]+,? [0-9]{1,2}")

_FORMS: Final = {
    form: (verb, inverse)
    for verb, stem in (
        (Verb.AMENDS, "amend"),
        (Verb.REVOKES, "revoke"),
        (Verb.SUPERSEDES, "supersede"),
        (Verb.SUPERSEDES, "suspersede"),
        (Verb.CONTINUES, "continue"),
        (Verb.SUPPLEMENTS, "supplement"),
        (Verb.SUSPENDS, "suspend"),
        (Verb.TERMINATES, "terminate"),
    )
    for form, inverse in ((f"{stem}s", False), (f"{stem.removesuffix('e')}ed", True))
} | {"see": (Verb.SEE, False)}
"""Every verb as it acts, and as it is suffered; "Suspersedes" is how one note has it."""


def read_notes(text: str) -> Iterator[Read]:
    """Yield what an order's notes say, in their order."""
    for line in text.splitlines():
        if line.strip():
            yield from _read_line(line)


def iso_date(words: str) -> str:
    """Return a date such as "December 4, 1981" as ISO text; empty where it is none."""
    try:
        return _day(words).isoformat()
    except ValueError:
        return ""


def _day(words: str) -> date:
    return datetime.strptime(f"{words} +0000", "%B %d, %Y %z").date()


def _read_line(line: str) -> Iterator[Read]:
    found = _HEADING.match(line)
    heading = "" if found is None else found["heading"].strip()
    first, *others = re.split(r"\s+or\s+", heading, flags=re.IGNORECASE)
    clauses = [clause for clause in map(_clause, re.split(r"\s+and\s+", first)) if clause]
    if found is None or not clauses:
        yield Unread(f"notes that begin with {heading!r}" if heading else "notes without a heading")
        return
    if others:
        yield Unread(f"which verb of {heading!r} is meant", doubtful=True)
    for item in _items(found["list"]):
        if isinstance(item, Unread):
            yield item
            continue
        for clause in clauses:
            partial = clause.partial or item.partial
            yield Said(clause.verb, item.number, clause.inverse, partial, item.cited)


class _Clause(NamedTuple):
    verb: Verb
    inverse: bool
    partial: bool


def _clause(words: str) -> _Clause | None:
    """Return what a part of a heading says; None where it has no verb."""
    forms = (_FORMS.get(word) for word in re.findall(r"[a-z]+", words.lower()))
    form = next((form for form in forms if form), None)
    return form and _Clause(*form, partial=_IN_PART.search(words) is not None)


class _Item(NamedTuple):
    number: str
    partial: bool
    cited: str


def _items(listed: str) -> Iterator[_Item | Unread]:
    for piece in _ASIDE.sub("", listed).split(";"):
        orders = list(_ORDER.finditer(piece))
        if not orders and piece.strip(" .,"):
            yield Unread("other documents that notes name")
        ends = [each.start() for each in orders[1:]] + [len(piece)]
        for order, end in zip(orders, ends, strict=False):
            words = piece[order.end() : end]
            cited = _cited(words)
            if not cited and _DATED.search(words):
                yield Unread("dates that are none", doubtful=True)
            number = order["number"] or order["bare"]
            yield _Item(number, _IN_PART.search(words) is not None, cited)


def _cited(words: str) -> str:
    """Return the first date in words, written as all of them are; empty where there is none."""
    found = _DATE.search(words)
    told = f"{found['month']} {int(found['day'])}, {found['year']}" if found else ""
    return told if iso_date(told) else ""
