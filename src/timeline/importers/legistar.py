"""Legistar: matters of a council and what happened to them.

Owns how matters and their histories are read, as Legistar's web API gives them, as the mirror of New
York's does, and as tables; and what they say in the record's words. A matter is a policy, a row of
its history an action; both are told apart by the source's own ids. Must not know the record.

Histories that come apart from their matters are joined to them on disk, in files of any order, so
that memory does not grow with the input.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final, TypeAlias

import msgspec

from timeline.importers.errors import ImporterError, InputRefused
from timeline.importers.json_items import Item, items
from timeline.importers.legistar_joining import Joined
from timeline.importers.legistar_matters import LegistarLabels, Matter, Row, Sketcher, one_line
from timeline.importers.opening import Input
from timeline.importers.reading import rows, undecodable
from timeline.importers.sketch import (
    Found,
    Json,
    Note,
    NoteKind,
    Place,
    Refused,
    Sketch,
)

Fields: TypeAlias = Mapping[str, tuple[str, ...]]

MATTER: Final[Fields] = {
    "id": ("MatterId", "ID", "matter_id"),
    "file": ("MatterFile", "File", "file"),
    "type": ("MatterTypeName", "TypeName", "type"),
    "title": ("MatterTitle", "Title", "title"),
    "name": ("MatterName", "Name", "name"),
    "body": ("MatterBodyName", "BodyName", "body"),
    "enactment": ("LocalLaw", "local_law", "MatterEnactmentNumber"),
    "modified": ("MatterLastModifiedUtc", "LastModified", "last_modified"),
    "sponsors": ("MatterSponsors", "Sponsors"),
    "history": ("MatterHistories", "History"),
    "path": ("path",),
}
"""A matter's fields by the names that the API, the mirror and its tables have for them."""

HISTORY: Final[Fields] = {
    "id": ("MatterHistoryId", "action_row_id", "ID"),
    "matter": ("MatterHistoryMatterId", "matter_id"),
    "date": ("MatterHistoryActionDate", "action_date", "Date"),
    "label": ("MatterHistoryActionName", "action", "Action"),
    "body": ("MatterHistoryActionBodyName", "body", "BodyName"),
    "passed": ("MatterHistoryPassedFlagName", "passed_flag", "PassedFlagName"),
    "modified": ("MatterHistoryLastModifiedUtc", "last_modified", "LastModified"),
}

_SPONSOR: Final = ("MatterSponsorName", "FullName")
_NEEDED: Final = {True: ("id", "file"), False: ("id", "matter", "date", "label")}


class Legistar:
    """Reads matters with their histories.

    Attributes:
        system: the source's name.
        policies: how many matters there are, once all are read that have to be joined.

    """

    def __init__(self, inputs: Iterable[Input], labels: LegistarLabels) -> None:
        self.system = labels.source.system
        self.policies: int | None = None
        self._inputs = inputs
        self._sketcher = Sketcher(labels)

    def read(self) -> Iterator[Found]:
        """Yield matters that come with their history as they come, then all others, joined.

        Of these nothing is taken back while a part of the input cannot be read, which may be a row of
        any of them.
        """
        readable = True
        with closing(Joined()) as joined:
            for source in self._inputs:
                for found in self._gather(source, joined):
                    readable = readable and not isinstance(found, Refused)
                    yield found
            self.policies = joined.finish()
            for matter in joined.matters():
                for found in self._sketcher.sketch(matter):
                    if isinstance(found, Sketch) and not readable:
                        yield msgspec.structs.replace(found, whole=False)
                    else:
                        yield found
            for place, about in joined.orphans():
                yield Note(kind=NoteKind.LEFT_OUT, about=about, place=place)

    def _gather(self, source: Input, joined: Joined) -> Iterator[Found]:
        try:
            yield from self._read(source, joined)
        except InputRefused as error:
            yield Refused(place=error.place, field="", reason=error.reason)

    def _read(self, source: Input, joined: "Joined") -> Iterator[Found]:
        for item in _objects(source):
            if isinstance(item, Refused):
                yield item
                continue
            place, found = item
            try:
                matter = _read_object(found, place)
                if isinstance(matter, Matter) and matter.history is not None:
                    yield from self._sketcher.sketch(matter)
                elif isinstance(matter, Matter):
                    again = joined.add_matter(matter)
                    if again:
                        yield Note(kind=NoteKind.LEFT_OUT, about=again, place=place)
                else:
                    joined.add_row(*matter)
            except _WrongField as error:
                yield Refused(place=place, field=error.field, reason=error.reason)


# ---- objects of JSON, rows of tables


