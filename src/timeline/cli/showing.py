"""Text of strangers on a terminal: what a server, a log, a database or a file says.

Owns what of it is shown. Whoever writes an entry, runs a witness or answers for a log chooses such
text, and a terminal obeys some characters: it moves, hides and rewrites what stands there already.
"""

import re
from typing import Final

import msgspec

SHOWN_CHARACTERS: Final = 200
"""Enough to tell what it is; a finding is not to push the others out of sight."""

# Controls (C0, DEL, C1), marks that turn the direction of text, other ends of lines, and halves of
# pairs, which no stream takes.
_OBEYED: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return text on one line with what a terminal obeys as escapes, which are JSON's as well."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def shown(text: object, limit: int = SHOWN_CHARACTERS) -> str:
    """Return the beginning of a text, visible."""
    whole = str(text)
    return visible(whole if len(whole) <= limit else f"{whole[:limit]}…")


def document(value: object) -> str:
    """Return a value as JSON, whole, on one line that says the same to a program."""
    return visible(msgspec.json.encode(value).decode())
