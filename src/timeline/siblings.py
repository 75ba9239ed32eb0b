"""The other processes of one service, for what only all of them together can tell.

Owns the directory in which each has a socket, and asking them. Must not know what is asked for.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final

import structlog

ASK_TIMEOUT_S: Final = 1.0
"""How long a process has to answer: one that takes longer is left out of a scrape."""

MAX_PATH_BYTES: Final = 103
"""How long the path of a socket may be on macOS; Linux has four bytes more."""

SHORT_DIRECTORIES: Final = ("/tmp", "/var/tmp")  # noqa: S108 - what is made there is its maker's alone
"""Where processes meet if the path of the directory for temporary files is too long."""

_LONGEST_NAME: Final = len(str(2**22))
"""The highest process number on Linux; macOS has lower ones."""

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""More than a thousand series of a histogram each."""

_log = structlog.get_logger(__name__)


class Siblings:
    """What the processes of a service know of each other."""

    directory: ClassVar[Path | None] = None
    """Where they meet, as those know it that are forked from the one that made it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.name: Final = str(os.getpid())

    @classmethod
    @contextmanager
    def meeting(cls) -> Iterator[None]:
        """Make the place where the processes that are started in the block meet.

        Where there is none that a socket can lie in, each of them knows of itself alone.
        """
        with ExitStack() as made:
            cls.directory = _directory(made)
            try:
                yield
            finally:
                cls.directory = None

    @asynccontextmanager
    async def answering(self, answer: Callable[[], bytes]) -> AsyncIterator[None]:
        """Answer whoever of the others asks."""

        async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                writer.write(answer())
                await writer.drain()
            writer.close()

        path = self._directory / self.name
        server = await asyncio.start_unix_server(tell, path)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    async def ask(self) -> dict[str, bytes]:
        """Return what the others answer, by name; who is gone, or too slow, is left out."""
        names = sorted({path.name for path in self._directory.iterdir()} - {self.name})
        answers = await asyncio.gather(*map(self._ask, names))
        return {name: answer for name, answer in zip(names, answers, strict=True) if answer}

    async def _ask(self, name: str) -> bytes:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(self._directory / name)
                try:
                    return await reader.read(MAX_ANSWER_BYTES)
                finally:
                    writer.close()
        except ConnectionRefusedError:
            # Killed outright, so that its socket is left; or it does not listen yet.
            if _is_gone(name):
                (self._directory / name).unlink(missing_ok=True)
            return b""
        except (OSError, TimeoutError):
            return b""


def _directory(made: ExitStack) -> Path | None:
    """Make a directory for the stack's time, whose path leaves room for the names of sockets."""
    for parent in (tempfile.gettempdir(), *SHORT_DIRECTORIES):
        with suppress(OSError):
            name = made.enter_context(tempfile.TemporaryDirectory(prefix="timeline-", dir=parent))
            if len(os.fsencode(name)) + 1 + _LONGEST_NAME <= MAX_PATH_BYTES:
                return Path(name)
    _log.warning("siblings.apart", reason="the paths of all temporary directories are too long")
    return None


def _is_gone(name: str) -> bool:
    """Tell whether there is no process of this number."""
    try:
        os.kill(int(name), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False
    return False
