"""What a row's cells become: sources, persons, dates, counts, as the record's payloads have them.

Owns what a cell has to hold for its field. Pure. Must not know policies, nor what tells one action
from another: that is `csv_rows`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from timeline.importers.csv_mapping import (
    ActionRule,
    Cell,
    IdentifierRule,
    RelationRule,
    Row,
    SourceRule,
    as_field,
)
from timeline.importers.errors import BadCell
from timeline.importers.sketch import Json

_URL: Final = re.compile(r"https?://\S+")
_TEXTS: Final = ("body", "until_condition", "provision", "summary")
_DATES: Final = ("effective", "until")


def details(rule: ActionRule | RelationRule, row: Row) -> Json:
    """Return the fields of an action, or a relation, that it may have."""
    found: Json = {}
    for key in _TEXTS:
        if (cell := getattr(rule, key, None)) is not None:
            found[key] = as_field(cell).text(row)
    for key in _DATES:
        if (cell := getattr(rule, key)) is not None:
            found[key] = as_field(cell).date(row)
    if rule.scope is not None:
        found["scope"] = as_field(rule.scope).text(row).casefold()
    if isinstance(rule, ActionRule):
        found["actors"] = list(parties(rule.actors, row))
        found["vote"] = _vote(rule, row)
    return {key: value for key, value in found.items() if value}


def needed(key: str, cell: Cell, row: Row) -> str:
    """Return what a row has for a field that it needs; raises BadCell where that is empty."""
    field = as_field(cell)
    found = field.text(row)
    if not found:
        raise BadCell(column=field.shown, reason=f"The cell is empty, and a row needs `{key}`")
    return found


def sources(rules: Sequence[SourceRule], row: Row) -> list[Json]:
    """Return the sources that a row has."""
    return [found for found in (_source(rule, row) for rule in rules) if found]


def _source(rule: SourceRule, row: Row) -> Json:
    found: Json = {}
    for key in ("url", "citation", "title", "publisher", "locator", "quote"):
        cell = getattr(rule, key)
        if cell is not None and (text := as_field(cell).text(row)):
            found[key] = text
    if "url" in found and not _URL.fullmatch(found["url"]):
        reason = f"{found['url'][:60]!r} is no web address that begins with http:// or https://"
        raise BadCell(column=as_field(rule.url or "").shown, reason=reason)
    if not found.keys() & {"url", "citation"}:
        return {}
    if rule.class_ is not None:
        found["class"] = str(rule.class_)
    if rule.published is not None and (published := as_field(rule.published).date(row)):
        found["published"] = published
    return found


def identifiers(rules: Sequence[IdentifierRule], row: Row) -> Iterator[Json]:
    """Yield the identifiers that a row has."""
    for rule in rules:
        for found in as_field(rule.value).texts(row):
            yield {"scheme": rule.scheme, "value": found}


def parties(cells: Sequence[Cell], row: Row) -> Iterator[Json]:
    """Yield the persons that a row has, each with its role."""
    for cell in cells:
        field = as_field(cell)
        for name in field.texts(row):
            yield {"name": name, **({"role": field.role} if field.role else {})}


def _vote(rule: ActionRule, row: Row) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for key in ("yes", "no", "abstain", "absent") if rule.vote is not None else ():
        cell = getattr(rule.vote, key)
        if cell is None or not (found := as_field(cell).text(row)):
            continue
        if not re.fullmatch("[0-9]{1,7}", found):
            raise BadCell(
                column=as_field(cell).shown, reason=f"{found[:40]!r} is no count of votes"
            )
        counts[key] = int(found)
    return counts
