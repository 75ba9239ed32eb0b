"""Audit packs: what holds is found to hold, by a program on its own; and whatever was changed is found."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from builders import acted, batch, erased, event_id, one, registered
from held import peak_bytes
from packs import packed, problems, refit, unpacked
from timeline.application.audit import verify
from timeline.application.audit.pack import write_pack
from timeline.application.errors import InvalidRequest, UnknownResource
from timeline.application.proving import Prover
from timeline.eventstore.database import create_engine
from timeline.transparency.checkpoints import cosign
from timeline.transparency.keys import SigningKey
from timeline.transparency.notes import Note, signed
from whole_logs import KEY, ORIGIN, WITNESS, WholeLog

LATER_KEY = SigningKey(ORIGIN, bytes(range(2, 34)))


@pytest.fixture
def log(engine: Engine, tmp_path: Path) -> WholeLog:
    """Give a log with erasures, cosigned checkpoints, and a key that was followed by another."""
    log = WholeLog(engine, tmp_path)
    log.fill()
    log.keys.write([KEY, LATER_KEY])
    log.grow(3)
    log.keys.write([LATER_KEY])
    log.grow(3)
    return log


@pytest.fixture(scope="module")
def whole_pack(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path
) -> Iterator[tuple[WholeLog, bytes]]:
    """Give the pack of such a log, for tests that change it."""
    directory = tmp_path_factory.mktemp("whole")
    (directory / "timeline.db").write_bytes(migrated_sqlite.read_bytes())
    engine = create_engine(f"sqlite:///{directory / 'timeline.db'}")
    log = WholeLog(engine, directory)
    log.fill()
    log.grow(3)
    yield log, packed(log, [event_id(1)])[0]
    engine.dispose()


@pytest.fixture
def bag(whole_pack: tuple[WholeLog, bytes], tmp_path: Path) -> Path:
    """Give that pack, unpacked."""
    return unpacked(whole_pack[1], tmp_path / "bag")


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run the program as an auditor does, with the standard library and nothing else."""
    return subprocess.run(
        [sys.executable, "-I", "-S", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_pack_holds_for_a_program_on_its_own(log: WholeLog, tmp_path: Path) -> None:
    """The one in the pack, unpacked or on the zip file, with keys from elsewhere."""
    pack, said = packed(log, [event_id(1)])
    file = tmp_path / "pack.zip"
    file.write_bytes(pack)
    bag = unpacked(pack, tmp_path / "bag")
    keys = ["--key", str(LATER_KEY.verifier), "--witness", str(WITNESS.verifier)]
    keys += ["--since", str(bag / "data" / "log" / "checkpoint")]

    of_directory = run(str(bag / "verify.py"))
    of_file = run(str(bag / "verify.py"), str(file), *keys)

    assert (of_directory.returncode, of_directory.stderr) == (0, "")
    assert (of_file.returncode, of_file.stderr) == (0, "")
    found = of_file.stdout
    assert f"entries: {said.size}, canonical" in found
    assert f"payloads: {said.size - said.erased} open" in found
    assert f"erased: {said.erased} payloads" in found
    assert f"tree: its root at {said.checkpoints} checkpoints" in found
    assert f"cosignatures: {said.checkpoints + 3} by witness.example" in found
    assert "proofs: 2 lead" in found
    assert "checkpoints are signed by keys that were not given" in found
    assert "growth: over 1 checkpoints" in found
    checked = [line for line in found.splitlines() if line.startswith("checked")]
    assert not any("signatures: " in line and str(KEY.verifier) in line for line in checked)
    assert "whether" not in found
    assert "whether the log's keys are its own" in of_directory.stdout
    assert said.erased > 0
    assert said.checkpoints >= 4


def test_what_other_keys_signed_is_not_called_checked(log: WholeLog, tmp_path: Path) -> None:
    """With --key, what a key of the pack's own signed proves nothing, nor does a growth from it."""
    pack, _ = packed(log)
    bag = unpacked(pack, tmp_path / "bag")
    old = tmp_path / "old"
    first = json.loads((bag / "data" / "checkpoints.ndjson").read_bytes().splitlines()[0])
    old.write_text(first["note"])
    keys = ["--key", f"{LATER_KEY.verifier}\n", "--since", str(old)]

    alone = run(str(bag / "verify.py"), *keys)
    both = run(str(bag / "verify.py"), *keys, "--key", f"{KEY.verifier}\n{LATER_KEY.verifier}")

    assert (alone.returncode, both.returncode) == (0, 0), alone.stdout
    assert "not checked  growth: 1 that were seen are by keys that were not given" in alone.stdout
    assert "which was not given" in alone.stdout
    assert "checked      growth: over 1 checkpoints" in both.stdout
    assert "not given" not in both.stdout


def test_the_same_log_gives_the_same_bytes(log: WholeLog) -> None:
    """Two who ask get one file, which they can compare by its hash."""
    assert packed(log)[0] == packed(log)[0]


def test_a_pack_ends_with_the_newest_checkpoint(log: WholeLog, tmp_path: Path) -> None:
    """What came since is counted; what it erased is missing, and told as not checked."""
    size = log.store.head().position
    log.recorder.append(
        batch(registered("late", id=event_id(9_000_009)), acted("late", id=event_id(9_000_010)))
    )
    log.sign()
    log.recorder.drafts(erased(event_id(9_000_010), "late"), acted("late"))

    pack, said = packed(log)

    bag = unpacked(pack, tmp_path / "bag")
    with verify.Pack(str(bag)) as pack_read:
        report = verify.verify(pack_read, [], [])
    assert (said.size, said.later) == (size + 2, 2)
    assert report.problems == []
    assert "1 payloads were erased by events after the end of this pack" in report.unchecked


def test_a_log_without_a_checkpoint_has_no_pack(engine: Engine, tmp_path: Path) -> None:
    """There is nothing that it could be checked against."""
    log = WholeLog(engine, tmp_path)
    log.recorder.append(one(registered()))

    with pytest.raises(UnknownResource, match="no checkpoint"):
        packed(log)


def test_only_events_under_the_checkpoint_are_proven(log: WholeLog) -> None:
    """An event that is not there, or not yet signed, is named; so is a request for too many."""
    log.recorder.append(one(registered("late", id=event_id(9_000_009))))

    for id in (event_id(9_000_009), event_id(9_999_999)):
        with pytest.raises(UnknownResource, match=id):
            packed(log, [id])
    with pytest.raises(InvalidRequest, match="at most 1000 proofs"):
        packed(log, [event_id(1)] * 1_001)


def test_provenance_names_who_recorded_what_from_which_source(bag: Path) -> None:
    """As PROV-JSON: entities, activities, agents, and what leads from one to the other."""
    said = json.loads((bag / "data/provenance/000.json").read_bytes())
    events = {each["id"]: each for each in _entries(bag)}

    generated = {
        each["prov:entity"].removeprefix("event:"): each["prov:activity"]
        for each in said["wasGeneratedBy"].values()
    }
    agents = {
        each["prov:activity"]: each["prov:agent"] for each in said["wasAssociatedWith"].values()
    }
    assert generated == {id: f"batch:{each['batch']}" for id, each in events.items()}
    assert {agents[each] for each in generated.values()} == {"principal:newsroom"}
    sources = [each["prov:usedEntity"] for each in said["wasDerivedFrom"].values()]
    assert {said["entity"][each]["timeline:url"] for each in sources} == {
        "https://news.example/order"
    }


def _entries(bag: Path) -> list[dict[str, Any]]:
    raw = (bag / "data/log/tile/entries/000").read_bytes()
    return [json.loads(entry) for entry in verify.unbundled(raw, "")]


# ---- What was changed is found ----


def flipped(raw: bytes, at: int) -> bytes:
    """Change one byte."""
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def test_a_byte_that_was_changed_is_found(bag: Path) -> None:
    """In each of the files, at its beginning, in its middle and at its end; the file is named."""
    files = [file for file in sorted(bag.rglob("*")) if file.is_file()]
    assert len(files) > 18

    for file in files:
        raw = file.read_bytes()
        for at in sorted({0, len(raw) // 2, len(raw) - 1} if raw else ()):
            file.write_bytes(flipped(raw, at))
            found = problems(bag)
            assert any(file.relative_to(bag).as_posix() in each for each in found), (file, at)
        file.write_bytes(raw)
    assert problems(bag) == []


def test_a_byte_of_a_zip_file_that_was_changed_is_found(
    whole_pack: tuple[WholeLog, bytes], tmp_path: Path
) -> None:
    """Or it is one that says nothing, such as a time; nothing ends in a traceback."""
    pack = whole_pack[1]
    file = tmp_path / "pack.zip"
    bag = unpacked(pack, tmp_path / "bag")
    whole = {path.relative_to(bag): path.read_bytes() for path in bag.rglob("*") if path.is_file()}
    silent = 0

    for at in range(0, len(pack), len(pack) // 80):
        file.write_bytes(flipped(pack, at))
        try:
            found = problems(file)
        except verify.Wrong as wrong:
            found = [str(wrong)]
        if not found:
            silent += 1
            again = unpacked(file.read_bytes(), tmp_path / f"again-{at}")
            assert whole == {
                path.relative_to(again): path.read_bytes()
                for path in again.rglob("*")
                if path.is_file()
            }

    assert silent < 8


@pytest.mark.parametrize("kind", ["gone", "more"])
def test_a_file_that_is_gone_or_too_many_is_found(kind: str, bag: Path) -> None:
    """Also where the manifests were made to fit; but for proofs, of which there may be any."""
    data = [file for file in sorted((bag / "data").rglob("*")) if file.is_file()]
    files = [file for file in data if file.parent.name != "proofs"]

    for file in files:
        raw = file.read_bytes()
        extra = file.with_name(f"{file.name}.more")
        if kind == "gone":
            file.unlink()
        else:
            extra.write_bytes(raw)
        assert problems(bag) != [], file
        refit(bag)
        assert problems(bag) != [], file
        file.write_bytes(raw)
        extra.unlink(missing_ok=True)
        refit(bag)
    assert problems(bag) == []


def test_no_byte_of_the_log_can_be_changed_by_who_makes_manifests(bag: Path) -> None:
    """Entries, payloads, salts, notes, keys, proofs, provenance: all are bound to one another."""
    data = [file for file in sorted((bag / "data").rglob("*")) if file.is_file()]

    for file in data:
        raw = file.read_bytes()
        for at in range(0, len(raw), max(1, len(raw) // 10)):
            file.write_bytes(flipped(raw, at))
            refit(bag)
            assert problems(bag) != [], (file, at)
        file.write_bytes(raw)
    refit(bag)
    assert problems(bag) == []


Change = Callable[[Path], None]


def rewritten(name: str, change: Callable[[bytes], bytes]) -> Change:
    """Change a file."""

    def apply(bag: Path) -> None:
        file = next(iter(sorted(bag.glob(name))))
        before = file.read_bytes()
        file.write_bytes(change(before))
        assert file.read_bytes() != before

    return apply


def seen_too_late(raw: bytes) -> bytes:
    """Have the witness cosign the first checkpoint at a time beyond what there is."""
    first, *rest = raw.splitlines(keepends=True)
    note = Note.parse(json.loads(first)["note"].encode())
    lines = [line for line in note.signatures if not line.made_by(WITNESS.verifier)]
    late = Note(note.text, (*lines, cosign(note, WITNESS, 2**63)))
    return b"".join((verify.canonical({"note": bytes(late).decode()}) + b"\n", *rest))


def swapped(raw: bytes) -> bytes:
    """Swap two entries of a bundle."""
    first, second, *rest = verify.unbundled(raw, "")
    return b"".join(len(each).to_bytes(2, "big") + each for each in (second, first, *rest))


def shortened(raw: bytes) -> bytes:
    """Take the last entry out of a bundle."""
    entries = verify.unbundled(raw, "")[:-1]
    return b"".join(len(each).to_bytes(2, "big") + each for each in entries)


def signed_anew(raw: bytes) -> bytes:
    """Sign a checkpoint with a key of one's own."""
    text = raw.decode().rpartition("\n\n")[0] + "\n"
    return bytes(signed(text, [LATER_KEY]))


CHANGES: dict[str, tuple[Change, str]] = {
    "an entry's principal": (
        rewritten(
            "data/log/tile/entries/000", lambda raw: raw.replace(b"newsroom", b"newsrooM", 1)
        ),
        "has another root",
    ),
    "entries in another order": (rewritten("data/log/tile/entries/000", swapped), "says to be at"),
    "the newest entry gone": (
        rewritten("data/log/tile/entries/001.p/*", shortened),
        "entries in place of",
    ),
    "a payload": (
        rewritten("data/payloads/000.ndjson", lambda raw: raw.replace(b"An order", b"No order", 1)),
        "do not open the commitment",
    ),
    "a salt": (
        rewritten(
            "data/payloads/000.ndjson",
            lambda raw: re.sub(rb'"salt":"0', b'"salt":"1', raw, count=1),
        ),
        "do not open the commitment",
    ),
    "a payload that is left out": (
        rewritten("data/payloads/000.ndjson", lambda raw: raw.partition(b"\n")[2]),
        "not listed as erased",
    ),
    "a payload in another form": (
        rewritten("data/payloads/000.ndjson", lambda raw: raw.replace(b'"data":', b'"data": ', 1)),
        "not in canonical form",
    ),
    "an erasure that is left out": (
        rewritten("data/erased.ndjson", lambda raw: raw.partition(b"\n")[2]),
        "not listed as erased",
    ),
    "an erasure that never was": (
        rewritten("data/erased.ndjson", lambda raw: raw + raw.splitlines(keepends=True)[-1]),
        "more lines than payloads are missing",
    ),
    "an erasure by another event": (
        rewritten(
            "data/erased.ndjson",
            lambda raw: re.sub(rb'"erased_by":"[^"]*"', b'"erased_by":"x"', raw, count=1),
        ),
        "did not erase",
    ),
    "a checkpoint with another key": (
        rewritten("data/log/checkpoint", signed_anew),
        "is not data/log/checkpoint",
    ),
    "a checkpoint that is left out": (
        rewritten(
            "data/checkpoints.ndjson",
            lambda raw: b"".join(raw.splitlines(keepends=True)[:-1]),
        ),
        "is not data/log/checkpoint",
    ),
    "a checkpoint's size": (
        rewritten("data/checkpoints.ndjson", lambda raw: raw.replace(b"\\n3", b"\\n4", 1)),
        "the signature is not that of",
    ),
    "another log's key": (
        rewritten("data/log/vkey", lambda _raw: f"{LATER_KEY.verifier}\n".encode()),
        "none of the log's keys",
    ),
    "another witness's key": (
        rewritten("data/log/witnesses", lambda _raw: b""),
        "that is not known",
    ),
    "when a witness saw it": (
        rewritten("data/checkpoints.ndjson", seen_too_late),
        "the signature is not that of",
    ),
    "a proof's hash": (
        rewritten(
            "data/proofs/*", lambda raw: raw.replace(raw.split(b"\n")[2], b"A" * 43 + b"=", 1)
        ),
        "does not lead from entry",
    ),
    "a proof's place": (
        rewritten("data/proofs/*", lambda raw: raw.replace(b"index ", b"index 1", 1)),
        "",
    ),
    "a source in the provenance": (
        rewritten(
            "data/provenance/000.json", lambda raw: raw.replace(b"news.example", b"fake.example", 1)
        ),
        "does not follow from",
    ),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=list(CHANGES))
def test_what_was_changed_is_named(change: Change, said: str, bag: Path) -> None:
    """Where the manifests were made to fit, what it does not agree with is told."""
    change(bag)
    refit(bag)

    found = problems(bag)

    assert any(said in each for each in found), found


def test_keys_from_elsewhere_decide(bag: Path) -> None:
    """A log that signed itself with other keys, and a witness that has not seen it, are found."""
    other = str(LATER_KEY.verifier)
    unseen = SigningKey("other.example", bytes(range(5, 37)), WITNESS.algorithm)

    assert problems(bag, keys=[str(KEY.verifier)], witnesses=[str(WITNESS.verifier)]) == []
    assert any("not signed by a key that was given" in each for each in problems(bag, keys=[other]))
    found = problems(bag, witnesses=[str(unseen.verifier)])
    assert found == ["data/checkpoints.ndjson:3: other.example has not cosigned it"]


def test_a_log_that_did_not_grow_from_what_was_seen_is_found(
    engine: Engine, tmp_path: Path, migrated_sqlite: Path
) -> None:
    """A fork and a shortened log hold by themselves, and not beside an earlier pack's checkpoint."""
    log = WholeLog(engine, tmp_path)
    log.lengthen(10)
    log.sign()
    short = unpacked(packed(log)[0], tmp_path / "short")
    log.lengthen(10)
    log.sign()
    grown = unpacked(packed(log)[0], tmp_path / "grown")
    (tmp_path / "fork.db").write_bytes(migrated_sqlite.read_bytes())
    other = create_engine(f"sqlite:///{tmp_path / 'fork.db'}")
    fork = WholeLog(other, tmp_path, seed=2)
    fork.lengthen(30)
    fork.sign()
    forked = unpacked(packed(fork)[0], tmp_path / "forked")
    other.dispose()
    seen, later = (each / "data/log/checkpoint" for each in (short, grown))

    assert [problems(each) for each in (short, grown, forked)] == [[], [], []]
    assert problems(grown, seen=[seen, later]) == []
    assert problems(short, seen=[later]) == [f"{later}: the log is shorter, it ends at 11"]
    assert problems(forked, seen=[seen]) == [f"{seen}: its checkpoint is of another tree"]


def test_an_exit_code_tells(bag: Path, tmp_path: Path) -> None:
    """0 held, 1 wrong, 2 used wrongly; also for what is no pack at all."""
    (tmp_path / "no.zip").write_bytes(b"no zip")
    assert run(str(bag / "verify.py")).returncode == 0

    (bag / "data/erased.ndjson").write_bytes(b"")
    wrong = run(str(bag / "verify.py"))

    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert "WRONG        data/erased.ndjson: its SHA-256 is not" in wrong.stdout
    assert run(str(bag / "verify.py"), str(tmp_path / "no.zip")).returncode == 1
    assert run(str(bag / "verify.py"), str(tmp_path / "nowhere")).returncode == 1
    assert run(str(bag / "verify.py"), "--nonsense").returncode == 2


def test_memory_does_not_grow_with_the_log(sqlite_url: str, tmp_path: Path) -> None:
    """Neither writing a pack nor checking it holds more for five times the events."""
    engine = create_engine(sqlite_url)
    log = WholeLog(engine, tmp_path)
    peaks = []
    for bundles in (2, 10):
        while log.store.head().position < 256 * bundles:
            log.lengthen(255)
        log.sign()
        file = tmp_path / f"{bundles}.zip"

        def write(file: Path = file) -> None:
            with file.open("wb") as stream:
                write_pack(stream, engine, Prover(log.store, log.published))

        written = peak_bytes(write)
        peaks.append((written, peak_bytes(partial(problems, file))))
    assert problems(file) == []
    assert [later < 1.5 * former for former, later in zip(*peaks, strict=True)] == [True, True]
    engine.dispose()
