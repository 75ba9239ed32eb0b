"""The log as a stream: the whole rest of it, or that and then what comes.

Owns going on after a lost connection, without a gap and without telling anything twice.
"""

import re
import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, NamedTuple, Self

import httpx

from timeline.client.answers import Event
from timeline.client.asking import MAX_LINE_BYTES, Ask, Asking, Attempts, decode
from timeline.client.errors import ClientError, UnexpectedAnswer, Unreachable

SILENCE_S: Final = 40.0
"""A service that follows the log says something every 15 seconds; after this it is gone."""

STEADY_S: Final = 30.0
"""A stream that has lived for so long has done its work, also where nothing happened; as long as the
longest pause, so that one that always ends is asked for twice a minute at most."""

_PATH: Final = "/v1/events"
_POSITION: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
Parameters = list[tuple[str, str]]


class Log:
    """The events after a position, up to where the log ends. `position` is that of the last one."""

    def __init__(self, asking: Asking, after: int, parameters: Parameters) -> None:
        self._asking = asking
        self._parameters = parameters
        self.position = after

    def __iter__(self) -> Iterator[Event]:
        attempts = Attempts()
        headers = {"Accept": "application/x-ndjson"}
        while True:
            after = ("after", str(self.position))
            ask = Ask("GET", _PATH, [after, *self._parameters], self._asking.reflecting(headers))
            try:
                with self._asking.opened(ask) as answer:
                    for line in self._asking.lines(answer):
                        event = decode(line, Event, self._asking.url)
                        attempts.succeeded()
                        self.position = event.position
                        yield event
                    return
            except ClientError as error:
                time.sleep(attempts.pause_s(error))


class Following:
    """The events after a position, and then those that come, until the deadline or `close`.

    `position` is how far the log was looked through: go on after it another time. An iterator, and a
    context that ends it; `close` may be called from another thread.
    """

    def __init__(
        self, asking: Asking, after: int, parameters: Parameters, deadline_s: float | None
    ) -> None:
        self._asking = asking
        self._parameters = parameters
        self._deadline = None if deadline_s is None else time.monotonic() + deadline_s
        self._stopped = threading.Event()
        self._socket: socket.socket | None = None
        self._events = self._follow()
        self.position = after

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        return next(self._events)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self._events.close()

    def close(self) -> None:
        """End it, also while another thread waits for an event."""
        self._stopped.set()
        connected = self._socket
        if connected is not None:
            with suppress(OSError):
                # Not that of TLS, which drops its state under whoever reads.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def _follow(self) -> Generator[Event, None, None]:
        """Yield events from one connection after another."""
        attempts = Attempts()
        while not self._is_over():
            try:
                yield from self._connection(attempts)
            except ClientError as error:
                if self._is_over():
                    return
                self._stopped.wait(min(attempts.pause_s(error), self._left_s()))

    def _connection(self, attempts: Attempts) -> Iterator[Event]:
        """Yield what comes on one connection."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self.position)}
        wait_s = min(SILENCE_S, max(self._left_s(), 0.1))
        ask = Ask("GET", _PATH, self._parameters, headers, timeout_s=wait_s)
        with self._asking.opened(ask, self._deadline) as answer, self._ending(answer):
            # An address that is right once is right, however long the service is away.
            attempts.limit = None
            began, before = time.monotonic(), self.position
            for message in messages(self._asking.lines(answer), self._asking.url):
                if _POSITION.fullmatch(message.id):
                    self.position = int(message.id)
                is_new = message.name == "message" and self.position > before
                if is_new or time.monotonic() - began >= STEADY_S:
                    # Of a stream that ends after its first heartbeat, each time, nothing is got.
                    attempts.succeeded()
                if message.name == "message":
                    yield decode(message.data, Event, self._asking.url)
        raise Unreachable(url=self._asking.url, reason="it ended the stream")

    @contextmanager
    def _ending(self, answer: httpx.Response) -> Iterator[None]:
        """Have a connection end at the deadline, however little comes on it."""
        self._socket = answer.extensions["network_stream"].get_extra_info("socket")
        timer = None
        if self._deadline is not None:
            timer = threading.Timer(self._left_s(), self.close)
            timer.daemon = True
            timer.start()
        if self._stopped.is_set():  # Since before there was a socket to shut.
            self.close()
        try:
            yield
        finally:
            self._socket = None
            if timer is not None:
                timer.cancel()

    def _is_over(self) -> bool:
        return self._stopped.is_set() or self._left_s() <= 0

    def _left_s(self) -> float:
        return SILENCE_S if self._deadline is None else self._deadline - time.monotonic()


class Message(NamedTuple):
    """A server-sent event."""

    id: str
    name: str
    data: bytes


def messages(lines: Iterator[bytes], url: str) -> Iterator[Message]:
    """Yield the events of a stream; one that is cut off is none.

    Raises:
        UnexpectedAnswer: one is longer than any line of this API.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, without `retry`: how long
    to wait is this client's own business.
    """
    id, name, data, size_bytes = "", "message", list[bytes](), 0
    for line in lines:
        field, _, value = line.removesuffix(b"\r").partition(b":")
        value = value.removeprefix(b" ")
        if not field and not value and data:
            yield Message(id, name, b"\n".join(data))
            name, data, size_bytes = "message", [], 0
        elif field == b"data":
            data.append(value)
            size_bytes += len(value) + 1
            if size_bytes > MAX_LINE_BYTES:
                raise UnexpectedAnswer(url=url, reason=f"an event has over {MAX_LINE_BYTES} bytes")
        elif field == b"event":
            name = value.decode(errors="replace")
        elif field == b"id":
            id = value.decode(errors="replace")
    # What is left was not ended by an empty line.
