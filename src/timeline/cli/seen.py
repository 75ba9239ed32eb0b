"""The checkpoints that were seen of logs, so that the next check can be held against them.

Owns where they lie: one file for each log, by its name, in the user's own directory for state, or
where the user says. Must not know what a checkpoint says.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import rich_click as click

from timeline.application.remote_verifying import MAX_CHECKPOINT_BYTES
from timeline.cli.errors import CommandError
from timeline.cli.files import replacing
from timeline.cli.showing import shown
from timeline.settings import Settings
from timeline.transparency.checkpoints import opened
from timeline.transparency.errors import TransparencyError
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
            keys: the log's. What was seen is kept by the log's name: another key is no other log.
            environ: names the directory, in XDG_STATE_HOME or HOME.
            file: where it lies, in place of that.

        """
        self._keys = keys
        names = dict.fromkeys(key.name for key in keys)
        self._paths = [file] if file is not None else [_path(name, environ) for name in names]

    def read(self) -> Iterator[bytes]:
        """Yield the checkpoints that were seen last; none of the keys having signed one is an error."""
        for path in self._paths:
            try:
                with path.open("rb") as file:
                    note = file.read(MAX_CHECKPOINT_BYTES)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}") from error
            try:
                opened(note, self._keys)
            except TransparencyError as error:
                raise click.UsageError(self._under_another_key(path, error)) from error
            yield note

    def _under_another_key(self, path: Path, error: TransparencyError) -> str:
        """Say what it may be, as nothing in the checkpoints tells."""
        names = " and ".join(shown(name) for name in dict.fromkeys(key.name for key in self._keys))
        return (
            f"A log by the name of {names} was seen before, in {path}, and not under this key:"
            f" {shown(error)} It may be a fork, which somebody signs with a key of his own. It may be"
            " the same log, with a new key: ask the operator, in another way than from this service,"
            " then give both once: --key OLD --key NEW. Or it is another log of the same name, as all"
            f" logs that were given none are {Settings().log_origin}: have what is seen of it kept apart,"
            " with --state FILE, and have each log named by its operator (TIMELINE_LOG_ORIGIN)."
        )

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


def _path(name: str, environ: Mapping[str, str]) -> Path:
    given = environ.get("XDG_STATE_HOME", "")
    # As the XDG Base Directory Specification has it: a path that is not absolute is ignored.
    state = Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "state"
    shown = _OTHER.sub("_", name)[:_NAME_CHARACTERS]
    return state / "timeline" / f"{shown}+{sha256(name.encode()).hexdigest()[:16]}.checkpoint"
