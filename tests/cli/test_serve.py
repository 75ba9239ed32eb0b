"""`timeline serve` and `timeline demo`: processes that start, answer and stop."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from click.testing import Result
from granian import Granian
from sqlalchemy import Engine, text

from service import PLAIN
from timeline.cli.serve import CONNECTIONS, OTHER_FILES, bindable, connections, listen, shown
from timeline.cli.serve import STOP_TIMEOUT_S as BY_FORCE_AFTER_S
from timeline.settings import Settings

START_TIMEOUT_S: Final = 60
STOP_TIMEOUT_S: Final = 30
SIGNALS: Final = 30
"""In some fifteen milliseconds, in which no process has ended yet."""


@pytest.fixture
def port() -> int:
    """Give a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(url: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process group of its own, which ends with the context."""
    process = subprocess.Popen(
        [sys.executable, "-m", "timeline", *words],
        env=os.environ | {"TIMELINE_DATABASE_URL": url, "TIMELINE_LOG_FORMAT": "json"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def answer(url: str, **headers: str) -> httpx.Response:
    """Return the first answer of a service that is starting."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            return httpx.get(url, headers=headers, timeout=5, verify=PLAIN)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.05)


def stopped(process: subprocess.Popen[str], by: signal.Signals) -> tuple[int, str, str]:
    """Send a signal; return the exit code and what was written."""
    process.send_signal(by)
    out, err = process.communicate(timeout=STOP_TIMEOUT_S)
    return process.returncode, out, err


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_stops_on_a_signal(
    by: signal.Signals, command: Callable[..., Result], sqlite_url: str, port: int
) -> None:
    """A stop that was asked for is no error; stdout stays empty, and every log line is JSON.

    Also where it is asked for again and again, of all processes at once, as by `timeout` and `uv run`.
    """
    command(sqlite_url, ["migrate"])

    with running(sqlite_url, "serve", "--port", str(port)) as process:
        ready = answer(f"http://127.0.0.1:{port}/health/live")
        began = time.monotonic()
        for _ in range(SIGNALS):
            os.killpg(process.pid, by)
            time.sleep(0.0005)
        code, out, err = stopped(process, by)

    assert ready.status_code == 200
    assert (code, out) == (0, "")
    assert [json.loads(line) for line in err.splitlines()]
    assert time.monotonic() - began < BY_FORCE_AFTER_S


def test_several_processes_answer(
    command: Callable[..., Result], sqlite_url: str, port: int
) -> None:
    """--workers overrides TIMELINE_WORKERS; any of them tells what all of them have measured."""
    command(sqlite_url, ["migrate"])

    with running(sqlite_url, "serve", "--port", str(port), "--workers", "2") as process:
        answer(f"http://127.0.0.1:{port}/health/live")
        deadline = time.monotonic() + 30
        workers: set[str] = set()
        while len(workers) < 2 and time.monotonic() < deadline:
            scraped = answer(f"http://127.0.0.1:{port}/metrics").text
            workers = set(re.findall(r'timeline_append_queued{worker="(\d+)"}', scraped))
        code, _, err = stopped(process, signal.SIGTERM)

    assert code == 0
    assert "worker-2" in err
    assert len(workers) == 2
    assert len(re.findall("^timeline_log_position ", scraped, re.MULTILINE)) == 1


def test_a_database_that_is_not_migrated_is_refused_in_one_line(
    command: Callable[..., Result], empty_database_url: str, port: int
) -> None:
    """The line says what to run."""
    result = command(empty_database_url, ["serve", "--port", str(port)])

    assert (result.exit_code, result.stdout) == (1, "")
    assert "timeline migrate" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("revision", "advice"), [("0001", "timeline migrate"), ("9999", "newer")])
def test_another_schema_is_refused_in_one_line(
    revision: str, advice: str, timeline: Callable[..., Result], engine: Engine, port: int
) -> None:
    """Older or newer, it is not served from."""
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))  # noqa: S608

    result = timeline("serve", "--port", str(port))

    assert (result.exit_code, result.stdout) == (1, "")
    assert advice in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["serve", "demo"])
