"""`timeline proof`."""

import rich_click as click

from timeline.cli.database import opened
from timeline.cli.options import pass_settings
from timeline.settings import Settings


@click.command()
@click.argument("event", help="The id of the event.")
@pass_settings
def proof(settings: Settings, event: str) -> None:
    """Print the file that proves an event to be in the log (c2sp.org/tlog-proof@v1).

    It leads from the event's entry to the newest checkpoint, and is checked with the log's verifier
    key and the entry alone.
    """
    with opened(settings) as app:
        click.echo(bytes(app.prover.proof_file(event)), nl=False)
