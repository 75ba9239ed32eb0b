"""What is made of a witness's answer: a line, a refusal, or another log than this one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import acted, registered
from proven_log import KEY, ProvenLog
from timeline.application.witnessing import Witnessed, Witnesses
from timeline.eventstore.database import create_engine
from timeline.eventstore.published import Published
from timeline.transparency.checkpoints import cosign
from timeline.transparency.keys import COSIGNATURE_V1, SigningKey
from timeline.transparency.notes import Note, Signature
from timeline.transparency.policies import Policy
from witness_server import SEEN_S, TestWitness, witnessing


@pytest.fixture
def log(sqlite_url: str, tmp_path: Path) -> Iterator[ProvenLog]:
    """Give a log of three entries, signed."""
    engine = create_engine(sqlite_url)
    log = ProvenLog(engine, tmp_path)
    log.record(registered("an-order"), acted("an-order"), acted("an-order"))
    log.sign()
    yield log
    engine.dispose()


@pytest.fixture
def ann() -> Iterator[TestWitness]:
    """Run a witness."""
    with witnessing(TestWitness("ann.example", 1, KEY.verifier)) as witness:
        yield witness


def ask(log: ProvenLog, *witnesses: TestWitness) -> Witnessed:
    lines = [f"witness {each.key.name} {each.key.verifier} {each.url}" for each in witnesses]
    policy = Policy.parse("\n".join((*lines, "quorum none")))
    found = Witnesses(Published(log.engine), policy).ask()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("answer", "contradicts"),
    [
        pytest.param((409, "text/plain", b"another root\n"), True, id="409 without a size"),
        pytest.param((409, "text/x.tlog.size", b"0\n"), True, id="409 of the size asked from"),
        pytest.param((409, "text/x.tlog.size", b"9" * 6_000), True, id="409 of 6,000 digits"),
        pytest.param((409, "text/x.tlog.size", b"4\n"), True, id="409 of more entries"),
        pytest.param((422, "text/plain", b""), True, id="422"),
        pytest.param((403, "text/plain", b"unknown key"), False, id="403"),
        pytest.param((500, "text/plain", b""), False, id="500"),
        pytest.param((302, "text/plain", b""), False, id="302"),
        pytest.param((200, "text/plain", b"no line\n\xff"), False, id="200 of something else"),
    ],
)
def test_a_witness_contradicts_or_only_fails(
    log: ProvenLog, ann: TestWitness, answer: tuple[int, str, bytes], *, contradicts: bool
) -> None:
    """It contradicts the log where it has seen another one; else it may do better the next time."""
    ann.answer = lambda _body: answer

    found = ask(log, ann)

    assert list(found.missing) == ["ann.example"]
    assert found.contradicting == (("ann.example",) if contradicts else ())
    assert (found.cosigned, found.satisfied) == ((), True)


def test_a_witness_that_is_ahead_by_what_was_published_contradicts_nothing(
    log: ProvenLog, ann: TestWitness
) -> None:
    """Another process had it see a newer checkpoint, after this one looked which is the newest."""

    def meanwhile(_body: bytes) -> tuple[int, str, bytes]:
        log.record(acted("an-order"))
        return 409, "text/x.tlog.size", f"{log.sign()}\n".encode()

    ann.answer = meanwhile

    found = ask(log, ann)

    assert found.contradicting == ()
    assert "newer checkpoint meanwhile, of 4 entries" in found.missing["ann.example"]


def test_the_line_that_is_right_is_taken(log: ProvenLog, ann: TestWitness) -> None:
    """A witness may answer with lines of several keys, and of several times."""
    rotated = SigningKey("ann.example", bytes([7]) * 32, COSIGNATURE_V1)

    def several(body: bytes) -> tuple[int, str, bytes]:
        note = Note.parse(body.partition(b"\n\n")[2])
        right = cosign(note, ann.key, SEEN_S)
        spoilt = Signature(right.name, right.key_id, right.signature[:-1] + b"?")
        lines = cosign(note, rotated, SEEN_S), spoilt, right, cosign(note, ann.key, SEEN_S + 1)
        return 200, "text/plain", "".join(f"{line}\n" for line in lines).encode()

    ann.answer = several

    found = ask(log, ann)

    latest = Published(log.engine).latest()
    assert latest is not None
    right = cosign(Note.parse(latest.note), ann.key, SEEN_S)
    assert (found.cosigned, found.missing) == (("ann.example",), {})
    assert latest.cosignatures == (str(right),)
