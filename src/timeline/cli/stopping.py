"""How the processes of a service are told to stop, however often and however fast it is said.

Whoever stops a group of processes tells each, and a parent tells its children once more. Owns what
stands in the place of what Granian has for that, which may wait for itself for ever where a second
signal comes at the wrong moment. Must not know what is stopped.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVarTuple

import uvloop

_Given = TypeVarTuple("_Given")


class Woken(threading.Event):
    """What the main process waits for: a signal, or the end of a worker.

    Granian sets it in its signal handlers. An event holds a lock while it is set or waited for, so
    that a second signal at the wrong moment would wait for the first one's lock for ever, and the
    process be deaf to all that follow. A queue is made for that; each waking is waited for once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._wakings: SimpleQueue[None] = SimpleQueue()

    def is_set(self) -> bool:
        """Tell whether there is something that was not waited for yet."""
        return not self._wakings.empty()

    def set(self) -> None:
        """Wake who waits."""
        self._wakings.put(None)

    def clear(self) -> None:
        """Leave what came meanwhile: what it is about is looked at again, at worst for nothing."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a waking; False where the time ran out."""
        try:
            self._wakings.get(timeout=timeout)
        except Empty:
            return False
        return True


class StoppingOnce(uvloop.Loop):
    """A worker's loop that hands on one signal, and none after it.

    Granian's handler waits for a thread that may be waiting for the interpreter, which the handler
    holds, where it is called again before that thread has done what the first call asked for.
    """

    _stopping = False

    def add_signal_handler(
        self, sig: int, callback: Callable[[*_Given], object], *args: *_Given
    ) -> None:
        """Have a signal handled that is the first of all that are handled so."""
        super().add_signal_handler(sig, self._stop, callback, args)

    def _stop(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        if not self._stopping:
            self._stopping = True
            callback(*args)


def stopping_once() -> asyncio.AbstractEventLoop:
    """Return such a loop, as Granian makes one for each worker."""
    loop = StoppingOnce()
    asyncio.set_event_loop(loop)
    return loop
