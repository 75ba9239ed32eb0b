"""Worker threads for blocking work.

Owns the bounds on how many there are and how much waits for one. Must not know what they do.
"""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from timeline.http.slots import Slots

MAX_WAITING: Final = 1_000
"""Requests that wait for a thread: a few seconds' work; more are told to come back."""

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Worker threads for blocking work, with a bound on how much of it waits."""

    def __init__(self, count: int) -> None:
        self._limiter = CapacityLimiter(count)
        self._slots = Slots(count + MAX_WAITING)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread, with this task's context variables.

        Raises:
            Overloaded: too much waits already.

        """
        with self._slots.taken():
            return await anyio.to_thread.run_sync(
                lambda: function(*args, **kwargs), limiter=self._limiter
            )
