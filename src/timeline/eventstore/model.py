"""What goes into the event store and what comes out of it.

Owns the shapes that its port speaks in, and when an event matches a filter. Must not know how they
are stored, or why an append is refused.
"""

from collections.abc import Set as AbstractSet
from typing import Final, Literal, NamedTuple, Self, TypeAlias

import msgspec

from timeline.domain.errors import InvalidData
from timeline.domain.events import (
    MAX_DATA_BYTES,
    SCHEMA_VERSIONS,
    EventId,
    PolicyId,
    citation_key,
    decode_data,
    read,
)
from timeline.domain.situation import Proposal, Tag, fold_text
from timeline.domain.vocabulary import EventType
from timeline.transparency.canonical import MAX_INTEGER, encode
from timeline.transparency.merkle import Frontier

ExpectedVersion: TypeAlias = int | Literal["new"] | None
"""The version a policy has to be at: a number from 1, `new` (not registered), None (any)."""

MAX_PAGE: Final = 1_000
"""Events read at once: with data at its bound of 256 KiB each, a page stays below 256 MiB."""

MAX_STRETCH_EVENTS: Final = 4_096
"""Events read at once as they are stored: more would save nothing more."""

STRETCH_BYTES: Final = 2 * 1024 * 1024
"""What a stretch may hold before its last event: as much as thousands of ordinary events have."""

MAX_APPEND_EVENTS: Final = 1_000
"""Events of one append, as the API promises: more would hold up all other writers."""

MAX_FILTER_VALUES: Final = 100
"""Values of one field of a filter: more than a page of check boxes, far from a driver's limits."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as the log holds it.

    All but the last two fields are read from the entry, whose bytes the proofs cover. `data` is
    the canonical JSON as sent, None once it is erased by the event `erased_by`.
    """

    id: str
    position: int
    policy: str
    version: int
    type: EventType
    schema: int
    batch: int
    recorded_at: str
    recorded_by: str
    data: bytes | None = None
    erased_by: str | None = None

    @classmethod
    def from_entry(cls, entry: bytes, data: bytes | None, erased_by: str | None) -> Self:
        """Read an event from its entry's bytes and what is kept beside them."""
        fields = EntryFields.read(entry)
        return cls(
            id=fields.id,
            position=fields.position,
            policy=fields.policy,
            version=fields.version,
            type=fields.type,
            schema=fields.schema,
            batch=fields.batch,
            recorded_at=fields.recorded_at,
            recorded_by=fields.recorded_by,
            data=data,
            erased_by=erased_by,
        )


class Stored(NamedTuple):
    """An event as its bytes lie in the log: its entry, and what is kept beside that."""

    entry: bytes
    data: bytes | None
    erased_by: str | None

    @property
    def size_bytes(self) -> int:
        """The bytes of entry and data."""
        return len(self.entry) + len(self.data or b"")


class Stretch(msgspec.Struct, frozen=True):
    """A part of the log: all events up to the position `until` that match, and none beyond."""

    events: list[Stored]
    until: int


