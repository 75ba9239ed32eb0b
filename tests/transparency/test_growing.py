"""A tree that grows tile by tile is the tree, however its leaves come."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from timeline.transparency.growing import Growth
from timeline.transparency.merkle import EMPTY_ROOT, Frontier
from timeline.transparency.proofs import Node
from timeline.transparency.tiles import subtree_root

LEAVES = [sha256(str(number).encode()).digest() for number in range(66_000)]


@given(st.lists(st.integers(0, 700), max_size=6))
def test_in_whatever_parts_leaves_come_the_tree_is_the_same(parts: list[int]) -> None:
    """Its edge and its root are those of a tree that was not cut into tiles."""
    tree, full = Growth(), dict[Node, bytes]()
    for part in parts:
        tree, more = tree.extend(LEAVES[tree.size : tree.size + part])
        full |= more

    assert tree.size == sum(parts)
    assert tree.frontier() == Frontier().extend(LEAVES[: tree.size])
    assert full == {
        Node(8, number): subtree_root(LEAVES[256 * number : 256 * (number + 1)])
        for number in range(tree.size // 256)
    }


def test_a_full_tile_of_tiles_is_told_too() -> None:
    """The roots of 256 tiles make the next level's tile."""
    tree, full = Growth().extend(LEAVES)

    assert tree.root() == Frontier().extend(LEAVES).root()
    assert full[Node(16, 0)] == Frontier().extend(LEAVES[:65_536]).root()
    assert len(full) == 258


def test_a_tile_can_be_taken_as_published() -> None:
    """Who doubts the leaves of a tile goes on with its root as others have it."""
    stranger = bytes(32)
    told = subtree_root(LEAVES[:256])

    tree, full = Growth().extend([stranger, *LEAVES[1:300]], {Node(8, 0): told})

    assert full[Node(8, 0)] != told
    assert tree.root() == Frontier().extend(LEAVES[:300]).root()


def test_an_empty_tree_has_its_root() -> None:
    """Before the first leaf."""
    assert Growth().root() == EMPTY_ROOT
