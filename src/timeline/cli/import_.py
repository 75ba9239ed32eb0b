"""`timeline import`."""

import io
import os
import stat
from typing import BinaryIO

import rich_click as click

from timeline.application.transfer import Importer, LineRefused, Tally
from timeline.bootstrap import Application
from timeline.cli.database import opened
from timeline.cli.errors import CommandError, one_line
from timeline.cli.options import PRINCIPAL, pass_settings, quiet_option
from timeline.cli.progress import progress
from timeline.importers.ndjson import lines
from timeline.settings import Settings


@click.command("import")
@click.argument("file", type=click.File("rb"), help="What to read; - for standard input.")
@click.option(
    "--as",
    "principal",
    type=PRINCIPAL,
    default="import",
    show_default=True,
    metavar="NAME",
    help="The principal that the events carry; public and permanent.",
)
@quiet_option
@pass_settings
def import_(settings: Settings, file: BinaryIO, principal: str, *, quiet: bool) -> None:
    """Record events from NDJSON: a FILE, or - for standard input.

    A line is an event {id, policy, type, data, expected_version?}, or one from an export, whose
    position, version, recorded_at, recorded_by, schema and batch are ignored. Events are recorded
    in chunks of at most 1,000, each of them whole or not at all. What is recorded already is passed
    over, so the same import can be run again.
    """
    with opened(settings, records=True) as app:
        tally = import_events(app, file, principal, quiet=quiet)
    click.echo(summary(tally), err=True)


def import_events(app: Application, file: BinaryIO, principal: str, *, quiet: bool) -> Tally:
    """Record the events of a file; raises CommandError that names the line refused."""
    size_bytes = _size_bytes(file)
    with (
        app.relay() as relay,
        progress("Events" if size_bytes is None else "Bytes", quiet=quiet) as report,
    ):

        def told(tally: Tally) -> None:
            if size_bytes is None:
                report(tally.events, None)
            else:
                report(file.tell(), size_bytes)

        importer = Importer(app.store, relay, principal, told)
        try:
            return importer.run(lines(file))
        except LineRefused as error:
            place = f"{getattr(file, 'name', '-')}:{error.line}"
            message = f"{place}: {one_line(error)} ({summary(error.tally)})"
            raise CommandError(message) from error


def _size_bytes(file: BinaryIO) -> int | None:
    """Return a regular file's size; None for a pipe, whose end nobody knows."""
    try:
        status = os.fstat(file.fileno())
    except io.UnsupportedOperation:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def summary(tally: Tally) -> str:
    """Return an import's result in words."""
    known = f"; {tally.known} had been before" if tally.known else ""
    return f"{tally.recorded} events recorded{known}."
