"""`timeline key generate|show|retire|adopt`."""

import secrets
import sys

import msgspec
import rich_click as click
import structlog

from timeline.application.errors import KeyFileError
from timeline.application.key_files import MAX_KEYS, KeyFile
from timeline.application.signing import Signer
from timeline.bootstrap import key_file
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.options import json_option, pass_settings
from timeline.eventstore.errors import LogDiverged
from timeline.eventstore.published import Published
from timeline.settings import Settings
from timeline.transparency.checkpoints import Checkpoint
from timeline.transparency.keys import SEED_BYTES, SigningKey, VerifierKey
from timeline.transparency.merkle import EMPTY_ROOT
from timeline.transparency.notes import Note, signed

_log = structlog.get_logger(__name__)


@click.group()
def key() -> None:
    """Make, show and retire the keys that sign the log's checkpoints.

    They are kept in TIMELINE_SIGNING_KEY_FILE, or beside an SQLite database; never in it.
    """


@key.command()
@click.option(
    "--rotate",
    is_flag=True,
    help="Make a second key: both sign, until `timeline key retire` takes the older one.",
)
@pass_settings
def generate(settings: Settings, *, rotate: bool) -> None:
    """Make a key, and print by which verifier key its signatures are checked.

    A running service takes up a second key with the next checkpoint. Give its verifier key to
    whoever checks the log before the older one is retired.
    """
    file = _file(settings)
    made = generated(settings)
    if rotate:
        with file.alone():
            keys = file.read()
            if len(keys) >= MAX_KEYS:
                raise CommandError("There are two keys already; retire the older one first.")
            file.write([*keys, made])
    elif not file.begin([made]):
        raise CommandError(f"{file.path} is there already; `--rotate` makes a second key.")
    click.echo(str(made.verifier))
    click.echo(
        f"{file.path} holds the private key: keep a copy where the database is not.", err=True
    )


@key.command()
@json_option
@pass_settings
def show(settings: Settings, *, as_json: bool) -> None:
    """Print the verifier keys, the oldest first; the private keys are never shown."""
    keys = [str(each.verifier) for each in _file(settings).read()]
    click.echo(msgspec.json.encode(keys) if as_json else "\n".join(keys))


@key.command()
@pass_settings
def retire(settings: Settings) -> None:
    """Sign with the newer one of two keys alone, and print its verifier key.

    The newer one has to have signed a checkpoint, which the next one is then held against.
    """
    file = _file(settings)
    with file.alone():
        keys = file.read()
        if len(keys) < MAX_KEYS:
            raise CommandError(
                "There is one key alone; make another with `timeline key generate --rotate`."
            )
        last = file.last_signed()
        newer = keys[-1].verifier
        if last is not None and not _stands_for(newer, Note.parse(last)):
            # Without it the last checkpoint could not be checked any more.
            raise CommandError(
                "The newer key has not signed yet: it does with the next checkpoint, after the next"
                " event."
            )
        file.write(keys[1:])
    click.echo(str(newer))


def _stands_for(key: VerifierKey, note: Note) -> bool:
    """Tell whether a key has signed a checkpoint, or that has nothing to sign for."""
    nothing = Checkpoint.parse(note.text).size == 0
    return nothing or any(line.made_by(key) for line in note.signatures)


@key.command()
@click.option("--yes", is_flag=True, help="Do it: what was signed is then given up for good.")
@pass_settings
def adopt(settings: Settings, *, yes: bool) -> None:
    """Take the log as it stands for the one that was signed last, and let recording go on.

    For when what lay beside the keys is lost, or a backup was restored on purpose. Whoever kept a
    later checkpoint will find that this log is another one. Nothing else lets a log go on that was
    stopped since it was found to be another one than was signed.

    Run `timeline verify` first: it tells what differs, and nothing here looks at entries and payloads.
    On a terminal it is asked before anything is given up; elsewhere, and where the log contradicts
    what was signed last, --yes has to be given.
    """
    file = _file(settings)
    with opened(settings) as app, file.alone():
        keys = file.read()
        latest = app.published.latest()
        if latest is None:
            nothing = Checkpoint(settings.log_origin, 0, EMPTY_ROOT)
            note = bytes(signed(nothing.text, keys))
        else:
            note = latest.note
        before = file.last_signed()
        signer = Signer(app.store, app.published, file, settings.log_origin, app.clock)
        contradicted = app.store.stopped() is not None or not _goes_on(signer)
        if before is not None:
            click.echo(f"Given up: {_told(before)}", err=True)
        click.echo(f"Taken instead: {_told(note)}", err=True)
        if not yes:
            _ask(contradicted=contradicted)
        file.keep_signed(note)
        # What is not even the log of its own newest checkpoint stays stopped.
        signer.check()
        stop = app.store.resume()
    click.echo(_told(note))
    if stop is not None:
        click.echo(f"Recording goes on in every process. It was stopped {stop}", err=True)


def _goes_on(signer: Signer) -> bool:
    """Tell whether the log goes on from what was signed last; also where nothing is known of that."""
    try:
        signer.check()
    except KeyFileError:
        return True
    except LogDiverged:
        return False
    return True


def _ask(*, contradicted: bool) -> None:
    """Have an operator agree, who saw what is given up; raises CommandError where nobody does."""
    if contradicted:
        raise CommandError(
            "Nothing was changed. The log is not the one that was signed last: `timeline verify` tells"
            " what differs. Once you know that this one is to count, `timeline key adopt --yes`."
        )
    if not sys.stdin.isatty():
        raise CommandError(
            "Nothing was changed. `timeline verify` tells whether the log is as it has to be; then"
            " `timeline key adopt --yes`."
        )
    click.confirm("Did `timeline verify` find the log as it has to be?", abort=True, err=True)


def _told(note: bytes) -> str:
    origin, size, root = note.decode(errors="replace").split("\n")[:3]
    return f"{origin}: {size} entries, root hash {root}"


def generated(settings: Settings) -> SigningKey:
    """Return a new key of the log's name."""
    return SigningKey(settings.log_origin, secrets.token_bytes(SEED_BYTES))


def make_beside_database(settings: Settings, published: Published) -> None:
    """Make a key beside an SQLite database that has none, and say so.

    Where the settings name a file, an operator makes the key; where there is no place for one, it
    is said that nothing is signed.

    Raises:
        CommandError: the log was signed, so that a key is missing, and not only not there yet.

    """
    file = key_file(settings)
    if file is None:
        _log.warning("log.signing.off", setting="TIMELINE_SIGNING_KEY_FILE")
    elif settings.signing_key_file is None and not file.signed_before():
        latest = published.latest()
        if latest is not None:
            raise CommandError(
                f"{file.path} is missing, the key that signed the log's {latest.size} entries: bring"
                " it back, with the .checkpoint beside it. Where it is lost, `timeline key generate`"
                " makes another one, and `timeline key adopt --yes` begins with the log as it stands."
            )
        made = generated(settings)
        if not file.begin([made]):
            return  # Another process was first.
        _log.warning("log.key.made", file=str(file.path), verifier=str(made.verifier))


def _file(settings: Settings) -> KeyFile:
    file = key_file(settings)
    if file is None:
        raise CommandError("Set TIMELINE_SIGNING_KEY_FILE to the path of the key.")
    return file
