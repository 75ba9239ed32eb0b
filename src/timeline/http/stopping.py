"""A worker that is told to stop once, however often it is said.

Whoever stops a group of processes tells the worker, and so does its parent, a moment later. Granian
hands each on to threads that may be waiting for the interpreter, which whoever hands it on holds: at
the wrong moment both wait for ever, and the parent ends the worker by force, after a long time.
Owns which signals count. Must not know what is stopped.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

STOPS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopping_once() -> Iterator[None]:
    """Hand on the first signal to stop, to whoever handles it now, and none after it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former: dict[int, Any] = {number: signal.getsignal(number) for number in STOPS}
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            return
        stopping = True
        for each in STOPS:
            signal.signal(each, signal.SIG_IGN)
        former[number](number, frame)

    for number in STOPS:
        if callable(former[number]):
            signal.signal(number, stop)
    try:
        yield
    finally:
        if not stopping:
            for number in STOPS:
                signal.signal(number, former[number])
