"""What a check of the log finds wrong.

Owns how a finding reads, and how many are looked for. Must not know how they are found.
"""

from enum import StrEnum
from typing import Final

import msgspec

MAX_FINDINGS: Final = 100
"""Enough to see what happened: after that, a check that goes on says the same again and again."""

_SHOWN_CHARACTERS: Final = 60


class Kind(StrEnum):
    """What it is that is wrong."""

    ENTRY = "entry"
    """An entry is missing, is not the one that belongs there, or is not what its row says."""

    LEAF = "leaf"
    """A leaf hash is not that of its entry."""

    PAYLOAD = "payload"
    """An event's data is not what its entry commits to, or is gone, or is there though erased."""

    TILE = "tile"
    """A hash of the tree is not what those below add up to, or a tile cannot be had."""

    HEAD = "head"
    """The head of the log is not at its end, or is that of another tree."""

    CHECKPOINT = "checkpoint"
    """A checkpoint is not of this log, or is not signed by its key."""

    COSIGNATURE = "cosignature"
    """What is said to be a witness's line is not."""

    DIGESTS = "digests"
    """What was recorded of read models on a day belongs to no checkpoint, or cannot be read."""

    DERIVED = "derived"
    """What the write side keeps beside the log does not follow from it."""

    WITHHELD = "withheld"
    """Entries that a signed checkpoint promises are not served, from that position on."""

    SIGNED = "signed"
    """The log is not the one that its signer signed last, as what lies beside the key shows."""

    SEEN = "seen"
    """The log is not the one that was seen before: it was shortened, or is a fork."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong: what it is, at which position, and in which way."""

    kind: Kind
    position: int | None
    what: str

    def __str__(self) -> str:
        place = "" if self.position is None else f"position {self.position}, "
        return f"{place}{self.kind}: {self.what}"


class EnoughFound(Exception):
    """As many findings as are looked for are there."""


class Findings:
    """Takes findings in, up to a bound."""

    def __init__(self, limit: int = MAX_FINDINGS) -> None:
        self.found: list[Finding] = []
        self._limit = limit

    def add(self, kind: Kind, position: int | None, what: str) -> None:
        """Take one in; raises EnoughFound with the last one."""
        self.found.append(Finding(kind, position, what))
        if len(self.found) >= self._limit:
            raise EnoughFound


def shown(value: object) -> str:
    """Return a value in few characters."""
    # Of what is long only the beginning is made into text.
    some = value[:_SHOWN_CHARACTERS] if isinstance(value, str | bytes) else value
    text = some if isinstance(some, str) else str(some)
    cut = len(text) > _SHOWN_CHARACTERS or some != value
    return f"{text[:_SHOWN_CHARACTERS]}…" if cut else text
