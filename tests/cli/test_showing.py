"""What strangers wrote is shown so that a terminal obeys none of it."""

import json

import pytest

from timeline.cli.errors import CommandError, one_line
from timeline.cli.showing import SHOWN_CHARACTERS, document, shown, visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Verordnung № 7, «été»", "Verordnung № 7, «été»"),
        ("\x1b[2Jall is well", r"\u001b[2Jall is well"),
        ("a\r\nb\x7f", r"a\u000d\u000ab\u007f"),
        ("\x9b2J", r"\u009b2J"),
        ("\u202elog\u2066", r"\u202elog\u2066"),
        ("a\u2028b\udc80", r"a\u2028b\udc80"),
    ],
)
def test_what_a_terminal_obeys_is_an_escape(text: str, seen: str) -> None:
    """C0, DEL, C1, marks of direction, ends of lines, and what no stream takes."""
    assert visible(text) == shown(text) == seen


def test_what_is_long_is_cut() -> None:
    """And said to be; what is as long as may be is whole."""
    assert shown("x" * SHOWN_CHARACTERS) == "x" * SHOWN_CHARACTERS
    assert shown("x" * 60_000) == "x" * SHOWN_CHARACTERS + "…"


def test_json_says_the_same_with_escapes() -> None:
    """A program that reads it gets every character."""
    value = {"what": "\x1b[2J\x9b \u202e é \\ \n"}

    written = document(value)

    assert json.loads(written) == value
    assert visible(written) == written


def test_an_error_is_shown_so_too() -> None:
    """It may repeat what a server said."""
    line = one_line(CommandError("it says \x9b2J " + "x" * 60_000))

    assert line.startswith(r"it says \u009b2J xxx")
    assert len(line) < 1_100
