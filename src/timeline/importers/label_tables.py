"""Tables that turn a source's words into those of the record: the package's own, and a user's.

Owns how both become one. Must not know any source.
"""

import re
from importlib.resources import files
from typing import Any, TypeVar

import msgspec

from timeline.importers.errors import InputRefused

MAX_TABLES_BYTES = 1024 * 1024
"""Of a user's file: some ten thousand rows."""

_NAMED = re.compile(r"at `\$\.(\w+)\.(\w+)`$")

Tables = TypeVar("Tables", bound=msgspec.Struct)


def read_tables(kind: type[Tables], name: str, file: str = "", raw: bytes = b"") -> Tables:
    """Return the tables of a source.

    Args:
        kind: the struct that they make.
        name: the source's.
        file: the name of the user's file, whose rows come first and replace those of the same name.
        raw: what is in that file.

    Raises:
        InputRefused: naming the table and the row of the user's file that is not what it has to be.

    """
    own = files("timeline.importers").joinpath("labels", f"{name}.toml").read_bytes()
    tables: dict[str, Any] = msgspec.toml.decode(own)
    if file:
        for title, rows in _further(file, raw).items():
            known = tables.get(title)
            if isinstance(rows, dict) and isinstance(known, dict):
                tables[title] = rows | {k: v for k, v in known.items() if k not in rows}
            else:
                tables[title] = rows
    try:
        return msgspec.convert(tables, kind)
    except msgspec.ValidationError as error:
        named = _NAMED.search(str(error))
        row = f"[{named[1]}] {named[2]}: " if named else _row(kind, tables)
        reason = f"{row}{str(error).partition(' - at ')[0]}"
        raise InputRefused(file=file, line=0, reason=reason) from error


def _row(kind: type[Tables], tables: dict[str, Any]) -> str:
    """Return which table and row are not what they have to be, which msgspec does not say."""
    for title, rows in tables.items():
        for name, value in rows.items() if isinstance(rows, dict) else ():
            try:
                msgspec.convert(tables | {title: {name: value}}, kind)
            except msgspec.ValidationError as error:
                if f"$.{title}[" in str(error):
                    return f"[{title}] {name}: "
        if not isinstance(rows, dict):
            return f"{title}: "
    return ""


def _further(file: str, raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_TABLES_BYTES:
        raise InputRefused(file=file, line=0, reason=f"It is longer than {MAX_TABLES_BYTES} bytes")
    try:
        tables: dict[str, Any] = msgspec.toml.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputRefused(file=file, line=0, reason=f"It is no TOML: {error}") from error
    return tables
