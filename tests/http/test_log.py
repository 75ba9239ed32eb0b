"""The log as files, and its proofs: all that anyone needs to check the record from outside."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from http_client import Client, Json, problem, registration, running
from timeline.application.access import Role
from timeline.application.key_files import KeyFile
from timeline.transparency.checkpoints import Checkpoint, opened
from timeline.transparency.entries import commitment
from timeline.transparency.keys import SigningKey, VerifierKey
from timeline.transparency.merkle import EMPTY_ROOT, leaf_hash
from timeline.transparency.proofs import check_consistency, check_inclusion, root
from timeline.transparency.tiles import Tile, TiledTree, subtree_root, unbundle

ORIGIN = "log.example/record"
KEY = SigningKey(ORIGIN, bytes(range(32)))


@contextmanager
def signing_service(story: Path, directory: Path) -> Iterator[Client]:
    """Run a service that holds the story and signs its log."""
    path = directory / "signing.db"
    shutil.copy(story, path)
    KeyFile(directory / "signing.db.key").begin([KEY])
    with running(f"sqlite:///{path}", log_origin=ORIGIN) as client:
        yield client


@pytest.fixture
def signing(seeded_sqlite: Path, tmp_path: Path) -> Iterator[Client]:
    """Run one for a test that records."""
    with signing_service(seeded_sqlite, tmp_path) as client:
        yield client


@pytest.fixture(scope="module")
def proven(
    seeded_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Client, Checkpoint]]:
    """Give one to be read, with a checkpoint that has one event more than the story."""
    with signing_service(seeded_sqlite, tmp_path_factory.mktemp("proven")) as client:
        answer = post(client, "wait=proof", registration("late-one"))
        checkpoint, _ = opened(answer.json()["checkpoint"].encode(), [KEY.verifier])
        yield client, checkpoint


def post(client: Client, query: str, document: Json) -> httpx.Response:
    content, headers = msgspec.json.encode(document), {"Content-Type": "application/json"}
    return client.ask(
        "POST", f"/v1/events?{query}", role=Role.ADMIN, headers=headers, content=content
    )


def tiles(client: Client, wanted: Sequence[Tile]) -> Mapping[Tile, list[bytes]]:
    return {tile: tile.hashes(client.get(f"/log/tile/{tile.path}").content) for tile in wanted}


def test_an_append_can_wait_for_its_proof(proven: tuple[Client, Checkpoint]) -> None:
    """The answer comes with a checkpoint that has the event, which is then the newest one."""
    client, checkpoint = proven

    answer = client.get("/log/checkpoint")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert opened(answer.content, [KEY.verifier])[0] == checkpoint
    assert checkpoint.size == client.application.store.head().position
    keys = client.get("/log/vkey").text.splitlines()
    assert [VerifierKey.parse(key) for key in keys] == [KEY.verifier]
    listed = {each["href"] for each in client.get("/").json()["items"]}
    assert {"/log/checkpoint", "/log/vkey"} <= listed


def test_the_log_can_be_mirrored_and_checked(proven: tuple[Client, Checkpoint]) -> None:
    """Entries hash to leaves, leaves to tiles, tiles to the root that was signed."""
    client, checkpoint = proven
    size = checkpoint.size
    bundled = client.get(f"/log/tile/entries/000.p/{size}")
    leaves = tiles(client, [Tile(0, 0, size)])[Tile(0, 0, size)]

    assert [leaf_hash(entry) for entry in unbundle(bundled.content)] == leaves
    assert bundled.headers["content-type"] == "application/octet-stream"
    tree = TiledTree(size, lambda wanted: tiles(client, wanted))
    assert root(size, tree.nodes) == checkpoint.root


def test_full_tiles_may_be_kept_for_ever(signing: Client) -> None:
    """A full tile says so; one that is not full is soon out of use."""
    events = [registration(f"p-{number}") for number in range(250)]
    post(signing, "wait=proof", {"events": events})

    full = signing.get("/log/tile/0/000")
    partial = signing.get("/log/tile/0/001.p/3")

    assert len(full.content) == 256 * 32
    assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert len(partial.content) == 3 * 32
    assert "immutable" not in partial.headers["cache-control"]
    assert signing.get("/log/tile/1/000.p/1").content == subtree_root(
        Tile(0, 0).hashes(full.content)
    )


def test_bundles_of_entries_are_zipped_for_who_takes_that(
    proven: tuple[Client, Checkpoint],
) -> None:
    """Each form has its own validator, and caches are told what it depends on; hashes stay plain."""
    client, checkpoint = proven
    path = f"/log/tile/entries/000.p/{checkpoint.size}"

    def asked(coding: str, tag: str = "") -> httpx.Response:
        return client.get(path, Accept_Encoding=coding, If_None_Match=tag)

    plain, zipped = asked("identity"), asked("br, GZIP;q=0.5")

    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.content == plain.content
    assert int(zipped.headers["content-length"]) < len(plain.content) / 2
    assert zipped.headers["etag"] != plain.headers["etag"]
    assert zipped.headers["cache-control"] == plain.headers["cache-control"]
    assert "Accept-Encoding" in plain.headers["vary"]
    assert asked("gzip", zipped.headers["etag"]).status_code == 304
    assert asked("gzip", plain.headers["etag"]).status_code == 200
    assert "content-encoding" not in asked("gzip;q=0, *").headers
    assert "content-encoding" not in client.get(f"/log/tile/0/000.p/{checkpoint.size}").headers


@pytest.mark.parametrize(
    "path",
    ["0/001", "0/000.p/200", "1/000.p/1", "entries/001", "0/0", "0//000", "0/000/", "x", "64/000"],
)
def test_what_no_checkpoint_reaches_is_not_there(
    proven: tuple[Client, Checkpoint], path: str
) -> None:
    """Neither tiles beyond the newest checkpoint, nor other spellings of a path."""
    client, _ = proven

    assert client.get(f"/log/tile/{path}").status_code == 404


def test_an_event_comes_with_its_proof(proven: tuple[Client, Checkpoint]) -> None:
    """Data, salt, entry, proof and checkpoint lead from what was recorded to what was signed."""
    client, _ = proven
    listed = client.get("/v1/events?limit=5").json()["items"][3]

    event = client.get(f"/v1/events/{listed['id']}?proof=true").json()
    witnessed = client.get(f"/v1/events/{listed['id']}?proof=true&cosignatures=1").json()

    assert witnessed == event | {"proof": None}
    proof, entry = event["proof"], event["entry"].encode()
    checkpoint, _ = opened(proof["checkpoint"].encode(), [KEY.verifier])
    held = msgspec.json.decode(entry)
    hashes = [bytes.fromhex(hash) for hash in proof["hashes"]]
    check_inclusion(
        event["position"] - 1, checkpoint.size, leaf_hash(entry), hashes, checkpoint.root
    )
    data = msgspec.json.encode(event["data"], order="deterministic")
    assert held["commitment"] == commitment(bytes.fromhex(event["salt"]), data)
    assert {name: held[name] for name in ("id", "position", "policy")} == {
        name: event[name] for name in ("id", "position", "policy")
    }
    assert "salt" not in listed


def test_proofs_can_be_asked_for_by_themselves(proven: tuple[Client, Checkpoint]) -> None:
    """Inclusion by position, consistency between any two sizes up to the newest checkpoint's."""
    client, checkpoint = proven

    included = client.get("/v1/audit/proof/inclusion?position=7").json()
    grown = client.get("/v1/audit/proof/consistency?from=7").json()

    check_inclusion(
        6,
        included["size"],
        bytes.fromhex(included["leaf_hash"]),
        [bytes.fromhex(hash) for hash in included["hashes"]],
        checkpoint.root,
    )
    assert (grown["from"], grown["to"], grown["to_root"]) == (
        7,
        checkpoint.size,
        checkpoint.root.hex(),
    )
    check_consistency(
        7,
        grown["to"],
        bytes.fromhex(grown["from_root"]),
        checkpoint.root,
        [bytes.fromhex(hash) for hash in grown["hashes"]],
    )
    assert client.get("/v1/audit/proof/consistency?from=0").json()["hashes"] == []
    empty = client.get("/v1/audit/proof/consistency?from=0&to=0").json()
    assert empty["from_root"] == empty["to_root"] == EMPTY_ROOT.hex()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("inclusion", "position"),
        ("inclusion?position=0", "position"),
        ("inclusion?position=7&size=6", "position"),
        ("inclusion?position=1&size=100000", "size"),
        ("inclusion?position=100000", "position"),
        ("consistency", "from"),
        ("consistency?from=8&to=7", "from"),
        ("consistency?from=1&to=100000", "to"),
        ("consistency?from=-1", "from"),
    ],
)
def test_a_proof_that_cannot_be_is_refused(
    proven: tuple[Client, Checkpoint], query: str, field: str
) -> None:
    """The answer names what is out of bounds."""
    client, _ = proven

    answer = client.get(f"/v1/audit/proof/{query}")

    assert problem(answer) == (400, "invalid-request", field)


