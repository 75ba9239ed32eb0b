"""The command `timeline`: its settings, its logs, and how it ends.

Owns the list of commands and the meaning of exit codes: 0 done, 1 refused or found wrong, 2 used
wrongly, 130 interrupted. What is expected to go wrong is one line on standard error; what is not
keeps its traceback. Imports a command, and what it stands on, only once that is asked for.
"""

import os
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import rich_click as click

from timeline import __version__

REFUSED: Final = 1
USED_WRONGLY: Final = 2
INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells have it."""

COMMANDS: Final[Mapping[str, str]] = {
    "copy": "timeline.cli.copy:copy",
    "demo": "timeline.cli.demo:demo",
    "export": "timeline.cli.export:export",
    "import": "timeline.cli.import_:import_",
    "key": "timeline.cli.key:key",
    "migrate": "timeline.cli.migrate:migrate",
    "proof": "timeline.cli.proof:proof",
    "rebuild": "timeline.cli.rebuild:rebuild",
    "replay": "timeline.cli.replay:replay",
    "retry": "timeline.cli.retry:retry",
    "serve": "timeline.cli.serve:serve",
    "status": "timeline.cli.status:status",
    "token": "timeline.cli.token:token",
    "vacuum": "timeline.cli.vacuum:vacuum",
    "verify": "timeline.cli.verify:verify",
    "witness": "timeline.cli.witness:witness",
}
"""Where each command is."""


class Group(click.RichGroup):
    """A group whose commands end as the module says, and are imported when they are asked for."""

    def __init__(
        self, *args: Any, places: Mapping[str, str] = MappingProxyType({}), **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names, without importing any."""
        return sorted({*super().list_commands(ctx), *self._places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported where it was not yet."""
        if cmd_name in self._places and cmd_name not in self.commands:
            module, _, name = self._places[cmd_name].partition(":")
            self.add_command(getattr(import_module(module), name))
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and turn what it raises into its exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            code = _exit_code(error)
            if code is None:
                raise
            from timeline.cli.errors import one_line

            click.echo(f"Error: {one_line(error)}", err=True)
            ctx.exit(code)


def _exit_code(error: Exception) -> int | None:
    """Return the exit code of an error that is expected, None for one that is not."""
    from timeline.application.errors import ApplicationError
    from timeline.cli.errors import CommandError
    from timeline.domain.errors import DomainError
    from timeline.eventstore.errors import EventStoreError
    from timeline.projections.errors import RebuildError
    from timeline.settings import SettingsError
    from timeline.transparency.errors import TransparencyError

    if isinstance(error, SettingsError):
        return USED_WRONGLY
    expected = (
        ApplicationError,
        CommandError,
        DomainError,
        EventStoreError,
        RebuildError,
        TransparencyError,
    )
    return REFUSED if isinstance(error, expected) else None


@click.group(cls=Group, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="timeline", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Keep and read the record of what governments did.

    Settings are TIMELINE_* environment variables; TIMELINE_DATABASE_URL names the database.
    """
    from timeline.observability import configure
    from timeline.settings import Settings

    settings = Settings.from_environment(os.environ)
    configure(settings.log_level, settings.log_format)
    ctx.obj = settings
