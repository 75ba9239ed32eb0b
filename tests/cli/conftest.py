"""How tests use the command line: in this process, on a database of their own."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import pytest
from click.testing import CliRunner, Result

from builders import acted, event_id, registered
from timeline.cli import main
from timeline.observability import configure

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "examples" / "los-angeles.ndjson"

Command: TypeAlias = Callable[..., Result]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the developer's own settings away, and put the logs back where they went."""
    for name in [name for name in os.environ if name.startswith("TIMELINE_")]:
        monkeypatch.delenv(name)
    yield
    logging.captureWarnings(capture=False)
    configure("warning", "console", sys.__stderr__)


@pytest.fixture
def example() -> Path:
    """Give the Los Angeles story."""
    return EXAMPLE


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the address of an SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'new.db'}"


@pytest.fixture
def command() -> Command:
    """Give a function that runs a command on a database, whose unexpected errors are the test's."""

    def run(
        url: str, words: Sequence[str], input: str | bytes | None = None, **settings: str
    ) -> Result:
        environment = {"TIMELINE_DATABASE_URL": url, "TIMELINE_LOG_LEVEL": "warning"} | settings
        return CliRunner().invoke(
            main, list(words), input=input, env=environment, catch_exceptions=False
        )

    return run


@pytest.fixture
def lines() -> Callable[..., str]:
    """Give a function that writes events of one policy as NDJSON: a registration, and actions."""

    def write(events: int, policy: str = "an-order", first: int = 1) -> str:
        drafts = (
            registered(policy, id=event_id(first)),
            *(acted(policy, id=event_id(first + index)) for index in range(1, events)),
        )
        return "".join(
            json.dumps(
                {
                    "id": draft.id,
                    "policy": policy,
                    "type": draft.proposal.type,
                    "data": json.loads(draft.data),
                }
            )
            + "\n"
            for draft in drafts
        )

    return write


@pytest.fixture
def timeline(database_url: str, command: Command) -> Command:
    """Give a function that runs a command, named by its words, on the migrated `database_url`."""

    def run(*words: str, input: str | bytes | None = None, **settings: str) -> Result:
        return command(database_url, words, input, **settings)

    return run
