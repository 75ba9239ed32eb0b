"""Why the record refuses an event.

    DomainError
    ├── InvalidData                      the event itself is malformed
    ├── PolicyAlreadyRegistered
    ├── PolicyNotRegistered
    ├── PolicyRetracted
    ├── PolicyMerged
    ├── UnknownEvent
    ├── UnknownPolicy
    ├── EventOfAnotherPolicy
    ├── WrongEventType
    ├── EventAlreadyRetracted
    ├── EventAlreadyErased
    ├── RetractionTooDeep
    ├── NothingDescribed
    ├── SelfReference
    ├── InvalidClaim
    ├── InvalidSettlement
    ├── UntilBeforeEffective
    ├── ReplacementRequired
    ├── MergeRefused
    ├── UnknownShape                     what is recorded cannot be read by this version
    ├── UpcasterMissing                  this version is incomplete
    └── ReplacementShapesMissing

A class's docstring is its message; the facts are attributes; `field` names the offending input.
"""

import re
from typing import Any, ClassVar


class DomainError(Exception):
    """The record refuses this event."""

    default_field: ClassVar[str] = ""

    def __init__(self, *, field: str | None = None, **facts: object) -> None:
        self.field = self.default_field if field is None else field
        self.facts = facts
        template = (type(self).__doc__ or "").strip()
        super().__init__(template.format_map(facts))

    def __reduce__(self) -> tuple[Any, ...]:
        # Its constructor takes no message, from which exceptions are made anew by default.
        return type(self).__new__, (type(self), *self.args), vars(self)

    @property
    def slug(self) -> str:
        """The class's name in kebab case, the last part of the problem's type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class InvalidData(DomainError):
    """{reason}"""  # noqa: D400 - the docstring is the message's template


class PolicyAlreadyRegistered(DomainError):
    """The policy {policy} is already registered; describe it with PolicyDescribed."""

    default_field = "policy"


class PolicyNotRegistered(DomainError):
    """The policy {policy} is not registered; its first event is a PolicyRegistered."""

    default_field = "policy"


class PolicyRetracted(DomainError):
    """The registration of {policy} is retracted by {event}; retract that event to restore it."""

    default_field = "policy"


class PolicyMerged(DomainError):
    """The policy {policy} is merged into {survivor}; record it there."""

    default_field = "policy"


class UnknownEvent(DomainError):
    """There is no event {event}."""

    default_field = "data.event"


class UnknownPolicy(DomainError):
    """The policy {policy} is not registered; name what lies outside the record by citation."""


class EventOfAnotherPolicy(DomainError):
    """The event {event} belongs to {owner}, not to {policy}."""

    default_field = "data.event"


class WrongEventType(DomainError):
    """The event {event} is of type {actual}; {expected} is needed here."""

    default_field = "data.event"


class EventAlreadyRetracted(DomainError):
    """The event {event} is retracted by {by}."""

    default_field = "data.event"


class EventAlreadyErased(DomainError):
    """The payload of {event} is erased by {by}."""

    default_field = "data.event"


class RetractionTooDeep(DomainError):
    """Retractions of retractions end at a depth of {limit}; retract the event {root} itself."""

    default_field = "data.event"


class NothingDescribed(DomainError):
    """A PolicyDescribed changes at least one field of the description."""

    default_field = "data"


class SelfReference(DomainError):
    """The policy {policy} cannot be its own counterpart."""


class InvalidClaim(DomainError):
    """The claim does not fit the event {event}: {reason}"""  # noqa: D400 - template

    default_field = "data.claim"


class InvalidSettlement(DomainError):
    """The event {event} is no open dispute about the corrected event."""

    default_field = "data.settles"


class UntilBeforeEffective(DomainError):
    """The effect would end ({until}) before it begins ({effective})."""

    default_field = "data.until"


class ReplacementRequired(DomainError):
    """Erasing a {type} needs a replacement: its effect on the record outlives its payload."""

    default_field = "data.replacement"


class MergeRefused(DomainError):
    """The policy {duplicate} cannot be merged: {reason}"""  # noqa: D400 - template

    default_field = "data.duplicate"


class UnknownShape(DomainError):
    """An event of type {type} was recorded in shape {schema}, and this version knows {known}; upgrade."""


class UpcasterMissing(DomainError):
    """Nothing brings events of type {type} from shape {schema} to the next."""


class ReplacementShapesMissing(DomainError):
    """Which shapes replacements have in a PayloadErased of shape {schema} is not what is current."""
