"""Checks what was signed against the tree of the log.

Owns which signatures count, and what a root that does not hold means. Must not know how the tree
comes about.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from timeline.application.findings import Findings, Kind, shown
from timeline.application.verifying_tree import Tree
from timeline.eventstore.walking import held
from timeline.transparency.checkpoints import Checkpoint, cosigners
from timeline.transparency.errors import TransparencyError, WrongNote
from timeline.transparency.keys import VerifierKey
from timeline.transparency.notes import Note, Signature
from timeline.transparency.succession import is_instant


class Kept(msgspec.Struct, frozen=True):
    """A checkpoint that was kept outside the log: by its signer, or by who saw it."""

    kind: Kind
    note: bytes


_MEANINGS: Final = {
    Kind.SIGNED: "which was signed last by the key beside it",
    Kind.SEEN: "which was seen before",
}


class Checkpoints:
    """Checks checkpoints against a tree that grows up to each of them."""

    def __init__(self, findings: Findings, tree: Tree, trusted: Sequence[VerifierKey]) -> None:
        """Begin.

        Args:
            findings: take what is wrong.
            tree: grows up to each checkpoint.
            trusted: the log's keys that are known from outside the database: beside it, or given.

        """
        self.checked = 0
        self.cosigned = 0
        self.untrusted = 0
        self._findings = findings
        self._tree = tree
        self._trusted = tuple(trusted)
        self._all = self._trusted
        self._trusted_before = False
        self._wrong = 0

    def list(self, keys: Iterable[VerifierKey]) -> None:
        """Take in those keys by which checkpoints were ever signed, as the database says itself."""
        self._all = tuple(dict.fromkeys((*self._trusted, *keys)))

    def published(
        self, size: int, raw: object, signed_at: object, cosignatures: Sequence[tuple[Any, Any]]
    ) -> None:
        """Check one that the log published, once the tree has grown to its size.

        Args:
            size: of how many entries the log says that it is.
            raw: the note, whatever stands there.
            signed_at: when it was signed, whatever stands there.
            cosignatures: by whom, and what line, whatever stands there.

        """
        self.checked += 1
        if not is_instant(held(signed_at, str) or ""):
            what = f"it was signed at {shown(signed_at)}, which is no instant"
            self._findings.add(Kind.CHECKPOINT, size, what)
        try:
            note = Note.parse(held(raw, bytes) or b"")
            checkpoint = Checkpoint.parse(note.text)
            self._signed(note, checkpoint, size)
        except TransparencyError as error:
            self._findings.add(Kind.CHECKPOINT, size, str(error))
            return
        if checkpoint.size != size:
            what = f"the checkpoint of {size} entries says that there are {checkpoint.size}"
            self._findings.add(Kind.CHECKPOINT, size, what)
        elif not self._tree.holds(checkpoint.root):
            self._not_held(size)
        for witness, line in cosignatures:
            self._cosigned(note, size, witness, line)

    def _not_held(self, size: int) -> None:
        # The first one tells where; that those after it do not hold either follows from it.
        if not self._wrong:
            what = f"the checkpoint of {size} entries has another root: {self._tree.doubt()}"
            self._findings.add(Kind.CHECKPOINT, size, what)
        self._wrong += 1

    def _signed(self, note: Note, checkpoint: Checkpoint, size: int) -> None:
        """Check who signed; raises WrongNote where no known key has."""
        if not self._all:
            return
        signers = note.signed_by(self._all)
        if any(key in self._trusted for key in signers):
            self._trusted_before = True
        elif self._trusted_before:
            # Keys are changed for good: an older one, or a forged one, does not come back.
            what = "it is signed by none of the known keys, and one before it is"
            self._findings.add(Kind.CHECKPOINT, size, what)
        else:
            self.untrusted += 1
        if checkpoint.origin not in {key.name for key in signers}:
            raise WrongNote(reason=f"it is of the log {checkpoint.origin[:100]}")

    def _cosigned(self, note: Note, size: int, witness: object, line: object) -> None:
        try:
            key = VerifierKey.parse(held(witness, str) or "")
            signature = Signature.parse(held(line, str) or "")
            found = cosigners(note.with_signatures([signature]), [key])
        except TransparencyError as error:
            self._findings.add(Kind.COSIGNATURE, size, str(error))
            return
        if found:
            self.cosigned += 1
        else:
            self._findings.add(Kind.COSIGNATURE, size, f"it is not by {key.name}")

    def end(self) -> None:
        """Say what follows from all of them together."""
        if self._wrong > 1:
            what = f"{self._wrong - 1} checkpoints after it do not hold either"
            self._findings.add(Kind.CHECKPOINT, None, what)
        if self._trusted and self.checked and not self._trusted_before:
            what = "none of the checkpoints is signed by a key that is known here"
            self._findings.add(Kind.CHECKPOINT, None, what)

    def kept(self, kept: Kept, checkpoint: Checkpoint) -> None:
        """Check one that was kept outside, once the tree has grown to its size."""
        if not self._tree.holds(checkpoint.root):
            # No checkpoint in the database narrows it: those of a fork are not of what was kept.
            size, meaning = checkpoint.size, _MEANINGS[kept.kind]
            what = f"its first {size} entries are not those of the log {meaning}"
            self._findings.add(kept.kind, None, what)

    def too_short(self, kept: Kept, checkpoint: Checkpoint, entries: int) -> None:
        """Say that a log is shorter than one that was kept."""
        meaning = _MEANINGS[kept.kind]
        what = f"it has {entries} entries, and not the {checkpoint.size} of the log {meaning}"
        self._findings.add(kept.kind, entries + 1, what)
