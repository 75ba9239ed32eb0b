"""Checks a proof that was kept: with the log's key and what lies beside it, and without any service.

Owns which files are taken and what of them has to fit. Must not know where they lie.

Two forms are taken: a proof file (`c2sp.org/tlog-proof@v1`), which needs the entry beside it, and what
`GET /v1/events/ID?proof=true` answered, which has entry, data and salt with the proof.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from timeline.transparency.canonical import encode, parse
from timeline.transparency.checkpoints import cosigners, opened
from timeline.transparency.entries import Entry, commitment, read_entry
from timeline.transparency.errors import TransparencyError, WrongProof
from timeline.transparency.keys import VerifierKey
from timeline.transparency.merkle import leaf_hash
from timeline.transparency.proof_files import HEADER, ProofFile
from timeline.transparency.proofs import check_inclusion

MAX_FILE_BYTES: Final = 16 * 1_048_576
"""More than any event that is taken in, and its proof."""


class CheckedProof(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof was found to prove.

    Attributes:
        origin: the log's name.
        size: how many entries it had.
        entry: what the entry says, which is proven to be in it.
        opened: whether data and salt open the entry's commitment; None where they were not there.
        keys: the log's, that have signed.
        witnesses: those asked for, which all have cosigned.

    """

    origin: str
    size: int
    entry: Entry
    opened: bool | None
    keys: tuple[str, ...]
    witnesses: tuple[str, ...]


class _Answer(msgspec.Struct, frozen=True):
    """What a saved answer holds that is checked here; what else it says follows from these, or is derived."""

    entry: str
    salt: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    proof: dict[str, Any] | None = None


def check(
    file: bytes,
    keys: Sequence[VerifierKey],
    *,
    beside: bytes | None = None,
    witnesses: Sequence[VerifierKey] = (),
) -> CheckedProof:
    """Check a proof.

    Args:
        file: the proof file, or the saved answer.
        keys: the log's.
        beside: with a proof file, the entry: its bytes, or a saved answer that has it.
        witnesses: whose cosignatures there have to be.

    Raises:
        UnknownSigner: the checkpoint is signed, and by none of the keys.
        TransparencyError: the proof, or what is to be proven, does not hold or cannot be read.

    """
    if file.startswith(HEADER.encode()):
        if beside is None:
            raise WrongProof(reason="a proof file does not have the entry that it is of")
        proof, answer = ProofFile.parse(file), _answer(beside)
        raw = beside.removesuffix(b"\n") if answer is None else answer.entry.encode()
    else:
        answer = _answer(file)
        if answer is None:
            raise WrongProof(reason=f"it is no {HEADER}, and no event with an entry and a proof")
        proof, raw = _proof_of(answer), answer.entry.encode()
    checkpoint, note = opened(proof.checkpoint, keys)
    check_inclusion(proof.index, checkpoint.size, leaf_hash(raw), proof.hashes, checkpoint.root)
    entry = read_entry(raw)
    if entry.position != proof.index + 1:
        raise WrongProof(reason=f"it is of index {proof.index}, and position {entry.position}")
    cosigned = {each.witness for each in cosigners(note, witnesses)}
    for witness in witnesses:
        if witness not in cosigned:
            raise WrongProof(reason=f"{witness.name} has not cosigned its checkpoint")
    return CheckedProof(
        origin=checkpoint.origin,
        size=checkpoint.size,
        entry=entry,
        opened=None if answer is None else _opens(answer, entry),
        keys=tuple(map(str, note.signed_by(keys))),
        witnesses=tuple(map(str, witnesses)),
    )


def _answer(raw: bytes) -> _Answer | None:
    """Read a saved answer; None for what is none, such as an entry."""
    try:
        return msgspec.json.decode(raw, type=_Answer)
    except msgspec.MsgspecError:
        return None


def _proof_of(answer: _Answer) -> ProofFile:
    proof = answer.proof
    if proof is None:
        raise WrongProof(reason="the event was saved before a checkpoint had it")
    try:
        return ProofFile(
            index=int(proof["position"]) - 1,
            hashes=tuple(map(bytes.fromhex, proof["hashes"])),
            checkpoint=proof["checkpoint"].encode(),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise WrongProof(reason="the event's proof is not as it was served") from None


def _opens(answer: _Answer, entry: Entry) -> bool | None:
    """Tell whether what was saved is what the entry commits to; None where it was erased."""
    if answer.salt is None:
        return None
    try:
        found = commitment(bytes.fromhex(answer.salt), encode(parse(bytes(answer.data))))
    except (ValueError, TransparencyError):
        return False
    return found == entry.commitment
