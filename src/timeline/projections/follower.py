"""A thread that keeps the live read models at the head of the log, or watches who does.

Owns the waking, the polling, when to ask for the lease and when to give way to appends; what is
reached is told after every batch. Must not know how events are applied.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from timeline.projections.lease import Lease, Reached
from timeline.projections.runner import Runner

POLL_S: Final = 0.03
"""How soon another process's events are seen: where another than the one that recorded has the
lease, the holder has to see them and the others what it made of them, all within 100 ms."""

WATCH_S: Final = 0.005
"""How soon the progress of a holder at work is looked at for the first time."""

MAX_PAUSE_S: Final = 2.0
"""The longest pause between attempts while the database stands in the way."""

GIVE_WAY: Final = 19
"""While many append at once, faster than they can be followed, and no reader waits, following rests
that many times as long as its last batch kept the interpreter: both need that, and an append has
somebody who waits for it. What can be kept up with is followed without a rest."""

MAX_REST_S: Final = 1.5
"""The longest rest: with a batch before and behind it, it is over before the lease is."""

EVENTS_AT_ONCE: Final = 25
"""Events applied at once while many append: less than a tenth of a second's work where each is of
another policy, so that the longest rest makes up for it."""

_log = structlog.get_logger(__name__)


class Look(NamedTuple):
    """What the live read models were, and when that began to be looked up: a monotonic clock's."""

    began_s: float
    reached: Reached


class Follower:
    """Runs a runner in a thread of its own, woken by appends and by a clock.

    Of all followers of a database, the one with the lease applies events; the others look on.
    """

    def __init__(
        self, runner: Runner, lease: Lease, crowded: Callable[[], bool] = lambda: False
    ) -> None:
        """Bind what applies events.

        Args:
            runner: applies them.
            lease: says whether this process is to.
            crowded: tells whether many appends come to this process at once.

        """
        self._runner = runner
        self._lease = lease
        self._crowded = crowded
        self._wake = threading.Event()
        self._hurried = threading.Event()
        self._stopping = threading.Event()
        self._position = 0
        self._look: Look | None = None
        self._pace = math.inf
        self._seen = (time.monotonic(), 0)
        self._leading = False
        self._watch_s = WATCH_S
        self._error: str | None = None
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    @property
    def position(self) -> int:
        """The position that the live read models are known to reflect."""
        return self._position

    @property
    def look(self) -> Look | None:
        """What was seen last; None where looking, or applying what was seen, failed."""
        return self._look

    @property
    def leading(self) -> bool:
        """Whether this process was the last seen to have the lease."""
        return self._leading

    @property
    def error(self) -> str | None:
        """Why the last attempt failed, or None."""
        return self._error

    def start(self) -> None:
        """Start following."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop after the batch at hand, and give the lease back."""
        self._stopping.set()
        self.hurry()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def wake(self, _position: int = 0) -> None:
        """Say that the log has grown."""
        self._wake.set()

    def hurry(self) -> None:
        """Say that a reader waits: following does not rest, and reads on at once."""
        self._hurried.set()
        self._wake.set()

    def _run(self) -> None:
        failing_s = POLL_S
        while not self._stopping.is_set():
            try:
                pause_s = self._follow()
                self._error = None
                failing_s = POLL_S
            except Exception as error:  # noqa: BLE001 - whatever it was, following goes on
                self._look = None
                failing_s = min(failing_s * 2, MAX_PAUSE_S)
                failed, self._error = self._error, f"{type(error).__name__}: {error}"
                # The traceback once, not every two seconds of an outage.
                _log.error(
                    "projection.follow.failed",
                    error=self._error,
                    retry_s=round(failing_s, 2),
                    exc_info=self._error != failed,
                )
                self._stopping.wait(failing_s)
                continue
            if pause_s:
                self._wake.wait(pause_s)
                self._wake.clear()
        self._give_back()

    def _follow(self) -> float:
        """Apply a batch, or see what another did; return how long to pause before the next look."""
        began_s = time.monotonic()
        sight = self._lease.look()
        self._position = sight.reached.position
        self._look = Look(began_s, sight.reached)
        self._leading = sight.holder == self._lease.holder
        if not sight.behind:
            self._watch_s = WATCH_S
            return POLL_S
        if (sight.holder is None or self._leading) and self._lease.hold():
            self._leading = True
            crowded = self._crowded()
            resting = self._overrun(began_s, sight.head) and crowded
            before, working_s = sight.reached.position, time.thread_time()
            self._position = self._runner.step(
                before + EVENTS_AT_ONCE if crowded else None, self._lease.keep
            )
            self._pace = (self._position - before) / (time.monotonic() - began_s)
            if resting:
                self._rest(time.thread_time() - working_s)
            return 0.0
        pause_s, self._watch_s = self._watch_s, min(self._watch_s * 2, POLL_S)
        return pause_s

    def _overrun(self, now_s: float, head: int) -> bool:
        """Tell whether the log has grown faster since the last batch than that was applied."""
        (before_s, before), self._seen = self._seen, (now_s, head)
        return head - before > self._pace * (now_s - before_s)

    def _rest(self, worked_s: float) -> None:
        """Let appends go first for a while, unless a reader has said that it waits."""
        self._hurried.wait(min(worked_s * GIVE_WAY, MAX_REST_S))
        self._hurried.clear()

    def _give_back(self) -> None:
        """Give the lease back, so that another process need not wait until it runs out."""
        if self._leading:
            try:
                self._lease.release()
            except Exception:  # noqa: BLE001 - it runs out by itself
                _log.exception("projection.lease.not_released")
