"""New event ids: UUID version 7, which sort by the time they were made.

Source of the format: RFC 9562, section 5.7.
"""

import time
from typing import Final

from timeline.eventstore.randomness import Randomness


class EventIds:
    """Makes ids; safe for threads."""

    def __init__(self) -> None:
        self._draw = Randomness()

    def __call__(self) -> str:
        """Return a new lower-case UUIDv7: 48 bits of milliseconds, then random bits."""
        milliseconds = f"{time.time_ns() // 1_000_000 & 2**48 - 1:012x}"
        random = self._draw(10).hex()
        variant = _VARIANT[random[3]]
        head = f"{milliseconds[:8]}-{milliseconds[8:]}-7{random[:3]}"
        return f"{head}-{variant}{random[4:7]}-{random[7:19]}"


_VARIANT: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""Two random bits and the two that say which layout this is."""
