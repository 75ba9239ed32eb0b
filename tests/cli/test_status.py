"""`timeline status`: what an operator wants to know first."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import Engine, text

from attacks import attacking
from timeline.eventstore.schema import head_revision
from timeline.eventstore.sql import SqlStore
from timeline.observability import redact_url
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.runner import Runner

Timeline = Callable[..., Result]


def test_an_empty_record_stands_at_position_0(timeline: Timeline, database_url: str) -> None:
    """A migrated database is fine before its first event."""
    result = timeline("status", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "ok": True,
        "database": redact_url(database_url),
        "schema": {"current": head_revision(), "expected": head_revision()},
        "position": 0,
        "recorded_at": None,
        "projections": [
            {"name": name, "live": "a", "position": 0, "lag_events": 0, "lag_s": 0.0}
            for name in sorted(model.name for model in MODELS)
        ],
        "lease": {"holder": None},
        "rebuild": None,
        "parked": [],
        "tokens": 0,
        "checkpoint": None,
        "stopped": None,
        "guards_missing": [],
    }


def test_guards_that_are_gone_are_told(timeline: Timeline, engine: Engine) -> None:
    """Whoever drops them can change what is recorded, and seldom means well."""
    with attacking(engine):
        pass

    told = timeline("status")
    verified = timeline("verify", "--json")

    assert told.exit_code == 0
    assert "guards missing: log_" in told.stdout
    assert "triggers that refuse" in json.loads(verified.stdout)["unchecked"][0]


def test_the_lag_counts_events_and_the_time_that_the_first_has_waited(
    timeline: Timeline, example: Path, engine: Engine
) -> None:
    """Before the read models catch up they are behind, and after an import that brings them on not."""
    imported = timeline("import", "--no-project", str(example))
    timeline("token", "create", "desk", "--role", "reader")
    timeline("token", "create", "gone", "--role", "reader")
    timeline("token", "revoke", "gone")

    behind = json.loads(timeline("status", "--json").stdout)
    Runner(engine, Log(SqlStore(engine))).catch_up(10)
    again = timeline("import", str(example))
    current = json.loads(timeline("status", "--json").stdout)

    position = SqlStore(engine).head().position
    left = f"reflect 0 of {position} events; they follow while `timeline serve` runs."
    assert left in imported.stderr
    assert f"Read models: {position} of {position}" in again.stderr
    assert "`timeline serve`" not in again.stderr
    assert (behind["position"], behind["tokens"]) == (position, 1)
    assert {each["lag_events"] for each in behind["projections"]} == {position}
    lags_s = [each["lag_s"] for each in behind["projections"]]
    assert all(0 < lag_s < 60 for lag_s in lags_s), lags_s
    assert {each["lag_events"] for each in current["projections"]} == {0}
    assert {each["lag_s"] for each in current["projections"]} == {0.0}


def test_it_reads_in_a_terminal(timeline: Timeline, example: Path) -> None:
    """A fact is a line."""
    timeline("import", str(example))

    lines = timeline("status").stdout.splitlines()

    assert [line.split(":")[0] for line in lines] == [
        "database",
        "schema",
        "position",
        "projection policies",
        "projection relations",
        "projection timeline",
        "lease",
        "tokens",
    ]


def test_a_database_that_is_not_migrated_is_told_and_exits_with_1(
    command: Callable[..., Result], empty_database_url: str
) -> None:
    """What is known is shown; what is missing is said in one line."""
    result = command(empty_database_url, ["status", "--json"])

    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (found["ok"], found["schema"]["current"], found["position"]) == (False, None, None)
    assert "timeline migrate" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_newer_schema_is_told_and_exits_with_1(timeline: Timeline, engine: Engine) -> None:
    """A database that a newer timeline migrated is not guessed at."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    result = timeline("status")

    assert result.exit_code == 1
    assert "9999" in result.stdout


def test_no_password_is_shown(command: Callable[..., Result]) -> None:
    """A database that cannot be reached is one line, without the password in it."""
    result = command("postgresql://desk:hunter2@127.0.0.1:1/timeline", ["status"])

    assert result.exit_code == 1
    assert "hunter2" not in result.stdout + result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["status"], ["serve"], ["replay"], ["token", "list"]])
def test_a_look_at_nothing_leaves_nothing_behind(
    words: list[str], command: Callable[..., Result], sqlite_url: str, tmp_path: Path
) -> None:
    """In the wrong directory, a command says what to run, and makes no database."""
    result = command(sqlite_url, words)

    assert result.exit_code == 1
    assert "timeline migrate" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_last_rebuild_is_told(timeline: Timeline, example: Path) -> None:
    """Who does not see its terminal sees what it does, or how it ended."""
    timeline("import", str(example))
    timeline("rebuild")

    told = json.loads(timeline("status", "--json").stdout)["rebuild"]
    shown = timeline("status").stdout

    silent_s = told.pop("silent_s")
    events = told["events_total"]
    assert told == {"state": "switched", "events_done": events, "events_total": events}
    assert 0 <= silent_s < 60
    assert f"\nrebuild: switched, {events} of {events} events, last heard of " in shown
