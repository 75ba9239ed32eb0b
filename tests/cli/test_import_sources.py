"""`timeline import --from` of other people's data: recorded, again, changed, and refused."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import Result

from panels import unframed

Timeline = Callable[..., Result]

OPENSTATES: Final = Path(__file__).resolve().parents[1] / "samples" / "openstates"

ORDERS: Final = """number,citation,signing_date,document_number,notes
100,,1990-01-01,90-1,"Revoked by: EO 101, February 2, 1991"
101,,1991-02-02,91-1,"Revokes: EO 100, January 1, 1990 (in part)"
"""
TABLE: Final = """Number,Title,Type,Introduced,Passed
1,<b>Parks</b>,Resolution,2019-01-01,2019-02-01
2,"=HYPERLINK(""x"")",Resolution,2019-01-01,
"""


@pytest.fixture
def timeline(migrated_sqlite: Path, tmp_path: Path, command: Callable[..., Result]) -> Timeline:
    """Run commands on SQLite: what imports record is the same on every database."""
    path = tmp_path / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    return lambda *words, **settings: command(f"sqlite:///{path}", words, **settings)


def _exported(timeline: Timeline) -> list[dict[str, Any]]:
    """Return all events of the record."""
    return [json.loads(line) for line in timeline("export", "--quiet").stdout.splitlines()]


def _report(result: Result) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_executive_orders_are_imported_with_both_sides(timeline: Timeline, tmp_path: Path) -> None:
    """One relation, the other side's dispute of it, and nothing new the second time."""
    table = tmp_path / "orders.csv"
    table.write_text(ORDERS, encoding="utf-8")

    first = timeline("import", "--from", "federal-register", str(table), "--json", "-q")
    again = timeline("import", "--from", "federal-register", str(table), "--json", "-q")

    assert (_report(first)["recorded"], _report(again)["recorded"], again.exit_code) == (6, 0, 0)
    relation, dispute = _exported(timeline)[-2:]
    assert relation["data"]["target"] == {"citation": {"scheme": "eo", "value": "100"}}
    assert (dispute["data"]["event"], dispute["data"]["claim"]) == (
        relation["id"],
        {"field": "scope", "value": "full"},
    )


def test_an_archive_of_bills_is_imported(timeline: Timeline, tmp_path: Path) -> None:
    """The bulk export's zip, its README passed over, with a user's own labels."""
    archive, labels = tmp_path / "NC_2025_json.zip", tmp_path / "labels.toml"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README", "Open States Data Export")
        file.write(OPENSTATES / "vetoed_and_overridden.json", "NC/2025/NC_2025_bills.json")
    labels.write_text('[actions]\nteleportation = "confirmed"\n', encoding="utf-8")

    result = timeline(
        "import", "--from", "openstates", "--labels", str(labels), str(archive), "--json", "-q"
    )

    assert (result.exit_code, _report(result)["recorded"]) == (0, 17)
    actions = [each["data"]["action"] for each in _exported(timeline) if "action" in each["data"]]
    assert actions[8:] == ["vetoed", "advanced", "override_passed", "enacted", "confirmed", "other"]


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("\\u0000", "bills.json:2: data.title: It holds U+0000"),
        ("\\ud800", "bills.json:2: "),
        ('", "x', "bills.json:2: It is no JSON"),
    ],
)
def test_a_bill_that_the_record_does_not_take_is_refused(
    timeline: Timeline, tmp_path: Path, title: str, told: str
) -> None:
    """In one line with its place; the bills before it are recorded, nothing of it is."""
    line = (
        '{"identifier": "HB NUMBER", "session": "1", "jurisdiction": "Ohio", "title": "TITLE",'
        ' "classification": ["bill"]}\n'
    )
    bills = tmp_path / "bills.json"
    bills.write_text(
        line.replace("NUMBER", "1") + line.replace("NUMBER", "2").replace("TITLE", title),
        encoding="utf-8",
    )

    result = timeline("import", "--from", "openstates", str(bills), "-q")

    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert told in result.stderr
    assert [each["policy"] for each in _exported(timeline)] == ["oh-1-hb-1"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table as somebody has it."""
    file = tmp_path / "rules.csv"
    file.write_text(TABLE, encoding="utf-8")
    return file


@pytest.fixture
def mapping(timeline: Timeline, table: Path) -> str:
    """Return the mapping that is suggested for it."""
    suggested = timeline("import", "--from", "csv", "--suggest", str(table))
    file = table.with_suffix(".toml")
    file.write_text(suggested.stdout, encoding="utf-8")
    return str(file)


def test_a_table_is_imported_by_the_mapping_that_is_suggested(
    timeline: Timeline, table: Path, mapping: str
) -> None:
    """HTML and formulas are text; another date is a correction, and only that."""
    command = ("import", "--from", "csv", "--mapping", mapping, str(table), "--json", "-q")

    first = timeline(*command)
    table.write_text(TABLE.replace("2019-02-01", "2019-02-03"), encoding="utf-8")
    changed = timeline(*command)
    again = timeline(*command)

    assert (first.exit_code, _report(first)["recorded"]) == (0, 5)
    assert (_report(changed)["recorded"], _report(changed)["corrected"]) == (0, 1)
    assert (_report(again)["known"], _report(again)["corrected"]) == (5, 0)
    events = _exported(timeline)
    titles = [each["data"]["title"] for each in events if each["type"] == "PolicyRegistered"]
    assert titles == ["<b>Parks</b>", '=HYPERLINK("x")']
    assert events[-1]["data"]["changes"] == {"occurred": "2019-02-03"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "Title",
            "Titel",
            "rules.csv:1: There is no column 'Title', for which the mapping's policy",
        ),
        ("2019-02-01", "soon", "rules.csv:2: Passed: 'soon' is no date in the form edtf"),
        ("2019-02-01", "2019-02-01,x", "rules.csv:2: The row has 6 cells, the header 5"),
        ("<b>Parks</b>", "\0", "rules.csv:2: Title: It holds U+0000"),
        ("<b>Parks</b>", "P" * 1_001, "rules.csv:2: data.title: "),
        ("<b>Parks</b>", '"never ends', "rules.csv:2: "),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_one_line(
    timeline: Timeline, table: Path, mapping: str, old: str, new: str, told: str
) -> None:
    """With file, line and column; nothing of it is recorded."""
    table.write_text(TABLE.replace(old, new, 1), encoding="utf-8")

    result = timeline("import", "--from", "csv", "--mapping", mapping, str(table), "-q")

    assert result.exit_code == 1
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert _exported(timeline) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "csv"), "--from csv needs --mapping FILE"),
        (("--mapping", "MAPPING"), "--from ndjson takes no --mapping"),
        (("--from", "csv", "--labels", "MAPPING"), "--from csv takes no --labels"),
        (("--from", "openstates", "--suggest"), "--suggest is for --from csv, and for one FILE"),
        (("--from", "openstates", "--labels", "MAPPING"), "actions: Expected `object`"),
    ],
)
def test_what_a_format_does_not_take_is_used_wrongly(
    timeline: Timeline, table: Path, mapping: str, options: tuple[str, ...], told: str
) -> None:
    """Before a database is opened."""
    given = (mapping if option == "MAPPING" else option for option in options)

    result = timeline("import", *given, str(table), TIMELINE_DATABASE_URL="sqlite:////none/x")

    assert result.exit_code == 2
    assert told in unframed(result.stderr)
