"""`timeline import --watch`: what is whole is imported, once, and whatever changes."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from timeline.application.import_report import ImportReport
from timeline.cli import growing, watching
from timeline.cli.growing import Growth
from timeline.cli.import_formats import Following, Words, growth, importer
from timeline.cli.watching import Watch
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Inputs, listed
from timeline.importers.sketch import Refused, Sketch

MINUTE_S = 60
LINE = b'{"id": 1}\n'
OTHER = LINE.replace(b"1", b"2")


def taken(watch: Watch) -> dict[str, bytes] | None:
    """Return what there is to import, by the names of files; None where nothing has changed."""
    inputs = watch.changed()
    if inputs is None:
        return None
    found = {Path(each.name).name: each.stream.read() for each in inputs}
    watch.imported(whole=True)
    return found


def aged(path: Path, raw: bytes) -> Path:
    """Write a file that nobody has touched for an hour."""
    path.write_bytes(raw)
    os.utime(path, (time.time() - 3_600,) * 2)
    return path


@pytest.mark.parametrize("line", [LINE, b"7,a\n"], ids=["ndjson", "table"])
def test_a_line_that_is_half_written_waits_for_its_end(tmp_path: Path, line: bytes) -> None:
    """However long that takes; what is whole is taken at once."""
    file = tmp_path / "a"
    watch = Watch([str(file)], MINUTE_S)

    told = [taken(watch)]
    for raw in (line + line[:3], line + line[:3], line * 2, line * 2 + line):
        if not file.exists() or file.read_bytes() != raw:
            file.write_bytes(raw)
        told.append(taken(watch))

    assert told == [None, {"a": line}, None, {"a": line * 2}, {"a": line * 3}]


@pytest.mark.parametrize(
    ("raw", "held"),
    [
        (b"[1,\n2]", b"[1,\n2]"),
        (b'{"a":\n1}', b'{"a":\n1}'),
        (b'{"a": 1}', b'{"a": 1}'),
        (gzip.compress(b"1\n", mtime=0), b"1\n"),
    ],
    ids=["array", "document", "one line", "packed"],
)
def test_what_has_no_lines_is_taken_once_it_stands_still(
    tmp_path: Path, raw: bytes, held: bytes
) -> None:
    """From one look to the next, or since long: its end cannot be seen from its beginning."""
    file = tmp_path / "a"
    watch = Watch([str(file)], MINUTE_S)

    told = []
    for written in (raw[:-1], raw, raw, raw):
        if not file.exists() or file.read_bytes() != written:
            file.write_bytes(written)
        told.append(taken(watch))

    assert told == [None, None, {"a": held}, None]
    assert taken(Watch([str(aged(file, raw))], MINUTE_S)) == {"a": held}


def test_files_come_shrink_are_replaced_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All files of the folder are taken again, as one may say what another is about."""
    monkeypatch.setattr(watching, "STILL_S", 0)
    one, two = tmp_path / "1", tmp_path / "2"
    watch = Watch([str(tmp_path), str(tmp_path / "later")], MINUTE_S)

    def told(change: Callable[[], object]) -> dict[str, bytes] | None:
        change()
        return taken(watch)

    assert told(lambda: one.write_bytes(LINE * 2)) == {"1": LINE * 2}
    assert told(lambda: None) is None
    assert told(lambda: two.write_bytes(LINE)) == {"1": LINE * 2, "2": LINE}
    assert told(lambda: one.write_bytes(LINE)) is None
    assert told(lambda: None) == {"1": LINE, "2": LINE}
    assert told(lambda: (tmp_path / ".3").write_bytes(OTHER * 3)) is None
    assert told(lambda: (tmp_path / ".3").replace(two)) is None
    assert told(lambda: None) == {"1": LINE, "2": OTHER * 3}
    assert told(one.unlink) is None
    assert told(lambda: one.write_bytes(LINE)) is not None


@pytest.mark.parametrize("growth", [Growth.ANEW, Growth.JOINED])
def test_what_is_written_anew_in_place_waits_until_it_has_stood_still_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, growth: Growth
) -> None:
    """However it pauses, and all else with it: what it lacks meanwhile would be taken back."""
    now_s = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    one, two = tmp_path / "1", tmp_path / "2"
    watch = Watch([str(tmp_path)], 1, growth)
    pause_s = watching.STILL_S - 1
    steps: list[tuple[Callable[[], object], float, dict[str, bytes] | None]] = [
        (lambda: one.write_bytes(LINE * 8), 1, {"1": LINE * 8}),
        (lambda: one.write_bytes(b""), 1, None),
        (lambda: one.write_bytes(LINE * 3), pause_s, None),
        (lambda: two.write_bytes(LINE), 1, None),
        (lambda: one.write_bytes(LINE * 6), pause_s, None),
        (lambda: one.write_bytes(LINE * 7 + OTHER), pause_s, None),
        (lambda: None, pause_s, None),
        (lambda: None, 1, {"1": LINE * 7 + OTHER, "2": LINE}),
        (one.unlink, 1, None),
        (lambda: one.write_bytes(OTHER), pause_s, None),
        (lambda: None, pause_s, None),
        (lambda: None, 1, {"1": OTHER, "2": LINE}),
    ]

    told = []
    for change, passing_s, _ in steps:
        change()
        now_s += passing_s
        told.append(taken(watch))

    assert told == [expected for *_, expected in steps]


