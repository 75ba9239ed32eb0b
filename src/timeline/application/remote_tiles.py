"""The tiles that a log serves, held against what its entries add up to.

Owns how tiles are fetched and compared. Must not know what else is checked of a log.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Protocol, TypeAlias

from timeline.application.findings import Findings, Kind
from timeline.application.log_client import NotThere
from timeline.transparency.errors import TransparencyError, WrongTile
from timeline.transparency.merkle import HASH_BYTES
from timeline.transparency.proofs import Node
from timeline.transparency.tiles import HEIGHT, WIDTH, Tile, unbundle

Hashes: TypeAlias = Sequence[bytes] | str
"""The hashes of a tile, or why they cannot be had."""


class Client(Protocol):
    """Fetches what stands at a path below `/log/`; raises NotThere where nothing does."""

    def get(self, path: str, limit_bytes: int) -> bytes:
        """Return the bytes, at most so many."""
        ...


class Tiles:
    """Compares the tiles that a log serves with what its entries add up to."""

    def __init__(self, client: Client, findings: Findings) -> None:
        self.compared = 0
        self._client = client
        self._findings = findings
        self._levels: list[list[bytes]] = [[]]

    def add(self, leaves: Sequence[bytes], full: Mapping[Node, bytes], served: Hashes) -> None:
        """Take in leaves, and the roots of the tiles that became full with them.

        Args:
            leaves: of one tile.
            full: the roots.
            served: the hashes of that tile.

        """
        self._levels[0] += leaves
        for node, root in full.items():
            level = node.level // HEIGHT
            tile = Tile(level - 1, node.number)
            self._compare(tile, served if level == 1 else hashes_of(self._client, tile))
            self._levels[level - 1] = []
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(root)

    def end(self, size: int, served: Hashes) -> None:
        """Compare the tiles at the right edge, which are not full."""
        for level, hashes in enumerate(self._levels):
            if hashes:
                tile = Tile(level, (size >> (HEIGHT * level)) // WIDTH, len(hashes))
                self._compare(tile, served if level == 0 else hashes_of(self._client, tile))

    def _compare(self, tile: Tile, served: Hashes) -> None:
        self.compared += 1
        if isinstance(served, str):
            self._findings.add(Kind.TILE, None, served)
            return
        for at, (hash, other) in enumerate(zip(self._levels[tile.level or 0], served, strict=True)):
            if hash != other:
                first = ((WIDTH * tile.number + at) << (HEIGHT * (tile.level or 0))) + 1
                what = f"hash {at} of tile {tile.path} is not what its entries add up to"
                self._findings.add(Kind.TILE, first, what)
                return


def hashes_of(client: Client, tile: Tile) -> Hashes:
    """Fetch the hashes of a tile; returns why there are none where that is so."""
    try:
        served, raw = fetched(client, tile, WIDTH * HASH_BYTES)
        return served.hashes(raw)[: tile.width]
    except (NotThere, WrongTile) as error:
        return said(error)


def entries_of(client: Client, tile: Tile, limit_bytes: int) -> list[bytes]:
    """Fetch the entries of a bundle.

    Raises:
        NotThere: it is not served.
        WrongTile: it is no bundle, or has fewer entries than it has to, or more.

    """
    served, raw = fetched(client, tile, limit_bytes)
    # Entries of two bytes each fit into a bundle by the million.
    entries = list(islice(unbundle(raw), served.width + 1))
    if len(entries) != served.width:
        found = "more" if len(entries) > served.width else f"{len(entries)}"
        raise WrongTile(reason=f"{served.path} has {found} entries in place of {served.width}")
    return entries[: tile.width]


def said(error: NotThere | TransparencyError) -> str:
    """Return an error as a finding says it."""
    return f"it does not serve {error}" if isinstance(error, NotThere) else str(error)


def fetched(client: Client, tile: Tile, limit_bytes: int) -> tuple[Tile, bytes]:
    """Fetch a tile; return what is served in its place, too.

    That is the full one where the tile has become full meanwhile, and is served so alone.
    """
    try:
        return tile, client.get(f"tile/{tile.path}", limit_bytes)
    except NotThere:
        if tile.is_full:
            raise
    full = Tile(tile.level, tile.number)
    return full, client.get(f"tile/{full.path}", limit_bytes)
