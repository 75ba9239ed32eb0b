"""Legistar's matters as policies: whichever form they come in, and whatever is wrong with them."""

import io
import json
from collections.abc import Iterable
from typing import Any, Final

import pytest

from timeline.domain.vocabulary import Action
from timeline.importers.errors import InputRefused
from timeline.importers.label_tables import read_tables
from timeline.importers.legistar import Legistar
from timeline.importers.legistar_matters import LegistarLabels
from timeline.importers.opening import Input
from timeline.importers.sketch import Found, Note, NoteKind, Refused, Sketch

LABELS: Final = read_tables(LegistarLabels, "legistar")
MATTERS: Final = "matter_id,file,path,type,body,local_law,last_modified,name,title\n"
ROWS: Final = "action_row_id,matter_id,action_date,action,body,passed_flag,last_modified\n"
NEVER: Final = "0001-01-01T00:00:00Z"


def read(*texts: str | bytes) -> list[Found]:
    """Return what texts say, each as an input called a, b, c."""
    inputs: Iterable[Input] = (
        Input(name, io.BufferedReader(io.BytesIO(each.encode() if isinstance(each, str) else each)))
        for name, each in zip("abc", texts, strict=False)
    )
    return list(Legistar(inputs, LABELS).read())


def sketches(found: list[Found]) -> list[Sketch]:
    """Return the policies among what was found, and check that nothing is refused."""
    assert [each for each in found if isinstance(each, Refused)] == []
    return [each for each in found if isinstance(each, Sketch)]


def refusals(found: list[Found]) -> list[tuple[str, str]]:
    """Return what is refused: where, and in which field."""
    return [(str(each.place), each.field) for each in found if isinstance(each, Refused)]


MATTER: Final[dict[str, Any]] = {
    "MatterId": 7,
    "MatterFile": "Int 0001-2025",
    "MatterTypeName": "Introduction",
    "MatterTitle": "A Local Law\nto amend the code",
    "MatterName": "A name",
    "MatterBodyName": "Committee on Housing",
    "MatterEnactmentNumber": "2026/063",
    "MatterLastModifiedUtc": "2026-02-01T10:00:00.123",
}
HISTORY: Final[dict[str, Any]] = {
    "MatterHistoryId": 9,
    "MatterHistoryMatterId": 7,
    "MatterHistoryActionDate": "2025-12-31T16:50:00",
    "MatterHistoryActionName": "Vetoed by Mayor\r\n",
    "MatterHistoryActionBodyName": "Mayor",
    "MatterHistoryLastModifiedUtc": "2026-01-02T10:00:00",
}
MIRRORED: Final[dict[str, Any]] = {
    "ID": 7,
    "File": "Int 0001-2025",
    "TypeName": "Introduction",
    "Title": "A Local Law to amend the code",
    "Name": "A name",
    "BodyName": "Committee on Housing",
    "LocalLaw": "2026/063",
    "LastModified": "2026-02-01T10:00:00.123Z",
    "Sponsors": [{"FullName": "A B"}, {"FullName": ""}],
    "History": [
        {
            "ID": 9,
            "Date": "2025-12-31T16:50:00Z",
            "Action": "Vetoed by Mayor",
            "BodyName": "Mayor",
            "LastModified": "2026-01-02T10:00:00Z",
        }
    ],
}
TABLES: Final = (
    ROWS + '9,7,2025-12-31T16:50:00Z,"Vetoed by Mayor\r\n",Mayor,,2026-01-02T10:00:00Z\n',
    MATTERS + "7,Int 0001-2025,introduction/1.json,Introduction,Committee on Housing,2026/063,"
    '2026-02-01T10:00:00.123Z,A name,"A Local Law\nto amend the code"\n',
)


