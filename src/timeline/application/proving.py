"""What proves the record: checkpoints, tiles, and proofs that lead from an event to a checkpoint.

Owns which proofs can be asked for, and what they say. Must not know HTTP; nothing is signed here.
"""

from typing import Any, Final

from timeline.application.errors import InvalidRequest, UnknownResource
from timeline.application.moments import Answer
from timeline.application.queries import ConsistencyQuery, InclusionQuery
from timeline.eventstore.errors import CorruptStore
from timeline.eventstore.published import Checkpointed, Published
from timeline.eventstore.sql import SqlStore
from timeline.transparency.checkpoints import Checkpoint
from timeline.transparency.errors import WrongTile
from timeline.transparency.keys import VerifierKey
from timeline.transparency.merkle import EMPTY_ROOT
from timeline.transparency.notes import Note
from timeline.transparency.policies import Policy
from timeline.transparency.proof_files import ProofFile
from timeline.transparency.proofs import consistency, inclusion, root
from timeline.transparency.tiles import WIDTH, Tile, TiledTree, bundle

MAX_LOOKED_AT: Final = 10_000
"""Cosignatures that an answer may take looking at: with two witnesses asked every minute, three days' worth."""

NO_CHECKPOINT: Final = "of this log (`timeline serve` signs one, where it has the log's key)"
"""What is missing before the first checkpoint, and who makes it."""


