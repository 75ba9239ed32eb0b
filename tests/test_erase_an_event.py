"""The how-to for erasing: its commands, run in order, answer as shown."""

from pathlib import Path
from typing import Final

from shown import Demo, blocks, check, shown

PAGE: Final = (Path(__file__).parents[1] / "docs" / "how-to" / "erase-an-event.md").read_text()


def test_the_commands_answer_what_is_shown(demo: Demo) -> None:
    """Each command, after those above it, answers what stands below it."""
    examples = shown(PAGE)

    assert [language for language, _ in blocks(PAGE)].count("sh") == len(examples)
    for command, answer in examples:
        check(command, answer, demo)
