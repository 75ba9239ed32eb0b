"""The walk through a log in which anything at all may stand in any column."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from sqlalchemy import Engine

from proven_log import ProvenLog
from timeline.application.verifying import verify
from timeline.eventstore.database import create_engine
from timeline.eventstore.published import Digests, Published
from timeline.eventstore.tables import metadata
from timeline.transparency.checkpoints import cosign
from timeline.transparency.keys import COSIGNATURE_V1, SigningKey

TABLES: Final = [
    *("log_head", "log_entries", "log_payloads", "log_nodes"),
    *("log_checkpoints", "log_cosignatures", "log_keys", "log_digests"),
]
COLUMNS: Final = [(table, column.name) for table in TABLES for column in metadata.tables[table].c]

DERIVED: Final = [
    (table, column.name)
    for table in ("log_tags", "streams", "subjects")
    for column in metadata.tables[table].c
]

VALUES: Final = [
    *("'x'", "''", "char(0)", "x'ff00'", "x''", "zeroblob(32)", "NULL"),
    *("0", "-5", "2", "1.5", "9e999", "9000000000", "9223372036854775807"),
    *("substr('abcdefghijklmnopqrstuvwxyzabcdefghijkl', 1, 32)", "printf('%064d', 1)"),
]
"""In SQL: of each kind; numbers that would be gigabytes, were bytes made of them; the length of hashes."""


class Filled(NamedTuple):
    """A log that is closed, an engine for a copy of it, and where that is."""

    log: ProvenLog
    original: Path
    engine: Engine
    copy: Path


@pytest.fixture(scope="module")
def filled(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Give a log in which each table has rows."""
    directory = tmp_path_factory.mktemp("anything")
    original, copy = directory / "original.db", directory / "copy.db"
    shutil.copy(migrated_sqlite, original)
    engine = create_engine(f"sqlite:///{original}")
    log = ProvenLog(engine, directory)
    log.fill()
    published = Published(engine)
    witness = SigningKey("witness.example", bytes(32), COSIGNATURE_V1)
    latest = published.latest()
    assert latest is not None
    line = cosign(latest.cosigned, witness, 1_800_000_000)
    published.cosign(latest.size, str(witness.verifier), str(line))
    of_a_day = Digests(day=latest.signed_at[:10], size=300, last_erasure=290, schema="1", models={})
    published.record_digests(of_a_day)
    engine.dispose()
    with closing(sqlite3.connect(original)) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (trigger,) in triggers.fetchall():
            database.execute(f'DROP TRIGGER "{trigger}"')
        database.execute("PRAGMA journal_mode = DELETE")
    changed = create_engine(f"sqlite:///{copy}")
    yield Filled(log, original, changed, copy)
    changed.dispose()


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_whatever_stands_in_a_column_is_found(filled: Filled, table: str, column: str) -> None:
    """The walk ends, and says that something is wrong; or the value is the one that was there."""
    unnoticed = [value for value in VALUES if not _noticed(filled, table, column, value)]

    assert unnoticed == []


@pytest.mark.parametrize(("table", "column"), DERIVED)
def test_whatever_stands_in_what_is_derived_ends_nothing(
    filled: Filled, table: str, column: str
) -> None:
    """Not all of it is compared with the log; none of it keeps from hearing of the rest."""
    for value in VALUES:
        _put_back(filled)
        _changed(filled.copy, table, column, value)
        found = verify(filled.engine, filled.log.key_file)
        assert (found.position, found.payloads) == (300, 299)


def test_as_it_is_nothing_is_found(filled: Filled) -> None:
    """Else what is found above would say nothing; and what cannot be checked is named."""
    _put_back(filled)

    found = verify(filled.engine, filled.log.key_file)

    assert found.findings == ()
    assert found.cosignatures == 1
    assert "the digests of read models on 1 days: `timeline replay` does" in found.unchecked


def _noticed(filled: Filled, table: str, column: str, value: str) -> bool:
    """Put a value into the row in the middle; tell whether it cannot be put there, or is found."""
    _put_back(filled)
    if not _changed(filled.copy, table, column, value):
        return True
    found = verify(filled.engine, filled.log.key_file)
    return bool(found.findings) and found.complete


def _put_back(filled: Filled) -> None:
    """Make the copy what the original is."""
    filled.engine.dispose()
    for end in ("-wal", "-shm"):
        filled.copy.with_name(filled.copy.name + end).unlink(missing_ok=True)
    shutil.copy(filled.original, filled.copy)


def _changed(path: Path, table: str, column: str, value: str) -> bool:
    """Change a row as whoever has the file can; tell whether it is another one now."""
    key = next(iter(metadata.tables[table].primary_key)).name
    count = f"SELECT count(*) FROM {table}"  # noqa: S608 - our own names
    middle = f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET ({count}) / 2"  # noqa: S608 - see above
    change = f"UPDATE {table} SET {column} = {value} WHERE {key} = ({middle})"  # noqa: S608 - see above
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA ignore_check_constraints = ON")
        try:
            changed = database.execute(f"{change} AND {column} IS NOT {value}")
            database.commit()
        except sqlite3.IntegrityError:
            return False
        return changed.rowcount == 1
