"""A log is checked from outside: what its server gets wrong is told."""

import pytest
from sqlalchemy import Engine

from builders import acted
from proven_log import KEY, ORIGIN, Mirror, ProvenLog
from timeline.application import remote_verifying as remote
from timeline.application.errors import LogUnreachable
from timeline.application.findings import Kind
from timeline.application.log_client import NotThere
from timeline.application.remote_verified import Outcome, RemotelyVerified
from timeline.eventstore.published import Published
from timeline.transparency.checkpoints import Checkpoint, cosign
from timeline.transparency.errors import UnknownSigner
from timeline.transparency.keys import COSIGNATURE_V1, SigningKey
from timeline.transparency.merkle import EMPTY_ROOT
from timeline.transparency.notes import Note, signed
from timeline.transparency.tiles import bundle, unbundle

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def log(proven_log: ProvenLog) -> ProvenLog:
    """Give a log of 300 events."""
    return proven_log


def verified(mirror: Mirror, *seen: bytes) -> RemotelyVerified:
    return remote.verify(mirror, [KEY.verifier], seen=seen)


def told(mirror: Mirror, *seen: bytes) -> list[tuple[Kind, int | None]]:
    return [(each.kind, each.position) for each in verified(mirror, *seen).findings]


def test_every_entry_and_every_tile_is_fetched_once(log: ProvenLog) -> None:
    """A mirror of files is enough."""
    mirror = Mirror(log.engine)

    found = verified(mirror)

    assert (found.findings, found.entries, found.tiles) == ((), 300, 3)
    assert sorted(mirror.asked) == [
        "checkpoint",
        *("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"),
        *("tile/entries/000", "tile/entries/001.p/44"),
    ]


def test_all_checkpoints_seen_before_are_compared(log: ProvenLog) -> None:
    """Of any size, also within a tile; and of the same size."""
    seen = [log.checkpoint()]
    log.record(*(acted("an-order") for _ in range(300)))
    log.sign()
    seen.append(log.checkpoint())

    found = verified(Mirror(log.engine), *seen)

    assert (found.findings, found.seen, found.size) == ((), (300, 600), 600)


def test_a_tile_that_became_full_meanwhile_is_cut(log: ProvenLog) -> None:
    """A server may drop a partial tile once there is the full one."""
    mirror = Mirror(log.engine)
    old = mirror.get("checkpoint", 65_536)
    log.record(*(acted("an-order") for _ in range(300)))
    log.sign()
    gone = GoneMirror(log.engine, {"checkpoint": old})

    assert verified(gone).findings == ()
    assert "tile/entries/001" in gone.asked


def test_a_full_bundle_in_place_of_a_partial_one_is_full(log: ProvenLog) -> None:
    """Only what became full meanwhile may have more entries than were asked for, and not any number."""
    mirror = Mirror(log.engine)
    some = list(unbundle(mirror.get("tile/entries/001.p/44", 1 << 30)))
    files = {"tile/entries/001": bundle([*some, *[b"{}"] * 212])}

    assert told(GoneMirror(log.engine, files)) == []
    files["tile/entries/001"] += bundle([b"{}"])
    assert told(GoneMirror(log.engine, files)) == [(Kind.TILE, None)]


class GoneMirror(Mirror):
    """Serves no partial tile where there is a full one."""

    def _file(self, path: str) -> bytes:
        full, partial, _ = path.partition(".p/")
        if partial and self._has(full):
            raise NotThere(path)
        return super()._file(path)

    def _has(self, path: str) -> bool:
        try:
            return path in self.files or bool(super()._file(path))
        except NotThere:
            return False


def test_an_entry_in_another_form_is_told(log: ProvenLog) -> None:
    """By its position; the root tells as well that it is not the one that was signed."""
    mirror = Mirror(log.engine)
    entries = list(unbundle(mirror.get("tile/entries/000", 1 << 30)))
    entries[9] = entries[9].replace(b",", b", ", 1)
    mirror.files["tile/entries/000"] = bundle(entries)

    found = verified(mirror)

    assert (found.findings[0].kind, found.findings[0].position) == (Kind.ENTRY, 10)
    assert {each.kind for each in found.findings[1:]} == {Kind.TILE, Kind.CHECKPOINT, Kind.ENTRY}


