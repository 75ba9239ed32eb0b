"""`timeline witness`: others see each checkpoint, and a log that forks finds nobody to say so."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import Engine

from builders import acted, registered
from timeline.application.key_files import KeyFile
from timeline.application.signing import Signer
from timeline.application.witnessing import Witnessed, Witnesses
from timeline.bootstrap import now
from timeline.eventstore.errors import StoreBusy, StoreUnavailable
from timeline.eventstore.model import Append
from timeline.eventstore.published import Published
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.transparency.checkpoints import cosigners, opened
from timeline.transparency.keys import SigningKey
from timeline.transparency.merkle import leaf_hash
from timeline.transparency.proof_files import ProofFile
from timeline.transparency.proofs import check_inclusion
from witness_server import SEEN_S, TestWitness, witnessing

ORIGIN = "log.example/record"
KEY = SigningKey(ORIGIN, bytes(range(32)))

Timeline = Callable[..., Result]


@pytest.fixture
def grow(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int], int]]:
    """Give a function that records so many events and signs the head; returns its size."""
    keys = KeyFile(tmp_path / "log.key")
    keys.begin([KEY])
    monkeypatch.setenv("TIMELINE_SIGNING_KEY_FILE", str(keys.path))
    monkeypatch.setenv("TIMELINE_LOG_ORIGIN", ORIGIN)
    store = SqlStore(engine)
    signer = Signer(store, Published(engine), keys, ORIGIN, now)
    with Writer(store) as writer:
        writer.append(Append(drafts=(registered("an-order"),), recorded_by="desk"))

        def more(number: int) -> int:
            drafts = tuple(acted("an-order") for _ in range(number))
            writer.append(Append(drafts=drafts, recorded_by="desk", batched=True))
            return signer.sign()

        yield more


@pytest.fixture
def ann() -> Iterator[TestWitness]:
    """Run a witness."""
    with witnessing(TestWitness("ann.example", 1, KEY.verifier)) as witness:
        yield witness


@pytest.fixture
def bob() -> Iterator[TestWitness]:
    """Run another witness."""
    with witnessing(TestWitness("bob.example", 2, KEY.verifier)) as witness:
        yield witness


def policy(path: Path, needed: int, *witnesses: TestWitness) -> str:
    named = {each.key.name: each for each in witnesses}
    lines = [f"witness {name} {each.key.verifier} {each.url}" for name, each in named.items()]
    path.write_text(
        "\n".join(
            (*lines, f"group all-of-them {needed} {' '.join(named)}", "quorum all-of-them", "")
        )
    )
    return str(path)


def test_witnesses_follow_the_log(
    timeline: Timeline,
    engine: Engine,
    grow: Callable[[int], int],
    ann: TestWitness,
    bob: TestWitness,
    tmp_path: Path,
) -> None:
    """Each checkpoint gets their lines below the log's own, with when they saw it."""
    path = policy(tmp_path / "policy", 2, ann, bob)
    for more in (3, 300, 1):
        size = grow(more)
        result = timeline("witness", path, "--json")
        told = json.loads(result.stdout)
        assert (result.exit_code, told["size"], told["satisfied"]) == (0, size, True)

    latest = Published(engine).latest()
    assert latest is not None
    found = cosigners(latest.cosigned, [ann.key.verifier, bob.key.verifier])
    assert {(each.witness.name, each.seen_s) for each in found} == {
        ("ann.example", SEEN_S),
        ("bob.example", SEEN_S),
    }
    assert latest.cosigned.signed_by([KEY.verifier]) == (KEY.verifier,)


def test_a_witness_is_asked_once_for_a_checkpoint(
    timeline: Timeline, grow: Callable[[int], int], ann: TestWitness, tmp_path: Path
) -> None:
    """Its line is kept, so that there is nothing to ask for again."""
    path = policy(tmp_path / "policy", 1, ann)
    grow(3)
    timeline("witness", path)

    again = timeline("witness", path)

    assert again.exit_code == 0
    assert ann.asked == 1


def test_enough_of_them_is_enough(
    timeline: Timeline, grow: Callable[[int], int], ann: TestWitness, tmp_path: Path
) -> None:
    """A witness that is down is named; whether that matters is the policy's business."""
    down = TestWitness("down.example", 9, KEY.verifier)
    down.url = "http://127.0.0.1:9/nobody"
    grow(3)

    one = timeline("witness", policy(tmp_path / "policy", 1, ann, down))
    both = timeline("witness", policy(tmp_path / "policy", 2, ann, down))

    assert (one.exit_code, both.exit_code) == (0, 1)
    assert "down.example" in one.stderr
    assert "ann.example; enough" in one.stdout


def test_a_witness_that_knows_another_size_is_asked_from_there(
    timeline: Timeline, grow: Callable[[int], int], ann: TestWitness, tmp_path: Path
) -> None:
    """As after its answer was lost, or the database was moved without its lines."""
    path = policy(tmp_path / "policy", 1, ann)
    grow(3)
    ann.add(_request(timeline, ann, path))
    grow(5)

    assert timeline("witness", path).exit_code == 0


