"""`timeline copy`."""

import msgspec
import rich_click as click

from timeline.application.copying import Copied, copying
from timeline.application.replay import catch_up
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.options import DATABASE_URL, json_option, pass_settings, quiet_option
from timeline.cli.progress import progress
from timeline.eventstore.database import check_durability, create_engine, identity
from timeline.eventstore.migrating import migrate
from timeline.eventstore.sql import SqlStore
from timeline.projections.log import Log
from timeline.projections.runner import Runner
from timeline.settings import Settings


@click.command()
@click.option(
    "--to",
    "url",
    type=DATABASE_URL,
    required=True,
    metavar="URL",
    help="The database that takes the log: empty, or with the beginning of this one.",
)
@json_option
@quiet_option
@pass_settings
def copy(settings: Settings, url: str, *, as_json: bool, quiet: bool) -> None:
    """Copy the log to another database, byte for byte, with its checkpoints and tokens.

    The other database is migrated first, and compared at the end; its read models are built last.
    Run it again where it broke off, or to carry on what was recorded since.
    """
    with opened(settings) as app:
        target = create_engine(url)
        try:
            migrate(target)
            if identity(target) == identity(app.engine):
                raise CommandError("Both addresses are of the same database.")
            check_durability(target)
            with copying(app.engine, target) as work:
                with progress("Events copied", quiet=quiet) as report:
                    work.carry(report)
                with progress("Events compared", quiet=quiet) as report:
                    copied = work.finish(report)
            log = Log(SqlStore(target))
            with progress("Live position", quiet=quiet) as report:
                catch_up(target, Runner(target, log), log, report)
        finally:
            target.dispose()
    if as_json:
        click.echo(msgspec.json.encode(copied))
    else:
        click.echo(_summary(copied), err=True)
        if copied.checkpoint is not None:
            click.echo("The key that signs it is a file: bring it along.", err=True)
    if copied.unopened:
        raise CommandError(
            f"{copied.unopened} payloads, the first at position {copied.first_unopened}, are not what"
            " their entries commit to, in both databases: they were changed before, and are copied as"
            " they lie. `timeline verify` tells all."
        )


def _summary(copied: Copied) -> str:
    known = f"; {copied.known} had been there" if copied.known else ""
    signed = (
        "no checkpoint was signed yet"
        if copied.checkpoint is None
        else f"the checkpoint of size {copied.checkpoint} agrees"
    )
    return (
        f"{copied.copied} events copied{known}. Both logs end at position {copied.position}"
        f" with the root {copied.root}; {signed}."
    )
