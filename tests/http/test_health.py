"""Health: whether to restart the process, and whether to send it work."""

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from http_client import Client, problem, registration
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

    monkeypatch.setattr(ScriptDirectory, "from_config", read)

    assert empty.get("/health/ready").status_code == 200


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
