"""A tree that grows tile by tile, and says which tiles became full and what they add up to.

Owns the growing edge as tiles cut it, in bounded memory however large the tree is. Must not know
where leaves come from, nor what the tree is compared with.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from timeline.transparency.merkle import Frontier
from timeline.transparency.proofs import Node
from timeline.transparency.tiles import HEIGHT, WIDTH

Nodes: TypeAlias = Mapping[Node, bytes]
"""Hashes of nodes that are roots of full tiles."""


class Growth(msgspec.Struct, frozen=True):
    """The growing edge of a tree, cut where its tiles are: the edge within the last tile of each level.

    `extend` gives another one, so that whoever is in doubt can go on from one place in several ways.
    """

    levels: tuple[Frontier, ...] = (Frontier(),)
    size: int = 0

    def extend(self, leaves: Sequence[bytes], known: Nodes | None = None) -> "Grown":
        """Return the tree with more leaves, given by their hashes in order.

        Args:
            leaves: hashes of 32 bytes.
            known: roots of full tiles that are taken in place of those that the leaves add up to.

        """
        levels = list(self.levels)
        full: dict[Node, bytes] = {}
        at, size = 0, self.size
        while at < len(leaves):
            some = leaves[at : at + WIDTH - levels[0].size]
            levels[0] = levels[0].extend(some)
            at += len(some)
            size += len(some)
            if levels[0].size == WIDTH:
                _close(levels, size, known or {}, full)
        return Grown(Growth(tuple(levels), size), full)

    def frontier(self) -> Frontier:
        """Return the growing edge as one."""
        hashes = (hash for level in reversed(self.levels) for hash in level.hashes)
        return Frontier(self.size, tuple(hashes))

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return self.frontier().root()


class Grown(NamedTuple):
    """A larger tree, and the roots of the tiles that became full, as their leaves give them."""

    tree: Growth
    full: dict[Node, bytes]


def _close(levels: list[Frontier], size: int, known: Nodes, full: dict[Node, bytes]) -> None:
    """Put each tile that is full into the one above it."""
    level = 0
    while levels[level].size == WIDTH:
        (root,) = levels[level].hashes
        node = Node(HEIGHT * (level + 1), (size >> (HEIGHT * (level + 1))) - 1)
        full[node] = root
        levels[level] = Frontier()
        level += 1
        if level == len(levels):
            levels.append(Frontier())
        levels[level] = levels[level].append(known.get(node, root))
