"""The how-to for other tools: its commands answer as shown, its addresses and its table are true."""

import re
from pathlib import Path
from typing import Final

import httpx

from shown import Demo, blocks, check, shown
from timeline.http.represented import HISTORY, ONE_POLICY, POLICIES, TIMELINE

PAGE: Final = (Path(__file__).parents[1] / "docs" / "how-to" / "read-it-anywhere.md").read_text()
ROUTES: Final = {
    "timeline": TIMELINE,
    "policies": POLICIES,
    "a policy": ONE_POLICY,
    "a history": HISTORY,
}


def test_the_commands_and_addresses_answer_what_is_shown(demo: Demo) -> None:
    """Each command answers what stands below it, and each address is one that is answered."""
    examples = shown(PAGE)
    addresses = re.findall(r"^- `http://127.0.0.1:8000(\S+)`$", PAGE, flags=re.MULTILINE)

    assert [language for language, _ in blocks(PAGE)].count("sh") == len(examples) > 0
    for command, answer in examples:
        check(command, answer, demo)
    assert addresses
    for address in addresses:
        assert httpx.get(f"{demo.url}{address}").status_code == 200


def test_the_table_has_all_forms() -> None:
    """Each form of each route is in the table, with its media type, and nothing else is."""
    rows = re.findall(
        r"^\| `(\w+)` \| .* \| `([^`/]+/[^`]+)` \| ([^|]+) \|$", PAGE, flags=re.MULTILINE
    )
    told = {
        (name, media_type, route)
        for name, media_type, routes in rows
        for route in (ROUTES if routes == "all" else routes.split(", "))
    }

    assert told == {
        (name, form.media_type, route)
        for route, forms in ROUTES.items()
        for name, form in forms.items()
    }
