"""Inputs of importers: files, folders, standard input; plain, gzipped, or members of a zip archive.

Owns how each is opened and what it may hold at most, so that no input makes an import hold more than
a line's bound or fill a disk. Must not know any format: `reading` makes lines, rows and documents.
"""

import gzip
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, BinaryIO, Final, NamedTuple

from timeline.importers.errors import InputRefused

STANDARD_INPUT: Final = "-"

MAX_FILES: Final = 100_000
"""Files of all folders, and members of an archive: as many as a legislature has matters."""

MAX_DIRECTORY_BYTES: Final = 32 * 1024 * 1024
"""Of a zip archive's list of members, which is read as a whole."""

MAX_RATIO: Final = 250
"""Bytes for each compressed one: real tables and JSON come to some 10 to 60, a bomb to 1,000."""

FREE_BYTES: Final = 64 * 1024 * 1024
"""What may come out of however little: a small file of blanks is no bomb."""

MAX_UNPACKED_BYTES: Final = 64 * 1024**3
"""What may come out of one file: more than any legislature's history has as text."""

BUFFER_BYTES: Final = 256 * 1024

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_END_OF_DIRECTORY: Final = struct.Struct("<4s4H2LH")
_MAX_COMMENT_BYTES: Final = 65_535


class Part(NamedTuple):
    """Which part of a file to read: between which bytes, how many lines are before it, and who is told."""

    begins_bytes: int = 0
    ends_bytes: int | None = None
    lines_before: int = 0
    on_read: Callable[[bytes], None] = lambda _: None


WHOLE: Final = Part()


class Input(NamedTuple):
    """One input: its name as given (a member's stands behind its archive's), and its bytes.

    `line` is how many lines stand before them, where the input goes on from an earlier reading.
    """

    name: str
    stream: io.BufferedReader | io.BytesIO
    line: int = 0

    def begins(self, size_bytes: int) -> bytes:
        """Return the next bytes without taking them: at most so many, fewer from a slow pipe."""
        if isinstance(self.stream, io.BytesIO):
            at = self.stream.tell()
            return self.stream.getvalue()[at : at + size_bytes]
        return self.stream.peek(size_bytes)[:size_bytes]


class Inputs:
    """Opens inputs one after the other, and counts how far it is.

    Attributes:
        read_bytes: how much was read of the files as they lie there, unpacked or not.
        size_bytes: how much there is; None where nobody knows, as with a pipe.
        order: the names of the inputs that were opened, and where each stands among them.

    """

    def __init__(
        self,
        names: Sequence[str],
        standard_input: BinaryIO | None = None,
        parts: Mapping[str, Part] | None = None,
    ) -> None:
        """Find the files.

        Args:
            names: of files and folders, whose files are taken in the order of their names; `-` is
                standard input.
            standard_input: that.
            parts: which parts of files to read; all of the others.

        Raises:
            InputRefused: there is no such file, or there are too many.

        """
        self.files = expanded(names)
        self.read_bytes = 0
        self.order: dict[str, int] = {}
        self._standard_input = standard_input
        self._parts = parts or {}
        sizes = [_size_bytes(each) for each in self.files]
        known = [each for each in sizes if each is not None]
        before = sum(each.begins_bytes for each in self._parts.values())
        self.size_bytes = sum(known) - before if len(known) == len(sizes) else None

    def __iter__(self) -> Iterator[Input]:
        """Yield each input, which is closed once the next is asked for.

        Raises:
            InputRefused: a file cannot be opened, or is no archive that can be read.

        """
        for name in self.files:
            with closing(self._opened(name)) as raw:
                part = self._part(name)
                goes_on = [Input(name, raw, part.lines_before)] if part.begins_bytes else None
                for each in goes_on or _unpacked(name, raw):
                    self.order.setdefault(each.name, len(self.order))
                    yield each

    def _opened(self, name: str) -> io.BufferedReader:
        if name == STANDARD_INPUT:
            if self._standard_input is None:
                raise InputRefused(file=name, line=0, reason="There is no standard input")
            stream = self._standard_input
        else:
            try:
                stream = Path(name).open("rb")  # noqa: SIM115 - closed with what counts it
            except OSError as error:
                raise _unreadable(name, error) from error
        return io.BufferedReader(_Counting(name, stream, self, self._part(name)), BUFFER_BYTES)

    def _part(self, name: str) -> Part:
        return self._parts.get(name, WHOLE)


