"""`timeline key` and `timeline proof`: keys that are never shown, proofs that anyone can check."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from click.testing import Result
from sqlalchemy import Engine

from builders import acted, event_id, registered
from timeline.application.key_files import KeyFile
from timeline.application.proving import Prover
from timeline.application.signing import Signer
from timeline.bootstrap import now
from timeline.cli.errors import CommandError
from timeline.cli.key import make_beside_database
from timeline.eventstore.model import Append
from timeline.eventstore.published import Checkpointed, Published
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.settings import Settings
from timeline.transparency.checkpoints import Checkpoint, opened
from timeline.transparency.keys import SigningKey, VerifierKey
from timeline.transparency.merkle import leaf_hash
from timeline.transparency.notes import signed
from timeline.transparency.proof_files import ProofFile
from timeline.transparency.proofs import check_inclusion

Timeline = Callable[..., Result]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the path of a key that there is none at yet; the log's name is set, too."""
    monkeypatch.setenv("TIMELINE_SIGNING_KEY_FILE", str(tmp_path / "log.key"))
    monkeypatch.setenv("TIMELINE_LOG_ORIGIN", "log.example/record")
    return tmp_path / "log.key"


def test_generate_prints_the_verifier_key_alone(timeline: Timeline, path: Path) -> None:
    """What checks the log goes to standard output; the private key stays in its file, mode 0600."""
    result = timeline("key", "generate")

    key = VerifierKey.parse(result.stdout.strip())
    (private,) = KeyFile(path).read()
    assert (result.exit_code, key) == (0, private.verifier)
    assert key.name == "log.example/record"
    assert path.stat().st_mode & 0o777 == 0o600
    assert private.to_text() not in result.output


def test_a_key_is_never_written_over(timeline: Timeline, path: Path) -> None:
    """Who lost a key could not sign the log any more."""
    timeline("key", "generate")
    before = path.read_bytes()

    result = timeline("key", "generate")

    assert result.exit_code == 1
    assert "--rotate" in result.stderr
    assert path.read_bytes() == before


def test_a_rotation_has_three_steps(timeline: Timeline, path: Path) -> None:
    """A second key comes, both sign for a while, and the older one goes."""
    old = timeline("key", "generate").stdout.strip()
    new = timeline("key", "generate", "--rotate").stdout.strip()

    shown = timeline("key", "show").stdout.splitlines()
    third = timeline("key", "generate", "--rotate")
    left = timeline("key", "retire").stdout.strip()
    last = timeline("key", "retire")

    assert (shown, left) == ([old, new], new)
    assert timeline("key", "show").stdout.splitlines() == [new]
    assert (third.exit_code, last.exit_code) == (1, 1)
    assert len(KeyFile(path).read()) == 1


def test_a_key_is_retired_once_the_newer_one_has_signed(
    timeline: Timeline, path: Path, engine: Engine
) -> None:
    """The next checkpoint is held against the last: nobody could check that without the older key."""
    timeline("key", "generate")
    store = SqlStore(engine)
    signer = Signer(store, Published(engine), KeyFile(path), "log.example/record", now)
    with Writer(store) as writer:
        writer.append(Append(drafts=(registered("an-order"),), recorded_by="desk"))
        signer.sign()
        timeline("key", "generate", "--rotate")
        early = timeline("key", "retire")
        writer.append(Append(drafts=(acted("an-order"),), recorded_by="desk"))
        signer.sign()
        retired = timeline("key", "retire")
        writer.append(Append(drafts=(acted("an-order"),), recorded_by="desk"))

        size = signer.sign()

    assert (early.exit_code, retired.exit_code, size) == (1, 0, 3)
    assert "has not signed yet" in early.stderr
    assert timeline("verify").exit_code == 0


