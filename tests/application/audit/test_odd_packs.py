"""The program in an audit pack comes to its end, whatever the pack holds, and says what is wrong."""

import json
import os
import re
import zipfile
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from packs import packed, problems, refit, unpacked
from timeline.application.audit import verify
from timeline.eventstore.database import create_engine
from whole_logs import ORIGIN, WholeLog

CHANGES: Final = 30
PUT_IN: Final = [
    *(b"", b"null", b"true", b"-1", b"0", b"1.5", b'""', b"[]", b"{}", b'"x"', b"9" * 5_000),
    *(b"\n", b"\xff", b"\x00", b'"\\ud800"', b"[" * 9_999, "\u2014 ".encode(), b"\x1b[2J"),
]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> bytes:
    """Give a pack of a log with something in each of its tables."""
    directory = tmp_path_factory.mktemp("odd")
    (directory / "timeline.db").write_bytes(migrated_sqlite.read_bytes())
    engine = create_engine(f"sqlite:///{directory / 'timeline.db'}")
    log = WholeLog(engine, directory)
    log.fill()
    found, _ = packed(log)
    engine.dispose()
    return found


@pytest.fixture
def bag(pack: bytes, tmp_path: Path) -> Path:
    """Give that pack, unpacked."""
    return unpacked(pack, tmp_path / "bag")


def test_whatever_is_changed_is_told(bag: Path) -> None:
    """The program comes to its end, and finds each of many changes to which the manifests fit."""
    dice = Random(5)  # noqa: S311 - a test's dice
    names = sorted(file for file in (bag / "data").rglob("*") if file.is_file())
    unnoticed: list[tuple[str, bytes]] = []

    for _ in range(CHANGES):
        file = dice.choice(names)
        was = file.read_bytes()
        words = list(re.finditer(rb'"[^"]{0,80}"|-?[0-9]+|[A-Za-z0-9+/=]+|.', was, re.DOTALL))
        word = dice.choice(words)
        put = dice.choice([each for each in PUT_IN if each != word[0]])
        file.write_bytes(was[: word.start()] + put + was[word.end() :])
        refit(bag)
        if not problems(bag):
            unnoticed.append((file.name, put))
        file.write_bytes(was)

    assert unnoticed == []


@pytest.mark.parametrize("sources", [5, True, "none", {"a": 1}, [[]], None])
def test_sources_of_any_kind_are_read(sources: Any) -> None:
    """What a pack says instead of sources has none, and ends nothing."""
    fields = {"id": "x", "batch": 1, "position": 1, "policy": "p", "type": "t", "version": 1}
    fields |= {"recorded_by": "desk", "recorded_at": "2026-11-22T10:00:00.123456Z"}

    told = json.loads(verify.provenance(ORIGIN, [(fields, {"sources": sources})]))

    assert "wasDerivedFrom" not in told


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_file_is_compressed_as_packs_are(tmp_path: Path, method: int) -> None:
    """Other ways have errors of their own, or are not known to every Python."""
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("bag/bagit.txt", b"")

    with pytest.raises(verify.Wrong, match="compressed in another way"):
        problems(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(bag: Path) -> None:
    """A directory can hold what is no file; that is told."""
    name = "data/erased.ndjson"
    (bag / name).unlink()
    os.mkfifo(bag / name)

    assert f"{name}: it is no file" in problems(bag)


def test_what_a_pack_says_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """It cannot clear the terminal of whoever checks it, nor fill it."""
    found = verify.main([f"\x1b[2J\u202e\udcff{'A' * 9_999}"])

    told = capsys.readouterr().out
    assert found == 1
    assert "WRONG        \\x1b[2J\\u202e\\udcffAAA" in told
    assert len(told) < 2_000
