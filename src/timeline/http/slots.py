"""Slots: how much of one kind may be under way at once, in this process.

Owns the count and the refusal beyond it. Must not know what takes a slot.
"""

from contextlib import AbstractContextManager

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

    def taken(self) -> AbstractContextManager[None]:
        """Return what holds a slot while its context lasts; entering it raises Overloaded."""
        return _Slot(self)

    def take(self) -> None:
        """Take a slot; raises Overloaded where all of them are taken."""
        if self._taken >= self._most:
            raise Overloaded
        self._taken += 1

    def leave(self) -> None:
        """Give a slot back."""
        self._taken -= 1


class _Slot(AbstractContextManager[None]):
    """One slot. A class, as each request takes some, and a generator is twice as dear."""

    __slots__ = ("_slots",)

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def __enter__(self) -> None:
        self._slots.take()

    def __exit__(self, *_: object) -> None:
        self._slots.leave()
