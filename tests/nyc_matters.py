"""Versions of New York City Council matters, and what each of them held.

Owns the reading of `nyc_immigration_matter_versions.jsonl.gz` as it stands, and no word of what its
labels mean: that is the importer's. Pure but for reading that file.

A version is what a mirror of the Council's Legistar held of a matter from `known_at` on.
"""

import gzip
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import field

LOCAL_LAW: Final = "nyc-local-law"
NEW_YORK: Final = ZoneInfo("America/New_York")


class Sponsor(msgspec.Struct, frozen=True):
    """A sponsor; the source has places without a name, too."""

    name: str = field(name="FullName")


class HistoryRow(msgspec.Struct, frozen=True):
    """A row of a matter's history."""

    id: int = field(name="ID")
    date: str = field(name="Date")
    label: str = field(name="Action")

    @property
    def occurred(self) -> str:
        """When it happened: the source writes New York's local time with a `Z`."""
        moment = datetime.fromisoformat(self.date).replace(tzinfo=NEW_YORK)
        return moment.isoformat() if any(moment.timetuple()[3:6]) else self.date[:10]


class Matter(msgspec.Struct, frozen=True):
    """A matter as the source describes it, with what happened to it."""

    file: str = field(name="File")
    title: str = field(name="Title")
    local_law: str | None = field(name="LocalLaw", default=None)
    sponsors: tuple[Sponsor, ...] = field(name="Sponsors", default=())
    history: tuple[HistoryRow, ...] = field(name="History", default=())


class Version(msgspec.Struct, frozen=True):
    """A matter as the mirror held it from `known_at` on; `line` is what says so."""

    known_at: datetime
    matter: Matter
    line: bytes = b""

    @property
    def policy(self) -> str:
        """The matter's id in the record, such as `nyc-int-1412-2025`."""
        return f"nyc-{self.matter.file.lower().replace(' ', '-')}"


def versions(file: Path) -> list[Version]:
    """Read all versions, in the order in which the mirror learned them."""
    with gzip.open(file) as lines:
        read = [
            msgspec.structs.replace(msgspec.json.decode(line, type=Version), line=line)
            for line in lines
        ]
    return sorted(read, key=lambda version: version.known_at)
