"""What an import leaves of the read models: at the log's end, or how far, and who goes on.

Owns whether this process brings them there, and what is said of it. Must not know what was imported.
"""

import time
from typing import Final

import rich_click as click

from timeline.application.replay import catch_up
from timeline.bootstrap import Application, holder_name
from timeline.cli.progress import progress
from timeline.projections.lease import Lease

LONG_S: Final = 1.0
"""From which time on a rate is worth telling."""


def bring_on(app: Application, *, quiet: bool) -> None:
    """Bring the read models to the log's end, where no service is about it, and say how far they are.

    An interrupt leaves them where they are, which is told before it is raised again.

    Args:
        app: the application.
        quiet: show no progress.

    """
    began_s, before = time.monotonic(), app.runner.position()
    try:
        if _holder(app) is None:
            with progress("Read models", quiet=quiet) as report:
                catch_up(app.engine, app.runner, app.log, report)
    finally:
        took_s, reached = time.monotonic() - began_s, app.runner.position()
        tell_rate("The read models took", reached - before, took_s, quiet=quiet)
        tell_projected(app)


def tell_projected(app: Application) -> None:
    """Say how far the read models are, and what brings them on, where something is left."""
    position, head = app.runner.position(), app.log.head()
    if position == head:
        return
    holder = _holder(app)
    who = "while `timeline serve` runs" if holder is None else "as a running service reads on"
    click.echo(f"The read models reflect {position} of {head} events; they follow {who}.", err=True)


def tell_rate(what: str, events: int, took_s: float, *, quiet: bool) -> None:
    """Say how long something took where progress is shown, unless that is next to nothing."""
    if not quiet and took_s >= LONG_S and events > 0:
        rate = f"{events / took_s:,.0f} events a second"
        click.echo(f"{what} {took_s:.1f} s: {events} events, {rate}.", err=True)


def _holder(app: Application) -> str | None:
    """Return which service advances the read models, if one does."""
    return Lease(app.engine, holder_name()).look().holder
