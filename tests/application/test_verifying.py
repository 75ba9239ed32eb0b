"""The walk through the log in the database: nothing wrong in a log that is right."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from proven_log import ProvenLog
from timeline.application.verifying import verify


@pytest.fixture
def log(engine: Engine, tmp_path: Path) -> ProvenLog:
    """Give a log of 300 events, with three checkpoints."""
    log = ProvenLog(engine, tmp_path)
    log.fill()
    return log


def test_a_log_that_is_right_is_found_right(log: ProvenLog) -> None:
    """All of it is checked: payloads but for the erased one, tiles, checkpoints, and the key."""
    found = verify(log.engine, log.key_file)

    assert found.findings == ()
    assert (found.position, found.payloads, found.erased) == (300, 299, 1)
    assert (found.tiles, found.checkpoints, found.unchecked) == (1, 3, ())
    assert found.complete
