"""Why nothing is recorded any more, as it stands beside the log's head.

Owns its form, and what an append is refused with. Must not know how it is read (`stopping`).
"""

from typing import Any, Final

import msgspec

from timeline.eventstore.errors import LogDiverged

MAX_REASON: Final = 150
"""Characters of a reason that are kept: it may repeat what stood in somebody else's checkpoint, and
the column takes them also where each is escaped."""


class Stop(msgspec.Struct, frozen=True):
    """Why nothing is recorded: the log is not the one that was signed.

    Attributes:
        at: the instant at which that was found.
        size: how many entries were signed.
        reason: what differs.

    """

    at: str
    size: int
    reason: str

    @classmethod
    def read(cls, value: Any) -> "Stop":
        """Read what stands in the column; whatever else somebody wrote there stops the log, too."""
        text = value if isinstance(value, str) else repr(value)
        try:
            return _decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            return cls("", 0, text[:MAX_REASON])

    @classmethod
    def of(cls, why: LogDiverged, at: str) -> "Stop":
        """Return what was found at an instant."""
        return cls(at, why.size, why.reason[:MAX_REASON])

    def write(self) -> str:
        """Return it as it stands in the column."""
        return msgspec.json.encode(self, order="sorted").decode()

    def error(self) -> LogDiverged:
        """Return what an append is refused with."""
        return LogDiverged(size=self.size, reason=self.reason)

    def __str__(self) -> str:
        return f"since {self.at or 'nobody knows when'}, {self.size} entries signed: {self.reason}"


_decoder: Final = msgspec.json.Decoder(Stop)
