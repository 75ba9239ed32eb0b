"""`timeline witness`."""

import signal
import threading
from collections.abc import Iterator
from typing import BinaryIO, Final

import rich_click as click
import structlog

from timeline.application.witnessing import Witnessed, Witnesses
from timeline.bootstrap import Application
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.options import json_option, pass_settings
from timeline.cli.policy_files import read_policy, require_named
from timeline.cli.showing import document, shown
from timeline.eventstore.errors import StoreBusy, StoreUnavailable
from timeline.settings import Settings
from timeline.transparency.policies import Policy

SHORTEST_PAUSE_S: Final = 1
LONGEST_PAUSE_S: Final = 86_400

_log = structlog.get_logger(__name__)


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

    Exits with 0 where as many have as the policy asks for, with 1 where not, or where one has seen a
    log that is not this one: then find out what happened to it before anything else.
    """
    asked = read_policy(policy)
    found, contradicting = None, set[str]()
    with opened(settings) as app:
        for found in _asked(app, asked, every_s):
            _tell(found, as_json=as_json)
            contradicting.update(found.contradicting if found else ())
    if contradicting:
        names = ", ".join(sorted(contradicting))
        raise CommandError(f"The log is not the one that {names} has seen.")
    if found is None:
        raise CommandError("There is no checkpoint yet: `timeline serve` signs one, with its key.")
    if not found.satisfied:
        raise CommandError("Fewer witnesses have cosigned than the policy asks for.")


def _asked(app: Application, policy: Policy, every_s: int | None) -> Iterator[Witnessed | None]:
    """Yield how it went, once, or again and again until it is to stop.

    A database that is busy or gone for a while is asked the next time.
    """
    witnesses = Witnesses(app.published, policy)
    if every_s is None:
        require_named(policy, app.published.verifier_keys())
        yield witnesses.ask()
        return
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    while not stopping.is_set():
        try:
            require_named(policy, app.published.verifier_keys())
            found = witnesses.ask()
        except (StoreBusy, StoreUnavailable) as error:
            _log.warning("log.witness.waiting", reason=str(error))
        else:
            yield found
        stopping.wait(every_s)


def _tell(found: Witnessed | None, *, as_json: bool) -> None:
    if as_json:
        click.echo(document(found))
        return
    if found is None:
        return
    who = ", ".join(map(shown, found.cosigned)) or "nobody"
    enough = "enough" if found.satisfied else "not enough"
    click.echo(f"{found.size} entries: cosigned by {who}; {enough}")
    for name, reason in found.missing.items():
        click.echo(f"{shown(name)}: {shown(reason)}", err=True)
