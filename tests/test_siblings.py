"""The processes of a service meet wherever temporary files lie, and only those gone are forgotten."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from timeline import siblings
from timeline.siblings import Siblings


@pytest.fixture
def long_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have temporary files lie where the path is too long for a socket."""
    directory = tmp_path / ("long" * 30)
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


async def heard(directory: Path) -> bytes:
    """Return what this process answers another one there."""
    async with Siblings(directory).answering(lambda: b"here"):
        reader, writer = await asyncio.open_unix_connection(directory / str(os.getpid()))
        try:
            return await reader.read()
        finally:
            writer.close()


@pytest.mark.usefixtures("long_directory")
def test_processes_meet_where_the_path_is_short_enough() -> None:
    """Whatever TMPDIR says; and nothing is left there."""
    with Siblings.meeting():
        place = Siblings.directory
        assert place is not None
        assert asyncio.run(heard(place)) == b"here"

    assert not place.exists()
    assert Siblings.directory is None


def test_processes_that_cannot_meet_work_by_themselves(
    long_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service starts, though none of its processes can tell of all."""
    monkeypatch.setattr(siblings, "SHORT_DIRECTORIES", (str(tmp_path / "nowhere"),))

    with Siblings.meeting():
        assert Siblings.directory is None

    assert list(long_directory.iterdir()) == []


@contextmanager
def deaf(path: Path) -> Iterator[None]:
    """Have a socket there that does not listen: yet, or any more."""
    with closing(socket.socket(socket.AF_UNIX)) as bound:
        bound.bind(str(path))
        yield


def test_only_a_process_that_is_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is there and refuses has bound its socket, and is about to listen."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(30)
    with Siblings.meeting():
        place = Siblings.directory
        assert place is not None
        names = str(gone.pid), str(os.getppid())
        with deaf(place / names[0]), deaf(place / names[1]):
            answers = asyncio.run(Siblings(place).ask())
            left = [path.name for path in place.iterdir()]

    assert answers == {}
    assert left == [names[1]]
