"""JSON in one form only: the strict reader and the RFC 8785 writer.

Owns which JSON values the record takes (no floats, no integers beyond ±(2**53-1), no U+0000 or lone
surrogates, no duplicate keys, no nesting deeper than `MAX_DEPTH`) and the one byte sequence that
stands for each. Must not know events, entries or schemas.

Source of the format: RFC 8785 (JSON Canonicalization Scheme), with integers as the only numbers.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from typing import Final, NoReturn

import msgspec

from timeline.transparency.errors import CanonicalError, MalformedJson

MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8785, appendix D)."""

MAX_DEPTH: Final = 32
"""Arrays and objects within each other: several times what a request needs, far from any stack."""

# "-9007199254740991" has 17 characters: a longer number is out of bounds by its first 18 alone, so
# one of a million digits is never converted.
_INTEGER_CHARACTERS: Final = 18
_PATH_KEY_CHARACTERS: Final = 64  # A key is the sender's text: an error does not echo a long one.

_ASTRAL_BYTES: Final = re.compile(rb"[\xf0-\xf4]")
_SUSPECT_ESCAPE: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
# Strings are consumed whole, unfinished ones too, and possessively: no input makes it backtrack.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def encode(value: object) -> bytes:
    """Write a JSON value as its one canonical byte sequence (RFC 8785).

    Takes dicts with text keys, lists, tuples, text, integers, booleans and None, at most
    `MAX_DEPTH` deep. Raises CanonicalError, with the place as `path`, for everything else.
    """
    try:
        _check(value, MAX_DEPTH)
    except _RefusedError as refused:
        raise CanonicalError(path=refused.path, reason=refused.reason) from None
    encoded = _sorting_encoder.encode(value)
    # RFC 8785 sorts keys by UTF-16 code units and msgspec by code points: the two orders differ
    # only where characters beyond the basic plane meet others.
    if not encoded.isascii() and _ASTRAL_BYTES.search(encoded) is not None:
        return _plain_encoder.encode(_sorted_by_utf16(value))
    return encoded


def parse(raw: bytes) -> object:
    """Read strict JSON: whatever `encode` writes, in any spelling that JSON allows for it.

    Takes UTF-8 without a byte order mark. Raises MalformedJson: with `path` where a value is
    refused, with `line` and `column` (both from 1) where the text is no JSON.
    """
    text = _decode_utf8(raw)
    _refuse_deep_nesting(text)
    try:
        return _read(text)
    except _RefusedError as refused:
        raise MalformedJson(path=refused.path, reason=refused.reason) from None
    except json.JSONDecodeError as error:
        # Two of the reader's messages end in "at", for a place that stands elsewhere here.
        reason = error.msg.removesuffix(" at")
        raise MalformedJson(reason=reason, line=error.lineno, column=error.colno) from None


# ---- The rules on values, and the place where one is broken ----


class _RefusedError(Exception):
    """A rule is broken; the path grows from the inside out while the error travels up."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = ""

    def prepend(self, step: str) -> None:
        """Put one step that leads to the refused place before its path."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        self.path = f"{step}{joint}{self.path}"


class _Members(tuple[tuple[str, object], ...]):
    """An object as it was written: its members in order, duplicate keys included."""

    __slots__ = ()


def _check(value: object, depth_left: int) -> None:
    """Raise _RefusedError, with the path, at the first thing that the record does not take."""
    if type(value) is str:
        _check_text(value)
    elif type(value) is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise _RefusedError("an integer beyond ±(2**53-1)")
    elif type(value) is dict:
        _check_members(value.items(), depth_left)
    elif type(value) is list or type(value) is tuple:
        _check_items(value, depth_left)
    elif type(value) is _Members:
        _check_members(_without_duplicates(value), depth_left)
    elif isinstance(value, float):
        finite = math.isfinite(value)
        raise _RefusedError("a fraction or an exponent" if finite else "NaN or an infinity")
    elif isinstance(value, StrEnum):
        _check_text(value.value)
    elif not (value is None or value is True or value is False):
        raise _RefusedError(f"{type(value).__name__} is no JSON value")


