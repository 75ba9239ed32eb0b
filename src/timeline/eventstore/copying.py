"""A log carried into another database, row by row as it lies, and the same log for ever.

Owns the order in which rows are written, and what tells how far a copy is. Must not know who asks,
nor tables of other packages but by what is said about them.

Entries come first, beyond the head of the database that takes them: from the first of them on, an
append there meets a position that is taken, and is refused. The head moves last, once everything
was compared. So a copy that was killed is one whose entries reach beyond its head: it is resumed,
or stays refused.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, Table, delete, func, select, tuple_, update

from timeline.domain.vocabulary import EventType
from timeline.eventstore import stopping
from timeline.eventstore.database import read_snapshot, write_transaction
from timeline.eventstore.dialects import dialect_of
from timeline.eventstore.errors import AnotherLog, CopyDiffers, CopyUnfinished
from timeline.eventstore.model import Head
from timeline.eventstore.published import checkpoint_of
from timeline.eventstore.rows import (
    ROWS,
    EventRow,
    Values,
    all_events,
    events,
    key_of,
    leaves,
    rows,
)
from timeline.eventstore.stops import Stop
from timeline.eventstore.tables import (
    log_checkpoints,
    log_cosignatures,
    log_digests,
    log_entries,
    log_head,
    log_keys,
    log_nodes,
    log_payloads,
    log_tags,
    streams,
    subjects,
)
from timeline.transparency.checkpoints import Checkpoint
from timeline.transparency.entries import commitment, read_entry
from timeline.transparency.errors import TransparencyError
from timeline.transparency.merkle import Frontier, leaf_hash
from timeline.transparency.notes import Note

PUBLISHED: Final = (log_nodes, log_checkpoints, log_keys, log_cosignatures, log_digests)
"""What is published of the log: rows come, and none ever changes or goes."""

WRITE_SIDE: Final = (log_tags, streams, subjects)
"""What the write side keeps beside the log. It is derived, and carried all the same: an event whose
payload is erased left tags and heads that its replacement alone does not give again."""

Allows = Callable[[Values | None, Values | None], bool]
"""Tells whether a row may become another: None before it came, or after it went."""


class Standing(NamedTuple):
    """How far a database's log is: its head, and the last entry, which may lie beyond."""

    head: int
    entries: int


def standing(connection: Connection, *, holding: bool = False) -> Standing:
    """Return how far a database's log is; `holding` keeps its head as it is until the commit."""
    head = select(log_head.c.position).where(log_head.c.id == 1)
    position = connection.execute(head.with_for_update() if holding else head).scalar_one()
    last = connection.execute(select(func.max(log_entries.c.position))).scalar_one()
    return Standing(position, last or 0)


def check_finished(engine: Engine) -> None:
    """Refuse a database into which a log was copied in part.

    Raises:
        CopyUnfinished: entries lie beyond the log's end.

    """
    with read_snapshot(engine) as connection:
        found = standing(connection)
    if found.entries > found.head:
        raise CopyUnfinished(position=found.head, entries=found.entries)


def check_same(source: Connection, target: Engine, until: int) -> Standing:
    """Return how far a database has a log, whose beginning its own is found to be.

    Raises:
        AnotherLog: naming the first position at which it is another one, or has more; or it was
            found to be another one than was signed.

    """
    with read_snapshot(target) as connection:
        stop = stopping.of(connection)
        if stop is not None and stop != stopping.of(source):
            raise AnotherLog(reason=f"nothing is recorded in it, {stop}")
        found = standing(connection)
        if found.entries > until:
            raise AnotherLog(reason=f"it has {found.entries} entries, more than the {until} here")
        after = 0
        while theirs := leaves(connection, after, found.entries):
            ours = leaves(source, after, theirs[-1][0])
            if ours != theirs:
                pairs = zip_longest(ours, theirs)
                first = next((our or their)[0] for our, their in pairs if our != their)
                raise AnotherLog(reason=f"its entry at position {first} is another one")
            after = theirs[-1][0]
    return found


