"""A log is read over HTTP from a server that is not trusted: within bounds, and in order."""

import socket
from collections.abc import Iterator

import pytest

from file_server import FileServer, serving
from timeline.application import log_client
from timeline.application.errors import LogUnreachable
from timeline.application.log_client import LogClient, NotThere, ahead


class Files:
    """Some files by their path."""

    def get(self, path: str, limit_bytes: int) -> bytes:
        """Return one."""
        if path != "some/file":
            raise NotThere(path)
        return b"0123456789"[:limit_bytes]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Serve a file."""
    monkeypatch.setattr(log_client, "PAUSE_S", 0)
    with serving(Files()) as server:
        yield server


@pytest.mark.parametrize("suffix", ["", "/", "/log", "/log/"])
def test_the_service_or_its_log_can_be_named(server: FileServer, suffix: str) -> None:
    """What is asked for lies below `/log/` either way."""
    with LogClient(server.url + suffix) as client:
        assert client.get("some/file", 10) == b"0123456789"


def test_what_is_not_there_is_told_as_such(server: FileServer) -> None:
    """It may be a tile that was dropped as it became full, or one that is hidden."""
    with LogClient(server.url) as client, pytest.raises(NotThere):
        client.get("other/file", 10)


def test_an_answer_is_bounded_and_the_next_one_whole(server: FileServer) -> None:
    """A server that sends more than there can be is refused, whatever it sends."""
    with LogClient(server.url) as client:
        with pytest.raises(LogUnreachable, match="more than 9 bytes"):
            client.get("some/file", 9)

        assert client.get("some/file", 10) == b"0123456789"


def test_a_server_that_is_busy_is_asked_again(server: FileServer) -> None:
    """Three times in all."""
    with LogClient(server.url) as client:
        server.statuses = [503, 429]
        assert client.get("some/file", 10) == b"0123456789"

        server.statuses = [503, 503, 503]
        with pytest.raises(LogUnreachable, match="503"):
            client.get("some/file", 10)


def test_a_log_that_is_not_public_asks_for_a_token(server: FileServer) -> None:
    """It is sent with each request; without it one is told what is missing."""
    server.statuses = [401]
    with LogClient(server.url) as client, pytest.raises(LogUnreachable, match="takes a token"):
        client.get("some/file", 10)

    with LogClient(server.url, "timeline_secret") as client:
        client.get("some/file", 10)

    assert server.authorizations == [None, "Bearer timeline_secret"]


@pytest.mark.parametrize(
    ("url", "token"),
    [("http://log.example", "timeline_secret"), ("https://log.example", "two\r\nlines")],
)
def test_a_token_stays_secret(url: str, token: str) -> None:
    """It goes over https alone, and is not repeated in what is said."""
    with pytest.raises(LogUnreachable, match="token") as refused:
        LogClient(url, token)

    assert token not in str(refused.value)


def test_another_answer_is_refused(server: FileServer) -> None:
    """A redirect, say: whose log that would be is not for its server to tell."""
    server.statuses = [302]
    with LogClient(server.url) as client, pytest.raises(LogUnreachable, match="302"):
        client.get("some/file", 10)


def test_a_connection_that_was_closed_is_opened_again(server: FileServer) -> None:
    """A server closes those that were idle for long."""
    with LogClient(server.url) as client:
        client.get("some/file", 10)
        (idle,) = client._http._idle  # noqa: SLF001 - it is cut as its server would
        idle.sock.shutdown(socket.SHUT_RDWR)

        assert client.get("some/file", 10) == b"0123456789"


@pytest.mark.parametrize("url", ["", "log.example", "ftp://log.example", "http://", "http://a:x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """In one line."""
    with pytest.raises(LogUnreachable, match="no address"):
        LogClient(url)


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its address, and why."""
    monkeypatch.setattr(log_client, "PAUSE_S", 0)
    with LogClient("http://127.0.0.1:9") as client, pytest.raises(LogUnreachable, match="refused"):
        client.get("checkpoint", 10)


def test_what_is_fetched_ahead_comes_in_order() -> None:
    """However many there are, a bounded number is asked for before it is used."""
    asked: list[int] = []

    def fetch(number: int) -> int:
        asked.append(number)
        return number * 2

    found = []
    for number, doubled in ahead(fetch, range(100)):
        assert len(asked) <= number + log_client.AHEAD + 1
        found.append((number, doubled))

    assert found == [(number, number * 2) for number in range(100)]
