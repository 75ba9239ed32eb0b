"""A place on disk for what an importer has to hold until all of its input is read.

Owns a temporary file that is gone with the importer, even one that is killed. Must not know what is
put there.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Final, NamedTuple, Self

CACHE_KIB: Final = 16 * 1024
"""What is held in memory of the file, beside what is being read."""


def on_disk(schema: Sequence[str]) -> sqlite3.Connection:
    """Return a database with these tables in a file that has no name, so that nothing is left behind."""
    database = sqlite3.connect("", isolation_level=None)
    for statement in (
        f"PRAGMA cache_size = -{CACHE_KIB}",
        "PRAGMA journal_mode = OFF",
        "PRAGMA synchronous = OFF",
        "PRAGMA temp_store = FILE",
        *schema,
        "BEGIN",
    ):
        database.execute(statement)
    return database


_SCHEMA: Final = (
    "CREATE TABLE keys (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE)",
    (
        "CREATE TABLE things (key INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,"
        " line INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (key, number)) WITHOUT ROWID"
    ),
    "CREATE TABLE fresh (key INTEGER PRIMARY KEY)",
)


class Shelved(NamedTuple):
    """What was put under a key: under which name, from where, and what."""

    name: str
    line: int
    content: bytes


class Shelf:
    """Keeps things by key, in the order in which they came."""

    def __enter__(self) -> Self:
        self._database = on_disk(_SCHEMA)
        self._number = 0
        self._is_taken = False
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def is_new(self, key: str) -> bool:
        """Take in a key; return whether it was not here before."""
        done = self._database.execute("INSERT OR IGNORE INTO keys (key) VALUES (?)", (key,))
        return done.rowcount == 1

    def put(self, key: str, shelved: Shelved) -> None:
        """Put something under a key."""
        self.is_new(key)
        self._number += 1
        self._database.execute(
            "INSERT INTO things SELECT number, ?, ?, ?, ? FROM keys WHERE key = ?",
            (self._number, *shelved, key),
        )
        if self._is_taken:
            self._database.execute(
                "INSERT OR IGNORE INTO fresh SELECT number FROM keys WHERE key = ?", (key,)
            )

    def count(self) -> int:
        """Return how many keys there are to take."""
        table = "fresh" if self._is_taken else "keys"
        (count,) = self._database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(count)

    def take(self) -> Iterator[tuple[str, Iterable[Shelved]]]:
        """Yield each key with all that was put under it, keys in the order of their first thing.

        Once that was done, only those under which something was put since.
        """
        fresh = " WHERE things.key IN (SELECT key FROM fresh)" if self._is_taken else ""
        self._is_taken = True
        found = self._database.execute(
            "SELECT keys.key, name, line, content FROM things"  # noqa: S608 - nobody's words are in it
            f" JOIN keys ON keys.number = things.key{fresh} ORDER BY things.key, things.number"
        )
        for key, group in groupby(found, key=itemgetter(0)):
            yield key, (Shelved(*row[1:]) for row in group)
        self._database.execute("DELETE FROM fresh")
