"""Random bytes from the system, asked for a page at a time.

Owns the page. Asking lets go of the interpreter, and whoever else is at work in the process takes it
for some milliseconds: once for a hundred salts that is nothing, for each of them it halved the rate
of appends.
"""

import os
import threading
from typing import Final

PAGE_BYTES: Final = 4_096


class Randomness:
    """Gives unguessable bytes, each once; safe for threads, and in a process that was forked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._page = b""
        self._used = 0
        self._process = 0

    def __call__(self, count: int) -> bytes:
        """Return that many unguessable bytes."""
        if count > PAGE_BYTES:
            return os.urandom(count)
        with self._lock:
            # What a parent has left on its page is the parent's.
            if self._used + count > len(self._page) or self._process != os.getpid():
                self._page, self._used, self._process = os.urandom(PAGE_BYTES), 0, os.getpid()
            self._used += count
            return self._page[self._used - count : self._used]
