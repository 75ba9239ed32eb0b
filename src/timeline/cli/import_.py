"""`timeline import`."""

import sys
from pathlib import Path
from typing import Final

import rich_click as click

from timeline.cli.database import opened
from timeline.cli.errors import CommandError, one_line
from timeline.cli.import_formats import CSV, FORMATS, Words, check, importer
from timeline.cli.importing import How, import_events, import_source, tell
from timeline.cli.options import PRINCIPAL, json_option, pass_settings, quiet_option
from timeline.importers.csv_suggest import suggest as suggested
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Inputs
from timeline.settings import Settings

NDJSON: Final = "ndjson"

_WORDS: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    help="What to read; - for standard input, a folder for all files in it.",
)
@click.option(
    "--from",
    "format",
    type=click.Choice([NDJSON, *FORMATS]),
    default=NDJSON,
    show_default=True,
    help="What the files are.",
)
@click.option(
    "--as",
    "principal",
    type=PRINCIPAL,
    default="import",
    show_default=True,
    metavar="NAME",
    help="The principal that the events carry; public and permanent.",
)
@click.option(
    "--labels",
    type=_WORDS,
    metavar="FILE",
    help="TOML that extends the format's tables of labels.",
)
@click.option(
    "--mapping",
    type=_WORDS,
    metavar="FILE",
    help="TOML that says which column is what; for csv.",
)
@click.option("--suggest", is_flag=True, help="Write a mapping for a table, and import nothing.")
@click.option("--dry-run", is_flag=True, help="Record nothing, and say what would be recorded.")
@click.option("--keep-going", is_flag=True, help="Pass over what is refused, and tell at the end.")
@json_option
@quiet_option
@pass_settings
def import_(  # noqa: PLR0913 - a command has its options
    settings: Settings,
    files: tuple[str, ...],
    format: str,
    principal: str,
    *,
    labels: Path | None,
    mapping: Path | None,
    suggest: bool,
    dry_run: bool,
    keep_going: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Record what FILEs hold: this record's own events (NDJSON), or another source's data.

    A line of NDJSON is an event {id, policy, type, data, expected_version?}, or one from an export,
    whose position, version, recorded_at, recorded_by, schema and batch are ignored. Other sources'
    data becomes policies, each recorded whole or not at all. What is recorded already is passed over,
    so the same import can be run again; what the source has changed since becomes corrections and
    retractions. Files may be gzipped, or zip archives.
    """
    how = How(principal=principal, dry_run=dry_run, keep_going=keep_going, quiet=quiet)
    words = Words(labels, mapping)
    check(format, words)
    try:
        inputs = Inputs(files, sys.stdin.buffer)
    except InputRefused as error:
        raise click.BadParameter(one_line(error), param_hint="FILE...") from error
    if suggest:
        _suggest(format, inputs)
        return
    source = None if format == NDJSON else importer(format, inputs, words)
    with opened(settings, records=not dry_run) as app:
        if source is None:
            report = import_events(app, inputs, how)
        else:
            report = import_source(app, source, inputs, how)
    tell(report, dry_run=dry_run, as_json=as_json)


def _suggest(format: str, inputs: Inputs) -> None:
    """Write a mapping for the first table."""
    if format != CSV or len(inputs.files) != 1:
        message = "--suggest is for --from csv, and for one FILE"
        raise click.UsageError(message)
    try:
        for source in inputs:
            click.echo(suggested(source), nl=False)
            return
    except InputRefused as error:
        raise CommandError(one_line(error)) from error
