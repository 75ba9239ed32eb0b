"""`timeline import --watch`: what is whole is imported, once, and whatever changes."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from timeline.cli import watching
from timeline.cli.watching import Watch

MINUTE_S = 60
LINE = b'{"id": 1}\n'


def taken(watch: Watch) -> dict[str, bytes] | None:
    """Return what there is to import, by the names of files; None where nothing has changed."""
    inputs = watch.changed()
    if inputs is None:
        return None
    return {Path(each.name).name: each.stream.read() for each in inputs}


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


def test_files_come_shrink_are_replaced_and_go(tmp_path: Path) -> None:
    """All files of the folder are taken again, as one may say what another is about."""
    one, two = tmp_path / "1", tmp_path / "2"
    watch = Watch([str(tmp_path), str(tmp_path / "later")], MINUTE_S)

    def told(change: Callable[[], object]) -> dict[str, bytes] | None:
        change()
        return taken(watch)

    assert told(lambda: one.write_bytes(LINE * 2)) == {"1": LINE * 2}
    assert told(lambda: None) is None
    assert told(lambda: two.write_bytes(LINE)) == {"1": LINE * 2, "2": LINE}
    assert told(lambda: one.write_bytes(LINE)) == {"1": LINE, "2": LINE}
    assert told(lambda: (tmp_path / ".3").write_bytes(LINE * 3)) is None
    assert told(lambda: (tmp_path / ".3").replace(two)) == {"1": LINE, "2": LINE * 3}
    assert told(one.unlink) is None
    assert told(lambda: one.write_bytes(LINE)) is not None


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
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
            report = json.loads(process.stdout.read())
            exit_code = process.wait(60)
        finally:
            process.kill()

    assert first[0].startswith(f"Refused: {folder / 'a.ndjson'}:3: ")
    assert first[1] == "2 events recorded.\n"
    assert second == "1 events recorded; 2 had been before.\n"
    assert (exit_code, rest, report["recorded"]) == (0, "", 1)


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