def test_a_key_of_another_log_is_refused(
    timeline: Timeline, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log's name stands in its checkpoints, and in its keys."""
    timeline("key", "generate")
    monkeypatch.setenv("TIMELINE_LOG_ORIGIN", "log.example/other")

    result = timeline("import", "-", input="")

    assert result.exit_code == 1
    assert str(path) in result.stderr


def test_a_proof_is_checked_with_key_and_entry_alone(
    timeline: Timeline, path: Path, engine: Engine
) -> None:
    """`timeline proof EVENT` writes a file that leads from the entry to a signed checkpoint."""
    key = VerifierKey.parse(timeline("key", "generate").stdout.strip())
    store, published = SqlStore(engine), Published(engine)
    with Writer(store) as writer:
        drafts = (registered("an-order"), *(acted("an-order", id=event_id(n)) for n in range(2, 9)))
        writer.append(Append(drafts=drafts, recorded_by="desk"))
    early = timeline("proof", event_id(5))
    Signer(store, published, KeyFile(path), "log.example/record", now).sign()

    result = timeline("proof", event_id(5))

    file = ProofFile.parse(result.stdout_bytes)
    checkpoint, _ = opened(file.checkpoint, [key])
    (entry,) = published.entries(file.index, 1)
    check_inclusion(file.index, checkpoint.size, leaf_hash(entry), file.hashes, checkpoint.root)
    assert event_id(5).encode() in entry
    assert (early.exit_code, timeline("proof", event_id(99)).exit_code) == (1, 1)


@pytest.fixture
def kept(timeline: Timeline, path: Path, engine: Engine, tmp_path: Path) -> "Kept":
    """Give a proof of the fifth of eight events in its two forms, and the log's key."""
    key = timeline("key", "generate").stdout.strip()
    store, published = SqlStore(engine), Published(engine)
    with Writer(store) as writer:
        drafts = (registered("an-order"), *(acted("an-order", id=event_id(n)) for n in range(2, 9)))
        writer.append(Append(drafts=drafts, recorded_by="desk"))
    Signer(store, published, KeyFile(path), "log.example/record", now).sign()
    event = store.get(event_id(5))
    assert event is not None
    assert event.data is not None
    opening = Prover(store, published).opening(event.position)
    answer = {"data": msgspec.json.decode(event.data), **opening}
    file = tmp_path / "proof"
    file.write_bytes(timeline("proof", event_id(5)).stdout_bytes)
    return Kept(key, file, answer, tmp_path / "answer")


class Kept(NamedTuple):
    """What somebody kept of an event."""

    key: str
    file: Path
    answer: dict[str, Any]
    path: Path

    def saved(self, **changes: object) -> str:
        """Save the answer, with some of it changed; return where."""
        self.path.write_bytes(msgspec.json.encode(self.answer | changes))
        return str(self.path)


def test_a_proof_that_was_kept_is_checked_without_a_database(
    timeline: Timeline, kept: Kept, tmp_path: Path
) -> None:
    """The event's answer has all it takes; a proof file takes the entry, or the answer, beside it."""
    entry = tmp_path / "entry"
    entry.write_text(kept.answer["entry"] + "\n")
    place = {"TIMELINE_DATABASE_URL": f"sqlite:///{tmp_path}/nowhere.db"}

    answer = timeline("proof", "--check", kept.saved(), "--key", kept.key, **place)
    words = ("proof", "--check", str(kept.file), "--key", kept.key, "--entry")
    bare, whole = (timeline(*words, each, **place) for each in (str(entry), str(kept.path)))

    assert [each.exit_code for each in (answer, bare, whole)] == [0, 0, 0], answer.stderr
    assert answer.stdout == whole.stdout
    assert answer.stdout.splitlines()[:2] == [
        "proven: position 5 of log.example/record, at 8 entries",
        f"event: {event_id(5)}, ActionRecorded of an-order",
    ]
    assert "data: what was recorded" in answer.stdout
    assert "not checked: the data" in bare.stdout


def test_what_a_kept_proof_does_not_prove_is_refused(timeline: Timeline, kept: Kept) -> None:
    """Other data, another entry, another place and another key: each says so."""
    checking = ("proof", "--key", kept.key, "--check")
    other = str(SigningKey("log.example/record", bytes(range(32))).verifier)
    entry = kept.answer["entry"]
    proof = kept.answer["proof"]

    data = timeline(*checking, kept.saved(data={"action": "vetoed", "occurred": "2024"}))
    said = timeline(*checking, kept.saved(entry=entry.replace("desk", "mole")))
    place = timeline(*checking, kept.saved(proof=proof | {"position": 6}))
    none = timeline(*checking, kept.saved(proof=None))
    bare = timeline(*checking, str(kept.file))
    erased = timeline(*checking, kept.saved(salt=None, data=None))
    stranger = timeline("proof", "--key", other, "--check", kept.saved())

    wrong = (data, said, place, none, bare)
    assert [each.exit_code for each in wrong] == [1] * 5
    assert "not what it commits to" in data.stderr
    assert "leads to another root" in said.stderr
    assert "before a checkpoint had it" in none.stderr
    assert "does not have the entry" in bare.stderr
    assert (erased.exit_code, stranger.exit_code) == (0, 2)
    assert "not checked: the data" in erased.stdout
    for words in (("proof",), ("proof", "--check", str(kept.file)), ("proof", "x", "--key", other)):
        assert timeline(*words).exit_code == 2


def test_status_tells_the_newest_checkpoint(timeline: Timeline, path: Path, engine: Engine) -> None:
    """How far the log is signed, since when, and how many witnesses have seen that."""
    timeline("key", "generate")
    store = SqlStore(engine)
    with Writer(store) as writer:
        writer.append(Append(drafts=(registered("an-order"),), recorded_by="desk"))
    Signer(store, Published(engine), KeyFile(path), "log.example/record", now).sign()

    told = timeline("status").stdout

    assert "checkpoint: 1 entries, signed at " in told
    assert ", 0 cosignatures" in told


def test_reading_needs_no_key(timeline: Timeline, path: Path, engine: Engine) -> None:
    """An auditor may read the database; the key is the service's alone."""
    with Writer(SqlStore(engine)) as writer:
        writer.append(Append(drafts=(registered("an-order"),), recorded_by="desk"))

    exported, imported = timeline("export"), timeline("import", "-", input="")

    assert not path.exists()
    assert (exported.exit_code, imported.exit_code) == (0, 1)
    assert str(path) in imported.stderr


def test_nothing_is_imported_into_another_log_than_was_signed(
    timeline: Timeline, path: Path, engine: Engine, lines: Callable[..., str]
) -> None:
    """A restored backup takes nothing in, whichever command records."""
    timeline("key", "generate")
    store = SqlStore(engine)
    with Writer(store) as writer:
        writer.append(Append(drafts=(registered("an-order"),), recorded_by="desk"))
    longer = Checkpoint("log.example/record", 9, bytes(32))
    KeyFile(path).keep_signed(bytes(signed(longer.text, KeyFile(path).read())))

    result = timeline("import", "-", input=lines(3, "other", 50))

    told, refused = timeline("status").stdout, timeline("key", "adopt")
    kept = KeyFile(path).last_signed()
    adopted = timeline("key", "adopt", "--yes")
    again = timeline("import", "-", input=lines(3, "other", 50))
    assert result.exit_code == 1
    assert "9 entries" in result.stderr
    assert "stopped: since " in told
    assert "`timeline verify` tells what differs" in told
    assert refused.exit_code == 1
    assert kept == bytes(signed(longer.text, KeyFile(path).read()))
    assert "Given up: log.example/record: 9 entries" in refused.stderr
    assert "Taken instead: log.example/record: 0 entries" in refused.stderr
    assert "timeline verify" in refused.stderr
    assert "It was stopped since " in adopted.stderr
    assert (again.exit_code, store.head().position) == (0, 1 + 3)
    assert "stopped" not in timeline("status").stdout


def test_what_is_not_the_log_of_its_checkpoint_stays_stopped(
    timeline: Timeline, path: Path, engine: Engine
) -> None:
    """`timeline key adopt` takes the log as it stands, and not one that is none."""
    timeline("key", "generate")
    store, published = SqlStore(engine), Published(engine)
    with Writer(store) as writer:
        writer.append(Append(drafts=(registered("an-order"),), recorded_by="desk"))
    forged = bytes(
        signed(Checkpoint("log.example/record", 1, bytes(32)).text, KeyFile(path).read())
    )
    published.publish(Checkpointed(size=1, note=forged, signed_at="x" * 27), [], {})

    result = timeline("key", "adopt", "--yes")

    assert result.exit_code == 1
    assert "root hash" in result.stderr
    assert store.stopped() is not None


def test_a_key_that_is_lost_is_not_made_anew(
    timeline: Timeline, engine: Engine, monkeypatch: pytest.MonkeyPatch, database_kind: str
) -> None:
    """What it signed last lies there still: nothing is recorded until an operator has looked."""
    if database_kind != "sqlite":
        pytest.skip("only beside an SQLite database there is a key by default")
    monkeypatch.setenv("TIMELINE_LOG_ORIGIN", "log.example/record")
    path = Path(f"{engine.url.database}.key")
    KeyFile(path).begin([SigningKey("log.example/record", bytes(32))])
    path.unlink()

    result = timeline("import", "-", input="")

    assert result.exit_code == 1
    assert str(path) in result.stderr


def test_a_key_is_not_made_for_a_log_that_was_signed(
    engine: Engine, tmp_path: Path, database_kind: str
) -> None:
    """As where a database was moved without its key: another one would be that of another log."""
    if database_kind != "sqlite":
        pytest.skip("only beside an SQLite database there is a key by default")
    settings = Settings(database_url=str(engine.url), log_origin="log.example/record")
    elsewhere = KeyFile(tmp_path / "elsewhere.key")
    elsewhere.begin([SigningKey("log.example/record", bytes(32))])
    store, published = SqlStore(engine), Published(engine)
    with Writer(store) as writer:
        writer.append(Append(drafts=(registered("an-order"),), recorded_by="desk"))
    Signer(store, published, elsewhere, "log.example/record", now).sign()

    with pytest.raises(CommandError, match="is missing, the key that signed the log's 1 entries"):
        make_beside_database(settings, published)

    assert not Path(f"{engine.url.database}.key").exists()
