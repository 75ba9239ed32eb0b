"""The file of a log's signing keys, and beside it the last checkpoint that they signed.

Owns their form on disk: one key a line, the first of them the oldest; mode 0600, written whole or
not at all. Must not know what is signed, nor when.
"""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from timeline.application.errors import KeyFileError
from timeline.transparency.checkpoints import Checkpoint
from timeline.transparency.errors import WrongKey
from timeline.transparency.keys import SigningKey
from timeline.transparency.merkle import EMPTY_ROOT
from timeline.transparency.notes import signed

MAX_KEYS: Final = 2
"""While keys are rotated there are two; with more, a checkpoint says less about who stands for it."""

MAX_FILE_BYTES: Final = 65_536

ALONE_S: Final = 10.0
"""How long a command waits for a signature: one takes milliseconds, many entries some seconds."""

_PAUSE_S: Final = 0.02
_PRIVATE_MODE: Final = 0o600


class KeyFile:
    """A file of signing keys, and what lies beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def checkpoint_path(self) -> Path:
        """Where the last signed checkpoint lies: outside the database, beside the key."""
        return self.path.with_name(f"{self.path.name}.checkpoint")

    def exists(self) -> bool:
        """Tell whether there is a file."""
        return self.path.exists()

    def signed_before(self) -> bool:
        """Tell whether there is a file, or was one: what it signed last lies there still."""
        return self.exists() or self.checkpoint_path.exists()

    def read(self) -> tuple[SigningKey, ...]:
        """Return the keys, the oldest first.

        Raises:
            KeyFileError: it cannot be read, others can read it, or it holds anything else.

        """
        raw = self._read(self.path)
        mode = stat.S_IMODE(self.path.stat().st_mode)
        if mode & ~_PRIVATE_MODE:
            raise KeyFileError(path=self.path, reason=f"its mode is {mode:04o}, not 0600")
        try:
            keys = tuple(SigningKey.parse(line) for line in raw.decode().split("\n") if line)
        except (WrongKey, UnicodeDecodeError):
            raise KeyFileError(path=self.path, reason="a line of it is no signing key") from None
        if not 1 <= len(keys) <= MAX_KEYS or len({key.name for key in keys}) > 1:
            reason = f"it holds {len(keys)} keys; one is needed, or two of one name"
            raise KeyFileError(path=self.path, reason=reason)
        return keys

    def require_name(self, name: str) -> None:
        """Refuse keys of another log; raises KeyFileError, also as `read` does."""
        (found, *_) = {key.name for key in self.read()}
        if found != name:
            raise KeyFileError(path=self.path, reason=f"its keys are of {found}, not of {name}")

    def write(self, keys: Sequence[SigningKey]) -> None:
        """Write the keys, in place of those that there are.

        Raises:
            KeyFileError: it cannot be written.

        """
        self._write(self.path, _lines(keys))

    def begin(self, keys: Sequence[SigningKey]) -> bool:
        """Write the first keys, and beside them that nothing was signed yet, unless something was.

        Returns:
            False where there are keys already, as of a process that was first.

        Raises:
            KeyFileError: they cannot be written.

        """
        with self.alone():
            if self.exists():
                return False
            if not self.checkpoint_path.exists():
                nothing = Checkpoint(keys[0].name, 0, EMPTY_ROOT)
                self.keep_signed(bytes(signed(nothing.text, keys)))
            try:
                self._write(self.path, _lines(keys), place=os.link)
            except KeyFileError:
                if self.exists():
                    # The lock's file was taken away, and so another process was first.
                    return False
                raise
            return True

    def last_signed(self) -> bytes | None:
        """Return the last checkpoint that was signed; None where that is not remembered.

        Raises:
            KeyFileError: it cannot be read.

        """
        return self._read(self.checkpoint_path) if self.checkpoint_path.exists() else None

    def keep_signed(self, note: bytes) -> None:
        """Keep a checkpoint as the last one that was signed, durably.

        Raises:
            KeyFileError: it cannot be written.

        """
        self._write(self.checkpoint_path, note)

    @contextmanager
    def signing(self) -> Iterator[bool]:
        """Be the one that signs, unless another process is; yields whether this one is."""
        # A file of its own: that of the keys is replaced when they are rotated.
        path = self.path.with_name(f"{self.path.name}.lock")
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_MODE)
        except PermissionError as error:
            raise KeyFileError(path=path, reason=_whose(path, error)) from None
        except OSError as error:
            raise KeyFileError(path=path, reason=_said(error)) from None
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(lock)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the one that signs, or changes keys; waits for whoever does.

        Raises:
            KeyFileError: another process does for longer than ALONE_S.

        """
        deadline = time.monotonic() + ALONE_S
        while True:
            with self.signing() as alone:
                if alone:
                    yield
                    return
            if time.monotonic() >= deadline:
                reason = "another process signs, or changes keys, and does not come to an end"
                raise KeyFileError(path=self.path, reason=reason)
            time.sleep(_PAUSE_S)

    @staticmethod
    def _read(path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise KeyFileError(path=path, reason=_said(error)) from None
        if len(raw) > MAX_FILE_BYTES:
            raise KeyFileError(path=path, reason=f"it has more than {MAX_FILE_BYTES} bytes")
        return raw

    @staticmethod
    def _write(
        path: Path, raw: bytes, place: Callable[[Path, Path], object] = Path.replace
    ) -> None:
        """Write a file whole or not at all; what puts it in its place may refuse one that is taken."""
        coming = path.with_name(f"{path.name}.new")
        try:
            coming.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(coming, flags, _PRIVATE_MODE), "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            try:
                place(coming, path)
            finally:
                coming.unlink(missing_ok=True)
            directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise KeyFileError(path=path, reason=_said(error)) from None


def _lines(keys: Sequence[SigningKey]) -> bytes:
    return "".join(f"{key.to_text()}\n" for key in keys).encode()


def _whose(path: Path, error: OSError) -> str:
    """Say how to get at a lock that another user made, as a command that ran as root does."""
    owner = path.stat().st_uid if os.access(path.parent, os.X_OK) and path.exists() else None
    if owner is None or owner == os.geteuid():
        return _said(error)
    return f"it is of the user {owner}: remove it, which nothing minds while no service runs"


def _said(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
