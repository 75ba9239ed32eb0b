"""`timeline witness`."""

import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import rich_click as click

from timeline.application.witnessing import Witnessed, Witnesses
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.options import json_option, pass_settings
from timeline.settings import Settings
from timeline.transparency.errors import WrongPolicy
from timeline.transparency.keys import VerifierKey
from timeline.transparency.policies import Policy

MAX_POLICY_BYTES: Final = 65_536

SHORTEST_PAUSE_S: Final = 1
LONGEST_PAUSE_S: Final = 86_400


@click.command()
@click.argument(
    "policy", type=click.File("rb"), help="Who is asked and how many it takes (C2SP tlog-policy)."
)
@click.option(
    "--every",
    "every_s",
    type=click.IntRange(SHORTEST_PAUSE_S, LONGEST_PAUSE_S),
    metavar="SECONDS",
    help="Ask again and again, until SIGTERM or Ctrl-C.",
)
@json_option
@pass_settings
def witness(settings: Settings, policy: BinaryIO, every_s: int | None, *, as_json: bool) -> None:
    """Ask witnesses to cosign the newest checkpoint, and tell who has.

    Exits with 0 where as many have as the policy asks for, with 1 where not.
    """
    asked = _read(policy)
    stopping = threading.Event()
    if every_s is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
    with opened(settings) as app:
        _require_named(asked, app.published.verifier_keys())
        witnesses = Witnesses(app.published, asked)
        while True:
            found = witnesses.ask()
            _tell(found, as_json=as_json)
            if every_s is None or stopping.wait(every_s):
                break
    if found is None:
        raise CommandError("There is no checkpoint yet.")
    if not found.satisfied:
        raise CommandError("Fewer witnesses have cosigned than the policy asks for.")


def _read(policy: BinaryIO) -> Policy:
    name = Path(policy.name).name
    raw: bytes = policy.read(MAX_POLICY_BYTES + 1)
    if len(raw) > MAX_POLICY_BYTES:
        raise CommandError(f"{name} has more than {MAX_POLICY_BYTES} bytes.")
    try:
        return Policy.parse(raw.decode())
    except (WrongPolicy, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: {error}") from error


def _require_named(policy: Policy, keys: Sequence[VerifierKey]) -> None:
    """Refuse a policy that names logs, and not this one."""
    if policy.logs and keys and not set(policy.logs).intersection(keys):
        raise CommandError(f"The policy is not about this log, which signs with {keys[-1]}.")


def _tell(found: Witnessed | None, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    if found is None:
        return
    who = ", ".join(found.cosigned) or "nobody"
    enough = "enough" if found.satisfied else "not enough"
    click.echo(f"{found.size} entries: cosigned by {who}; {enough}")
    for name, reason in found.missing.items():
        click.echo(f"{name}: {reason}", err=True)
