"""Files and folders that are imported again whenever they change.

Owns when one has changed, how much of it is whole, and how watching ends. Must not know what is in
them, but for where a line ends.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from timeline.application.import_report import ImportReport
from timeline.cli.importing import tell_of
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Inputs, expanded

EVERY_S: Final = 2
MAX_EVERY_S: Final = 3_600
MAX_FOR_S: Final = 30 * 24 * 3_600

BLOCK_BYTES: Final = 64 * 1024
MAX_FIRST_LINE_BYTES: Final = 16 * 1024 * 1024
"""What is read to tell lines of JSON from one document: as long as a document may be."""

_DOCUMENTS: Final = (b"[", b"\x1f", b"P")
"""What files begin with that have no lines: arrays, and what is packed (`PK` begins an archive)."""


class State(NamedTuple):
    """How a file stood: which one it is, when it changed, and how much of it is whole."""

    inode: int
    changed_ns: int
    size_bytes: int
    whole_bytes: int
    has_lines: bool

    def stands_still(self, before: "State | None", for_s: float) -> bool:
        """Tell whether nobody seems to write it, by how it stood before, or by its age."""
        return self == before or time.time() - self.changed_ns / 10**9 > for_s


class Watch:
    """Looks at files again and again."""

    def __init__(self, names: Sequence[str], every_s: float) -> None:
        self._names = names
        self._every_s = every_s
        self._seen: dict[str, State] = {}
        self._imported: dict[str, State] = {}

    def changed(self) -> Inputs | None:
        """Return the files as far as they are whole, None where none has changed since.

        What has lines is whole up to the end of the last one; anything else once it has stood still
        from one look to the next. All are read again, as one may say what another one is about.
        """
        before, self._seen = self._seen, self._look()
        ready = {
            name: state
            for name, state in self._seen.items()
            if state.has_lines or state.stands_still(before.get(name), self._every_s)
        }
        if not ready or all(self._imported.get(name) == state for name, state in ready.items()):
            return None
        try:
            inputs = Inputs([*ready], until=lambda name: ready[name].whole_bytes)
        except InputRefused:
            # One went away meanwhile: the next look tells.
            return None
        self._imported = ready
        return inputs

    def _look(self) -> dict[str, State]:
        found: dict[str, State] = {}
        for name in expanded([each for each in self._names if Path(each).exists()]):
            with suppress(OSError):
                status = Path(name).stat()
                lines = _has_lines(Path(name))
                whole = _whole_bytes(Path(name), status.st_size) if lines else status.st_size
                found[name] = State(status.st_ino, status.st_mtime_ns, status.st_size, whole, lines)
        return found


def _has_lines(path: Path) -> bool:
    """Tell whether a file is lines: a table, or a JSON document in each."""
    with path.open("rb") as file:
        begins = file.read(1)
        if begins in _DOCUMENTS:
            return False
        if begins != b"{":
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
    names: Sequence[str], every_s: float, for_s: float | None, run: Callable[[Inputs], ImportReport]
) -> ImportReport:
    """Import what is there, then whatever changes, until a signal or the time ends it.

    Args:
        names: files and folders.
        every_s: between two looks.
        for_s: how long to watch; for ever where it is None.
        run: imports.

    Returns:
        What the last import came to.

    """
    deadline = None if for_s is None else time.monotonic() + for_s
    watched, report = Watch(names, every_s), ImportReport()
    with _interruptible(), suppress(KeyboardInterrupt):
        while True:
            inputs = watched.changed()
            if inputs is not None:
                report = run(inputs)
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
