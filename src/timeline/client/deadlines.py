"""Deadlines that hold for each read of a connection, also where an answer comes byte by byte.

Owns how long a thread reads. Must not know what is read.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import httpx

_CONNECTED: Final = (".connect_tcp.complete", ".start_tls.complete")


class Deadline(threading.local):
    """Until when a thread reads; each thread has its own.

    What is given to a connection as its timeout is that of a single read, and a head that drips is
    many reads, of which nobody is told.
    """

    at: float | None = None

    @contextmanager
    def until(self, at: float) -> Iterator[None]:
        """Read no longer than until then, by the monotonic clock."""
        before, self.at = self.at, at
        try:
            yield
        finally:
            self.at = before

    def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Have the reads of a new connection keep the deadline of whichever thread reads.

        Source: https://www.encode.io/httpcore/extensions/#trace
        """
        if name.endswith(_CONNECTED):
            stream = info["return_value"]
            stream.read = partial(self._read, stream.read)

    def _read(
        self, read: Callable[..., bytes], max_bytes: int, timeout: float | None = None
    ) -> bytes:
        """Read once, as long as there is time."""
        if self.at is None:
            return read(max_bytes, timeout=timeout)
        left_s = self.at - time.monotonic()
        if left_s <= 0:
            msg = "the deadline is over"
            raise httpx.ReadTimeout(msg)
        return read(max_bytes, timeout=left_s if timeout is None else min(timeout, left_s))
