"""`timeline vacuum`."""

import rich_click as click

from timeline.application import replay as replaying
from timeline.cli.database import opened
from timeline.cli.options import pass_settings, quiet_option
from timeline.cli.progress import progress
from timeline.eventstore.schema import write_anew
from timeline.settings import Settings


@click.command()
@quiet_option
@pass_settings
def vacuum(settings: Settings, *, quiet: bool) -> None:
    """Leave nothing in the database's files of what was erased or replaced.

    The read models are brought to the end of the log, so that they have taken in every erasure; then
    what held payloads is written anew. A service may run meanwhile; appends wait for it, or are told
    to come back. On PostgreSQL the role that owns the tables runs it. What it cannot reach, such as
    backups, is listed in docs/how-to/erase-an-event.md.
    """
    with opened(settings) as app:
        with progress("Live position", quiet=quiet) as report:
            position = replaying.catch_up(app.engine, app.runner, app.log, report)
        write_anew(app.engine)
    click.echo(f"Written anew. The read models have taken in every erasure up to {position}.")
