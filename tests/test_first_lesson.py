"""The tutorial: its commands, run in order on a new demo, answer as shown, and its pages open."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx

from service import PLAIN
from shown import Demo, blocks, check, shown

PAGE: Final = (Path(__file__).parents[1] / "docs" / "tutorial" / "first-lesson.md").read_text()
LESSON: Final = "http://127.0.0.1:8000"
PROGRAM: Final = re.compile(r"^```py\n(.*?)^```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)

CHANGED: Final = """
event["entry"] = event["entry"].replace("springfield", "shelbyville")
event["data"]["changes"]["occurred"] = "2026-05-01"


def sha256"""


def test_the_lesson_goes_as_written(demo: Demo) -> None:
    """Each command, after those above it, answers what stands below it; its pages open.

    Its program finds the event in the signed log, and finds an entry and data that were changed.
    """
    examples = shown(PAGE)
    ((program, printed),) = PROGRAM.findall(PAGE)
    assert [language for language, _ in blocks(PAGE)].count("sh") == len(examples)

    for command, answer in examples:
        check(command, answer, demo)
    opened = {
        page: httpx.get(page.replace(LESSON, demo.url), timeout=10, verify=PLAIN).status_code
        for page in re.findall(r"<(http[^>]+)>", PAGE)
    }

    assert set(opened.values()) == {200}, opened
    assert run(program, demo) == printed
    assert run(program.replace("\ndef sha256", CHANGED), demo) == printed.replace("True", "False")


def run(program: str, demo: Demo) -> str:
    """Run a program against the demo, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program.replace(LESSON, demo.url)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout + done.stderr
