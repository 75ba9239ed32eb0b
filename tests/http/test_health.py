"""Health: whether to restart the process, and whether to send it work."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from http_client import Client, problem, registration, running
from timeline.eventstore import schema
from timeline.projections.follower import Follower


def test_a_process_that_runs_is_live(empty: Client) -> None:
    """Liveness asks nothing of the database."""
    answer = empty.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "live"})
    assert answer.headers["cache-control"] == "no-store"


def test_a_service_that_follows_its_log_is_ready(empty: Client) -> None:
    """Readiness tells the log's head and what the read models reflect."""
    empty.record(registration())

    answer = empty.get("/health/ready")

    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "position": 1, "reflected": 1},
    )


def test_readiness_does_not_read_the_migrations_again(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this version knows does not change while it runs; a probe comes every few seconds."""

    def read(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(schema, "migrations_path", read)

    assert empty.get("/health/ready").status_code == 200


@pytest.fixture
def on_file(sqlite_url: str) -> Iterator[tuple[Client, Path]]:
    """Run a service on an SQLite file that a test may take away."""
    with running(sqlite_url) as client:
        yield client, Path(sqlite_url.removeprefix("sqlite:///"))


def test_a_file_that_is_gone_is_not_ready_and_not_made_again(
    on_file: tuple[Client, Path],
) -> None:
    """A connection of the pool does not put an empty file where the record was."""
    client, path = on_file
    path.unlink()
    client.application.engine.dispose()

    ready = client.get("/health/ready")
    read = client.get("/v1/policies")

    assert problem(ready)[:2] == (503, "not-ready")
    assert "file" in ready.json()["detail"]
    assert problem(read)[:2] == (503, "store-unavailable")
    assert not path.exists()


def test_another_file_in_its_place_is_not_ready(
    on_file: tuple[Client, Path], migrated_sqlite: Path
) -> None:
    """What is recorded into a file that was replaced would be lost."""
    client, path = on_file
    path.unlink()
    shutil.copy(migrated_sqlite, path)

    refused = client.get("/health/ready")

    assert problem(refused)[:2] == (503, "not-ready")
    assert "file" in refused.json()["detail"]


def test_another_schema_is_not_ready(empty: Client) -> None:
    """A database that was migrated by a newer timeline makes the process not ready."""
    with empty.application.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    refused = empty.get("/health/ready")

    assert problem(refused)[:2] == (503, "not-ready")
    assert "newer" in refused.json()["detail"]
    assert refused.headers["retry-after"] == "1"
    assert empty.get("/health/live").status_code == 200


@pytest.mark.parametrize("error", [None, "OperationalError: secret"])
def test_read_models_that_lag_are_not_ready(
    empty: Client, error: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read models that do not reach the head make the process not ready, without details."""
    monkeypatch.setattr("timeline.http.health.READY_TIMEOUT_S", 0.1)
    empty.application.follower.stop()
    monkeypatch.setattr(Follower, "error", property(lambda _: error))
    empty.record(registration())

    refused = empty.get("/health/ready")

    assert problem(refused)[:2] == (503, "not-ready")
    assert "secret" not in refused.text