def test_entries_out_of_order_are_told(log: ProvenLog) -> None:
    """By their positions."""
    mirror = Mirror(log.engine)
    entries = list(unbundle(mirror.get("tile/entries/000", 1 << 30)))
    entries[9], entries[10] = entries[10], entries[9]
    mirror.files["tile/entries/000"] = bundle(entries)

    places = [position for kind, position in told(mirror) if kind is Kind.ENTRY]

    assert {10, 11} <= set(places)


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("tile/entries/000", b"\x00\x01"),
        ("tile/entries/000", bundle([b"{}"] * 3)),
        ("tile/entries/000", bundle([b"{}"] * 257)),
        ("tile/entries/000", bundle([b""] * 1_000_000)),
        ("tile/entries/001.p/44", bundle([b"{}"] * 45)),
        ("tile/0/000", bytes(32)),
        ("tile/1/000.p/1", bytes(31)),
    ],
)
def test_a_tile_that_is_none_is_told(log: ProvenLog, path: str, file: bytes) -> None:
    """Too short, too few, too many, or cut off; the check ends there, and says so."""
    found = verified(Mirror(log.engine, {path: file}))

    assert [(each.kind, each.position) for each in found.findings] == [(Kind.TILE, None)]
    assert found.complete == ("entries" not in path)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/1/000.p/1"])
def test_a_hash_that_is_wrong_is_told_by_its_place(log: ProvenLog, path: str) -> None:
    """What entries add up to is right; the tile that would prove it to others is not."""
    right = Mirror(log.engine).get(path, 1 << 30)
    wrong = right[:-32] + bytes(32)

    assert told(Mirror(log.engine, {path: wrong})) == [
        (Kind.TILE, 256 if path == "tile/0/000" else 1)
    ]


def test_a_checkpoint_of_a_key_that_was_not_given_is_no_finding(log: ProvenLog) -> None:
    """A log changes its key: nothing can be checked then, and who signed is named."""
    stranger = SigningKey(ORIGIN, bytes(32))
    note = bytes(signed(Checkpoint(ORIGIN, 300, bytes(32)).text, [stranger]))

    with pytest.raises(UnknownSigner, match="none of the known keys") as refused:
        verified(Mirror(log.engine, {"checkpoint": note}))

    assert refused.value.signers == (f"{ORIGIN}+{stranger.verifier.id.hex()}",)


def test_a_signature_that_is_not_of_the_key_it_names_is_told(log: ProvenLog) -> None:
    """That is a forgery, and not another key."""
    forged = Note.parse(signed_by_the_log(299, bytes(32))).signatures
    note = bytes(Note(Checkpoint(ORIGIN, 300, bytes(32)).text, forged))

    found = verified(Mirror(log.engine, {"checkpoint": note}))

    assert [(each.kind, found.entries) for each in found.findings] == [(Kind.CHECKPOINT, 0)]
    assert found.outcome is Outcome.WRONG


class FailingMirror(Mirror):
    """Fails at some paths: from the second time on, at a checkpoint."""

    def __init__(self, engine: Engine, *failing: str) -> None:
        super().__init__(engine)
        self._failing = failing

    def get(self, path: str, limit_bytes: int) -> bytes:
        """Return a file, or fail as `LogClient` does where a server answers 500."""
        found = super().get(path, limit_bytes)
        if path in self._failing and (path != "checkpoint" or self.asked.count(path) > 1):
            raise LogUnreachable(url="log.example", reason=f"it answers 500 to /log/{path}")
        return found


def test_entries_that_are_signed_and_not_served_are_withheld(log: ProvenLog) -> None:
    """A server that goes on serving its checkpoint is there: that is found, and where it begins."""
    found = verified(FailingMirror(log.engine, "tile/entries/001.p/44"))

    (finding,) = found.findings
    assert (finding.kind, finding.position) == (Kind.WITHHELD, 257)
    assert "500 to /log/tile/entries/001.p/44" in finding.what
    assert "promises 300 entries" in finding.what
    assert (found.outcome, found.ok, found.complete) == (Outcome.WRONG, False, False)


def test_entries_that_are_not_there_are_withheld(log: ProvenLog) -> None:
    """Whether it is by 404 or by 500, whoever signed them does not show them."""

    class CutMirror(Mirror):
        def _file(self, path: str) -> bytes:
            if path == "tile/entries/000":
                raise NotThere(path)
            return super()._file(path)

    assert told(CutMirror(log.engine)) == [(Kind.WITHHELD, 1)]


@pytest.mark.parametrize("tile", ["tile/entries/001.p/44", "tile/1/000.p/1"])
def test_an_outage_is_no_finding(log: ProvenLog, tile: str) -> None:
    """Where the checkpoint is gone, too, nothing is said against the log, nor for it."""
    found = verified(FailingMirror(log.engine, tile, "checkpoint"))

    assert (found.outcome, found.ok, found.reachable) == (Outcome.UNREACHABLE, False, False)
    assert (found.findings, found.complete, found.size) == ((), False, 300)
    assert found.unread == f"it answers 500 to /log/{tile}"


