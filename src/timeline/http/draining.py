"""What is still being sent when the answer is known: taken in and dropped, within bounds.

Owns how long a connection is kept for a client that sends before it reads. Must not know why it was
refused. A connection that is closed on unread bytes is reset, and the reset overtakes the answer.
"""

import asyncio
from contextlib import suppress
from typing import Final

from litestar.types import Receive

from timeline.http.requests import Scope, header

DRAIN_BYTES: Final = 64 * 1024 * 1024
"""What is dropped at most: as much as a body may be set to have."""

DRAIN_TIMEOUT_S: Final = 5.0
"""How long the rest may take: whoever listens has stopped by then, and who only sends may be long at it."""

PART_PAUSE_S: Final = 0.001
"""A pause after each part, of some hundred kilobytes: taking in what nobody needs is not to keep others
waiting."""


def brings_body(scope: Scope) -> bool:
    """Tell whether a request has a body."""
    length = header(scope, b"content-length")
    return length not in {None, "0"} or header(scope, b"transfer-encoding") is not None


async def drain(receive: Receive) -> None:
    """Take in the rest of a body whose answer is sent, to its end or as much as the bounds allow."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_TIMEOUT_S):
            size_bytes = 0
            more = True
            while more and size_bytes < DRAIN_BYTES:
                message = await receive()
                if message["type"] != "http.request":
                    return
                more = message["more_body"]
                size_bytes += len(message["body"])
                await asyncio.sleep(PART_PAUSE_S)