def append_only(before: Values | None, _after: Values | None) -> bool:
    """Allow rows to come."""
    return before is None


def anything(_before: Values | None, _after: Values | None) -> bool:
    """Allow rows to come, change and go."""
    return True


def copy_events(source: Connection, target: Engine, found: Standing, until: int) -> Iterator[int]:
    """Copy the entries that a database lacks, with their payloads; yield each position reached.

    Raises:
        AnotherLog: somebody else wrote into it.

    """
    after = found.entries
    while part := events(source, after, until):
        with write_transaction(target) as connection:
            if standing(connection, holding=True) != (found.head, after):
                raise AnotherLog(reason="something else was recorded in it meanwhile")
            _insert(connection, part)
        after = part[-1].position
        yield after


def _insert(connection: Connection, part: Sequence[EventRow]) -> None:
    dialect = dialect_of(connection.engine)
    dialect.insert_rows(connection, log_entries, [row.entered() for row in part])
    payloads = [(row.position, row.data, row.salt) for row in part if row.data is not None]
    if payloads:
        dialect.insert_rows(connection, log_payloads, payloads)
    # Of what an earlier run brought before it was erased.
    erased = [row.subject for row in part if row.type == EventType.PAYLOAD_ERASED]
    if erased:
        gone = select(log_entries.c.position).where(log_entries.c.id.in_(erased))
        connection.execute(delete(log_payloads).where(log_payloads.c.position.in_(gone)))


def check_mirror(source: Connection, target: Engine, table: Table, allows: Allows) -> None:
    """Refuse a database in which a table's rows may not become those of the source.

    Raises:
        AnotherLog: naming the row that may not become what it would have to.

    """
    for _ in _changes(source, target, table, allows):
        pass


def mirror(source: Connection, target: Engine, table: Table, allows: Allows) -> None:
    """Make a table's rows those of the source, ROWS in a transaction; what is there stays.

    Raises:
        AnotherLog: as `check_mirror`.

    """
    changes = _changes(source, target, table, allows)
    while some := list(islice(changes, ROWS)):
        with write_transaction(target) as connection:
            _change(connection, table, some)


def _changes(
    source: Connection, target: Engine, table: Table, allows: Allows
) -> Iterator[tuple[Values | None, Values | None]]:
    """Yield what rows are and what they have to become."""
    key = key_of(table)
    for after, before in differing(rows(source, table), rows(target, table), key):
        if not allows(before, after):
            row = key(before or after or ())
            raise AnotherLog(reason=f"its row {row!r} of {table.name} is another one")
        yield before, after


def _change(
    connection: Connection, table: Table, changes: Sequence[tuple[Values | None, Values | None]]
) -> None:
    key = key_of(table)
    columns = list(table.primary_key.columns)
    names = [column.name for column in table.c]
    dialect = dialect_of(connection.engine)
    come = [after for before, after in changes if before is None and after is not None]
    gone = [key(before) for before, after in changes if after is None and before is not None]
    if come:
        dialect.insert_rows(connection, table, come)
    if gone:
        found = columns[0].in_(gone) if len(columns) == 1 else tuple_(*columns).in_(gone)
        connection.execute(delete(table).where(found))
    for before, after in changes:
        if before is not None and after is not None:
            same = [column == before[names.index(column.name)] for column in columns]
            values = dict(zip(names, after, strict=True))
            connection.execute(update(table).where(*same).values(values))


def differing(
    ours: Iterator[Values], theirs: Iterator[Values], key: Callable[[Values], Any]
) -> Iterator[tuple[Values | None, Values | None]]:
    """Yield in pairs the rows that differ of two tables in the order of their keys."""
    our, their = next(ours, None), next(theirs, None)
    while our is not None or their is not None:
        if their is None or (our is not None and key(our) < key(their)):
            yield our, None
            our = next(ours, None)
        elif our is None or key(their) < key(our):
            yield None, their
            their = next(theirs, None)
        else:
            if our != their:
                yield our, their
            our, their = next(ours, None), next(theirs, None)


