"""The settings: which `TIMELINE_*` environment variables there are and what each may hold.

Owns names, bounds, defaults and the words for them, in one table that the code and the
documentation both read. Must not know what the settings are used for, and does no I/O: the
environment comes in as an argument, and no file or database is opened here.
"""

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from timeline.observability import Format, Level, redact_url

PREFIX: Final = "TIMELINE_"

TOKEN_VARIABLE: Final = "TIMELINE_TOKEN"  # noqa: S105 - where it is, not what it is
"""A secret of whoever reads a log over HTTP, and no setting: a service that finds it ignores it."""

# Enough to recognise a mistyped value by; a whole key pasted into a number would flood the line.
_SHOWN_CHARACTERS: Final = 100
_HIGHEST_PORT: Final = 65_535
# The origin stands in every checkpoint and its signature line, which readers bound.
_LONGEST_ORIGIN: Final = 255


class SettingsError(Exception):
    """The settings cannot be used.

    SettingsError
    ├── WrongSetting
    └── UnknownSetting

    A subclass's docstring is its message, filled with the attributes; it is always one line.
    """

    def __str__(self) -> str:
        return (type(self).__doc__ or "").format(**vars(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # Its constructor takes no message, from which exceptions are made anew by default.
        return type(self).__new__, (type(self), *self.args), vars(self)


class WrongSetting(SettingsError):
    """{variable} is {value}, but has to be {expected}."""

    def __init__(self, *, variable: str, value: str, expected: str) -> None:
        self.variable = variable
        self.value = _shown(value)
        self.expected = expected
        super().__init__(self.variable, self.value, self.expected)


class UnknownSetting(SettingsError):
    """{variable} is not a setting; the nearest is {nearest}."""

    def __init__(self, *, variable: str, nearest: str) -> None:
        super().__init__(variable, nearest)
        self.variable = variable
        self.nearest = nearest


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may choose; the table `SETTINGS` describes each field."""

    database_url: str = "sqlite:///timeline.db"
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    log_level: Level = "info"
    log_format: Format = "console"
    public_read: bool = True
    max_body_bytes: int = 8 * 1024 * 1024
    rate_limit: int = 0
    public_url: str = ""
    log_origin: str = "timeline.invalid/log"
    signing_key_file: Path | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from environment variables.

        Args:
            environ: variables by name; those without the prefix `TIMELINE_` are ignored.

        Returns:
            the settings, with the default for every variable that is absent.

        Raises:
            UnknownSetting: a variable has the prefix, but no setting has that name.
            WrongSetting: a variable holds what its setting does not allow.

        """
        known = {setting.variable: setting for setting in SETTINGS}
        for variable in sorted(environ.keys() - {TOKEN_VARIABLE}):
            if variable.startswith(PREFIX) and variable not in known:
                nearest = difflib.get_close_matches(variable, known, n=1, cutoff=0)[0]
                raise UnknownSetting(variable=variable, nearest=nearest)
        chosen = {
            setting.field: setting.parse(environ[setting.variable])
            for setting in SETTINGS
            if setting.variable in environ
        }
        return msgspec.structs.replace(cls(), **chosen)

    def __repr__(self) -> str:
        """Show every field, without the database's password, as tracebacks and logs may ask."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        fields["database_url"] = redact_url(self.database_url)
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in fields.items())})"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of settings.

    Args:
        field: the attribute of `Settings`.
        expected: what the variable may hold, in words that go after "has to be".
        description: what it decides, in a line.
        read: text to value; raises ValueError.

    """

    field: str
    expected: str
    description: str
    read: Callable[[str], object]

    @property
    def variable(self) -> str:
        """The environment variable's name."""
        return PREFIX + self.field.upper()

    @property
    def default(self) -> str:
        """The default as one would write it in the environment; empty where there is none."""
        value = getattr(Settings(), self.field)
        if value is None:
            return ""
        return str(value).lower() if isinstance(value, bool) else str(value)

    def parse(self, text: str) -> object:
        """Turn the variable's text into the setting's value.

        Raises:
            WrongSetting: the text is not what the setting allows.

        """
        try:
            return self.read(text)
        except ValueError:
            # Not chained: a cause may repeat the value, and with it a password.
            raise WrongSetting(
                variable=self.variable,
                value=text,
                expected=self.expected,
            ) from None


def _database_url(text: str) -> str:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ValueError from error
    if not url.database or url.database == ":memory:":
        raise ValueError
    if url.drivername == "sqlite":
        # An authority or a query would name another host or another mode than the file's own.
        allowed = not (url.host or url.query)
    else:
        # An `@` in the host is the rest of a password that was not percent-encoded.
        whole_host = "@" not in (url.host or "")
        real_port = url.port is None or 1 <= url.port <= _HIGHEST_PORT
        allowed = url.drivername == "postgresql" and whole_host and real_port
    if not allowed:
        raise ValueError
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?", text, re.ASCII):
        ipaddress.ip_address(text)
    return text


def _public_url(text: str) -> str:
    if len(text) > _LONGEST_ORIGIN or not re.fullmatch(
        r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[\w.~-]+)*", text, re.ASCII
    ):
        raise ValueError
    return text


def _log_origin(text: str) -> str:
    # C2SP tlog-checkpoint: schema-less and URL-like, without spaces or plus signs.
    pattern = r"[A-Za-z0-9.-]+(:[0-9]+)?(/[\w.~-]+)*"
    if len(text) > _LONGEST_ORIGIN or not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError
    return text


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError
    return Path(text)


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    # int() alone would also take "+8", "8_0" and " 8 ", which nobody means.
    pattern = re.compile(r"[0-9]{1,12}", re.ASCII)

    def read(text: str) -> int:
        if not pattern.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError
        return int(text)

    return read


def _one_of(choices: Mapping[str, object]) -> Callable[[str], object]:
    def read(text: str) -> object:
        if text not in choices:
            raise ValueError
        return choices[text]

    return read


def _shown(value: str) -> str:
    """One line that lets an operator recognise the value, without a password in it."""
    text = redact_url(value)
    if len(text) > _SHOWN_CHARACTERS:
        text = text[:_SHOWN_CHARACTERS] + "…"
    return repr(text)


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        field="database_url",
        expected="sqlite:///FILE or postgresql://USER@HOST/DATABASE (a unix socket: ?host=/DIR)",
        description="The database that holds the record.",
        read=_database_url,
    ),
    Setting(
        field="host",
        expected="an IP address or a host name",
        description="The address the service listens on.",
        read=_host,
    ),
    Setting(
        field="port",
        expected="a whole number from 1 to 65535",
        description="The port the service listens on.",
        read=_whole_number(1, _HIGHEST_PORT),
    ),
    Setting(
        field="workers",
        # More processes than any one machine this was meant for has cores.
        expected="a whole number from 1 to 64",
        description="The number of processes that answer requests. Each opens up to 21 connections "
        "to PostgreSQL, whose default max_connections of 100 is enough for 4.",
        read=_whole_number(1, 64),
    ),
    Setting(
        field="log_level",
        expected="debug, info, warning or error",
        description="The lowest level of log lines that are written.",
        read=_one_of({level: level for level in ("debug", "info", "warning", "error")}),
    ),
    Setting(
        field="log_format",
        expected="console or json",
        description="Log lines for people (console) or for machines (json).",
        read=_one_of({format: format for format in ("console", "json")}),
    ),
    Setting(
        field="public_read",
        expected="true or false",
        description="Whether reading needs no token.",
        read=_one_of({"true": True, "false": False}),
    ),
    Setting(
        field="max_body_bytes",
        # An event's data alone may take 256 KiB; more than 64 MiB a request would sit in memory.
        expected="a whole number from 1024 (1 KiB) to 67108864 (64 MiB)",
        description="The largest request body that is read, in bytes.",
        read=_whole_number(1024, 64 * 1024 * 1024),
    ),
    Setting(
        field="rate_limit",
        expected="a whole number from 0 (off) to 1000000",
        description="Requests a minute that one client may make; 0 sets no limit.",
        read=_whole_number(0, 1_000_000),
    ),
    Setting(
        field="public_url",
        expected="an address like https://timeline.example: http or https, no slash at its end",
        description="Where readers reach the service. Feeds and calendars give whole addresses with "
        "it; without it those in feeds are relative, and calendars have none. Signing in takes forms "
        "from there, too, where a proxy does not pass on `Host`.",
        read=_public_url,
    ),
    Setting(
        field="log_origin",
        expected="a name like timeline.example/log: no scheme, no spaces, no plus sign",
        description="The name of the log in its checkpoints; it has to be that of its keys, and stays for ever.",
        read=_log_origin,
    ),
    Setting(
        field="signing_key_file",
        expected="the path of a file",
        description="The file with the keys that sign checkpoints (`timeline key generate`). Beside an "
        "SQLite database there is one by default; with PostgreSQL nothing is signed without it.",
        read=_path,
    ),
)
