"""What tables become by a mapping file."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from importer_inputs import given
from timeline.domain.events import decode_data
from timeline.domain.vocabulary import EventType
from timeline.importers.csv_mapping import (
    ActionRule,
    CsvMapping,
    Field,
    IdentifierRule,
    PolicyRule,
    RelationRule,
    SourceRule,
    VoteRule,
    When,
    read_mapping,
)
from timeline.importers.csv_table import CsvTable
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Input
from timeline.importers.sketch import Found, Note, NoteKind, Refused, Sketch

DOCUMENTATION: Final = Path(__file__).resolve().parents[2] / "docs" / "import-mapping.md"

MAPPING: Final = """
system = "springfield"

[policy]
id = "springfield-{No}"
title = "Title"
instrument = { column = "Kind", values = { Ord = "ordinance" } }
jurisdiction = { value = "ocd-division/country:us/state:il/place:springfield" }
summary = { column = "About", empty = ["-"] }
topics = { column = "Topics", split = ";" }
sponsors = [{ column = "Mover", role = "mover" }]
identifiers = [{ scheme = "springfield-ordinance", value = "No" }]

[[policy.sources]]
url = { template = "https://springfield.example/{No}" }
class = "official"

[[actions]]
action = { column = "Event", values = { adopted = "passed", "came into force" = "took_effect" } }
occurred = { column = "Day", dates = ["%m/%d/%Y", "%m/%Y", "edtf"] }
body = { value = "City Council" }
vote = { yes = "Ayes", no = "Noes" }
when = { column = "Event", is_not = ["clerical"] }
"""

HEADER: Final = "No,Title,Kind,About,Topics,Mover,Event,Day,Ayes,Noes\n"


def _mapping(text: str = MAPPING) -> CsvMapping:
    return read_mapping(text.encode(), "mapping.toml")


def _read(*tables: bytes | str, mapping: str = MAPPING) -> list[Found]:
    inputs = [given(raw, f"{number}.csv") for number, raw in enumerate(tables, start=1)]
    return list(CsvTable(inputs, _mapping(mapping)).read())


def _one(found: list[Found]) -> Sketch:
    (sketch,) = [each for each in found if isinstance(each, Sketch)]
    for each in sketch.statements:
        decode_data(each.type, json.loads(json.dumps(each.data)))
    decode_data(EventType.POLICY_REGISTERED, sketch.described)
    return sketch


def _refused(found: list[Found]) -> list[tuple[str, str, str]]:
    return [
        (str(each.place), each.field, each.reason) for each in found if isinstance(each, Refused)
    ]


def test_rows_become_policies_and_actions() -> None:
    """Rows of a policy may lie anywhere; HTML and formulas are text; what is empty is left out."""
    found = _read(
        HEADER
        + "12-A,<b>Parks</b> & =1+1,Ord,-,parks; dogs;,Smith,adopted,3/5/2019,7,2\n"
        + "13,Dogs,Ord,-,,,adopted,2019~,,\n"
        + "12-A,<b>Parks</b> & =1+1,Ord,-,parks; dogs;,Smith,Came into Force,04/2019,,\n"
        + "12-A,<b>Parks</b> & =1+1,Ord,-,parks; dogs;,Smith,clerical,,,\n"
    )

    first, second = [each for each in found if isinstance(each, Sketch)]
    assert len(found) == 2
    source = {"url": "https://springfield.example/12-A", "class": "official"}
    assert first.described == {
        "title": "<b>Parks</b> & =1+1",
        "instrument": "ordinance",
        "jurisdiction": "ocd-division/country:us/state:il/place:springfield",
        "sources": [source],
        "topics": ["parks", "dogs"],
        "sponsors": [{"name": "Smith", "role": "mover"}],
        "identifiers": [{"scheme": "springfield-ordinance", "value": "12-A"}],
        "origin": {"system": "springfield", "id": "policy/springfield-12-a"},
    }
    passed, took_effect = [dict(each.data) for each in first.statements]
    assert passed.pop("origin")["id"] == first.statements[0].about
    assert passed == {
        "action": "passed",
        "occurred": "2019-03-05",
        "sources": [source],
        "label": "adopted",
        "body": "City Council",
        "vote": {"yes": 7, "no": 2},
    }
    assert (took_effect["action"], took_effect["occurred"]) == ("took_effect", "2019-04")
    assert (second.policy, str(second.place)) == ("springfield-13", "1.csv:3")
    assert second.statements[0].data["occurred"] == "2019~"


RELATED: Final = MAPPING.replace(
    "[[actions]]",
    """
