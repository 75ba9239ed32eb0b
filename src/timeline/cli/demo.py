"""`timeline demo`."""

import re
import secrets
from pathlib import Path
from typing import Final

import rich_click as click

import timeline
from timeline.application.access import Role
from timeline.cli.database import opened
from timeline.cli.errors import CommandError
from timeline.cli.importing import How, import_events, tell
from timeline.cli.key import make_beside_database
from timeline.cli.migrating import migrate
from timeline.cli.options import pass_settings, quiet_option
from timeline.cli.serve import bindable, host_option, listen, port_option, shown
from timeline.importers.opening import Inputs
from timeline.settings import Settings

EXAMPLE: Final = "los-angeles.ndjson"
POLICY: Final = "la-ordinance-188441"
"""The policy that the story is about."""

PRINCIPAL: Final = "demo-"
"""How the principals of demos are named: each run has one, and revokes those before it."""

_OF_A_DEMO: Final = re.compile(f"{PRINCIPAL}[0-9a-f]{{6}}", re.ASCII)

DESK: Final = "los-angeles-desk"
"""The principal of the example's events."""

_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@click.command()
@host_option
@port_option
@quiet_option
@pass_settings
def demo(settings: Settings, host: str | None, port: int | None, *, quiet: bool) -> None:
    """Record the Los Angeles story and serve it: migrate, import, a token, serve.

    It prints the address of the page that shows the story, and a token.
    The data stays in TIMELINE_DATABASE_URL; the command can be run again on it.
    """
    address = bindable(host or settings.host, port or settings.port)
    migrate(settings, quiet=quiet)
    with opened(settings) as app:
        make_beside_database(settings, app.published)
    with opened(settings, records=True) as app:
        story = Inputs([str(example_file())])
        tell(
            import_events(app, story, How(principal=DESK, quiet=quiet)),
            dry_run=False,
            as_json=False,
        )
        app.runner.catch_up()
        for record in app.access.records():
            if _OF_A_DEMO.fullmatch(record.name) and record.revoked_at is None:
                app.access.revoke(record.name)
        name = PRINCIPAL + secrets.token_hex(3)
        token = app.access.create(name, Role.ADMIN)
    listen(
        settings, *address, settings.workers, lambda: click.echo(_welcome(*address, name, token))
    )


def example_file() -> Path:
    """Return the Los Angeles story: in the installed package, or in a checkout."""
    package = Path(timeline.__file__).resolve().parent
    for directory in (package / "examples", package.parents[1] / "examples"):
        if (directory / EXAMPLE).is_file():
            return directory / EXAMPLE
    raise CommandError(f"This installation has no {EXAMPLE}.")


def _welcome(host: str, port: int, name: str, token: str) -> str:
    address = f"http://{shown(_ANY_ADDRESS.get(host, host), port)}"
    return "\n".join(
        (
            "",
            f"address: {address}",
            f"page: {address}/?around={POLICY}&depth=3",
            f"token: {token}",
            f"principal: {name} (admin)",
            "",
            f"export TOKEN={token}",
            f"curl '{address}/v1/timeline?around={POLICY}&depth=3'",
            "",
        )
    )
