"""The twenty questions: each has a command, and the answer shown is the one served."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from shown import Demo, blocks, check, shown

PAGE: Final = (
    Path(__file__).parents[1] / "docs" / "how-to" / "answer-twenty-questions.md"
).read_text()
# On these routes, a question without a day is one about today.
ABOUT_TODAY: Final = re.compile(r"/v1/(?:policies|jurisdictions|review)\b(?!.*as_of=)")


def questions() -> list[tuple[str, str]]:
    """Return the numbered questions, each with what stands below it."""
    parts = re.split(r"^### (\d+\. .+)$", PAGE, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize(("question", "text"), questions(), ids=[each for each, _ in questions()])
def test_the_answer_shown_is_real(question: str, text: str, demo: Demo) -> None:
    """The commands of a question, run as they stand, answer what it shows."""
    examples = shown(text)

    assert examples, question
    assert [language for language, _ in blocks(text)].count("sh") == len(examples)
    for command, answer in examples:
        check(command, answer, demo)


def test_the_questions_are_numbered_in_order() -> None:
    """They count 1, 2, 3, so that one can refer to them."""
    numbers = [int(question.split(".")[0]) for question, _ in questions()]

    assert numbers[0] == 1
    assert all(after == before + 1 for before, after in pairwise(numbers))


def test_no_answer_depends_on_the_day_of_the_test() -> None:
    """Where today's date would change an answer, the command names a day."""
    assert ABOUT_TODAY.search("curl 'http://127.0.0.1:8000/v1/policies?in_force=yes'")
    assert [command for command, _ in shown(PAGE) if ABOUT_TODAY.search(command)] == []
