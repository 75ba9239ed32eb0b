"""The formats of other people's data that `timeline import --from` takes.

Owns their names, and how each importer is made of the command's words.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple, Self

import rich_click as click

from timeline.cli.errors import one_line
from timeline.cli.growing import Growth
from timeline.importers.csv_mapping import MAX_MAPPING_BYTES, read_mapping
from timeline.importers.csv_table import CsvTable
from timeline.importers.errors import InputRefused
from timeline.importers.federal_register import FederalRegister
from timeline.importers.label_tables import MAX_TABLES_BYTES, read_tables
from timeline.importers.legistar import Legistar
from timeline.importers.legistar_matters import LegistarLabels
from timeline.importers.opening import Inputs
from timeline.importers.openstates import OpenStates
from timeline.importers.openstates_actions import OpenStatesLabels
from timeline.importers.shelf import Shelf
from timeline.importers.sketch import Importer

CSV: Final = "csv"


class Words(NamedTuple):
    """The files that say how a format's words become those of the record."""

    labels: Path | None = None
    mapping: Path | None = None


class Format(NamedTuple):
    """A format: how its importer is made, which of the files it takes, and what it means to grow."""

    make: Callable[[Inputs, Words], Importer]
    takes_labels: bool = False
    takes_mapping: bool = False
    growth: Growth = Growth.ANEW


def _csv(inputs: Inputs, words: Words) -> Importer:
    if words.mapping is None:
        message = "--from csv needs --mapping FILE; --suggest writes one for a table"
        raise click.UsageError(message)
    return CsvTable(
        inputs, read_mapping(_read(words.mapping, MAX_MAPPING_BYTES), str(words.mapping))
    )


def _openstates(inputs: Inputs, words: Words) -> Importer:
    return OpenStates(inputs, read_tables(OpenStatesLabels, "openstates", *_labels(words)))


def _legistar(inputs: Inputs, words: Words) -> Importer:
    return Legistar(inputs, read_tables(LegistarLabels, "legistar", *_labels(words)))


def _labels(words: Words) -> tuple[str, bytes]:
    """Return the name of the user's file of labels, and what is in it; empty without one."""
    if words.labels is None:
        return "", b""
    return str(words.labels), _read(words.labels, MAX_TABLES_BYTES)


def _read(path: Path, limit_bytes: int) -> bytes:
    """Return what is in a file, with one byte more than the limit where it is longer."""
    with path.open("rb") as file:
        return file.read(limit_bytes + 1)


FORMATS: Final[Mapping[str, Format]] = {
    CSV: Format(_csv, takes_mapping=True, growth=Growth.JOINED),
    "federal-register": Format(lambda inputs, _: FederalRegister(inputs)),
    "legistar": Format(_legistar, takes_labels=True),
    "openstates": Format(_openstates, takes_labels=True),
}
"""Each format; `ndjson`, the record's own, is none of them."""


def check(name: str, words: Words) -> None:
    """Raise a usage error where a format does not take the files that are given."""
    format = FORMATS.get(name)
    for option, path, taken in (
        ("--labels", words.labels, format is not None and format.takes_labels),
        ("--mapping", words.mapping, format is not None and format.takes_mapping),
    ):
        if path is not None and not taken:
            message = f"--from {name} takes no {option}"
            raise click.UsageError(message)


def importer(name: str, inputs: Inputs, words: Words) -> Importer:
    """Return what reads the inputs; a usage error where its words cannot be read."""
    try:
        return FORMATS[name].make(inputs, words)
    except InputRefused as error:
        raise click.UsageError(one_line(error)) from error


def growth(name: str) -> Growth:
    """Return what it means that a file of a format grew: of NDJSON, each line is for itself."""
    return FORMATS[name].growth if name in FORMATS else Growth.APART


class Following:
    """Makes importers of one format after the other, or has a table's go on where it ended."""

    def __init__(self, name: str, words: Words, goes_on: Callable[[], bool]) -> None:
        """Take a format, and what tells whether inputs continue those before them."""
        self._name = name
        self._goes_on = goes_on
        self._words = words
        self._table: CsvTable | None = None
        self._shelves = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shelves.close()

    def importer(self, inputs: Inputs) -> Importer:
        """Return what reads the inputs, behind what was read before or as all there is."""
        if self._goes_on() and self._table is not None:
            self._table.go_on(inputs)
            return self._table
        made = importer(self._name, inputs, self._words)
        if isinstance(made, CsvTable):
            self._shelves.close()
            made.keep(self._shelves.enter_context(Shelf()))
            self._table = made
        return made
