"""Items that come page by page, and are fetched as they are needed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Final, Generic, TypeAlias, TypeVar

from timeline.client.answers import Page

Item = TypeVar("Item")
Parameters: TypeAlias = Sequence[tuple[str, str]]

LIMIT: Final = 200
"""Items that are fetched at once, where nothing else is asked for: a quarter of a megabyte."""


class Pages(Generic[Item]):
    """The items of a question, in their order.

    Nothing is asked before the first item, or one of the properties, is. All pages show the record at
    one position, however much is recorded meanwhile; iterating again starts over at the same one.
    """

    def __init__(self, fetch: Callable[[Parameters], Page[Item]], parameters: Parameters) -> None:
        self._fetch = fetch
        limited = any(name == "limit" for name, _ in parameters)
        self._parameters = [*parameters, *([] if limited else [("limit", str(LIMIT))])]
        self._first: Page[Item] | None = None

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[Item]]:
        """Yield the pages; one may be empty and still have a next one."""
        page = self.first
        yield page
        while page.next is not None:
            page = self._fetch([*self._parameters, ("cursor", page.next)])
            yield page

    @property
    def first(self) -> Page[Item]:
        """The first page, which is kept."""
        if self._first is None:
            self._first = self._fetch(self._parameters)
        return self._first

    @property
    def position(self) -> int:
        """The position that the items reflect."""
        return self.first.position

    @property
    def as_of(self) -> date | None:
        """The date asked about; None where no date plays a part."""
        return self.first.as_of

    @property
    def known_at(self) -> datetime | None:
        """The moment of the record asked about; None while the record is empty."""
        return self.first.known_at
