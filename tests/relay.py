"""A relay between a client and a service, on which answers are lost and connections cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

PART_BYTES: Final = 65_536


class Relay:
    """Passes bytes on, until it is told otherwise."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._target = (place.hostname or "", place.port or 0)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._ended = False
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.answers_to_lose = 0
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection that is open."""
        opened, self._open = self._open, []
        for each in opened:
            _end(each)

    def close(self) -> None:
        """End everything."""
        self._ended = True
        _end(self._listening)
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while not self._ended:
            try:
                client, _ = self._listening.accept()
                service = socket.create_connection(self._target, timeout=30)
            except OSError:
                return
            self.connections += 1
            self._open += [client, service]
            threading.Thread(target=self._connection, args=(client, service), daemon=True).start()

    def _connection(self, client: socket.socket, service: socket.socket) -> None:
        """Pass bytes on in both directions until one of them ends."""
        with client, service:
            asking = threading.Thread(target=_pass, args=(client, service), daemon=True)
            asking.start()
            with suppress(OSError):
                while part := service.recv(PART_BYTES):
                    if self.answers_to_lose:
                        self.answers_to_lose -= 1
                        break
                    client.sendall(part)
            _end(client)
            _end(service)
            asking.join()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(PART_BYTES):
            sink.sendall(part)
    _end(sink)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(url: str) -> Iterator[Relay]:
    """Run a relay to a service."""
    running = Relay(url)
    try:
        yield running
    finally:
        running.close()
