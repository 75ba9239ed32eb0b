"""How far files were read that only grow, and what of them is new.

Owns what is held of a file between two looks (how much was read, and a digest of it) and when reading
goes on from there, and which files are something else than before. Must not know when files are
looked at, nor what is in them.
"""

import hashlib
import time
from collections.abc import Mapping
from copy import copy
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple, Self

from timeline.importers.opening import MAX_FILES, Part

BLOCK_BYTES: Final = 1024 * 1024

WHOLE_BYTES: Final = 32 * 1024 * 1024
"""Up to which all that was read is compared at every change: some tens of milliseconds."""

EDGE_BYTES: Final = 64 * 1024
"""Of a longer file that is appended to, what is compared of its beginning and its end."""

WHOLE_EVERY_S: Final = 600
"""How long that may do: what was edited between them is then seen at the next change."""


class Growth(Enum):
    """What it means that a file grew."""

    ANEW = "anew"
    """All files say something together, so that all are read again."""
    APART = "apart"
    """Each line is for itself: what is new in a file is all that is new."""
    JOINED = "joined"
    """The files are one table, one after the other: what is new has to stand at its end."""


class State(NamedTuple):
    """How a file stood: which one it is, when it changed, and how much of it is whole."""

    inode: int
    changed_ns: int
    size_bytes: int
    whole_bytes: int
    has_lines: bool


