"""By what appends were refused, in a word each.

Owns the words. Must not know who counts, nor who asks.
"""

from typing import Final

from timeline.domain.errors import DomainError
from timeline.eventstore.errors import (
    ConditionBeyondLog,
    ConditionFailed,
    IdConflict,
    MisplacedExpectedVersion,
    OutcomeUnknown,
    PartlyKnownBatch,
    RepeatedId,
    StoreBusy,
    WrongExpectedVersion,
)

BUSY: Final = "busy"
"""Too much waits already."""

_WORDS: Final[dict[type[Exception], str]] = {
    WrongExpectedVersion: "version",
    MisplacedExpectedVersion: "version",
    ConditionFailed: "condition",
    ConditionBeyondLog: "condition",
    IdConflict: "id",
    RepeatedId: "id",
    PartlyKnownBatch: "id",
    StoreBusy: BUSY,
    OutcomeUnknown: "unknown",
}

RECORD: Final = "record"
"""The record refuses an event: what it says does not fit what is recorded."""

UNAVAILABLE: Final = "unavailable"
"""The database is not there, or not as it should be."""

REASONS: Final = (*sorted({*_WORDS.values(), RECORD, UNAVAILABLE}),)


def reason_of(error: Exception) -> str:
    """Return the word for why an append was refused."""
    known = _WORDS.get(type(error))
    if known is not None:
        return known
    return RECORD if isinstance(error, DomainError) else UNAVAILABLE
