"""PostgreSQL's arrays, as parameters in its binary format.

Owns that format, for the three kinds of list that a batch is made of. The driver's own adapter asks
of each element what it is, which takes longer than all else that a group's commit does here.

Source of the format: `array_recv` in PostgreSQL's `src/backend/utils/adt/arrayfuncs.c`.
"""

from collections.abc import Iterable, Sequence
from struct import Struct, pack
from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_BYTEA: Final = 17
_INT8: Final = 20
_TEXT: Final = 25

_head: Final = Struct("!iiIii").pack
_length: Final = Struct("!i").pack
_NULL: Final = _length(-1)


class Texts(bytes):
    """A `text[]`."""

    __slots__ = ()

    @classmethod
    def of(cls, values: Iterable[str | None]) -> "Texts":
        """Write texts, or NULL for None."""
        return cls(_array(_TEXT, [None if value is None else value.encode() for value in values]))


class Blobs(bytes):
    """A `bytea[]`."""

    __slots__ = ()

    @classmethod
    def of(cls, values: Iterable[bytes]) -> "Blobs":
        """Write bytes."""
        return cls(_array(_BYTEA, list(values)))


class Numbers(bytes):
    """A `bigint[]`."""

    __slots__ = ()

    @classmethod
    def of(cls, values: Sequence[int]) -> "Numbers":
        """Write whole numbers of at most 64 bits."""
        if not values:
            return cls(_array(_INT8, []))
        pairs = [part for value in values for part in (8, value)]
        return cls(_head(1, 0, _INT8, len(values), 1) + pack("!" + "iq" * len(values), *pairs))


def _array(element: int, values: list[bytes | None] | list[bytes]) -> bytes:
    if not values:
        return _head(0, 0, element, 0, 0)[:12]
    parts = [_head(1, int(None in values), element, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts.append(_length(len(value)))
            parts.append(value)
    return b"".join(parts)


class _AsIs(Dumper):
    """Sends what is written already."""

    format = Format.BINARY

    def dump(self, obj: bytes) -> Buffer | None:
        return obj


class _TextsDumper(_AsIs):
    oid = 1009


class _BlobsDumper(_AsIs):
    oid = 1001


class _NumbersDumper(_AsIs):
    oid = 1016


def register(connection: psycopg.Connection[Any]) -> None:
    """Have a connection take these arrays as parameters."""
    connection.adapters.register_dumper(Texts, _TextsDumper)
    connection.adapters.register_dumper(Blobs, _BlobsDumper)
    connection.adapters.register_dumper(Numbers, _NumbersDumper)
