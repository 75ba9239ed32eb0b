"""What a run of events changes in the read models' rows.

Owns the difference between two pictures of a policy, as rectangles in the record's clock. Must not
know the database: the runner writes what is gathered here.
"""

import msgspec

from timeline.projections.model import Fact, Row, RowKey, Rows
from timeline.projections.tables import OPEN


class Opened(msgspec.Struct):
    """A row believed from one position up to, and not including, another."""

    policy: str
    fact: Fact
    known_from: int
    known_until: int = OPEN


class Changes:
    """Rows to add, rows to close and policies to rewrite, gathered over a run of events."""

    def __init__(self) -> None:
        self.rewritten: set[str] = set()
        self.closed: dict[RowKey, tuple[str, int]] = {}
        self.opened: list[tuple[RowKey, Opened]] = []
        self._open: dict[RowKey, Opened] = {}

    def __len__(self) -> int:
        return len(self.opened) + len(self.closed)

    def advance(self, policy: str, before: Rows, after: Rows, position: int) -> None:
        """Take over that a policy's rows became `after` at a position."""
        touched: set[str] = set()
        for key in before:
            if key not in after and not key.follows:
                self._close(policy, key, position)
                touched.add(key.table)
        lasting: list[RowKey] = []
        for key, fact in after.items():
            if key.follows:
                lasting.append(key)
                continue
            former = before.get(key)
            if former is not None:
                opened = self._open.get(key)
                if not fact.differs(former if opened is None else opened.fact):
                    continue
                self._close(policy, key, position)
            self._open[key] = opened = Opened(policy, fact, position)
            self.opened.append((key, opened))
            touched.add(key.table)
        for key in lasting:
            if after[key].differs(before.get(key)) or not touched.isdisjoint(key.follows):
                self.opened.append((key, Opened(policy, after[key], position)))

    def _close(self, policy: str, key: RowKey, position: int) -> None:
        opened = self._open.pop(key, None)
        if opened is None:
            self.closed[key] = (policy, position)
        else:
            opened.known_until = position

    def rewrite(self, policy: str) -> None:
        """Forget all that is known of a policy's rows: an erasure has them written anew."""
        self.rewritten.add(policy)
        self.closed = {
            key: (owner, position)
            for key, (owner, position) in self.closed.items()
            if owner != policy
        }
        self.opened = [each for each in self.opened if each[1].policy != policy]
        self._open = {key: opened for key, opened in self._open.items() if opened.policy != policy}

    def inserts(self) -> dict[str, list[Row]]:
        """Return the rows to add, by table; what came and went at one position never was."""
        found: dict[str, list[Row]] = {}
        for key, opened in self.opened:
            if opened.known_from < opened.known_until:
                row = opened.fact.row
                row["known_from"] = opened.known_from
                row["known_until"] = opened.known_until
                found.setdefault(key.table, []).append(row)
        return found

    def closings(self) -> dict[str, list[tuple[object, ...]]]:
        """Return, by table, the keys of rows that are believed no longer, each with since when."""
        found: dict[str, list[tuple[object, ...]]] = {}
        for key, (_, position) in self.closed.items():
            found.setdefault(key.table, []).append((*key.key, position))
        return found
