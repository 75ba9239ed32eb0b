"""A server for tests that answers what a function gives, over real connections."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from timeline.application.log_client import NotThere


class Files(Protocol):
    """Gives what stands at a path below `/log/`; raises NotThere where nothing does."""

    def get(self, path: str, limit_bytes: int) -> bytes:
        """Return the bytes."""
        ...


class FileServer:
    """Where files are served, and how; a test may change it while it runs."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.url = ""
        self.statuses: list[int] = []
        """Statuses to answer with before anything is served."""
        self.authorizations: list[str | None] = []
        """With what each request came to be let in."""


@contextmanager
def serving(files: Files) -> Iterator[FileServer]:
    """Serve files on a port of its own."""
    served = FileServer(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.authorizations.append(self.headers["Authorization"])
            if served.statuses:
                self._answer(served.statuses.pop(0), b"")
                return
            try:
                found = served.files.get(self.path.removeprefix("/log/"), 1 << 30)
            except NotThere:
                self._answer(404, b"")
            else:
                self._answer(200, found)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