def test_a_log_without_a_checkpoint_cannot_be_checked(log: ProvenLog) -> None:
    """It may be another address, or nobody signs there."""

    class EmptyMirror(Mirror):
        def _file(self, path: str) -> bytes:
            raise NotThere(path)

    found = verified(EmptyMirror(log.engine))

    assert (found.outcome, found.reachable, found.checkpoint) == (Outcome.UNREACHABLE, False, "")


def test_a_log_that_says_to_be_empty(log: ProvenLog) -> None:
    """An empty log has one root; whoever had seen more of it is told."""
    seen = log.checkpoint()
    for root, findings in ((EMPTY_ROOT, []), (bytes(32), [(Kind.CHECKPOINT, 0)])):
        note = signed_by_the_log(0, root)

        assert told(Mirror(log.engine, {"checkpoint": note})) == findings
    assert told(Mirror(log.engine, {"checkpoint": note}), seen)[0] == (Kind.SEEN, 1)


def signed_by_the_log(size: int, root: bytes) -> bytes:
    return bytes(signed(Checkpoint(ORIGIN, size, root).text, [KEY]))


def test_two_signed_roots_of_one_size_are_evidence(log: ProvenLog) -> None:
    """Whatever entries are served: both are signed, and only one of them can be right."""
    other = signed_by_the_log(300, bytes(32))

    found = verified(Mirror(log.engine), other)

    assert [(each.kind, each.position) for each in found.findings] == [(Kind.SEEN, None)]
    assert found.evidence == (other.decode(), found.checkpoint)


def test_a_log_that_did_not_grow_from_what_was_seen_is_evidence(log: ProvenLog) -> None:
    """Its entries add up to what was signed, and the first of them to something else than before."""
    other = signed_by_the_log(290, bytes(32))

    found = verified(Mirror(log.engine), other)

    assert [each.what for each in found.findings] == [
        "it is a fork: its first 290 entries are not those seen before"
    ]
    assert found.evidence == (other.decode(), found.checkpoint)


@pytest.mark.parametrize("size", [290, 300])
def test_entries_that_nobody_signed_are_no_evidence(log: ProvenLog, size: int) -> None:
    """A mirror that serves others than were signed makes no fork of the log."""
    mirror = Mirror(log.engine)
    entries = list(unbundle(mirror.get("tile/entries/000", 1 << 30)))
    entries[9] = entries[9].replace(b"desk", b"mole", 1)
    mirror.files["tile/entries/000"] = bundle(entries)
    seen = Published(log.engine).at(size)
    assert seen is not None

    found = verified(mirror, seen.note)

    assert found.evidence == ()
    assert not any("fork" in each.what for each in found.findings)
    assert [each.what for each in found.findings if each.kind in {Kind.CHECKPOINT, Kind.SEEN}] == [
        "the entries served do not add up to its checkpoint of 300 entries",
        f"the first {size} entries served are not those seen before",
    ]


def test_an_older_checkpoint_than_was_seen_is_no_evidence(log: ProvenLog) -> None:
    """The log may be shortened, or its checkpoint stale: two sizes contradict nobody."""
    seen = Published(log.engine).at(290)
    assert seen is not None
    mirror = GoneMirror(log.engine, {"checkpoint": seen.note})

    found = verified(mirror, log.checkpoint())

    (finding,) = found.findings
    assert (finding.kind, finding.position, found.evidence) == (Kind.SEEN, 291, ())
    assert "shortened or stale" in finding.what


def test_a_witness_that_was_asked_for_has_to_have_cosigned(log: ProvenLog) -> None:
    """Whoever names a witness is not to read an answer without its line as one that has it."""
    witness = SigningKey("witness.example", bytes(32), COSIGNATURE_V1)
    note = Note.parse(log.checkpoint())
    lines = note.with_signatures([cosign(note, witness, 1_800_000_000)])
    keys = [KEY.verifier], [witness.verifier]

    without = remote.verify(Mirror(log.engine), keys[0], witnesses=keys[1])
    cosigned = Mirror(log.engine, {"checkpoint": bytes(lines)})
    with_it = remote.verify(cosigned, keys[0], witnesses=keys[1])

    assert (without.ok, without.findings) == (False, ())
    assert without.not_cosigned == with_it.witnesses == (str(witness.verifier),)
    assert (with_it.ok, with_it.not_cosigned) == (True, ())


def test_too_much_is_not_told_on_and_on(log: ProvenLog) -> None:
    """A hundred findings are enough."""
    mirror = Mirror(log.engine, {"tile/entries/000": bundle([b"{}"] * 256)})

    found = verified(mirror)

    assert (len(found.findings), found.complete) == (100, False)
