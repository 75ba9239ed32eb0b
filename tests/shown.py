"""Commands and answers shown in a document, and the demo that they are compared with."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from service import PLAIN, environment, free_port

DEMO_TIMEOUT_S: Final = 60
COMMAND_TIMEOUT_S: Final = 30


class Demo(NamedTuple):
    """A running `timeline demo`: its address, what it printed, and its database."""

    url: str
    token: str
    database_url: str
    page: str


def blocks(page: str) -> list[tuple[str, str]]:
    """Return a page's code blocks, each with its language."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def shown(page: str) -> list[tuple[str, Any]]:
    """Return the commands that a page shows, each with the answer below it.

    An answer in a block of JSON comes as what it says, one in a block of text as that text.
    """
    return [
        (command, json.loads(answer) if form == "json" else answer)
        for (language, command), (form, answer) in pairwise(blocks(page))
        if language == "sh" and form in {"json", "text"}
    ]


@contextmanager
def running_demo(directory: Path) -> Iterator[Demo]:
    """Run `timeline demo` on a database in this directory."""
    out = directory / "out"
    database_url = f"sqlite:///{directory / 'timeline.db'}"
    port = free_port()
    with out.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "timeline", "demo", "--port", str(port)],
            env=environment(database_url),
            stdout=stream,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        printed = out.read_text()
        token = re.search(r"timeline_[\w-]+", printed)
        page = re.search(r"^page: (\S+)$", printed, re.MULTILINE)
        assert token is not None
        assert page is not None
        yield Demo(url, token.group(), database_url, page.group(1))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _wait(url: str) -> None:
    deadline = time.monotonic() + DEMO_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(f"{url}/health/ready", timeout=2, verify=PLAIN)
            if answer.status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the demo does not answer within {DEMO_TIMEOUT_S} s")


def check(command: str, answer: Any, demo: Demo) -> None:
    """Run a command as it stands, against the demo, and compare what it prints."""
    done = subprocess.run(
        [
            "bash",
            "-c",
            command.replace("http://127.0.0.1:8000", demo.url).replace("curl ", "curl -sS "),
        ],
        env={
            **environment(demo.database_url),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TOKEN": demo.token,
            # Where `timeline verify` keeps what it saw: beside the demo's database.
            "XDG_STATE_HOME": str(Path(demo.database_url.removeprefix("sqlite:///")).parent),
        },
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=True,
    )
    real = done.stdout if isinstance(answer, str) else json.loads(done.stdout)
    assert matches(answer, real), f"{command}\nanswers\n{done.stdout[:2_000]}"


def matches(pattern: Any, real: Any) -> bool:
    """Tell whether an answer is what is shown: fields may be left out, "…" is any run of items."""
    if isinstance(pattern, dict):
        return isinstance(real, dict) and all(
            name in real and matches(value, real[name]) for name, value in pattern.items()
        )
    if not isinstance(pattern, list):
        return bool(pattern == real)
    if not isinstance(real, list):
        return False
    if not pattern:
        return not real
    if pattern[0] == "…":
        return any(matches(pattern[1:], real[start:]) for start in range(len(real) + 1))
    return bool(real) and matches(pattern[0], real[0]) and matches(pattern[1:], real[1:])
