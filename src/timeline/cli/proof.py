"""`timeline proof`."""

from typing import BinaryIO

import rich_click as click

from timeline.application.proving import Prover
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.options import pass_settings
from timeline.cli.policy_files import read_policy, require_named
from timeline.settings import Settings
from timeline.transparency.policies import Policy
from timeline.transparency.proof_files import ProofFile


@click.command()
@click.argument("event", help="The id of the event.")
@click.option(
    "--witnessed",
    type=click.File("rb"),
    metavar="POLICY",
    help="Lead to the newest checkpoint that this policy accepts (C2SP tlog-policy).",
)
@pass_settings
def proof(settings: Settings, event: str, witnessed: BinaryIO | None) -> None:
    """Print the file that proves an event to be in the log (c2sp.org/tlog-proof@v1).

    It leads from the event's entry to the newest checkpoint, and is checked with the log's verifier
    key and the entry alone. While the log grows, witnesses are behind: --witnessed takes the newest
    checkpoint that enough of them have cosigned.
    """
    policy = None if witnessed is None else read_policy(witnessed)
    with opened(settings) as app:
        if policy is None:
            file = app.prover.proof_file(event)
        else:
            require_named(policy, app.published.verifier_keys())
            file = _witnessed(app.prover, event, policy)
        click.echo(bytes(file), nl=False)


def _witnessed(prover: Prover, event: str, policy: Policy) -> ProofFile:
    position = prover.position(event)
    found = prover.witnessed(policy, position)
    if found is not None:
        return prover.proof_at(position, found)
    older = prover.witnessed(policy)
    newest = "none does" if older is None else f"the newest that does has {older.size} entries"
    raise CommandError(
        f"The event is at position {position}, and no checkpoint that has it satisfies the policy "
        f"yet: {newest}."
    )