def compare_events(
    source: Connection,
    target: Connection,
    head: Head,
    checkpoint: Checkpoint | None,
    on_unopened: Callable[[int], None],
) -> Iterator[int]:
    """Compare entries and payloads, and the tree over the copy's entries; yield each position reached.

    Args:
        source: the log.
        target: its copy.
        head: the log's.
        checkpoint: the newest one.
        on_unopened: told each position whose payload is not what its entry commits to. That was so
            before, and is copied as it lies.

    Raises:
        CopyDiffers: saying where.

    """
    if checkpoint is not None and checkpoint.size > head.position:
        reason = f"it has {head.position} events, fewer than its checkpoint of {checkpoint.size}"
        raise CopyDiffers(reason=reason)
    grown = Frontier()
    after = 0
    while part := events(source, after, head.position):
        copied = all_events(target, after, part[-1].position)
        if copied != part:
            pairs = zip_longest(part, copied)
            first = next((our or their).position for our, their in pairs if our != their)
            raise CopyDiffers(reason=f"the event at position {first} is another one")
        hashes = [leaf_hash(row.entry) for row in copied]
        for row, hash in zip(copied, hashes, strict=True):
            if row.leaf_hash != hash:
                raise CopyDiffers(reason=f"the leaf hash at {row.position} is not its entry's")
            if not _opens(row):
                on_unopened(row.position)
        if checkpoint is not None and grown.size < checkpoint.size <= grown.size + len(hashes):
            _check_root(grown.extend(hashes[: checkpoint.size - grown.size]), checkpoint)
        grown = grown.extend(hashes)
        after = part[-1].position
        yield after
    if grown != head.frontier:
        raise CopyDiffers(reason="its tree is not the one at the log's head")


def _opens(row: EventRow) -> bool:
    """Tell whether a payload is what its entry commits to; one that is erased commits to nothing."""
    if row.data is None or row.salt is None:
        return True
    try:
        return commitment(row.salt, row.data) == read_entry(row.entry).commitment
    except TransparencyError:
        return False


def _check_root(grown: Frontier, checkpoint: Checkpoint) -> None:
    if grown.root() != checkpoint.root:
        raise CopyDiffers(reason=f"its root is not that of the checkpoint of size {grown.size}")


def compare_rows(source: Connection, target: Connection, table: Table) -> None:
    """Compare a table's rows; raises CopyDiffers naming the first that differs."""
    key = key_of(table)
    pairs = differing(rows(source, table), rows(target, table), key)
    found = next(pairs, None)
    if found is not None:
        row = key(found[0] or found[1] or ())
        raise CopyDiffers(reason=f"the row {row!r} of {table.name} is another one")


def newest_checkpoint(connection: Connection) -> Checkpoint | None:
    """Return what the newest checkpoint says, whose signature is not checked here."""
    newest = checkpoint_of(connection)
    return None if newest is None else Checkpoint.parse(Note.parse(newest.note).text)


def finish(target: Engine, found: Standing, head: Head, stopped: Stop | None) -> None:
    """Move the head of a copy to the end of its log: from now on it is one.

    Where the log takes nothing in any more, its copy does not, either.

    Raises:
        AnotherLog: somebody else moved it.

    """
    with write_transaction(target) as connection:
        if standing(connection, holding=True) != (found.head, head.position):
            raise AnotherLog(reason="something else was recorded in it meanwhile")
        if head.position > found.head:
            connection.execute(
                update(log_head).values(
                    position=head.position,
                    recorded_at=head.recorded_at,
                    frontier=head.frontier.to_bytes(),
                )
            )
        if stopped is not None:
            stopping.stop(connection, stopped)
