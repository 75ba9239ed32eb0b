"""The tree of a log that is being checked, and what it is compared with on its way.

Owns how far damage is followed: where a tile is not what its leaves add up to, it is not known at
first which of the two is wrong, so both are carried on until a signed root tells. Must not know where
leaves, tiles and roots come from.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from timeline.application.findings import Findings, Kind
from timeline.transparency.growing import Growth
from timeline.transparency.merkle import Frontier
from timeline.transparency.proofs import Node
from timeline.transparency.tiles import HEIGHT

MAX_TREES: Final = 8
"""Ways in which to go on at once: each tile that is in doubt doubles them, until a root tells."""


class Tree:
    """Grows, and is compared with roots."""

    def __init__(self, findings: Findings) -> None:
        self.tiles = 0
        self.size = 0
        self._trees = [Growth()]
        self._findings = findings
        self._held = 0

    @property
    def root(self) -> bytes | None:
        """The root hash, as the entries give it; None where entries are missing."""
        return self._trees[0].root() if self._trees else None

    def extend(
        self,
        leaves: Sequence[bytes],
        stored: Sequence[bytes],
        published: Mapping[Node, bytes],
        due: int,
    ) -> None:
        """Add leaves, and compare the tiles that become full with those that were published.

        Args:
            leaves: the hashes of the entries.
            stored: the leaf hashes beside them.
            published: the roots of full tiles.
            due: up to how many leaves all tiles had to be published.

        """
        if not leaves:
            return
        grown = [tree.extend(leaves) for tree in self._trees]
        full = grown[0].full if grown else {}
        if len(grown) == 1 and stored == leaves and _agree(full, published):
            self.tiles += len(full)
            self._missing(full, published, due)
        else:
            ways = [leaves] if stored == leaves else [leaves, stored]
            grown = [tree.extend(way) for tree in self._trees for way in ways]
            self._compare([each.full for each in grown], published, due)
            grown += [tree.extend(way, published) for tree in self._trees for way in ways]
        self._trees = list(dict.fromkeys(each.tree for each in grown))[:MAX_TREES]
        self.size += len(leaves)

    def lose(self, size: int) -> None:
        """Go on without a tree: too many entries are missing to stand in for them."""
        self._trees = []
        self.size = size

    def holds(self, root: bytes) -> bool:
        """Tell whether the tree has a root hash; where one of several has, it was the right one."""
        matching = [tree for tree in self._trees if tree.root() == root]
        if matching:
            self._trees = matching
            self._held = self.size
        return bool(matching)

    def ends_at(self, frontier: Frontier) -> bool:
        """Tell whether the tree ends in a growing edge."""
        return any(tree.frontier() == frontier for tree in self._trees)

    def doubt(self) -> str:
        """Tell between which positions entries differ from those of a root that does not hold.

        That is so of roots of one history alone, as a log publishes them.
        """
        after = "from the first entry on" if not self._held else f"after position {self._held}"
        return f"other entries were signed {after}, up to position {self.size}"

    def _compare(
        self, found: Sequence[Mapping[Node, bytes]], published: Mapping[Node, bytes], due: int
    ) -> None:
        """Say of each published tile that none of the trees gives."""
        full = found[0] if found else {}
        self._missing(full, published, due)
        for node in full:
            self.tiles += 1
            if node in published and all(each[node] != published[node] for each in found):
                self._findings.add(Kind.TILE, *_told(node, "is not what its entries add up to"))

    def _missing(
        self, full: Mapping[Node, bytes], published: Mapping[Node, bytes], due: int
    ) -> None:
        if len(full) != len(published):
            for node in full:
                if node not in published and (node.number + 1) << node.level <= due:
                    self._findings.add(Kind.TILE, *_told(node, "is missing"))


def _agree(full: Mapping[Node, bytes], published: Mapping[Node, bytes]) -> bool:
    return all(published.get(node, root) == root for node, root in full.items())


def _told(node: Node, what: str) -> tuple[int, str]:
    first, last = (node.number << node.level) + 1, (node.number + 1) << node.level
    tile = f"the hash of tile {node.level // HEIGHT - 1}/{node.number}"
    return first, f"{tile}, over positions {first} to {last}, {what}"
