"""Examples of the API: exchanges that were made with the Los Angeles story, word for word.

Owns their form. They are written by `tests/http_examples.py` and compared by the tests, so
that none of them is made up.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

FILE: Final = "examples.json"


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One exchange.

    Args:
        name: names it within the description.
        operation: the operation's id.
        title: what it shows.
        target: path and query.
        status: the answer's.
        response: its document, or its text where it is not JSON.
        response_media: its media type.
        parameters: what the target holds, by parameter.
        headers: of the request, without its token.
        token: the request carries a recorder's token.
        request: the body, a document or text.
        request_media: its media type.

    """

    name: str
    operation: str
    title: str
    target: str
    status: int
    response: Any
    response_media: str
    parameters: dict[str, Any] = {}
    headers: dict[str, str] = {}
    token: bool = False
    request: Any = None
    request_media: str | None = None

    @property
    def method(self) -> str:
        """The request's method."""
        return "GET" if self.request_media is None else "POST"

    def request_value(self) -> Any:
        """Return the body as a description shows it."""
        return self.request


@cache
def examples() -> tuple[Example, ...]:
    """Return all examples, in the order in which they were made."""
    text = files("timeline.http").joinpath(FILE).read_bytes()
    return msgspec.json.decode(text, type=tuple[Example, ...])
