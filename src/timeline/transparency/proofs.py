"""Proofs over the Merkle tree: that an entry is in it, and that it only ever grew.

Owns which nodes a proof is made of, and whether a proof holds. Must not know where nodes are kept:
it says which it needs, all at once.

A node (level, number) is the root of the full subtree over the leaves [number · 2^level, (number + 1)
· 2^level). Sources: RFC 6962, section 2.1; the checking of proofs as in RFC 9162, section 2.1.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from timeline.transparency.errors import WrongProof
from timeline.transparency.merkle import HASH_BYTES, node_hash


class Node(NamedTuple):
    """A full subtree, by its height and its place among those of that height."""

    level: int
    number: int


Nodes: TypeAlias = Callable[[Sequence[Node]], Mapping[Node, bytes]]
"""Returns the hashes of nodes, asked for all at once."""

Proof: TypeAlias = tuple[bytes, ...]
"""The hashes of a proof, in the order of RFC 6962."""

_Range: TypeAlias = tuple[int, int]


def root(size: int, nodes: Nodes) -> bytes:
    """Return the root of the tree's first `size` leaves, of which there is at least one."""
    (found,) = _roots([(0, size)], nodes)
    return found


def frontier(size: int, nodes: Nodes) -> Proof:
    """Return the hashes of the `Frontier` of that size: its full subtrees, the largest first."""
    wanted = list(_full_subtrees(0, size))
    found = nodes(wanted) if wanted else {}
    return tuple(found[node] for node in wanted)


def inclusion(index: int, size: int, nodes: Nodes) -> Proof:
    """Return the proof that a leaf is in a tree (RFC 6962's PATH).

    Args:
        index: the leaf's, counted from 0.
        size: the tree's, more than `index`.
        nodes: returns the hashes of nodes.

    Raises:
        WrongProof: there is no such leaf.

    """
    if not 0 <= index < size:
        raise WrongProof(reason=f"a tree of {size} leaves has none with index {index}")
    return _roots(list(_path(index, 0, size)), nodes)


def consistency(old: int, new: int, nodes: Nodes) -> Proof:
    """Return the proof that a tree began as an older one (RFC 6962's PROOF).

    Args:
        old: the size of the older tree; of an empty one, or of the same, the proof is empty.
        new: the size of the newer tree.
        nodes: returns the hashes of nodes.

    Raises:
        WrongProof: the older tree is the larger one.

    """
    if not 0 <= old <= new:
        raise WrongProof(reason=f"a tree of {new} leaves did not begin with {old}")
    if old in {0, new}:
        return ()
    return _roots(list(_subproof(old, 0, new, whole=True)), nodes)


def check_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise WrongProof unless the proof shows a leaf, by its hash, to be in the tree of that root."""
    if not 0 <= index < size:
        raise WrongProof(reason=f"a tree of {size} leaves has none with index {index}")
    _check_sizes(leaf, root, *proof)
    found = leaf
    for hash, is_left in _beside(proof, index, size - 1):
        found = node_hash(hash, found) if is_left else node_hash(found, hash)
    if found != root:
        raise WrongProof(reason="it leads to another root")


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise WrongProof unless the proof shows that the tree of one root began as that of another.

    Every tree began as an empty one, which needs no proof and is not asked about here.
    """
    if not 0 < old <= new:
        raise WrongProof(reason=f"a tree of {new} leaves did not begin with {old}")
    _check_sizes(old_root, new_root, *proof)
    if old == new:
        if proof or old_root != new_root:
            raise WrongProof(reason="trees of one size have one root, and need no proof of that")
        return
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not hashes:
        raise WrongProof(reason="it has too few hashes")
    # Up to the largest subtree that ends where the older tree does.
    height = (~(old - 1) & old).bit_length() - 1
    older = newer = hashes[0]
    for hash, is_left in _beside(hashes[1:], (old - 1) >> height, (new - 1) >> height):
        newer = node_hash(hash, newer) if is_left else node_hash(newer, hash)
        older = node_hash(hash, older) if is_left else older
    if older != old_root:
        raise WrongProof(reason="it leads to another older root")
    if newer != new_root:
        raise WrongProof(reason="it leads to another newer root")


def _beside(proof: Sequence[bytes], place: int, last: int) -> Iterator[tuple[bytes, bool]]:
    """Return the hashes of a proof, each with whether it stands to the left of what is known.

    Args:
        proof: the hashes, from the lowest on.
        place: of the node that is known, among those of its level.
        last: the place of the last one there.

    Raises:
        WrongProof: there are more of them, or fewer, than the tree is high.

    """
    sides: list[bool] = []
    while last:
        is_left = bool(place & 1) or place == last
        # What stands alone at the right edge is its parent's hash, too.
        while is_left and not place & 1:
            place, last = place >> 1, last >> 1
        sides.append(is_left)
        place, last = place >> 1, last >> 1
    if len(sides) != len(proof):
        raise WrongProof(reason=f"it has {len(proof)} hashes in place of {len(sides)}")
    return zip(proof, sides, strict=True)


def _check_sizes(*hashes: bytes) -> None:
    if any(len(hash) != HASH_BYTES for hash in hashes):
        raise WrongProof(reason=f"a hash does not have {HASH_BYTES} bytes")


def _split(size: int) -> int:
    """Return the largest power of two that is smaller than a size of at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _path(index: int, first: int, last: int) -> Iterator[_Range]:
    """Yield the leaves that each hash of an inclusion proof stands for, the lowest first."""
    if last - first == 1:
        return
    middle = first + _split(last - first)
    if index < middle:
        yield from _path(index, first, middle)
        yield middle, last
    else:
        yield from _path(index, middle, last)
        yield first, middle


def _subproof(old: int, first: int, last: int, *, whole: bool) -> Iterator[_Range]:
    """Yield the leaves that each hash of a consistency proof stands for, the lowest first.

    `whole` tells that the older tree is all that lies before `old`, so that its root is known.
    """
    if old == last:
        if not whole:
            yield first, last
        return
    middle = first + _split(last - first)
    if old <= middle:
        yield from _subproof(old, first, middle, whole=whole)
        yield middle, last
    else:
        yield from _subproof(old, middle, last, whole=False)
        yield first, middle


def _full_subtrees(first: int, last: int) -> Iterator[Node]:
    """Yield the full subtrees that some leaves are made of, from left to right.

    `first` is where a subtree of the size of them all may begin, as in every tree of RFC 6962.
    """
    while first < last:
        level = (last - first).bit_length() - 1
        yield Node(level, first >> level)
        first += 1 << level


def _roots(ranges: Sequence[_Range], nodes: Nodes) -> Proof:
    """Return the root over each range of leaves; all nodes are asked for at once."""
    subtrees = [list(_full_subtrees(*each)) for each in ranges]
    wanted = list(dict.fromkeys(node for each in subtrees for node in each))
    hashes = nodes(wanted) if wanted else {}
    return tuple(_joined([hashes[node] for node in each]) for each in subtrees)


def _joined(hashes: Sequence[bytes]) -> bytes:
    *larger, found = hashes
    for hash in reversed(larger):
        found = node_hash(hash, found)
    return found
