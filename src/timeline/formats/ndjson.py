"""NDJSON: one JSON document a line.

Owns the form of a line. Must not know what the documents are.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

MEDIA_TYPE: Final = "application/x-ndjson"

_ENCODER: Final = msgspec.json.Encoder()


def line(document: Any) -> bytes:
    """Return a document as one line, with its end; `msgspec.Raw` in it is taken as it stands.

    JSON writes a line break within text as an escape, so the only one is at the end. What is
    raw has to be canonical, as the record's data is.
    """
    return _ENCODER.encode(document) + b"\n"


def lines(documents: Sequence[Any]) -> bytes:
    """Return documents as lines, as `line` does, all in one piece."""
    return _ENCODER.encode_lines(documents)
