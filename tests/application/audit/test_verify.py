"""The program in an audit pack: what it brings of its own agrees with what others made of the formats."""

import ast
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from timeline.application.audit import verify
from timeline.transparency.canonical import MAX_INTEGER, encode
from timeline.transparency.errors import WrongProof
from timeline.transparency.merkle import Frontier, leaf_hash
from timeline.transparency.proofs import Node, check_inclusion, inclusion
from timeline.transparency.tiles import Tile, subtree_root

SOURCE: Final = Path(verify.__file__).read_text()

RFC_8032: Final = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
]
"""Public key, message, signature: section 7.1, tests 1 and 2."""


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_signatures_of_the_rfc_hold(public: str, message: str, signature: str) -> None:
    """And none of them for another message."""
    key, text, signed = map(bytes.fromhex, (public, message, signature))

    assert verify.ed25519_verifies(key, signed, text)
    assert not verify.ed25519_verifies(key, signed, text + b"!")


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(), at=st.integers(0, 511))
def test_signatures_hold_as_another_library_has_them(seed: bytes, message: bytes, at: int) -> None:
    """One bit of one of them is enough for none to hold."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    bit = 1 << at
    wrong = (int.from_bytes(signature, "big") ^ bit).to_bytes(64, "big")
    wrong_key = (int.from_bytes(public, "big") ^ bit >> 256).to_bytes(32, "big")

    assert verify.ed25519_verifies(public, signature, message)
    assert not verify.ed25519_verifies(public, wrong, message)
    assert (wrong_key == public) is verify.ed25519_verifies(wrong_key, signature, message)


def test_signatures_in_another_form_do_not_hold() -> None:
    """S plus the group's order is the same number there, and refused; so is what has another length."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, signature = key.public_key().public_bytes_raw(), key.sign(b"")
    order = 2**252 + 27742317777372353535851937790883648493
    again = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")

    assert not verify.ed25519_verifies(public, signature[:32] + again, b"")
    assert not verify.ed25519_verifies(public, signature + b"\0", b"")
    assert not verify.ed25519_verifies(public[:31], signature, b"")
    assert not verify.ed25519_verifies(b"\xff" * 32, signature, b"")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)


@given(value=values)
def test_canonical_json_is_what_the_log_writes(value: Any) -> None:
    """Whatever the record takes has one form, here as there."""
    assert verify.canonical(value) == encode(value)
    assert verify.strict(encode(value), "") == value


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b"1.0",
        b"1e2",
        b"NaN",
        b'{ "a":1}',
        b'"\\ud800"',
        b"\xff",
        b"",
        b"[" * 9_999,
    ],
    ids=str,
)
def test_json_in_another_form_is_wrong(raw: bytes) -> None:
    """Nothing but the one form is read."""
    with pytest.raises(verify.Wrong):
        verify.strict(raw, "here")


LEAVES: Final = [leaf_hash(bytes([each])) for each in range(70)]


def test_trees_and_proofs_are_those_of_the_log() -> None:
    """Roots at each size, and each proof in each tree; none for another leaf, place or length."""
    tree = verify.Tree()

    for size, leaf in enumerate(LEAVES, 1):
        tree.append(leaf)
        root = Frontier().extend(LEAVES[:size]).root()
        assert tree.root() == root
        for index in range(size):
            proof = inclusion(index, size, lambda wanted: {each: node(each) for each in wanted})
            check_inclusion(index, size, LEAVES[index], proof, root)
            assert verify.includes(index, size, LEAVES[index], proof, root)
            assert not verify.includes(index, size, LEAVES[index - 1], proof, root) or size == 1
            assert not verify.includes(index, size, LEAVES[index], (*proof, root), root)
            assert not verify.includes(index, size, LEAVES[index], proof[:-1], root) or size == 1
            for other in {(index + 1) % size, size} - {index}:
                assert verify.includes(other, size, LEAVES[index], proof, root) is holds(
                    other, size, LEAVES[index], proof, root
                )


def holds(index: int, size: int, leaf: bytes, proof: tuple[bytes, ...], root: bytes) -> bool:
    """Tell whether the log's own check takes a proof."""
    try:
        check_inclusion(index, size, leaf, proof, root)
    except WrongProof:
        return False
    return True


def node(wanted: Node) -> bytes:
    """Return a node of the tree."""
    first = wanted.number << wanted.level
    return subtree_root(LEAVES[first : first + (1 << wanted.level)])


@pytest.mark.parametrize("number", [0, 7, 999, 1_000, 1_234_067])
def test_places_are_those_of_tiles(number: int) -> None:
    """A bundle is found where tlog-tiles has it."""
    assert f"entries/{verify.place_of(number)}" == Tile(None, number).path


def test_it_needs_the_standard_library_of_python_3_9_and_nothing_else() -> None:
    """Its words are those of that version, and what it imports is there."""
    tree = ast.parse(SOURCE, feature_version=(3, 9))

    imported = {
        name.split(".")[0]
        for each in ast.walk(tree)
        if isinstance(each, ast.Import | ast.ImportFrom)
        for name in (
            [each.module or ""]
            if isinstance(each, ast.ImportFrom)
            else [n.name for n in each.names]
        )
    }
    assert imported <= sys.stdlib_module_names
    assert not any(
        keyword.arg == "strict"
        for each in ast.walk(tree)
        if isinstance(each, ast.Call)
        for keyword in each.keywords
    ), "zip has no `strict` there"
