"""A log that is signed as it grows, and its tiles as a mirror would serve them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Engine

from builders import acted, corrected, erased, registered
from clocks import TestClock
from eventstore.recording import Recorder
from timeline.application.key_files import KeyFile
from timeline.application.log_client import NotThere
from timeline.application.signing import Signer
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.published import Published
from timeline.eventstore.sql import SqlStore
from timeline.transparency.keys import SigningKey
from timeline.transparency.tiles import Tile, bundle

ORIGIN: Final = "log.example/record"
KEY: Final = SigningKey(ORIGIN, bytes(range(32)))

FILLED: Final = 300
"""How many events `ProvenLog.fill` records."""

FILLED_S: Final = 7
"""How long that takes by its clock: an append a second."""


class FilledLog(NamedTuple):
    """A database that holds a filled log, to copy from, and the files of its key.

    The database is told by its file or, on PostgreSQL, its name.
    """

    template: str
    keys: Sequence[Path]


class ProvenLog:
    """A log in a database, with a key beside it.

    A filled one is a copy of what `fill` made, and goes on where that ended.
    """

    def __init__(self, engine: Engine, directory: Path, *, filled: bool = False) -> None:
        self.engine = engine
        self.clock = TestClock()
        self.key_file = KeyFile(directory / "log.key")
        if filled:
            self.clock.advance(FILLED_S)
        else:
            self.key_file.begin([KEY])
        salts_after = FILLED if filled else 0
        self._recorder = Recorder(SqlStore(engine), self.clock, salts_after=salts_after)

    def record(self, *drafts: Draft) -> list[str]:
        """Record events in one append, and return their ids."""
        self.clock.advance(1)
        self._recorder.append(Append(drafts=drafts, recorded_by="desk"))
        return [draft.id for draft in drafts]

    def forget(self) -> None:
        """Have the signer take the log as it stands for what it signed last, as who has its key can."""
        latest = Published(self.engine).latest()
        if latest is not None:
            self.key_file.keep_signed(latest.note)
            return
        self.key_file.checkpoint_path.unlink()
        self.key_file.path.unlink()
        self.key_file.begin([KEY])

    def sign(self) -> int:
        """Sign the head as a signer does that has just started; return its size."""
        published = Published(self.engine)
        return Signer(SqlStore(self.engine), published, self.key_file, ORIGIN, self.clock).sign()

    def checkpoint(self) -> bytes:
        """Return the newest checkpoint that was published."""
        latest = Published(self.engine).latest()
        assert latest is not None
        return latest.note

    def fill(self) -> None:
        """Record 300 events of two policies, one of them erased, with checkpoints of 7, 290 and 300.

        Positions 1 to 4 are alone; 5 to 7, 8 to 290 and 291 to 300 are an append each.
        """
        self.record(registered("an-order"))
        (action,) = self.record(acted("an-order"))
        (other,) = self.record(acted("an-order"))
        self.record(corrected(action, {"occurred": "2024"}, "an-order"))
        self.record(registered("a-rule"), acted("a-rule"), acted("an-order"))
        self.sign()
        self.record(*(acted("a-rule") for _ in range(282)), erased(other))
        self.sign()
        self.record(*(acted("an-order") for _ in range(10)))
        self.sign()


class Mirror:
    """Serves a log's files out of its database; what a test puts into `files` comes first."""

    def __init__(self, engine: Engine, files: dict[str, bytes] | None = None) -> None:
        self.asked: list[str] = []
        self.files = files or {}
        self._published = Published(engine)

    def get(self, path: str, limit_bytes: int) -> bytes:
        """Return a file, as `LogClient` does."""
        self.asked.append(path)
        found = self.files.get(path) or self._file(path)
        assert len(found) <= limit_bytes
        return found

    def _file(self, path: str) -> bytes:
        if path == "checkpoint":
            latest = self._published.latest()
            if latest is None:
                raise NotThere(path)
            return bytes(latest.cosigned)
        tile = Tile.parse(path.removeprefix("tile/"))
        found: Sequence[bytes]
        if tile.level is None:
            first = tile.number * 256
            found = self._published.entries(first, tile.width)
        else:
            found = self._published.tiles([tile])[tile]
        if len(found) != tile.width:
            raise NotThere(path)
        return bundle(found) if tile.level is None else b"".join(found)
