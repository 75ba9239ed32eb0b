"""CSV: a table for spreadsheets, whose cells are never taken for formulas.

Owns the columns and how a cell is written. Must not know where the documents come from.

Source: RFC 4180, in UTF-8; the guard of cells follows OWASP's advice on CSV injection.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from timeline.formats.words import Document, identified, named

MEDIA_TYPE: Final = "text/csv"

_UNSEEN: Final = (
    r"(?:[^\S\t\r\n]|[\x00-\x08\x0b\x0c\x0e-\x1f\x22\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\ufe00-\ufe0f\ufeff])"
)
"""Blanks, marks without width and quotes: spreadsheets may cut them off before they look for a sign."""

_SIGN: Final = r"[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]"
"""What a formula begins with; the full-width and small forms are taken for the same by some."""

_FORMULA: Final = re.compile(rf"\A(?=[\t\r\n])|(?:\A|(?<=[;|\t\r\n]))(?={_UNSEEN}*+{_SIGN})")
"""Where an apostrophe has to stand: at the beginning of a cell, and behind what other readers of CSV
than ours take for a cell's end. Many a spreadsheet parts cells at `;` or tabs, and then sees no quotes."""

Cell: TypeAlias = Callable[[Document], Any]


def _of(name: str) -> Cell:
    return lambda item: item[name]


def _within(name: str, part: str) -> Cell:
    return lambda item: None if item[name] is None else item[name].get(part)


def _date(name: str) -> list[tuple[str, Cell]]:
    """Return the columns of a date: as it was recorded, and the days between which it lies."""
    parts = ("edtf", "earliest", "latest")
    return [(name if part == "edtf" else f"{name}_{part}", _within(name, part)) for part in parts]


def _plain(*names: str) -> list[tuple[str, Cell]]:
    return [(name, _of(name)) for name in names]


def _lines(values: Iterable[object]) -> str:
    return "\n".join(str(value) for value in values)


def _parties(item: Document) -> str:
    return _lines(
        f"{party['name']} ({party['role']})" if party.get("role") else party["name"]
        for party in item["actors"]
    )


def _by(item: Document) -> str | None:
    return None if item["by"] is None else named(item["by"])


def _sources(item: Document) -> str:
    return _lines(source.get("url") or source.get("citation") for source in item["sources"])


def _possible(axis: str) -> tuple[str, Cell]:
    def cell(item: Document) -> str:
        values = item["possible"].get(axis, ())
        return _lines("none" if value is None else value for value in values)

    return f"possible_{axis}", cell


def _parked_at(item: Document) -> int | None:
    return item["parked"]["position"] if "parked" in item else None


_PARKED: Final = ("parked", _parked_at)
"""From which position on events of the policy wait, and are not told."""

ACTIONS: Final[Sequence[tuple[str, Cell]]] = (
    *_plain("event", "policy", "title", "instrument", "jurisdiction", "action", "label"),
    *_date("occurred"),
    *_date("effective"),
    *_date("until"),
    *_plain("until_condition"),
    ("actors", _parties),
    *_plain("body"),
    ("by", _by),
    *((f"vote_{part}", _within("vote", part)) for part in ("yes", "no", "abstain", "absent")),
    *_plain("scope", "provision", "summary"),
    ("sources", _sources),
    *_plain("corrected", "disputed", "erased", "position", "recorded_at"),
    _PARKED,
)
"""The columns of `/v1/timeline`."""

POLICIES: Final[Sequence[tuple[str, Cell]]] = (
    *_plain("policy", "title", "instrument", "jurisdiction", "body"),
    ("identifiers", lambda item: _lines(map(identified, item["identifiers"]))),
    ("topics", lambda item: _lines(item["topics"])),
    *_plain("stage", "force", "force_reason", "litigation", "in_force"),
    *map(_possible, ("stage", "force", "force_reason", "litigation")),
    *_plain("disputed", "last_confirmed", "version"),
    _PARKED,
)
"""The columns of `/v1/policies`."""


def head(columns: Sequence[tuple[str, Cell]]) -> bytes:
    """Return the line that names the columns."""
    return _written([[name for name, _ in columns]])


def rows(columns: Sequence[tuple[str, Cell]], items: Iterable[Document]) -> bytes:
    """Return a row for each item."""
    return _written([guarded(cell(item)) for _, cell in columns] for item in items)


def guarded(value: object) -> str:
    """Return a cell's text; what begins like a formula in it has an apostrophe before it."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return _FORMULA.sub("'", text)


def _written(table: Iterable[Sequence[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(table)
    return written.getvalue().encode()
