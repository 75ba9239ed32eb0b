"""The README: its two commands are all the set-up, and what it shows is what one gets."""

import os
import re
import subprocess
from pathlib import Path

from shown import Demo, blocks, check, matches, shown

README = (Path(__file__).parents[1] / "README.md").read_text()


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
    commands = [code.strip() for language, code in blocks(README) if language == "sh"]

    assert commands[:2] == ["uv run timeline demo", "uv run pytest"]


def test_every_answer_shown_is_real(demo: Demo) -> None:
    """The README's curl commands, run as they stand, answer what it shows."""
    examples = shown(README)

    assert len(examples) >= 4
    for command, answer in examples:
        check(command, answer, demo)


def test_the_log_can_be_verified_as_shown(demo: Demo, tmp_path: Path) -> None:
    """The command that checks the log runs as it stands; what it remembers stays in the test."""
    (command,) = [code for _, code in blocks(README) if "timeline verify" in code]

    done = subprocess.run(
        [
            "bash",
            "-c",
            command.replace("http://127.0.0.1:8000", demo.url).replace("curl ", "curl -sS "),
        ],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*"))


def test_links_lead_somewhere() -> None:
    """Every relative link of the README names a file that is there."""
    root = Path(__file__).parents[1]
    links = re.findall(r"\]\(((?!https?:)[^)#]+)\)", README)

    assert links
    assert [link for link in links if not (root / link).exists()] == []