def _check_text(text: str, where: str = "text") -> None:
    if "\0" in text:
        raise _RefusedError(f"U+0000 in {where}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _RefusedError(f"a lone surrogate in {where}") from None


def _check_members(members: Iterable[tuple[object, object]], depth_left: int) -> None:
    if not depth_left:
        raise _RefusedError(f"nested deeper than {MAX_DEPTH}")
    for key, value in members:
        # A refused key is not named in the path: it could not be shown.
        if not isinstance(key, str):
            raise _RefusedError("a key that is no text")
        _check_text(key, "a key")
        try:
            _check(value, depth_left - 1)
        except _RefusedError as refused:
            refused.prepend(_shown(key))
            raise


def _check_items(items: Iterable[object], depth_left: int) -> None:
    if not depth_left:
        raise _RefusedError(f"nested deeper than {MAX_DEPTH}")
    for index, item in enumerate(items):
        try:
            _check(item, depth_left - 1)
        except _RefusedError as refused:
            refused.prepend(f"[{index}]")
            raise


def _without_duplicates(members: _Members) -> Iterator[tuple[str, object]]:
    seen: set[str] = set()
    for key, value in members:
        if key in seen:
            _check_text(key, "a key")
            refused = _RefusedError("a duplicate key")
            refused.prepend(_shown(key))
            raise refused
        seen.add(key)
        yield key, value


def _shown(key: str) -> str:
    """Make a key fit to stand in one line of a message."""
    shown = key if len(key) <= _PATH_KEY_CHARACTERS else f"{key[:_PATH_KEY_CHARACTERS]}…"
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown)


# ---- Writing ----

_sorting_encoder: Final = msgspec.json.Encoder(order="deterministic")
_plain_encoder: Final = msgspec.json.Encoder()


def _sorted_by_utf16(value: object) -> object:
    """Rebuild a checked value with the keys of its objects in RFC 8785's order."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _sorted_by_utf16(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_sorted_by_utf16(item) for item in value]
    return value


# ---- Reading ----


def _decode_utf8(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise MalformedJson(reason="a byte order mark", line=1, column=1)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        read = raw[: error.start].decode()
        line, column = _line_and_column(read, len(read))
        raise MalformedJson(reason="bytes that are not UTF-8", line=line, column=column) from None


def _refuse_deep_nesting(text: str) -> None:
    """Refuse by its brackets what is nested too deeply, before a recursive reader meets it."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        character = text[token.start()]
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                line, column = _line_and_column(text, token.start())
                raise MalformedJson(
                    reason=f"nested deeper than {MAX_DEPTH}", line=line, column=column
                )
        elif character in "]}":
            depth -= 1


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - line_start + 1


def _read(text: str) -> object:
    """Read fast where nothing is suspect, else read twice: once to find what is wrong, and where."""
    if "\\u" not in text or _SUSPECT_ESCAPE.search(text) is None:
        # The reader's hooks know that something is wrong, but not where.
        with suppress(_RefusedError):
            return _fast_reader.decode(text)
    _check(_exact_reader.decode(text), MAX_DEPTH)
    return _fast_reader.decode(text)  # Suspect escapes, but each with its other half.


def _unique_members(members: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(members)
    if len(read) != len(members):
        raise _RefusedError("a duplicate key")
    return read


def _bounded_integer(digits: str) -> int:
    number = int(digits[:_INTEGER_CHARACTERS])
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise _RefusedError("an integer beyond ±(2**53-1)")
    return number


def _refuse_float(_number: str) -> NoReturn:
    raise _RefusedError("a float")


_fast_reader: Final = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_int=_bounded_integer,
    parse_float=_refuse_float,
    parse_constant=_refuse_float,
)
_exact_reader: Final = json.JSONDecoder(
    object_pairs_hook=_Members,
    parse_int=lambda digits: int(digits[:_INTEGER_CHARACTERS]),
    parse_float=lambda _number: 0.5,  # Any will do: it is refused for being there.
    parse_constant=float,
)
