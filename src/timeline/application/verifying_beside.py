"""Checks what lies beside the entries: the head, listed keys, digests, and rows that belong to nothing.

Owns what has to be so of these. Must not know what has to be so of an event, the tree or a checkpoint.

Columns are taken as whatever stands in them: where constraints were dropped, that may be anything.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from timeline.application.findings import Findings, Kind, shown
from timeline.application.verifying_tree import Tree
from timeline.eventstore.published import readable_digests
from timeline.eventstore.stops import Stop
from timeline.eventstore.walking import MAX_TILE_LEVEL, Ends, held
from timeline.transparency.errors import TransparencyError, WrongKey
from timeline.transparency.keys import VerifierKey
from timeline.transparency.merkle import Frontier
from timeline.transparency.tiles import HEIGHT

_STRAYS: Final = {
    "log_checkpoints": (Kind.CHECKPOINT, "there is a checkpoint"),
    "log_cosignatures": (Kind.COSIGNATURE, "there is a cosignature"),
    "log_digests": (Kind.DIGESTS, "there are digests"),
}


def listed(rows: Iterable[Any], findings: Findings) -> Iterator[VerifierKey]:
    """Yield the keys that the database lists, as far as they are keys.

    Args:
        rows: each a key as it is written, the size of its first checkpoint, and that of the
            checkpoint of that size, if there is one.
        findings: take what is wrong.

    """
    for text, first_size, there in rows:
        try:
            yield VerifierKey.parse(held(text, str) or "")
        except WrongKey as error:
            findings.add(Kind.CHECKPOINT, None, f"a key that is listed: {error}")
        if there is None:
            what = f"a key is listed from {shown(first_size)} entries on, where no checkpoint is"
            findings.add(Kind.CHECKPOINT, None, what)


def check_head(ends: Ends, recorded_at: str, tree: Tree, findings: Findings) -> None:
    """Compare where the log ends with where its head says that it does.

    Args:
        ends: where the log ends, by each of its tables.
        recorded_at: when its last entry was.
        tree: of all entries.
        findings: take what is wrong.

    """
    if [held(row.id, int) for row in ends.heads] != [1]:
        findings.add(Kind.HEAD, None, "it is not the one row, of number 1, that it has to be")
    for head in ends.heads[:1]:
        if head.stopped is not None:
            # Whoever checks without the key, or what lies beside it, cannot find that out again.
            what = f"whoever has the key found it to be another log ({Stop.read(head.stopped)})"
            findings.add(Kind.SIGNED, None, what)
        position = held(head.position, int)
        if position is None:
            what = f"its position {shown(head.position)} is no number"
            findings.add(Kind.HEAD, None, what)
            continue
        if position != ends.entries:
            what = f"it says that there are {position} entries; the last is {ends.entries}"
            if position < ends.entries:
                # The head of a copy moves last; else it is that of a log to which something was added.
                what += ", as where a log was copied here in part (`timeline copy` carries it on)"
            findings.add(Kind.HEAD, min(position, ends.entries) + 1, what)
        elif head.recorded_at != (recorded_at or None):
            at = shown(head.recorded_at)
            what = f"it was moved at {at}, and not when the last entry was recorded"
            findings.add(Kind.HEAD, tree.size, what)
        _check_frontier(position, head.frontier, tree, findings)


def _check_frontier(position: int, raw: object, tree: Tree, findings: Findings) -> None:
    try:
        frontier = Frontier.from_bytes(position, held(raw, bytes) or b"")
    except TransparencyError as error:
        findings.add(Kind.HEAD, None, str(error))
        return
    if held(raw, bytes) is None:
        findings.add(Kind.HEAD, None, "its tree is no bytes")
    elif position == tree.size and not tree.ends_at(frontier):
        findings.add(Kind.HEAD, tree.size, "its tree is not that of the entries")


def check_outside(ends: Ends, rows: int, findings: Findings) -> None:
    """Say what there is before the first position, and after the last entry.

    Args:
        ends: where the log ends, by each of its tables.
        rows: how many entries were met between the two.
        findings: take what is wrong.

    """
    if ends.rows != rows:
        what = f"{ends.rows - rows} rows are at no position of a log"
        findings.add(Kind.ENTRY, None, what)
    for position in (ends.first_payload, ends.payloads):
        if ends.payloads and not 1 <= position <= ends.entries:
            findings.add(Kind.PAYLOAD, position, "it has a payload, and no entry")
    for table, (kind, what) in _STRAYS.items():
        for size in ends.strays[table]:
            # One that is too large tells of entries that are missing after the last.
            after = (held(size, int) or 0) > ends.entries
            told = f"{what} of {shown(size)} entries, and there are {ends.entries}"
            findings.add(kind, ends.entries + 1 if after else None, told)
    for level, first, last in ends.nodes:
        _check_reach(level, first, last, ends.entries, findings)


def _check_reach(level: Any, first: Any, last: Any, size: int, findings: Findings) -> None:
    if held(level, int) is None or not 1 <= level < MAX_TILE_LEVEL:
        findings.add(Kind.TILE, None, f"there is no level {shown(level)} of hashes of tiles")
        return
    for number in dict.fromkeys((first, last)):
        if held(number, int) is None or number < 0:
            what = f"there is no hash number {shown(number)} of level {level}"
            findings.add(Kind.TILE, None, what)
        elif number >= size >> (HEIGHT * level):
            what = f"tile {level}/{number >> HEIGHT} has hashes of more than all entries"
            findings.add(Kind.TILE, None, what)


def check_digests(rows: Iterable[Any], findings: Findings) -> int:
    """Check that digests are those of a day's checkpoint, as far as can be without the read models.

    Args:
        rows: each a day, a size, the digests, and when the checkpoint of that size was signed.
        findings: take what is wrong.

    Returns:
        How many days have digests.

    """
    days = 0
    for day, size, digests, signed_at in rows:
        days += 1
        position = held(size, int)
        if signed_at is None:
            what = f"there are digests of {shown(size)} entries, and no such checkpoint"
            findings.add(Kind.DIGESTS, position, what)
        elif not _is_day(day) or day != str(signed_at)[: len(day)]:
            what = f"they are of the day {shown(day)}, and their checkpoint of {shown(signed_at)}"
            findings.add(Kind.DIGESTS, position, what)
        if not readable_digests(held(digests, str) or ""):
            findings.add(Kind.DIGESTS, position, "they cannot be read")
    return days


def _is_day(value: object) -> bool:
    try:
        return date.fromisoformat(held(value, str) or "").isoformat() == value
    except ValueError:
        return False
