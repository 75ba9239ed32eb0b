"""What is read from the disposition notes of executive orders."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Final

import pytest

from executive_orders import read_edges
from shared_files import shared
from timeline.importers.disposition_notes import Read, Said, Unread, Verb, read_notes
from timeline.importers.executive_orders import Edge

OTHERS: Final = Unread("other documents that notes name")


@pytest.mark.parametrize(
    ("notes", "read"),
    [
        (
            "Revokes: EO 11063, November 20, 1962 (in part); EO 12259, December 31, 1980",
            [
                Said(Verb.REVOKES, "11063", inverse=False, partial=True, cited="November 20, 1962"),
                Said(
                    Verb.REVOKES, "12259", inverse=False, partial=False, cited="December 31, 1980"
                ),
            ],
        ),
        (
            "Amended by: EO 13188, January 12, 2001; EEO 13218, June 20, 2001",
            [
                Said(Verb.AMENDS, "13188", inverse=True, partial=False, cited="January 12, 2001"),
                Said(Verb.AMENDS, "13218", inverse=True, partial=False, cited="June 20, 2001"),
            ],
        ),
        (
            "Revoked in part and supplemented by: EO 12959, May 6, 1995",
            [
                Said(Verb.REVOKES, "12959", inverse=True, partial=True, cited="May 6, 1995"),
                Said(Verb.SUPPLEMENTS, "12959", inverse=True, partial=False, cited="May 6, 1995"),
            ],
        ),
        (
            (
                "Superseded by: EO 13138, September 30,1999EO 13038 of March 11, 1997, (in part)\r\n"
                "Revoked (in part) by: EO 13316 September 17, 2003"
            ),
            [
                Said(
                    Verb.SUPERSEDES,
                    "13138",
                    inverse=True,
                    partial=False,
                    cited="September 30, 1999",
                ),
                Said(Verb.SUPERSEDES, "13038", inverse=True, partial=True, cited="March 11, 1997"),
                Said(Verb.REVOKES, "13316", inverse=True, partial=True, cited="September 17, 2003"),
            ],
        ),
        (
            "Partially revoked by: EO 14000, May 6, 2025",
            [Said(Verb.REVOKES, "14000", inverse=True, partial=True, cited="May 6, 2025")],
        ),
        (
            "See EO 12974, September 29, 1995",
            [Said(Verb.SEE, "12974", inverse=False, partial=False, cited="September 29, 1995")],
        ),
        (
            (
                "Continues certain committee established by: EO 11145, March 7,1964\n"
                "Suspersedes: EO 199-A, January, 20, 1903; "
            ),
            [
                Said(Verb.CONTINUES, "11145", inverse=False, partial=False, cited="March 7, 1964"),
                Said(
                    Verb.SUPERSEDES, "199-A", inverse=False, partial=False, cited="January 20, 1903"
                ),
            ],
        ),
        (
            "Amends: 12864, September 15, 1993",
            [Said(Verb.AMENDS, "12864", inverse=False, partial=False, cited="September 15, 1993")],
        ),
        (
            "Terminates: EO 13271 and EO 13272",
            [
                Said(Verb.TERMINATES, "13271", inverse=False, partial=False, cited=""),
                Said(Verb.TERMINATES, "13272", inverse=False, partial=False, cited=""),
            ],
        ),
        (
            "See: 59 FR 25809; Notice of May 18, 1998; Public Law 105-277 (sec. 425); EO 12922",
            [
                OTHERS,
                OTHERS,
                OTHERS,
                Said(Verb.SEE, "12922", inverse=False, partial=False, cited=""),
            ],
        ),
        ("", []),
        (" \n\n", []),
    ],
)
def test_notes_are_read_as_they_are_written(notes: str, read: list[Read]) -> None:
    """Headings, lists, "in part", and what writers of notes do with them."""
    assert list(read_notes(notes)) == read


@pytest.mark.parametrize(
    ("notes", "orders"),
    [
        ("Supplemented by: EO 13083, May 14, 1998 (which was suspended by EO 13095)", ["13083"]),
        ("Revoked by: EO 13470, July 30, 2008, read in conjunction with EO 12333", ["13470"]),
    ],
)
def test_an_order_that_is_mentioned_aside_does_nothing(notes: str, orders: list[str]) -> None:
    """An order in brackets, or one that another is read with, is not in the list."""
    assert [each.other for each in read_notes(notes) if isinstance(each, Said)] == orders


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        ("Note: In memoriam", Unread("notes that begin with 'Note'")),
        ("Executive Order 12945", Unread("notes without a heading")),
        (
            "Supersedes or Revokes: EO 8248",
            Unread("which verb of 'Supersedes or Revokes' is meant", doubtful=True),
        ),
        ("Superseded by: EO 12955, March 9, 199", Unread("dates that are none", doubtful=True)),
        ("Amends: EO 12955, June 31, 1999", Unread("dates that are none", doubtful=True)),
    ],
)
def test_what_is_not_clear_is_told(notes: str, told: Unread) -> None:
    """Nothing of a note is dropped in silence."""
    assert told in list(read_notes(notes))


def test_hostile_notes_take_no_time() -> None:
    """Text that is made to be read again and again is read once."""
    notes = "Amends: " + "(" * 100_000 + "EO 1" * 50_000 + "\n" + "A " * 50_000

    assert len(list(read_notes(notes))) < 60_000


def _edges(number: str, notes: str) -> Iterator[Edge]:
    for said in read_notes(notes):
        if isinstance(said, Said):
            ends = (said.other, number) if said.inverse else (number, said.other)
            yield Edge(*ends, said.verb, said.partial, number, said.inverse, said.cited)


FURTHER: Final = Counter(
    {
        ("12912", Verb.SEE): 1,  # "See EO 12974": the colon is missing
        ("12919", Verb.SUPERSEDES): 11,  # "Supersedes or Revokes:"
        ("12921", Verb.AMENDS): 1,  # "Amends: 12864": the EO is missing
        ("12957", Verb.REVOKES): 1,  # "Revoked in part and supplemented by:"
        ("12957", Verb.SUPPLEMENTS): 1,
        ("12959", Verb.REVOKES): 2,  # "Revokes in part and supplements:"
        ("12959", Verb.SUPPLEMENTS): 2,
        ("12974", Verb.CONTINUES): 15,  # "Continues certain committee established by:"
        ("13111", Verb.REVOKES): 1,  # "Revoked (in part) by:"
        ("13177", Verb.REVOKES): 1,
    }
)
"""By the order whose notes they are: what is read beyond the list of edges."""

ASIDE: Final = {
    ("13354", "12333"),  # "read in conjunction with EO 12333"
    ("13355", "12333"),
    ("13470", "12333"),
    ("12988", "13095"),  # "(which was suspended by EO 13095 ...)"
}
"""In the list, and not read: orders that a note mentions aside."""

IN_PART: Final = ("13138", "13010", Verb.REVOKES)
"""Read as "in part", which stands behind a comma in 13138's notes; the list has it as whole."""


