"""New event ids: UUID version 7, which sort by the time they were made.

Source of the format: RFC 9562, section 5.7.
"""

import time
import uuid

from timeline.eventstore.randomness import Randomness


class EventIds:
    """Makes ids; safe for threads."""

    def __init__(self) -> None:
        self._draw = Randomness()

    def __call__(self) -> str:
        """Return a new lower-case UUIDv7: 48 bits of milliseconds, then random bits."""
        milliseconds = time.time_ns() // 1_000_000
        random = int.from_bytes(self._draw(10)) & (2**74 - 1)
        value = (milliseconds & (2**48 - 1)) << 80
        value |= 0x7 << 76
        value |= (random >> 62) << 64
        value |= 0b10 << 62
        value |= random & (2**62 - 1)
        return str(uuid.UUID(int=value))
