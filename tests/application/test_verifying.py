"""The walk through the log in the database: nothing wrong in a log that is right."""

import threading

import pytest

from builders import acted, erased
from proven_log import ProvenLog
from timeline.application.findings import Kind
from timeline.application.verifying import verify
from timeline.application.verifying_write_side import UNCHECKED
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.stops import Stop


@pytest.fixture
def log(proven_log: ProvenLog) -> ProvenLog:
    """Give a log of 300 events, with three checkpoints."""
    return proven_log


def test_a_log_that_is_right_is_found_right(log: ProvenLog) -> None:
    """All of it is checked: payloads but for the erased one, tiles, checkpoints, and the key."""
    found = verify(log.engine, log.key_file)

    assert found.findings == ()
    assert (found.position, found.payloads, found.erased) == (300, 299, 1)
    assert (found.tiles, found.checkpoints, found.unchecked) == (1, 3, (UNCHECKED,))
    assert found.complete


def test_a_log_that_was_stopped_is_found_wrong(log: ProvenLog) -> None:
    """Who has the key has found another log; who checks without it could not find that out again."""
    SqlStore(log.engine).stop(Stop("2026-11-22T10:00:00.000000Z", 301, "it has 300 entries now"))

    found = verify(log.engine)

    (finding,) = found.findings
    assert (finding.kind, finding.position) == (Kind.SIGNED, None)
    assert "301 entries signed: it has 300 entries now" in finding.what


def test_a_log_that_grows_meanwhile_is_found_right(log: ProvenLog) -> None:
    """Events are recorded, erased and signed while the log is walked, again and again."""
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            (event,) = log.record(acted("an-order"))
            log.record(*(acted("a-rule") for _ in range(100)))
            log.record(erased(event))
            log.sign()

    growing = threading.Thread(target=grow)
    growing.start()
    try:
        found = [verify(log.engine, log.key_file) for _ in range(8)]
    finally:
        stop.set()
        growing.join(30)

    assert [each.findings for each in found] == [()] * 8
    assert found[-1].position > found[0].position
