"""The Merkle tree hash of the log (RFC 6962, section 2.1) and its growing edge.

Owns how leaves and nodes are hashed and how a tree grows by one leaf without being read again.
Must not know what an entry holds or where hashes are stored.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Self

import msgspec

from timeline.transparency.errors import WrongFrontier, WrongHashSize

HASH_BYTES: Final = 32

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a log without entries."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry as a leaf: SHA-256(0x00 ‖ entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees as one: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier(msgspec.Struct, frozen=True):
    """The roots of the full subtrees along a tree's right edge, which is all that growing needs.

    `size` counts leaves. `hashes` holds one 32-byte hash for each bit set in `size`, the largest
    (leftmost) subtree first. Raises WrongFrontier where the two do not belong together.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0:
            raise WrongFrontier(size=self.size, reason="a size is at least 0")
        expected = self.size.bit_count()
        if len(self.hashes) != expected:
            reason = f"{len(self.hashes)} hashes in place of {expected}"
            raise WrongFrontier(size=self.size, reason=reason)
        for subtree in self.hashes:
            _refuse_other_sizes(subtree)

    def append(self, leaf: bytes) -> Self:
        """Return the frontier after one more leaf, given by its leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Self:
        """Return the frontier after more leaves, given by their leaf hashes in log order.

        Raises WrongHashSize for what is no 32-byte hash.
        """
        nodes = list(leaves)
        for leaf in nodes:
            _refuse_other_sizes(leaf)
        grown = self.size + len(nodes)
        standing, complete = list(self.hashes), []
        # Level by level: what stands alone at a level's right edge waits for its other half, the
        # rest becomes the next level's nodes in pairs.
        level = self.size
        while nodes:
            if level & 1:
                nodes.insert(0, standing.pop())
            if len(nodes) & 1:
                complete.append(nodes.pop())
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            level >>= 1
        return type(self)(grown, (*standing, *reversed(complete)))

    def root(self) -> bytes:
        """Return the Merkle tree hash of the whole tree (RFC 6962's MTH)."""
        if not self.hashes:
            return EMPTY_ROOT
        *larger, root = self.hashes
        for subtree in reversed(larger):
            root = node_hash(subtree, root)
        return root

    def to_bytes(self) -> bytes:
        """Return the hashes end to end, the largest subtree first; the size is kept beside them."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, raw: bytes) -> Self:
        """Read what `to_bytes` wrote for a tree of `size` leaves.

        Raises WrongFrontier where the bytes do not fit the size.
        """
        if len(raw) % HASH_BYTES:
            raise WrongFrontier(size=size, reason=f"{len(raw)} bytes are no whole number of hashes")
        hashes = (raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES))
        return cls(size, tuple(hashes))


def _refuse_other_sizes(digest: bytes) -> None:
    if len(digest) != HASH_BYTES:
        raise WrongHashSize(size_bytes=len(digest), expected_bytes=HASH_BYTES)
