"""The write side's picture of the record.

Owns what is known at one head of the log about streams, the events that others can name, actions
as believed and descriptions. Must not know how the picture is stored, or what may follow.
"""

from collections import ChainMap
from typing import Any, Final, NamedTuple, Self

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


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """The head of one policy's stream, as the write side keeps it."""

    policy: str
    version: int
    registered_by: str
    jurisdiction: str
    topics: tuple[str, ...] = ()
    retracted_by: str | None = None
    merged_into: str | None = None


class SubjectState(msgspec.Struct, frozen=True, kw_only=True):
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


class Correction(msgspec.Struct, frozen=True):
    """One correction of an action."""

    id: str
    changes: ActionChanges
    retracted: bool = False


class ActionLog(msgspec.Struct, frozen=True):
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


class Description(msgspec.Struct, frozen=True):
    """What one event said of a policy's jurisdiction and topics; None where it said nothing."""

    id: str
    jurisdiction: str | None = None
    topics: tuple[str, ...] | None = None
    retracted: bool = False


class Proposal(msgspec.Struct, frozen=True):
    """An event that someone wants to record, read and within its bounds."""

    id: str
    policy: str
    type: EventType
    data: Data


class Needs(msgspec.Struct, frozen=True):
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


class Tag(NamedTuple):
    """What an event can be found by: a kind and a value.

    Kinds: jurisdiction, topic, actor, identifier, and target (see `references`).
    """

    kind: str
    value: str


class Situation:
    """What the write side knows at one head of the log; what was not found is absent."""

    def __init__(self) -> None:
        self.streams: ChainMap[str, StreamState] = ChainMap()
        self.subjects: ChainMap[str, SubjectState] = ChainMap()
        self.actions: ChainMap[str, ActionLog] = ChainMap()
        self.descriptions: ChainMap[str, tuple[Description, ...]] = ChainMap()

    def _tables(self) -> tuple[ChainMap[str, Any], ...]:
        return (self.streams, self.subjects, self.actions, self.descriptions)

    def fork(self) -> Self:
        """Return a layer on top that can be merged or thrown away."""
        fork = type(self)()
        fork.streams = self.streams.new_child()
        fork.subjects = self.subjects.new_child()
        fork.actions = self.actions.new_child()
        fork.descriptions = self.descriptions.new_child()
        return fork

    def merge(self, fork: Self) -> None:
        """Take over what a fork changed."""
        for own, other in zip(self._tables(), fork._tables(), strict=True):
            own.maps[0].update(other.maps[0])

    def changed_streams(self) -> list[StreamState]:
        """Return the stream heads of this layer alone, by policy."""
        return [self.streams.maps[0][policy] for policy in sorted(self.streams.maps[0])]

    def changed_subjects(self) -> list[SubjectState]:
        """Return the subjects of this layer alone, by position."""
        return sorted(self.subjects.maps[0].values(), key=lambda subject: subject.position)


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
