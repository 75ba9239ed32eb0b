"""A running service for tests: its own process group, a free port, an end that is certain."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

START_TIMEOUT_S: Final = 30.0

PLAIN: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody, and is never asked to: services here speak plain HTTP.

Without it httpx reads all certificates of the world for each client, which takes 200 times as long
as a question does: where a test asks again and again whether a service is up yet, longer than that.
"""


def free_port() -> int:
    """Return a port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def timeline(*words: str, database_url: str, **settings: str) -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "timeline", *words],
        env=environment(database_url, **settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(database_url: str, **settings: str) -> dict[str, str]:
    """Return an environment in which nothing but these settings is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIMELINE_")}
    given = {f"TIMELINE_{name.upper()}": value for name, value in settings.items()}
    return kept | {"TIMELINE_DATABASE_URL": database_url} | given


class Service:
    """`timeline serve` on a database, in a process group of its own."""

    def __init__(self, database_url: str, log: Path, **settings: str) -> None:
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "timeline", "serve", "--port", str(self.port)],
                env=environment(self.database_url, **self._settings),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self._log.read_text()
            try:
                answer = httpx.get(f"{self.url}/health/ready", timeout=2, verify=PLAIN)
                if answer.status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready within {START_TIMEOUT_S} s: {self._log.read_text()}")

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the main process."""
        assert self._process is not None
        self._process.terminate()

    def wait(self, timeout_s: float) -> None:
        """Wait until the main process has ended."""
        assert self._process is not None
        self._process.wait(timeout_s)

    def kill_supervisor(self) -> None:
        """End the main process alone with signal 9."""
        assert self._process is not None
        self._process.kill()

    def kill(self) -> None:
        """End the whole process group with signal 9, as a power cut would."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)
        self._process = None


@contextmanager
def service(database_url: str, directory: Path, **settings: str) -> Iterator[Service]:
    """Run a service on a migrated database."""
    with Service(database_url, directory / "service.log", **settings) as running:
        yield running
