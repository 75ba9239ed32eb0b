"""`timeline verify`."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import rich_click as click

from timeline.application import remote_verifying as remote
from timeline.application import verifying
from timeline.application.findings import Finding
from timeline.application.log_client import LogClient
from timeline.application.remote_verified import RemotelyVerified
from timeline.cli.database import known_keys, migrated
from timeline.cli.errors import CommandError
from timeline.cli.options import VERIFIER_KEYS, json_option, pass_settings, quiet_option
from timeline.cli.progress import progress
from timeline.cli.seen import Seen
from timeline.cli.showing import document, shown, visible
from timeline.settings import TOKEN_VARIABLE, Settings
from timeline.transparency.checkpoints import opened
from timeline.transparency.errors import TransparencyError, UnknownSigner
from timeline.transparency.keys import ED25519, VerifierKey

NEW_KEY: Final = (
    "Where the log's key was changed, ask the operator for the new one, in another way than from this"
    " service, and give both once: --key OLD --key NEW."
)

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--url", metavar="URL", help="Check the log of this service from outside, over HTTP.")
@click.option(
    "--key",
    "keys",
    type=VERIFIER_KEYS,
    multiple=True,
    metavar="KEY",
    help="A verifier key of the log, or of a witness, or several, one a line; may be repeated. Without --url, beside"
    " those of the key file.",
)
@click.option(
    "--since",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="A checkpoint that was seen before: the log must have grown from it. May be repeated.",
)
@click.option(
    "--state",
    type=_FILE,
    metavar="FILE",
    help="With --url: where the checkpoint seen last is kept.",
)
@json_option
@quiet_option
@pass_settings
def verify(
    settings: Settings,
    url: str | None,
    keys: tuple[tuple[VerifierKey, ...], ...],
    since: tuple[Path, ...],
    state: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check that the record was never rewritten.

    Without --url, the whole log in the database is walked: entries, payloads, the tree, checkpoints
    and signatures; what is wrong is told by its position. With --url, the log of a service, or of a
    mirror, is checked from outside, with nothing but its public key. The checkpoint seen is
    remembered, so that a fork or a shortened log is detected the next time. Where reading needs a
    token, TIMELINE_TOKEN holds it; it goes over https alone, or to this machine. The exit code is 1
    where anything is found wrong, or a witness whose --key is given has not cosigned the checkpoint,
    and also where the log cannot be read: `outcome` of --json tells wrong from unreachable. It is 2
    where another key signed than was given.
    """
    given = list(dict.fromkeys(key for some in keys for key in some))
    own = [key for key in given if key.algorithm == ED25519]
    witnesses = [key for key in given if key.algorithm != ED25519]
    if url is None:
        if witnesses or state is not None:
            raise click.UsageError("--state, and a witness's --key, go with --url.")
        _verify_here(settings, own, since, as_json=as_json, quiet=quiet)
    elif not own:
        raise click.UsageError("--url needs the log's public key: --key KEY.")
    else:
        seen = _read(since, own)
        kept = Seen(own, os.environ, state)
        with LogClient(url, os.environ.get(TOKEN_VARIABLE) or None) as client:
            _verify_there(client, own, seen, witnesses, kept, as_json=as_json, quiet=quiet)


def _verify_here(
    settings: Settings,
    keys: Sequence[VerifierKey],
    since: Sequence[Path],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    file = known_keys(settings)
    own = () if file is None else file.read()
    seen = _read(since, [*(each.verifier for each in own), *keys])
    with migrated(settings) as engine, progress("Verified", quiet=quiet) as report:
        found = verifying.verify(engine, file, keys=keys, seen=seen, report=report)
    if as_json:
        click.echo(document(found))
    else:
        click.echo(f"log: {found.position} entries, root {found.root or 'unknown'}")
        click.echo(
            f"checked: {found.payloads} payloads, {found.erased} erased, {found.tiles} tiles,"
            f" {found.checkpoints} checkpoints, {found.cosignatures} cosignatures"
        )
        _tell(found.unchecked, found.findings, complete=found.complete)
    _end(found.findings, complete=found.complete)


def _verify_there(
    client: LogClient,
    keys: Sequence[VerifierKey],
    seen: Sequence[bytes],
    witnesses: Sequence[VerifierKey],
    kept: Seen,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    before = list(dict.fromkeys((*seen, *kept.read())))
    try:
        with progress("Verified", quiet=quiet) as report:
            found = remote.verify(client, keys, seen=before, witnesses=witnesses, report=report)
    except UnknownSigner as error:
        raise click.UsageError(f"Nothing was checked. {shown(error)} {NEW_KEY}") from error
    if found.complete and not found.findings:
        kept.keep(found.checkpoint.encode())
    if as_json:
        click.echo(document(found))
    elif found.checkpoint:
        _tell_remote(found)
    _end(found.findings, complete=found.complete)
    if found.unread is not None:
        raise CommandError(_unread(found))
    if found.not_cosigned:
        missing, asked = len(found.not_cosigned), len(witnesses)
        raise CommandError(f"The checkpoint is not cosigned by {missing} of {asked} witnesses.")


def _tell_remote(found: RemotelyVerified) -> None:
    click.echo(f"log: {shown(found.origin)}, {found.size} entries, root {found.root or 'unknown'}")
    sizes = ", ".join(map(str, found.seen)) or "none: it is seen for the first time"
    click.echo(f"checked: {found.entries} entries, {found.tiles} tiles")
    click.echo(f"seen before, with so many entries: {sizes}")
    for witness in found.witnesses:
        click.echo(f"cosigned by: {shown(witness)}")
    for witness in found.not_cosigned:
        click.echo(f"not cosigned by: {shown(witness)}")
    _tell(found.unchecked, found.findings, complete=found.complete)
    for note in found.evidence:
        click.echo("\nkeep this, as evidence:")
        for line in note.split("\n"):
            click.echo(visible(line))


def _unread(found: RemotelyVerified) -> str:
    """Say that a log could not be checked, which is no word against it, nor for it."""
    how_far = "" if not found.checkpoint else f" beyond {found.entries} of {found.size} entries"
    known = max(found.seen, default=0)
    before = f" It had {known} entries when it was seen before." if known else ""
    return (
        f"The log could not be checked{how_far}: {found.unread}. Nothing was found wrong, and nothing"
        f" is proven; try again.{before}"
    )


def _tell(unchecked: Iterable[str], findings: Sequence[Finding], *, complete: bool) -> None:
    for each in unchecked:
        click.echo(f"not checked: {each}")
    for finding in findings:
        click.echo(f"wrong: {shown(finding)}")
    if not complete:
        click.echo("not looked any further")


def _end(findings: Sequence[Finding], *, complete: bool) -> None:
    if findings:
        more = "" if complete else "at least "
        raise CommandError(f"The log is not as it has to be in {more}{len(findings)} ways.")


def _read(since: Iterable[Path], keys: Sequence[VerifierKey]) -> list[bytes]:
    """Return checkpoints that were seen before; one that none of the keys signed tells nothing."""
    found: list[bytes] = []
    for path in since:
        try:
            with path.open("rb") as file:
                note = file.read(remote.MAX_CHECKPOINT_BYTES)
            opened(note, keys)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from error
        except TransparencyError as error:
            raise click.UsageError(
                f"{path}: {shown(error)} Where an earlier key of the log signed it, give that one with"
                " --key, too."
            ) from error
        found.append(note)
    return found
