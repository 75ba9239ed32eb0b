"""`timeline replay`."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

import msgspec
import rich_click as click

from timeline.application import replay as replaying
from timeline.application.errors import InvalidRequest
from timeline.application.queries import HistoryQuery
from timeline.bootstrap import Application
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.options import POLICY, POSITION, json_option, pass_settings, quiet_option
from timeline.cli.progress import progress
from timeline.cli.showing import document, visible
from timeline.projections.models import MODELS
from timeline.settings import Settings

_AXES: Final = ("stage", "force", "litigation", "in_force")


@click.command()
@click.argument(
    "policy",
    type=POLICY,
    required=False,
    help="The id of the policy to tell of; all read models are checked without.",
)
@click.option("--until", type=POSITION, metavar="P", help="Replay up to this position.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="With POLICY: its state on this date, in place of today.",
)
@json_option
@quiet_option
@pass_settings
def replay(
    settings: Settings,
    policy: str | None,
    until: int | None,
    as_of: datetime | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Replay the record: check the read models, or tell the story of a POLICY.

    Without POLICY, every read model is computed again from the log alone, in a database that is
    thrown away afterwards, and compared with the live one; where they differ, the exit code is 1.
    With POLICY, its events are told one by one, each with what it changed and the state after it.
    """
    if policy is None:
        if as_of is not None:
            raise click.UsageError("--as-of goes with a POLICY.")
        with opened(settings) as app:
            _check(app, until, as_json=as_json, quiet=quiet)
    else:
        day = None if as_of is None else as_of.date()
        with opened(settings) as app:
            _tell(app, policy, until, day, as_json=as_json, quiet=quiet)


def _caught_up(app: Application, *, quiet: bool) -> int:
    """Do what a running service would have done by now; return the position reached."""
    with progress("Live position", quiet=quiet) as report:
        return replaying.catch_up(app.engine, app.runner, app.log, report)


def _check(app: Application, until: int | None, *, as_json: bool, quiet: bool) -> None:
    _caught_up(app, quiet=quiet)
    with progress("Position", quiet=quiet) as report:
        result = replaying.replay(app.engine, app.store, MODELS, until=until, on_progress=report)
    if as_json:
        click.echo(document(result))
    else:
        click.echo(f"position {result.position}, last erasure {result.last_erasure or 'none'}")
        for each in result.projections:
            if each.identical:
                click.echo(f"{each.name}: identical, {each.live}")
            else:
                click.echo(f"{each.name}: different, live {each.live}, replayed {each.replayed}")
        recorded = result.recorded
        if recorded is not None:
            click.echo(f"recorded for {recorded.day}: {_FOUND[recorded.difference]}")
    if not result.identical:
        names = ", ".join(each.name for each in result.projections if not each.identical)
        raise CommandError(f"The live rows of {names} are not what the log gives.")
    if result.recorded is not None and result.recorded.difference == "unexplained":
        raise CommandError("The digests recorded at this position are not what the log gives.")


_FOUND: Final = {
    None: "identical",
    "erasure": "different, as something was erased since",
    "parked": "different, as events of a policy wait",
    "schema": "different, as the tables are others since",
    "unexplained": "different",
}


def _tell(
    app: Application,
    policy: str,
    until: int | None,
    day: date | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    reached = _caught_up(app, quiet=quiet)
    if until is not None and until > reached:
        raise InvalidRequest(field="until", reason=f"The record ends at position {reached}")
    query = HistoryQuery(as_of=day, known_position=until)
    steps = replaying.story(app.reader, policy, query)
    if as_json:
        for step in steps:
            click.echo(document(step))
    else:
        for step in steps:
            click.echo("\n".join(map(visible, _step(step))))


def _step(step: dict[str, Any]) -> Iterable[str]:
    event, state = step["event"], step["state"] or {}
    yield (
        f"{event['position']}  {event['type']}  {event['policy']} version {event['version']}"
        f"  by {event['recorded_by']}  at {event['recorded_at']}  {event['id']}"
    )
    told = _told(event)
    if told:
        yield f"    {told}"
    for name, (before, after) in step["changed"].items():
        yield f"    {name}: {_shown(before)} → {_shown(after)}"
    yield f"    state: {', '.join(f'{axis} {_shown(state.get(axis))}' for axis in _AXES)}"


def _told(event: dict[str, Any]) -> str:
    """Return an event's own words in a line: what, when, about which event, and the sources."""
    data = event["data"] or {}
    sources = [*data.get("sources", ()), *([data["source"]] if "source" in data else ())]
    addresses = [source.get("url") or source["citation"] for source in sources]
    words = [_shown(data[name]) for name in _TELLING if name in data]
    return "; ".join((*words, *(f"source: {address}" for address in addresses)))


_TELLING: Final = (
    "title",
    "action",
    "relation",
    "stance",
    "occurred",
    "target",
    "event",
    "changes",
    "claim",
    "duplicate",
    "reason",
    "authority",
)


def _shown(value: Any) -> str:
    """Return a value as words where it is one, else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
