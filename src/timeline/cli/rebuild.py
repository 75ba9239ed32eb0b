"""`timeline rebuild`."""

import msgspec
import rich_click as click

from timeline.application.replay import catch_up
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.options import json_option, pass_settings, quiet_option
from timeline.cli.progress import progress
from timeline.projections import rebuild as rebuilding
from timeline.projections.models import MODELS
from timeline.settings import Settings


@click.command()
@click.argument(
    "projections",
    metavar="[PROJECTION]…",
    nargs=-1,
    type=click.Choice([model.name for model in MODELS]),
    help="A read model to build: "
    + ", ".join(model.name for model in MODELS)
    + "; all by default.",
)
@click.option(
    "--accept-differences",
    is_flag=True,
    help="Switch even where the rebuilt rows differ from the live ones.",
)
@json_option
@quiet_option
@pass_settings
def rebuild(
    settings: Settings,
    projections: tuple[str, ...],
    *,
    accept_differences: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Build read models anew from the log, compare them with the live ones and switch.

    Readers are served from the live ones all the while. Where the rows differ, nothing is switched
    and the exit code is 1, unless --accept-differences is given.
    """
    models = [model for model in MODELS if not projections or model.name in projections]
    with opened(settings) as app:
        # What is compared has to be complete, and no service need be running.
        with progress("Live position", quiet=quiet) as report:
            catch_up(app.engine, app.runner, app.log, report)
        with progress("Position", quiet=quiet) as report:
            compared = rebuilding.rebuild(
                app.engine,
                app.log,
                models,
                accept_differences=accept_differences,
                on_progress=report,
            )
    if as_json:
        click.echo(msgspec.json.encode([_document(each) for each in compared]))
    else:
        for each in compared:
            click.echo(_line(each))
    different = [each.name for each in compared if not each.identical]
    if different and not accept_differences:
        raise CommandError(f"The live rows of {', '.join(different)} are not what the log gives.")


def _document(one: rebuilding.Compared) -> dict[str, object]:
    return {**msgspec.structs.asdict(one), "identical": one.identical}


def _line(one: rebuilding.Compared) -> str:
    digests = one.live if one.identical else f"live {one.live}, rebuilt {one.rebuilt}"
    kind = "identical" if one.identical else "different"
    end = f"slot {one.slot} is live" if one.switched else "not switched"
    return f"{one.name}: {kind} at position {one.position}, {digests}, {end}"