def test_notes_give_the_edges_that_another_reader_found() -> None:
    """Of 1,469 edges, all are read but four that are mentioned aside; 36 more are read.

    One is read as "in part", and 19 have the date that the list leaves out ("of May 12, 1965").
    """
    with shared("data/executive_orders.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = {
        edge._replace(cited="", partial=False): edge
        for edge in read_edges(shared("data/us_eo_edges.csv"))
    }

    read = Counter(chain.from_iterable(_edges(row["number"], row["notes"]) for row in rows))

    found = {edge._replace(cited="", partial=False): edge for edge in read}
    assert (read.total(), len(found), len(listed)) == (1_501, 1_501, 1_469)
    missing = [listed[key] for key in listed.keys() - found.keys()]
    assert {(edge.stated_on, edge.other) for edge in missing} == ASIDE
    further = [found[key] for key in found.keys() - listed.keys()]
    assert Counter((edge.stated_on, edge.verb) for edge in further) == FURTHER
    both = [(found[key], listed[key]) for key in found.keys() & listed.keys()]
    assert {ours.relation for ours, other in both if ours.partial != other.partial} == {IN_PART}
    dated = [(ours.cited, other.cited) for ours, other in both if ours.cited != other.cited]
    assert len(dated) == 19
    assert {other for _, other in dated} == {""}
