"""Other processes that help with long work, one for each core that this process does not use.

Owns starting and ending them, what they say, and the queue of parts that all of them take from.
Must not know what the work is.

They are forked from a process that holds the modules that they need and nothing else, so that they
start at once, without this process's threads and connections, and what they need is loaded once.
"""

import fcntl
import multiprocessing
import os
import signal
import tempfile
import traceback
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.reduction import DupFd
from typing import Any, Final, Generic, TypeAlias, TypeVar

from sqlalchemy import Engine

from timeline.eventstore.database import create_engine
from timeline.projections.collecting import collect_seldom
from timeline.projections.errors import RebuildBrokenError

MAX_PROCESSES: Final = 4
"""More would wait for the database rather than work."""

_LOADED: Final = ["timeline.projections.filling"]
"""What is loaded before the first process is forked."""

_PLACE_BYTES: Final = 8

_context: Final = multiprocessing.get_context("forkserver")

Item = TypeVar("Item")
Tell: TypeAlias = Callable[[Any], None]
"""By which a process says what it comes to."""

Work: TypeAlias = Callable[..., None]
"""What a process does, given the database, a `Tell` and arguments; a function of a module, which the
other process can load."""


class Queue(Generic[Item]):
    """Parts of work in an order, each taken once by whichever process is free."""

    def __init__(self, parts: Sequence[Item]) -> None:
        self._parts = parts
        # No semaphore: nobody would remove it where this process is killed, and a process that is
        # killed as it has it would keep the others waiting.
        with tempfile.TemporaryFile() as file:
            self._hold(os.dup(file.fileno()))

    def __iter__(self) -> Iterator[Item]:
        """Take one part after the other, for as long as there are any."""
        while True:
            place = self._next()
            if place >= len(self._parts):
                return
            yield self._parts[place]

    def _next(self) -> int:
        descriptor = self._descriptor
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        try:
            place = int.from_bytes(os.pread(descriptor, _PLACE_BYTES, 0), "big")
            os.pwrite(descriptor, (place + 1).to_bytes(_PLACE_BYTES, "big"), 0)
        finally:
            fcntl.lockf(descriptor, fcntl.LOCK_UN)
        return place

    def __getstate__(self) -> dict[str, Any]:
        return {"parts": self._parts, "taken": DupFd(self._descriptor)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._parts = state["parts"]
        self._hold(state["taken"].detach())

    def _hold(self, descriptor: int) -> None:
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)


class Crew:
    """Processes at work, and what they have said so far."""

    def __init__(self, pipes: list[Pipe]) -> None:
        self._pipes = pipes

    def said(self, timeout_s: float | None = 0.0) -> Iterator[Any]:
        """Yield what has been said and not yet heard, waiting for the first for so long.

        None waits until one of them says something or ends, which closes its pipe.

        Raises:
            RebuildBrokenError: a process ended before its work.

        """
        while self._pipes:
            ready = [each for each in wait(self._pipes, timeout_s) if isinstance(each, Pipe)]
            if not ready:
                return
            timeout_s = 0.0
            for pipe in ready:
                try:
                    done, told = pipe.recv()
                except (EOFError, ConnectionError):
                    raise RebuildBrokenError from None
                if isinstance(told, Exception):
                    raise told
                if done:
                    self._pipes.remove(pipe)
                else:
                    yield told

    def last_words(self) -> Iterator[Any]:
        """Yield all that is said until each has done its work; raises as `said`."""
        while self._pipes:
            yield from self.said(None)


@contextmanager
def crew(engine: Engine, number: int, work: Work, *arguments: object) -> Iterator[Crew]:
    """Have processes do some work; what they have not done by the end of the block is given up.

    Args:
        engine: the database, to which each of them connects anew.
        number: how many.
        work: what each of them does.
        arguments: of the work.

    """
    url = engine.url.render_as_string(hide_password=False)
    _context.set_forkserver_preload(_LOADED)
    pipes: list[Pipe] = []
    processes = []
    try:
        for _ in range(number):
            ours, theirs = _context.Pipe(duplex=False)
            process = _context.Process(
                target=_run, args=(url, theirs, work, arguments), daemon=True
            )
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        yield Crew(list(pipes))
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        for pipe in pipes:
            pipe.close()


def helpers() -> int:
    """Return how many processes are worth while beside this one."""
    return min(os.cpu_count() or 1, MAX_PROCESSES) - 1


def _run(url: str, pipe: Pipe, work: Work, arguments: tuple[object, ...]) -> None:
    """Work in a process of its own, for as long as the one that began it is there."""
    # A terminal interrupts all of them, and that one then ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    engine = create_engine(url, must_exist=True)

    def tell(told: object) -> None:
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            raise SystemExit
        pipe.send((False, told))

    try:
        work(engine, tell, *arguments)
        pipe.send((True, None))
    except Exception as error:  # noqa: BLE001 - told to the process that waits, which raises it
        # Where it came from, and why, does not go along by itself.
        error.add_note("".join(traceback.format_exception(error)))
        pipe.send((True, error))
    finally:
        engine.dispose()
