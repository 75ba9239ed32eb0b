"""Proof files: that an entry is in a log, in one text that says all it takes to check it.

Owns the form of these files. Must not know who makes them.

Source of the format: C2SP tlog-proof, `c2sp.org/tlog-proof@v1`.
"""

import base64
import binascii
import re
from typing import Final, Self

import msgspec

from timeline.transparency.errors import WrongProof
from timeline.transparency.merkle import HASH_BYTES

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_HASHES: Final = 63
"""The height of the highest tree."""

_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_EXTRA: Final = "extra "


class ProofFile(msgspec.Struct, frozen=True):
    """A leaf's index, its inclusion proof, and the signed checkpoint that the proof leads to.

    `extra` is whatever the log's reader needs besides, or None.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __bytes__(self) -> bytes:
        """Write the file as `parse` reads it."""
        extra = [] if self.extra is None else [_EXTRA + base64.b64encode(self.extra).decode()]
        hashes = (base64.b64encode(hash).decode() for hash in self.hashes)
        lines = HEADER, *extra, f"index {self.index}", *hashes, ""
        return "".join(f"{line}\n" for line in lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a proof file; what it proves is not checked. Raises WrongProof for anything else."""
        above, gap, checkpoint = raw.partition(b"\n\n")
        try:
            header, *lines = above.decode().split("\n")
        except UnicodeDecodeError:
            raise WrongProof(reason="the file is no UTF-8") from None
        if header != HEADER or not gap or not checkpoint:
            raise WrongProof(reason=f"the file is no {HEADER}")
        extra = _base64(lines.pop(0).removeprefix(_EXTRA)) if _begins(lines, _EXTRA) else None
        found = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if found is None:
            raise WrongProof(reason="the file does not say the index")
        hashes = tuple(map(_base64, lines))
        if len(hashes) > MAX_HASHES or any(len(hash) != HASH_BYTES for hash in hashes):
            raise WrongProof(reason="the file holds what is no hash, or too many of them")
        return cls(int(found[1]), hashes, checkpoint, extra)


def _begins(lines: list[str], word: str) -> bool:
    return bool(lines) and lines[0].startswith(word)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WrongProof(reason="a line of the file is no base64") from None