def test_the_api_the_mirror_and_tables_say_the_same() -> None:
    """Matters and histories in files of any order; the API's times are UTC, but for the actions'."""
    (api,) = sketches(read(json.dumps([HISTORY]), json.dumps([MATTER])))
    (mirror,) = sketches(read(json.dumps(MIRRORED)))
    (table,) = sketches(read(*TABLES))

    assert api.policy == mirror.policy == table.policy == "nyc-int-0001-2025"
    assert api.described == {
        "title": "A Local Law to amend the code",
        "instrument": "bill",
        "jurisdiction": "ocd-division/country:us/state:ny/place:new_york",
        "body": "Committee on Housing",
        "identifiers": [
            {"scheme": "nyc-council-file", "value": "Int 0001-2025"},
            {"scheme": "nyc-local-law", "value": "2026/063"},
        ],
        "summary": "A name",
        "sources": [{"url": "https://webapi.legistar.com/v1/nyc/matters/7", "class": "official"}],
        "origin": {
            "system": "nyc-legistar",
            "id": "matter/7",
            "recorded": "2026-02-01T10:00:00.123Z",
        },
    }
    assert mirror.described == {**api.described, "sponsors": [{"name": "A B"}]}
    path = "https://github.com/jehiah/nyc_legislation/blob/master/introduction/1.json"
    assert table.described == {**api.described, "sources": [{"url": path, "class": "official"}]}
    (vetoed,) = api.statements
    assert vetoed.data == {
        "action": Action.VETOED,
        "occurred": "2025-12-31T16:50:00-05:00",
        "label": "Vetoed by Mayor",
        "body": "Mayor",
        "sources": api.described["sources"],
        "origin": {
            "system": "nyc-legistar",
            "id": "action/9",
            "recorded": "2026-01-02T10:00:00Z",
        },
    }
    assert [each.data["occurred"] for each in (*mirror.statements, *table.statements)] == [
        vetoed.data["occurred"]
    ] * 2


def test_only_a_matter_with_its_history_can_take_anything_back() -> None:
    """A file of matters alone says nothing of what happened to them."""
    alone, joined = read(TABLES[1]), read(*TABLES)

    assert [each.whole for each in (*sketches(alone), *sketches(joined))] == [False, True]


def test_nothing_is_taken_back_while_a_row_cannot_be_read() -> None:
    """What it would have said is no less true."""
    found = read(TABLES[0] + "10,7\n", TABLES[1])

    assert refusals(found) == [("a:4", "")]
    assert [each.whole for each in found if isinstance(each, Sketch)] == [False]


def test_versions_of_the_mirror_are_pictures_one_after_the_other() -> None:
    """A line holds a version with the path of its file."""
    lines = [
        json.dumps({"path": "introduction/1.json", "matter": {**MIRRORED, "Title": title}})
        for title in ("One", "Two")
    ]

    found = sketches(read("\n".join(lines)))

    assert [each.described["title"] for each in found] == ["One", "Two"]
    assert [str(each.place) for each in found] == ["a:1", "a:2"]


def test_a_label_without_a_meaning_is_kept_and_told() -> None:
    """It is recorded as `other` with its own words; a step that did not pass is doubtful."""
    rows = (
        ROWS
        + f"1,7,2025-01-08T00:00:00Z,Printed,,,{NEVER}\n"
        + f"2,7,{NEVER},Approved by Council,,Fail,{NEVER}\n"
    )

    found = read(rows, TABLES[1])

    (sketch,) = sketches(found)
    assert [(each.data["action"], each.data["label"]) for each in sketch.statements] == [
        ("other", "Printed"),
        ("passed", "Approved by Council"),
    ]
    assert [each.data["occurred"] for each in sketch.statements] == ["2025-01-08", "XXXX"]
    assert [(each.kind, each.about) for each in found if isinstance(each, Note)] == [
        (NoteKind.UNKNOWN_LABEL, "Printed"),
        (NoteKind.DOUBTFUL, "Approved by Council: it did not pass"),
    ]


