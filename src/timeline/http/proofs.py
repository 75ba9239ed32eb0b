"""Appends that wait for a checkpoint: one look at the database for all that wait in a process.

Owns how often it is looked, and for how long an append waits. Must not know who signs, nor how an
append is answered.
"""

import time
from typing import Final, NamedTuple

import anyio

from timeline.application.errors import UnknownResource
from timeline.application.proving import Prover
from timeline.http.threads import Threads

PROOF_TIMEOUT_S: Final = 5.0
"""How long an append waits for a checkpoint, where it asks for that; mostly it takes a second."""

LOOK_S: Final = 0.1
"""How often it is looked for one while anybody waits."""


class _Look(NamedTuple):
    """What was found, and when that look began."""

    began_s: float
    size: int
    checkpoint: str


class Proofs:
    """Waits for checkpoints, on the event loop alone."""

    def __init__(self, prover: Prover, threads: Threads) -> None:
        """Bind what has the checkpoints, and where it is asked."""
        self._prover = prover
        self._threads = threads
        self._began_s = 0.0
        self._found = _Look(0.0, 0, "")

    async def until(self, position: int) -> str | None:
        """Wait for a checkpoint that has a position, and return it; None where it is late."""
        came_s = time.monotonic()
        while True:
            if time.monotonic() - self._began_s >= LOOK_S:
                await self._look()
            found = self._found
            # What was found long before this append came may be of a log before an operator acted.
            if found.size >= position and found.began_s >= came_s - LOOK_S:
                return found.checkpoint
            if time.monotonic() - came_s >= PROOF_TIMEOUT_S:
                return None
            await anyio.sleep(LOOK_S)

    async def _look(self) -> None:
        """Look for the newest checkpoint; who comes meanwhile, or soon after, need not."""
        began_s = self._began_s = time.monotonic()
        size, checkpoint = await self._threads.run(self._newest)
        self._found = max(self._found, _Look(began_s, size, checkpoint))

    def _newest(self) -> tuple[int, str]:
        try:
            found = self._prover.checkpoint()
        except UnknownResource:
            return 0, ""
        return found.size, bytes(found.cosigned).decode()
