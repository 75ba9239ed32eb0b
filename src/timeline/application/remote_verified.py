"""What a check of a log from outside came to.

Owns how "it is wrong" is told from "it could not be read". Must not know how a log is checked.
"""

from enum import StrEnum
from typing import Final

import msgspec

from timeline.application.findings import Finding

UNCHECKED: Final = (
    (
        "payloads, of which tiles hold hashes alone: an audit pack opens all of them, and"
        " `timeline proof --check` an event that was saved with its proof"
    ),
)


class Outcome(StrEnum):
    """What may be said of a log after its check."""

    VERIFIED = "verified"
    """It is as it has to be, and each witness that was asked for has cosigned."""

    WRONG = "wrong"
    """Something was found, or a witness's line is missing; what was not reached may be wrong, too."""

    UNREACHABLE = "unreachable"
    """It could not be read, or not to its end: nothing was found, and nothing is proven."""


class RemotelyVerified(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked over HTTP, and what was found wrong.

    Attributes:
        outcome: what may be said of it.
        ok: whether it was verified.
        reachable: whether it could be read as far as was asked.
        unread: why not, where that is so.
        origin: the log's name.
        size: how many entries its checkpoint has.
        root: the checkpoint's root hash, in hexadecimal digits.
        entries: how many were fetched and checked.
        tiles: tiles of hashes that were fetched and compared.
        seen: the sizes of the checkpoints seen before that it was compared with.
        witnesses: of those asked for, the ones that have cosigned the checkpoint.
        not_cosigned: the ones that have not.
        unchecked: what was not checked, and why.
        findings: what is wrong.
        complete: whether the check came to its end; it stops where too much is wrong, or missing.
        checkpoint: the signed note that was served.
        evidence: of two checkpoints that contradict each other, both notes.

    """

    outcome: Outcome
    ok: bool
    reachable: bool
    unread: str | None
    origin: str
    size: int
    root: str | None
    entries: int
    tiles: int
    seen: tuple[int, ...]
    witnesses: tuple[str, ...]
    not_cosigned: tuple[str, ...]
    unchecked: tuple[str, ...]
    findings: tuple[Finding, ...]
    complete: bool
    checkpoint: str
    evidence: tuple[str, ...]
