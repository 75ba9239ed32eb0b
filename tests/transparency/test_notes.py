"""Keys, signed notes, checkpoints, cosignatures and proof files, as other tools write and read them."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_files import shared
from timeline.transparency.checkpoints import Checkpoint, cosign, cosigners, opened
from timeline.transparency.errors import WrongCheckpoint, WrongKey, WrongNote, WrongProof
from timeline.transparency.keys import COSIGNATURE_V1, SigningKey, VerifierKey
from timeline.transparency.merkle import EMPTY_ROOT
from timeline.transparency.notes import Note, signed
from timeline.transparency.proof_files import ProofFile

LOG = SigningKey("log.example/record", bytes(range(32)))
ROTATED = SigningKey("log.example/record", bytes(range(1, 33)))
WITNESS = SigningKey("witness.example", bytes(range(2, 34)), COSIGNATURE_V1)
CHECKPOINT = Checkpoint("log.example/record", 0, EMPTY_ROOT)


def vectors(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(shared(f"vectors/{name}.json").read_text())
    return loaded


# --- keys


def test_keys_read_back_as_they_were_written() -> None:
    """A key file, and what is given to others, hold all there is to know of a key."""
    for key in (LOG, WITNESS):
        assert SigningKey.parse(key.to_text()) == key
        assert VerifierKey.parse(str(key.verifier)) == key.verifier


def test_a_signing_key_does_not_show_itself() -> None:
    """Neither a log line nor a traceback holds the seed."""
    shown = repr(LOG)

    assert LOG.seed.hex() not in shown
    assert base64.b64encode(b"\x01" + LOG.seed).decode() not in shown


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("log.example", "log.example2"),
        lambda text: text[:-1],
        lambda text: text + "AAAA",
        lambda text: text.replace("/record+", "/record "),
        lambda _: "",
        lambda _: "a+b",
    ],
)
def test_keys_that_are_spoilt_are_refused(spoil: Callable[[str], str]) -> None:
    """A key's id says which name and which bytes belong together."""
    with pytest.raises(WrongKey):
        VerifierKey.parse(spoil(str(LOG.verifier)))
    with pytest.raises(WrongKey) as refused:
        SigningKey.parse(spoil(LOG.to_text()))
    assert base64.b64encode(LOG.seed).decode()[4:-4] not in str(refused.value)


def test_published_keys_are_judged_as_published() -> None:
    """A key with another's id, or of an algorithm that nobody knows, is refused."""
    for text in vectors("signed_note")["bad_vkeys"]:
        with pytest.raises(WrongKey):
            VerifierKey.parse(text)


# --- notes


def test_published_notes_are_judged_as_published() -> None:
    """Notes open for those who know a signer, and not where a known key's signature is wrong."""
    published = vectors("signed_note")
    for case in published["open_ok"]:
        keys = [VerifierKey.parse(key) for key in case["vkeys"]]
        note = Note.parse(case["note"].encode())
        assert [key.name for key in note.signed_by(keys)] == case["verified"]
        assert bytes(note) == case["note"].encode()
    for case in published["open_fail"]:
        keys = [VerifierKey.parse(key) for key in case["vkeys"]]
        with pytest.raises(WrongNote):
            Note.parse(case["note"].encode()).signed_by(keys)


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=50).map(
        lambda each: each + "\n"
    )
)
def test_what_is_signed_opens(text: str) -> None:
    """With one key or with two, as while keys are rotated; a changed text does not open."""
    note = Note.parse(bytes(signed(text, [LOG, ROTATED])))

    assert note.text == text
    assert note.signed_by([ROTATED.verifier]) == (ROTATED.verifier,)
    assert note.signed_by([LOG.verifier, ROTATED.verifier]) == (LOG.verifier, ROTATED.verifier)
    with pytest.raises(WrongNote):
        Note("x" + text, note.signatures).signed_by([LOG.verifier])


def test_a_witness_does_not_stand_for_a_log() -> None:
    """A cosignature is no signature of the log, even where their names are alike."""
    note = Note(CHECKPOINT.text, (cosign(signed(CHECKPOINT.text, [LOG]), WITNESS, 5),))

    with pytest.raises(WrongNote):
        note.signed_by([WITNESS.verifier])


