"""`timeline status`."""

from datetime import UTC, datetime

import rich_click as click

from timeline.application import status as standing
from timeline.cli.database import exists
from timeline.cli.errors import CommandError
from timeline.cli.options import json_option, pass_settings
from timeline.cli.showing import document, shown
from timeline.eventstore.database import create_engine
from timeline.eventstore.sql import SqlStore
from timeline.observability import redact_url
from timeline.settings import Settings


@click.command()
@json_option
@pass_settings
def status(settings: Settings, *, as_json: bool) -> None:
    """Tell how the database stands: its schema, the log, and how far the read models are behind.

    The exit code is 1 where the service could not be started on it.
    """
    found = _look(settings)
    if as_json:
        click.echo(document(found))
    else:
        _write(found)
    if not found.ok:
        schema = found.schema
        raise CommandError(
            f"The schema is {schema.current or 'empty'}, not {schema.expected}: "
            "run `timeline migrate`, or install the timeline that made it."
        )


def _look(settings: Settings) -> standing.Status:
    shown = redact_url(settings.database_url)
    if not exists(settings):
        return standing.unmigrated(shown)
    engine = create_engine(settings.database_url, must_exist=True)
    try:
        return standing.status(engine, SqlStore(engine), shown, datetime.now(UTC))
    finally:
        engine.dispose()


def _write(found: standing.Status) -> None:
    click.echo(f"database: {found.database}")
    click.echo(f"schema: {found.schema.current or 'empty'}")
    if not found.ok:
        return
    when = f", recorded at {found.recorded_at}" if found.recorded_at else ""
    click.echo(f"position: {found.position}{when}")
    if found.stopped is not None:
        click.echo(f"stopped: {found.stopped}; nothing is recorded")
        click.echo("to do: `timeline verify` tells what differs; `timeline key adopt` comes last")
    if found.guards_missing:
        click.echo(f"guards missing: {', '.join(found.guards_missing)}")
        click.echo("to do: find out who dropped them, and what they changed: `timeline verify`")
    for each in found.projections:
        click.echo(
            f"projection {each.name}: slot {each.live}, position {each.position},"
            f" {each.lag_events} events and {each.lag_s:.1f} s behind"
        )
    behind = any(each.lag_events for each in found.projections)
    nobody = "nobody; `timeline serve` reads on" if behind else "nobody, as there is nothing to do"
    holder = found.lease.holder if found.lease is not None else None
    click.echo(f"lease: {holder or nobody}")
    if found.rebuild is not None:
        click.echo(
            f"rebuild: {found.rebuild.state}, {found.rebuild.events_done} of"
            f" {found.rebuild.events_total} events, last heard of {found.rebuild.silent_s:.0f} s ago"
        )
    for parked in found.parked:
        click.echo(
            f"parked {parked.policy}: event {parked.event} at position {parked.position}:"
            f" {shown(parked.error)}"
        )
    checkpoint = found.checkpoint
    if checkpoint is not None:
        click.echo(
            f"checkpoint: {checkpoint.size} entries, signed at {checkpoint.signed_at},"
            f" {checkpoint.cosignatures} cosignatures"
        )
    click.echo(f"tokens: {found.tokens}")
