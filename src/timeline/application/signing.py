"""Signs the log: one checkpoint after the other, each of a log that the one before was signed for.

Owns the one place in which a checkpoint is signed, what it refuses to sign, and when it signs. Must
not know how keys are kept (`key_files`), nor what is stored (`eventstore`).

What was signed last is remembered beside the key, and the growing edge of that tree is carried on
with the leaves that came since. So a log that lost entries, or has others in their place, is never
signed: where it is found, that is written beside the head, and no process records anything more.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import structlog

from timeline.application.errors import KeyFileError
from timeline.application.key_files import KeyFile
from timeline.eventstore.errors import EventStoreError, LogDiverged
from timeline.eventstore.instants import Clock, instant
from timeline.eventstore.published import MAX_LEAVES, Checkpointed, Published
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.stops import Stop
from timeline.transparency.checkpoints import Checkpoint
from timeline.transparency.errors import TransparencyError
from timeline.transparency.keys import SigningKey
from timeline.transparency.merkle import Frontier
from timeline.transparency.notes import Note, signed
from timeline.transparency.proofs import Node, frontier
from timeline.transparency.tiles import HEIGHT, WIDTH, Tile, TiledTree, completed, subtree_root

GATHER_S: Final = 0.5
"""The shortest time between checkpoints: many appends share one, and each has it within 2 s."""

LOOK_S: Final = 1.0
"""How often it is looked whether the log has grown, whether or not anyone told."""

MAX_PAUSE_S: Final = 10.0
"""The longest pause between attempts while something stands in the way."""

Found = TypeVar("Found")

_log = structlog.get_logger(__name__)


class _Signed(NamedTuple):
    """A tree that was signed: its growing edge, and the note."""

    frontier: Frontier
    note: bytes


class Signer:
    """Signs the log's head with the keys of a file. Not safe for threads.

    Of all processes with the same key file, one signs at a time.
    """

    def __init__(
        self, store: SqlStore, published: Published, keys: KeyFile, origin: str, clock: Clock
    ) -> None:
        """Bind a log.

        Args:
            store: has the log.
            published: takes what is signed.
            keys: sign it.
            origin: the log's name.
            clock: tells the time of signing.

        """
        self._store = store
        self._published = published
        self._keys = keys
        self._origin = origin
        self._clock = clock
        self._signed: _Signed | None = None

    def check(self) -> None:
        """Check that the log is the one that was signed last; raises as `sign` does.

        Nothing is written, so that it does not matter whether another process signs.
        """
        self._diverging(lambda _: self._remembered())

    def sign(self) -> int:
        """Sign the head, unless it is signed already or another process signs.

        Returns:
            The size of the newest checkpoint that is known to be published.

        Raises:
            LogDiverged: the log is not the one that was signed last; nothing more is recorded.
            KeyFileError: the keys, or what lies beside them, cannot be used.
            StoreUnavailable: the database cannot be reached.

        """
        with self._keys.signing() as alone:
            if not alone:
                self._signed = None
                latest = self._published.latest()
                return 0 if latest is None else latest.size
            return self._diverging(self._sign)

    def _diverging(self, work: Callable[[Sequence[SigningKey]], Found]) -> Found:
        """Do something with the keys; where the log is another one, nothing more is recorded."""
        try:
            return work(self._keys.read())
        except LogDiverged as diverged:
            self._stop(diverged)
            raise

    def _stop(self, diverged: LogDiverged) -> None:
        """Stop the log for every process; where the database does not take that, it is tried again."""
        try:
            if self._store.stop(Stop.of(diverged, instant(self._clock()))):
                _log.critical("log.stopped", reason=str(diverged))
        except EventStoreError as error:
            _log.critical("log.stop.failed", reason=str(diverged), error=str(error))

    def _sign(self, keys: Sequence[SigningKey]) -> int:
        last = self._signed = self._last(keys)
        head = self._store.head()
        size = last.frontier.size
        if head.position < size:
            raise LogDiverged(size=size, reason=f"it has {head.position} entries now")
        if head.position == size:
            if head.frontier != last.frontier:
                raise LogDiverged(size=size, reason="its head has another root hash")
            return size
        grown, nodes = self._grown(last.frontier, head.position)
        if grown != head.frontier:
            raise LogDiverged(
                size=size, reason="its tree did not grow from the one that was signed"
            )
        checkpoint = Checkpoint(self._origin, grown.size, grown.root())
        note = bytes(signed(checkpoint.text, keys))
        # First what is remembered: nothing is published that this signer could forget.
        self._keys.keep_signed(note)
        self._publish(grown.size, note, keys, nodes)
        self._signed = _Signed(grown, note)
        return grown.size

    def _last(self, keys: Sequence[SigningKey]) -> _Signed:
        """Return what was signed last, and is published now; the log is known to have begun so."""
        known, latest = self._signed, self._published.latest()
        noted = None if latest is None else latest.note
        if known is not None and known.note == noted == self._keys.last_signed():
            return known
        last, base = self._remembered()
        if last.frontier.size > base.size:
            # Signed, and not published before the process was stopped.
            _, nodes = self._grown(base, last.frontier.size)
            self._publish(last.frontier.size, last.note, keys, nodes)
        return last

    def _remembered(self) -> tuple[_Signed, Frontier]:
        """Return what was signed last, and the growing edge of what is published, if that is less.

        Neither counts for its signature: what lies beside the keys is the signer's own, and the
        database has to agree with it, whatever it says of itself.
        """
        kept = self._keys.last_signed()
        if kept is None:
            reason = (
                "it is missing, so that nobody knows what was signed last (`timeline key adopt`)"
            )
            raise KeyFileError(path=self._keys.checkpoint_path, reason=reason)
        latest = self._published.latest()
        base = Frontier() if latest is None else self._began(latest.note)
        found = self._began(kept, base)
        if found.size == 0 < base.size:
            # A new key's memory: what others signed is not taken over without being told to.
            reason = (
                f"nothing was signed by this key, and the log was signed up to {base.size} entries:"
                " `timeline key adopt` takes it as it stands"
            )
            raise KeyFileError(path=self._keys.checkpoint_path, reason=reason)
        if latest is not None and found.size <= base.size:
            return _Signed(base, latest.note), base
        return _Signed(found, kept), base

    def _began(self, note: bytes, base: Frontier | None = None) -> Frontier:
        """Return the growing edge of a tree that was signed, once the log is known to begin with it.

        Args:
            note: the checkpoint.
            base: of a smaller tree, from which on it is worked out from leaves; else from tiles.

        """
        try:
            checkpoint = Checkpoint.parse(Note.parse(note).text)
        except TransparencyError as error:
            reason = f"its last checkpoint cannot be read: {error}"
            raise LogDiverged(size=0, reason=reason) from error
        size = checkpoint.size
        if checkpoint.origin != self._origin:
            raise LogDiverged(size=size, reason=f"that was the log {checkpoint.origin}")
        position = self._store.head().position
        if position == 0 < size:
            reason = (
                "it is empty now (to begin a new log, remove its key's files with the database)"
            )
            raise LogDiverged(size=size, reason=reason)
        if position < size:
            raise LogDiverged(size=size, reason=f"it has {position} entries now")
        if base is None or base.size >= size:
            found = self._edge(size)
        else:
            found, _ = self._grown(base, size)
        if found.root() != checkpoint.root:
            raise LogDiverged(size=size, reason="its root hash is another one now")
        return found

    def _edge(self, size: int) -> Frontier:
        """Return the growing edge of a tree that is published, as its tiles have it."""
        tree = TiledTree(size, self._published.tiles)
        try:
            return Frontier(size, frontier(size, tree.nodes))
        except (LookupError, ValueError) as error:
            raise LogDiverged(size=size, reason="its tiles are not complete") from error

    def _grown(self, since: Frontier, size: int) -> tuple[Frontier, dict[Node, bytes]]:
        """Return the growing edge of a larger tree, and the roots of the tiles that are full by then."""
        grown = since
        nodes: dict[Node, bytes] = {}
        position = since.size // WIDTH * WIDTH
        while position < size:
            wanted = min(size - position, MAX_LEAVES)
            leaves = self._published.leaf_hashes(position, wanted)
            if len(leaves) < wanted:
                reason = f"entries are missing after position {position + len(leaves)}"
                raise LogDiverged(size=since.size, reason=reason)
            grown = grown.extend(leaves[max(0, grown.size - position) :])
            for at in range(0, wanted - WIDTH + 1, WIDTH):
                number = (position + at) // WIDTH
                nodes[Node(HEIGHT, number)] = subtree_root(leaves[at : at + WIDTH])
            position += wanted
        for tile in completed(since.size, size):
            if tile.level:
                nodes[Node(HEIGHT * (tile.level + 1), tile.number)] = self._above(tile, nodes)
        return grown, nodes

    def _above(self, tile: Tile, nodes: Mapping[Node, bytes]) -> bytes:
        """Return the root of a tile of hashes that are published, or among those that come."""
        known = self._published.tiles([tile])[tile]
        level, first = HEIGHT * (tile.level or 0), WIDTH * tile.number
        coming = (nodes[Node(level, first + at)] for at in range(len(known), WIDTH))
        return subtree_root([*known, *coming])

    def _publish(
        self, size: int, note: bytes, keys: Sequence[SigningKey], nodes: Mapping[Node, bytes]
    ) -> None:
        lines = Note.parse(note).signatures
        verifiers = [key.verifier for key in keys]
        signers = [key for key in verifiers if any(line.made_by(key) for line in lines)]
        checkpoint = Checkpointed(size=size, note=note, signed_at=instant(self._clock()))
        if not self._published.publish(checkpoint, signers, nodes):
            raise LogDiverged(size=size, reason="another checkpoint of it is published")


class Signing:
    """A thread that has the head signed soon after it has moved."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signing", daemon=True)
        self.size = 0
        """How many entries the newest checkpoint has that is known here."""
        self.error: str | None = None
        """Why the last attempt failed, or None."""

    def check(self) -> None:
        """Check, before anything is recorded, that the log is the one that was signed last.

        Where it is not, that is said, and the record can be read, but nothing is added to it.
        """
        try:
            self._signer.check()
        except LogDiverged as diverged:
            _log.critical("log.diverged", reason=str(diverged))

    def start(self) -> None:
        """Start signing."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Sign once more, and stop."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def wake(self, _position: int = 0) -> None:
        """Say that the log has grown."""
        self._wake.set()

    def _run(self) -> None:
        pause_s = GATHER_S
        while not self._stopping.is_set():
            pause_s = self._try(pause_s)
            self._stopping.wait(pause_s)
            if self.error is None:
                self._wake.wait(LOOK_S - GATHER_S)
                self._wake.clear()
        self._try(pause_s)

    def _try(self, paused_s: float) -> float:
        """Sign; return how long to pause."""
        try:
            self.size = self._signer.sign()
        except Exception as error:  # noqa: BLE001 - whatever it was, signing is tried again
            failed, self.error = self.error, f"{type(error).__name__}: {error}"
            _log.error(
                "log.sign.failed",
                error=self.error,
                exc_info=None if failed == self.error else error,
            )
            return min(paused_s * 2, MAX_PAUSE_S)
        self.error = None
        return GATHER_S
