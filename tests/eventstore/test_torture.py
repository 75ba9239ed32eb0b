"""No skips, no gaps: what tailing readers see while writers are killed and stalled.

The full size is `python -m bench.torture`; this is the same with fewer events.
"""

import sys
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench import record
from bench.filling import record as record_all
from bench.torturing import (
    POLICIES,
    Plan,
    Seen,
    SequenceStore,
    judge,
    torture,
)

from timeline.eventstore.database import create_engine
from timeline.eventstore.model import Append


@pytest.mark.parametrize(("kind", "writers"), [("sqlite", 2), ("postgresql", 4)])
def test_readers_see_every_acknowledged_event_once_and_in_order(
    kind: str, writers: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Writers are killed and stalled at random; a reader that tails by position skips nothing."""
    url: str = request.getfixturevalue(f"{kind}_url")
    engine = create_engine(url)
    record_all(engine, record.registrations(POLICIES))
    engine.dispose()
    lines = tmp_path / "lines"
    lines.mkdir()

    verdict = torture(
        Plan(url=url, directory=lines, events=2_000, writers=writers, readers=2, timeout_s=100.0)
    )

    assert verdict.acknowledged >= 2_000
    assert verdict.holds, verdict


def test_a_store_that_takes_positions_from_a_sequence_is_caught(postgresql_url: str) -> None:
    """A transaction that began first and commits last is behind a reader that went on."""
    with psycopg.connect(postgresql_url) as connection:
        connection.execute(SequenceStore.CREATE)
    one, two = (
        Append(drafts=(draft,), recorded_by="t")
        for draft, _ in zip(record.actions(2, 1), range(2), strict=False)
    )
    store = SequenceStore(postgresql_url)
    slow, first = store.begin(one)
    fast, second = store.begin(two)

    store.commit(fast)
    seen = store.read(0)
    store.commit(slow)
    seen += store.read(seen[-1][1])
    store.close()

    assert judge(dict(first + second), seen) == Seen(
        events=1, missed=1, repeated=0, backward=0, misplaced=0
    )


def test_the_verdict_names_every_fault() -> None:
    """Missed, seen twice, backward, and elsewhere than was acknowledged are told apart."""
    acknowledged = {"a": 1, "b": 2, "c": 3}

    seen = judge(acknowledged, [("b", 2), ("b", 2), ("a", 4), ("d", 3)])

    assert seen == Seen(events=4, missed=1, repeated=1, backward=2, misplaced=1)
    assert not seen.whole