[[relations]]
relation = { column = "Event", values = { ends = "repeals", "takes part of" = "amends" } }
target = { column = "Topics", split = ";", values = { parks = "12 A", "12-B" = "12 B" } }
scheme = "springfield-ordinance"
provision = "About"
effective = { column = "Day", dates = ["%m/%d/%Y"] }
when = { column = "Noes", is = ["r"] }
[[relations]]
relation = { value = "implements" }
target = "Mover"
prefix = "springfield-"
[[actions]]
when = { column = "Noes", is_not = ["r"] }
""",
).replace('when = { column = "Event", is_not = ["clerical"] }\n', "")


def test_columns_tell_of_relations() -> None:
    """By citation or by id, with words and numbers mapped; said twice they are one, other words are told."""
    found = _read(
        HEADER
        + "1,T,Ord,s. 1,parks; 12-C,A.9,ends,3/5/2019,,r\n"
        + "1,T,Ord,s. 1,parks; 12-C,A.9,ends,3/5/2019,,r\n"
        + "1,T,Ord,s. 1,parks; 12-C,A.9,ends,4/5/2019,,r\n"
        + "1,T,Ord,s. 1,parks; 12-C,A.9,annuls,3/5/2019,,r\n",
        mapping=RELATED,
    )

    told = [dict(each.data) for each in _one(found).statements]
    assert {str(each.type) for each in _one(found).statements} == {"RelationAsserted"}
    cited = [
        {"citation": {"scheme": "springfield-ordinance", "value": each}}
        for each in ("12 A", "12-C")
    ]
    assert [(str(each["relation"]), each["target"]) for each in told] == [
        ("repeals", cited[0]),
        ("repeals", cited[1]),
        ("implements", {"policy": "springfield-a-9"}),
        ("cites", cited[0]),
        ("cites", cited[1]),
    ]
    assert (told[0]["provision"], told[0]["effective"]) == ("s. 1", "2019-03-05")
    assert [(each.kind, each.about) for each in found if isinstance(each, Note)] == [
        (NoteKind.DOUBTFUL, "rows that tell a relation otherwise; the first counts"),
        (NoteKind.DOUBTFUL, "rows that tell a relation otherwise; the first counts"),
        (NoteKind.UNKNOWN_LABEL, "relation 'annuls'"),
        (NoteKind.UNKNOWN_LABEL, "relation 'annuls'"),
    ]


def test_a_relation_points_in_one_way() -> None:
    """By what others call the policy, or by its id."""
    for wrong in (
        RELATED.replace('prefix = "springfield-"', ""),
        RELATED.replace("prefix =", 'scheme = "x"\nprefix ='),
    ):
        with pytest.raises(
            InputRefused, match=r"relations\[.*exactly one of `scheme` and `prefix`"
        ):
            _mapping(wrong)


TWO_TABLES: Final = """
system = "twin"
encoding = "cp1252"
delimiter = ";"
[policy]
id = "twin-{Id}"
title = "Name"
instrument = { value = "resolution" }
jurisdiction = { value = "ocd-division/country:us" }
[[policy.sources]]
citation = "Name"
[[actions]]
action = { value = "introduced" }
occurred = "Introduced"
optional = true
[[actions]]
policy = "twin-{Matter}"
id = "{Row}"
action = "What"
occurred = "When"
[[actions.sources]]
citation = { template = "Journal, {When}" }
"""


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_tables_are_joined_in_either_order(order: tuple[int, int]) -> None:
    """Each input is told by its header; sources of an action are its own, or the policy's."""
    tables = (
        "Id;Name;Introduced\n1;Caf\xe9;2020-01-01\n2;Two;\n".encode("cp1252"),
        "Row;Matter;What;When\n9;2;Passed;2020-02-03\n8;1;failed;2020-02-02\n8;1;failed;2020-02-02\n",
    )

    found = _read(*(tables[index] for index in order), mapping=TWO_TABLES)

    sketches = {each.policy: each for each in found if isinstance(each, Sketch)}
    assert sketches["twin-1"].described["title"] == "Café"
    told = {
        (each.about, str(each.data["action"]), each.data["sources"][0]["citation"])
        for sketch in sketches.values()
        for each in sketch.statements
    }
    assert told == {
        ("twin-1/introduced/Introduced", "introduced", "Café"),
        ("twin-1/action/8", "failed", "Journal, 2020-02-02"),
        ("twin-2/action/9", "passed", "Journal, 2020-02-03"),
    }


