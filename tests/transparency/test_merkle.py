"""The Merkle tree hash of RFC 6962 and the frontier that grows it."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_files import shared
from timeline.transparency.errors import WrongFrontier, WrongHashSize
from timeline.transparency.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    Frontier,
    leaf_hash,
    node_hash,
)


def naive_root(entries: list[bytes]) -> bytes:
    """MTH as section 2.1 of RFC 6962 writes it: split at the largest power of two, recurse."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\x01" + naive_root(entries[:split]) + naive_root(entries[split:])).digest()


def numbered_leaves(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(shared("vectors/rfc6962.json").read_text())
    return loaded


def test_published_leaf_and_node_hashes_hold(vectors: dict[str, Any]) -> None:
    """The prefixes 0x00 and 0x01 keep leaves and nodes apart, as in the published vectors."""
    for case in vectors["leaf_hash"]:
        given_leaf = bytes.fromhex(case.get("leaf_hex", "")) or case.get("leaf_ascii", "").encode()
        assert leaf_hash(given_leaf).hex() == case["hash"]
    for case in vectors["node_hash"]:
        hashed = node_hash(case["left_ascii"].encode(), case["right_ascii"].encode())
        assert hashed.hex() == case["hash"]


def test_published_roots_hold_at_every_size(vectors: dict[str, Any]) -> None:
    """The reference tree has its published root at each size from 0 to 8."""
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in vectors["reference_leaves_hex"]]
    frontier = Frontier()
    roots = [frontier.root().hex()]

    for leaf in leaves:
        frontier = frontier.append(leaf)
        roots.append(frontier.root().hex())

    assert roots == vectors["roots_by_size"]
    assert EMPTY_ROOT.hex() == vectors["empty_root"]
    assert [leaf.hex() for leaf in leaves] == vectors["node_hashes_by_level"][0]


def test_frontier_holds_the_full_subtrees_the_largest_first(vectors: dict[str, Any]) -> None:
    """Seven leaves are a subtree of four, one of two and one leaf, in that order."""
    by_level = vectors["node_hashes_by_level"]
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in vectors["reference_leaves_hex"]]

    frontier = Frontier().extend(leaves[:7])

    assert frontier.to_bytes().hex() == by_level[2][0] + by_level[1][2] + by_level[0][6]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=8), max_size=70))
def test_root_equals_the_recursive_definition(entries: list[bytes]) -> None:
    """Grown leaf by leaf, the root is the one that the RFC's recursive definition gives."""
    frontier = Frontier()
    for entry in entries:
        frontier = frontier.append(leaf_hash(entry))

    assert frontier.size == len(entries)
    assert frontier.root() == naive_root(entries)


@settings(deadline=None)
@given(st.integers(0, 300), st.data())
def test_growth_does_not_depend_on_where_it_was_interrupted(size: int, data: st.DataObject) -> None:
    """Stored, read again and extended at any point, the frontier is the one grown in one go."""
    cut = data.draw(st.integers(0, size))
    leaves = numbered_leaves(size)
    before = Frontier().extend(leaves[:cut])

    resumed = Frontier.from_bytes(cut, before.to_bytes()).extend(iter(leaves[cut:]))

    assert resumed == Frontier().extend(leaves)
    assert len(resumed.to_bytes()) == HASH_BYTES * size.bit_count()


def test_growing_leaves_the_old_frontier_as_it_was() -> None:
    """A frontier is a value: an append that is thrown away leaves no trace."""
    before = Frontier().extend(numbered_leaves(3))
    kept = before.to_bytes()

    before.append(leaf_hash(b"thrown away"))

    assert (before.size, before.to_bytes()) == (3, kept)
    with pytest.raises(AttributeError):
        before.size = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("size", "raw", "reason"),
    [
        (0, bytes(32), "1 hashes in place of 0"),
        (1, b"", "0 hashes in place of 1"),
        (3, bytes(32), "1 hashes in place of 2"),
        (4, bytes(64), "2 hashes in place of 1"),
        (1, bytes(31), "31 bytes are no whole number of hashes"),
        (2, bytes(33), "33 bytes are no whole number of hashes"),
        (-1, bytes(32), "a size is at least 0"),
    ],
)
def test_bytes_that_fit_no_tree_are_refused(size: int, raw: bytes, reason: str) -> None:
    """A frontier has one 32-byte hash for each bit set in its size, and nothing else."""
    with pytest.raises(WrongFrontier) as refusal:
        Frontier.from_bytes(size, raw)

    assert (refusal.value.size, refusal.value.reason) == (size, reason)
    assert str(refusal.value) == f"No Merkle tree of size {size} has this frontier: {reason}."


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33)])
def test_what_is_no_hash_never_enters_a_tree(digest: bytes) -> None:
    """A leaf given as its entry in place of its hash is refused, not hashed into a wrong root."""
    with pytest.raises(WrongHashSize):
        Frontier().append(digest)
    with pytest.raises(WrongHashSize):
        Frontier(1, (digest,))
