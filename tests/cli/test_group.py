"""What holds for every command: exit codes, errors in one line, nothing but data on stdout."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import rich_click as click
from click.testing import CliRunner, Result

from timeline import __version__
from timeline.application.errors import PrincipalTaken
from timeline.cli import main
from timeline.cli.group import Group
from timeline.domain.errors import InvalidData
from timeline.eventstore.errors import SchemaOutdated, StoreUnavailable

COMMANDS: Final = (
    "copy",
    "demo",
    "export",
    "import",
    "key",
    "migrate",
    "proof",
    "rebuild",
    "replay",
    "retry",
    "serve",
    "status",
    "token",
    "vacuum",
    "verify",
    "witness",
)


MORE_THAN_A_PIPE_HOLDS: Final = 1024 * 1024


def raising(error: BaseException) -> Result:
    """Run a command that raises."""

    @click.group(cls=Group)
    def group() -> None: ...

    @group.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(group, ["fail"])


def test_the_version_is_one_line() -> None:
    """`timeline --version` names the program and its version."""
    result = CliRunner().invoke(main, ["--version"])

    assert (result.exit_code, result.stdout) == (0, f"timeline {__version__}\n")


def test_the_commands_are_those_that_work() -> None:
    """There is no command that only announces itself."""
    assert tuple(main.list_commands(click.Context(main))) == COMMANDS


@pytest.mark.parametrize(
    "words",
    [
        *COMMANDS,
        "key adopt",
        "key generate",
        "key retire",
        "key show",
        "token create",
        "token list",
        "token revoke",
    ],
)
def test_each_command_explains_itself(words: str) -> None:
    """`--help` goes to stdout, exits 0, and says what each argument and option does."""
    command: click.Command | None = main
    for word in words.split():
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    assert command is not None

    result = CliRunner().invoke(main, [*words.split(), "--help"], env={"COLUMNS": "400"})

    helps: list[str] = [getattr(each, "help", None) or "?" for each in command.params]
    shown = " ".join(result.stdout.split())
    assert result.exit_code == 0
    assert f"main {words}" in shown
    assert [help for help in helps if help not in shown] == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InvalidData(field="data.title", reason="Too long"), "Error: data.title: Too long\n"),
        (PrincipalTaken(name="desk"), None),
        (SchemaOutdated(current="0001", expected="0002"), None),
        (StoreUnavailable(reason="several\nlines\n"), None),
    ],
)
def test_an_expected_error_is_one_line_and_exit_code_1(error: Exception, line: str | None) -> None:
    """What a user can do something about comes without a traceback, and with its field."""
    result = raising(error)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert line is None or result.stderr == line


def test_an_unexpected_error_keeps_its_traceback() -> None:
    """A fault of the program is not dressed up as one of its user."""
    result = raising(ZeroDivisionError())

    assert isinstance(result.exception, ZeroDivisionError)


def test_an_interrupted_command_exits_with_130() -> None:
    """Ctrl-C is told apart from a refusal."""
    result = raising(KeyboardInterrupt())

    assert (result.exit_code, result.stdout) == (130, "")


def test_a_wrong_setting_is_used_wrongly(command: Callable[..., Result], sqlite_url: str) -> None:
    """A settings error is one line that names the variable, and exit code 2."""
    result = command(sqlite_url, ["status"], TIMELINE_PORT="eighty")

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: TIMELINE_PORT is 'eighty'")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["serve", "--nonsense"],
        ["token", "create", "desk"],
        ["token", "create", "Not A Slug", "--role", "admin"],
        ["import", "/nonexistent/file.ndjson"],
        ["import", "-", "--as", "Not A Slug"],
        ["export", "--type", "PolicyInvented"],
        ["export", "--policy", "Not A Slug"],
        ["export", "--after", "-1"],
        ["replay", "--as-of", "2025-01-01"],
        ["replay", "an-order", "--as-of", "2025-02-30"],
        ["rebuild", "nonsense"],
        ["migrate", "--grant-to", "service"],
        ["serve", "--port", "0"],
    ],
    ids=" ".join,
)
def test_a_command_that_is_used_wrongly_exits_with_2(
    words: list[str], command: Callable[..., Result], sqlite_url: str
) -> None:
    """What is wrong with the words is told before anything is done."""
    result = command(sqlite_url, words)

    assert (result.exit_code, result.stdout) == (2, "")


def test_a_broken_pipe_ends_quietly(
    command: Callable[..., Result], sqlite_url: str, lines: Callable[..., str]
) -> None:
    """`timeline export | head -1` leaves no traceback."""
    command(sqlite_url, ["migrate"])
    command(sqlite_url, ["import", "-", "--no-project"], lines(1_000))

    with subprocess.Popen(
        [sys.executable, "-m", "timeline", "export", "--quiet"],
        env=os.environ | {"TIMELINE_DATABASE_URL": sqlite_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.wait(30)

    assert said == b""


def test_ctrl_c_during_work_exits_with_130(command: Callable[..., Result], sqlite_url: str) -> None:
    """An import that waits for its input can be interrupted."""
    command(sqlite_url, ["migrate"])

    with subprocess.Popen(
        [sys.executable, "-m", "timeline", "import", "-"],
        env=os.environ | {"TIMELINE_DATABASE_URL": sqlite_url},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        # More blank lines than a pipe holds: once they are written, the command reads.
        process.stdin.write(b"\n" * MORE_THAN_A_PIPE_HOLDS)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        process.wait(30)

    assert (process.returncode, said) == (130, b"Interrupted.\n")


INTERRUPTED_WHILE_IMPORTING: Final = """
import sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "timeline.cli.group":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from timeline.__main__ import run
run()
"""


def test_ctrl_c_during_the_start_is_quiet() -> None:
    """Whoever changes their mind at once sees no traceback of imports."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_IMPORTING],
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize(
    ("words", "unused"),
    [
        (["--version"], {"sqlalchemy", "litestar", "granian", "structlog", "msgspec"}),
        (["token", "--help"], {"litestar", "granian"}),
        (["status"], {"litestar", "granian", "alembic", "psycopg"}),
    ],
    ids=lambda each: " ".join(sorted(each)),
)
def test_a_command_imports_no_other(
    words: list[str], unused: set[str], migrated_sqlite: Path
) -> None:
    """A script that calls a command many times does not wait for what others need.

    Such as a web server, what migrates, or the driver of another database.
    """
    code = "import sys, timeline.__main__ as m\ntry: m.run()\nfinally: print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=os.environ | {"TIMELINE_DATABASE_URL": f"sqlite:///{migrated_sqlite}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    imported = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "timeline" in imported
    assert imported & unused == set()
