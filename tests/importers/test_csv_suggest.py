"""What mapping is suggested for a table that nobody has described."""

import json
from typing import Final

import pytest

from importer_inputs import given
from timeline.domain.events import decode_data
from timeline.domain.vocabulary import EventType
from timeline.importers.csv_mapping import read_mapping
from timeline.importers.csv_suggest import suggest
from timeline.importers.csv_table import CsvTable
from timeline.importers.errors import InputRefused
from timeline.importers.sketch import Refused, Sketch

WIDE: Final = """File #,Title,Type,Introduced,Date Passed,Effective date,Topics,Link
12-001,"Sanctuary, or <b>not</b>",Ordinance,1/15/2012,2/20/2012,3/1/2012,immigration; police,https://e.org/1
12-002,=1+1,Resolution,1/16/2012,,,police,https://e.org/2
"""
LONG: Final = """MatterFile;MatterTitle;ActionDate;ActionName;BodyName;Ayes;Nays
A 1;One;05.01.2012;Introduced by Council;Council;;
A 2;Caf\xe9;06.01.2012;Introduced by Council;Council;;
A 1;One;13.02.2012;Approved by Committee;Committee;5;0
A 1;One;20.02.2012;Vetoed;Mayor;;
A 1;One;21.02.2012;Veto overridden;Council;40;3
A 1;One;22.02.2012;Flurbled;Mayor;;
"""


@pytest.mark.parametrize(
    ("name", "raw", "told"),
    [
        (
            "ordinances.csv",
            WIDE.encode(),
            {
                "ordinances-12-001": ["introduced", "passed", "took_effect"],
                "ordinances-12-002": ["introduced"],
            },
        ),
        (
            "folder/Actions 2012.csv",
            LONG.encode("cp1252"),
            {
                "actions-2012-a-1": [
                    "introduced",
                    "advanced",
                    "vetoed",
                    "override_passed",
                    "other",
                ],
                "actions-2012-a-2": ["introduced"],
            },
        ),
    ],
)
def test_what_is_suggested_imports_the_table_as_it_is(
    name: str, raw: bytes, told: dict[str, list[str]]
) -> None:
    """A mapping that is valid, and that reads each row into what the record takes."""
    mapping = read_mapping(suggest(given(raw, name)).text.encode(), "suggested.toml")

    found = list(CsvTable([given(raw, name)], mapping).read())

    sketches = [each for each in found if isinstance(each, Sketch)]
    assert len(sketches) == len(found)
    assert {
        each.policy: [str(one.data["action"]) for one in each.statements] for each in sketches
    } == told
    for each in sketches:
        decode_data(EventType.POLICY_REGISTERED, each.described)
        for one in each.statements:
            decode_data(one.type, json.loads(json.dumps(one.data)))


def test_a_form_of_date_that_fits_more_columns_is_taken() -> None:
    """The 2nd of March and the 3rd of February look alike; the other column tells which it is."""
    table = "Id,Name,Introduced,Signed\n1,A,25/03/2020,02/03/2020\n2,B,26/03/2020,03/02/2020\n"

    mapping = read_mapping(suggest(given(table)).text.encode(), "suggested.toml")

    assert [getattr(rule.occurred, "dates", ()) for rule in mapping.actions] == [("%d/%m/%Y",)] * 2


def test_an_odd_cell_takes_no_column_away() -> None:
    """The form of most cells is proposed; what is in another is named, refused, and can be added."""
    table = (
        "Id,Name,Introduced,Passed\n"
        "1,A,2019-01-15,2019-02-01\n2,B,13.2.2019,2019-03-01\n3,C,2019-02-14,\n4,D,soon?,\n5,E,2019-03,\n"
    )

    text, doubts = suggest(given(table))
    read = [
        [*CsvTable([given(table)], read_mapping(each.encode(), "suggested.toml")).read()]
        for each in (text, text.replace('dates = ["edtf"]', 'dates = ["edtf", "%d.%m.%Y"]'))
    ]

    (doubt,) = doubts
    assert doubt == (
        "2 of 5 cells in 'Introduced' are not in the form edtf, the first in line 3: '13.2.2019'."
    )
    assert f"# {doubt}\n# Rows with them are refused" in text
    refused = [
        [(each.place.line, each.field) for each in found if isinstance(each, Refused)]
        for found in read
    ]
    assert refused == [[(3, "Introduced"), (5, "Introduced")], [(5, "Introduced")]]
    kinds = {
        str(one.data["action"])
        for each in read[0]
        if isinstance(each, Sketch)
        for one in each.statements
    }
    assert kinds == {"introduced", "passed"}


def test_relations_are_proposed_where_a_columns_name_says_so() -> None:
    """And numbers stand in it; "repealed by" tells of another one's act."""
    table = (
        "No,Title,Kind,Amends,Repeals ordinance no.,Repealed by,Cites\n"
        "1,A,Ordinance,,,3,the charter\n3,C,Ordinance,2,1;2,,the charter\n"
    )

    text = suggest(given(table, "rules.csv")).text
    found = list(CsvTable([given(table)], read_mapping(text.encode(), "suggested.toml")).read())

    told = [one for each in found if isinstance(each, Sketch) for one in each.statements]
    for one in told:
        decode_data(one.type, json.loads(json.dumps(one.data)))
    assert [
        (str(one.data["relation"]), one.data["target"]["citation"]["value"]) for one in told
    ] == [
        ("amends", "2"),
        ("repeals", "1"),
        ("repeals", "2"),
    ]
    assert "# Columns that nothing uses: Repealed by, Cites" in text


def test_what_a_table_holds_cannot_leave_its_string() -> None:
    """Quotes, line ends and comments in names and cells are text in the mapping, not TOML."""
    table = 'id,"na""me = 1\n#[x]",Event,Day\n1,x,"a""]\n[policy]\n#\\",2020-01-01\n'

    mapping = read_mapping(suggest(given(table, 'a"\nb.csv')).text.encode(), "suggested.toml")

    (sketch,) = list(CsvTable([given(table)], mapping).read())
    assert isinstance(sketch, Sketch)
    assert sketch.described["title"] == "x"


@pytest.mark.parametrize("table", ["", "a,a\n1,2\n", "Day\n2020-01-01\n"])
def test_a_table_without_names_is_refused(table: str) -> None:
    """In one line that says what is missing."""
    with pytest.raises(InputRefused, match=r"^given:1: (The first line|No column)"):
        suggest(given(table))