def _request(timeline: Timeline, ann: TestWitness, path: str) -> bytes:
    """Return what was posted when the witness was asked, its line then being lost."""
    bodies: list[bytes] = []

    def lose(body: bytes) -> tuple[int, str, bytes]:
        bodies.append(body)
        return 500, "text/plain", b""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ann, "answer", lose)
        timeline("witness", path)
    return bodies[0]


def test_a_fork_finds_no_witness(
    timeline: Timeline, grow: Callable[[int], int], ann: TestWitness, tmp_path: Path
) -> None:
    """A witness that saw other entries at that size does not cosign, whoever signed it."""
    path = policy(tmp_path / "policy", 1, ann)
    size = grow(3)
    ann.size, ann.root = size - 1, bytes(32)

    result = timeline("witness", path)

    assert result.exit_code == 1
    assert "422" in result.stderr


def test_before_the_first_checkpoint_nobody_is_asked(
    timeline: Timeline, ann: TestWitness, tmp_path: Path
) -> None:
    """There is nothing to cosign yet; and a policy that cannot be read is refused."""
    assert timeline("witness", policy(tmp_path / "policy", 1, ann)).exit_code == 1
    (tmp_path / "policy").write_text("quorum nobody\n")
    refused = timeline("witness", str(tmp_path / "policy"))
    assert refused.exit_code == 1
    assert "line 1" in refused.stderr
    assert ann.asked == 0


def test_a_line_counts_whatever_another_witness_says(
    timeline: Timeline,
    engine: Engine,
    grow: Callable[[int], int],
    ann: TestWitness,
    bob: TestWitness,
    tmp_path: Path,
) -> None:
    """Enough have cosigned, and one has seen a longer log: the line is kept, and it is told."""
    path = policy(tmp_path / "policy", 1, ann, bob)
    bob.size = grow(3) + 90

    result = timeline("witness", path, "--json")

    told = json.loads(result.stdout)
    assert (told["cosigned"], told["satisfied"]) == (["ann.example"], True)
    assert told["contradicting"] == ["bob.example"]
    assert result.exit_code == 1
    assert "log.witness.contradicts" in result.stderr
    assert "not the one that bob.example has seen" in result.stderr
    latest = Published(engine).latest()
    assert latest is not None
    assert len(latest.cosignatures) == 1


def test_asking_again_and_again_outlasts_the_database(
    timeline: Timeline,
    grow: Callable[[int], int],
    ann: TestWitness,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where it is busy, or gone for a while, witnesses are asked the next time."""
    path = policy(tmp_path / "policy", 1, ann)
    grow(3)
    ask, times = Witnesses.ask, iter((StoreBusy(retry_after_s=1), StoreUnavailable(reason="gone")))

    def failing_twice(witnesses: Witnesses) -> Witnessed | None:
        if (error := next(times, None)) is not None:
            raise error
        signal.raise_signal(signal.SIGTERM)
        return ask(witnesses)

    monkeypatch.setattr(Witnesses, "ask", failing_twice)
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        result = timeline("witness", path, "--every", "1")
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)

    assert (result.exit_code, ann.asked) == (0, 1)
    assert "4 entries: cosigned by ann.example; enough" in result.stdout
    assert result.stderr.count("log.witness.waiting") == 2


def test_a_policy_is_about_this_log(
    timeline: Timeline, grow: Callable[[int], int], ann: TestWitness, tmp_path: Path
) -> None:
    """One that names others alone is refused before anybody is asked."""
    path = Path(policy(tmp_path / "policy", 1, ann))
    other = SigningKey(ORIGIN, bytes(32)).verifier
    path.write_text(f"log {other}\n{path.read_text()}")
    grow(3)

    refused = timeline("witness", str(path))
    path.write_text(f"log {KEY.verifier}\n{path.read_text()}")

    assert (refused.exit_code, ann.asked) == (1, 0)
    assert "not about this log" in refused.stderr
    assert timeline("witness", str(path)).exit_code == 0


def test_a_proof_leads_to_what_witnesses_have_seen(
    timeline: Timeline,
    engine: Engine,
    grow: Callable[[int], int],
    ann: TestWitness,
    bob: TestWitness,
    tmp_path: Path,
) -> None:
    """The newest checkpoint that enough have cosigned, not the one that they are still to see."""
    path = policy(tmp_path / "policy", 2, ann, bob)
    size = grow(3)
    timeline("witness", path)
    grow(2)
    *_, seen, _, unseen = (each.id for each in SqlStore(engine).read(0, limit=100))

    early = timeline("proof", seen, "--witnessed", path)
    late = timeline("proof", unseen, "--witnessed", path)

    file = ProofFile.parse(early.stdout_bytes)
    checkpoint, note = opened(file.checkpoint, [KEY.verifier])
    (entry,) = Published(engine).entries(file.index, 1)
    check_inclusion(file.index, size, leaf_hash(entry), file.hashes, checkpoint.root)
    assert (checkpoint.size, seen.encode() in entry) == (size, True)
    assert len(cosigners(note, [ann.key.verifier, bob.key.verifier])) == 2
    assert late.exit_code == 1
    assert "no checkpoint that has it satisfies the policy yet" in late.stderr
    assert "the newest that does has 4 entries" in " ".join(late.stderr.split())
    timeline("witness", path)
    assert timeline("proof", unseen, "--witnessed", path).exit_code == 0
