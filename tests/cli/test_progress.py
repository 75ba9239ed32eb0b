"""Progress where nobody watches: few lines, and always the last."""

import io
import sys

import pytest

from timeline.cli.progress import Lines, progress


def test_lines_come_at_most_once_a_second_and_the_last_one_always() -> None:
    """However often progress is told, a log grows by a line a second."""
    now = 0.0
    written: list[str] = []
    lines = Lines("Events", written.append, clock=lambda: now)

    for done in range(25):
        lines.report(done, None)
        now += 0.125
    lines.finish()

    assert written == ["Events: 0", "Events: 8", "Events: 16", "Events: 24"]


def test_the_last_line_is_not_repeated() -> None:
    """A line that was written is not written again at the end."""
    written: list[str] = []
    lines = Lines("Position", written.append, clock=lambda: 0.0)

    lines.report(7, 7)
    lines.finish()

    assert written == ["Position: 7 of 7"]


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is for data."""
    with progress("Events", quiet=False) as report:
        report(3, None)

    assert capsys.readouterr() == ("", "Events: 3\n")


def test_quiet_shows_none(capsys: pytest.CaptureFixture[str]) -> None:
    """With --quiet a script's log stays empty."""
    with progress("Events", quiet=True) as report:
        report(3, None)

    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who watches sees it move, and what remains."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())

    with progress("Events", quiet=False) as report:
        report(3, 4)

    assert "Events" in terminal.getvalue()
    assert "3/4" in terminal.getvalue()
