"""What a source says of policies, before it is compared with what the record holds.

Owns the shapes that every importer of other people's data yields, and how ids follow from a source's
own. Pure. Must not know any format, nor what is recorded already: that is `reconcile`'s business.

A sketch is the whole picture that the source has of one policy now. From it and from what was
recorded of it before follow the events that lead from one to the other.
"""

from collections.abc import Iterator
from enum import StrEnum
from hashlib import sha1
from typing import Any, Final, NamedTuple, Protocol, TypeAlias
from uuid import NAMESPACE_URL

import msgspec

from timeline.domain.vocabulary import EventType

Json: TypeAlias = dict[str, Any]


class Place(NamedTuple):
    """Where in the input something stands: the file, the line in it, and what lies in that line."""

    file: str
    line: int
    part: str = ""

    def __str__(self) -> str:
        """Return it as compilers tell places."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return where + (f" ({self.part})" if self.part else "")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the source says happened to a policy, or how it bears on another.

    Attributes:
        about: the source's own id of it, with its kind: "action/66945". Also `data.origin.id`.
        type: ActionRecorded, RelationAsserted or SourceAttached.
        data: the payload, as that type has it.
        place: where it stands.

    """

    about: str
    type: EventType
    data: Json
    place: Place


class Sketch(msgspec.Struct, frozen=True, kw_only=True):
    """All that the source says of one policy.

    Attributes:
        policy: its id in the record.
        about: the source's own id of it, with its kind: "matter/17078". Also `described.origin.id`.
        described: the payload of its registration.
        statements: what happened to it, in the order of the source.
        place: where it stands.
        whole: whether what the source said before, and does not say here, is taken back.
        untold: kinds of statements of which the source says nothing here, so that none is taken back.

    """

    policy: str
    about: str
    described: Json
    statements: tuple[Statement, ...]
    place: Place
    whole: bool = True
    untold: frozenset[EventType] = frozenset()


class NoteKind(StrEnum):
    """What a note is about."""

    UNKNOWN_LABEL = "unknown_label"
    """An action's label is in no table; it is recorded as `other`, with its words."""
    LEFT_OUT = "left_out"
    """Something that the record has no place for."""
    DOUBTFUL = "doubtful"
    """Something that was read one way and may mean another."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that whoever imports should know of; what is `about` alike is counted together."""

    kind: NoteKind
    about: str
    place: Place


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the input that cannot be read as a policy, or one that the record refuses."""

    place: Place
    field: str
    reason: str


Found: TypeAlias = Sketch | Note | Refused


class Importer(Protocol):
    """Reads a source."""

    system: str
    """The source's name: `origin.system` of what it says, and a part of every id."""

    def read(self) -> Iterator[Found]:
        """Yield what the source says, a policy at a time and each policy once.

        Memory does not grow with the input. What cannot be read is yielded as Refused, and reading
        goes on with what comes after it, as far as that can be told apart.
        """
        ...


def event_id(system: str, about: str, step: int = 0) -> str:
    """Return the id of an event that a source's statement leads to.

    Args:
        system: the source's name.
        about: the source's own id, with its kind.
        step: 0 for the statement itself; 1, 2, 3 for what was recorded later because the source
            changed what it says of it.

    """
    suffix = f"#{step}" if step else ""
    # What `uuid5` does, three times as fast: an import asks for two of a statement.
    digest = sha1(_NAMESPACE + f"{system}/{about}{suffix}".encode(), usedforsecurity=False)
    digits = digest.hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


_NAMESPACE: Final = NAMESPACE_URL.bytes