def test_an_address_in_use_is_refused_in_one_line(
    name: str, command: Callable[..., Result], sqlite_url: str, tmp_path: Path
) -> None:
    """A port is not shared with whoever has it, and nothing else was done before."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        result = command(sqlite_url, [name, "--port", str(port)])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: 127.0.0.1:{port} cannot be listened on: Address already in use\n"
    )
    assert list(tmp_path.glob("*.db")) == []


def test_an_address_that_is_no_one_here_is_refused(
    command: Callable[..., Result], sqlite_url: str, port: int
) -> None:
    """An address of another machine is one line."""
    result = command(sqlite_url, ["serve", "--host", "192.0.2.1", "--port", str(port)])

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: 192.0.2.1:{port} cannot be listened on: ")
    assert result.stderr.count("\n") == 1


def test_names_are_resolved_and_shown_as_urls_have_them(port: int) -> None:
    """The server takes addresses, not names."""
    assert bindable("localhost", port)[0] in {"127.0.0.1", "::1"}
    assert shown("::1", 8000) == "[::1]:8000"


@pytest.mark.parametrize(
    ("limits", "raised", "kept"),
    [
        ((1_024, 100_000), CONNECTIONS + OTHER_FILES, CONNECTIONS),
        ((1_024, 4_096), 4_096, 4_096 - OTHER_FILES),
        ((100_000, 100_000), None, CONNECTIONS),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None, CONNECTIONS),
    ],
)
def test_connections_fit_into_the_files_a_process_may_open(
    limits: tuple[int, int], raised: int | None, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is raised as far as it may be; where that is not enough, fewer are kept."""
    was_set: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, to: was_set.append(to))

    assert connections() == kept
    assert was_set == ([] if raised is None else [(raised, limits[1])])


def test_a_process_that_starts_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it has handlers of its own, SIGTERM ends it and Ctrl-C is left to its parent."""
    after_fork: list[Callable[[], None]] = []
    monkeypatch.setattr(
        os, "register_at_fork", lambda **each: after_fork.append(each["after_in_child"])
    )
    monkeypatch.setattr(Granian, "serve", lambda _: None)
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(each, lambda *_: None) for each in signals]
    try:
        listen(Settings(), "127.0.0.1", 8000, 1)
        for act in after_fork:
            act()
        handlers = [signal.getsignal(each) for each in signals]
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)

    assert handlers == [signal.SIG_DFL, signal.SIG_IGN]


def test_the_demo_answers_with_the_token_that_it_prints_and_can_be_run_again(
    sqlite_url: str, port: int, example: Path
) -> None:
    """One command from nothing to a service with the story in it; the record grows only once."""
    principals = []
    events = len(example.read_text(encoding="utf-8").splitlines())
    for said in (
        f"{events} events recorded.",
        f"0 events recorded; {events} had been before.",
    ):
        with running(sqlite_url, "demo", "--port", str(port)) as process:
            base = f"http://127.0.0.1:{port}"
            answer(f"{base}/health/live")
            assert process.stdout is not None
            said_out = [process.stdout.readline().rstrip("\n") for _ in range(9)]
            lines = dict(line.split(": ", 1) for line in said_out if ": " in line)
            assert lines["address"] == base
            assert re.fullmatch(r"demo-[0-9a-f]{6} \(admin\)", lines["principal"])
            principals.append(lines["principal"])
            url = said_out[-2].split("'")[1]
            assert said_out[-3] == f"export TOKEN={lines['token']}"
            shown = _when_reflected(url, Authorization=f"Bearer {lines['token']}")
            recorded = httpx.post(
                f"{base}/v1/events",
                json=_registration(f"of-{len(principals)}"),
                headers={"Authorization": f"Bearer {lines['token']}"},
            )
            code, _, err = stopped(process, signal.SIGTERM)

        assert recorded.status_code == 201
        assert "la-ordinance-188441" in {item["policy"] for item in shown["items"]}
        assert code == 0
        assert said in err.splitlines()

    assert len(set(principals)) == 2


def _when_reflected(url: str, **headers: str) -> Any:
    """Return a listing once the read models have caught up."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        document = answer(url, **headers).json()
        if document["items"]:
            return document
        assert time.monotonic() < deadline, "the story does not appear"
        time.sleep(0.05)


def _registration(policy: str) -> dict[str, Any]:
    data = {
        "title": "An order",
        "instrument": "executive_order",
        "jurisdiction": "ocd-division/country:us",
        "sources": [{"url": "https://news.example/order"}],
    }
    return {"policy": policy, "type": "PolicyRegistered", "data": data}
