"""How long the client goes on with a service that answers and never gets anywhere."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Final
from unittest.mock import Mock

import httpx
import pytest

from timeline.client import Client, UnexpectedAnswer, Unreachable
from timeline.client.asking import Ask, Asking

URL: Final = "http://127.0.0.1:1"
HEARTBEAT: Final = b"event: heartbeat\nid: 7\ndata: {}\n\n"

Answering = Callable[[httpx.Request], httpx.Response]


class Clock:
    """A clock that stands still but for pauses, which it keeps."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        """Return the time."""
        return self.now_s

    def sleep(self, pause_s: float) -> None:
        """Let time go by."""
        self.pauses.append(pause_s)
        self.now_s += pause_s


class Parts(httpx.SyncByteStream):
    """A body of which a part comes every few seconds."""

    def __init__(self, clock: Clock, every_s: float, parts: Iterator[bytes]) -> None:
        self._clock, self._every_s, self._parts = clock, every_s, parts

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self._clock.now_s += self._every_s
            yield part


def streamed(parts: Parts) -> httpx.Response:
    """Return an answer that comes in parts, over a connection that there is not."""
    return httpx.Response(200, stream=parts, extensions={"network_stream": Mock()})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the client a clock of its own."""
    clock = Clock()
    for module in ("asking", "following"):
        monkeypatch.setattr(f"timeline.client.{module}.time", clock)
    ending = Mock(is_set=Mock(return_value=False), wait=clock.sleep)
    threads = SimpleNamespace(Event=lambda: ending, Timer=Mock())
    monkeypatch.setattr("timeline.client.following.threading", threads)
    return clock


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answering], Client]:
    """Return what makes a client of a service that answers so."""

    def client_of(answer: Answering) -> Client:
        transport = httpx.MockTransport(answer)
        monkeypatch.setattr(
            "timeline.client.asking.httpx.Client", partial(httpx.Client, transport=transport)
        )
        return Client(URL)

    return client_of


def test_an_answer_that_drips_is_given_up(
    clock: Clock, service: Callable[[Answering], Client]
) -> None:
    """Each part in time, and no end: the whole has a deadline, in which all attempts are."""
    asked = []

    def drip(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, stream=Parts(clock, 1.0, iter(lambda: b" ", None)))

    with pytest.raises(Unreachable, match="no whole answer within 120 s"):
        service(drip).vocabulary()

    assert len(asked) == 1
    assert clock.now_s == 1_120.0


@pytest.fixture
def dripping() -> Iterator[str]:
    """Serve one whole answer on each connection, and then heads that come byte by byte."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
    listening = socket.create_server(("127.0.0.1", 0))

    def drip(connected: socket.socket) -> None:
        with connected, suppress(OSError):
            connected.recv(65_536)
            connected.sendall(head + b"\r\n{}")
            connected.recv(65_536)
            for byte in head + b"A: " + b"a" * 100:
                connected.sendall(bytes([byte]))
                time.sleep(0.05)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.close()


def test_a_head_that_drips_is_given_up(dripping: str) -> None:
    """On a connection that answered before, too; no timeout of a single read is ever over."""
    asking = Asking(dripping, None, 30.0, plain_token=False, deadline_s=0.5)
    assert asking.answer(Ask("GET", "/")) == b"{}"
    began_s = time.monotonic()

    with pytest.raises(Unreachable, match=r"no whole answer within 0\.5 s"):
        asking.answer(Ask("GET", "/"))

    assert time.monotonic() - began_s < 4.0  # It would drip for seven seconds.
    asking.close()


def test_a_line_that_drips_is_given_up_and_a_stream_that_goes_on_is_not(
    clock: Clock, service: Callable[[Answering], Client]
) -> None:
    """The deadline is each line's: an export may take hours."""
    line = b'{"id":"x"'
    client = service(lambda _: httpx.Response(200, stream=Parts(clock, 10.0, iter([line] * 20))))
    with pytest.raises(Unreachable, match="no whole line within 120 s"):
        list(client.log())

    began_s = clock.now_s
    client = service(lambda _: streamed(Parts(clock, 10.0, iter([HEARTBEAT] * 1_000))))
    following = client.follow(deadline_s=9_000)
    assert list(following) == []
    assert clock.now_s - began_s >= 9_000


def test_redirects_in_a_circle_are_hopeless_at_once(
    clock: Clock, service: Callable[[Answering], Client]
) -> None:
    """They are followed as often as a merged policy may need it, and not asked for again."""
    asked = []

    def around(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(307, headers={"Location": str(request.url)})

    with pytest.raises(UnexpectedAnswer, match="too many redirects"):
        service(around).vocabulary()

    assert len(asked) == 6
    assert clock.pauses == []


@pytest.mark.parametrize(("every_s", "most"), [(0.01, 70), (15.0, 40)])
def test_a_stream_that_ends_after_each_heartbeat_is_left_alone_for_longer_and_longer(
    clock: Clock,
    service: Callable[[Answering], Client],
    every_s: float,
    most: int,
) -> None:
    """A heartbeat alone is no reason to begin with short pauses again.

    In a quarter of an hour, with the longest pause of half a minute, half of it drawn.
    """
    asked = []

    def beat(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return streamed(Parts(clock, every_s, iter([HEARTBEAT])))

    following = service(beat).follow(deadline_s=900)

    assert list(following) == []
    assert following.position == 7
    assert len(asked) <= most
