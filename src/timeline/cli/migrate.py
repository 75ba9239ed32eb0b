"""`timeline migrate`."""

import rich_click as click
from sqlalchemy import make_url

from timeline.cli import migrating
from timeline.cli.options import pass_settings
from timeline.eventstore import schema
from timeline.settings import Settings


@click.command()
@click.option("--grant-to", metavar="ROLE", help="The PostgreSQL role that the service uses.")
@pass_settings
def migrate(settings: Settings, grant_to: str | None) -> None:
    """Bring the database's schema up to date, and fill the read models where that emptied them.

    Where that changed anything, the whole log is then checked, as `timeline verify` does.

    On PostgreSQL, run it as the role that owns the tables. With --grant-to, another role gets what
    the service needs, and nothing that would let it change what is recorded.
    """
    url = make_url(settings.database_url)
    if grant_to is not None and url.get_backend_name() != "postgresql":
        raise click.UsageError("--grant-to goes with a PostgreSQL database.")
    migrating.migrate(settings, grant_to)
    click.echo(f"The schema is at {schema.head_revision()}.", err=True)
