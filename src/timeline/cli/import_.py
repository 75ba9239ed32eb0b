"""`timeline import`."""

import sys
from typing import Final

import rich_click as click

from timeline.cli.database import opened
from timeline.cli.errors import one_line
from timeline.cli.import_formats import FORMATS
from timeline.cli.importing import How, import_events, import_source, tell
from timeline.cli.options import PRINCIPAL, json_option, pass_settings, quiet_option
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Inputs
from timeline.settings import Settings

NDJSON: Final = "ndjson"


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
    try:
        inputs = Inputs(files, sys.stdin.buffer)
    except InputRefused as error:
        raise click.BadParameter(one_line(error), param_hint="FILE...") from error
    with opened(settings, records=not dry_run) as app:
        if format == NDJSON:
            report = import_events(app, inputs, how)
        else:
            report = import_source(app, FORMATS[format](inputs), inputs, how)
    tell(report, dry_run=dry_run, as_json=as_json)
