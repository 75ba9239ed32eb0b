"""Moving a log to another database: what is carried, what is compared, and when it counts.

Owns the steps of a copy and what may change in a database that takes one. Must not know terminals,
nor how rows are written (`eventstore.copying`). Read models are not carried: they are derived, and
built where they are served.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, Table, select

from timeline.application.access import tokens
from timeline.eventstore import stopping
from timeline.eventstore.copying import (
    PUBLISHED,
    WRITE_SIDE,
    Allows,
    anything,
    append_only,
    check_mirror,
    check_same,
    compare_events,
    compare_rows,
    copy_events,
    finish,
    mirror,
    newest_checkpoint,
)
from timeline.eventstore.database import read_snapshot
from timeline.eventstore.model import Head
from timeline.eventstore.rows import Values
from timeline.eventstore.tables import log_head
from timeline.transparency.merkle import Frontier

Report = Callable[[int, int], None]


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """A log that was copied: where it ends now, and what of it came just now.

    Attributes:
        position: the log's end, in both databases.
        root: its root hash, in base64.
        copied: how many events this run copied.
        known: how many were there before.
        checkpoint: the size of the newest checkpoint, whose root the copy has; None without one.
        unopened: how many payloads are not what their entries commit to, here as there.
        first_unopened: the position of the first of them.

    """

    position: int
    root: str
    copied: int
    known: int
    checkpoint: int | None
    unopened: int
    first_unopened: int | None


class _Unopened:
    """Counts payloads that are not what their entries commit to."""

    def __init__(self) -> None:
        self.count = 0
        self.first: int | None = None

    def add(self, position: int) -> None:
        """Take one in."""
        self.count += 1
        self.first = position if self.first is None else self.first


def revoking(before: Values | None, after: Values | None) -> bool:
    """Allow tokens to come, and to be revoked; none is ever valid again."""
    if before is None or after is None:
        return before is None
    revoked = [column.name for column in tokens.c].index(tokens.c.revoked_at.name)
    others = (row[:revoked] + row[revoked + 1 :] for row in (before, after))
    return before[revoked] is None and next(others) == next(others)


_KEPT: Final[tuple[tuple[Table, Allows], ...]] = (
    *((table, append_only) for table in PUBLISHED),
    (tokens, revoking),
)
"""Rows that a database has beside its log, and may not lose or change."""

_CARRIED: Final = (*_KEPT, *((table, anything) for table in WRITE_SIDE))
"""All that is carried beside entries and payloads."""


class Copying:
    """A log as it stood at one moment, on its way into another database."""

    def __init__(self, source: Connection, target: Engine) -> None:
        """Look at both; nothing is written yet.

        Raises:
            AnotherLog: the target holds what this log does not.

        """
        self._source = source
        self._target = target
        self._head = _head(source)
        self._stopped = stopping.of(source)
        self._found = check_same(source, target, self._head.position)
        for table, allows in _KEPT:
            check_mirror(source, target, table, allows)

    def carry(self, on_progress: Report) -> None:
        """Write what the target lacks; it is told the position reached and the last one.

        Raises:
            AnotherLog: somebody else writes into the target.

        """
        last = self._head.position
        for position in copy_events(self._source, self._target, self._found, last):
            on_progress(position, last)
        for table, allows in _CARRIED:
            mirror(self._source, self._target, table, allows)

    def finish(self, on_progress: Report) -> Copied:
        """Read all of it again, compare it, and have it count: the target's head moves to its end.

        Raises:
            CopyDiffers: what was written is not what was read.
            AnotherLog: somebody else writes into the target.

        """
        head = self._head
        checkpoint = newest_checkpoint(self._source)
        unopened = _Unopened()
        with read_snapshot(self._target) as copied:
            for position in compare_events(self._source, copied, head, checkpoint, unopened.add):
                on_progress(position, head.position)
            for table, _ in _CARRIED:
                compare_rows(self._source, copied, table)
        finish(self._target, self._found, head, self._stopped)
        return Copied(
            position=head.position,
            root=base64.b64encode(head.frontier.root()).decode(),
            copied=head.position - self._found.entries,
            known=self._found.entries,
            checkpoint=None if checkpoint is None else checkpoint.size,
            unopened=unopened.count,
            first_unopened=unopened.first,
        )


@contextmanager
def copying(source: Engine, target: Engine) -> Iterator[Copying]:
    """Yield a copy that begins: of the log as it stands now, into a database that may have its beginning.

    What is appended meanwhile is not copied; another run carries it on from there. A run that was
    killed is carried on likewise.

    Args:
        source: a migrated database.
        target: another one.

    Raises:
        AnotherLog: the target holds what this log does not.

    """
    with read_snapshot(source) as connection:
        yield Copying(connection, target)


def _head(connection: Connection) -> Head:
    row = connection.execute(select(log_head)).one()
    return Head(row.position, row.recorded_at, Frontier.from_bytes(row.position, row.frontier))
