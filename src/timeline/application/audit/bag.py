"""Bags: files in one zip file, with the hash of each (RFC 8493).

Owns the layout of a bag and its manifests. Must not know what the files are about. Written as a
stream: what is held is one file and, of the others, their names and hashes. The same files make
the same bytes.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Final

from timeline.application.audit.verify import canonical

DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

PAYLOAD: Final = "data/"
"""What is below it is what the bag is about; what is not describes it."""

_WHEN: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time of a zip file: the same log makes the same file."""

_MODE: Final = 0o644 << 16
_UNIX: Final = 3


class Bag:
    """Writes a bag."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """Begin a bag.

        Args:
            stream: where the zip file goes.
            name: of the bag, the one directory in it.

        """
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED)
        self._name = name
        self._hashes: dict[str, str] = {}
        self._payload_bytes = 0

    def add(self, name: str, content: bytes) -> None:
        """Add a file."""
        with self.adding(name) as write:
            write(content)

    @contextmanager
    def adding(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Add a file part by part: yields what takes the parts."""
        info = zipfile.ZipInfo(f"{self._name}/{name}", _WHEN)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system = _UNIX
        info.external_attr = _MODE
        hashed = hashlib.sha256()
        size_bytes = 0
        with self._zip.open(info, "w", force_zip64=True) as file:

            def write(part: bytes) -> None:
                nonlocal size_bytes
                file.write(part)
                hashed.update(part)
                size_bytes += len(part)

            yield write
        self._hashes[name] = hashed.hexdigest()
        if name.startswith(PAYLOAD):
            self._payload_bytes += size_bytes

    def close(self, about: Mapping[str, str]) -> None:
        """Write what describes the bag, and end the zip file.

        Args:
            about: goes to bag-info.txt, by label.

        """
        payload = [name for name in self._hashes if name.startswith(PAYLOAD)]
        oxum = {"Payload-Oxum": f"{self._payload_bytes}.{len(payload)}"}
        self.add("bagit.txt", DECLARATION)
        info = "".join(f"{label}: {text}\n" for label, text in {**about, **oxum}.items())
        self.add("bag-info.txt", info.encode())
        self.add("manifest-sha256.txt", self._manifest(payload))
        tags = [name for name in self._hashes if not name.startswith(PAYLOAD)]
        self.add("tagmanifest-sha256.txt", self._manifest(tags))
        self._zip.close()

    def _manifest(self, names: list[str]) -> bytes:
        return "".join(f"{self._hashes[name]}  {name}\n" for name in sorted(names)).encode()


def line(said: Mapping[str, object]) -> bytes:
    """Write a line of NDJSON, in its one form."""
    return canonical(said) + b"\n"