def expanded(names: Sequence[str]) -> list[str]:
    """Return the names of all files, as `listed` does.

    Raises:
        InputRefused: there is no such file, or there are too many.

    """
    for name in names:
        if name != STANDARD_INPUT and not Path(name).exists():
            raise InputRefused(file=name, line=0, reason="There is no such file")
    return listed(names)


def listed(names: Sequence[str]) -> list[str]:
    """Return the names of all files, those of folders in their place; hidden ones are left out.

    Any of them may go away at any time: whoever opens it is told.

    Raises:
        InputRefused: there are too many.

    """
    found: list[str] = []
    for name in names:
        if name == STANDARD_INPUT or not Path(name).is_dir():
            found.append(name)
        else:
            found += sorted(_files(name))
        if len(found) > MAX_FILES:
            raise InputRefused(file=name, line=0, reason=f"There are more than {MAX_FILES} files")
    return found


def _files(folder: str) -> Iterator[str]:
    found = 0
    for path, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".")]
        for name in names:
            file = Path(path, name)
            if not name.startswith(".") and file.is_file():
                yield str(file)
                found += 1
                if found > MAX_FILES:
                    return


def _size_bytes(name: str) -> int | None:
    """Return a regular file's size; None for a pipe, whose end nobody knows."""
    if name == STANDARD_INPUT:
        return None
    try:
        status = Path(name).stat()
    except OSError as error:
        raise _unreadable(name, error) from error
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _unreadable(name: str, error: Exception) -> InputRefused:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return InputRefused(file=name, line=0, reason=f"It cannot be read: {reason}")


class _Counting(io.RawIOBase):
    """A file as it lies there, up to so many bytes; counts what is read of it."""

    def __init__(self, name: str, stream: BinaryIO, inputs: Inputs, part: Part) -> None:
        super().__init__()
        self.name = name
        self.mode = "rb"
        self._stream = stream
        self._inputs = inputs
        self._part = part
        self._at = stream.seek(part.begins_bytes) if part.begins_bytes else 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = self._stream.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        ends = self._part.ends_bytes
        wanted = len(buffer) if ends is None else min(len(buffer), ends - self._at)
        if wanted <= 0:
            return 0
        try:
            found = self._stream.read(wanted)
        except OSError as error:
            raise _unreadable(self.name, error) from error
        if not found and ends is not None:
            # Somebody writes it anew: what it lacks now is not what it does not say.
            raise InputRefused(file=self.name, line=0, reason="It became shorter while it was read")
        buffer[: len(found)] = found
        self._at += len(found)
        self._inputs.read_bytes += len(found)
        self._part.on_read(found)
        return len(found)

    def close(self) -> None:
        if not self.closed and self.name != STANDARD_INPUT:
            self._stream.close()
        super().close()


def _unpacked(name: str, raw: io.BufferedReader) -> Iterator[Input]:
    """Yield what lies in a file: itself, unpacked where it is gzipped, or an archive's members."""
    begins = raw.peek(4)[:4]
    if begins in _ZIP:
        yield from _members(name, raw)
    elif begins.startswith(_GZIP):
        yield Input(name, _gunzipped(name, raw, _Allowance(name, raw.tell)))
    else:
        yield Input(name, raw)


def _members(name: str, raw: io.BufferedReader) -> Iterator[Input]:
    if not raw.seekable():
        raise InputRefused(file=name, line=0, reason=_PIPED)
    size_bytes = _check_directory(name, raw)
    allowance = _Allowance(name, lambda: size_bytes)
    try:
        with zipfile.ZipFile(raw) as archive:
            for member in archive.infolist():
                if member.is_dir():
                    continue
                inside = f"{name}/{member.filename}"
                if member.flag_bits & 1:
                    raise InputRefused(file=inside, line=0, reason="It is encrypted")
                with archive.open(member) as stream:
                    yield _member(inside, stream, allowance)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise _unreadable(name, error) from error


