"""The write side's picture of the record.

Owns what is known at one head of the log about streams, the events that others can name, actions
as believed and descriptions. Must not know how the picture is stored, or what may follow.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import UNSET

from timeline.domain.events import (
    ActionChanges,
    ActionRecorded,
    Data,
    PolicyDescribed,
    PolicyRegistered,
    Scope,
)
from timeline.domain.vocabulary import EventType


class StreamState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The head of one policy's stream, as the write side keeps it."""

    policy: str
    version: int
    registered_by: str
    jurisdiction: str
    topics: tuple[str, ...] = ()
    retracted_by: str | None = None
    merged_into: str | None = None


class SubjectState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event that others can name.

    `subject` is the event that its own data names; `retracts`, for an EventRetracted, the chain of
    events below it, nearest first, which ends in what is no retraction.
    """

    id: str
    policy: str
    type: EventType
    position: int
    subject: str | None = None
    duplicate: str | None = None
    disputes: bool = False
    retracts: tuple[str, ...] = ()
    retracted_by: str | None = None
    erased_by: str | None = None


class Correction(msgspec.Struct, frozen=True, gc=False):
    """One correction of an action."""

    id: str
    changes: ActionChanges
    retracted: bool = False


class ActionLog(msgspec.Struct, frozen=True, gc=False):
    """An action as recorded, with its corrections in order."""

    original: ActionRecorded
    corrections: tuple[Correction, ...] = ()

    def believed(self) -> ActionRecorded:
        """Return the action after every correction that is not retracted."""
        action = self.original
        for correction in self.corrections:
            if not correction.retracted:
                action = correct(action, correction.changes)
        return action


class Description(msgspec.Struct, frozen=True, gc=False):
    """What one event said of a policy's jurisdiction and topics; None where it said nothing."""

    id: str
    jurisdiction: str | None = None
    topics: tuple[str, ...] | None = None
    retracted: bool = False


class Proposal(msgspec.Struct, frozen=True, gc=False):
    """An event that someone wants to record, read and within its bounds."""

    id: str
    policy: str
    type: EventType
    data: Data


class Needs(msgspec.Struct, frozen=True, gc=False):
    """What the write side must look up before it can judge."""

    policies: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    descriptions: frozenset[str] = frozenset()

    def __or__(self, other: "Needs") -> "Needs":
        return Needs(
            self.policies | other.policies,
            self.subjects | other.subjects,
            self.actions | other.actions,
            self.descriptions | other.descriptions,
        )


class Tag(msgspec.Struct, frozen=True, order=True, gc=False):
    """What an event can be found by: a kind and a value.

    Kinds: jurisdiction, topic, actor, identifier, and target (see `references`).
    """

    kind: str
    value: str


Value = TypeVar("Value")


class Layered(Generic[Value]):
    """A table by id whose changes lie on top of another one, which stays as it was."""

    __slots__ = ("_below", "own")

    def __init__(self, below: "Layered[Value] | None" = None) -> None:
        self.own: dict[str, Value] = {}
        self._below = below

    def __getitem__(self, key: str) -> Value:
        layer: Layered[Value] | None = self
        while layer is not None:
            if key in layer.own:
                return layer.own[key]
            layer = layer._below  # noqa: SLF001 - its own class
        raise KeyError(key)

    def __setitem__(self, key: str, value: Value) -> None:
        self.own[key] = value

    def __contains__(self, key: str) -> bool:
        layer: Layered[Value] | None = self
        while layer is not None:
            if key in layer.own:
                return True
            layer = layer._below  # noqa: SLF001 - its own class
        return False

    def __iter__(self) -> Iterator[str]:
        below: Iterable[str] = () if self._below is None else self._below
        yield from dict.fromkeys((*below, *self.own))

    keys = __iter__

    def items(self) -> Iterator[tuple[str, Value]]:
        """Yield what there is by key."""
        return ((key, self[key]) for key in self)

    def get(self, key: str) -> Value | None:
        """Return what has this key, or None."""
        layer: Layered[Value] | None = self
        while layer is not None:
            if key in layer.own:
                return layer.own[key]
            layer = layer._below  # noqa: SLF001 - its own class
        return None


class Situation:
    """What the write side knows at one head of the log; what was not found is absent."""

    __slots__ = ("actions", "descriptions", "streams", "subjects")

    def __init__(self, below: "Situation | None" = None) -> None:
        self.streams: Layered[StreamState] = Layered(None if below is None else below.streams)
        self.subjects: Layered[SubjectState] = Layered(None if below is None else below.subjects)
        self.actions: Layered[ActionLog] = Layered(None if below is None else below.actions)
        self.descriptions: Layered[tuple[Description, ...]] = Layered(
            None if below is None else below.descriptions
        )

    def fork(self) -> "Situation":
        """Return a layer on top that can be merged or thrown away."""
        return Situation(self)

    def merge(self, fork: "Situation") -> None:
        """Take over what a fork changed."""
        self.streams.own.update(fork.streams.own)
        self.subjects.own.update(fork.subjects.own)
        self.actions.own.update(fork.actions.own)
        self.descriptions.own.update(fork.descriptions.own)

    def clear(self) -> None:
        """Throw away what this layer changed."""
        for table in (self.streams, self.subjects, self.actions, self.descriptions):
            table.own.clear()

    def changed_streams(self) -> list[StreamState]:
        """Return the stream heads of this layer alone, by policy."""
        return [self.streams.own[policy] for policy in sorted(self.streams.own)]

    def changed_subjects(self) -> list[SubjectState]:
        """Return the subjects of this layer alone, by position."""
        return sorted(self.subjects.own.values(), key=lambda subject: subject.position)


def correct(action: ActionRecorded, changes: ActionChanges) -> ActionRecorded:
    """Return the action with the changes applied: null clears, lists replace, sources add."""
    new: dict[str, Any] = {}
    for name in ActionChanges.__struct_fields__:
        value = getattr(changes, name)
        if value is UNSET:
            continue
        if name == "sources":
            value = (*action.sources, *value)
        elif value is None:
            value = _CLEARED.get(name)
        new[name] = value
    return msgspec.structs.replace(action, **new)


_CLEARED: Final[dict[str, Any]] = {"actors": (), "scope": Scope.FULL}


def fold_text(text: str) -> str:
    """Return text as filters compare it: case folded, runs of white space as one blank."""
    return " ".join(text.casefold().split())


def named_event(data: Data) -> str | None:
    """Return the id of the event that this payload names, if its type names one."""
    return getattr(data, "event", None)


def describe(id: str, data: PolicyRegistered | PolicyDescribed) -> Description:
    """Return what an event says of a policy's jurisdiction and topics."""
    jurisdiction = data.jurisdiction
    topics = data.topics
    return Description(
        id,
        jurisdiction if isinstance(jurisdiction, str) else None,
        topics if isinstance(topics, tuple) else None,
    )
