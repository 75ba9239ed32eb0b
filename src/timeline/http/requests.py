"""What is known of a request beside Litestar's own: its id, its path as sent, who made it.

Owns the keys under which these lie in the ASGI scope.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final

from timeline.eventstore.randomness import Randomness

Scope = Mapping[str, Any]

_SANE: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


class RequestIds:
    """Gives requests their ids, which are told to everyone, and only must not repeat."""

    def __init__(self) -> None:
        self._draw = Randomness()

    def __call__(self, offered: str | None) -> str:
        """Return the id a client or a proxy gave, where it is sane; else a new random one."""
        if offered is not None and _SANE.fullmatch(offered):
            return offered
        return self._draw(16).hex()


def request_id(scope: Scope) -> str:
    """Return the request's id."""
    return str(scope["state"].get("request_id", ""))


def header(scope: Scope, name: bytes) -> str | None:
    """Return a header as it was sent, the first of that name; names come in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def raw_path(scope: Scope) -> str:
    """Return the path as it was sent, percent-decoded; Litestar replaces its own by routing."""
    return str(scope["state"].get("path", scope["path"]))


def hold(scope: Scope, held: AbstractContextManager[None]) -> None:
    """Enter a context that lasts until the request ends, however it ends."""
    stack: ExitStack = scope["state"]["held"]
    stack.enter_context(held)


def exchange(scope: Scope, held: AbstractContextManager[None]) -> None:
    """Hold this until the request ends, in place of all that it has held so far."""
    stack: ExitStack = scope["state"]["held"]
    with stack.pop_all():
        stack.enter_context(held)
