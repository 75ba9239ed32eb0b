"""`timeline retry`."""

import rich_click as click

from timeline.application.retrying import retry as try_again
from timeline.bootstrap import holder_name
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.options import POLICY, json_option, pass_settings
from timeline.cli.showing import document, shown
from timeline.projections.lease import Lease
from timeline.settings import Settings


@click.command()
@click.argument(
    "policies",
    metavar="[POLICY]…",
    nargs=-1,
    type=POLICY,
    help="Parked policies; all of them where none is named.",
)
@json_option
@pass_settings
def retry(settings: Settings, policies: tuple[str, ...], *, as_json: bool) -> None:
    """Take parked policies into the read models again: those named, or all.

    A policy is parked where one of its events broke the read models. Afterwards the rows are those
    of a rebuild. What breaks again stays parked, with why, and the exit code is 1.
    """
    with opened(settings) as app:
        lease = Lease(app.engine, holder_name())
        done, left = try_again(app.engine, app.runner, lease, policies)
    if as_json:
        click.echo(document({"unparked": done, "parked": left}))
    else:
        for policy in done:
            click.echo(f"{policy}: unparked")
        for each in left:
            click.echo(
                f"{each.policy}: still parked at position {each.position}: {shown(each.error)}"
            )
    if left:
        raise CommandError(f"{len(left)} parked: an event still breaks the read models.")
