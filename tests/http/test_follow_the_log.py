"""docs/how-to/follow-the-log.md: its commands ask for what the service answers."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from http_client import Client

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "follow-the-log.md").read_text()


def commands() -> list[tuple[str, dict[str, str]]]:
    """Return the page's requests: their paths and headers."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        words = shlex.split(block)
        address = urlsplit(next(word for word in words if word.startswith("http://")))
        pairs = pairwise(words)
        headers = dict(word.split(": ") for flag, word in pairs if flag == "-H")
        found.append((f"{address.path}?{address.query}", headers))
    return found


def test_every_command_is_answered_as_the_page_says(told: Client) -> None:
    """With the type that is asked for, from the position that is asked for."""
    asked = commands()

    assert len(asked) == 4
    for path, headers in asked:
        answer = told.ask("HEAD", path, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(headers["Accept"])
