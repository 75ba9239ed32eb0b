"""Proofs over the Merkle tree: those made hold, published ones are judged as published."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_files import shared
from timeline.transparency.errors import WrongProof
from timeline.transparency.merkle import HASH_BYTES, Frontier, leaf_hash, node_hash
from timeline.transparency.proofs import (
    Node,
    Nodes,
    check_consistency,
    check_inclusion,
    consistency,
    frontier,
    inclusion,
    root,
)

MOST: int = 40
LEAVES: list[bytes] = [leaf_hash(str(number).encode()) for number in range(MOST)]


def full(level: int, number: int) -> bytes:
    """Return a node's hash from the leaves up."""
    if level == 0:
        return LEAVES[number]
    return node_hash(full(level - 1, 2 * number), full(level - 1, 2 * number + 1))


def nodes(wanted: Sequence[Node]) -> Mapping[Node, bytes]:
    return {node: full(*node) for node in wanted}


def roots(size: int) -> bytes:
    return Frontier().extend(LEAVES[:size]).root()


sizes = st.integers(1, MOST)


@given(sizes)
def test_nodes_give_the_root_and_the_frontier(size: int) -> None:
    """A tree's root and growing edge follow from its full subtrees, as growing it gives them."""
    assert root(size, nodes) == roots(size)
    assert frontier(size, nodes) == Frontier().extend(LEAVES[:size]).hashes


@given(sizes, st.data())
def test_every_leaf_can_be_shown(size: int, data: st.DataObject) -> None:
    """A proof holds for its leaf, and for no other leaf, root, size or changed hash."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion(index, size, nodes)

    check_inclusion(index, size, LEAVES[index], proof, roots(size))

    other = data.draw(st.integers(0, MOST - 1).filter(lambda each: each != index))
    with pytest.raises(WrongProof):
        check_inclusion(index, size, LEAVES[other], proof, roots(size))
    with pytest.raises(WrongProof):
        check_inclusion(index, size, LEAVES[index], proof, roots(size % MOST + 1))
    for changed in _changed(proof):
        with pytest.raises(WrongProof):
            check_inclusion(index, size, LEAVES[index], changed, roots(size))


@given(sizes, st.data())
def test_every_growth_can_be_shown(new: int, data: st.DataObject) -> None:
    """A proof holds between the trees of its sizes, and for no other root or changed hash."""
    old = data.draw(st.integers(1, new))
    proof = consistency(old, new, nodes)

    check_consistency(old, new, roots(old), roots(new), proof)

    with pytest.raises(WrongProof):
        check_consistency(old, new, roots(old % MOST + 1), roots(new), proof)
    with pytest.raises(WrongProof):
        check_consistency(old, new, roots(old), roots(new % MOST + 1), proof)
    for changed in _changed(proof):
        with pytest.raises(WrongProof):
            check_consistency(old, new, roots(old), roots(new), changed)


def _changed(proof: Sequence[bytes]) -> list[list[bytes]]:
    flipped = [
        [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]
        for at in range(len(proof))
    ]
    return [[*proof, bytes(HASH_BYTES)], *([list(proof[:-1])] if proof else []), *flipped]


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    """Neither is one made, nor does one hold."""
    with pytest.raises(WrongProof):
        inclusion(index, size, nodes)
    with pytest.raises(WrongProof):
        check_inclusion(index, size, LEAVES[0], (), roots(max(size, 1)))


def test_every_tree_began_empty() -> None:
    """A tree needs no proof that it began as an empty one, or as itself; none began as a larger one."""
    assert consistency(0, 5, nodes) == ()
    assert consistency(5, 5, nodes) == ()
    with pytest.raises(WrongProof):
        consistency(6, 5, nodes)


def test_a_proof_asks_for_all_its_nodes_at_once() -> None:
    """However high the tree, its nodes are read in one go."""
    asked: list[int] = []

    def counting(wanted: Sequence[Node]) -> Mapping[Node, bytes]:
        asked.append(len(wanted))
        return nodes(wanted)

    counted: Nodes = counting
    inclusion(3, MOST, counted)
    consistency(7, MOST, counted)

    assert len(asked) == 2


# --- published proofs


def _published(kind: str) -> list[dict[str, Any]]:
    found = sorted(shared(f"vectors/merkle/{kind}").rglob("*"))
    return [json.loads(path.read_text()) for path in found if Path(path).is_file()]


def _bytes(encoded: str | None) -> bytes:
    return b"" if encoded is None else base64.b64decode(encoded)


def _holds(check: Any, *arguments: object) -> bool:
    try:
        check(*arguments)
    except WrongProof:
        return False
    return True


def test_published_inclusion_proofs_are_judged_as_published() -> None:
    """Each holds, or does not, as its authors say; two rest on hashes of another length than ours."""
    cases = _published("inclusion")
    for case in cases:
        proof = [_bytes(hash) for hash in case["proof"] or ()]
        leaf, expected = _bytes(case["leafHash"]), _bytes(case["root"])
        holds = _holds(check_inclusion, case["leafIdx"], case["treeSize"], leaf, proof, expected)
        typed = all(len(hash) == HASH_BYTES for hash in (leaf, expected, *proof))
        assert holds == (typed and not case["wantErr"]), case

    assert len(cases) > 50


def test_published_consistency_proofs_are_judged_as_published() -> None:
    """Each of the published proofs holds, or does not, as its authors say."""
    cases = _published("consistency")
    for case in cases:
        proof = [_bytes(hash) for hash in case["proof"] or ()]
        older, newer = _bytes(case["root1"]), _bytes(case["root2"])
        holds = _holds(check_consistency, case["size1"], case["size2"], older, newer, proof)
        typed = all(len(hash) == HASH_BYTES for hash in (older, newer, *proof))
        assert holds == (typed and not case["wantErr"]), case

    assert len(cases) > 50
