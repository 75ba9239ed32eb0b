"""Walks the whole log in the database, and says what in it is not as it has to be.

Owns the order of the walk and what is said of it at the end. Must not know what has to be so of an
event, the tree or a checkpoint: `verifying_entries`, `verifying_tree` and `verifying_checkpoints` do.

Memory: a part of the log at a time, and a number for each policy.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import pairwise
from typing import Final

import msgspec
from sqlalchemy import Engine

from timeline.application.findings import EnoughFound, Finding, Findings, Kind, shown
from timeline.application.key_files import KeyFile
from timeline.application.verifying_beside import (
    check_digests,
    check_head,
    check_outside,
    listed,
)
from timeline.application.verifying_checkpoints import Checkpoints, Kept
from timeline.application.verifying_entries import Entries
from timeline.application.verifying_tree import Tree
from timeline.application.verifying_write_side import UNCHECKED, check_write_side
from timeline.eventstore import guards, walking
from timeline.eventstore.database import statement
from timeline.eventstore.walking import PART, Ends, Part, held
from timeline.transparency.checkpoints import Checkpoint, opened
from timeline.transparency.errors import TransparencyError
from timeline.transparency.keys import VerifierKey
from timeline.transparency.merkle import HASH_BYTES
from timeline.transparency.proofs import Node
from timeline.transparency.tiles import HEIGHT

Report = Callable[[int, int | None], None]
"""Takes how far the walk is, and where it ends."""

MISSING: Final = bytes(HASH_BYTES)
"""Stands in for the leaf hash of an entry that is missing: no entry has it."""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked, and what was found wrong.

    Attributes:
        position: the last position of the log.
        root: its root hash, in hexadecimal digits; None where entries are missing.
        payloads: how many were compared with what their entries commit to.
        erased: how many are gone, as an event says that erased them.
        tiles: hashes of full tiles that were compared.
        checkpoints: how many were compared with the tree.
        cosignatures: of witnesses, that hold.
        keys: the keys by which signatures were checked.
        unchecked: what was not checked, and why.
        findings: what is wrong.
        complete: whether the walk came to its end; it stops where too much is wrong.

    """

    position: int
    root: str | None
    payloads: int
    erased: int
    tiles: int
    checkpoints: int
    cosignatures: int
    keys: tuple[str, ...]
    unchecked: tuple[str, ...]
    findings: tuple[Finding, ...]
    complete: bool

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings


def verify(
    engine: Engine,
    key_file: KeyFile | None = None,
    *,
    keys: Sequence[VerifierKey] = (),
    seen: Sequence[bytes] = (),
    report: Report = lambda _done, _total: None,
) -> Verified:
    """Check the whole log in a database.

    Args:
        engine: the database.
        key_file: has the keys of the log, and beside them what they signed last.
        keys: further keys of the log.
        seen: checkpoints that were kept elsewhere.
        report: takes how far it is.

    Raises:
        KeyFileError: the key file, or what lies beside it, cannot be read.

    """
    # Before the log's end is read: a service may sign more meanwhile.
    last = None if key_file is None else key_file.last_signed()
    own = () if key_file is None else key_file.read()
    trusted = tuple(dict.fromkeys((*(each.verifier for each in own), *keys)))
    kept = [Kept(Kind.SEEN, note) for note in seen]
    if last is not None:
        kept.append(Kept(Kind.SIGNED, last))
    return _Walk(engine, trusted, kept, report).verified(has_last=last is not None)


