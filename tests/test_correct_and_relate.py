"""The how-to for corrections, disputes and relations: its commands, run in order, answer as shown."""

import re
from pathlib import Path
from typing import Final

from shown import Demo, blocks, check, shown
from timeline.application.access import NEEDED_ROLE
from timeline.domain.vocabulary import EventType

PAGE: Final = (Path(__file__).parents[1] / "docs" / "how-to" / "correct-and-relate.md").read_text()


def test_the_commands_answer_what_is_shown(demo: Demo) -> None:
    """Each command, after those above it, answers what stands below it."""
    examples = shown(PAGE)

    assert [language for language, _ in blocks(PAGE)].count("sh") == len(examples)
    for command, answer in examples:
        check(command, answer, demo)


def test_the_table_names_the_roles_that_are_needed() -> None:
    """Beside each type of event stands the lowest role that may record it."""
    rows = re.findall(r"^\| .*\[`(\w+)`?.*\]\(#[\w-]+\) \| (\w+) \|$", PAGE, flags=re.MULTILINE)

    assert len(rows) == PAGE.partition("\n\nStart")[0].count("](#")
    assert {(kind, NEEDED_ROLE[EventType(kind)]) for kind, _ in rows} == set(rows)


def test_the_table_leads_to_headings() -> None:
    """What the table links to is on the page."""
    headings = re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE)

    anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors
