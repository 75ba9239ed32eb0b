"""The checkpoints that were seen of logs, so that the next check can be held against them.

Owns where they lie: one file for each log and key, in the user's own directory for state, or where
the user says. Must not know what a checkpoint says.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from timeline.application.remote_verifying import MAX_CHECKPOINT_BYTES
from timeline.cli.errors import CommandError
from timeline.cli.files import replacing
from timeline.transparency.checkpoints import opened
from timeline.transparency.keys import VerifierKey

_OTHER: Final = re.compile(r"[^A-Za-z0-9.-]")
_NAME_CHARACTERS: Final = 80


class Seen:
    """What was seen of one log."""

    def __init__(
        self,
        keys: Sequence[VerifierKey],
        environ: Mapping[str, str],
        file: Path | None = None,
    ) -> None:
        """Name the log.

        Args:
            keys: the log's; what was seen is kept under each, so that keys can be rotated.
            environ: names the directory, in XDG_STATE_HOME or HOME.
            file: where it lies, in place of that.

        """
        self._keys = keys
        self._paths = [file] if file is not None else [_path(key, environ) for key in keys]

    def read(self) -> Iterator[bytes]:
        """Yield the checkpoints that were seen last."""
        for path in self._paths:
            try:
                with path.open("rb") as file:
                    yield file.read(MAX_CHECKPOINT_BYTES)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}") from error

    def keep(self, note: bytes) -> None:
        """Keep a checkpoint that was found right, unless a larger one was seen meanwhile."""
        size = opened(note, self._keys)[0].size
        if any(opened(kept, self._keys)[0].size > size for kept in self.read()):
            return
        for path in self._paths:
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise CommandError(f"{path.parent} cannot be made: {error.strerror}") from error
            with replacing(path) as file:
                file.write(note)


def _path(key: VerifierKey, environ: Mapping[str, str]) -> Path:
    given = environ.get("XDG_STATE_HOME", "")
    # As the XDG Base Directory Specification has it: a path that is not absolute is ignored.
    state = Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "state"
    name = _OTHER.sub("_", key.name)[:_NAME_CHARACTERS]
    return state / "timeline" / f"{name}+{sha256(str(key).encode()).hexdigest()[:16]}.checkpoint"