def test_what_is_waited_for_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that nobody wonders why nothing is imported."""
    file = tmp_path / "a"
    file.write_bytes(LINE * 2)
    looks = iter(range(3))

    class Interrupted(Watch):
        def changed(self) -> Inputs | None:
            if next(looks, None) is None:
                raise KeyboardInterrupt
            return super().changed()

    def run(inputs: Inputs) -> ImportReport:
        assert [each.stream.read() for each in inputs] == [LINE * 2]
        file.write_bytes(LINE)
        return ImportReport()

    watching.watch(Interrupted([str(file)], MINUTE_S), 0.01, None, run)

    told = capsys.readouterr().err.splitlines()
    assert told[1:] == [f"Waiting until {file} stands still: it is not as it was."]


def test_what_becomes_shorter_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """What it lacks by then is not what it does not say."""
    file = tmp_path / "a"
    file.write_bytes(LINE * 2)
    inputs = Watch([str(file)], MINUTE_S).changed()
    assert inputs is not None
    file.write_bytes(LINE)

    with pytest.raises(InputRefused, match="shorter while it was read"):
        [each.stream.read() for each in inputs]


def test_files_that_go_away_at_any_moment_keep_nothing_else_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between listing and looking, and between looking and reading, which then was refused."""
    for name in "1234":
        (tmp_path / name).write_bytes(LINE)
    watch = Watch([str(tmp_path)], MINUTE_S, Growth.APART)

    def listed_before_one_went(names: Sequence[str]) -> list[str]:
        found = listed(names)
        (tmp_path / "1").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(watching, "listed", listed_before_one_went)
    inputs = watch.changed()
    assert inputs is not None
    (tmp_path / "3").unlink()
    with pytest.raises(InputRefused, match="cannot be read"):
        [each.stream.read() for each in inputs]
    watch.imported(whole=False)

    assert inputs.files == [str(tmp_path / name) for name in "234"]
    assert taken(watch) == {"2": LINE, "4": LINE}


def test_lines_that_are_new_are_all_that_is_read(tmp_path: Path) -> None:
    """Once they are taken in: what is refused, or written anew, is read again, and nothing else."""
    one, two = tmp_path / "1", tmp_path / "2"
    watch = Watch([str(tmp_path)], MINUTE_S, Growth.APART)

    def told(change: Callable[[], object], *, whole: bool = True) -> list[tuple[str, int, bytes]]:
        change()
        inputs = watch.changed()
        found = [(Path(each.name).name, each.line, each.stream.read()) for each in inputs or ()]
        watch.imported(whole=whole)
        return found

    assert told(lambda: one.write_bytes(LINE * 2 + LINE[:3])) == [("1", 0, LINE * 2)]
    assert told(lambda: two.write_bytes(LINE)) == [("2", 0, LINE)]
    assert told(lambda: one.write_bytes(LINE * 3), whole=False) == [("1", 2, LINE)]
    assert told(lambda: two.write_bytes(LINE * 2)) == [("1", 2, LINE), ("2", 1, LINE)]
    assert told(lambda: one.write_bytes(LINE * 3 + b"{")) == []
    assert told(lambda: one.write_bytes(LINE + OTHER * 3)) == [("1", 0, LINE + OTHER * 3)]
    assert told(lambda: two.write_bytes(LINE)) == [("2", 0, LINE)]
    assert told(one.unlink) == []
    assert told(lambda: one.write_bytes(LINE)) == [("1", 0, LINE)]


@pytest.mark.parametrize(
    ("raw", "how", "told"),
    [
        (LINE * 10, "in place", LINE),
        (LINE * 4 + OTHER + LINE * 5, "in place", LINE),
        (OTHER + LINE * 9, "in place", None),
        (LINE * 8 + OTHER + LINE, "in place", None),
        (LINE * 4 + OTHER + LINE * 4, "in place", None),
        (LINE * 4 + OTHER + LINE * 5, "later", None),
        (LINE * 10, "renamed", LINE),
        (LINE * 4 + OTHER + LINE * 5, "renamed", None),
    ],
)
def test_of_a_long_file_that_is_appended_to_only_the_edges_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: bytes, how: str, told: bytes | None
) -> None:
    """What is edited between them is seen within minutes: a change costs as much however long it is."""
    now_s = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    monkeypatch.setattr(growing, "WHOLE_BYTES", len(LINE) * 8)
    monkeypatch.setattr(growing, "EDGE_BYTES", len(LINE))
    file = tmp_path / "a"
    file.write_bytes(LINE * 9)
    watch = Watch([str(tmp_path)], MINUTE_S, Growth.APART)
    taken(watch)

    if how == "renamed":
        (tmp_path / ".new").write_bytes(raw)
        (tmp_path / ".new").replace(file)
    else:
        file.write_bytes(raw)
    if how == "later":
        now_s += growing.WHOLE_EVERY_S

    assert taken(watch) == {"a": told or raw}


