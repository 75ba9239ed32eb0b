"""Pages: as many items as were asked for, as long as their bytes are few enough.

Owns the bound in bytes, and how much is read for a page at a time. Must not know what items are, nor
how a cursor is written.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from timeline.application.queries import DEFAULT_LIMIT

PAGE_BYTES: Final = 1024 * 1024
"""The items of a page, as JSON: some 500 of ordinary size. A page that would be longer ends early, and
has the one that passes the bound only where it is the first, as items are never cut."""

READ_ITEMS: Final = DEFAULT_LIMIT + 1
"""Items read at first: a page of the usual length, and one that tells whether more come. How long they
are says how many more are worth reading."""

Key = TypeVar("Key")
Item = TypeVar("Item")


class Page(NamedTuple):
    """What is served of a listing, each with its key, and whether more comes after."""

    found: Sequence[tuple[Any, Any]]
    more: bool

    @property
    def items(self) -> list[Any]:
        """The items alone."""
        return [item for _, item in self.found]

    def next(self, cursor: Callable[[object], str]) -> str | None:
        """Return what goes on after it, made of its last key; None where it is the last one."""
        return cursor(self.found[-1][0]) if self.more else None


def read_page(
    read: Callable[[Key | None, int], Sequence[tuple[Key, Item]]], after: Key | None, limit: int
) -> Page:
    """Return a page.

    Args:
        read: returns items with their keys: those after a key, so many at most.
        after: the key to begin after.
        limit: how many items at most.

    """
    page: list[tuple[Key, Item]] = []
    size_bytes = 0
    wanted = min(READ_ITEMS, limit + 1)
    while True:
        found = read(page[-1][0] if page else after, wanted)
        some = fitting(found[: limit - len(page)], size_bytes)
        page += some.found
        read_bytes, size_bytes = some.size_bytes - size_bytes, some.size_bytes
        if len(some.found) < len(found):
            return Page(page, more=True)
        if len(found) < wanted:
            return Page(page, more=False)
        # Of these items alone: long ones before them would have short ones read by ones and twos.
        mean_bytes = max(read_bytes // len(found), 1)
        worth_reading = max(PAGE_BYTES - size_bytes, 0) // mean_bytes
        wanted = min(worth_reading, limit - len(page)) + 1


class Fitting(NamedTuple):
    """What of some items fits, and the page's size with it."""

    found: Sequence[tuple[Any, Any]]
    size_bytes: int


def fitting(found: Sequence[tuple[Key, Item]], size_bytes: int = 0) -> Fitting:
    """Return the first items that fit onto a page which has so many bytes; one at least if it has none."""
    for number, (_, item) in enumerate(found):
        item_bytes = len(msgspec.json.encode(item))
        if size_bytes and size_bytes + item_bytes > PAGE_BYTES:
            return Fitting(found[:number], size_bytes)
        size_bytes += item_bytes
    return Fitting(found, size_bytes)