def test_a_table_that_is_not_given_takes_nothing_back() -> None:
    """With the policies alone, what the other table said would be retracted: so it is refused."""
    with pytest.raises(InputRefused, match=r"columns of actions\[1\]: give it too"):
        _read("Id;Name;Introduced\n1;A;\n", mapping=TWO_TABLES)

    with pytest.raises(InputRefused, match=r"columns of \[policy\]"):
        _read("Row;Matter;What;When\n9;2;Passed;2020-02-03\n", mapping=TWO_TABLES)


@pytest.mark.parametrize(
    ("table", "refused"),
    [
        (
            "1,T,Ord,,,,adopted,13/13/2019,,\n",
            ("1.csv:2", "Day", "'13/13/2019' is no date in the form %m/%d/%Y or %m/%Y or edtf"),
        ),
        ("1,,Ord,,,,adopted,2019,,\n", ("1.csv:2", "Title", "The cell is empty, and a row needs")),
        ("1,T,Ord,,,,adopted,,,\n", ("1.csv:2", "Day", "The date is missing: `optional = true`")),
        ("1,T,Ord,,,,adopted,2019,many,\n", ("1.csv:2", "Ayes", "'many' is no count of votes")),
        (",T,Ord,,,,adopted,2019,,\n", ("1.csv:2", "id", "The cells that make the policy's id")),
        ("1,T,Ord,,,,adopted,2019,,,\n", ("1.csv:2", "", "The row has 11 cells, the header 10")),
        ("1,T\0,Ord,,,,adopted,2019,,\n", ("1.csv:2", "Title", "It holds U+0000: take it out")),
        (
            b"1,\xe9,Ord,,,,adopted,2019,,\n",
            ("1.csv:2", "Title", "It is no text in utf-8: give the table's `encoding`"),
        ),
        (
            "A.1,T,Ord,,,,adopted,2019,,\na-1,T,Ord,,,,adopted,2019,,\n",
            ("1.csv:3", "springfield-{No}", "'springfield-a-1' and 'springfield-A.1' of 1.csv:2"),
        ),
    ],
)
def test_a_row_that_is_wrong_is_refused_by_file_line_and_column(
    table: bytes | str, refused: tuple[str, str, str]
) -> None:
    """Its policy is not told at all; others are."""
    raw = HEADER.encode() + (table if isinstance(table, bytes) else table.encode())

    found = _read(raw + b'2,"Two\nlines",Ord,,,,adopted,2019,,\n')

    ((place, field, reason),) = _refused(found)
    assert (place, field) == refused[:2]
    assert reason.startswith(refused[2])
    assert _one(found).policy == "springfield-2"


def test_a_column_that_is_not_there_is_named() -> None:
    """With the key of the mapping that asks for it, and what there is."""
    with pytest.raises(InputRefused) as refused:
        _read("No,Titel,Kind,About,Topics,Mover,Event,Day,Ayes,Noes\n")

    assert str(refused.value).startswith(
        "1.csv:1: There is no column 'Title', for which the mapping's policy.title asks: No, Titel,"
    )


def test_words_that_nobody_mapped_are_kept_and_told() -> None:
    """An unknown event is `other` with its words, an unknown kind an instrument of no kind."""
    found = _read(HEADER + "1,T,Ukas,,,,<i>sung</i>,2019,,\n")

    sketch = _one(found)
    assert sketch.described["instrument"] == "other"
    assert (sketch.statements[0].data["action"], sketch.statements[0].data["label"]) == (
        "other",
        "<i>sung</i>",
    )
    assert {(each.kind, each.about) for each in found if isinstance(each, Note)} == {
        (NoteKind.UNKNOWN_LABEL, "instrument 'Ukas'"),
        (NoteKind.UNKNOWN_LABEL, "action '<i>sung</i>'"),
    }


def test_the_same_thing_twice_in_a_day_is_two_actions() -> None:
    """Two rows that are alike are two actions, as real bodies do the same thing twice."""
    row = "1,T,Ord,,,,adopted,2019-01-01,,\n"

    sketch = _one(_read(HEADER + row + row))

    first, second = [each.about for each in sketch.statements]
    assert second == f"{first}/2"


@pytest.mark.parametrize("whole", [True, False])
def test_a_table_of_what_is_new_takes_nothing_back(whole: bool) -> None:  # noqa: FBT001
    """`whole = false` says that what is missing is not gone."""
    mapping = f"whole = {str(whole).lower()}\n{MAPPING}"

    sketch = _one(_read(HEADER + "1,T,Ord,,,,adopted,2019,,\n", mapping=mapping))

    assert sketch.whole is whole


def test_while_a_row_cannot_be_read_nothing_is_taken_back() -> None:
    """What a broken row would have said may be what was recorded before."""
    found = _read(HEADER + "1,T,Ord,,,,adopted,2019,,\n" + "1,T,Ord,broken\n")

    assert [place for place, _, _ in _refused(found)] == ["1.csv:3"]
    assert not _one(found).whole