MAPPING = """
system = "grown"
policy = { id = "grown-{No}", title = "Title", instrument = { value = "bill" }, jurisdiction = { value = "ocd-division/country:us" }, sources = [{ citation = "No" }] }
actions = [{ action = { column = "Event" }, occurred = "Day" }]
"""
HEADER = "No,Title,Event,Day\n"


def test_a_table_that_grew_is_read_on_and_told_as_if_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only policies that rows were added to are told, each with all of its rows, in their order."""
    monkeypatch.setattr(watching, "STILL_S", 0)
    mapping, tables = tmp_path / "mapping.toml", tmp_path / "tables"
    mapping.write_text(MAPPING)
    tables.mkdir()
    words = Words(mapping=mapping)
    watch = Watch([str(tables)], MINUTE_S, growth("csv"))
    rows = [
        HEADER,
        "1,One,passed,2020-01-01\n2,Two,passed,2020-01-02\n",
        "1,One,passed,2020-01-01\n",
    ]
    steps = [
        ("b", rows[0] + rows[1], 2, 0),
        ("b", "".join(rows), 1, 1),
        ("c", HEADER + '2,Two,"vetoed",2020-02-03\n3,"T\nh",passed,2020-02-04\n', 2, 1),
        (
            "c",
            HEADER
            + '2,Two,"vetoed",2020-02-03\n3,"T\nh",passed,2020-02-04\n1,One,signed,2020-03\n',
            1,
            1,
        ),
        ("b", "".join(rows) + "3,Three,signed,2020-03\n", 3, 0),
        ("c", HEADER + "2,Two,vetoed,2020-02-09\n", 3, 0),
        ("a", HEADER + "3,First,passed,2020\n", 3, 0),
        ("c", HEADER + "2,Two,vetoed,2020-02-09\n2,Two,vetoed,some day\n", 0, 1),
        ("c", HEADER + "2,Two,vetoed,2020-02-09\n2,Two,vetoed,2020-02-10\n", 3, 0),
        ("c", "d", 3, 0),
    ]
    known: dict[str, Sketch] = {}

    with Following("csv", words, lambda: watch.goes_on) as following:
        for name, text, told, goes_on in steps:
            if "\n" in text:
                (tables / name).write_text(text)
            else:
                (tables / name).rename(tables / text)
            inputs = watch.changed() or watch.changed()
            assert inputs is not None
            found = list(following.importer(inputs).read())
            watch.imported(whole=not any(isinstance(each, Refused) for each in found))
            anew = importer("csv", Inputs([str(tables)]), words).read()
            drawn = {each.policy: each for each in found if isinstance(each, Sketch)}
            known |= drawn
            expected = {each.policy: each for each in anew if isinstance(each, Sketch)}
            assert (name, len(drawn), watch.goes_on) == (name, told, bool(goes_on))
            assert {policy: known[policy] for policy in expected} == expected


def test_an_end_of_line_is_found_however_far_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block by block, without reading what stands before it."""
    monkeypatch.setattr(watching, "BLOCK_BYTES", 3)
    file = tmp_path / "a"
    file.write_bytes(b"a,b\n1234567890")

    assert taken(Watch([str(file)], MINUTE_S)) == {"a": b"a,b\n"}


def test_a_watch_imports_what_grows_and_ends_by_a_signal(
    command: Callable[..., Result], sqlite_url: str, lines: Any, tmp_path: Path
) -> None:
    """What is refused is told and ends nothing; the exit code is that of the last look."""
    command(sqlite_url, ["migrate"])
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.ndjson").write_text(lines(2) + "no json\n")
    words = [sys.executable, "-m", "timeline", "import", str(folder), "--watch", "1", "-q"]
    environment = {**os.environ, "TIMELINE_DATABASE_URL": sqlite_url}
    with subprocess.Popen(
        [*words, "--json"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stdout is not None
            first = [process.stderr.readline() for _ in range(2)]
            (folder / "a.ndjson").write_text(lines(3))
            second = process.stderr.readline()
            (folder / "a.ndjson").write_text(lines(5))
            third = process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
            report = json.loads(process.stdout.read())
            exit_code = process.wait(60)
        finally:
            process.kill()

    assert first[0].startswith(f"Refused: {folder / 'a.ndjson'}:3: ")
    assert first[1] == "2 events recorded.\n"
    assert second == "1 events recorded; 2 had been before.\n"
    assert third == "2 events recorded.\n"
    assert (exit_code, rest, report["recorded"], report["known"]) == (0, "", 2, 0)


@pytest.mark.parametrize(
    "words",
    [
        ("-", "--watch"),
        (".", "--watch", "--dry-run"),
        (".", "--watch", "0"),
        (".", "--watch-for", "5"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_watched_is_used_wrongly(
    command: Callable[..., Result], sqlite_url: str, words: tuple[str, ...]
) -> None:
    """Standard input has no second look, and a dry run nothing to go on from."""
    assert command(sqlite_url, ["import", *words]).exit_code == 2
