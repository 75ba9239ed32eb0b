"""Slots: how much of one kind may be under way at once, in this process.

Owns the count and the refusal beyond it. Must not know what takes a slot.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from timeline.http.errors import Overloaded


class Slots:
    """A number of slots; who finds none is told to come back rather than kept waiting."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    @property
    def in_use(self) -> int:
        """How many are taken."""
        return self._taken

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a slot while the context lasts.

        Raises:
            Overloaded: all of them are taken.

        """
        if self._taken >= self._most:
            raise Overloaded
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