def test_rows_that_describe_a_policy_otherwise_are_told() -> None:
    """The first row counts; a row that differs in what describes nothing is no other description."""
    found = _read(
        HEADER
        + "1,T,Ord,,,,adopted,2019,,\n"
        + "1,T,Ord,,,,adopted,2020,,\n"
        + "1,Other,Ord,,,,adopted,2021,,\n"
    )

    assert _one(found).described["title"] == "T"
    ((place, about),) = [(str(each.place), each.about) for each in found if isinstance(each, Note)]
    assert (place, about) == ("1.csv:4", "rows that describe a policy otherwise; the first counts")


def test_a_template_is_filled_and_nothing_else() -> None:
    """What looks like code, a format or another template in a cell stays what it is."""
    found = _read(HEADER + '1,"{No.__class__} %s {0} {Kind}",Ord,,,,adopted,2019,,\n')

    assert _one(found).described["title"] == "{No.__class__} %s {0} {Kind}"


def test_many_rows_are_gathered_on_disk() -> None:
    """Every second row is about another policy; each is told once, with all of its rows."""

    class Stream:
        def __iter__(self) -> Iterator[Input]:
            rows = [
                f"{number % 500},T,Ord,,,,adopted,2019-01-0{1 + number % 9},,\n"
                for number in range(5_000)
            ]
            yield given(HEADER + "".join(rows))

    found = list(CsvTable(Stream(), _mapping()).read())

    assert len(found) == 500
    assert {len(each.statements) for each in found if isinstance(each, Sketch)} == {10}


def test_rows_of_one_policy_are_bounded() -> None:
    """An id that is none gathers all rows; that is refused, not held."""
    found = _read(HEADER + "1,T,Ord,,,,adopted,2019,,\n" * 10_001)

    ((place, field, reason),) = _refused(found)
    assert (place, field, len(found)) == ("1.csv:2", "id", 1)
    assert "More than 10000 rows" in reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("system = 1", "mapping.toml: system: Expected `str`, got `int`"),
        (MAPPING.replace('"Title"', "{}"), "mapping.toml: policy.title: Give exactly one of"),
        (MAPPING.replace("topics", "topicks"), "mapping.toml: policy: Object contains unknown"),
        (MAPPING.replace('"%m/%Y"', '"MM/YYYY"'), "'MM/YYYY' is no date format with a year"),
        ('encoding = "klingon"\n' + MAPPING, "There is no encoding 'klingon'"),
        ('encoding = "utf-16"\n' + MAPPING, "'utf-16': write the table in UTF-8"),
        ('encoding = "punycode"\n' + MAPPING, "'punycode': write the table in UTF-8"),
        ("[policy", "mapping.toml: It is no TOML"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused(text: str, reason: str) -> None:
    """In a line that names the file and the key."""
    with pytest.raises(InputRefused) as refused:
        _mapping(text)

    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@drawn(st.dates(), st.sampled_from(["%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%B %d, %Y", "%d %b %Y"]))
def test_dates_are_read_in_their_form(day: Any, format: str) -> None:
    """Whatever the form, the day is the same."""
    field = Field(column="x", dates=(format,))
    written = day.strftime(format.replace("%Y", f"{day.year:04}"))

    assert field.date({"x": written}) == day.isoformat()


def test_the_mapping_that_the_documentation_shows_does_what_it_says() -> None:
    """The table and the mapping of docs/import-mapping.md make the policies that it names."""
    page = DOCUMENTATION.read_text(encoding="utf-8")
    (table,) = re.findall(r"^```csv\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    mapping, relations = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert _mapping(mapping + relations).relations

    sketches = [each for each in _read(table, mapping=mapping) if isinstance(each, Sketch)]

    assert {each.policy: len(each.statements) for each in sketches} == {
        "springfield-12-a": 2,
        "springfield-13": 1,
    }
    assert str(sketches[1].statements[0].data["occurred"]) == "2019-03"


def test_the_documentation_names_every_key_of_a_mapping() -> None:
    """Each key of each table of a mapping is in docs/import-mapping.md."""
    page = DOCUMENTATION.read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z_]+", page))

    kinds = (
        CsvMapping,
        PolicyRule,
        ActionRule,
        RelationRule,
        SourceRule,
        IdentifierRule,
        VoteRule,
        When,
        Field,
    )
    keys = {field.encode_name for kind in kinds for field in msgspec.structs.fields(kind)}

    assert keys - words == set()
