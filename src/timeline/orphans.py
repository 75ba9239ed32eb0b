"""A worker that ends with the process that started it.

A supervisor that is killed outright cannot end its workers. They would go on answering on the port,
unseen by whoever starts the service anew. Owns the looking; must not know the server.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

LOOK_S: Final = 1.0
"""How often a worker looks whether it still has its parent."""

_log = structlog.get_logger(__name__)


class Supervisor:
    """The process that starts workers, as those know it that are forked from it."""

    pid: int | None = None

    @classmethod
    def is_this(cls) -> None:
        """Say that this process is going to start workers: one may be orphaned before it looks."""
        cls.pid = os.getpid()


@contextmanager
def ending_with_parent() -> Iterator[None]:
    """End this process in good order, as by SIGTERM, once its parent is gone."""
    parent, stopping = Supervisor.pid or os.getppid(), threading.Event()

    def watch() -> None:
        while not stopping.wait(LOOK_S):
            if os.getppid() != parent:
                _log.warning("service.worker.orphaned", parent=parent)
                os.kill(os.getpid(), signal.SIGTERM)
                return

    thread = threading.Thread(target=watch, name="parent", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(2 * LOOK_S)
