"""`timeline export`: the log as it is served, whole or filtered, and back again."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from clocks import TestClock
from timeline.application.key_files import KeyFile
from timeline.application.served import ServedEvent
from timeline.application.signing import Signer
from timeline.eventstore.published import Published
from timeline.eventstore.sql import SqlStore

SERVER_MADE = {"position", "version", "recorded_at", "recorded_by", "schema", "batch"}

Timeline = Callable[..., Result]


def content(ndjson: str) -> list[dict[str, Any]]:
    """Return events without what the server makes."""
    events = [json.loads(line) for line in ndjson.splitlines()]
    return [{name: event[name] for name in event.keys() - SERVER_MADE} for event in events]


def test_an_export_imported_elsewhere_gives_equal_events(
    timeline: Timeline, command: Callable[..., Result], sqlite_url: str, example: Path
) -> None:
    """Ids, policies, types and data arrive as they left; the rest is the other record's."""
    timeline("import", str(example))
    ndjson = timeline("export", "--quiet").stdout
    command(sqlite_url, ["migrate"])

    result = command(sqlite_url, ["import", "-"], ndjson)

    assert result.exit_code == 0
    again = command(sqlite_url, ["export", "--quiet"]).stdout
    assert content(again) == content(ndjson) == content(example.read_text(encoding="utf-8"))


def test_a_line_is_the_event_as_it_is_served(
    timeline: Timeline, example: Path, engine: Any
) -> None:
    """Nothing is left out, nothing is added."""
    timeline("import", str(example))

    lines = timeline("export", "--quiet").stdout.splitlines()

    event = SqlStore(engine).read(6, limit=1)[0]
    assert event.data is not None
    assert json.loads(lines[6]) == ServedEvent.of(event).document() | {
        "data": json.loads(event.data)
    }
    assert [json.loads(line)["position"] for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize(
    ("words", "positions"),
    [
        (["--after", "70"], [71, 72, 73]),
        (["--until", "2"], [1, 2]),
        (["--after", "1", "--until", "3"], [2, 3]),
        (["--after", "900"], []),
        (["--until", "4", "--type", "PolicyRegistered"], [1, 3]),
        (["--until", "6", "--policy", "la-ordinance-188441"], [3, 4, 5, 6]),
        (["--until", "9", "--type", "PolicyRegistered", "--policy", "la-ordinance-188441"], [3]),
    ],
    ids=str,
)
def test_an_export_holds_what_was_asked_for(
    words: list[str], positions: list[int], timeline: Timeline, example: Path
) -> None:
    """Positions bound it, filters thin it."""
    first = "".join(example.read_text(encoding="utf-8").splitlines(keepends=True)[:73])
    timeline("import", "-", input=first)

    result = timeline("export", *words, "--quiet")

    assert [json.loads(line)["position"] for line in result.stdout.splitlines()] == positions


def test_an_export_goes_on_over_stretches(
    timeline: Timeline, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a stretch comes whole, filtered or not."""
    monkeypatch.setattr(SqlStore, "stretch", partialmethod(SqlStore.stretch, limit=7))
    text = lines(21)
    timeline("import", "-", input=text)

    whole = timeline("export", "--quiet").stdout
    actions = timeline("export", "--quiet", "--type", "ActionRecorded").stdout

    assert content(whole) == content(text)
    assert content(actions) == content(text)[1:]


def test_a_file_appears_only_once_it_is_complete(
    timeline: Timeline, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export that breaks off leaves the former file, and nothing beside it."""
    timeline("import", str(example))
    directory = tmp_path / "out"
    directory.mkdir()
    file = directory / "events.ndjson"
    timeline("export", str(file), "--until", "3")
    before = file.read_bytes()

    def break_off(*_: Any, **__: Any) -> Any:
        yield b"{}\n"
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("timeline.cli.export.exported", break_off)
        broken = timeline("export", str(file))

    assert broken.exit_code == 130
    assert file.read_bytes() == before
    assert list(directory.iterdir()) == [file]
    assert timeline("export", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8") == timeline("export", "-", "--quiet").stdout


def test_a_file_that_cannot_be_written_is_one_line(timeline: Timeline, tmp_path: Path) -> None:
    """A directory that is not there leaves no traceback."""
    result = timeline("export", str(tmp_path / "nowhere" / "events.ndjson"))

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_what_is_no_regular_file_is_written_to_directly(timeline: Timeline) -> None:
    """A device is not replaced by a file."""
    assert timeline("export", "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()


# ---- Audit packs ----


@pytest.fixture
def signed(timeline: Timeline, engine: Any, example: Path, tmp_path: Path) -> dict[str, str]:
    """Record the Los Angeles story and sign it; give the settings with its key."""
    settings = {"TIMELINE_SIGNING_KEY_FILE": str(tmp_path / "log.key")}
    timeline("import", str(example))
    timeline("key", "generate", **settings)
    keys = KeyFile(tmp_path / "log.key")
    origin = keys.read()[0].name
    Signer(SqlStore(engine), Published(engine), keys, origin, TestClock()).sign()
    return settings


def test_an_audit_pack_is_checked_offline(
    timeline: Timeline, signed: dict[str, str], tmp_path: Path
) -> None:
    """The story's pack holds, for the program that is in it, on the standard library alone."""
    file = tmp_path / "pack.zip"
    event = json.loads(timeline("export", "-q").stdout.splitlines()[6])["id"]

    result = timeline("export", "--audit", str(file), "--proof", event, "-q", **signed)

    assert result.exit_code == 0
    assert result.stderr == "74 events packed, 0 of them erased, with 1 checkpoints and 2 proofs.\n"
    with zipfile.ZipFile(file) as archive:
        archive.extract("log-at-74/verify.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "log-at-74" / "verify.py"), str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "payloads: 74 open the commitments" in done.stdout
    assert "proofs: 2 lead from entry to checkpoint" in done.stdout


@pytest.mark.usefixtures("signed")
def test_a_pack_appears_only_once_it_is_complete(timeline: Timeline, tmp_path: Path) -> None:
    """An event that cannot be proven leaves no file, and is named."""
    directory = tmp_path / "out"
    directory.mkdir()

    result = timeline("export", "--audit", str(directory / "p.zip"), "--proof", "nonsense", "-q")

    assert result.exit_code == 1
    assert "nonsense" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(directory.iterdir()) == []


def test_a_log_that_nobody_signed_has_no_pack(timeline: Timeline, tmp_path: Path) -> None:
    """What is missing is said."""
    result = timeline("export", "--audit", str(tmp_path / "p.zip"), "-q")

    assert result.exit_code == 1
    assert "There is no checkpoint of this log" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--proof", "an-event"],
        ["--audit", "p.zip", "--after", "3"],
        ["--audit", "p.zip", "--policy", "an-order"],
        ["--audit", "p.zip", "events.ndjson"],
    ],
    ids=" ".join,
)
def test_a_pack_is_of_the_whole_log(words: list[str], timeline: Timeline) -> None:
    """Filters belong to events, proofs to packs."""
    assert timeline("export", *words).exit_code == 2
