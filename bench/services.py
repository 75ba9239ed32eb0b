"""Servers to measure: `timeline serve` as users run it, and an empty Litestar handler.

Owns how they are started, awaited and ended, each in a process group of its own.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from bench import ROOT
from timeline.application.access import Role
from timeline.bootstrap import application
from timeline.settings import PREFIX, Settings

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 15.0
REQUEST_TIMEOUT_S: Final = 30.0


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server that runs; `group` is the id of its process group."""

    port: int
    group: int
    token: str = ""

    def get(self, path: str, accept: str = "application/json") -> bytes:
        """Return the body of an answer that has to be 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_TIMEOUT_S)
        try:
            connection.request("GET", path, headers={"Accept": accept})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise ConnectionError(f"{path}: {answer.status} {body[:200]!r}")
        return body

    def resident_bytes(self) -> int:
        """Return the memory that its processes hold; raises OSError on systems without /proc."""
        pages = 0
        for status in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                # The name, in brackets, may hold blanks; the group is the third field after it.
                fields = status.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self.group:
                    pages += int((status.parent / "statm").read_text().split()[1])
        if not pages:
            raise OSError("This system does not tell how much memory a process holds")
        return pages * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """Return a port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(database_url: str) -> dict[str, str]:
    """Return an environment in which no other setting than the database is made."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | {f"{PREFIX}DATABASE_URL": database_url}


@contextmanager
def timeline(database_url: str, directory: Path, *, writes: bool = True) -> Iterator[Server]:
    """Run `timeline serve` with its default settings, until it is ready; with a token to write.

    A name is given once in a record, and so one that is there may be served to read alone.
    """
    token = ""
    if writes:
        with application(Settings(database_url=database_url), follow=False) as app:
            token = app.access.create("bench", Role.CURATOR)
    words = ("-m", "timeline", "serve", "--port", str(port := free_port()))
    with _running(words, port, "/health/ready", database_url, directory, token) as server:
        yield server


@contextmanager
def empty(directory: Path) -> Iterator[Server]:
    """Run the empty handler on the same server, with as many processes."""
    words = ("-m", "bench.empty", str(port := free_port()))
    with _running(words, port, "/", "", directory, "") as server:
        yield server


@contextmanager
def _running(
    words: tuple[str, ...], port: int, ready: str, database_url: str, directory: Path, token: str
) -> Iterator[Server]:
    log = directory / f"server_{port}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - this project's own commands
            [sys.executable, *words],
            env=environment(database_url) if database_url else None,
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(port=port, group=process.pid, token=token)
    try:
        _await(server, process, ready, log)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_TIMEOUT_S)


def _await(server: Server, process: subprocess.Popen[bytes], path: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        if process.poll() is not None:
            raise ConnectionError(log.read_text()[-2_000:])
        try:
            server.get(path)
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
