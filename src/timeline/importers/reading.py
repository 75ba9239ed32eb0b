"""What an input holds: lines, rows of a table, JSON documents; one at a time, each bounded.

Owns where one ends and the next begins, what each may take at most, and in which line it stands.
Must not know what they mean.
"""

import csv
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from timeline.importers.errors import InputRefused
from timeline.importers.opening import BUFFER_BYTES, Input

MAX_LINE_BYTES: Final = 2 * 1024 * 1024
"""An event's data takes 256 KiB, six times that where each character is written as an escape."""

MAX_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
"""One JSON document, or one item of an array: a bill with all its votes takes some 1 MiB."""

MAX_ROW_BYTES: Final = MAX_LINE_BYTES
"""One row of a table, which may go over several lines."""

MAX_COLUMNS: Final = 1_000

_MARK: Final = b"\xef\xbb\xbf"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Piece(NamedTuple):
    """A line or a document: in which line it begins, from 1, and its bytes."""

    line: int
    raw: bytes


class Row(NamedTuple):
    """A row of a table: in which line it begins, from 1, and its cells."""

    line: int
    cells: list[str]


class _Position:
    """Where one is in an input."""

    def __init__(self, source: Input) -> None:
        self.source = source
        self.line = source.line

    def refused(self, reason: str, line: int | None = None) -> InputRefused:
        return InputRefused(
            file=self.source.name, line=self.line if line is None else line, reason=reason
        )

    def readline(self, limit_bytes: int) -> bytes:
        """Return the next line, as much of it as fits into the limit and one byte more."""
        try:
            raw = self.source.stream.readline(limit_bytes + 1)
        except InputRefused as error:
            raise self.refused(error.reason, self.line + 1) from error
        self.line += bool(raw)
        return raw

    def read(self) -> bytes:
        try:
            return self.source.stream.read1(BUFFER_BYTES)
        except InputRefused as error:
            raise self.refused(error.reason) from error


def lines(source: Input, limit_bytes: int = MAX_LINE_BYTES) -> Iterator[Piece]:
    """Yield the lines of an input that are not blank, holding one at a time.

    Raises:
        InputRefused: naming the file and the line that has more bytes than the limit.

    """
    position = _Position(source)
    while raw := position.readline(limit_bytes):
        if len(raw) > limit_bytes:
            raise position.refused(f"The line is longer than {limit_bytes} bytes.")
        if position.line == 1:
            raw = raw.removeprefix(_MARK)
        if raw.strip():
            yield Piece(position.line, raw)


def rows(source: Input, *, encoding: str = "utf-8", delimiter: str = ",") -> Iterator[Row]:
    """Yield the rows of a table in CSV that are not blank, the header first.

    What is not text in that encoding comes as lone surrogates, so that the row can be refused and
    the next be read: see `undecodable`.

    Raises:
        InputRefused: naming the file and the line from which on no rows can be told apart.

    """
    position = _Position(source)
    fed_bytes = 0

    def fed() -> Iterator[str]:
        nonlocal fed_bytes
        while raw := position.readline(MAX_ROW_BYTES):
            fed_bytes += len(raw)
            if fed_bytes > MAX_ROW_BYTES:
                raise position.refused(f"The row is longer than {MAX_ROW_BYTES} bytes.")
            if position.line == 1:
                raw = raw.removeprefix(_MARK)
            yield raw.decode(encoding, "surrogateescape")

    reader = csv.reader(fed(), delimiter=delimiter, strict=True)
    while True:
        begins = position.line + 1
        fed_bytes = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise position.refused(f"The row cannot be read: {error}", begins) from error
        if len(cells) > MAX_COLUMNS:
            raise position.refused(f"The row has more than {MAX_COLUMNS} cells.", begins)
        if cells:
            yield Row(begins, cells)


def undecodable(cells: list[str]) -> int | None:
    """Return the index of the first cell that was not text in the table's encoding."""
    if "".join(cells).isascii():
        return None
    return next((place for place, cell in enumerate(cells) if _SURROGATE.search(cell)), None)


def documents(source: Input) -> Iterator[Piece]:
    """Yield the JSON documents of an input: its lines, an array's items, or the one it is.

    It is read as lines where its first line is a whole object. An array may be of any length; what
    is in it is told apart by its brackets alone, so each piece may still be no JSON.

    Raises:
        InputRefused: naming the file and the line from which on nothing can be told apart.

    """
    position = _Position(source)
    first = position.readline(MAX_DOCUMENT_BYTES)
    while first and not first.removeprefix(_MARK).strip():
        first = position.readline(MAX_DOCUMENT_BYTES)
    begins = first.removeprefix(_MARK).lstrip()
    if begins.startswith(b"["):
        yield from _items(position, first)
    elif len(first) <= MAX_DOCUMENT_BYTES and _is_object(begins):
        yield Piece(position.line, begins)
        yield from _further(position)
    else:
        yield from _whole(position, first)


