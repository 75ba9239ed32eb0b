"""A load generator: keeps connections busy with requests, one at a time on each.

    python -m bench.load < ORDER

Runs in a process of its own, so that it shares no interpreter with what it measures, and says how
much processor time it took: at much less than the time that passed, it was not the bottleneck. It
speaks as much HTTP/1.1 as that needs: keep-alive, and answers with a Content-Length.
"""

import http.client
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Final

import msgspec

from bench import ROOT

RECEIVED_BYTES: Final = 256 * 1024
OUT_OF_TIME_S: Final = 30.0
"""An answer that takes longer ends the run."""

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Order(msgspec.Struct, frozen=True):
    """What to send, from how many connections, for how long."""

    port: int
    connections: int
    seconds: float
    requests: list[bytes]


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: answers of a status below 400, others, and the generator's own work."""

    answered: int
    refused: int
    refusal: str
    seconds: float
    cpu_seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds

    @property
    def busy(self) -> float:
        """The share of one core that the generator took."""
        return self.cpu_seconds / self.seconds


class _Connection:
    """A connection, and what is missing of the answer that it waits for."""

    __slots__ = ("begun", "missing", "sent_at", "socket", "status")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=OUT_OF_TIME_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self.begun = b""
        self.missing = 0
        self.status = 0

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take in what has come; tell whether that completes the answer."""
        data = self.socket.recv(RECEIVED_BYTES)
        if not data:
            raise ConnectionError("The server closed a connection")
        if self.missing:
            self.missing -= len(data)
            return self.missing == 0
        data = self.begun + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.begun = data
            return False
        self.begun = b""
        length = _LENGTH.search(data, 0, end)
        if length is None:
            raise ConnectionError(f"An answer without a length: {data[:200]!r}")
        self.status = int(data[9:12])
        self.missing = end + 4 + int(length[1]) - len(data)
        return self.missing == 0


def run(order: Order) -> Load:
    """Send requests until the time is over, and wait for the last answers."""
    requests = cycle(order.requests)
    connections = [_Connection(order.port) for _ in range(order.connections)]
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    times: list[float] = []
    refused, refusal = 0, ""
    cpu, started = time.process_time(), time.perf_counter()
    for connection in connections:
        connection.send(next(requests))
    end, waiting = started + order.seconds, len(connections)
    while waiting:
        ready = selector.select(OUT_OF_TIME_S)
        if not ready:
            raise TimeoutError
        for key, _ in ready:
            connection = key.data
            if not connection.receive():
                continue
            now = time.perf_counter()
            if connection.status < http.HTTPStatus.BAD_REQUEST:
                times.append(now - connection.sent_at)
            else:
                refused, refusal = refused + 1, str(connection.status)
            if now < end:
                connection.send(next(requests))
            else:
                waiting -= 1
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    for connection in connections:
        connection.socket.close()
    times.sort()
    return Load(
        answered=len(times),
        refused=refused,
        refusal=refusal,
        seconds=seconds,
        cpu_seconds=cpu,
        p50_ms=times[len(times) // 2] * 1_000 if times else 0,
        p99_ms=times[len(times) * 99 // 100] * 1_000 if times else 0,
    )


def generate(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Run the generator in a process of its own.

    Raises:
        ConnectionError: it broke off, or requests were refused: their rate would say nothing.

    """
    order = Order(port, connections, seconds, list(requests))
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=msgspec.msgpack.encode(order),
        cwd=ROOT,
        capture_output=True,
        timeout=seconds + 2 * OUT_OF_TIME_S,
        check=False,
    )
    if done.returncode != 0:
        raise ConnectionError(done.stderr.decode(errors="replace")[-1_000:])
    load = msgspec.json.decode(done.stdout, type=Load)
    if load.refused:
        raise ConnectionError(f"{load.refused} requests were refused: {load.refusal}")
    return load


def get(path: str) -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n\r\n".encode()


def post(path: str, token: str, bodies: Sequence[bytes]) -> Iterator[bytes]:
    """Yield a POST request for each body."""
    for body in bodies:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


def main() -> None:
    """Read an order, run it, and write what came of it."""
    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(run(order)))


if __name__ == "__main__":
    main()
