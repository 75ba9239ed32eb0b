#!/usr/bin/env python3
"""Checks an audit pack of a Timeline log, offline.

    python3 verify.py [PACK] [--key VKEY] [--witness VKEY] [--since FILE]

PACK is the zip file, or the directory that it was unpacked to; by default the one that this file lies
in. Needs Python 3.9 or newer and nothing else. Prints what it checked and what it did not; exit code 0
where all of it holds, 1 where something is wrong, 2 where it was used wrongly.

Whoever made the pack could have changed this file, too: take it, and the log's key for --key, from
somewhere else. It is one file, so that it can be read whole; it imports nothing beyond the standard
library, and nothing of the project that it comes from.

Sources: RFC 8493 (BagIt), RFC 8785 (canonical JSON), RFC 6962 and 9162 (Merkle trees and proofs),
RFC 8032 (Ed25519), C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles and tlog-proof,
W3C PROV-JSON.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final, NamedTuple, NoReturn

WIDTH: Final = 256
"""Entries in a bundle, and so events in each file beside it."""

MAX_ENTRY_BYTES: Final = 65_535
MAX_PAYLOAD_BYTES: Final = 300_000
MAX_NOTE_BYTES: Final = 1_000_000
MAX_LINE_BYTES: Final = 2 * MAX_NOTE_BYTES
MAX_SMALL_FILE_BYTES: Final = 1_000_000
"""Bounds of what is read at once, far above what a pack holds: one that is made to harm fills no memory."""

MAX_PROBLEMS: Final = 100
"""Problems that are told one by one."""

MAX_SHOWN_CHARACTERS: Final = 500
"""Of one line."""


class Wrong(Exception):
    """Something in the pack is not as it has to be: where, and what."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what)

    def __str__(self) -> str:
        return ": ".join(self.args)


# ---- Ed25519 (RFC 8032, section 5.1): points are (x, y, z, t) with x = X/Z, y = Y/Z, x*y = T/Z ----