def decoded(piece: Piece, source: Input) -> Any:
    """Read a piece as JSON, with numbers as they are; raises InputRefused where it is none."""
    try:
        return msgspec.json.decode(piece.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = f"It is no JSON: {error}"
        raise InputRefused(file=source.name, line=piece.line, reason=reason) from error


def _is_object(raw: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(raw), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _further(position: _Position) -> Iterator[Piece]:
    while raw := position.readline(MAX_DOCUMENT_BYTES):
        if len(raw) > MAX_DOCUMENT_BYTES:
            raise position.refused(f"The line is longer than {MAX_DOCUMENT_BYTES} bytes.")
        if raw.strip():
            yield Piece(position.line, raw)


def _whole(position: _Position, first: bytes) -> Iterator[Piece]:
    begins = position.line
    parts, size_bytes = [first], len(first)
    while size_bytes <= MAX_DOCUMENT_BYTES and (raw := position.read()):
        parts.append(raw)
        size_bytes += len(raw)
    if size_bytes > MAX_DOCUMENT_BYTES:
        reason = f"The JSON document is longer than {MAX_DOCUMENT_BYTES} bytes."
        raise position.refused(reason, begins)
    if raw := b"".join(parts).removeprefix(_MARK):
        yield Piece(begins, raw)


MAX_DEPTH: Final = 100
"""Brackets within brackets: the JSON of legislatures has some ten."""

_TEXT: Final = rb'"(?:[^"\\]++|\\.)*+"'


def _inside(levels: int) -> bytes:
    """Return what matches all that needs no look: up to an open text, or a bracket without its like."""
    pair = rb"|[\[{]" + _inside(levels - 1) + rb"[\]}]" if levels else b""
    return rb'(?:[^"\[\]{}]++|' + _TEXT + pair + rb")*+"


_IN_TEXT: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_IN_ITEM: Final = re.compile(_inside(8), re.DOTALL)
_BETWEEN_ITEMS: Final = re.compile(rb'[^"\[\]{},]*+')


def _items(position: _Position, first: bytes) -> Iterator[Piece]:
    """Yield the items of an array, holding one at a time."""
    splitter = _Splitter(position)
    raw = first.removeprefix(_MARK).lstrip()[1:]
    while raw:
        for item in splitter.feed(raw):
            if len(item.raw) > MAX_DOCUMENT_BYTES:
                raise position.refused(_TOO_LONG, item.line)
            yield item
        if splitter.ended:
            return
        if splitter.held_bytes > MAX_DOCUMENT_BYTES:
            raise position.refused(_TOO_LONG, splitter.begins)
        position.line += raw.count(b"\n")
        raw = position.read()
    raise position.refused("The array has no end.", splitter.begins)


_TOO_LONG: Final = f"The item is longer than {MAX_DOCUMENT_BYTES} bytes."


class _Splitter:
    """Cuts the text of an array into its items, as it comes.

    Each byte is looked at once, and a step is taken for a bracket at most: what lies between, and
    pairs of brackets with little in them, is passed over by a pattern.
    """

    def __init__(self, position: _Position) -> None:
        self.begins = position.line
        self.ended = False
        self._position = position
        self._held = b""
        self._scanned = 0
        self._depth = 0
        self._in_text = False

    @property
    def held_bytes(self) -> int:
        """Bytes of the item that has not ended yet."""
        return len(self._held)

    def feed(self, raw: bytes) -> Iterator[Piece]:
        """Take in more of the text; yield the items that end in it."""
        held = self._held + raw
        start, at = 0, self._scanned
        # A backslash is the last of what came: what it is about has not come yet.
        while (at := self._passed(held, at)) < len(held) and held[at] != _BACKSLASH:
            mark = held[at : at + 1]
            self._step(mark)
            if self._depth > MAX_DEPTH:
                raise self._position.refused(_TOO_DEEP, self.begins + _lines_before(held[start:]))
            if self._depth < 0 or mark == b",":
                between = held[start:at]
                if item := between.strip():
                    yield Piece(self.begins + _lines_before(between), item)
                self.begins += between.count(b"\n")
                if mark == b"," and not item:
                    raise self._position.refused("An item is missing before a comma.", self.begins)
                start = at + 1
            if self._depth < 0:
                self.ended = True
                return
            at += 1
        self._held, self._scanned = held[start:], at - start

    def _passed(self, held: bytes, at: int) -> int:
        """Return where the next mark is that matters, from there on."""
        inside = _IN_ITEM if self._depth else _BETWEEN_ITEMS
        found = (_IN_TEXT if self._in_text else inside).match(held, at)
        return at if found is None else found.end()

    def _step(self, mark: bytes) -> None:
        if mark == b'"':
            self._in_text = not self._in_text
        elif mark in b"[{":
            self._depth += 1
        elif mark in b"]}":
            self._depth -= 1


def _lines_before(item: bytes) -> int:
    """Return how many lines end before an item begins."""
    return item.count(b"\n", 0, len(item) - len(item.lstrip()))


_TOO_DEEP: Final = f"There are more than {MAX_DEPTH} brackets within each other."
_BACKSLASH: Final = ord("\\")
