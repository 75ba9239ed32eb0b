"""What an append looks up, read off SQLite's plans: nothing that grows with the log.

SQLite has no statistics, so that its planner takes any equality for a narrow one; PostgreSQL has
them, and its appends are measured by `python -m bench growth`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from builders import acted, corrected, described, erased, merged, one, registered, retracted
from timeline.eventstore.database import create_engine
from timeline.eventstore.migrating import migrate
from timeline.eventstore.model import Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer

ACTION = acted("a")

GROWING = ("ix_log_entries_type", "ix_log_entries_recorded_by", "SCAN log_", "SCAN streams")
"""Indexes of which one value may be that of most events, and tables read as a whole."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Give a database with a policy, an action and a duplicate."""
    engine = create_engine(f"sqlite:///{tmp_path / 'log.db'}")
    migrate(engine)
    with Writer(SqlStore(engine)) as writer:
        for draft in (registered("a"), registered("b"), ACTION):
            writer.append(one(draft))
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    "draft",
    [
        registered("c"),
        described("a", title="Another title"),
        acted("a"),
        corrected(ACTION.id, {"occurred": "2024"}, "a"),
        retracted(ACTION.id, "a"),
        merged("a", "b"),
        erased(ACTION.id, "a"),
    ],
    ids=lambda draft: draft.proposal.type,
)
def test_an_append_looks_up_what_it_names_and_no_more(engine: Engine, draft: Draft) -> None:
    """However many events there are of its type, or by its principal."""
    plans: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            driver: Any = connection.connection.driver_connection
            rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", given).fetchall()
            plans.append("\n".join(row[3] for row in rows))

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        with Writer(SqlStore(engine)) as writer:
            writer.append(one(draft))
    finally:
        event.remove(Engine, "before_cursor_execute", explain)

    assert plans
    for plan in plans:
        found = [line for line in plan.splitlines() if any(each in line for each in GROWING)]
        assert not [line for line in found if line != "SCAN log_head"], plan
