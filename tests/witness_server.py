"""A witness for tests, over HTTP: it cosigns what continues what it saw, as C2SP tlog-witness has it.

It shares no code with what asks it but keys, notes and the checking of proofs.
"""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from timeline.transparency.checkpoints import cosign, opened
from timeline.transparency.errors import TransparencyError, WrongProof
from timeline.transparency.keys import COSIGNATURE_V1, SigningKey, VerifierKey
from timeline.transparency.merkle import EMPTY_ROOT
from timeline.transparency.proofs import check_consistency

SEEN_S: Final = 1_800_000_000


class TestWitness:
    """What a witness remembers of one log."""

    __test__ = False

    def __init__(self, name: str, seed: int, log: VerifierKey) -> None:
        self.key = SigningKey(name, bytes([seed]) * 32, COSIGNATURE_V1)
        self.size, self.root = 0, EMPTY_ROOT
        self.url = ""
        self.asked = 0
        self.answer: Callable[[bytes], tuple[int, str, bytes]] = self.add
        self._log = log

    def add(self, body: bytes) -> tuple[int, str, bytes]:
        """Answer `add-checkpoint`: status, media type, body."""
        self.asked += 1
        head, _, note = body.partition(b"\n\n")
        old, *proof = head.decode().split("\n")
        try:
            checkpoint, opened_note = opened(note, [self._log])
        except TransparencyError as error:
            return 403, "text/plain", str(error).encode()
        size = int(old.removeprefix("old "))
        if size != self.size:
            return 409, "text/x.tlog.size", f"{self.size}\n".encode()
        try:
            if size:
                hashes = [base64.b64decode(hash) for hash in proof]
                check_consistency(size, checkpoint.size, self.root, checkpoint.root, hashes)
        except WrongProof as error:
            return 422, "text/plain", str(error).encode()
        self.size, self.root = checkpoint.size, checkpoint.root
        return 200, "text/plain", f"{cosign(opened_note, self.key, SEEN_S)}\n".encode()


@contextmanager
def witnessing(witness: TestWitness) -> Iterator[TestWitness]:
    """Run a witness on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, kind, answer = witness.answer(body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    witness.url = f"http://127.0.0.1:{server.server_port}/watch"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield witness
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
