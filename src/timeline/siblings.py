"""The other processes of one service, for what only all of them together can tell.

Owns the directory in which each has a socket, and asking them. Must not know what is asked for.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final

ASK_TIMEOUT_S: Final = 1.0
"""How long a process has to answer: one that takes longer is left out of a scrape."""

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""More than a thousand series of a histogram each."""


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
        """Make the place where the processes that are started in the block meet."""
        with tempfile.TemporaryDirectory(prefix="timeline-") as directory:
            cls.directory = Path(directory)
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
            # Killed outright, so that its socket is left.
            (self._directory / name).unlink(missing_ok=True)
            return b""
        except (OSError, TimeoutError):
            return b""
