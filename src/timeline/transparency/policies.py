"""Which witnesses count, and how many of them it takes.

Owns the form of a policy and whether cosignatures satisfy it. Must not know how witnesses are asked.

Source of the format: C2SP tlog-policy.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, Self
from urllib.parse import urlsplit

import msgspec

from timeline.transparency.checkpoints import cosigners
from timeline.transparency.errors import WrongKey, WrongNote, WrongPolicy
from timeline.transparency.keys import COSIGNATURE_V1, ED25519, VerifierKey
from timeline.transparency.notes import Note

MAX_WITNESSES: Final = 32
"""Each is asked for each checkpoint, and its line stands in each."""

MAX_GROUPS: Final = 32
MAX_LOGS: Final = 32

_BLANKS: Final = " \t"
"""What parts words: these two alone, whatever else Unicode calls a blank."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

NOBODY: Final = "none"


class Witness(msgspec.Struct, frozen=True):
    """A witness, by the name that the policy gives it: its key, and where it is asked, if anywhere."""

    name: str
    key: VerifierKey
    url: str | None


class Group(msgspec.Struct, frozen=True):
    """Witnesses and groups of which so many are needed."""

    needed: int
    members: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True):
    """The logs that it is about, their witnesses, and what it takes: a witness, a group, or nobody."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a policy; raises WrongPolicy, which names the line, for anything else."""
        reading = _Reading()
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            if _CONTROL.search(line):
                raise WrongPolicy(line=number, reason="it holds control characters")
            words = [word for word in re.split(f"[{_BLANKS}]", line) if word]
            if not words or words[0].startswith("#"):
                continue
            try:
                reading.take(*words)
            except (WrongKey, ValueError, TypeError) as error:
                raise WrongPolicy(line=number, reason=str(error)) from None
        if reading.quorum is None:
            raise WrongPolicy(line=len(lines), reason="it names no quorum")
        return cls(tuple(reading.logs), reading.witnesses, reading.groups, reading.quorum)

    def satisfied(self, cosigners: Collection[VerifierKey]) -> bool:
        """Tell whether these have cosigned enough."""
        return self.quorum == NOBODY or self._counts(self.quorum, cosigners)

    def accepts(self, note: Note) -> bool:
        """Tell whether a checkpoint counts: one of the logs, if any is named, and enough signed it."""
        try:
            if self.logs:
                note.signed_by(self.logs)
            keys = [each.key for each in self.witnesses.values()]
            return self.satisfied({each.witness for each in cosigners(note, keys)})
        except WrongNote:
            return False

    @property
    def fewest(self) -> int:
        """How many witnesses it takes at least."""
        return 0 if self.quorum == NOBODY else self._fewest(self.quorum)

    def _fewest(self, name: str) -> int:
        if name in self.witnesses:
            return 1
        group = self.groups[name]
        return sum(sorted(map(self._fewest, group.members))[: group.needed])

    def _counts(self, name: str, cosigners: Collection[VerifierKey]) -> bool:
        witness = self.witnesses.get(name)
        if witness is not None:
            return witness.key in cosigners
        # A group names those before it alone, so that none is in itself.
        group = self.groups[name]
        return sum(self._counts(each, cosigners) for each in group.members) >= group.needed


class _Reading:
    """A policy as far as it is read."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None

    def take(self, kind: str, *words: str) -> None:
        """Take in a line; raises ValueError or TypeError where it is none."""
        takes: dict[str, Callable[..., None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        if kind not in takes:
            raise ValueError(f"it begins with none of {', '.join(takes)}")
        if self.quorum is not None and kind != "log":
            raise ValueError("the quorum comes last, and once")
        try:
            takes[kind](*words)
        except TypeError:
            raise ValueError(f"a {kind} has other words") from None

    def _log(self, key: str, url: str | None = None) -> None:
        if url is not None:
            _checked_url(url)
        found = _key(key, ED25519)
        if any(found.public == each.public for each in self.logs):
            raise ValueError("another log has this key")
        if len(self.logs) == MAX_LOGS:
            raise ValueError(f"it names more than {MAX_LOGS} logs")
        self.logs.append(found)

    def _witness(self, name: str, key: str, url: str | None = None) -> None:
        self._require_new(name)
        if len(self.witnesses) == MAX_WITNESSES:
            raise ValueError(f"it names more than {MAX_WITNESSES} witnesses")
        found = Witness(name, _key(key, COSIGNATURE_V1), None if url is None else _checked_url(url))
        if any(found.key.public == each.key.public for each in self.witnesses.values()):
            raise ValueError("another witness has this key")
        self.witnesses[name] = found

    def _group(self, name: str, needed: str, *members: str) -> None:
        self._require_new(name)
        if len(self.groups) == MAX_GROUPS:
            raise ValueError(f"it names more than {MAX_GROUPS} groups")
        for each in members:
            self._require_known(each)
            if any(each in group.members for group in self.groups.values()):
                raise ValueError(f"{each[:50]} is in another group, and would count twice")
        if not members or len(set(members)) < len(members):
            raise ValueError("a group has members, each once")
        count = {"all": len(members), "any": 1}.get(needed)
        if count is None:
            count = int(needed) if needed.isascii() and needed.isdigit() else 0
        if not 1 <= count <= len(members):
            raise ValueError(f"of {len(members)} members, {needed[:20]} cannot be needed")
        self.groups[name] = Group(count, members)

    def _quorum(self, name: str) -> None:
        if name != NOBODY:
            self._require_known(name)
        self.quorum = name

    def _require_new(self, name: str) -> None:
        if name == NOBODY or name in self.witnesses or name in self.groups:
            raise ValueError(f"the name {name[:50]} is taken")

    def _require_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise ValueError(f"nothing before it is named {name[:50]}")


def _key(text: str, algorithm: int) -> VerifierKey:
    key = VerifierKey.parse(text)
    if key.algorithm != algorithm:
        kind = "cosigns checkpoints" if algorithm == COSIGNATURE_V1 else "signs notes"
        raise ValueError(f"this key is not one that {kind}")
    return key


def _checked_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address begins with http:// or https:// and has no query")
    return text.rstrip("/")
