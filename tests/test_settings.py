"""What may stand in the environment, and what is said about what may not."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.eventstore.database import MAX_OVERFLOW, POOL_SIZE
from timeline.eventstore.postgresql import MAX_APPENDING
from timeline.settings import (
    SETTINGS,
    TOKEN_VARIABLE,
    Setting,
    Settings,
    SettingsError,
    UnknownSetting,
    WrongSetting,
)


def test_an_empty_environment_gives_the_defaults() -> None:
    """Nothing has to be set: the service starts on a file and on the loopback address."""
    settings = Settings.from_environment({})

    assert settings == Settings(
        database_url="sqlite:///timeline.db",
        host="127.0.0.1",
        port=8000,
        workers=1,
        log_level="info",
        log_format="console",
        public_read=True,
        max_body_bytes=8_388_608,
        rate_limit=0,
        public_url="",
        log_origin="timeline.invalid/log",
        signing_key_file=None,
    )


def test_workers_say_how_many_connections_they_take() -> None:
    """What the description counts is what the pools hold, and its example fits with some to spare."""
    (workers,) = (each for each in SETTINGS if each.field == "workers")
    each, most, processes = map(int, re.findall("[0-9]+", workers.description))

    reserved_for_superusers = 3
    watching = 1
    assert each == POOL_SIZE + MAX_OVERFLOW + MAX_APPENDING + watching
    assert processes * each < most - reserved_for_superusers < (processes + 1) * each


def test_each_variable_sets_its_field() -> None:
    """A variable that is present takes the place of the default, as a value of the right type."""
    settings = Settings.from_environment(
        {
            "TIMELINE_DATABASE_URL": "postgresql://reader@db.example:5433/record",
            "TIMELINE_HOST": "::",
            "TIMELINE_PORT": "80",
            "TIMELINE_WORKERS": "4",
            "TIMELINE_LOG_LEVEL": "debug",
            "TIMELINE_LOG_FORMAT": "json",
            "TIMELINE_PUBLIC_READ": "false",
            "TIMELINE_MAX_BODY_BYTES": "1024",
            "TIMELINE_RATE_LIMIT": "600",
            "TIMELINE_PUBLIC_URL": "https://timeline.example",
            "TIMELINE_LOG_ORIGIN": "timeline.example/log",
            "TIMELINE_SIGNING_KEY_FILE": "/run/secrets/key",
            "PATH": "/usr/bin",
        },
    )

    assert settings == Settings(
        database_url="postgresql://reader@db.example:5433/record",
        host="::",
        port=80,
        workers=4,
        log_level="debug",
        log_format="json",
        public_read=False,
        max_body_bytes=1024,
        rate_limit=600,
        public_url="https://timeline.example",
        log_origin="timeline.example/log",
        signing_key_file=Path("/run/secrets/key"),
    )


def test_the_table_has_a_row_for_every_field_and_no_other() -> None:
    """What is described is what there is, in the same order."""
    assert [setting.field for setting in SETTINGS] == list(Settings.__struct_fields__)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_the_documented_default_is_the_default(setting: Setting) -> None:
    """Writing the documented default into the environment changes nothing."""
    environ = {setting.variable: setting.default} if setting.default else {}

    assert Settings.from_environment(environ) == Settings()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_a_description_is_one_sentence_on_one_line(setting: Setting) -> None:
    """The rows can go into a table of the documentation as they are."""
    assert setting.description.endswith(".")
    assert not set("\n|") & set(setting.description + setting.expected + setting.default)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///timeline.db",
        "sqlite:////var/lib/timeline/timeline.db",
        "postgresql://timeline:s3cret@127.0.0.1:5432/timeline",
        "postgresql://timeline@[::1]/timeline",
        "postgresql:///timeline",
        "postgresql://timeline@/timeline?host=/var/run/postgresql",
        "postgresql:///timeline?host=/tmp/sockets&port=5433&sslmode=disable",
    ],
)
def test_a_database_url_names_a_file_or_a_postgresql_database(url: str) -> None:
    """Files, hosts and unix sockets are all accepted, as they were written."""
    assert Settings.from_environment({"TIMELINE_DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "timeline.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite://host/timeline.db"),
        ("DATABASE_URL", "sqlite:///timeline.db?mode=memory"),
        ("DATABASE_URL", "mysql://host/timeline"),
        ("DATABASE_URL", "postgres://host/timeline"),
        ("DATABASE_URL", "postgresql+asyncpg://host/timeline"),
        ("DATABASE_URL", "postgresql://host"),
        ("DATABASE_URL", "postgresql://host:port/timeline"),
        ("DATABASE_URL", "postgresql://host:65536/timeline"),
        ("HOST", ""),
        ("HOST", "http://127.0.0.1"),
        ("HOST", "[::1]"),
        ("HOST", "two words"),
        ("PORT", ""),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "+80"),
        ("PORT", " 80"),
        ("PORT", "8_0"),
        ("PORT", "٨٠"),
        ("PORT", "tcp://10.0.0.1:8000"),
        ("WORKERS", "0"),
        ("WORKERS", "65"),
        ("LOG_LEVEL", "INFO"),
        ("LOG_LEVEL", "trace"),
        ("LOG_FORMAT", "text"),
        ("PUBLIC_READ", "yes"),
        ("PUBLIC_READ", "True"),
        ("MAX_BODY_BYTES", "1023"),
        ("MAX_BODY_BYTES", "67108865"),
        ("MAX_BODY_BYTES", "8MiB"),
        ("RATE_LIMIT", "-1"),
        ("RATE_LIMIT", "1000001"),
        ("PUBLIC_URL", ""),
        ("PUBLIC_URL", "timeline.example"),
        ("PUBLIC_URL", "https://timeline.example/"),
        ("PUBLIC_URL", "https://timeline.example?page=1"),
        ("LOG_ORIGIN", ""),
        ("LOG_ORIGIN", "https://timeline.example/log"),
        ("LOG_ORIGIN", "timeline.example/the log"),
        ("LOG_ORIGIN", "timeline.example/log+1"),
        ("LOG_ORIGIN", "timeline.example/log\n"),
        ("LOG_ORIGIN", "x" * 256),
        ("SIGNING_KEY_FILE", ""),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_it(variable: str, value: str) -> None:
    """The line holds the variable, the value and what is expected in its place."""
    name = f"TIMELINE_{variable}"
    expected = next(setting.expected for setting in SETTINGS if setting.variable == name)

    with pytest.raises(WrongSetting) as refusal:
        Settings.from_environment({name: value})

    line = str(refusal.value)
    assert line.startswith(f"{name} is {value[:90]!r}"[:90])
    assert line.endswith(f"has to be {expected}.")
    assert len(line.splitlines()) == 1


def test_a_wrong_value_reads_as_a_sentence() -> None:
    """The whole line, as the start of the service prints it."""
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment({"TIMELINE_PORT": "eighty"})

    assert str(refusal.value) == (
        "TIMELINE_PORT is 'eighty', but has to be a whole number from 1 to 65535."
    )


def test_a_very_long_value_is_cut() -> None:
    """A file pasted into a variable does not flood the terminal."""
    with pytest.raises(WrongSetting) as refusal:
        Settings.from_environment({"TIMELINE_PORT": "x" * 100_000})

    assert len(str(refusal.value)) < 200


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    """A misspelt setting would otherwise be a setting silently left at its default."""
    with pytest.raises(UnknownSetting) as refusal:
        Settings.from_environment({"TIMELINE_DATABSE_URL": "sqlite:///x.db"})

    assert str(refusal.value) == (
        "TIMELINE_DATABSE_URL is not a setting; the nearest is TIMELINE_DATABASE_URL."
    )


def test_the_token_of_a_reader_is_no_setting() -> None:
    """Whoever has it in the environment can use every command; nothing of it is kept here."""
    assert "secret" not in repr(Settings.from_environment({TOKEN_VARIABLE: "secret"}))


def test_an_unknown_variable_is_never_shown_with_its_value() -> None:
    """A secret under a misspelt name stays out of the message."""
    with pytest.raises(UnknownSetting) as refusal:
        Settings.from_environment({"TIMELINE_PASSWORD": "s3cret"})

    assert "s3cret" not in str(refusal.value) + repr(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:s3cret@host/timeline",
        "postgresql://user:s3cret@host",
        "postgresql://user:s3cret@host:port/timeline",
        "postgresql://user:s3@cret@@host/timeline",
        "postgresql://user:s3/cret:s3cret@host:0/timeline",
        "postgresql:/user:s3cret@host/timeline",
        "user:s3cret@host/timeline",
        "postgresql://host?password=s3cret&sslmode=require",
        "host=db user=timeline password=s3cret",
        "host=db user=timeline password='s3 cret s3cret' dbname=timeline",
    ],
)
def test_a_password_is_in_no_message(url: str) -> None:
    """Neither the line nor the error's own representation repeats it, however broken the URL."""
    with pytest.raises(WrongSetting) as refusal:
        Settings.from_environment({"TIMELINE_DATABASE_URL": url})

    assert "cret" not in str(refusal.value) + repr(refusal.value)
    assert "***" in str(refusal.value)


def test_settings_show_no_password() -> None:
    """They may be printed by a traceback or a debugger."""
    settings = Settings(database_url="postgresql://timeline:s3cret@host/timeline")

    assert "s3cret" not in repr(settings)
    assert "postgresql://timeline:***@host/timeline" in repr(settings)


@given(st.sampled_from(SETTINGS), st.text(max_size=200))
def test_any_text_is_read_or_refused_in_one_line(setting: Setting, text: str) -> None:
    """No value, however strange, gets through as another kind of error."""
    lines = []

    try:
        Settings.from_environment({setting.variable: text})
    except WrongSetting as refusal:
        lines = str(refusal).splitlines()

    assert len(lines) <= 1
