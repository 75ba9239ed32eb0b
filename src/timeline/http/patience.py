"""Patience: how long any number of tasks wait for a client, each for the same time at most.

Owns one timer for all of them: one of its own for each request costs more than reading its body.
Must not know what is waited for.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Came = TypeVar("Came")


class Patience:
    """Bounds the waits of tasks of one event loop; a later loop may go on with it."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Task[object], float] = {}
        self._out_of_patience: set[asyncio.Task[object]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, coming: Awaitable[Came], timeout_s: float) -> Came:
        """Wait for what comes.

        Args:
            coming: what is waited for.
            timeout_s: for how long; the same for all who wait.

        Raises:
            TimeoutError: it did not come.

        """
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if task is None:
            raise RuntimeError("Only a task can wait")
        if loop is not self._loop:
            self._waiting, self._out_of_patience = {}, set()
            self._loop, self._timer = loop, None
        self._waiting[task] = loop.time() + timeout_s
        if self._timer is None:
            self._timer = loop.call_later(timeout_s, self._look, loop)
        try:
            return await coming
        except asyncio.CancelledError:
            if task not in self._out_of_patience or task.uncancel():
                raise
            raise TimeoutError from None
        finally:
            self._waiting.pop(task, None)
            self._out_of_patience.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the waits whose time is over, and look again when the next one's is.

        They stand in the order in which they began, and so in that of their ends.
        """
        self._timer = None
        now = loop.time()
        for task, end in list(self._waiting.items()):
            if end > now:
                self._timer = loop.call_at(end, self._look, loop)
                return
            del self._waiting[task]
            self._out_of_patience.add(task)
            task.cancel()
