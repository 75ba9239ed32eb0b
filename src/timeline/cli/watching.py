"""Files and folders that are imported again whenever they change.

Owns when one has changed, how much of it is whole, and how watching ends. Must not know what is in
them, but for where a line ends.
"""

import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import click
import msgspec

from timeline.application.import_report import ImportReport
from timeline.cli.errors import CommandError, one_line
from timeline.cli.growing import Growing, Growth, State
from timeline.cli.importing import tell_of
from timeline.cli.showing import shown
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Inputs, listed

EVERY_S: Final = 2
MAX_EVERY_S: Final = 3_600
MAX_FOR_S: Final = 30 * 24 * 3_600

STILL_S: Final = 10
"""For how long what is written anew has to stand still: longer than a download or a copy pauses."""

BLOCK_BYTES: Final = 64 * 1024
MAX_FIRST_LINE_BYTES: Final = 16 * 1024 * 1024
"""What is read to tell lines of JSON from one document: as long as a document may be."""

_DOCUMENTS: Final = (b"[", b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06")
"""What files begin with that have no lines: arrays, and what is packed."""


class Watch:
    """Looks at files again and again.

    Attributes:
        waits_for: the first file that was read and is being written anew, while there is one.

    """

    def __init__(self, names: Sequence[str], every_s: float, growth: Growth = Growth.ANEW) -> None:
        self.waits_for: str | None = None
        self._names = names
        self._every_s = every_s
        self._growing = Growing(growth)
        self._seen: dict[str, State] = {}
        self._imported: dict[str, State] = {}
        # When files were last seen to be another than a look before, for STILL_S.
        self._moved_s: dict[str, float] = {}

    @property
    def goes_on(self) -> bool:
        """Whether what was given last continues what was given before."""
        return self._growing.goes_on

    def changed(self) -> Inputs | None:
        """Return what is to be read of the files, as far as they are whole; None where nothing is.

        What has lines is whole up to the end of the last one; anything else once it has stood still
        from one look to the next. Where something that was given is another one, and not just longer,
        all waits until it has stood still for long, as nobody sees how much of it is still to come.
        """
        before, self._seen = self._seen, self._look()
        moving = self._moving(before, time.monotonic())
        try:
            rewritten = self._growing.rewritten(self._seen)
        except OSError:
            # One went away meanwhile: the next look tells.
            return None
        self.waits_for = next((name for name in rewritten if name in moving), None)
        if self.waits_for is not None:
            return None
        ready = {
            name: state
            for name, state in self._seen.items()
            if state.has_lines or self._stands_still(state, before.get(name))
        }
        if not ready or all(self._imported.get(name) == state for name, state in ready.items()):
            return None
        try:
            parts = self._growing.parts(ready)
            inputs = Inputs([*parts], parts=parts)
        except (InputRefused, OSError):
            # One went away meanwhile: the next look tells.
            return None
        self._imported = ready
        return inputs if parts else None

    def imported(self, *, whole: bool) -> None:
        """Take in that what was given last is imported: whole, or not as something was refused.

        What went away before it was opened may have ended the reading before those behind it.
        """
        if not whole and not all(Path(name).exists() for name in self._imported):
            self._imported = {}
        self._growing.imported(whole=whole)

    def _moving(self, before: Mapping[str, State], now_s: float) -> Collection[str]:
        """Return the files that changed, came or went at this look, or not yet STILL_S ago."""
        names = before.keys() | self._seen.keys()
        moved = {name: now_s for name in names if before.get(name) != self._seen.get(name)}
        lately = {name: at for name, at in self._moved_s.items() if now_s - at < STILL_S}
        self._moved_s = lately | moved
        return self._moved_s.keys()

    def _stands_still(self, state: State, before: State | None) -> bool:
        """Tell whether nobody seems to write a file, by how it stood before, or by its age."""
        return state == before or time.time() - state.changed_ns / 10**9 > self._every_s

    def _look(self) -> dict[str, State]:
        found: dict[str, State] = {}
        for name in listed(self._names):
            with suppress(OSError):
                status = Path(name).stat()
                stood = (status.st_ino, status.st_mtime_ns, status.st_size)
                former = self._seen.get(name)
                if former is None or former[: len(stood)] != stood:
                    lines = _has_lines(Path(name))
                    whole = _whole_bytes(Path(name), status.st_size) if lines else status.st_size
                    former = State(*stood, whole, lines)
                found[name] = former
        return found


def _has_lines(path: Path) -> bool:
    """Tell whether a file is lines: a table, or a JSON document in each."""
    with path.open("rb") as file:
        begins = file.read(4)
        if begins.startswith(_DOCUMENTS):
            return False
        if not begins.startswith(b"{"):
            return True
        file.seek(0)
        first = file.readline(MAX_FIRST_LINE_BYTES)
        if not first.endswith(b"\n"):
            return False
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            msgspec.json.decode(first)
            return True
    return False


def _whole_bytes(path: Path, size_bytes: int) -> int:
    """Return up to where a file's lines have ended."""
    with path.open("rb") as file:
        end = size_bytes
        while end > 0:
            start = max(0, end - BLOCK_BYTES)
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                return start + at + 1
            end = start
    return 0


def watch(
    watched: Watch, every_s: float, for_s: float | None, run: Callable[[Inputs], ImportReport]
) -> ImportReport:
    """Import what is there, then whatever changes, until a signal or the time ends it.

    Args:
        watched: looks at files and folders.
        every_s: between two looks.
        for_s: how long to watch; for ever where it is None.
        run: imports.

    Returns:
        What the last import came to.

    Raises:
        CommandError: there are too many files.

    """
    deadline = None if for_s is None else time.monotonic() + for_s
    report = ImportReport()
    waited_for: str | None = None
    with _interruptible(), suppress(KeyboardInterrupt):
        while True:
            try:
                inputs = watched.changed()
            except InputRefused as error:
                raise CommandError(one_line(error)) from error
            if watched.waits_for is not None and waited_for is None:
                name = shown(watched.waits_for)
                click.echo(f"Waiting until {name} stands still: it is not as it was.", err=True)
            waited_for = watched.waits_for
            if inputs is not None:
                report = run(inputs)
                watched.imported(whole=not report.refused)
                tell_of(report)
            left_s = every_s if deadline is None else deadline - time.monotonic()
            if left_s <= 0:
                break
            time.sleep(min(every_s, left_s))
    return report


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM end the watching as SIGINT does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
