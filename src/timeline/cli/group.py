"""The command `timeline`: its settings, its logs, and how it ends.

Owns the list of commands and the meaning of exit codes: 0 done, 1 refused or found wrong, 2 used
wrongly, 130 interrupted. What is expected to go wrong is one line on standard error; what is not
keeps its traceback.
"""

import os
from typing import Any, Final

import rich_click as click

from timeline import __version__
from timeline.application.errors import ApplicationError
from timeline.cli.demo import demo
from timeline.cli.errors import CommandError, one_line
from timeline.cli.export import export
from timeline.cli.import_ import import_
from timeline.cli.migrate import migrate
from timeline.cli.rebuild import rebuild
from timeline.cli.replay import replay
from timeline.cli.serve import serve
from timeline.cli.status import status
from timeline.cli.token import token
from timeline.domain.errors import DomainError
from timeline.eventstore.errors import EventStoreError
from timeline.observability import configure
from timeline.projections.rebuild import RebuildError
from timeline.settings import Settings, SettingsError
from timeline.transparency.errors import TransparencyError

REFUSED: Final = 1
USED_WRONGLY: Final = 2
INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells have it."""

_EXPECTED: Final = (
    ApplicationError,
    CommandError,
    DomainError,
    EventStoreError,
    RebuildError,
    TransparencyError,
)
_COMMANDS: Final = (demo, serve, migrate, import_, export, token, replay, rebuild, status)


class Group(click.RichGroup):
    """A group whose commands end as the module says."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and turn what it raises into its exit code."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            click.echo(f"Error: {one_line(error)}", err=True)
            ctx.exit(USED_WRONGLY)
        except _EXPECTED as error:
            click.echo(f"Error: {one_line(error)}", err=True)
            ctx.exit(REFUSED)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="timeline", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Keep and read the record of what governments did.

    Settings are TIMELINE_* environment variables; TIMELINE_DATABASE_URL names the database.
    """
    settings = Settings.from_environment(os.environ)
    configure(settings.log_level, settings.log_format)
    ctx.obj = settings


for _command in _COMMANDS:
    main.add_command(_command)
