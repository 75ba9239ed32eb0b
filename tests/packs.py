"""Audit packs in tests: made, unpacked, changed, and their manifests made to fit again."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from timeline.application.audit import verify
from timeline.application.audit.pack import Packed, write_pack
from timeline.application.proving import Prover
from whole_logs import WholeLog


def packed(log: WholeLog, events: Sequence[str] = ()) -> tuple[bytes, Packed]:
    """Return the pack of a log, and what is said about it."""
    stream = io.BytesIO()
    said = write_pack(stream, log.engine, Prover(log.store, log.published), events)
    return stream.getvalue(), said


def unpacked(pack: bytes, directory: Path) -> Path:
    """Unpack a pack; return the bag's directory."""
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        archive.extractall(directory)
    (bag,) = directory.iterdir()
    return bag


def problems(
    path: Path,
    *,
    keys: Sequence[str] = (),
    witnesses: Sequence[str] = (),
    seen: Sequence[Path] = (),
) -> list[str]:
    """Return what is wrong with a pack."""
    with verify.Pack(str(path)) as pack:
        return verify.verify(pack, keys, witnesses, list(map(str, seen))).problems


def refit(bag: Path) -> None:
    """Make the manifests fit the files again, as who changes a pack would."""
    files = {
        file.relative_to(bag).as_posix(): file.read_bytes()
        for file in sorted(bag.rglob("*"))
        if file.is_file() and file.name != "tagmanifest-sha256.txt"
    }
    payload = {name: content for name, content in files.items() if name.startswith("data/")}
    info = [line for line in files["bag-info.txt"].decode().split("\n") if "Oxum" not in line]
    oxum = f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}"
    files["bag-info.txt"] = "\n".join([oxum, *info]).encode()
    files["manifest-sha256.txt"] = _manifest(payload)
    tags = {name: content for name, content in files.items() if name not in payload}
    for name in ("bag-info.txt", "manifest-sha256.txt"):
        (bag / name).write_bytes(files[name])
    (bag / "tagmanifest-sha256.txt").write_bytes(_manifest(tags))


def _manifest(files: dict[str, bytes]) -> bytes:
    return "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()
    ).encode()
