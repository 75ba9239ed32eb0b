"""An answer reaches a client that sends all of its body before it reads, also where it is refused."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import Service, service, timeline

SENT_BYTES = 12 * 1024 * 1024
"""More than the buffers of two sockets take in."""

TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def running(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, str]]:
    """Run a service; give it, and a token that may record."""
    directory = tmp_path_factory.mktemp("early")
    path = directory / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    url = f"sqlite:///{path}"
    token = timeline("token", "create", "desk", "--role", "recorder", database_url=url).strip()
    with service(url, directory) as started:
        yield started, token


def answer(port: int, token: str, media_type: str, framing: str) -> bytes:
    """Send a long body, then read the status and what was said of it."""
    line = b'{"no": "event"}\n'
    body = line * (SENT_BYTES // len(line))
    chunked = framing == "Transfer-Encoding: chunked"
    length = framing if chunked else f"{framing}: {len(body)}"
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {media_type}\r\nConnection: close\r\n{length}\r\n\r\n"
    )
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.sendall(head.encode() + sent)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received


@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize(
    ("principal", "media_type", "status", "slug"),
    [
        ("nobody", "application/x-ndjson", b"401", b"token-unknown"),
        ("desk", "application/x-ndjson", b"200", b"invalid-request"),
        ("desk", "application/json", b"413", b"body-too-large"),
        ("desk", "text/plain", b"415", b"unsupported-media-type"),
    ],
)
def test_a_refusal_reaches_who_sends_all_first(
    running: tuple[Service, str],
    framing: str,
    principal: str,
    media_type: str,
    status: bytes,
    slug: bytes,
) -> None:
    """A connection that is closed on what was not read would be reset, and the answer lost."""
    started, token = running

    received = answer(
        started.port, token if principal == "desk" else "unknown", media_type, framing
    )

    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"/problems/" + slug in received