def test_what_is_listed_twice_or_belongs_to_nothing_is_told() -> None:
    """The first of two counts, as the source's own ids say that they are one."""
    again = (
        TABLES[1]
        + TABLES[1].splitlines()[-2].replace("7,", "8,", 1)
        + "\n"
        + (TABLES[1].splitlines()[-1] + "\n")
    )
    orphan = TABLES[0] + "4,5,2025-01-08,Laid Over by Committee,,,\n"

    found = read(orphan + TABLES[0].split("\n", 1)[1], again)

    assert len(sketches(found)) == 1
    assert sorted(each.about for each in found if isinstance(each, Note)) == [
        "a row listed again",
        "history of matter 5, which is not there",
        "matter 8 (Int 0001-2025), listed again",
    ]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("matter_id,file_number\n7,Int 1\n", [("a:1", "")]),
        ("matter_id,file,title,title\n7,Int 1,a,b\n", [("a:1", "")]),
        ("matter_id,file,title\n7,Int 1\n8,Int 2,b\n9,,c\n", [("a:2", ""), ("a:4", "MatterFile")]),
        (b"matter_id,file,title\n7,Int 1,\xff\n8,Int 2,b\n", [("a:2", "title")]),
        (
            '{"ID": 7, "File": "Int 1"}\n{"ID": 8,\n{"ID": 9, "File": 1.5}\n',
            [("a:2", ""), ("a:3", "MatterFile")],
        ),
        ('[{"ID": 7, "File": "Int 1"}, 5, {"File": "Int 2"}]', [("a:1", ""), ("a:1", "MatterId")]),
        ('{"ID": 7, "File": "Int 1", "History": {}}', [("a:1", "MatterHistories")]),
        ('{"ID": 7, "File": "Int 1", "Sponsors": 5}', [("a:1", "MatterSponsors")]),
        ('{"ID": 7, "File": "Int 1", "Sponsors": [5]}', [("a:1", "MatterSponsors")]),
        (
            '{"ID": 7, "File": "Int 1", "History": [{"ID": 1, "Date": "8/1/25", "Action": "Deferred"}]}',
            [("a:1 (history 1)", "date")],
        ),
        (
            '{"MatterHistoryId": 1, "MatterHistoryActionDate": "2025"}',
            [("a:1", "MatterHistoryMatterId")],
        ),
        ("a,b\n1,2\n", [("a:1", "")]),
        ("id\n", [("a:1", "")]),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_and_the_rest_is_read(
    text: str | bytes, places: list[tuple[str, str]]
) -> None:
    """A wrong column, a broken line, a row too short: each with its place, and none takes others along."""
    assert refusals(read(text)) == places


def test_a_table_without_a_column_is_told_which_it_has() -> None:
    """So that a wrong name is seen at once."""
    (refused,) = read("matter_id,file_number\n7,Int 1\n")

    assert isinstance(refused, Refused)
    assert refused.reason == (
        "The table has no column MatterFile or File or file; it has matter_id, file_number."
    )


def test_blanks_hide_nothing() -> None:
    """However many stand before the first object."""
    (sketch,) = sketches(read(" " * 5_000 + "\n" * 5_000 + json.dumps(MIRRORED)))

    assert sketch.policy == "nyc-int-0001-2025"


def test_a_broken_file_takes_no_other_with_it() -> None:
    """What is in the next one is read."""
    found = read(b'matter_id,file\n7,"Int 1', MATTERS + f"8,Int 2,,,,,{NEVER},,b\n")

    assert refusals(found) == [("a:2", "")]
    assert [each.policy for each in found if isinstance(each, Sketch)] == ["nyc-int-2"]


# Labels


def labels(text: str) -> LegistarLabels:
    """Return the tables with a user's rows."""
    return read_tables(LegistarLabels, "legistar", "own.toml", text.encode())


def test_another_council_has_its_own_words() -> None:
    """Its rows replace those of the same name; the longest beginning counts, after the whole label."""
    own = labels(
        """
        [source]
        system = "chicago-legistar"
        prefix = "chi"
        jurisdiction = "ocd-division/country:us/state:il/place:chicago"
        time_zone = "America/Chicago"
        [actions]
        "Printed" = "referred"
        "Vetoed by Mayor" = "failed"
        [beginnings]
        "Approved by Committee, not by" = "failed"
        """
    )
    said = [
        "Printed",
        "Vetoed by Mayor",
        "Approved by Committee, not by all",
        "Approved by Committee",
    ]
    rows = ROWS + "".join(
        f'{n},7,2025-01-08T10:00:00Z,"{each}",,,\n' for n, each in enumerate(said)
    )
    inputs = (Input("a", io.BytesIO(each.encode())) for each in (rows, TABLES[1]))

    (sketch,) = sketches(list(Legistar(inputs, own).read()))

    assert (sketch.policy, sketch.described["jurisdiction"]) == (
        "chi-int-0001-2025",
        "ocd-division/country:us/state:il/place:chicago",
    )
    assert [each.data["action"] for each in sketch.statements] == [
        "referred",
        "failed",
        "failed",
        "advanced",
    ]
    assert sketch.statements[0].data["occurred"] == "2025-01-08T10:00:00-06:00"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[actions]\n"A" = "danced"', "danced"),
        ('[source]\nsystem = "A B"', "system"),
        ("[labels]\nA = 1", "labels"),
        ('[source]\ntime_zone = "Europe/Nowhere"', "no time zone"),
    ],
)
def test_a_file_of_labels_says_what_a_table_can(text: str, reason: str) -> None:
    """Before anything is read."""
    with pytest.raises(InputRefused, match=reason):
        Legistar([], labels(text))
