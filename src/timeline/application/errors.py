"""Why a request cannot be served.

    ApplicationError
    ├── InvalidRequest             a request's body or a parameter is malformed
    ├── TooManyEvents
    ├── NotAllowed                 the token's role is too low
    ├── TokenMissing
    ├── TokenUnknown
    ├── UnknownResource            no such event or policy
    ├── PolicyParked               the policy waits from its first event on
    ├── PolicyGone                 the policy's registration is retracted
    ├── PolicyMoved                the policy is merged into another
    ├── CursorMismatch             the cursor belongs to another query
    ├── ReplayTooLong              more than one answer is given time for
    ├── NotYetReflected            the read models have not reached the position asked for
    ├── PrincipalTaken             a principal's name is never reused
    ├── UnknownPrincipal
    ├── AlreadyRevoked
    ├── KeyFileError               a log's key file, or what lies beside it, cannot be used
    └── LogUnreachable             a log cannot be read over HTTP

A class's docstring is its message; the facts are attributes; `field` names the offending input.
"""

import re
from typing import Any, ClassVar


class ApplicationError(Exception):
    """The request cannot be served."""

    default_field: ClassVar[str] = ""

    def __init__(self, *, field: str | None = None, **facts: object) -> None:
        self.field = self.default_field if field is None else field
        self.facts = facts
        super().__init__((type(self).__doc__ or "").strip().format_map(facts))

    def __reduce__(self) -> tuple[Any, ...]:
        # Its constructor takes no message, from which exceptions are made anew by default.
        return type(self).__new__, (type(self), *self.args), vars(self)

    @property
    def slug(self) -> str:
        """The class's name in kebab case, the last part of the problem's type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class InvalidRequest(ApplicationError):
    """{reason}"""  # noqa: D400 - the docstring is the message's template


class TooManyEvents(ApplicationError):
    """A batch holds at most {limit} events; this one holds {count}."""

    default_field = "events"


class NotAllowed(ApplicationError):
    """This needs the role {needed}; the token of {principal} has the role {role}."""


class TokenMissing(ApplicationError):
    """This needs a token: `Authorization: Bearer TOKEN`."""

    default_field = "Authorization"


class TokenUnknown(ApplicationError):
    """The token is not known, or it is revoked."""

    default_field = "Authorization"


class UnknownResource(ApplicationError):
    """There is no {kind} {id} as of position {position}."""


class PolicyParked(ApplicationError):
    """The policy {policy} waits: its event {event} at position {position} broke the read models."""


class PolicyGone(ApplicationError):
    """The registration of {policy} is retracted by {event}; earlier positions still show it."""


class PolicyMoved(ApplicationError):
    """The policy {policy} is merged into {survivor}."""

    def __init__(self, *, policy: str, survivor: str, field: str) -> None:
        self.survivor = survivor
        super().__init__(policy=policy, survivor=survivor, field=field)


class CursorMismatch(ApplicationError):
    """The cursor is not one that this query gave."""

    default_field = "cursor"


class ReplayTooLong(ApplicationError):
    """A replay up to position {position} is too much for one answer, which takes in {limit} events."""

    default_field = "position"


class NotYetReflected(ApplicationError):
    """The read models reflect position {position}, not yet {wanted}."""

    default_field = "Timeline-Min-Position"

    def __init__(self, *, position: int, wanted: int, field: str | None = None) -> None:
        self.wanted = wanted
        super().__init__(field=field, position=position, wanted=wanted)


class PrincipalTaken(ApplicationError):
    """The name {name} is or was a principal's, and names are never reused."""

    default_field = "name"


class UnknownPrincipal(ApplicationError):
    """There is no token of {name}."""

    default_field = "name"


class AlreadyRevoked(ApplicationError):
    """The token of {name} is revoked already, since {since}."""

    default_field = "name"


class KeyFileError(ApplicationError):
    """The key file {path} cannot be used: {reason}."""


class LogUnreachable(ApplicationError):
    """The log at {url} cannot be read: {reason}."""
