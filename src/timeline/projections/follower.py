"""A thread that keeps the live read models at the head of the log.

Owns the waking and the polling; what is reached is told after every batch. Must not know how events are applied.
"""

import threading
import time
from typing import Final, NamedTuple

import structlog

from timeline.projections.runner import Reached, Runner

POLL_S: Final = 0.05
"""How soon another process's events are seen: half of the 100 ms that are promised."""

MAX_PAUSE_S: Final = 2.0
"""The longest pause between attempts while the database or an event stands in the way."""

_log = structlog.get_logger(__name__)


class Look(NamedTuple):
    """What the live read models were, and when that began to be looked up: a monotonic clock's."""

    began_s: float
    reached: Reached


class Follower:
    """Runs a runner in a thread of its own, woken by appends and by a clock."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._position = 0
        self._look: Look | None = None
        self._error: str | None = None
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    @property
    def position(self) -> int:
        """The position that the live read models are known to reflect."""
        return self._position

    @property
    def look(self) -> Look | None:
        """What the last attempt saw; None where it failed, or lost to another runner."""
        return self._look

    @property
    def error(self) -> str | None:
        """Why the last attempt failed, or None."""
        return self._error

    def start(self) -> None:
        """Start following."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop after the batch at hand."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def wake(self, _position: int = 0) -> None:
        """Say that the log has grown."""
        self._wake.set()

    def _run(self) -> None:
        pause = POLL_S
        while not self._stopping.is_set():
            try:
                before, began_s = self._position, time.monotonic()
                self._position = self._runner.step()
                reached = self._runner.reached
                self._look = None if reached is None else Look(began_s, reached)
                self._error = None
                pause = POLL_S
            except Exception as error:  # noqa: BLE001 - whatever it was, following goes on
                self._look = None
                pause = min(pause * 2, MAX_PAUSE_S)
                self._error = f"{type(error).__name__}: {error}"
                _log.exception("projection.follow.failed", retry_s=round(pause, 2))
                self._stopping.wait(pause)
                continue
            if self._position == before:
                self._wake.wait(pause)
                self._wake.clear()
