"""How entries follow one another: positions and versions without gaps, appends one after the other.

Owns the rules that hold between entries, whoever holds them. Must not know what an entry commits to,
nor where it comes from.

Memory: one number for each policy, since the versions of each are counted.
"""

import re
from typing import Final

_INSTANT: Final = re.compile(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
)


def is_instant(text: str) -> bool:
    """Tell whether a text has the form of an instant."""
    return _INSTANT.fullmatch(text) is not None


class Succession:
    """What the entries read so far leave for the next one to be."""

    def __init__(self) -> None:
        self.position = 0
        self.recorded_at = ""
        self._batch = 0
        self._before = "", 0
        self._versions: dict[str, int] = {}

    def follows(self, position: int, policy: str, version: int, recorded_at: str) -> int:
        """Take the next entry in, where it follows those before it by all rules.

        Returns:
            The batch that it has to be of; 0 where it does not follow, and nothing is taken in.

        """
        if position != self.position + 1 or version != self._versions.get(policy, 0) + 1:
            return 0
        if recorded_at != self.recorded_at:
            if recorded_at < self.recorded_at or not _INSTANT.fullmatch(recorded_at):
                return 0
            self._before = self.recorded_at, self._batch
            self._batch = position
            self.recorded_at = recorded_at
        self.position = position
        self._versions[policy] = version
        return self._batch

    def undo(self, position: int, policy: str, version: int) -> None:
        """Take back the entry that was taken in last, which is another one than was thought."""
        self.position = position - 1
        self._versions[policy] = version - 1
        if self._batch == position:
            self.recorded_at, self._batch = self._before

    def faults(
        self, position: int, policy: str, version: int, recorded_at: str, batch: int | None
    ) -> list[str]:
        """Take the next entry in, whatever it is; return in which ways it does not follow.

        Its batch is None where it cannot be read.
        """
        found: list[str] = []
        after = self.position
        if position <= after:
            found.append(f"the entry before it has position {after}")
        elif position == after + 2:
            found.append(f"position {after + 1} is missing before it")
        elif position > after + 1:
            found.append(f"positions {after + 1} to {position - 1} are missing before it")
        last = self._versions.get(policy, 0)
        if version != last + 1:
            found.append(f"it is version {version} of {policy}, after version {last}")
        found += self._appended(position, recorded_at, batch)
        self.position = position
        self._versions[policy] = version
        return found

    def _appended(self, position: int, recorded_at: str, batch: int | None) -> list[str]:
        """Return what is wrong with the append of an entry; one that is wrong begins none."""
        if recorded_at != self.recorded_at:
            if not _INSTANT.fullmatch(recorded_at):
                return [f"its recorded_at {recorded_at[:30]!r} is no instant"]
            if recorded_at < self.recorded_at:
                return [f"it was recorded at {recorded_at}, before the entry before it"]
            # Where entries are missing, it may have begun with one of them.
            begun = batch is not None and self.position < batch < position
            self._batch = batch if batch is not None and begun else position
            self.recorded_at = recorded_at
        if batch is None or batch == self._batch:
            return []
        return [f"its batch is {batch}, and its append began at {self._batch}"]
