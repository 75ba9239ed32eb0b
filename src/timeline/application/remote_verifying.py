"""Checks a log from outside: over HTTP, with nothing but its public key and what was seen before.

Owns what is fetched, and what all of it has to add up to. Must not know how it is fetched, nor where
what was seen is kept.

Checked are the checkpoint's signature, every entry (its form, and that it follows the one before),
every hash of every tile, the root, and that the log is the one seen before, grown. What entries
commit to is not served by tiles, and so not opened here.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import pairwise
from typing import Final, NamedTuple

from timeline.application.errors import LogUnreachable
from timeline.application.findings import EnoughFound, Findings, Kind
from timeline.application.log_client import NotThere, ahead
from timeline.application.remote_tiles import Client, Hashes, Tiles, entries_of, hashes_of, said
from timeline.application.remote_verified import UNCHECKED, Outcome, RemotelyVerified
from timeline.transparency.checkpoints import Checkpoint, cosigners, opened
from timeline.transparency.entries import MAX_ENTRY_BYTES, read_entry
from timeline.transparency.errors import TransparencyError, UnknownSigner, WrongTile
from timeline.transparency.growing import Growth
from timeline.transparency.keys import VerifierKey
from timeline.transparency.merkle import leaf_hash
from timeline.transparency.succession import Succession
from timeline.transparency.tiles import WIDTH, Tile

MAX_CHECKPOINT_BYTES: Final = 65_536
MAX_BUNDLE_BYTES: Final = WIDTH * (2 + MAX_ENTRY_BYTES)

Report = Callable[[int, int | None], None]
"""Takes how far it is, and where it ends."""


def verify(
    client: Client,
    keys: Sequence[VerifierKey],
    *,
    seen: Sequence[bytes] = (),
    witnesses: Sequence[VerifierKey] = (),
    report: Report = lambda _done, _total: None,
) -> RemotelyVerified:
    """Check a log.

    Args:
        client: fetches from it.
        keys: the log's.
        seen: checkpoints of it that were seen before.
        witnesses: whose cosignatures there have to be.
        report: takes how far it is.

    Returns:
        What was found, also where it could not be read.

    Raises:
        UnknownSigner: its checkpoint, or one seen before, is signed, and by none of the keys.
        WrongNote, WrongCheckpoint: a checkpoint seen before is none of this log.

    """
    before = [(note, opened(note, keys)[0]) for note in seen]
    return _Check(client, keys, before, witnesses, report).verified()


class _Root(NamedTuple):
    """A checkpoint that the log has to agree with, and why."""

    kind: Kind
    checkpoint: Checkpoint
    note: bytes


class _Piece(NamedTuple):
    """Some entries, and the tile of their hashes."""

    entries: list[bytes]
    hashes: Hashes


class _Check:
    """One check of a log."""

    def __init__(
        self,
        client: Client,
        keys: Sequence[VerifierKey],
        before: Sequence[tuple[bytes, Checkpoint]],
        witnesses: Sequence[VerifierKey],
        report: Report,
    ) -> None:
        self._client = client
        self._keys = keys
        self._before = before
        self._witnesses = witnesses
        self._report = report
        self._findings = Findings()
        self._succession = Succession()
        self._evidence: dict[str, None] = {}
        self._differing: list[_Root] = []
        self._adds_up = False
        self._tiles = Tiles(client, self._findings)
        self._raw = b""
        self._checkpoint: Checkpoint | None = None
        self._cosigned: list[VerifierKey] = []
        self._walked = 0
        self._unread: str | None = None

    def verified(self) -> RemotelyVerified:
        """Check; return what was found."""
        try:
            complete = self._run()
        except EnoughFound:
            complete = False
        with suppress(EnoughFound):
            self._tell_differing()
        checkpoint = self._checkpoint
        lacking = [each for each in self._witnesses if each not in self._cosigned]
        outcome = self._outcome(lacking)
        return RemotelyVerified(
            outcome=outcome,
            ok=outcome is Outcome.VERIFIED,
            reachable=self._unread is None,
            unread=self._unread,
            origin=self._keys[0].name,
            size=0 if checkpoint is None else checkpoint.size,
            root=None if checkpoint is None else checkpoint.root.hex(),
            entries=self._succession.position,
            tiles=self._tiles.compared,
            seen=tuple(of.size for _, of in self._before),
            witnesses=tuple(map(str, self._cosigned)),
            not_cosigned=tuple(map(str, lacking)),
            unchecked=UNCHECKED,
            findings=tuple(self._findings.found),
            complete=complete,
            checkpoint=self._raw.decode(errors="replace"),
            evidence=tuple(self._evidence),
        )

    def _outcome(self, lacking: Sequence[VerifierKey]) -> Outcome:
        if self._findings.found:
            return Outcome.WRONG
        if self._unread is not None:
            return Outcome.UNREACHABLE
        return Outcome.WRONG if lacking else Outcome.VERIFIED

    def _run(self) -> bool:
        """Check; return whether that came to its end."""
        try:
            self._raw = self._client.get("checkpoint", MAX_CHECKPOINT_BYTES)
        except NotThere:
            self._unread = "it has no checkpoint there"
            return False
        except LogUnreachable as error:
            self._unread = str(error.facts["reason"])
            return False
        try:
            self._checkpoint, note = opened(self._raw, self._keys)
            found = {each.witness for each in cosigners(note, self._witnesses)}
        except UnknownSigner:
            raise
        except TransparencyError as error:
            self._findings.add(Kind.CHECKPOINT, None, str(error))
            return False
        self._cosigned = [each for each in self._witnesses if each in found]
        return self._walked_through(self._checkpoint)

    def _walked_through(self, checkpoint: Checkpoint) -> bool:
        try:
            self._walk(checkpoint)
        except WrongTile as error:
            self._findings.add(Kind.TILE, None, said(error))
            return False
        except NotThere as error:
            self._withheld(said(error), checkpoint)
            return False
        except LogUnreachable as error:
            reason = str(error.facts["reason"])
            if self._still_signs():
                self._withheld(reason, checkpoint)
            else:
                self._unread = reason
            return False
        return True

    def _still_signs(self) -> bool:
        """Tell whether a log that does not serve its entries goes on serving a checkpoint.

        Then it is no outage: what is signed is withheld.
        """
        try:
            self._client.get("checkpoint", MAX_CHECKPOINT_BYTES)
        except (LogUnreachable, NotThere):
            return False
        return True

    def _withheld(self, reason: str, checkpoint: Checkpoint) -> None:
        what = (
            f"{reason}, and goes on serving its signed checkpoint, which promises"
            f" {checkpoint.size} entries: a loss can be hidden like that"
        )
        missing = self._walked + 1 if self._walked < checkpoint.size else None
        self._findings.add(Kind.WITHHELD, missing, what)

    def _walk(self, checkpoint: Checkpoint) -> None:
        """Fetch all entries, and compare what they add up to with each checkpoint on the way."""
        roots = self._roots(checkpoint)
        tree = Growth()
        served: Hashes = ()
        self._compare(roots.get(0, ()), tree.root())
        with closing(ahead(self._piece, _bundles(checkpoint.size))) as pieces:
            for tile, piece in pieces:
                leaves = self._leaves(tile, piece.entries)
                served = piece.hashes
                start = tree.size
                sizes = {start, *(size for size in roots if 0 < size - start < len(leaves))}
                for first, last in pairwise((*sorted(sizes), start + len(leaves))):
                    some = leaves[first - start : last - start]
                    tree, full = tree.extend(some)
                    self._tiles.add(some, full, served)
                    self._compare(roots.get(last, ()), tree.root())
                self._walked = tree.size
                self._report(tree.size, checkpoint.size)
        self._tiles.end(tree.size, served)

    def _roots(self, checkpoint: Checkpoint) -> dict[int, list[_Root]]:
        """Return what the tree has to be compared with, by size."""
        roots = {checkpoint.size: [_Root(Kind.CHECKPOINT, checkpoint, self._raw)]}
        for note, of in self._before:
            if of.size > checkpoint.size:
                # Both may be of one history: a cache may serve the older one.
                what = (
                    f"it is shortened or stale: it has {checkpoint.size} entries; it had {of.size}"
                    " when it was seen before"
                )
                self._findings.add(Kind.SEEN, checkpoint.size + 1, what)
            elif of.size == checkpoint.size and of.root != checkpoint.root:
                self._forked(of.size, note)
            else:
                roots.setdefault(of.size, []).append(_Root(Kind.SEEN, of, note))
        return roots

    def _compare(self, roots: Sequence[_Root], found: bytes) -> None:
        for root in roots:
            if root.kind is Kind.SEEN:
                if found != root.checkpoint.root:
                    self._differing.append(root)
            elif found == root.checkpoint.root:
                self._adds_up = True
            else:
                size = root.checkpoint.size
                what = f"the entries served do not add up to its checkpoint of {size} entries"
                self._findings.add(root.kind, size, what)

    def _tell_differing(self) -> None:
        """Tell what is made of other entries than were seen before.

        Entries that add up to no checkpoint are nobody's: they contradict what was seen, and prove
        nothing to others.
        """
        for _, of, note in self._differing:
            if self._adds_up:
                self._forked(of.size, note)
            else:
                what = f"the first {of.size} entries served are not those seen before"
                self._findings.add(Kind.SEEN, None, what)

    def _forked(self, size: int, note: bytes) -> None:
        """Say that two checkpoints contradict each other; both together prove it to anybody."""
        self._evidence.update(dict.fromkeys((note.decode(), self._raw.decode())))
        what = f"it is a fork: its first {size} entries are not those seen before"
        self._findings.add(Kind.SEEN, None, what)

    def _piece(self, tile: Tile) -> _Piece:
        """Fetch entries, and the tile of their hashes."""
        entries = entries_of(self._client, tile, MAX_BUNDLE_BYTES)
        return _Piece(entries, hashes_of(self._client, Tile(0, tile.number, tile.width)))

    def _leaves(self, tile: Tile, entries: Sequence[bytes]) -> list[bytes]:
        """Check entries one by one; return their leaf hashes."""
        first = WIDTH * tile.number + 1
        return [self._leaf(position, raw) for position, raw in enumerate(entries, start=first)]

    def _leaf(self, position: int, raw: bytes) -> bytes:
        try:
            entry = read_entry(raw)
        except TransparencyError as error:
            self._findings.add(Kind.ENTRY, position, str(error))
            return leaf_hash(raw)
        if entry.position != position:
            what = f"the entry at its place says that it is at {entry.position}"
            self._findings.add(Kind.ENTRY, position, what)
        succession = self._succession
        batch = succession.follows(position, entry.policy, entry.version, entry.recorded_at)
        if batch != entry.batch:
            if batch:
                faults = [f"its batch is {entry.batch}, and its append began at {batch}"]
            else:
                faults = succession.faults(
                    position, entry.policy, entry.version, entry.recorded_at, entry.batch
                )
            for fault in faults:
                self._findings.add(Kind.ENTRY, position, fault)
        return leaf_hash(raw)


def _bundles(size: int) -> Iterator[Tile]:
    for number in range(size // WIDTH):
        yield Tile(None, number)
    if size % WIDTH:
        yield Tile(None, size // WIDTH, size % WIDTH)
