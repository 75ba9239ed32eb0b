"""Legistar's matters and histories that come apart, joined on disk.

Owns where they lie meanwhile: in a temporary database, so that memory does not grow with the input.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from timeline.importers.legistar_matters import Matter, Row, slug
from timeline.importers.shelf import on_disk
from timeline.importers.sketch import Place

KEPT_TOGETHER: Final = 1_000
"""Rows that are written to disk at once."""


_SCHEMA: Final = (
    "CREATE TABLE matter (number INTEGER PRIMARY KEY, id TEXT UNIQUE, file TEXT UNIQUE, data BLOB)",
    "CREATE TABLE history (number INTEGER PRIMARY KEY, matter TEXT, data BLOB)",
)


class Joined:
    """Matters and rows on disk, in a temporary database."""

    def __init__(self) -> None:
        self._database = on_disk(_SCHEMA)
        self._rows: list[tuple[str, bytes]] = []
        self._encoder = msgspec.json.Encoder()
        self._row = msgspec.json.Decoder(Row)
        self._matter = msgspec.json.Decoder(Matter)

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def add_matter(self, matter: Matter) -> str:
        """Keep a matter; return what it is where it is there already, or its file number is."""
        added = self._database.execute(
            "INSERT OR IGNORE INTO matter (id, file, data) VALUES (?, ?, ?)",
            (matter.id, slug(matter.file), self._encoder.encode(matter)),
        )
        return "" if added.rowcount else f"matter {matter.id} ({matter.file}), listed again"

    def add_row(self, matter: str, row: Row) -> None:
        """Keep a row of a history."""
        self._rows.append((matter, self._encoder.encode(row)))
        if len(self._rows) == KEPT_TOGETHER:
            self._flush()

    def finish(self) -> int | None:
        """Make the rows be found by their matters; return how many matters there are, if any."""
        self._flush()
        self._database.execute("CREATE INDEX history_of ON history (matter, number)")
        (count,) = self._database.execute("SELECT count(*) FROM matter").fetchone()
        return int(count) or None

    def matters(self) -> Iterator[Matter]:
        """Yield each matter with its rows; one without any says nothing of what happened."""
        for id, data in self._database.execute("SELECT id, data FROM matter ORDER BY number"):
            found = self._database.execute(
                "SELECT data FROM history WHERE matter = ? ORDER BY number", (id,)
            )
            history = tuple(self._row.decode(row) for (row,) in found)
            matter = self._matter.decode(data)
            yield msgspec.structs.replace(matter, history=history or None)

    def orphans(self) -> Iterator[tuple[Place, str]]:
        """Yield the first row of each history whose matter is not there."""
        for matter, data in self._database.execute(
            "SELECT matter, data FROM history WHERE matter NOT IN (SELECT id FROM matter)"
            " GROUP BY matter ORDER BY min(number)"
        ):
            yield self._row.decode(data).place, f"history of matter {matter}, which is not there"

    def _flush(self) -> None:
        self._database.executemany("INSERT INTO history (matter, data) VALUES (?, ?)", self._rows)
        self._rows.clear()