_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, _P - 2, _P) % _P
_SQRT_M1: Final = pow(2, (_P - 1) // 4, _P)

Point = tuple[int, int, int, int]

_ZERO: Final[Point] = (0, 1, 1, 0)


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(p: Point) -> Point:
    a, b, c = p[0] * p[0] % _P, p[1] * p[1] % _P, 2 * p[2] * p[2] % _P
    h, g = a + b, a - b
    e, f = h - (p[0] + p[1]) * (p[0] + p[1]), c + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _decoded(raw: bytes) -> Point | None:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P != u:
        x = x * _SQRT_M1 % _P
    if v * x * x % _P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encoded(p: Point) -> bytes:
    inverse = pow(p[2], _P - 2, _P)
    x, y = p[0] * inverse % _P, p[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE: Final = _decoded((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little")) or _ZERO


def ed25519_verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether 64 bytes are the signature of a message by a public key of 32 bytes."""
    key = _decoded(public) if len(public) == 32 else None
    s = int.from_bytes(signature[32:], "little")
    if key is None or len(signature) != 64 or s >= _L:
        return False
    hashed = hashlib.sha512(signature[:32] + public + message).digest()
    k = int.from_bytes(hashed, "little") % _L
    # [s]B - [k]A, both at once; it has to be R.
    minus = (_P - key[0], key[1], 1, _P - key[3])
    added = {1: _BASE, 2: minus, 3: _add(_BASE, minus)}
    found = _ZERO
    for bit in range(max(s.bit_length(), k.bit_length()) - 1, -1, -1):
        found = _double(found)
        which = (s >> bit & 1) | (k >> bit & 1) << 1
        if which:
            found = _add(found, added[which])
    return _encoded(found) == signature[:32]


# ---- Canonical JSON (RFC 8785), with integers as the only numbers ----


def _no_twins(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(members)
    if len(read) != len(members):
        raise ValueError("a key stands twice")
    return read


def _no_float(_text: str) -> NoReturn:
    raise ValueError("a number is no integer")


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: str(key).encode("utf-16-be"))
        return {key: _ordered(value[key]) for key in keys}
    return [_ordered(each) for each in value] if isinstance(value, list) else value


def canonical(value: Any) -> bytes:
    """Write a JSON value in its one form."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if (
        not text.isascii()
    ):  # Keys are sorted by UTF-16 code units, which may differ from code points.
        text = json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def strict(raw: bytes, where: str) -> Any:
    """Read JSON that is written in its one form; raises Wrong for any other bytes."""
    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=_no_twins,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
        again = canonical(value)
    except (ValueError, RecursionError) as error:
        raise Wrong(where, f"it is not the JSON of a record ({error})") from None
    if again != raw:
        raise Wrong(where, "its JSON is not in canonical form (RFC 8785)")
    return value


# ---- Merkle trees (RFC 6962, section 2.1; RFC 9162, section 2.1.3.2) ----


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees as one."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows: the roots of its full subtrees, the largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._standing: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add a leaf, by its hash."""
        size = self.size
        while size & 1:
            leaf, size = node_hash(self._standing.pop(), leaf), size >> 1
        self._standing.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root hash."""
        if not self._standing:
            return hashlib.sha256(b"").digest()
        *larger, root = self._standing
        for subtree in reversed(larger):
            root = node_hash(subtree, root)
        return root


def includes(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a proof leads from a leaf to a root."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for hash in proof:
        if not last:
            return False
        if place & 1 or place == last:
            found = node_hash(hash, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, hash)
        place, last = place >> 1, last >> 1
    return not last and found == root


# ---- Signed notes, checkpoints, cosignatures (C2SP) ----

ED25519: Final = 1
COSIGNATURE: Final = 4

_SIGNATURE: Final = re.compile("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")


class Key(NamedTuple):
    """A verifier key: whose it is, for what, and its 32 bytes."""

    name: str
    algorithm: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that a signature of the key begins with."""
        typed = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return hashlib.sha256(typed).digest()[:4]

    @classmethod
    def parse(cls, text: str, where: str) -> Key:
        """Read a key as `NAME+ID+KEY`."""
        name, _, rest = text.partition("+")
        id, _, encoded = rest.partition("+")
        typed = _base64(encoded, where)
        if not name.isprintable():
            raise Wrong(where, f"{text[:100]!r} is no verifier key")
        key = cls(name, typed[0] if typed else 0, typed[1:])
        known = key.algorithm in {ED25519, COSIGNATURE} and len(key.public) == 32
        if not name or not known or id != key.id.hex() or key.text != text:
            raise Wrong(where, f"{text[:100]!r} is no verifier key")
        return key

    @property
    def text(self) -> str:
        """The key as it is written."""
        encoded = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"


class Keys(NamedTuple):
    """Keys as the pack names them, and as they were given by who checks it."""

    packed: list[Key]
    given: list[Key]

    @property
    def all(self) -> list[Key]:
        """Both."""
        return [*self.packed, *self.given]


class Checkpoint(NamedTuple):
    """A signed statement that the log has so many entries and this root."""

    origin: str
    size: int
    root: bytes
    text: str
    lines: list[tuple[str, bytes, bytes]]

    @classmethod
    def parse(cls, note: str, where: str) -> Checkpoint:
        """Read a signed note that is a checkpoint; its signatures are not checked yet."""
        text, gap, below = note.rpartition("\n\n")
        text += "\n"
        said = text.split("\n")
        if not gap or not below.endswith("\n") or len(said) < 4 or not all(said[:-1]):
            raise Wrong(where, "it is no checkpoint")
        if not re.fullmatch("[1-9][0-9]{0,18}", said[1]):
            raise Wrong(where, "its second line is no number of entries")
        root = _base64(said[2], where)
        if len(root) != 32:
            raise Wrong(where, "its third line is no root hash")
        lines = []
        for line in below.split("\n")[:-1]:
            found = _SIGNATURE.fullmatch(line)
            if found is None:
                raise Wrong(where, "a line below its text is no signature")
            raw = _base64(found[2], where)
            lines.append((found[1], raw[:4], raw[4:]))
        return cls(said[0], int(said[1]), root, text, lines)


def _base64(text: str, where: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong(where, "there is no base64 where it should be") from None
    if base64.b64encode(raw).decode() != text:
        raise Wrong(where, "base64 is not written in its one form")
    return raw


# ---- Provenance (PROV-JSON): who recorded what, from which source ----


def provenance(origin: str, events: Sequence[tuple[dict[str, Any], Any]]) -> bytes:
    """Write what some events, each an entry's fields and its data or None, say of their provenance.

    An event is an entity, generated by the append that recorded it, which was associated with the
    principal; it was derived from its sources, and from where an import took it.
    """
    names = "event batch principal source"
    found: dict[str, dict[str, Any]] = {
        "prefix": {name: f"https://{origin}/{name}/" for name in names.split()}
    }
    found["prefix"] |= {"event": "urn:uuid:", "timeline": f"https://{origin}/vocabulary/"}
    for fields, data in events:
        _describe(found, fields, data)
    return canonical(found) + b"\n"


def _describe(found: dict[str, dict[str, Any]], fields: dict[str, Any], data: Any) -> None:
    def say(kind: str, name: str, **said: Any) -> None:
        found.setdefault(kind, {})[name] = {
            key.replace("_", ":", 1): each for key, each in said.items()
        }

    position, event = fields["position"], f"event:{fields['id']}"
    batch, who = f"batch:{fields['batch']}", f"principal:{fields['recorded_by']}"
    kept = {f"timeline_{name}": fields[name] for name in ("policy", "position", "type", "version")}
    say("entity", event, **kept, **({"timeline_erased": True} if data is None else {}))
    when = fields["recorded_at"]
    say("activity", batch, prov_startTime=when, prov_endTime=when)
    say("agent", who)
    say("wasGeneratedBy", f"_:g{position}", prov_entity=event, prov_activity=batch, prov_time=when)
    say("wasAssociatedWith", f"_:a{fields['batch']}", prov_activity=batch, prov_agent=who)
    for number, source in enumerate(_sources(data)):
        name = f"source:{fields['id']}.{number}"
        say("entity", name, **{f"timeline_{key}": str(each) for key, each in source.items()})
        derived = {"prov_generatedEntity": event, "prov_usedEntity": name, "prov_activity": batch}
        say("wasDerivedFrom", f"_:d{position}.{number}", **derived)


def _sources(data: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(data, dict):
        return
    changes = data.get("changes")
    for part in (data, changes if isinstance(changes, dict) else {}):
        sources = part.get("sources")
        several = sources if isinstance(sources, list) else []
        for source in (*several, part.get("source"), part.get("origin")):
            if isinstance(source, dict):
                yield source


# ---- The pack: a bag, as a directory or in a zip file ----


class Pack:
    """The files of a pack, by their names within the bag."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._file: IO[bytes] | None = None
        if not os.path.isdir(path):
            self._file, self._zip = _unzipped(path)
        self._top = ""
        self.names: set[str] = set()
        self.met: set[str] = set()
        """The files whose content was looked at."""
        try:
            self._list()
        except Wrong:
            self.close()
            raise

    def __enter__(self) -> Pack:  # noqa: PYI034 - Self came with Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the zip file."""
        if self._file is not None:
            self._file.close()

    def _list(self) -> None:
        if self._zip is None:
            for directory, _, files in os.walk(self.path):
                below = os.path.relpath(directory, self.path).replace(os.sep, "/")
                self.names |= {file if below == "." else f"{below}/{file}" for file in files}
            return
        if any(each.compress_type not in _COMPRESSED for each in self._zip.infolist()):
            raise Wrong(self.path, "a file in it is compressed in another way than packs are")
        listed = [name for name in self._zip.namelist() if not name.endswith("/")]
        self._top = listed[0].partition("/")[0] + "/" if listed else ""
        if len(set(listed)) < len(listed) or any(not each.startswith(self._top) for each in listed):
            raise Wrong(self.path, "a name stands twice in it, or beside the bag's directory")
        self.names = {name[len(self._top) :] for name in listed}

    def open(self, name: str) -> IO[bytes]:
        """Open a file; raises Wrong where there is none."""
        if name not in self.names:
            raise Wrong(name, "it is missing")
        self.met.add(name)
        if self._zip is None:
            path = os.path.join(self.path, *name.split("/"))
            if not os.path.isfile(path):
                raise Wrong(name, "it is no file")  # A pipe would be waited for.
            return open(path, "rb")
        return self._zip.open(self._top + name)

    def parts(self, name: str) -> Iterator[bytes]:
        """Yield a file's bytes, a part at a time."""
        try:
            with self.open(name) as file:
                while part := file.read(1 << 20):
                    yield part
        except _UNREADABLE as error:
            raise Wrong(name, f"it cannot be read ({error})") from None

    def read(self, name: str, limit: int = MAX_SMALL_FILE_BYTES) -> bytes:
        """Return a file's bytes; raises Wrong beyond a limit."""
        found = b""
        for part in self.parts(name):
            found += part
            if len(found) > limit:
                raise Wrong(name, f"it has more than {limit} bytes")
        return found

    def lines(self, name: str, limit: int = MAX_LINE_BYTES) -> Iterator[bytes]:
        """Yield a file's lines, without their ends."""
        try:
            with self.open(name) as file:
                while line := file.readline(limit):
                    if not line.endswith(b"\n"):
                        raise Wrong(name, "a line of it is too long, or has no end")
                    yield line[:-1]
        except _UNREADABLE as error:
            raise Wrong(name, f"it cannot be read ({error})") from None


_COMPRESSED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The other ways may be missing in a Python, and fail with errors of their own."""

_UNREADABLE: Final = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def _unzipped(path: str) -> tuple[IO[bytes], zipfile.ZipFile]:
    try:
        file = open(path, "rb")  # noqa: SIM115 - the pack closes it
    except OSError as error:
        raise Wrong(path, f"it cannot be opened ({error})") from None
    try:
        return file, zipfile.ZipFile(file)
    except _UNREADABLE as error:
        file.close()
        raise Wrong(path, f"it is neither a directory nor a zip file ({error})") from None


class Report:
    """What was found."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.checked: list[str] = []
        self.unchecked: list[str] = []

    def wrong(self, where: str, what: str) -> None:
        """Note a problem."""
        self.problems.append(f"{where}: {what}")

    def attempt(self, check: Any, *arguments: Any) -> Any:
        """Run a check; what keeps it from going on is a problem. None then."""
        try:
            return check(*arguments)
        except Wrong as wrong:
            self.problems.append(str(wrong))
            return None


def check_bag(pack: Pack, report: Report) -> None:
    """Check that the bag is whole: every file is listed, and has the hash that is listed."""
    if pack.read("bagit.txt") != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
        report.wrong("bagit.txt", "it is not the declaration of BagIt 1.0")
    tags = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"}
    payload = {name for name in pack.names if name.startswith("data/")}
    sizes = _check_manifest(pack, report, "manifest-sha256.txt", payload)
    rest = pack.names - payload - {"tagmanifest-sha256.txt"}
    _check_manifest(pack, report, "tagmanifest-sha256.txt", rest)
    for name in sorted(tags - pack.names):
        report.wrong(name, "it is missing")
    oxum = f"Payload-Oxum: {sum(sizes)}.{len(sizes)}"
    if oxum not in pack.read("bag-info.txt").decode(errors="replace").split("\n"):
        report.wrong("bag-info.txt", f"it does not say {oxum}")
    report.checked.append(f"bag: {len(pack.names)} files, by SHA-256 and size")


def _check_manifest(pack: Pack, report: Report, manifest: str, names: set[str]) -> list[int]:
    listed: dict[str, str] = {}
    sizes: list[int] = []
    for line in pack.lines(manifest):
        hash, _, name = line.decode(errors="replace").partition("  ")
        if name in listed:
            report.wrong(manifest, f"{name} stands twice in it")
        listed[name] = hash
    for name in sorted(names | set(listed)):
        if name not in listed or name not in names:
            report.wrong(manifest, f"{name} is {'not listed' if name in names else 'missing'}")
            continue
        hashed, size = hashlib.sha256(), 0
        try:
            for part in pack.parts(name):
                hashed.update(part)
                size += len(part)
        except Wrong as wrong:
            report.problems.append(str(wrong))
        else:
            if hashed.hexdigest() != listed[name]:
                report.wrong(name, f"its SHA-256 is not the one in {manifest}")
        sizes.append(size)
    return sizes


# ---- Signatures: of the log, and of witnesses ----


class Signatures:
    """Checks who signed checkpoints, and counts.

    Every line has to be by a key that the pack names. Of the log's keys, those that were given, where
    any were, have to be among the signers of the newest checkpoint; so has each witness that was given.
    """

    def __init__(self, report: Report, keys: Keys, witnesses: Keys) -> None:
        self.report = report
        self.keys = keys
        self.witnesses = witnesses
        self.signed: dict[Key, int] = {}
        self.seen: dict[Key, list[int]] = {}
        self.by_others: list[str] = []

    def check(self, checkpoint: Checkpoint, where: str, *, newest: bool = False) -> None:
        """Check the lines below a checkpoint."""
        signers = {
            key for line in checkpoint.lines if (key := self._check_line(checkpoint, line, where))
        }
        trusted = signers & set(self.keys.given or self.keys.packed)
        if not signers & set(self.keys.all):
            self.report.wrong(where, "none of the log's keys has signed it")
        elif newest and not trusted:
            self.report.wrong(where, "it is not signed by a key that was given")
        if not trusted:
            self.by_others.append(where)
        for witness in self.witnesses.given if newest else ():
            if witness not in signers:
                self.report.wrong(where, f"{witness.name} has not cosigned it")

    def _check_line(
        self, checkpoint: Checkpoint, line: tuple[str, bytes, bytes], where: str
    ) -> Key | None:
        """Return whose line it is, where it is that."""
        name, id, signature = line
        known = (*self.keys.all, *self.witnesses.all)
        key = next((each for each in known if (each.name, each.id) == (name, id)), None)
        if key is None:
            self.report.wrong(where, f"a line is by a key of {name[:100]} that is not known")
            return None
        message, seen_s = checkpoint.text.encode(), 0
        if key.algorithm == COSIGNATURE:
            seen_s, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = f"cosignature/v1\ntime {seen_s}\n".encode() + message
        if seen_s >> 63 or not ed25519_verifies(key.public, signature, message):
            self.report.wrong(where, f"the signature is not that of {name}")
            return None
        if key.algorithm == COSIGNATURE:
            self.seen.setdefault(key, []).append(seen_s)
        else:
            self.signed[key] = self.signed.get(key, 0) + 1
        return key

    def tell(self) -> None:
        """Say who signed, and whose keys they are only by the pack's own word."""
        for key, times in self.signed.items():
            if self.keys.given and key not in self.keys.given:
                more = f"signatures: {times} by {key.text}, which was not given"
                self.report.unchecked.append(more)
            else:
                self.report.checked.append(f"signatures: {times} by {key.text}")
        for key, seen in self.seen.items():
            span = f"at {min(seen)} to {max(seen)} (seconds since 1970)"
            self.report.checked.append(f"cosignatures: {len(seen)} by {key.text}, {span}")
        unchecked = self.report.unchecked
        if not self.keys.given:
            unchecked.append(
                "whether the log's keys are its own: they came with the pack; use --key"
            )
        elif self.by_others:
            others = len(self.by_others)
            unchecked.append(f"{others} checkpoints are signed by keys that were not given")
        if self.seen.keys() - set(self.witnesses.given):
            unchecked.append("whether the witnesses' keys are theirs: use --witness")


# ---- The log ----

_ENTRY: Final = {
    "batch": int,
    "commitment": str,
    "id": str,
    "policy": str,
    "position": int,
    "recorded_at": str,
    "recorded_by": str,
    "schema": int,
    "type": str,
    "version": int,
}
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASH: Final = re.compile("[0-9a-f]{64}")


class Proof(NamedTuple):
    """An inclusion proof, and the checkpoint that it leads to."""

    name: str
    place: int
    hashes: list[bytes]
    checkpoint: Checkpoint


class Walk:
    """Walks the log once, from its first entry on, and checks all that lies beside it."""

    def __init__(
        self, pack: Pack, report: Report, newest: Checkpoint, signatures: Signatures
    ) -> None:
        self.pack = pack
        self.report = report
        self.newest = newest
        self.signatures = signatures
        self.tree = Tree()
        self.versions: dict[str, int] = {}
        self.last: dict[str, Any] = {}
        self.opened = 0
        self.erased = self._erased()
        self.gone = next(self.erased, None)
        self.erasures: dict[int, list[tuple[str, str]]] = {}
        """By the position of an erasure: the ids of what it erased, and its own."""
        self.missing = 0
        self.checkpoints = self._checkpoints()
        self.awaited = next(self.checkpoints, None)
        self.roots = 0
        self.proofs: dict[int, list[Proof]] = {}
        self.proven = 0
        self.claimed: dict[int, list[tuple[str, bytes]]] = {}
        """By size: who else says which root the tree has then."""

    def run(self) -> None:
        """Walk."""
        self._read_proofs()
        for number in range(-(-self.newest.size // WIDTH)):
            self._bundle(number, min(WIDTH, self.newest.size - WIDTH * number))
        if self.awaited is not None:
            self.report.wrong("data/checkpoints.ndjson", f"one is of size {self.awaited.size}")
        if self.gone is not None:
            self.report.wrong("data/erased.ndjson", "it has more lines than payloads are missing")
        if self.tree.root() != self.newest.root:
            self.report.wrong("data/log/checkpoint", "the entries' tree has another root")
        self._tell()

    def claim(self, name: str, checkpoint: Checkpoint) -> None:
        """Take in a checkpoint that the log has to have grown over."""
        self.signatures.check(checkpoint, name)
        if checkpoint.size > self.newest.size:
            self.report.wrong(name, f"the log is shorter, it ends at {self.newest.size}")
        self.claimed.setdefault(checkpoint.size, []).append((name, checkpoint.root))

    def _tell(self) -> None:
        said = self.report.checked
        said.append(f"entries: {self.tree.size}, canonical, positions dense, instants rising")
        said.append(f"versions: dense in each of {len(self.versions)} policies")
        said.append(f"payloads: {self.opened} open the commitments of their entries")
        said.append(f"tree: its root at {self.roots} checkpoints")
        said.append("provenance: follows from entries and payloads")
        if self.proven:
            said.append(f"proofs: {self.proven} lead from entry to checkpoint")
        if self.missing:
            said.append(f"erased: {self.missing} payloads, each named by a PayloadErased")
        later = sum(map(len, self.erasures.values()))
        if later:
            more = "were erased by events after the end of this pack"
            self.report.unchecked.append(f"{later} payloads {more}")

    # --- what comes beside the entries

    def _checkpoints(self) -> Iterator[Checkpoint]:
        where, before = "data/checkpoints.ndjson", 0
        note: Any = ""
        for number, line in enumerate(self.pack.lines(where), 1):
            place = f"{where}:{number}"
            said = strict(line, place)
            note = said.get("note") if isinstance(said, dict) else None
            if not isinstance(note, str) or canonical({"note": note}) != line:
                raise Wrong(place, "it is no line of a checkpoint")
            found = Checkpoint.parse(note, place)
            names = {key.name for key in self.signatures.keys.all}
            if found.size <= before or {found.origin} != names:
                raise Wrong(place, "it is of another log, or not in order")
            self.signatures.check(found, place, newest=found.size == self.newest.size)
            before = found.size
            yield found
        if note.encode() != self.pack.read("data/log/checkpoint"):
            raise Wrong(where, "the last of it is not data/log/checkpoint")

    def _erased(self) -> Iterator[tuple[int, int, str]]:
        where = "data/erased.ndjson"
        for number, line in enumerate(self.pack.lines(where), 1):
            said = strict(line, f"{where}:{number}")
            kinds = {"erased_by": str, "erasure": int, "position": int}
            if not _is_like(said, kinds):
                raise Wrong(f"{where}:{number}", "it does not say what was erased, and by what")
            yield said["position"], said["erasure"], said["erased_by"]

    def _read_proofs(self) -> None:
        for name in sorted(self.pack.names):
            if name.startswith("data/proofs/"):
                proof = self.report.attempt(read_proof, self.pack, name)
                if proof is None:
                    continue
                if not proof.place < proof.checkpoint.size:
                    self.report.wrong(name, "there is no such entry under its checkpoint")
                self.proofs.setdefault(proof.place, []).append(proof)
                self.claim(name, proof.checkpoint)

    # --- entries

    def _bundle(self, number: int, width: int) -> None:
        name = f"data/log/tile/entries/{place_of(number)}" + (
            f".p/{width}" if width < WIDTH else ""
        )
        entries = unbundled(self.pack.read(name, WIDTH * (2 + MAX_ENTRY_BYTES)), name)
        if len(entries) != width:
            raise Wrong(name, f"it has {len(entries)} entries in place of {width}")
        payloads = self._payloads(f"data/payloads/{place_of(number)}.ndjson")
        events = []
        for entry in entries:
            position = self.tree.size + 1
            fields = self.report.attempt(self._entry, position, entry, name)
            payload = payloads.pop(position, None)
            self._grow(entry)
            if fields is not None:
                data = self._data(position, fields, payload)
                self._erasure(position, fields, data)
                events.append((fields, data))
        for position in sorted(payloads):
            self.report.wrong(
                f"data/payloads/{place_of(number)}.ndjson", f"nothing is at {position}"
            )
        self._provenance(f"data/provenance/{place_of(number)}.json", events)

    def _entry(self, position: int, entry: bytes, name: str) -> dict[str, Any]:
        where = f"{name}, position {position}"
        fields = strict(entry, where)
        if not _is_like(fields, _ENTRY) or not _UUID.fullmatch(fields["id"]):
            raise Wrong(where, "it has other fields than an entry")
        if not _INSTANT.fullmatch(fields["recorded_at"]) or not _HASH.fullmatch(
            fields["commitment"]
        ):
            raise Wrong(where, "its instant or its commitment has another form")
        if fields["position"] != position:
            self.report.wrong(where, f"it says to be at {fields['position']}")
        version = self.versions.get(fields["policy"], 0) + 1
        if fields["version"] != version:
            self.report.wrong(where, f"its version is {fields['version']} in place of {version}")
        self.versions[fields["policy"]] = fields["version"]
        first = fields["batch"] == position
        same = fields["batch"] == self.last.get("batch")
        at, before = fields["recorded_at"], self.last.get("recorded_at", "")
        if not (first and at > before) and not (same and at == before):
            self.report.wrong(where, "its batch and its instant do not follow those before it")
        self.last = fields
        return dict(fields)

    def _grow(self, entry: bytes) -> None:
        leaf = leaf_hash(entry)
        self.tree.append(leaf)
        for proof in self.proofs.get(self.tree.size - 1, ()):
            root = proof.checkpoint.root
            if includes(proof.place, proof.checkpoint.size, leaf, proof.hashes, root):
                self.proven += 1
            else:
                self.report.wrong(
                    proof.name, f"it does not lead from entry {self.tree.size} to its root"
                )
        for name, root in self.claimed.get(self.tree.size, ()):
            if root != self.tree.root():
                self.report.wrong(name, "its checkpoint is of another tree")
        while self.awaited is not None and self.awaited.size == self.tree.size:
            if self.awaited.root == self.tree.root():
                self.roots += 1
            else:
                said = f"the tree has another root at size {self.tree.size}"
                self.report.wrong("data/checkpoints.ndjson", said)
            self.awaited = next(self.checkpoints, None)

    # --- payloads

    def _payloads(self, name: str) -> dict[int, tuple[bytes, Any]]:
        found: dict[int, tuple[bytes, Any]] = {}
        for number, line in enumerate(self.pack.lines(name, MAX_PAYLOAD_BYTES), 1):
            where = f"{name}:{number}"
            said = self.report.attempt(strict, line, where)
            if said is None:
                continue
            kinds = {"data": dict, "position": int, "salt": str}
            if not _is_like(said, kinds) or not _HASH.fullmatch(said["salt"]) or number > WIDTH:
                raise Wrong(where, "it is no payload with its salt")
            found[said["position"]] = bytes.fromhex(said["salt"]), said["data"]
        return found

    def _data(
        self, position: int, fields: dict[str, Any], payload: tuple[bytes, Any] | None
    ) -> Any:
        """Return an event's data, once it is known to be what the entry commits to."""
        if payload is not None:
            salt, data = payload
            found = hmac.new(salt, canonical(data), hashlib.sha256).hexdigest()
            if found == fields["commitment"]:
                self.opened += 1
            else:
                what = "its payload and salt do not open the commitment of its entry"
                self.report.wrong(f"position {position}", what)
            return data
        if self.gone is None or self.gone[0] != position:
            self.report.wrong(
                f"position {position}", "its payload is missing, and not listed as erased"
            )
            return None
        _, erasure, erased_by = self.gone
        self.gone = next(self.erased, None)
        if erasure <= position:
            self.report.wrong(f"position {position}", "it was erased before it was recorded")
        self.missing += 1
        self.erasures.setdefault(erasure, []).append((fields["id"], erased_by))
        return None

    def _erasure(self, position: int, fields: dict[str, Any], data: Any) -> None:
        for id, erased_by in self.erasures.pop(position, ()):
            if (fields["type"], fields["id"]) != ("PayloadErased", erased_by) or (data or {}).get(
                "event"
            ) != id:
                self.report.wrong(
                    f"position {position}", f"it did not erase {id}, which is missing"
                )

    def _provenance(self, name: str, events: Sequence[tuple[dict[str, Any], Any]]) -> None:
        expected = provenance(self.newest.origin, events)
        if self.pack.read(name, len(expected)) != expected:
            self.report.wrong(name, "it does not follow from the entries and payloads")


def place_of(number: int) -> str:
    """Write a bundle's number as tlog-tiles does: 1234067 is x001/x234/067."""
    *above, last = f"{number:,}".split(",")
    return "/".join([*(f"x{int(each):03}" for each in above), f"{int(last):03}"])


def unbundled(raw: bytes, where: str) -> list[bytes]:
    """Take the entries out of a bundle, each of which has its length in 16 bits before it."""
    entries, at = [], 0
    while at < len(raw):
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        if end > len(raw):
            raise Wrong(where, "it ends within an entry")
        entries.append(raw[at + 2 : end])
        at = end
    return entries


def read_proof(pack: Pack, name: str) -> Proof:
    """Read a file of c2sp.org/tlog-proof@v1."""
    try:
        above, _, note = pack.read(name).decode().partition("\n\n")
    except UnicodeDecodeError:
        raise Wrong(name, "it is no UTF-8") from None
    header, *lines = above.split("\n")
    if lines and lines[0].startswith("extra "):
        del lines[0]
    found = re.fullmatch("index (0|[1-9][0-9]{0,18})", lines[0]) if lines else None
    if header != "c2sp.org/tlog-proof@v1" or found is None:
        raise Wrong(name, "it is no proof")
    hashes = [_base64(line, name) for line in lines[1:]]
    return Proof(name, int(found[1]), hashes, Checkpoint.parse(note, name))


def _is_like(value: Any, kinds: dict[str, type]) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == kinds.keys()
        and all(type(value[name]) is kind for name, kind in kinds.items())
    )


# ---- All of it ----


def read_keys(pack: Pack, name: str, algorithm: int, given: Sequence[str]) -> Keys:
    """Return the keys that the pack names, and those that were given."""
    packed = [Key.parse(line.decode(errors="replace"), name) for line in pack.lines(name)]
    known = [Key.parse(text, "the command line") for text in given]
    if any(key.algorithm != algorithm for key in (*packed, *known)):
        raise Wrong(name, "a key is of another kind")
    return Keys(packed, known)


def read_seen(path: str) -> Checkpoint:
    """Read a checkpoint that was seen before."""
    try:
        with open(path, "rb") as file:
            return Checkpoint.parse(file.read(MAX_NOTE_BYTES).decode(), path)
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(path, f"it cannot be read ({error})") from None


def verify(
    pack: Pack, keys: Sequence[str], witnesses: Sequence[str], seen: Sequence[str] = ()
) -> Report:
    """Check a pack."""
    report = Report()
    report.attempt(check_bag, pack, report)
    pack.met.clear()
    report.attempt(_check_log, pack, report, (keys, witnesses, seen))
    for name in sorted(pack.names - pack.met):
        if name.startswith("data/") and not report.problems:
            report.wrong(name, "it is no part of a pack")
    report.unchecked.append("that everything was recorded, and that what was recorded is true")
    report.unchecked.append("that instants are honest beyond what witnesses saw")
    return report


def _check_log(pack: Pack, report: Report, given: tuple[Sequence[str], ...]) -> None:
    keys, witnesses, seen = given
    known = read_keys(pack, "data/log/vkey", ED25519, keys)
    seeing = read_keys(pack, "data/log/witnesses", COSIGNATURE, witnesses)
    signatures = Signatures(report, known, seeing)
    where = "data/log/checkpoint"
    note = pack.read(where, MAX_NOTE_BYTES).decode(errors="replace")
    walk = Walk(pack, report, Checkpoint.parse(note, where), signatures)
    for path in seen:
        walk.claim(path, read_seen(path))
    walk.run()
    vouched = [path for path in seen if path not in signatures.by_others]
    if vouched:
        report.checked.append(f"growth: over {len(vouched)} checkpoints that were seen before")
    if len(vouched) < len(seen):
        others = len(seen) - len(vouched)
        report.unchecked.append(f"growth: {others} that were seen are by keys that were not given")
    if not seen:
        report.unchecked.append("whether it is the log that was seen before: use --since")
    signatures.tell()


def shown(line: str) -> str:
    """Return a line as any terminal takes it: what a pack made up may be meant for the terminal."""
    some = line if len(line) <= MAX_SHOWN_CHARACTERS else f"{line[:MAX_SHOWN_CHARACTERS]}..."
    safe = (each if each.isprintable() else ascii(each)[1:-1] for each in some)
    known = sys.stdout.encoding or "ascii"
    return "".join(safe).encode(known, "backslashreplace").decode(known)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the pack that the command line names."""
    parser = argparse.ArgumentParser(description="Check an audit pack of a Timeline log, offline.")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("pack", nargs="?", default=here, help="the zip file, or its directory")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        help="the log's verifier key, as it is known from elsewhere",
    )
    parser.add_argument(
        "--witness",
        action="append",
        default=[],
        help="a witness's verifier key; the newest checkpoint has to have its cosignature",
    )
    since = "a checkpoint that was seen before, such as that of an earlier pack: the log has to have grown from it"
    parser.add_argument("--since", action="append", default=[], metavar="FILE", help=since)
    given = parser.parse_args(arguments)
    try:
        with Pack(given.pack) as pack:
            keys = [key for some in given.key for key in some.split()]
            report = verify(pack, keys, given.witness, given.since)
    except Wrong as wrong:
        report = Report()
        report.problems.append(str(wrong))
    for line in report.checked if not report.problems else ():
        print(f"checked      {shown(line)}")
    for line in report.unchecked:
        print(f"not checked  {shown(line)}")
    for line in report.problems[:MAX_PROBLEMS]:
        print(f"WRONG        {shown(line)}")
    if len(report.problems) > MAX_PROBLEMS:
        print(f"WRONG        and {len(report.problems) - MAX_PROBLEMS} more")
    print("wrong" if report.problems else "all that was checked holds")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
