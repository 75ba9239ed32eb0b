"""Progress of long work, on standard error.

Owns its two forms: a bar on a terminal, else at most one line a second and a last one.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Report: TypeAlias = Callable[[int, int | None], None]
"""Takes how much is done and, where that is known, of how much."""

LINE_INTERVAL_S: Final = 1.0
"""Between two lines: a log that is read later does not need more."""


class Lines:
    """Progress as lines: the first at once, then at most one an interval, and the last."""

    def __init__(
        self,
        label: str,
        write: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._write = write
        self._clock = clock
        self._written_at: float | None = None
        self._waiting: str | None = None

    def report(self, done: int, total: int | None) -> None:
        """Write a line, unless one has just been written."""
        self._waiting = f"{self._label}: {done}" + (f" of {total}" if total is not None else "")
        now = self._clock()
        if self._written_at is None or now - self._written_at >= LINE_INTERVAL_S:
            self._written_at = now
            self.finish()

    def finish(self) -> None:
        """Write what has not been written yet."""
        if self._waiting is not None:
            self._write(self._waiting)
            self._waiting = None


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Report]:
    """Show how far a piece of work is, while the context lasts.

    Args:
        label: what is being done.
        quiet: show nothing.

    """
    if quiet:
        yield lambda _done, _total: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    else:
        lines = Lines(label, lambda line: click.echo(line, err=True))
        try:
            yield lines.report
        finally:
            lines.finish()


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))