_PIPED: Final = (
    "A zip archive cannot be read from a pipe: save it and give the file, "
    "or pipe what is in it, as `unzip -p` does"
)


def _member(name: str, stream: IO[bytes], allowance: "_Allowance") -> Input:
    plain = _bounded(name, stream, allowance)
    begins = plain.peek(4)[:4]
    if begins in _ZIP:
        raise InputRefused(file=name, line=0, reason="It is an archive within an archive")
    if begins.startswith(_GZIP):
        return Input(name, _gunzipped(name, plain, allowance))
    return Input(name, plain)


def _check_directory(name: str, raw: io.BufferedReader) -> int:
    """Return the size of an archive; raises InputRefused where its list of members is too long.

    Source: the end of the central directory, section 4.3.16 of PKWARE's APPNOTE.
    """
    size_bytes = raw.seek(0, io.SEEK_END)
    tail_bytes = min(size_bytes, _END_OF_DIRECTORY.size + _MAX_COMMENT_BYTES)
    raw.seek(size_bytes - tail_bytes)
    tail = raw.read(tail_bytes)
    raw.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END_OF_DIRECTORY.size:
        raise InputRefused(file=name, line=0, reason="It is no whole zip archive")
    _, _, _, _, members, directory_bytes, _, _ = _END_OF_DIRECTORY.unpack_from(tail, at)
    if members > MAX_FILES or directory_bytes > MAX_DIRECTORY_BYTES:
        reason = f"The archive lists more than {MAX_FILES} members"
        raise InputRefused(file=name, line=0, reason=reason)
    return size_bytes


class _Allowance:
    """How much may still come out of a file: by what went in, and altogether."""

    def __init__(self, name: str, packed_bytes: Callable[[], int]) -> None:
        self._name = name
        self._packed_bytes = packed_bytes
        self._unpacked_bytes = 0

    def spend(self, size_bytes: int) -> None:
        """Count what came out; raises InputRefused where it is too much."""
        self._unpacked_bytes += size_bytes
        if self._unpacked_bytes <= FREE_BYTES:
            return
        if self._unpacked_bytes > MAX_UNPACKED_BYTES:
            reason = f"It unpacks to more than {MAX_UNPACKED_BYTES} bytes"
            raise InputRefused(file=self._name, line=0, reason=reason)
        packed_bytes = self._packed_bytes()
        if self._unpacked_bytes > MAX_RATIO * max(packed_bytes, 1):
            reason = (
                f"{packed_bytes} bytes unpack to more than {self._unpacked_bytes - 1}: "
                f"at most {MAX_RATIO} for each, beyond the first {FREE_BYTES}"
            )
            raise InputRefused(file=self._name, line=0, reason=reason)


class _Bounded(io.RawIOBase):
    """What comes out of a packed stream, as far as it is allowed."""

    def __init__(
        self, name: str, stream: IO[bytes] | io.BufferedIOBase, allowance: _Allowance
    ) -> None:
        super().__init__()
        self._name = name
        self._stream = stream
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        try:
            found = self._stream.read(len(buffer))
        except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
            reason = f"It cannot be unpacked: {str(error) or type(error).__name__}"
            raise InputRefused(file=self._name, line=0, reason=reason) from error
        self._allowance.spend(len(found))
        buffer[: len(found)] = found
        return len(found)


def _bounded(
    name: str, stream: IO[bytes] | io.BufferedIOBase, allowance: _Allowance
) -> io.BufferedReader:
    return io.BufferedReader(_Bounded(name, stream, allowance), BUFFER_BYTES)


def _gunzipped(name: str, raw: io.BufferedReader, allowance: _Allowance) -> io.BufferedReader:
    return _bounded(name, gzip.GzipFile(fileobj=raw, mode="rb"), allowance)
