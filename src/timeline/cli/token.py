"""`timeline token create|list|revoke`."""

import msgspec
import rich_click as click

from timeline.application.access import Role
from timeline.cli.database import opened
from timeline.cli.options import PRINCIPAL, json_option, pass_settings
from timeline.settings import Settings


@click.group()
def token() -> None:
    """Make, list and revoke tokens.

    A token belongs to a principal, whose name is public: every event it records carries it.
    """


@token.command()
@click.argument(
    "name",
    type=PRINCIPAL,
    help="The principal: a new name, in lower-case letters, digits and hyphens.",
)
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="What it may do; each role may do all that the ones before it may.",
)
@pass_settings
def create(settings: Settings, name: str, role: str) -> None:
    """Make a principal, and print its token; it cannot be shown again."""
    with opened(settings) as app:
        click.echo(app.access.create(name, Role(role)))


@token.command("list")
@json_option
@pass_settings
def list_(settings: Settings, *, as_json: bool) -> None:
    """List principals, without their tokens."""
    with opened(settings) as app:
        records = app.access.records()
    if as_json:
        click.echo(msgspec.json.encode(records))
        return
    for record in records:
        end = f"  revoked {record.revoked_at}" if record.revoked_at else ""
        click.echo(f"{record.name}  {record.role}  created {record.created_at}{end}")


@token.command()
@click.argument("name", type=PRINCIPAL, help="The principal whose token it is.")
@pass_settings
def revoke(settings: Settings, name: str) -> None:
    """Make a principal's token worthless, for good, within a second.

    Running services remember a token that they have seen for that long.
    """
    with opened(settings) as app:
        app.access.revoke(name)
    click.echo(f"The token of {name} is revoked.", err=True)
