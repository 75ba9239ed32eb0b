"""Checkpoints: "the log of this name has so many entries and this root hash".

Owns what a checkpoint's text is, and the cosignatures of witnesses. Must not know how a root comes
about, or which witnesses count.

Sources of the formats: C2SP tlog-checkpoint v1.0.0 and tlog-cosignature v1.0.0.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

import msgspec

from timeline.transparency.errors import WrongCheckpoint, WrongNote
from timeline.transparency.keys import COSIGNATURE_V1, SIGNATURE_BYTES, SigningKey, VerifierKey
from timeline.transparency.merkle import HASH_BYTES
from timeline.transparency.notes import Note, Signature

MAX_SIZE: Final = 2**63 - 1
"""More entries than a position can count."""

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME_BYTES: Final = 8

_MAX_TIME_S: Final = 2**63 - 1
"""The latest time that tlog-cosignature allows."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A log's name, how many entries it has, and its root hash, 32 bytes.

    `extensions` are further lines, which say nothing here and are kept, since they are signed, too.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint; raises WrongCheckpoint for anything else."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop():  # noqa: PLR2004 - three lines, each with its end
            raise WrongCheckpoint(reason="it has fewer than three lines, or an unfinished one")
        origin, size, encoded, *extensions = lines
        if not origin or not all(extensions):
            raise WrongCheckpoint(reason="a line is empty")
        if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
            raise WrongCheckpoint(reason="its second line is no number of entries")
        try:
            root = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise WrongCheckpoint(reason="its third line is no base64") from None
        if len(root) != HASH_BYTES:
            raise WrongCheckpoint(reason=f"its root hash has {len(root)} bytes")
        return cls(origin, int(size), root, tuple(extensions))


def opened(
    raw: bytes, keys: Iterable[VerifierKey], *, origin: str | None = None
) -> tuple[Checkpoint, Note]:
    """Read a checkpoint that one of a log's keys has signed.

    Args:
        raw: the signed note.
        keys: the log's.
        origin: the log's name, where it is not the one of the keys.

    Raises:
        WrongNote: it is no note, or none of the keys has signed it.
        WrongCheckpoint: its text is no checkpoint, or it is of another log.

    """
    note = Note.parse(raw)
    signers = note.signed_by(keys)
    checkpoint = Checkpoint.parse(note.text)
    expected = {origin} if origin is not None else {key.name for key in signers}
    if checkpoint.origin not in expected:
        raise WrongCheckpoint(reason=f"it is of the log {checkpoint.origin[:100]}")
    return checkpoint, note


class Cosignature(NamedTuple):
    """Who saw a checkpoint, and when, in seconds since 1970."""

    witness: VerifierKey
    seen_s: int


def cosign(note: Note, key: SigningKey, seen_s: int) -> Signature:
    """Return a witness's signature line for a checkpoint."""
    signature = key.sign(_cosigned(note.text, seen_s))
    stamped = seen_s.to_bytes(_TIME_BYTES) + signature
    return Signature(key.name, key.verifier.id, stamped)


def cosigners(note: Note, witnesses: Iterable[VerifierKey]) -> list[Cosignature]:
    """Return which of some witnesses have cosigned a checkpoint, each once, and when.

    Raises WrongNote where a line says to be of one of them and is not.
    """
    found: dict[VerifierKey, Cosignature] = {}
    for witness in witnesses:
        if witness.algorithm != COSIGNATURE_V1:
            continue
        for line in note.signatures:
            if line.made_by(witness) and witness not in found:
                found[witness] = _checked(note.text, witness, line)
    return list(found.values())


def _checked(text: str, witness: VerifierKey, line: Signature) -> Cosignature:
    stamp, signature = line.signature[:_TIME_BYTES], line.signature[_TIME_BYTES:]
    seen_s = int.from_bytes(stamp)
    sized = len(signature) == SIGNATURE_BYTES
    if (
        not sized
        or seen_s > _MAX_TIME_S
        or not witness.verifies(signature, _cosigned(text, seen_s))
    ):
        raise WrongNote(reason=f"a cosignature is not that of {witness.name}")
    return Cosignature(witness, seen_s)


def _cosigned(text: str, seen_s: int) -> bytes:
    return f"cosignature/v1\ntime {seen_s}\n{text}".encode()
