"""Tallies: how values are spread, counted where they come up.

Owns the counting alone, which costs a fraction of a microsecond. Must not know what is counted, nor
who asks for it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from threading import Lock


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


class Counts:
    """Counts by a word. Any thread counts, any may read."""

    def __init__(self, words: Sequence[str]) -> None:
        """Begin at nothing for each of the words, so that what never happened shows as such."""
        self._counts = Counter(dict.fromkeys(words, 0))
        self._lock = Lock()

    def add(self, word: str) -> None:
        """Count one more."""
        with self._lock:
            self._counts[word] += 1

    def counted(self) -> list[tuple[str, int]]:
        """Return each word with its count, in the order of the words."""
        with self._lock:
            return sorted(self._counts.items())
