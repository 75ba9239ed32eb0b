"""What a command says when it cannot do what it was asked.

Owns the root of the command line's own errors, and how any error reads as one line.
"""

from typing import Final

from timeline.cli.showing import shown

ERROR_CHARACTERS: Final = 1_000
"""Several sentences; what it repeats of a stranger's text is cut before, or here at the latest."""


class CommandError(Exception):
    """A command came to an end that its user has to know of."""


def one_line(error: Exception) -> str:
    """Return an error as one line, led by the field that it is about."""
    message = " ".join(str(error).split())
    field = getattr(error, "field", "")
    return shown(f"{field}: {message}" if field else message, ERROR_CHARACTERS)