def _objects(source: Input) -> Iterator[Item | Refused]:
    """Yield what an input holds: each JSON object, or each row of a table by its columns."""
    begins = source.begins(1024).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    # What begins with blanks only may still hold something, which is looked for as JSON is.
    if begins in (b"[", b"{", b""):
        yield from items(source)
    else:
        yield from _table_rows(source)


def _table_rows(source: Input) -> Iterator[Item | Refused]:
    table = rows(source)
    header = next(table)
    columns = [each.strip() for each in header.cells]
    matters = not {*HISTORY["id"][:2], *HISTORY["label"]} & set(columns)
    fields = MATTER if matters else HISTORY
    missing = [fields[name] for name in _NEEDED[matters] if not set(fields[name]) & set(columns)]
    if missing or len(set(columns)) < len(columns):
        wanted = ", ".join(" or ".join(names) for names in missing)
        reason = f"The table has no column {wanted}" if missing else "Two columns have one name"
        reason = f"{reason}; it has {', '.join(columns)}."
        raise InputRefused(file=source.name, line=header.line, reason=reason)
    # By the first of a field's names, so that no other has to be looked for in each row.
    found = {
        names[0]: next(columns.index(name) for name in names if name in columns)
        for names in fields.values()
        if set(names) & set(columns)
    }
    for row in table:
        place = Place(source.name, row.line)
        wrong = undecodable(row.cells)
        if len(row.cells) != len(columns):
            reason = f"The row has {len(row.cells)} cells, and the table {len(columns)} columns."
            yield Refused(place=place, field="", reason=reason)
        elif wrong is not None:
            reason = "The cell is no UTF-8."
            yield Refused(place=place, field=columns[wrong], reason=reason)
        else:
            yield Item(place, {name: row.cells[index] for name, index in found.items()})


class _WrongField(ImporterError):
    """A field is missing, or of another type than it has to be."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def _read_object(found: Json, place: Place) -> "Matter | tuple[str, Row]":
    """Read an object as a matter, or as a row of the matter with an id."""
    inner = found.get("matter")
    if isinstance(inner, dict):
        # A version that the mirror held, with the path of its file.
        found = {**inner, "path": found.get("path", "")}
    if any(name in found for name in HISTORY["id"][:2]):
        return _text(found, HISTORY, "matter", needed=True), _read_row(found, place)
    history = _value(found, MATTER, "history")
    if history is not None and not isinstance(history, list):
        raise _WrongField(MATTER["history"][0], "It is no list.")
    if history is None and "ID" in found:
        # The mirror leaves a history out that has no rows.
        history = []
    return Matter(
        **{name: _text(found, MATTER, name) for name in _PLAIN},
        id=_text(found, MATTER, "id", needed=True),
        file=_text(found, MATTER, "file", needed=True),
        path=_text(found, MATTER, "path"),
        sponsors=tuple(_sponsors(found)),
        history=None
        if history is None
        else tuple(
            _read_row(each, place._replace(part=f"history {number}"))
            for number, each in enumerate(history, 1)
        ),
        place=place,
    )


_PLAIN: Final = ("type", "title", "name", "body", "enactment", "modified")


def _read_row(found: object, place: Place) -> Row:
    if not isinstance(found, dict):
        raise _WrongField("History", "It is no object.")
    return Row(
        id=_text(found, HISTORY, "id", needed=True),
        date=_text(found, HISTORY, "date", needed=True),
        label=_text(found, HISTORY, "label", needed=True),
        body=_text(found, HISTORY, "body"),
        passed=_text(found, HISTORY, "passed"),
        modified=_text(found, HISTORY, "modified"),
        place=place,
    )


def _sponsors(found: Json) -> Iterator[str]:
    """Yield the sponsors; the mirror has places without a name, too."""
    sponsors = _value(found, MATTER, "sponsors")
    if sponsors is not None and not isinstance(sponsors, list):
        raise _WrongField(MATTER["sponsors"][0], "It is no list.")
    for each in sponsors or ():
        if each is not None and not isinstance(each, dict):
            raise _WrongField(MATTER["sponsors"][0], "A sponsor is no object.")
        name = next((each[key] for key in _SPONSOR if key in each), "") if each else ""
        if isinstance(name, str) and name.strip():
            yield one_line(name)


def _value(found: Json, fields: Fields, name: str) -> Any:
    for key in fields[name]:
        value = found.get(key)
        if value is not None:
            return value
    return None


def _text(found: Json, fields: Fields, name: str, *, needed: bool = False) -> str:
    value = _value(found, fields, name)
    if value is None or (type(value) is str and not value.strip()):
        if needed:
            raise _WrongField(fields[name][0], "It is empty.")
        return ""
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise _WrongField(fields[name][0], f"It is no text, but a {type(value).__name__}.")
    return value
