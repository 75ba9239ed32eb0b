"""Why an input cannot be read on.

    ImporterError
    ├── InputRefused            a file, or what stands in a line of it, is not what it has to be
    ├── BadCell                 a cell of a table is not what its field needs
    └── Unrecordable            what a source says is nothing that the record takes

A class's docstring is its message; the facts are attributes.
"""

from typing import Any

from timeline.importers.sketch import Place


class ImporterError(Exception):
    """The input cannot be imported."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Its constructors take no message, from which exceptions are made anew by default.
        return type(self).__new__, (type(self), *self.args), vars(self)


class InputRefused(ImporterError):
    """{file}:{line}: {reason}"""  # noqa: D400 - the docstring is the message's template

    def __init__(self, *, file: str, line: int, reason: str) -> None:
        self.file = file
        self.line = line
        self.reason = reason
        where = f"{file}:{line}" if line else file
        super().__init__(f"{where}: {reason}")

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.file, self.line)


class BadCell(ImporterError):
    """{column}: {reason}"""  # noqa: D400 - the docstring is the message's template

    def __init__(self, *, column: str, reason: str) -> None:
        self.column = column
        self.reason = reason
        super().__init__(f"{column}: {reason}")


class Unrecordable(ImporterError):
    """{place}: {field}: {reason}"""  # noqa: D400 - the docstring is the message's template

    def __init__(self, *, place: Place, field: str, reason: str) -> None:
        self.place = place
        self.field = field
        self.reason = reason
        super().__init__(f"{place}: {field}: {reason}")
