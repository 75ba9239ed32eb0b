"""Signed notes: a text, and below it who signed it.

Owns the form of notes and of signature lines, and which signatures count. Must not know what a text
says.

Source of the format: C2SP signed-note v1.0.0.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Self

import msgspec

from timeline.transparency.errors import UnknownSigner, WrongNote
from timeline.transparency.keys import (
    ED25519,
    KEY_ID_BYTES,
    MAX_NAME_CHARACTERS,
    SIGNATURE_BYTES,
    SigningKey,
    VerifierKey,
)

MAX_NOTE_BYTES: Final = 1_000_000
MAX_SIGNATURES: Final = 100
"""As golang.org/x/mod/sumdb/note has it: more signers than any log has witnesses."""

SHOWN_SIGNERS: Final = 2
"""A log has two keys at most: one, and its successor."""

_LINE: Final = re.compile(rf"— ([^\s+]{{1,{MAX_NAME_CHARACTERS}}}) ([A-Za-z0-9+/]+={{0,2}})")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class Signature(NamedTuple):
    """One signature line: who says to have signed, with which key, and the bytes of it."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        encoded = base64.b64encode(self.key_id + self.signature).decode()
        return f"— {self.name} {encoded}"

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a signature line; raises WrongNote for anything else."""
        found = _LINE.fullmatch(line)
        if found is None:
            raise WrongNote(reason="a line below the text is no signature")
        try:
            raw = base64.b64decode(found[2], validate=True)
        except (binascii.Error, ValueError):
            raise WrongNote(reason="a signature is no base64") from None
        if len(raw) <= KEY_ID_BYTES:
            raise WrongNote(reason="a signature is too short")
        return cls(found[1], raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])

    def made_by(self, key: VerifierKey) -> bool:
        """Tell whether the line says that it was made with a key."""
        return (self.name, self.key_id) == (key.name, key.id)


class Note(msgspec.Struct, frozen=True):
    """A text that ends in a newline, and its signatures, checked or not."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a note without checking its signatures.

        Raises WrongNote where it is no UTF-8, holds control characters, has no signature, too many,
        or anything else below its text.
        """
        if len(raw) > MAX_NOTE_BYTES:
            raise WrongNote(reason=f"it has more than {MAX_NOTE_BYTES} bytes")
        try:
            whole = raw.decode()
        except UnicodeDecodeError:
            raise WrongNote(reason="it is no UTF-8") from None
        if _CONTROL.search(whole):
            raise WrongNote(reason="it holds control characters")
        text, gap, below = whole.rpartition("\n\n")
        if not gap or not below.endswith("\n"):
            raise WrongNote(reason="it does not end in signature lines")
        lines = below.split("\n")[:-1]
        if len(lines) > MAX_SIGNATURES:
            raise WrongNote(reason=f"it has more than {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(map(Signature.parse, lines)))

    def __bytes__(self) -> bytes:
        """Write the note as `parse` reads it."""
        return "\n".join((self.text, *map(str, self.signatures), "")).encode()

    def signed_by(self, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Return which of some Ed25519 keys have signed the text, each once.

        Raises WrongNote where a signature says to be of one of the keys and is not, and
        UnknownSigner where none of the keys has signed.
        """
        known = [key for key in keys if key.algorithm == ED25519]
        found: dict[VerifierKey, None] = {}
        message = self.text.encode()
        for line in self.signatures:
            for key in known:
                if not line.made_by(key) or key in found:
                    continue
                if not key.verifies(line.signature, message):
                    raise WrongNote(reason=f"a signature is not that of {key.name}")
                found[key] = None
        if not found:
            raise UnknownSigner(signers=self._signers())
        return tuple(found)

    def _signers(self) -> tuple[str, ...]:
        """Name those who say to have signed, by name and id as a verifier key begins; a few of them."""
        # A witness's line is longer than a signature: it has the time before it.
        names = dict.fromkeys(
            f"{line.name}+{line.key_id.hex()}"
            for line in self.signatures
            if len(line.signature) == SIGNATURE_BYTES
        )
        return tuple(names)[:SHOWN_SIGNERS]

    def with_signatures(self, more: Sequence[Signature]) -> "Note":
        """Return the note with more signatures, each line once."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *more))))


def signed(text: str, keys: Sequence[SigningKey]) -> Note:
    """Return a text signed with some keys, in their order."""
    message = text.encode()
    return Note(
        text, tuple(Signature(key.name, key.verifier.id, key.sign(message)) for key in keys)
    )
