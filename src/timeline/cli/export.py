"""`timeline export`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import rich_click as click

from timeline.application.transfer import exported
from timeline.cli.database import opened
from timeline.cli.files import replacing
from timeline.cli.options import POLICY, POSITION, pass_settings, quiet_option
from timeline.cli.progress import progress
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import MAX_FILTER_VALUES, EventFilter
from timeline.settings import Settings


@click.command()
@click.argument(
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    help="Where to write; - or nothing for standard output.",
)
@click.option("--after", type=POSITION, default=0, metavar="P", help="Events after this position.")
@click.option("--until", type=POSITION, metavar="P", help="Events up to this position.")
@click.option(
    "--type",
    "types",
    type=click.Choice([type.value for type in EventType]),
    multiple=True,
    help="Events of this type; may be repeated.",
)
@click.option(
    "--policy",
    "policies",
    type=POLICY,
    multiple=True,
    metavar="POLICY",
    help="Events of this policy; may be repeated.",
)
@quiet_option
@pass_settings
def export(
    settings: Settings,
    file: Path,
    after: int,
    until: int | None,
    types: tuple[str, ...],
    policies: tuple[str, ...],
    *,
    quiet: bool,
) -> None:
    """Write events as NDJSON, to a FILE or to standard output.

    A line is an event as `GET /v1/events` serves it. A FILE appears, or is replaced, only once it
    is complete.
    """
    if len(policies) > MAX_FILTER_VALUES:
        raise click.UsageError(f"--policy goes at most {MAX_FILTER_VALUES} times.")
    filter = EventFilter(types=tuple(dict.fromkeys(types)), policies=policies)
    with (
        opened(settings) as app,
        progress("Position", quiet=quiet) as report,
        _output(file) as stream,
    ):
        head = app.store.head().position
        last = head if until is None else min(until, head)
        for lines in exported(
            app.store, after=after, until=last, filter=filter, on_progress=report
        ):
            stream.write(lines)


@contextmanager
def _output(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with replacing(file) as stream:
            yield stream
