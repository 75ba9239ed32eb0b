"""Live readers that wait for what does not come: the memory they take, and what they cost appends.

Owns their connections, which it keeps empty. They ask for one policy that is never written to, so
that they are idle but for heartbeats.
"""

import resource
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Final

from bench.databases import Databases
from bench.load import Load
from bench.over_http import posting, told
from bench.services import Server
from bench.table import Row, Scale, Target, rounds

READERS: Final = 1_000
SPARE_FILES: Final = 512
OPEN_TIMEOUT_S: Final = 60.0
RECEIVED_BYTES: Final = 64 * 1024
MIB: Final = 2**20

WITH: Final = f"POST of one event, {READERS:,} idle live readers"
WITHOUT: Final = "the same, without readers"
AT_LEAST: Final = Target(bound=0.8)
RESIDENT: Final = Target(bound=200, of="value", least=False)

_REQUEST: Final = (
    b"GET /v1/events?policy=nobody-writes-here HTTP/1.1\r\nHost: bench\r\n"
    b"Accept: text/event-stream\r\n\r\n"
)


def measure(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Measure appends in turns, with the readers and without."""
    for kind in scale.kinds:
        loads: list[Load] = []
        grown: list[float] = []
        with ExitStack() as stack:
            service, post = posting(scale, databases, kind, stack, loads)
            attended = partial(_attended, service, post, grown)
            figures = rounds({WITH: attended, WITHOUT: post}, scale.rounds)
        aimed = kind == "postgresql"
        yield Row(
            part="live",
            database=kind,
            what=WITH,
            value=figures[WITH],
            unit="events/s",
            beside=WITHOUT,
            beside_value=figures[WITHOUT],
            targets=(AT_LEAST,) if aimed else (),
            note=told(loads),
        )
        # The first time counts: what is let go then is used again, and would hide the cost.
        yield Row(
            part="live",
            database=kind,
            what=f"memory of {READERS:,} idle live readers",
            value=grown[0],
            unit="MiB",
            targets=(RESIDENT,) if aimed else (),
        )


def _attended(service: Server, post: Callable[[], float], grown: list[float]) -> float:
    """Post while readers wait; note by how many MiB they made the service grow."""
    before = service.resident_bytes()
    with readers(service.port, READERS):
        grown.append((service.resident_bytes() - before) / MIB)
        return post()


@contextmanager
def readers(port: int, number: int) -> Iterator[None]:
    """Keep so many readers connected, and take in what they are sent."""
    _allow_files(number + SPARE_FILES)
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        deadline = time.monotonic() + OPEN_TIMEOUT_S
        for _ in range(number):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            connection.sendall(_REQUEST)
            _expect_stream(connection)
            selector.register(connection, selectors.EVENT_READ)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{OPEN_TIMEOUT_S:.0f} s for {number} readers")
        over = threading.Event()
        drain = threading.Thread(target=_drain, args=(selector, over), daemon=True)
        drain.start()
        try:
            yield
        finally:
            over.set()
            drain.join()


def _expect_stream(connection: socket.socket) -> None:
    head = connection.recv(RECEIVED_BYTES)
    if not head.startswith(b"HTTP/1.1 200") or b"text/event-stream" not in head.lower():
        raise ConnectionError(f"No stream of events: {head[:200]!r}")


def _drain(selector: selectors.BaseSelector, over: threading.Event) -> None:
    while not over.is_set():
        for key, _ in selector.select(0.2):
            with suppress(OSError):
                if not key.fileobj.recv(RECEIVED_BYTES):  # type: ignore[union-attr]
                    selector.unregister(key.fileobj)


def _allow_files(number: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
