"""What is added to published checkpoints, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from builders import registered
from proven_log import ProvenLog
from timeline.eventstore.database import write_transaction
from timeline.eventstore.published import MAX_COSIGNATURES, Published
from timeline.eventstore.tables import log_cosignatures
from timeline.transparency.notes import MAX_SIGNATURES, Note


@pytest.fixture
def size(engine: Engine, tmp_path: Path) -> int:
    """Record an event and sign; give the checkpoint's size."""
    log = ProvenLog(engine, tmp_path)
    log.record(registered("an-order"))
    return log.sign()


def test_a_witness_has_one_line(engine: Engine, size: int) -> None:
    """The first one stays, however often and by whom its line is added."""
    published = Published(engine)

    assert published.cosign(size, "w+1", "first")
    assert published.cosign(size, "w+1", "second")
    assert _lines(published, size) == ("first",)


def test_a_line_that_another_process_is_adding_is_neither_lost_nor_doubled(
    engine: Engine, size: int
) -> None:
    """Whoever comes second waits for the first, and finds its line there."""
    published = Published(engine)
    with ThreadPoolExecutor(1) as beside:
        with write_transaction(engine) as connection:
            row = {"size": size, "witness": "w+1", "line": "first"}
            connection.execute(insert(log_cosignatures).values(row))
            second = beside.submit(published.cosign, size, "w+1", "second")
            with pytest.raises(TimeoutError):
                second.result(0.3)
        has = second.result(30)

    assert has
    assert _lines(published, size) == ("first",)


def test_a_checkpoint_takes_so_many_lines(engine: Engine, size: int) -> None:
    """A note with more signatures than others read would be refused by all of them."""
    published = Published(engine)

    taken = [published.cosign(size, f"w+{at:02}", f"— w AAAAAA{at:02}") for at in range(65)]

    assert taken == [True] * MAX_COSIGNATURES + [False]
    latest = published.latest()
    assert latest is not None
    assert len(Note.parse(bytes(latest.cosigned)).signatures) == 65 < MAX_SIGNATURES
    assert latest.witnesses == tuple(f"w+{at:02}" for at in range(MAX_COSIGNATURES))
    assert published.cosign(size, "w+00", "again")


def _lines(published: Published, size: int) -> tuple[str, ...]:
    found = published.at(size)
    assert found is not None
    return found.cosignatures