class Prover:
    """Answers questions about the log's proof. Safe for threads."""

    def __init__(self, store: SqlStore, published: Published) -> None:
        """Bind a log and what it has published."""
        self._store = store
        self._published = published

    # The log as files

    def checkpoint(self) -> Checkpointed:
        """Return the newest checkpoint; raises UnknownResource before the first."""
        latest = self._published.latest()
        if latest is None:
            raise UnknownResource(kind="checkpoint", id=NO_CHECKPOINT, position=self._head())
        return latest

    def size(self) -> int:
        """Return how many entries the newest checkpoint has; 0 before the first."""
        latest = self._published.latest()
        return 0 if latest is None else latest.size

    def keys(self) -> list[VerifierKey]:
        """Return the keys that have signed the newest checkpoint; raises as `checkpoint`."""
        lines = Note.parse(self.checkpoint().note).signatures
        return [
            key
            for key in self._published.verifier_keys()
            if any(line.made_by(key) for line in lines)
        ]

    def tile(self, path: str) -> tuple[Tile, bytes]:
        """Return a tile by its path below `tile/`, as far as the newest checkpoint reaches.

        Raises:
            UnknownResource: there is no such tile.

        """
        try:
            tile = Tile.parse(path)
        except WrongTile:
            tile = None
        latest = None if tile is None else self._published.latest()
        if tile is None or latest is None or not tile.is_of(latest.size):
            raise UnknownResource(kind="tile", id=path[:100], position=self._head())
        if tile.level is None:
            parts = self._published.entries(WIDTH * tile.number, tile.width)
        else:
            parts = list(self._published.tiles([tile])[tile])
        if len(parts) < tile.width:
            raise CorruptStore(reason=f"the tile {tile.path} is not whole")
        return tile, bundle(parts) if tile.level is None else b"".join(parts)

    # Proofs

    def inclusion(self, query: InclusionQuery) -> Answer:
        """Answer that the entry at a position is in the tree of some size."""
        size = self._size(query.size, "size")
        if query.position > size:
            raise InvalidRequest(field="position", reason=f"The tree has {size} entries")
        tree = TiledTree(size, self._published.tiles)
        leaf = self._published.opening(query.position).leaf_hash
        document = _included(query.position, leaf, root(size, tree.nodes), tree)
        return Answer(document, self._head())

    def consistency(self, query: ConsistencyQuery) -> Answer:
        """Answer that a tree began as an older one."""
        size = self._size(query.to, "to")
        if query.from_ > size:
            raise InvalidRequest(field="from", reason=f"The newer tree has {size} entries")
        # What the older tree is made of are nodes of the newer one, too: each tile is read once.
        tree = TiledTree(size, self._published.tiles)
        proof = consistency(query.from_, size, tree.nodes)
        document = {
            "from": query.from_,
            "to": size,
            "from_root": _root(query.from_, tree).hex(),
            "to_root": _root(size, tree).hex(),
            "hashes": [hash.hex() for hash in proof],
        }
        return Answer(document, self._head())

    def opening(self, position: int, cosignatures: int = 0) -> dict[str, Any]:
        """Return all that shows an event to be in the log.

        The entry and the salt, by which the data is checked; and the way from the entry to the
        newest checkpoint that has so many cosignatures, None where that is older than the event.
        """
        latest = self._published.latest()
        if latest is not None and cosignatures:
            sizes = range(position, latest.size + 1)
            latest = self._published.cosigned(cosignatures, sizes, looked_at=MAX_LOOKED_AT)
        found = self._published.opening(position)
        proof = None
        if latest is not None and position <= latest.size:
            checkpoint = Checkpoint.parse(Note.parse(latest.note).text)
            tree = TiledTree(latest.size, self._published.tiles)
            proof = {
                **_included(position, found.leaf_hash, checkpoint.root, tree),
                "checkpoint": bytes(latest.cosigned).decode(),
            }
        return {
            "entry": found.entry.decode(),
            "salt": None if found.salt is None else found.salt.hex(),
            "proof": proof,
        }

    def proof_file(self, id: str) -> ProofFile:
        """Return the file that proves an event to be in the log, for the newest checkpoint.

        Raises:
            UnknownResource: there is no such event, or no checkpoint that has it yet.

        """
        position, latest = self.position(id), self.checkpoint()
        if position > latest.size:
            raise UnknownResource(kind="checkpoint with", id=id, position=latest.size)
        return self.proof_at(position, latest)

    def position(self, id: str) -> int:
        """Return where an event stands; raises UnknownResource where there is none."""
        event = self._store.get(id)
        if event is None:
            raise UnknownResource(kind="event", id=id, position=self._head())
        return event.position

    def witnessed(self, policy: Policy, position: int = 1) -> Checkpointed | None:
        """Return the newest checkpoint that has a position and that a policy accepts, if any.

        While a log grows, its newest checkpoint is one that witnesses are still to see.
        """
        latest = self._published.latest()
        if latest is not None and policy.accepts(latest.cosigned):
            return latest if position <= latest.size else None
        keys = [str(each.key) for each in policy.witnesses.values()]
        end = 0 if latest is None else latest.size
        # Most often the first is accepted. Not where groups ask for more than a number, or where a
        # line is not what it says to be.
        fewest = policy.fewest
        while found := self._published.cosigned(fewest, range(position, end), witnesses=keys):
            if policy.accepts(found.cosigned):
                return found
            end = found.size
        return None

    def proof_at(self, position: int, checkpoint: Checkpointed) -> ProofFile:
        """Return the file that proves the event at a position to be under a checkpoint."""
        tree = TiledTree(checkpoint.size, self._published.tiles)
        hashes = inclusion(position - 1, checkpoint.size, tree.nodes)
        return ProofFile(position - 1, hashes, bytes(checkpoint.cosigned))

    def _size(self, asked: int | None, field: str) -> int:
        """Return the size of the tree to prove: as asked, or that of the newest checkpoint."""
        latest = self.checkpoint().size
        if asked is not None and asked > latest:
            reason = f"The newest checkpoint has {latest} entries"
            raise InvalidRequest(field=field, reason=reason)
        return latest if asked is None else asked

    def _head(self) -> int:
        return self._store.head().position


def _root(size: int, tree: TiledTree) -> bytes:
    """Return the root of a tree, given one that began so."""
    return root(size, tree.nodes) if size else EMPTY_ROOT


def _included(position: int, leaf: bytes, root: bytes, tree: TiledTree) -> dict[str, Any]:
    """Return a proof that a leaf is in a tree of that root, as it is served."""
    return {
        "position": position,
        "size": tree.size,
        "leaf_hash": leaf.hex(),
        "root": root.hex(),
        "hashes": [hash.hex() for hash in inclusion(position - 1, tree.size, tree.nodes)],
    }
