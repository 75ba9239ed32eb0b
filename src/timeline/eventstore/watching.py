"""A thread that tells when the log has grown, whichever process appended.

Owns the waiting and the way back after a lost connection. Must not know how a database tells
(`dialects`), nor what is done about it.
"""

import threading
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy import Engine

from timeline.eventstore.dialects import dialect_of

WAIT_S: Final = 0.5
"""How long one wait lasts: after that the head is looked at, whether or not anyone told."""

GATHER_S: Final = 0.01
"""How long news gather after some were told: a wake-up for each of a hundred commits a second would
take the interpreter from those who commit."""

MAX_PAUSE_S: Final = 2.0
"""The longest pause between attempts while the database cannot be reached."""

_log = structlog.get_logger(__name__)


class Watcher:
    """Tells its listeners each higher position of the head, once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._listeners: list[Callable[[int], None]] = []
        self._position = 0
        self._telling = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def on_grown(self, listener: Callable[[int], None]) -> None:
        """Have a function called with the head's position; it must return at once."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Start watching what other processes append."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop after the wait at hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def tell(self, position: int) -> None:
        """Say how far the log reaches; what is known already goes no further."""
        with self._telling:
            if position <= self._position:
                return
            self._position = position
            # Still under the lock, so that no listener hears of a lower position after a higher one.
            for listener in self._listeners:
                listener(position)

    def _run(self) -> None:
        pause_s = WAIT_S / 8
        while not self._stopping.is_set():
            try:
                with dialect_of(self._engine).watching(self._engine) as wait:
                    wait_s = 0.0
                    while not self._stopping.is_set():
                        self.tell(wait(wait_s))
                        self._stopping.wait(GATHER_S)
                        wait_s, pause_s = WAIT_S, WAIT_S / 8
            except Exception as error:  # noqa: BLE001 - whatever it was, watching goes on
                pause_s = min(pause_s * 2, MAX_PAUSE_S)
                _log.warning("log.watch.failed", error=type(error).__name__, retry_s=pause_s)
                self._stopping.wait(pause_s)