class _Walk:
    """One walk through the log."""

    def __init__(
        self,
        engine: Engine,
        trusted: tuple[VerifierKey, ...],
        kept: Sequence[Kept],
        report: Report,
    ) -> None:
        self._engine = engine
        self._kept = kept
        self._report = report
        self._rows = 0
        self._findings = Findings()
        self._trusted = trusted
        self._entries = Entries(
            self._findings,
            partial(walking.erasures, engine),
            partial(walking.has_payload, engine),
        )
        self._tree = Tree(self._findings)
        self._checkpoints = Checkpoints(self._findings, self._tree, trusted)
        self._digests = 0
        self._is_derived_checked = False

    def verified(self, *, has_last: bool) -> Verified:
        """Walk; return what was checked and found."""
        ends = walking.ends(self._engine)
        complete = True
        try:
            self._checkpoints.list(listed(walking.listed_keys(self._engine), self._findings))
            self._walk(ends, self._kept_outside(ends))
            check_head(ends, self._entries.recorded_at, self._tree, self._findings)
            check_outside(ends, self._rows, self._findings)
            self._checkpoints.end()
            self._digests = check_digests(walking.digests(self._engine), self._findings)
            if not self._findings.found:
                check_write_side(self._engine, self._findings)
                self._is_derived_checked = True
        except EnoughFound:
            complete = False
        root = self._tree.root
        return Verified(
            position=self._tree.size,
            root=None if root is None else root.hex(),
            payloads=self._entries.payloads,
            erased=self._entries.erased,
            tiles=self._tree.tiles,
            checkpoints=self._checkpoints.checked,
            cosignatures=self._checkpoints.cosigned,
            keys=tuple(map(str, self._trusted)),
            unchecked=tuple(self._unchecked(ends, has_last=has_last)),
            findings=tuple(self._findings.found),
            complete=complete,
        )

    def _kept_outside(self, ends: Ends) -> list[tuple[Kept, Checkpoint]]:
        """Return the checkpoints that were kept outside, and lie within the log."""
        within: list[tuple[Kept, Checkpoint]] = []
        for each in self._kept:
            try:
                checkpoint, _ = opened(each.note, self._trusted)
            except TransparencyError as error:
                self._findings.add(each.kind, None, str(error))
                continue
            if checkpoint.size > ends.entries:
                self._checkpoints.too_short(each, checkpoint, ends.entries)
            elif checkpoint.size:
                within.append((each, checkpoint))
        return within

    def _walk(self, ends: Ends, kept: Sequence[tuple[Kept, Checkpoint]]) -> None:
        after = 0
        while after < ends.entries:
            until = min(after + PART, ends.entries)
            with walking.part(self._engine, after, until) as part:
                found = self._part(part, ends, kept)
            if not found and until < ends.entries:
                # Whoever wrote a position far away is not followed step by step.
                until = walking.next_position(self._engine, until) - 1
                self._tree.lose(until)
            after = until
            self._report(after, ends.entries)

    def _part(self, part: Part, ends: Ends, kept: Sequence[tuple[Kept, Checkpoint]]) -> bool:
        """Check some positions; tell whether any of them has an entry."""
        leaves, stored = self._leaves(part)
        published = self._published(part)
        cosigned = part.cosignatures()
        checkpoints = {size: row for size, *row in part.checkpoints() if held(size, int)}
        for size in cosigned.keys() - checkpoints.keys():
            what = f"it is of a checkpoint of {shown(size)} entries, which is not there"
            self._findings.add(Kind.COSIGNATURE, held(size, int), what)
        outside = [(each, of) for each, of in kept if part.after < of.size <= part.until]
        sizes = {*checkpoints, *(of.size for _, of in outside), part.after, part.until}
        for first, last in pairwise(sorted(sizes)):
            these = slice(first - part.after, last - part.after)
            self._tree.extend(leaves[these], stored[these], published, ends.checkpoint)
            for each, of in outside:
                if of.size == last:
                    self._checkpoints.kept(each, of)
            if last in checkpoints:
                note, signed_at = checkpoints[last]
                self._checkpoints.published(last, note, signed_at, cosigned.get(last, ()))
        return any(leaf is not MISSING for leaf in leaves)

    def _published(self, part: Part) -> dict[Node, bytes]:
        """Return the roots of tiles, as far as they are where such can be."""
        found: dict[Node, bytes] = {}
        for level, number, hash in part.nodes():
            if held(level, int) is None or held(number, int) is None:
                what = f"there is no hash number {shown(number)} of level {shown(level)}"
                self._findings.add(Kind.TILE, None, what)
            else:
                found[Node(HEIGHT * level, number)] = _hash(hash)
        return found

    def _leaves(self, part: Part) -> tuple[list[bytes], list[bytes]]:
        """Check the events; return the hashes of their entries, and those beside them.

        Both have one for each position, and are the same list where they do not differ.
        """
        leaves: list[bytes] = []
        stored: list[bytes] = []
        payloads = 0
        with closing(part.events()) as pages:
            for rows in pages:
                self._rows += len(rows)
                payloads += sum(row[10] is not None for row in rows)
                for row in rows:
                    leaf = self._entries.leaf(row)
                    gap = row[0] - part.after - len(leaves) - 1
                    if gap < 0:
                        continue  # There is one at this position already, as a finding says.
                    if gap or leaf != row[9]:
                        stored += leaves[len(stored) :] + [MISSING] * gap + [_hash(row[9])]
                        leaves += [MISSING] * gap
                    leaves.append(leaf or MISSING)
        if payloads != part.payloads():
            for position in part.orphans():
                self._findings.add(Kind.PAYLOAD, position, "it has a payload, and no entry")
        leaves += [MISSING] * (part.until - part.after - len(leaves))
        return leaves, (stored + leaves[len(stored) :] if stored else leaves)

    def _unchecked(self, ends: Ends, *, has_last: bool) -> Iterator[str]:
        with statement(self._engine) as connection:
            gone = guards.missing(connection)
        if gone:
            yield (
                f"who dropped {len(gone)} of the triggers that refuse to change what is recorded, and"
                " why: `timeline status` names them"
            )
        if not self._trusted:
            yield (
                "who signed: no key is known here, so that no signature was checked, but with what the"
                " database says itself; give the log's with --key, or TIMELINE_SIGNING_KEY_FILE"
            )
        elif not has_last:
            yield "no checkpoint lies beside the key, so that dropped entries may go unnoticed"
        if self._trusted and self._checkpoints.untrusted:
            yield (
                f"{self._checkpoints.untrusted} checkpoints are signed by earlier keys, which only"
                " the database names"
            )
        if ends.checkpoint < ends.entries:
            waiting = ends.entries - ends.checkpoint
            yield f"the last {waiting} entries are in no checkpoint yet"
        if self._is_derived_checked:
            yield UNCHECKED
        else:
            yield "what the write side keeps beside the log, since that follows from what is wrong"
        if self._digests:
            yield f"the digests of read models on {self._digests} days: `timeline replay` does"


def _hash(value: object) -> bytes:
    """Return what stands in a row as a leaf hash, if it can be one."""
    return value if isinstance(value, bytes) and len(value) == HASH_BYTES else MISSING
