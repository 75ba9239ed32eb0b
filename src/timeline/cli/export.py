"""`timeline export`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypedDict, Unpack

import rich_click as click

from timeline.application.audit.pack import write_pack
from timeline.application.transfer import exported
from timeline.cli.database import opened
from timeline.cli.files import replacing
from timeline.cli.options import POLICY, POSITION, pass_settings, quiet_option
from timeline.cli.progress import progress
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import MAX_FILTER_VALUES, EventFilter
from timeline.settings import Settings


class _Asked(TypedDict):
    """What the command line says, by parameter."""

    file: Path
    after: int
    until: int | None
    types: tuple[str, ...]
    policies: tuple[str, ...]
    audit: Path | None
    proven: tuple[str, ...]


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
@click.option(
    "--audit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.zip",
    help="Write an audit pack in place of events: the log up to its newest checkpoint.",
)
@click.option(
    "--proof",
    "proven",
    multiple=True,
    metavar="EVENT",
    help="With --audit: add the proof of this event; may be repeated.",
)
@quiet_option
@pass_settings
def export(settings: Settings, *, quiet: bool, **asked: Unpack[_Asked]) -> None:
    """Write events as NDJSON, to a FILE or to standard output; or an audit pack.

    A line is an event as `GET /v1/events` serves it. An audit pack can be checked offline, by a program
    that is in it. A FILE appears, or is replaced, only once it is complete.
    """
    audit = asked["audit"]
    if audit is None:
        if asked["proven"]:
            raise click.UsageError("--proof goes with --audit.")
        _export_events(settings, asked, quiet=quiet)
        return
    filters = asked["after"], asked["until"], asked["types"], asked["policies"]
    if str(asked["file"]) != "-" or filters != (0, None, (), ()):
        raise click.UsageError("--audit packs the whole log; only --proof goes with it.")
    _export_pack(settings, audit, asked["proven"], quiet=quiet)


def _export_events(settings: Settings, asked: _Asked, *, quiet: bool) -> None:
    if len(asked["policies"]) > MAX_FILTER_VALUES:
        raise click.UsageError(f"--policy goes at most {MAX_FILTER_VALUES} times.")
    types = tuple(dict.fromkeys(asked["types"]))
    filter = EventFilter(types=types, policies=asked["policies"])
    with (
        opened(settings) as app,
        progress("Position", quiet=quiet) as report,
        _output(asked["file"]) as stream,
    ):
        head, until = app.store.head().position, asked["until"]
        last = head if until is None else min(until, head)
        for lines in exported(
            app.store, after=asked["after"], until=last, filter=filter, on_progress=report
        ):
            stream.write(lines)


def _export_pack(settings: Settings, file: Path, proven: Sequence[str], *, quiet: bool) -> None:
    with (
        opened(settings) as app,
        progress("Position", quiet=quiet) as report,
        replacing(file) as stream,
    ):
        packed = write_pack(stream, app.engine, app.prover, proven, report)
    later = f"; {packed.later} more are under no checkpoint yet" if packed.later else ""
    click.echo(
        f"{packed.size} events packed, {packed.erased} of them erased, with {packed.checkpoints}"
        f" checkpoints and {packed.proofs} proofs{later}.",
        err=True,
    )


@contextmanager
def _output(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with replacing(file) as stream:
            yield stream