@pytest.mark.parametrize(
    "path",
    [
        "/log/checkpoint",
        "/log/vkey",
        "/log/tile/0/000.p/1",
        "/v1/audit/proof/inclusion?position=1",
        "/v1/audit/proof/consistency?from=0",
    ],
)
def test_a_log_that_nobody_signs_says_so(reading: Client, path: str) -> None:
    """There is nothing that could be checked, and no proof is waited for."""
    assert reading.get(path).status_code == 404


def test_nobody_waits_for_a_proof_that_does_not_come(empty: Client, signing: Client) -> None:
    """A log that nobody signs, a trial and lines are refused before anything is recorded."""
    for client, target in ((empty, "wait=proof"), (signing, "wait=proof&dry_run=true")):
        before = client.application.store.head().position
        answer = post(client, target, registration())
        assert problem(answer) == (400, "invalid-request", "wait")
        assert client.application.store.head().position == before


def test_a_private_log_asks_for_a_token(private: Client) -> None:
    """Entries name policies and principals: who may not read may not mirror."""
    for path in (
        "/log/checkpoint",
        "/log/tile/entries/000",
        "/v1/audit/proof/inclusion?position=1",
    ):
        assert private.get(path).status_code == 401
        assert private.get(path, role=Role.READER).status_code == 404
