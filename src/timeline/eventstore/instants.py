"""Instants as the log writes them: `2026-11-22T10:00:00.123456Z`, 27 characters, always UTC.

Owns that one form, whose order as text is the order in time. Must not read a clock.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Tells the time, with a zone."""

INSTANT_CHARACTERS: Final = 27

_TICK: Final = timedelta(microseconds=1)


def instant(moment: datetime) -> str:
    """Write a moment, which must have a zone, as the log does."""
    utc = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return utc[: INSTANT_CHARACTERS - 1] + "Z"


def read_instant(text: str) -> datetime:
    """Read what `instant` wrote."""
    return datetime.fromisoformat(text)


def next_instant(now: str, last: str | None) -> str:
    """Return `now`, or the first microsecond after `last` where the clock has not passed it."""
    if last is None or now > last:
        return now
    return instant(read_instant(last) + _TICK)
