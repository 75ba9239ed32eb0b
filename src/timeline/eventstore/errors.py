"""Why the event store refuses, or cannot say.

    EventStoreError
    ├── AppendRefused                 the append itself is the reason; trying again changes nothing
    │   ├── WrongExpectedVersion
    │   ├── MisplacedExpectedVersion
    │   ├── ConditionFailed
    │   ├── ConditionBeyondLog
    │   ├── IdConflict
    │   ├── RepeatedId
    │   └── PartlyKnownBatch
    ├── StoreBusy                     nothing was written; try again
    ├── StoreUnavailable              nothing was written, unless it says `interrupted`
    ├── OutcomeUnknown                an append may or may not have been recorded
    ├── AppendOnlyViolation           the database refused to change what is recorded
    ├── CorruptStore                  the database does not hold what the log needs
    ├── LogDiverged                   the log is not the one that a checkpoint was signed for
    ├── CopyError
    │   ├── AnotherLog                the database that was to take a copy holds another log
    │   ├── CopyDiffers               a copy was compared, and is not the log
    │   └── CopyUnfinished            a log was copied into the database in part
    ├── NotOwner                      the database's role owns none of its tables
    ├── NotDurable                    the database may lose what it acknowledged
    └── SchemaError
        ├── SchemaOutdated
        └── SchemaTooNew

A class's docstring is its message; the facts are attributes; `field` names the offending input.
"""

import re
from typing import Any, ClassVar


class EventStoreError(Exception):
    """The event store refuses."""

    default_field: ClassVar[str] = ""

    def __init__(self, *, field: str | None = None, **facts: object) -> None:
        self.field = self.default_field if field is None else field
        self.facts = facts
        # `python -OO` drops docstrings; the class's name is then what is left to say.
        template = (type(self).__doc__ or type(self).__name__).strip()
        super().__init__(template.format_map(facts))

    def __reduce__(self) -> tuple[Any, ...]:
        # Its constructor takes no message, from which exceptions are made anew by default.
        return type(self).__new__, (type(self), *self.args), vars(self)

    @property
    def slug(self) -> str:
        """The class's name in kebab case, the last part of the problem's type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class AppendRefused(EventStoreError):
    """The append is refused."""


class WrongExpectedVersion(AppendRefused):
    """The policy {policy} is at version {actual}, where {expected} was expected."""

    default_field = "expected_version"

    def __init__(self, *, policy: str, expected: int | str, actual: int) -> None:
        self.policy = policy
        self.expected = expected
        self.actual = actual
        super().__init__(policy=policy, expected=expected, actual=actual)


class MisplacedExpectedVersion(AppendRefused):
    """An expected version belongs to the first event of {policy} in a batch."""

    default_field = "expected_version"


class ConditionFailed(AppendRefused):
    """The event at position {position} matches the condition under which the append fails."""

    default_field = "condition"

    def __init__(self, *, position: int) -> None:
        self.position = position
        super().__init__(position=position)


class ConditionBeyondLog(AppendRefused):
    """The condition begins after position {after}, and the log ends at {position}."""

    default_field = "condition.after"

    def __init__(self, *, after: int, position: int) -> None:
        self.position = position
        super().__init__(after=after, position=position)


class IdConflict(AppendRefused):
    """The id {id} is taken by another event: its policy, type or data differ."""

    default_field = "id"


class RepeatedId(AppendRefused):
    """The id {id} stands twice in this append."""

    default_field = "id"


class PartlyKnownBatch(AppendRefused):
    """Some events of the batch are recorded already and others are not."""

    default_field = "events"

    def __init__(self, *, ids: tuple[str, ...]) -> None:
        self.ids = ids
        super().__init__(ids=ids)


class StoreBusy(EventStoreError):
    """The event store takes no more appends right now; nothing was recorded."""

    def __init__(self, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(retry_after_s=retry_after_s)


class StoreUnavailable(EventStoreError):
    """The event store cannot be used: {reason}."""

    def __init__(self, *, reason: str, interrupted: bool = False) -> None:
        """State the reason, and whether what was under way may have been done all the same."""
        self.interrupted = interrupted
        super().__init__(reason=reason)


class OutcomeUnknown(EventStoreError):
    """Whether the events were recorded is not known; ask for them by id, or send them again."""

    def __init__(self, *, ids: tuple[str, ...]) -> None:
        self.ids = ids
        super().__init__(ids=ids)


class AppendOnlyViolation(EventStoreError):
    """The log is append-only: {reason}."""


class CorruptStore(EventStoreError):
    """The database does not hold what the log needs: {reason}."""


class LogDiverged(EventStoreError):
    """The log is not the one that was signed at {size} entries: {reason}. Nothing is recorded."""

    def __init__(self, *, size: int, reason: str) -> None:
        self.size = size
        self.reason = reason
        super().__init__(size=size, reason=reason)


class CopyError(EventStoreError):
    """The log is not copied."""


class AnotherLog(CopyError):
    """The database that the log was to be copied to holds another one: {reason}."""


class CopyDiffers(CopyError):
    """The copy is not the log that it was made of: {reason}. It is not to be used."""


class CopyUnfinished(CopyError):
    """A log was copied here in part, {entries} entries over {position}: run `timeline copy` again."""


class NotOwner(EventStoreError):
    """Only the role that owns the tables may write them anew; this one owns no {table}."""


class NotDurable(EventStoreError):
    """The database's setting {setting} is {value}; {expected} is needed, or events may be lost."""


class SchemaError(EventStoreError):
    """The database's schema does not fit this version of timeline."""


class SchemaOutdated(SchemaError):
    """The database's schema is {current}, older than {expected}: run `timeline migrate`."""


class SchemaTooNew(SchemaError):
    """The database's schema {current} is newer than {expected}: install a newer timeline."""
