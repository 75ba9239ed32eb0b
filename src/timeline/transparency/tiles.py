"""Tiles: the tree and its entries cut into pieces that never change once they are full.

Owns the paths of tiles, what is in them, and reading the tree's nodes out of them. Must not know
where tiles are kept or how they are fetched.

Source of the format: C2SP tlog-tiles v0.1.0.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Self

from timeline.transparency.errors import WrongTile
from timeline.transparency.merkle import HASH_BYTES, node_hash
from timeline.transparency.proofs import Node

HEIGHT: Final = 8
"""Levels of the tree in one tile."""

WIDTH: Final = 1 << HEIGHT
"""Hashes, or entries, in a full tile."""

MAX_LEVEL: Final = 63
MAX_NUMBER: Final = 2**63 - 1
"""More tiles than there are positions."""

MAX_PATH_CHARACTERS: Final = 64

_LENGTH_BYTES: Final = 2
_PATH: Final = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """A piece of the tree, or a bundle of entries where its level is None.

    Its hashes are nodes of the level `HEIGHT · level`, from the node `WIDTH · number` on; a tile
    that is not full has fewer than `WIDTH` of them.
    """

    level: int | None
    number: int
    width: int = WIDTH

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a tile's path below `tile/`, such as "0/x001/x234/067" or "entries/000.p/12".

        Raises WrongTile for anything that is not written exactly so.
        """
        found = _PATH.fullmatch(path) if len(path) <= MAX_PATH_CHARACTERS else None
        if found is None:
            raise WrongTile(reason="its path is not as C2SP tlog-tiles has it")
        level = None if found["level"] == "entries" else int(found["level"])
        number = int(found["number"].replace("x", "").replace("/", ""))
        width = WIDTH if found["width"] is None else int(found["width"])
        tile = cls(level, number, width)
        partial = found["width"] is not None
        if (
            (level or 0) > MAX_LEVEL
            or number > MAX_NUMBER
            or partial == (width == WIDTH)
            or width > WIDTH
            or tile.path != path
        ):
            raise WrongTile(reason="its path is not as C2SP tlog-tiles has it")
        return tile

    @property
    def path(self) -> str:
        """The path below `tile/`."""
        groups = f"{self.number:,}".split(",")
        groups = [f"{int(each):03}" for each in groups]
        number = "/".join((*(f"x{each}" for each in groups[:-1]), groups[-1]))
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        level = "entries" if self.level is None else str(self.level)
        return f"{level}/{number}{partial}"

    @property
    def is_full(self) -> bool:
        """Whether the tile never changes."""
        return self.width == WIDTH

    def is_of(self, size: int) -> bool:
        """Tell whether a tree of that size has the tile: full, or as wide as it is there."""
        hashes = size >> (HEIGHT * (self.level or 0))
        there = min(max(hashes - WIDTH * self.number, 0), WIDTH)
        return 0 < self.width <= there

    def hashes(self, raw: bytes) -> list[bytes]:
        """Cut a tile's bytes into hashes; raises WrongTile where there are not as many as it has."""
        if len(raw) != self.width * HASH_BYTES:
            raise WrongTile(reason=f"{self.path} has {len(raw)} bytes")
        return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]


TileHashes = Callable[[Sequence[Tile]], Mapping[Tile, Sequence[bytes]]]
"""Returns the hashes of tiles, asked for all at once."""


class TiledTree:
    """The nodes of a tree of some size, read out of its tiles. Each tile is asked for once."""

    def __init__(self, size: int, read: TileHashes) -> None:
        self.size: Final = size
        self._read = read
        self._known: dict[Tile, Sequence[bytes]] = {}

    def nodes(self, wanted: Sequence[Node]) -> dict[Node, bytes]:
        """Return the hashes of nodes, all of which the tree has."""
        tiles = {node: self._tile(node) for node in wanted}
        missing = list(dict.fromkeys(tile for tile in tiles.values() if tile not in self._known))
        if missing:
            self._known.update(self._read(missing))
        return {node: _node(self._known[tile], node) for node, tile in tiles.items()}

    def _tile(self, node: Node) -> Tile:
        """Return the tile that a node is in, or is the root of some hashes of."""
        level = node.level // HEIGHT
        number = (node.number << (node.level - HEIGHT * level)) >> HEIGHT
        hashes = self.size >> (HEIGHT * level)
        return Tile(level, number, min(WIDTH, hashes - WIDTH * number))


def _node(hashes: Sequence[bytes], node: Node) -> bytes:
    span = 1 << (node.level % HEIGHT)
    start = (node.number * span) % WIDTH
    return subtree_root(hashes[start : start + span])


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of adjoining nodes of one level."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def bundle(entries: Iterable[bytes]) -> bytes:
    """Write a bundle of entries: each with its length in 16 bits before it.

    Raises WrongTile where an entry is too long for that.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) >= 1 << (8 * _LENGTH_BYTES):
            raise WrongTile(reason=f"an entry has {len(entry)} bytes")
        parts += (len(entry).to_bytes(_LENGTH_BYTES), entry)
    return b"".join(parts)


def unbundle(raw: bytes) -> Iterator[bytes]:
    """Yield the entries of a bundle; raises WrongTile where it ends within one."""
    at = 0
    while at < len(raw):
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(raw[at:start])
        if start > len(raw) or end > len(raw):
            raise WrongTile(reason="a bundle ends within an entry")
        yield raw[start:end]
        at = end


def completed(old: int, new: int) -> Iterator[Tile]:
    """Yield the tiles of hashes that become full as a tree grows, the lower levels first."""
    level = 0
    while (new >> (HEIGHT * level)) >= WIDTH:
        shift = HEIGHT * (level + 1)
        for number in range(old >> shift, new >> shift):
            yield Tile(level, number)
        level += 1
