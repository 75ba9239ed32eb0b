"""Pages: as many items as were asked for, within a bound on their bytes."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.application import paging
from timeline.application.paging import fitting, read_page

Item = tuple[int, str]


class Listing:
    """Items of given lengths, each with its place as its key; counts how many were read."""

    def __init__(self, lengths: list[int]) -> None:
        self.items: list[Item] = [(place, "x" * length) for place, length in enumerate(lengths, 1)]
        self.reads = 0
        self.read_items = 0

    def __call__(self, after: int | None, limit: int) -> list[Item]:
        """Read some."""
        found = self.items[after or 0 :][:limit]
        self.reads += 1
        self.read_items += len(found)
        return found


def size_bytes(items: list[str]) -> int:
    """Return the size of items as JSON."""
    return sum(len(msgspec.json.encode(item)) for item in items)


@given(
    lengths=st.lists(st.integers(0, 400), max_size=40),
    limit=st.integers(1, 30),
    bound=st.integers(1, 2_000),
    step=st.integers(1, 10),
)
def test_pages_one_after_another_hold_everything_once(
    lengths: list[int], limit: int, bound: int, step: int
) -> None:
    """None is longer than asked for, nor has more bytes unless it is one item, nor could take more."""
    listing = Listing(lengths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "PAGE_BYTES", bound)
        patch.setattr(paging, "READ_ITEMS", step)
        pages = [read_page(listing, None, limit)]
        while pages[-1].more:
            pages.append(read_page(listing, int(pages[-1].next(str) or 0), limit))

    assert [each for page in pages for each in page.found] == listing.items
    assert all(len(page.items) <= limit for page in pages)
    assert all(len(page.items) == 1 or size_bytes(page.items) <= bound for page in pages if lengths)
    for page, following in pairwise(pages):
        assert len(page.items) == limit or size_bytes(page.items + following.items[:1]) > bound


def test_little_more_is_read_than_is_served() -> None:
    """What is long is read in few: after a first look, what would fit by what was seen."""
    listing = Listing([paging.PAGE_BYTES // 100] * 500)

    page = read_page(listing, None, 500)

    assert len(page.items) == 99
    assert listing.read_items <= 102


LONG_BYTES = [20_000] * 51


@pytest.mark.parametrize(
    "lengths",
    [
        [*LONG_BYTES, *[300] * 449],
        [*LONG_BYTES, *[60] * 449],
        [*[10_000] * 51, *[1_200] * 449],
    ],
)
def test_short_items_after_long_ones_are_read_together(lengths: list[int]) -> None:
    """A page asks for a few parts at most, whichever of its items are the long ones."""
    listing = Listing(lengths)

    page = read_page(listing, None, 500)

    assert len(page.items) > 100
    assert listing.reads <= 6


def worst(wanted: int, left_bytes: int) -> list[int]:
    """Return lengths of which each part read takes half of what is left, and so the next is small."""
    lengths: list[int] = []
    while left_bytes > 2 * wanted and len(lengths) < 500:
        part_bytes = left_bytes * wanted // (2 * wanted - 1)
        lengths += [part_bytes // wanted - 2] * wanted
        left_bytes -= part_bytes
    return lengths


@pytest.mark.parametrize("wanted", [1, 2, 3, 5, 10])
def test_each_part_that_is_read_takes_half_of_what_is_left(wanted: int) -> None:
    """However lengths are chosen to have a page read in many parts, they are some twenty."""
    first = [(paging.PAGE_BYTES - wanted * 20_000) // 51] * 51
    listing = Listing([*first, *worst(wanted, wanted * 20_000), *[1] * 500])

    read_page(listing, None, 500)

    assert listing.reads <= 20


def test_an_item_is_never_cut() -> None:
    """One that passes the bound by itself is a page of its own, whether or not others follow."""
    long = "x" * (paging.PAGE_BYTES + 1)

    assert read_page(Listing([len(long)]), None, 50) == ([(1, long)], False)
    assert read_page(Listing([len(long), 1]), None, 50) == ([(1, long)], True)
    assert read_page(Listing([1, len(long)]), None, 50) == ([(1, "x")], True)
    assert fitting([(1, long), (2, "x")]).found == [(1, long)]
