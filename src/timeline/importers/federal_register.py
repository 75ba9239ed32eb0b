"""Executive orders as the Federal Register gives them: its API's JSON, or a table.

Owns which fields are read and what is refused. Must not know what the notes mean: that is
`disposition_notes` and `executive_orders`.

JSON: pages with `results`, arrays, or documents, one a line or alone. Fields: executive_order_number,
title, signing_date, publication_date, document_number, citation, html_url, president, and the notes in
disposition_notes or executive_order_notes. A table has these as its columns, or `number` and `notes`.
Source of the fields: https://www.federalregister.gov/developers/documentation/api/v1

An order is done to by orders that come later in the input, and each side's notes speak of the other.
So all orders are read before the first is told; they are few and their notes are short.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from timeline.importers.disposition_notes import Unread, read_notes
from timeline.importers.errors import InputRefused
from timeline.importers.executive_orders import SYSTEM, Edge, Order, sketches
from timeline.importers.json_fields import mapping, text
from timeline.importers.json_items import Item, items
from timeline.importers.opening import Input
from timeline.importers.reading import Row, rows, undecodable
from timeline.importers.sketch import Found, Note, NoteKind, Place, Refused, Sketch

MAX_ORDERS: Final = 50_000
"""All are held at once: there are some 14,000 since 1862, in some 30 MB."""

MAX_HELD_CHARACTERS: Final = 64 * 1024 * 1024
"""Of all orders' notes together: those of 733 orders have 130,000."""

_NUMBER: Final = re.compile(r"[0-9]{1,5}(-[A-Z])?")
_NUMBER_FIELDS: Final = ("executive_order_number", "number")
_NOTES_FIELDS: Final = ("disposition_notes", "executive_order_notes", "notes")


class FederalRegister:
    """Reads executive orders and what their notes say of each other.

    Attributes:
        policies: how many orders there are, once all are read.

    """

    system: str = SYSTEM

    def __init__(self, inputs: Iterable[Input]) -> None:
        """Take the inputs, which are opened one after the other."""
        self.policies: int | None = None
        self._inputs = inputs
        self._orders: dict[str, Order] = {}
        self._edges: list[Edge] = []
        self._held_characters = 0

    def read(self) -> Iterator[Found]:
        """Yield what cannot be read, then each order with what all notes say of it.

        While an order cannot be read, nothing is taken back: its notes speak of others.
        """
        readable = True
        for found in self._read():
            readable &= not isinstance(found, Refused)
            yield found
        self.policies = len(self._orders)
        for drawn in sketches(self._orders, self._edges):
            if isinstance(drawn, Sketch) and not readable:
                yield msgspec.structs.replace(drawn, whole=False)
            else:
                yield drawn

    def _read(self) -> Iterator[Found]:
        for source in self._inputs:
            for found in _documents(source):
                if isinstance(found, Refused):
                    yield found
                else:
                    yield from self._take_in(*found)

    def _take_in(self, place: Place, fields: Mapping[str, Any]) -> Iterator[Found]:
        if not text(fields, *_NUMBER_FIELDS):
            about = "documents that are no executive orders"
            yield Note(kind=NoteKind.LEFT_OUT, about=about, place=place)
            return
        order = _order(place, fields)
        if isinstance(order, Refused):
            yield order
            return
        known = self._orders.setdefault(order.number, order)
        if known is not order:
            if known._replace(place=place) != order:
                reason = f"EO {order.number} stands in {known.place} already, otherwise"
                yield Refused(place=place, field="executive_order_number", reason=reason)
            return
        notes = text(fields, *_NOTES_FIELDS)
        self._hold(place, notes)
        for said in read_notes(notes):
            if isinstance(said, Unread):
                kind = NoteKind.DOUBTFUL if said.doubtful else NoteKind.LEFT_OUT
                yield Note(kind=kind, about=said.about, place=place)
            elif said.other == order.number:
                about = "an order that acts on itself"
                yield Note(kind=NoteKind.LEFT_OUT, about=about, place=place)
            else:
                ends = (order.number, said.other)
                actor, target = reversed(ends) if said.inverse else ends
                self._edges.append(
                    Edge(
                        actor,
                        target,
                        said.verb,
                        said.partial,
                        order.number,
                        said.inverse,
                        said.cited,
                    )
                )

    def _hold(self, place: Place, notes: str) -> None:
        """Count what is held; raises InputRefused where it is too much."""
        self._held_characters += len(notes)
        for count, limit, what in (
            (len(self._orders), MAX_ORDERS, "executive orders"),
            (self._held_characters, MAX_HELD_CHARACTERS, "characters of notes"),
        ):
            if count > limit:
                reason = f"There are more than {limit} {what}, which are held at once"
                raise InputRefused(file=place.file, line=place.line, reason=reason)


def _order(place: Place, fields: Mapping[str, Any]) -> Order | Refused:
    number = text(fields, *_NUMBER_FIELDS).upper()
    if not _NUMBER.fullmatch(number):
        reason = f"{number[:40]!r} is no number of an executive order, such as 13526 or 199-A"
        return Refused(place=place, field="executive_order_number", reason=reason)
    signed = text(fields, "signing_date")
    published = text(fields, "publication_date")
    if not _is_day(signed or published):
        reason = f"{(signed or published)[:40]!r} is no day in ISO's form, such as 2009-12-29"
        return Refused(place=place, field="signing_date", reason=reason)
    return Order(
        number=number,
        signed=signed or f"../{published}",
        document=text(fields, "document_number"),
        citation=text(fields, "citation"),
        title=" ".join(text(fields, "title").split()),
        url=text(fields, "html_url"),
        president=text(mapping(fields, "president"), "name"),
        place=place,
    )


def _is_day(words: str) -> bool:
    try:
        return date.fromisoformat(words).isoformat() == words
    except ValueError:
        return False


def _documents(source: Input) -> Iterator[Item | Refused]:
    begins = source.begins(512).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    yield from items(source) if begins in (b"[", b"{") else _from_table(source)


def _from_table(source: Input) -> Iterator[Item | Refused]:
    table = rows(source)
    header = next(table, Row(1, [])).cells
    if not set(_NUMBER_FIELDS).intersection(header):
        reason = f"No column of the table is named {' or '.join(_NUMBER_FIELDS)}"
        raise InputRefused(file=source.name, line=1, reason=reason)
    for row in table:
        place = Place(source.name, row.line)
        broken = undecodable(row.cells)
        if len(row.cells) != len(header):
            reason = f"The row has {len(row.cells)} cells, the header {len(header)}"
            yield Refused(place=place, field="", reason=reason)
        elif broken is not None:
            yield Refused(place=place, field=header[broken], reason="It is no UTF-8 text")
        else:
            yield Item(place, dict(zip(header, row.cells, strict=True)))