class EntryFields(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The fields of an entry."""

    id: str
    position: int
    policy: str
    version: int
    type: EventType
    schema: int
    batch: int
    recorded_at: str
    recorded_by: str
    commitment: str

    @classmethod
    def read(cls, entry: bytes | str) -> Self:
        """Read an entry's bytes, or their text."""
        return msgspec.json.decode(entry, type=cls)


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event to be appended: read, within its bounds, and as canonical bytes."""

    proposal: Proposal
    data: bytes
    expected_version: ExpectedVersion = None

    @property
    def id(self) -> str:
        """The event's id."""
        return self.proposal.id

    @property
    def schema(self) -> int:
        """The version of the payload's shape that this event is written in."""
        return SCHEMA_VERSIONS[self.proposal.type]

    @classmethod
    def read(
        cls,
        *,
        id: str,
        policy: str,
        type: EventType,
        data: object,
        expected_version: ExpectedVersion = None,
    ) -> Self:
        """Read an event as it was sent.

        Args:
            id: a lower-case UUID.
            policy: a slug.
            type: the event's type tag.
            data: plain JSON values, as a strict JSON reader gives them.
            expected_version: the version the policy has to be at.

        Raises:
            InvalidData: naming the field, and what is wrong with it.
            CanonicalError: `data` holds what the record does not take.

        """
        read(EventId, id, "id")
        read(PolicyId, policy, "policy")
        encoded = encode(data)
        if len(encoded) > MAX_DATA_BYTES:
            reason = f"Its canonical JSON takes {len(encoded)} bytes, at most {MAX_DATA_BYTES}"
            raise InvalidData(field="data", reason=reason)
        proposal = Proposal(id, policy, type, decode_data(type, data))
        return cls(proposal=proposal, data=encoded, expected_version=expected_version)


class EventFilter(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which events: every field that is given holds (AND), by any of its values (OR).

    Topics, actors and identifiers (`scheme:value`) compare as tags do, whatever their case;
    `targets` are keys of what an event points at, or pointed at before it was erased.
    """

    types: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    recorded_by: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            values: tuple[str, ...] = getattr(self, name)
            if len(values) > MAX_FILTER_VALUES:
                msg = f"A filter has at most {MAX_FILTER_VALUES} values in `{name}`"
                raise ValueError(msg)
            if not all(_storable(value) for value in values):
                msg = f"A value in `{name}` holds U+0000 or a lone surrogate, which no event does"
                raise ValueError(msg)

    def tags(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the values to look for by kind of tag, folded; the rarest kinds come first."""
        kinds = (
            ("target", self.targets),
            ("identifier", tuple(citation_key(value) for value in self.identifiers)),
            ("actor", tuple(fold_text(value) for value in self.actors)),
            ("topic", tuple(fold_text(value) for value in self.topics)),
            ("jurisdiction", self.jurisdictions),
        )
        return tuple((kind, values) for kind, values in kinds if values)

    def matches(self, *, type: str, policy: str, recorded_by: str, tags: AbstractSet[Tag]) -> bool:
        """Tell whether an event with these facts matches."""
        return (
            (not self.types or type in self.types)
            and (not self.policies or policy in self.policies)
            and (not self.recorded_by or recorded_by in self.recorded_by)
            and all(
                any(Tag(kind, value) in tags for value in values) for kind, values in self.tags()
            )
        )


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= mark <= "\udfff" for mark in text)


EVERYTHING: Final = EventFilter()


class Condition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The append fails where an event after the position `after` matches."""

    fail_if_match: EventFilter
    after: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.after <= MAX_INTEGER:
            msg = "The position `after` is a whole number from 0"
            raise ValueError(msg)


class Append(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is recorded together or not at all; `batched` where it was sent as a list."""

    drafts: tuple[Draft, ...]
    recorded_by: str
    condition: Condition | None = None
    batched: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.drafts) <= MAX_APPEND_EVENTS:
            msg = f"An append has 1 to {MAX_APPEND_EVENTS} events"
            raise ValueError(msg)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its events, in order."""
        return tuple(draft.id for draft in self.drafts)

    @property
    def size_bytes(self) -> int:
        """The bytes of its events' data."""
        return sum([len(draft.data) for draft in self.drafts])


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where an event stands in the record."""

    id: str
    policy: str
    version: int
    position: int
    recorded_at: str
    type: EventType
    erased: bool = False


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of an append; not `created` where all of it had been recorded before."""

    events: tuple[Receipt, ...]
    created: bool


def checked_limit(limit: int) -> int:
    """Return the limit of a page; raises ValueError beyond its bounds."""
    if not 1 <= limit <= MAX_PAGE:
        msg = f"A page has 1 to {MAX_PAGE} events"
        raise ValueError(msg)
    return limit


class Head(msgspec.Struct, frozen=True, gc=False):
    """The end of the log: its last position and instant, and its Merkle frontier."""

    position: int = 0
    recorded_at: str | None = None
    frontier: Frontier = Frontier()