class Taken:
    """What was read of a file: digests of all and of its beginning, and the end of a long one."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.lines = 0
        self._all = hashlib.sha256()
        self._first = hashlib.sha256()
        self._last = b""
        self._compared_s = time.monotonic()

    def add(self, raw: bytes) -> None:
        """Take in what is read next."""
        self._first.update(raw[: max(0, EDGE_BYTES - self.size_bytes)])
        self._all.update(raw)
        self.size_bytes += len(raw)
        self.lines += raw.count(b"\n")
        if self.size_bytes > WHOLE_BYTES - EDGE_BYTES:
            self._last = (self._last + raw)[-EDGE_BYTES:]

    def copy(self) -> Self:
        """Return another one of the same."""
        made = copy(self)
        made._all, made._first = self._all.copy(), self._first.copy()  # noqa: SLF001 - its own
        return made

    def begins(self, path: Path, *, longer: bool) -> bool:
        """Tell whether a file still begins with it: byte for byte, or by the edges of a long one.

        Args:
            path: of the file.
            longer: whether it is the same file and became longer, as one does that is appended to.

        """
        now_s = time.monotonic()
        lately = now_s - self._compared_s < WHOLE_EVERY_S
        if longer and lately and self.size_bytes > WHOLE_BYTES:
            return self._has_edges(path)
        found = type(self)()
        with path.open("rb") as file:
            while left := self.size_bytes - found.size_bytes:
                raw = file.read(min(left, BLOCK_BYTES))
                if not raw:
                    return False
                found.add(raw)
        self._compared_s = now_s
        return found._all.digest() == self._all.digest()  # noqa: SLF001 - its own

    def _has_edges(self, path: Path) -> bool:
        with path.open("rb") as file:
            first = hashlib.sha256(file.read(EDGE_BYTES))
            file.seek(self.size_bytes - len(self._last))
            last = file.read(len(self._last))
        return first.digest() == self._first.digest() and last == self._last


class _Read(NamedTuple):
    """How a file stood when it was read, and what was read of it."""

    state: State
    taken: Taken


class Growing:
    """Tells what to read of files, and remembers it once it is imported without a refusal.

    What was refused is read again, as it may be mended, or be right once something else is recorded:
    only what was taken in whole is passed over.

    Attributes:
        goes_on: whether what is to be read continues what was read before; else it is all there is.

    """

    def __init__(self, growth: Growth) -> None:
        self.goes_on = False
        self._growth = growth
        self._read: dict[str, _Read] = {}
        self._reading: dict[str, _Read] = {}
        # What was read last of each file, taken in whole or not, also of those that went away.
        self._given: dict[str, _Read] = {}
        # Whether files go on from what was read: how they stood when that was compared.
        self._compared: dict[str, tuple[_Read, State, bool]] = {}

    def rewritten(self, seen: Mapping[str, State]) -> list[str]:
        """Return the files of which what was read is not there any more: written anew, cut, or gone.

        While somebody writes them, they lack what they will say in the end, and what they lack would
        be taken back. Lines that are each for themselves take nothing back.
        """
        if self._growth is Growth.APART:
            return []
        return [
            name
            for name, former in self._given.items()
            if (state := seen.get(name)) is None
            or (state != former.state and not self._continues(name, former, state))
        ]

    def parts(self, ready: Mapping[str, State]) -> dict[str, Part]:
        """Return what to read, by the names of files; empty where nothing is new.

        Raises:
            OSError: a file cannot be read.

        """
        if self._growth is Growth.JOINED and not self._read.keys() <= ready.keys():
            # What went away is still among the rows that were gathered.
            self._read = {}
        self._read = {name: each for name, each in self._read.items() if name in ready}
        new = self._new(ready)
        if self._growth is Growth.ANEW or (
            self._growth is Growth.JOINED and not self._continue(new, ready)
        ):
            self._read = {}
            new = {name: _Read(state, Taken()) for name, state in ready.items()}
        self.goes_on, self._reading = bool(self._read), new
        return {
            name: Part(taken.size_bytes, state.whole_bytes, taken.lines, taken.add)
            for name, (state, taken) in new.items()
            if taken.size_bytes < state.whole_bytes
        }

    def imported(self, *, whole: bool) -> None:
        """Remember what was read; where not all of it was taken in, it is to be read again."""
        if self._growth is Growth.JOINED and not whole:
            self._read = {}
        elif whole:
            self._read |= self._reading
        self._remember(self._reading)
        self._reading = {}

    def _new(self, ready: Mapping[str, State]) -> dict[str, _Read]:
        """Return the files that changed, each with what need not be read of it."""
        new: dict[str, _Read] = {}
        for name, state in ready.items():
            former = self._read.get(name)
            if former is None:
                new[name] = _Read(state, Taken())
            elif former.state != state:
                same = self._continues(name, former, state)
                new[name] = _Read(state, former.taken.copy() if same else Taken())
        return new

    def _remember(self, reading: Mapping[str, _Read]) -> None:
        """Remember what was read up to its end, and of as many files as a folder may have."""
        for name, each in reading.items():
            if name not in self._given or each.taken.size_bytes >= each.state.whole_bytes:
                self._given.pop(name, None)
                self._given[name] = each
        for name in list(self._given)[: max(0, len(self._given) - 2 * MAX_FILES)]:
            del self._given[name]
            self._compared.pop(name, None)

    def _continues(self, name: str, former: _Read, state: State) -> bool:
        """Tell whether a file has grown and is else as it was; compared once as it stands."""
        read, seen, same = self._compared.get(name, (None, None, False))
        if read is former and seen == state:
            return same
        whole_bytes = max(former.taken.size_bytes, former.state.whole_bytes)
        longer = former.state.inode == state.inode and former.state.size_bytes < state.size_bytes
        same = (
            state.has_lines
            and former.state.has_lines
            and whole_bytes <= state.whole_bytes
            and former.taken.begins(Path(name), longer=longer)
        )
        self._compared[name] = (former, state, same)
        return same

    def _continue(self, new: Mapping[str, _Read], ready: Mapping[str, State]) -> bool:
        """Tell whether what is new stands behind all that was read."""
        names = list(self._read)
        if not names or list(ready)[: len(names)] != names:
            return False
        *earlier, last = names
        is_grown = last not in new or new[last].taken.size_bytes > 0
        return is_grown and not any(name in new for name in earlier)
