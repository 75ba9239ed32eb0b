"""Checks what the write side keeps beside the log against the log.

Owns what is said of rows that do not follow from it. Must not know how they are found.

All of it is read in one snapshot: it changes with each append. What it follows from has to be right,
so this comes last, and only where nothing else is wrong.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine

from timeline.application.findings import Findings, Kind, shown
from timeline.domain.events import Stance
from timeline.eventstore import write_side
from timeline.eventstore.database import read_snapshot
from timeline.eventstore.walking import held

UNCHECKED: Final = (
    "by which jurisdiction, topics, actors, identifiers and targets events are found, and what the"
    " heads of policies say but for version and registration: not compared with payloads"
)
"""What is derived from payloads, which to read for that would take as long as all the rest."""


class _Told(msgspec.Struct, frozen=True):
    """What is read of the data of an event of which more is kept than its entry says."""

    duplicate: str | None = None
    stance: str | None = None


_told: Final = msgspec.json.Decoder(_Told)


def check_write_side(engine: Engine, findings: Findings) -> None:
    """Compare what the write side keeps with the log, as far as entries tell."""
    with read_snapshot(engine) as connection:
        for check in _CHECKS:
            check(connection, findings)


def _heads(connection: Connection, findings: Findings) -> None:
    wrong = write_side.heads(connection)
    for policy, version, last in wrong:
        what = (
            f"the head of {shown(policy)} is at version {shown(version)}, its last event at {last}"
        )
        if version == last:
            what = f"the head of {shown(policy)} says that another event registered it than did"
        findings.add(Kind.DERIVED, None, what)
    # Versions can be added up where each is a version.
    for position, policy in () if wrong else write_side.headless(connection):
        findings.add(Kind.DERIVED, position, f"the policy {shown(policy)} has no head")


def _marks(connection: Connection, findings: Findings) -> None:
    for id, position, *marks in write_side.wrong_marks(connection):
        if position is None:
            findings.add(Kind.DERIVED, None, f"{shown(id)} is marked, and no event")
            continue
        count = len(write_side.MARKS)
        for name, wrong, mark in zip(write_side.MARKS, marks[:count], marks[count:], strict=True):
            if wrong:
                what = f"it is kept with {name} {shown(mark)}, which no event says"
                findings.add(Kind.DERIVED, position, what)
    for position, type, event in write_side.missing_marks(connection):
        what = f"as {type} it names {shown(event)}, which is not kept as what that leaves"
        findings.add(Kind.DERIVED, position, what)


def _told_by_data(connection: Connection, findings: Findings) -> None:
    for position, data, duplicate, disputes in write_side.telling(connection):
        try:
            told = _told.decode(held(data, bytes) or b"")
        except (msgspec.MsgspecError, UnicodeError):
            told = _Told()
        if told.duplicate != duplicate:
            what = (
                f"it is kept with duplicate {shown(duplicate)}, and merges {shown(told.duplicate)}"
            )
            findings.add(Kind.DERIVED, position, what)
        if (told.stance == Stance.DISPUTES.value) != bool(disputes):
            what = "whether it disputes is not kept as its data says"
            findings.add(Kind.DERIVED, position, what)


def _tags(connection: Connection, findings: Findings) -> None:
    strays = write_side.strays(connection)
    for kind, value, position in strays:
        what = (
            f"there is a tag {shown(kind)} {shown(value)} at {shown(position)}, which can be none"
        )
        findings.add(Kind.DERIVED, None, what)
    # Positions can be added up where each is a position.
    for position, number in () if strays else write_side.untagged(connection):
        what = f"it is found by {number} jurisdictions, and each event by one"
        findings.add(Kind.DERIVED, held(position, int), what)


_CHECKS: Final[tuple[Callable[[Connection, Findings], None], ...]] = (
    _heads,
    _marks,
    _told_by_data,
    _tags,
)
