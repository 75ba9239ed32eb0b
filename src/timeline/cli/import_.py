"""`timeline import`."""

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import rich_click as click

from timeline.application.import_report import ImportReport
from timeline.bootstrap import Application
from timeline.cli.database import opened
from timeline.cli.errors import CommandError, one_line
from timeline.cli.foretelling import Listing
from timeline.cli.import_formats import CSV, FORMATS, Following, Words, check, growth, importer
from timeline.cli.importing import How, conclude, import_events, import_source, tell
from timeline.cli.options import PRINCIPAL, json_option, pass_settings, quiet_option
from timeline.cli.projecting import bring_on, tell_projected, tell_rate
from timeline.cli.showing import shown
from timeline.cli.watching import EVERY_S, MAX_EVERY_S, MAX_FOR_S, Watch, watch
from timeline.importers.csv_suggest import suggest as suggested
from timeline.importers.errors import InputRefused
from timeline.importers.opening import STANDARD_INPUT, Inputs
from timeline.importers.sketch import Importer
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
@click.option(
    "--dry-run", is_flag=True, help="Record nothing, and say line by line what would be recorded."
)
@click.option(
    "--list", "all_lines", is_flag=True, help="Show all that a dry run would record, not the first."
)
@click.option("--keep-going", is_flag=True, help="Pass over what is refused, and tell at the end.")
@click.option(
    "--watch",
    "every_s",
    type=click.IntRange(1, MAX_EVERY_S),
    is_flag=False,
    flag_value=EVERY_S,
    metavar="SECONDS",
    help=f"Look again every so many seconds, {EVERY_S} where none are given, and import what changed.",
)
@click.option(
    "--watch-for",
    "for_s",
    type=click.IntRange(1, MAX_FOR_S),
    metavar="SECONDS",
    help="End watching after that time; otherwise a signal ends it.",
)
@click.option(
    "--project/--no-project",
    default=True,
    show_default=True,
    help="Bring the read models to the log's end, so that every page tells all of it at once;"
    " otherwise they follow while `timeline serve` runs. Ctrl-C leaves the rest to that.",
)
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
    all_lines: bool,
    keep_going: bool,
    every_s: int | None,
    for_s: int | None,
    project: bool,
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
    words = Words(labels, mapping)
    check(format, words)
    _check_words(
        {
            "--list goes with --dry-run": all_lines and not dry_run,
            "--watch-for goes with --watch": for_s is not None and every_s is None,
            "--watch is for files and folders, and records what they hold": every_s is not None
            and (dry_run or STANDARD_INPUT in files),
        }
    )
    listing = Listing(as_json=as_json, all=all_lines) if dry_run else None
    how = How(
        principal=principal,
        dry_run=dry_run,
        keep_going=keep_going or every_s is not None,
        quiet=quiet or (listing is not None and listing.interrupts),
        listing=listing,
        project=project,
    )

    try:
        inputs = Inputs(files, sys.stdin.buffer)
    except InputRefused as error:
        raise click.BadParameter(one_line(error), param_hint="FILE...") from error
    if suggest:
        _suggest(format, inputs)
        return
    if format != NDJSON:
        # What is wrong with its words is told before a database is opened.
        importer(format, inputs, words)
    with opened(settings, records=not dry_run) as app:
        if every_s is not None:
            watched = Watch(files, every_s, growth(format))
            with Following(format, words, lambda: watched.goes_on) as following:
                run = partial(_recorded, app, format, how, following.importer, watching=True)
                conclude(watch(watched, every_s, for_s, run), as_json=as_json)
            return
        report = _recorded(app, format, how, partial(importer, format, words=words), inputs)
    if listing is not None:
        listing.end()
    tell(report, dry_run=dry_run, as_json=as_json)


def _recorded(
    app: Application,
    format: str,
    how: How,
    make: Callable[[Inputs], Importer],
    inputs: Inputs,
    *,
    watching: bool = False,
) -> ImportReport:
    """Import inputs, then bring the read models on, or say how far they are.

    An interrupt leaves the read models to the service, and ends a watch.
    """
    began_s = time.monotonic()
    report = _import(app, format, how, make, inputs)
    if how.dry_run:
        return report
    took_s = time.monotonic() - began_s
    tell_rate("Recording took", report.recorded, took_s, quiet=how.quiet)
    if not how.project:
        tell_projected(app)
        return report
    try:
        bring_on(app, quiet=how.quiet)
    except KeyboardInterrupt:
        if watching:
            raise
    return report


def _import(
    app: Application, format: str, how: How, make: Callable[[Inputs], Importer], inputs: Inputs
) -> ImportReport:
    """Import inputs; `make` makes what reads another source's."""
    if format == NDJSON:
        return import_events(app, inputs, how)
    return import_source(app, make(inputs), inputs, how)


def _check_words(wrong: Mapping[str, bool]) -> None:
    """Raise a usage error for the first that is wrong about the options."""
    for message, is_so in wrong.items():
        if is_so:
            raise click.UsageError(message)


def _suggest(format: str, inputs: Inputs) -> None:
    """Write a mapping for the first table."""
    if format != CSV or len(inputs.files) != 1:
        message = "--suggest is for --from csv, and for one FILE"
        raise click.UsageError(message)
    try:
        for source in inputs:
            suggestion = suggested(source)
            click.echo(suggestion.text, nl=False)
            for doubt in suggestion.doubts:
                click.echo(f"Doubtful: {shown(doubt)}", err=True)
            return
    except InputRefused as error:
        raise CommandError(one_line(error)) from error
