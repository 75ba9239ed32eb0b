"""The README: its two commands are all the set-up, and what it shows is what one gets."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import environment, free_port

README = (Path(__file__).parents[1] / "README.md").read_text()
DEMO_TIMEOUT_S = 60


def blocks() -> list[tuple[str, str]]:
    """Return the README's code blocks, each with its language."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def shown() -> list[tuple[str, Any]]:
    """Return the curl commands that the README shows, each with the answer below it."""
    found = blocks()
    return [
        (command, json.loads(answer))
        for (language, command), (next_language, answer) in pairwise(found)
        if language == "sh" and next_language == "json"
    ]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Run the README's first command; give its address and token."""
    directory = tmp_path_factory.mktemp("demo")
    out = directory / "out"
    port = free_port()
    with out.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "timeline", "demo", "--port", str(port)],
            env=environment(f"sqlite:///{directory / 'timeline.db'}"),
            stdout=stream,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        token = re.search(r"timeline_[\w-]+", out.read_text())
        assert token is not None
        yield url, token.group()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _wait(url: str) -> None:
    deadline = time.monotonic() + DEMO_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health/ready", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the demo does not answer within {DEMO_TIMEOUT_S} s")


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


def test_what_is_shown_can_fail_to_match() -> None:
    """The comparison below is one that can fail."""
    real = {"items": [{"a": 1}, {"a": 2}, {"a": 3}], "next": None}

    assert matches({"items": ["…", {"a": 2}, "…"]}, real)
    assert not matches({"items": ["…", {"a": 2}]}, real)
    assert not matches({"items": [{"a": 1}], "next": None}, real)
    assert not matches({"next": "x"}, real)
    assert not matches({"other": None}, real)


def test_the_first_two_commands_are_the_set_up() -> None:
    """Demo and tests, in this order, are all that a user does."""
    commands = [code.strip() for language, code in blocks() if language == "sh"]

    assert commands[:2] == ["uv run timeline demo", "uv run pytest"]


def test_every_answer_shown_is_real(demo: tuple[str, str]) -> None:
    """The README's curl commands, run as they stand, answer what it shows."""
    url, token = demo
    examples = shown()

    assert len(examples) >= 4
    for command, pattern in examples:
        done = subprocess.run(
            [
                "bash",
                "-c",
                command.replace("http://127.0.0.1:8000", url).replace("curl ", "curl -sS "),
            ],
            env={**os.environ, "TOKEN": token},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        real = json.loads(done.stdout)
        assert matches(pattern, real), f"{command}\nanswers\n{done.stdout[:2_000]}"


def test_links_lead_somewhere() -> None:
    """Every relative link of the README names a file that is there."""
    root = Path(__file__).parents[1]
    links = re.findall(r"\]\(((?!https?:)[^)#]+)\)", README)

    assert links
    assert [link for link in links if not (root / link).exists()] == []
