"""The page on proof: its commands answer as shown, and it names what is not proven."""

from pathlib import Path
from typing import Final

from shown import Demo, blocks, check, shown

PAGE: Final = (Path(__file__).parents[1] / "docs" / "explanation" / "proof.md").read_text()


def test_the_commands_answer_what_is_shown(demo: Demo) -> None:
    """Each command answers what stands below it."""
    examples = shown(PAGE)

    assert [language for language, _ in blocks(PAGE)].count("sh") == len(examples) == 4
    for command, answer in examples:
        check(command, answer, demo)
