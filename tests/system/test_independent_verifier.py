"""A verifier that this project did not write accepts the log, its checkpoints and its proofs.

It is golang.org/x/mod/sumdb, by which Go checks its modules; Debian has it in the packages
golang-go and golang-golang-x-mod-dev. Without them, these tests are skipped.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from bench.filling import skip_projecting

from builders import acted, registered
from proven_log import ORIGIN, ProvenLog
from service import PLAIN, Service, service, timeline
from timeline.application.log_client import LogClient
from timeline.eventstore.database import create_engine
from timeline.eventstore.published import Published
from timeline.transparency.keys import VerifierKey
from timeline.transparency.tiles import Tile

GO_PATH: Final = Path("/usr/share/gocode")
PROGRAM: Final = Path(__file__).resolve().parents[1] / "independent" / "main.go"

EVENTS: Final = 66_000
"""More than a tile of tiles holds: three levels are served."""

SIZES: Final = (1, 255, 256, 700, 1_024, 65_536, EVENTS)
"""Where checkpoints are made: within a tile, at its end, and one later."""

SAMPLED: Final = (1, 2, 256, 257, 1_000, 65_536, 65_537, EVENTS)
"""Positions at whose proofs trees differ in form."""

pytestmark = pytest.mark.timeout(400)


class ServedLog:
    """A log that a running service serves, and its verifier key."""

    def __init__(self, service: Service, ids: list[str], settings: dict[str, str]) -> None:
        self.service = service
        self.ids = ids
        self.settings = settings
        self.key = httpx.get(f"{service.url}/log/vkey", timeout=10).text.strip()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[ServedLog]:
    """Serve a log of many events, with a checkpoint at each of `SIZES`."""
    directory = tmp_path_factory.mktemp("served")
    path = directory / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    engine = create_engine(f"sqlite:///{path}")
    log = ProvenLog(engine, directory)
    ids = log.record(registered("an-order"))
    for size in SIZES:
        while len(ids) < size:
            ids += log.record(*(acted("an-order") for _ in range(min(size - len(ids), 1_000))))
        log.sign()
    skip_projecting(engine)
    engine.dispose()
    settings = {"signing_key_file": str(log.key_file.path), "log_origin": ORIGIN}
    with service(f"sqlite:///{path}", directory, **settings) as running:
        yield ServedLog(running, ids, settings)


@pytest.fixture(scope="module")
def mirror(served: ServedLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with all that the service publishes, fetched from it."""
    directory = tmp_path_factory.mktemp("mirror")

    def keep(path: str, raw: bytes) -> None:
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)

    with LogClient(served.service.url) as client:
        keep("checkpoint", client.get("checkpoint", 65_536))
        for tile in tiles(EVENTS):
            path = f"tile/{tile.path}"
            keep(path, client.get(path, 1 << 25))
    base = f"{served.service.url}/v1/audit/proof"
    for position in SAMPLED:
        for size in (EVENTS, max(position, 1_024)):
            asked = {"position": position, "size": size}
            answer = httpx.get(f"{base}/inclusion", params=asked, timeout=30, verify=PLAIN)
            keep(f"proofs/inclusion-{position}-{size}.json", answer.raise_for_status().content)
        proof = timeline(
            *("proof", served.ids[position - 1]),
            database_url=served.service.database_url,
            **served.settings,
        )
        keep(f"proofs/{position}.tlog-proof", proof.encode())
    for size in SIZES:
        answer = httpx.get(
            f"{base}/consistency", params={"from": size, "to": EVENTS}, timeout=30, verify=PLAIN
        )
        keep(f"proofs/consistency-{size}.json", answer.raise_for_status().content)
    engine = create_engine(served.service.database_url)
    for checkpoint in Published(engine).since(0):
        keep(f"checkpoints/{checkpoint.size}", checkpoint.note)
    engine.dispose()
    return directory


def tiles(size: int) -> Iterator[Tile]:
    """Yield all tiles of a tree, and all bundles of entries."""
    for level in (None, 0, 1, 2):
        hashes = size >> (8 * (level or 0))
        for number in range(-(-hashes // 256)):
            yield Tile(level, number, min(256, hashes - 256 * number))


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the program; skip where Go or its module is missing."""
    go = shutil.which("go")
    if go is None or not (GO_PATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("needs Debian's golang-go and golang-golang-x-mod-dev")
    built = tmp_path_factory.mktemp("go")
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(GO_PATH),
        "GOFLAGS": "",
        # Where Go has it by default, so that it compiles its own library once.
        "GOCACHE": os.environ.get("GOCACHE", str(Path.home() / ".cache" / "go-build")),
        "CGO_ENABLED": "0",
    }
    subprocess.run(
        [go, "build", "-o", built / "verifier", PROGRAM],
        env=environment,
        check=True,
        timeout=300,
    )
    return built / "verifier"


def test_sumdb_accepts_the_log_its_checkpoints_and_its_proofs(
    verifier: Path, served: ServedLog, mirror: Path
) -> None:
    """Every entry, every tile, every checkpoint that was published, and sampled proofs of each kind."""
    done = subprocess.run(
        [verifier, mirror, served.key], capture_output=True, text=True, timeout=120, check=False
    )

    checkpoints = len(list((mirror / "checkpoints").iterdir()))
    proofs = len(list((mirror / "proofs").glob("inclusion-*")))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{EVENTS} entries, ")
    assert done.stdout.endswith(
        f"{checkpoints} checkpoints, {proofs} inclusion proofs, 7 consistency proofs, 8 proof files\n"
    )
    assert checkpoints == len(SIZES)


def test_sumdb_refuses_what_was_changed(
    verifier: Path, served: ServedLog, mirror: Path, tmp_path: Path
) -> None:
    """The same program tells where one byte of anything is another one."""
    for path in (
        "tile/entries/000",
        "tile/0/000",
        "tile/1/000",
        "checkpoints/256",
        "proofs/1.tlog-proof",
        "proofs/inclusion-257-1024.json",
        "proofs/consistency-700.json",
    ):
        changed = tmp_path / "changed"
        shutil.copytree(mirror, changed, copy_function=os.link)
        raw = bytearray((changed / path).read_bytes())
        at = raw.rindex(b'"]') - 1 if path.endswith("json") else len(raw) // 2
        raw[at] = ord("0") if raw[at] != ord("0") else ord("1")
        (changed / path).unlink()
        (changed / path).write_bytes(raw)

        done = subprocess.run(
            [verifier, changed, served.key], capture_output=True, timeout=120, check=False
        )

        assert done.returncode == 1, path
        shutil.rmtree(changed)


def test_our_own_verifier_accepts_it_over_http(served: ServedLog, tmp_path: Path) -> None:
    """With nothing but the key that the service serves."""
    told = timeline(
        *("verify", "--url", served.service.url, "--key", served.key),
        *("--state", str(tmp_path / "seen"), "--quiet"),
        database_url="sqlite:///nowhere.db",
    )

    assert VerifierKey.parse(served.key).name in told
    assert f"checked: {EVENTS} entries, {len(list(tiles(EVENTS))) // 2 + 2} tiles" in told
