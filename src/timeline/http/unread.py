"""What clients have yet to take of their answers: in which parts it is handed on, and how much it may be.

Owns the bounds on its memory and on the time that it may take. Must not know what is answered.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from timeline.http.errors import Overloaded

WHOLE_BYTES: Final = 64 * 1024
"""What the server gets as a whole, and keeps until the client has it: most pages of fifty. A thousand
connections that read nothing hold 64 MB of it."""

PART_BYTES: Final = 16 * 1024
"""What it gets of longer ones, and of streams, at a time, once it has room: it keeps four parts and as many bytes as
its own buffer has, some 150 KB a connection."""

MAX_UNREAD_BYTES: Final = 64 * 1024 * 1024
"""Longer answers to reads that are being handed on, all together: sixty of the longest pages."""

PATIENCE_S: Final = 30.0
"""How long a client may leave unread what was sent to it; a slow one takes some in that time."""

SLOWEST_BYTES_PER_S: Final = 32 * 1024
"""How fast it has to read all the same: who takes a little now and then holds as much as who stalls."""


def patience_s(size_bytes: int) -> float:
    """Return how long a client has to take so much."""
    return PATIENCE_S + size_bytes / SLOWEST_BYTES_PER_S


def parts(body: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield what is handed on at a time, and whether more of it comes; nothing is one part, too."""
    for start in range(0, max(len(body), 1), PART_BYTES):
        end = start + PART_BYTES
        yield body[start:end], end < len(body)


class Unread:
    """Longer answers that are being handed on; one that goes to many, in the same bytes, counts once."""

    def __init__(self) -> None:
        self._readers: dict[int, int] = {}
        self.size_bytes = 0

    @contextmanager
    def held(self, body: bytes) -> Iterator[None]:
        """Count a long answer while the context lasts.

        Raises:
            Overloaded: there is too much of them already.

        """
        self._begin(body)
        try:
            yield
        finally:
            self._end(body)

    def _begin(self, body: bytes) -> None:
        if id(body) not in self._readers:
            # One alone is answered however long it is: nobody could ever read it otherwise.
            if self._readers and self.size_bytes + len(body) > MAX_UNREAD_BYTES:
                raise Overloaded
            self.size_bytes += len(body)
        self._readers[id(body)] = self._readers.get(id(body), 0) + 1

    def _end(self, body: bytes) -> None:
        self._readers[id(body)] -= 1
        if not self._readers[id(body)]:
            del self._readers[id(body)]
            self.size_bytes -= len(body)