# --- checkpoints


def test_published_checkpoints_open() -> None:
    """Those of a test log, and a real one of Go's checksum database."""
    published = vectors("checkpoint")
    keys = [VerifierKey.parse(key) for key in published["vkeys"].values()]
    for raw in published["signed"]:
        origin = raw.split("\n")[0]
        checkpoint, note = opened(raw.encode(), keys, origin=origin)
        assert checkpoint.text == note.text
        assert str(checkpoint.size) == raw.split("\n")[1]
    for text in published["body_invalid"]:
        with pytest.raises(WrongCheckpoint):
            Checkpoint.parse(text)


def test_a_checkpoint_is_of_the_log_that_signed_it() -> None:
    """One of another name is refused, though a known key has signed it."""
    other = Checkpoint("log.example/other", 0, EMPTY_ROOT)

    assert opened(bytes(signed(CHECKPOINT.text, [LOG])), [LOG.verifier])[0] == CHECKPOINT
    with pytest.raises(WrongCheckpoint):
        opened(bytes(signed(other.text, [LOG])), [LOG.verifier])


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_reads_back(size: int, root: bytes) -> None:
    """Whatever it states; extensions stay, as they are signed, too."""
    checkpoint = Checkpoint("log.example/record", size, root, ("more", "of it"))

    assert Checkpoint.parse(checkpoint.text) == checkpoint


def test_witnesses_are_told_apart_and_tell_when() -> None:
    """A cosignature counts for the witness that made it, once, and says when it did."""
    note = signed(CHECKPOINT.text, [LOG])
    cosigned = note.with_signatures([cosign(note, WITNESS, 1_700_000_000)] * 2)
    stranger = SigningKey("stranger.example", bytes(32), COSIGNATURE_V1).verifier

    found = cosigners(Note.parse(bytes(cosigned)), [stranger, WITNESS.verifier])

    assert [(each.witness, each.seen_s) for each in found] == [(WITNESS.verifier, 1_700_000_000)]
    assert cosigned.signed_by([LOG.verifier]) == (LOG.verifier,)


def test_a_cosignature_is_of_a_time_that_there_is() -> None:
    """Beyond 63 bits it is none, whoever signed it."""
    note = signed(CHECKPOINT.text, [LOG])
    last, beyond = (note.with_signatures([cosign(note, WITNESS, 2**63 + s)]) for s in (-1, 0))

    assert cosigners(last, [WITNESS.verifier]) == [(WITNESS.verifier, 2**63 - 1)]
    with pytest.raises(WrongNote):
        cosigners(beyond, [WITNESS.verifier])


def test_a_cosignature_of_another_time_or_checkpoint_is_refused() -> None:
    """The time is signed with the checkpoint."""
    note = signed(CHECKPOINT.text, [LOG])
    line = cosign(note, WITNESS, 5)
    late = line._replace(signature=(6).to_bytes(8) + line.signature[8:])
    other = Checkpoint("log.example/record", 1, EMPTY_ROOT)

    for spoilt in (Note(note.text, (late,)), Note(other.text, (line,))):
        with pytest.raises(WrongNote):
            cosigners(spoilt, [WITNESS.verifier])


# --- proof files


def test_published_proof_files_are_judged_as_published() -> None:
    """They are written byte for byte as others write them."""
    published = vectors("tlog_proof")
    for case in published["marshal"]:
        extra = case.get("extra")
        file = ProofFile(
            case["index"],
            tuple(base64.b64decode(hash) for hash in case["hashes"]),
            case["checkpoint"].encode(),
            None if extra is None else base64.b64decode(extra),
        )
        assert bytes(file).decode() == case["want"]
        assert ProofFile.parse(bytes(file)) == file
    for text in published["reject"]:
        with pytest.raises(WrongProof):
            ProofFile.parse(text.encode())


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(raw: bytes) -> None:
    """What is no note, key or proof is refused as that, whatever it is."""
    with pytest.raises(WrongNote):
        Note.parse(raw).signed_by([LOG.verifier])
    with pytest.raises(WrongProof):
        ProofFile.parse(raw)
    with pytest.raises(WrongKey):
        VerifierKey.parse(raw.decode("latin-1"))
