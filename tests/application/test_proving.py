"""Which checkpoint counts as witnessed: the newest that a policy accepts, and that has the event."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from builders import registered
from proven_log import KEY, ProvenLog
from timeline.application.proving import Prover
from timeline.eventstore.database import create_engine
from timeline.eventstore.published import Published
from timeline.eventstore.sql import SqlStore
from timeline.transparency.checkpoints import cosign
from timeline.transparency.keys import COSIGNATURE_V1, SigningKey
from timeline.transparency.notes import Note
from timeline.transparency.policies import Policy

ANN, BOB, CY, STRANGER = (
    SigningKey(f"{name}.example", bytes([seed]) * 32, COSIGNATURE_V1)
    for seed, name in enumerate(("ann", "bob", "cy", "stranger"), 1)
)
SEEN: Final = {1: (ANN, BOB, CY), 2: (ANN, BOB), 3: (ANN,), 4: (CY, STRANGER), 5: ()}
"""Who has cosigned the checkpoint of each size."""

WITNESSES: Final = "".join(
    f"witness {name} {key.verifier}\n" for name, key in (("a", ANN), ("b", BOB), ("c", CY))
)


@pytest.fixture
def log(sqlite_url: str, tmp_path: Path) -> Iterator[ProvenLog]:
    """Give a log with a checkpoint after each of five entries, cosigned as above."""
    engine = create_engine(sqlite_url)
    log, published = ProvenLog(engine, tmp_path), Published(engine)
    for size, witnesses in SEEN.items():
        log.record(registered(f"order-{size}"))
        log.sign()
        found = published.latest()
        assert found is not None
        for key in witnesses:
            published.cosign(size, str(key.verifier), str(cosign(found.cosigned, key, 5)))
    yield log
    engine.dispose()


def witnessed(log: ProvenLog, text: str, position: int = 1) -> int | None:
    """Return how many entries the checkpoint has."""
    prover = Prover(SqlStore(log.engine), Published(log.engine))
    found = prover.witnessed(Policy.parse(WITNESSES + text), position)
    return None if found is None else found.size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("quorum none", 5),
        ("quorum c", 4),
        ("group g any a b\nquorum g", 3),
        ("group g 2 a b c\nquorum g", 2),
        ("group pair any a b\ngroup g all pair c\nquorum g", 1),
        (f"log {KEY.verifier}\nquorum c", 4),
        (f"log {SigningKey('log.example/record', bytes(32)).verifier}\nquorum c", None),
    ],
)
def test_the_newest_that_the_policy_accepts_is_found(
    log: ProvenLog, text: str, size: int | None
) -> None:
    """Not the newest, nor the newest that anybody has cosigned."""
    assert witnessed(log, text) == size


def test_it_has_the_event(log: ProvenLog) -> None:
    """An older one says nothing of an event that came later."""
    assert witnessed(log, "quorum a", 3) == 3
    assert witnessed(log, "quorum a", 4) is None
    assert witnessed(log, "quorum none", 6) is None


def test_an_event_is_shown_under_a_checkpoint_with_so_many_cosignatures(log: ProvenLog) -> None:
    """Whoever's they are: who asks over HTTP checks them. The newest of all where none is asked for."""
    prover = Prover(SqlStore(log.engine), Published(log.engine))

    def size(position: int, cosignatures: int) -> int | None:
        proof = prover.opening(position, cosignatures)["proof"]
        if proof is None:
            return None
        note = Note.parse(proof["checkpoint"].encode())
        assert len(note.signatures) >= 1 + cosignatures
        found: int = proof["size"]
        return found

    assert [size(1, number) for number in range(5)] == [5, 4, 4, 1, None]
    assert [size(2, 3), size(5, 0), size(5, 1)] == [None, 5, None]


def test_a_line_that_is_not_its_own_does_not_count(log: ProvenLog) -> None:
    """What the database says of who cosigned is checked; an older checkpoint is taken then."""
    published = Published(log.engine)
    older = published.at(4)
    assert older is not None
    published.cosign(5, str(CY.verifier), str(cosign(older.cosigned, CY, 5)))
    published.cosign(5, str(BOB.verifier), str(cosign(older.cosigned, STRANGER, 5)))

    assert witnessed(log, "quorum c") == 4
    assert witnessed(log, "quorum b") == 2
