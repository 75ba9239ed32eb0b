"""Options and kinds of values that several commands share.

Owns their names and words, so that they are the same everywhere.
"""

from typing import Any, Final

import rich_click as click

from timeline.domain.errors import DomainError
from timeline.domain.events import PolicyId, PrincipalName, read
from timeline.settings import SETTINGS, Settings
from timeline.transparency.errors import WrongKey
from timeline.transparency.keys import VerifierKey

pass_settings = click.make_pass_decorator(Settings)

quiet_option = click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON, for scripts.")


class Slug(click.ParamType[str]):
    """A name that is checked as the record checks it."""

    def __init__(self, name: str, kind: Any) -> None:
        self.name = name
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name; a usage error where it is none."""
        try:
            name: str = read(self._kind, value, "")
        except DomainError as error:
            self.fail(f"{value!r} is no {self.name}: {error}", param, ctx)
        return name


class DatabaseUrl(click.ParamType[str]):
    """A database's address, as the setting takes it."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address; a usage error where it is none."""
        try:
            _DATABASE_URL.read(value)
        except ValueError:
            # What was given is not repeated: it may hold a password.
            self.fail(f"It has to be {_DATABASE_URL.expected}.", param, ctx)
        return str(value)


class VerifierKeys(click.ParamType[tuple[VerifierKey, ...]]):
    """Verifier keys, one a line, as `/log/vkey` and `timeline key show` give them."""

    name = "key"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[VerifierKey, ...]:
        """Return the keys; a usage error where one of them is none, or where there are none."""
        if isinstance(value, tuple):
            return value
        try:
            # During a change of keys, there are two.
            keys = tuple(map(VerifierKey.parse, str(value).split()))
        except WrongKey as error:
            self.fail(str(error), param, ctx)
        if not keys:
            self.fail("It is empty: is the service whose /log/vkey was asked there?", param, ctx)
        return keys


_DATABASE_URL: Final = next(each for each in SETTINGS if each.field == "database_url")
DATABASE_URL = DatabaseUrl()
POLICY = Slug("policy", PolicyId)
PRINCIPAL = Slug("principal", PrincipalName)
VERIFIER_KEYS = VerifierKeys()
POSITION = click.IntRange(min=0, max=2**53 - 1)
