"""The how-to for the client: its pieces, run in order, print what is shown."""

from contextlib import redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from shown import Demo, blocks

PAGE: Final = (Path(__file__).parents[1] / "docs" / "how-to" / "use-the-client.md").read_text()


def test_the_pieces_print_what_is_shown(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece, after those above it, prints what stands below it, or nothing."""
    monkeypatch.setenv("TOKEN", demo.token)
    names: dict[str, Any] = {}

    for (language, code), (form, answer) in pairwise([*blocks(PAGE), ("", "")]):
        if language != "py":
            continue
        printed = StringIO()
        with redirect_stdout(printed):
            exec(code.replace("http://127.0.0.1:8000", demo.url), names)  # noqa: S102 - the page's own
        assert printed.getvalue() == (answer if form == "text" else ""), code
