"""Tiles: their paths, what is in them, and the tree read out of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_files import shared
from timeline.transparency.errors import WrongTile
from timeline.transparency.merkle import Frontier, leaf_hash
from timeline.transparency.proofs import check_consistency, check_inclusion, consistency, inclusion
from timeline.transparency.proofs import root as root_of
from timeline.transparency.tiles import (
    WIDTH,
    Tile,
    TiledTree,
    bundle,
    completed,
    subtree_root,
    unbundle,
)

MOST: int = 70_000
LEAVES: list[bytes] = [leaf_hash(number.to_bytes(4)) for number in range(MOST)]
LEVEL_1: list[bytes] = [
    subtree_root(LEAVES[at : at + WIDTH]) for at in range(0, MOST - WIDTH + 1, WIDTH)
]
LEVEL_2: list[bytes] = [subtree_root(LEVEL_1[:WIDTH])]


def read(tiles: Sequence[Tile]) -> Mapping[Tile, Sequence[bytes]]:
    levels = LEAVES, LEVEL_1, LEVEL_2
    return {
        tile: levels[tile.level or 0][WIDTH * tile.number : WIDTH * tile.number + tile.width]
        for tile in tiles
    }


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(shared("vectors/tiles.json").read_text())
    return loaded


@settings(max_examples=50, deadline=None)
@given(st.integers(1, MOST), st.data())
def test_proofs_follow_from_tiles_alone(size: int, data: st.DataObject) -> None:
    """Root, inclusion and consistency are read from a few tiles of 256 hashes each."""
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    frontier = Frontier().extend(LEAVES[:size])
    tree = TiledTree(size, read)

    assert root_of(size, tree.nodes) == frontier.root()
    check_inclusion(index, size, LEAVES[index], inclusion(index, size, tree.nodes), frontier.root())
    older = Frontier().extend(LEAVES[:old]).root()
    check_consistency(old, size, older, frontier.root(), consistency(old, size, tree.nodes))


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_each_tile_becomes_full_once(one: int, other: int) -> None:
    """What is completed as a log grows is what it has more of than before, level by level."""
    old, new = sorted((one, other))

    found = list(completed(old, new))

    assert found == [
        Tile(level, number)
        for level in range(3)
        for number in range(old >> 8 * (level + 1), new >> 8 * (level + 1))
    ]


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 2**63 - 1), st.integers(1, WIDTH))
def test_a_path_reads_back_as_its_tile(level: int | None, number: int, width: int) -> None:
    """Every tile has one path."""
    tile = Tile(level, number, width)

    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0/0",
        "0/0000",
        "0/x000/001",
        "00/000",
        "64/000",
        "-1/000",
        "data/000",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p/300",
        "0/000/",
        "0/x1/000",
        "0/\u0660\u0660\u0660",
        "0/" + "x001/" * 5_000 + "000",
        "0/000\n",
    ],
)
def test_a_tile_has_no_other_path(path: str) -> None:
    """One that is written otherwise would be a second address of the same bytes."""
    with pytest.raises(WrongTile):
        Tile.parse(path)


def test_published_paths_hold(vectors: dict[str, Any]) -> None:
    """Tiles have the paths that other implementations give them."""
    for level, number, width, path in vectors["tile_path"]:
        assert f"tile/{Tile(level, number, width or WIDTH).path}" == path
    for path, number, width in vectors["n_suffix_parse"]:
        assert Tile.parse(f"0/{path}") == Tile(0, number, width or WIDTH)
    for path in vectors["n_suffix_reject"]:
        with pytest.raises(WrongTile):
            Tile.parse(f"0/{path}")


def test_published_bundles_of_entries_have_their_paths(vectors: dict[str, Any]) -> None:
    """The bundle that an entry is in, at some size of the log."""
    for index, size, path in vectors["entries_path_for_index"]:
        number = index // WIDTH
        tile = Tile(None, number, min(WIDTH, size - WIDTH * number))
        assert f"tile/{tile.path}" == path
        assert tile.is_of(size)


def test_published_layouts_hold(vectors: dict[str, Any]) -> None:
    """A log of a size has as many full tiles on each level, and one as wide as what is left."""
    for text, levels in vectors["layout_by_size"].items():
        size = int(text)
        for level, layout in levels.items():
            full, partial = layout["full"], layout["partial"]
            assert all(Tile(int(level), number).is_of(size) for number in range(full))
            assert not Tile(int(level), full).is_of(size)
            assert Tile(int(level), full, partial or 1).is_of(size) == bool(partial)
            assert not Tile(int(level), full, partial + 1).is_of(size)


def test_published_bundles_are_judged_as_published(vectors: dict[str, Any]) -> None:
    """A bundle that ends within an entry is refused."""
    for raw in vectors["bundle_reject_hex"]:
        with pytest.raises(WrongTile):
            list(unbundle(bytes.fromhex(raw)))
    for raw in vectors["bundle_accept_hex"]:
        assert bundle(unbundle(bytes.fromhex(raw))).hex() == raw


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_reads_back_as_its_entries(entries: list[bytes]) -> None:
    """However long they are, empty ones included."""
    assert list(unbundle(bundle(entries))) == entries


def test_an_entry_has_to_fit() -> None:
    """Its length is written in 16 bits."""
    assert list(unbundle(bundle([bytes(65_535)]))) == [bytes(65_535)]
    with pytest.raises(WrongTile):
        bundle([bytes(65_536)])


def test_a_tile_has_as_many_hashes_as_it_is_wide() -> None:
    """Bytes that are cut short, or too many, are no tile."""
    assert Tile(0, 0, 2).hashes(bytes(64)) == [bytes(32), bytes(32)]
    for size in (0, 63, 65, 96):
        with pytest.raises(WrongTile):
            Tile(0, 0, 2).hashes(bytes(size))
