"""`timeline proof`."""

from typing import BinaryIO

import rich_click as click

from timeline.application.proof_checking import MAX_FILE_BYTES, CheckedProof, check
from timeline.application.proving import Prover
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.options import VERIFIER_KEYS, pass_settings
from timeline.cli.policy_files import read_policy, require_named
from timeline.cli.showing import shown
from timeline.settings import Settings
from timeline.transparency.errors import TransparencyError, UnknownSigner
from timeline.transparency.keys import ED25519, VerifierKey
from timeline.transparency.policies import Policy
from timeline.transparency.proof_files import ProofFile


@click.command()
@click.argument("event", required=False, help="The id of the event.")
@click.option(
    "--witnessed",
    type=click.File("rb"),
    metavar="POLICY",
    help="Lead to the newest checkpoint that this policy accepts (C2SP tlog-policy).",
)
@click.option(
    "--check",
    "checked",
    type=click.File("rb"),
    metavar="FILE",
    help="Check a proof in place of making one: such a file, or the answer of GET /v1/events/EVENT?proof=true.",
)
@click.option(
    "--entry",
    type=click.File("rb"),
    metavar="FILE",
    help="With --check and a proof file: the entry that it is of, or the event's answer, which has it.",
)
@click.option(
    "--key",
    "keys",
    type=VERIFIER_KEYS,
    multiple=True,
    metavar="KEY",
    help="With --check: a verifier key of the log, or of a witness who has to have cosigned; may be repeated.",
)
@pass_settings
def proof(
    settings: Settings,
    event: str | None,
    witnessed: BinaryIO | None,
    checked: BinaryIO | None,
    entry: BinaryIO | None,
    keys: tuple[tuple[VerifierKey, ...], ...],
) -> None:
    """Print the file that proves an event to be in the log (c2sp.org/tlog-proof@v1), or check one.

    It leads from the event's entry to the newest checkpoint, and is checked with the log's verifier
    key and the entry alone. While the log grows, witnesses are behind: --witnessed takes the newest
    checkpoint that enough of them have cosigned.

    --check needs no database and no service, but for the key: it checks the entry, its way to the
    checkpoint, the signature and, where data and salt are there, that they are what was recorded.
    """
    if checked is not None:
        if event is not None or witnessed is not None:
            raise click.UsageError("--check goes with --entry and --key alone.")
        _check(checked, entry, [key for some in keys for key in some])
    elif event is None or entry is not None or keys:
        raise click.UsageError("Name an EVENT, or --check FILE with --key KEY.")
    else:
        _print(settings, event, witnessed)


def _print(settings: Settings, event: str, witnessed: BinaryIO | None) -> None:
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


def _check(file: BinaryIO, beside: BinaryIO | None, keys: list[VerifierKey]) -> None:
    """Check a proof that was kept, and tell what it proves."""
    own = [key for key in keys if key.algorithm == ED25519]
    if not own:
        raise click.UsageError("--check needs the log's public key: --key KEY.")
    raw = file.read(MAX_FILE_BYTES)
    entry = None if beside is None else beside.read(MAX_FILE_BYTES)
    witnesses = [key for key in keys if key.algorithm != ED25519]
    try:
        found = check(raw, own, beside=entry, witnesses=witnesses)
    except UnknownSigner as error:
        raise click.UsageError(f"Nothing was checked. {shown(error)}") from error
    except TransparencyError as error:
        raise CommandError(f"Not proven: {shown(error)}") from error
    _tell(found)
    if found.opened is False:
        raise CommandError("The entry is in the log, and data and salt are not what it commits to.")


def _tell(found: CheckedProof) -> None:
    entry = found.entry
    click.echo(
        f"proven: position {entry.position} of {shown(found.origin)}, at {found.size} entries"
    )
    click.echo(f"event: {shown(entry.id)}, {shown(entry.type)} of {shown(entry.policy)}")
    click.echo(f"recorded: by {shown(entry.recorded_by)} at {shown(entry.recorded_at)}")
    for key in found.keys:
        click.echo(f"signed by: {shown(key)}")
    for witness in found.witnesses:
        click.echo(f"cosigned by: {shown(witness)}")
    if found.opened:
        click.echo("data: what was recorded, as it opens the entry's commitment")
    elif found.opened is None:
        click.echo("not checked: the data, which is erased, or not beside the proof with its salt")
