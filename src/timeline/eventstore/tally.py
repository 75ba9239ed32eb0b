"""Tallies: how values are spread, counted where they come up.

Owns the counting alone, which costs a fraction of a microsecond. Must not know what is counted, nor
who asks for it.
"""

from bisect import bisect_left
from collections.abc import Sequence


class Tally:
    """Counts values by upper bounds. One thread adds; any may read."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.total = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value under the lowest bound that it does not exceed."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def up_to_bounds(self) -> list[tuple[float, int]]:
        """Return each bound with how many values do not exceed it, infinity at last."""
        count = 0
        found = []
        for bound, each in zip([*self.bounds, float("inf")], tuple(self._counts), strict=True):
            count += each
            found.append((bound, count))
        return found
