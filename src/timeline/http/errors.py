"""Why a request is refused before any use case is asked.

    HttpError
    ├── UnknownRoute
    ├── MethodNotAllowed
    ├── NotAcceptable
    ├── UnsupportedMediaType
    ├── BodyTooLarge
    ├── BodyIncomplete             the client went before all of it had come
    ├── TooManyRequests
    ├── Overloaded
    ├── NotReady
    └── InternalError

A class's docstring is its message; the facts are attributes; `field` names the offending input and
`headers` what the answer carries besides.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar


class HttpError(Exception):
    """The request cannot be answered."""

    default_field: ClassVar[str] = ""

    def __init__(
        self,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **facts: object,
    ) -> None:
        self.field = self.default_field if field is None else field
        self.headers = dict(headers or {})
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


class UnknownRoute(HttpError):
    """There is nothing at {path}."""


class MethodNotAllowed(HttpError):
    """This method is not answered here; {allowed} are."""


class NotAcceptable(HttpError):
    """This is served as {offered}; the request accepts none of it."""

    default_field = "Accept"


class UnsupportedMediaType(HttpError):
    """The body has to be {expected}; this one is {given}."""

    default_field = "Content-Type"


class BodyTooLarge(HttpError):
    """The {part} takes more than {limit_bytes} bytes."""

    default_field = "body"


class BodyIncomplete(HttpError):
    """The body ended before all of it had come."""

    default_field = "body"


class TooManyRequests(HttpError):
    """More than {limit} requests a minute came from this client."""


class Overloaded(HttpError):
    """Too many requests are waiting for an answer; this one was not begun."""


class NotReady(HttpError):
    """The service is not ready: {reason}."""


class InternalError(HttpError):
    """Something went wrong here; the log tells what, beside the request's id."""
