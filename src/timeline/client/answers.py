"""What the service answers, as frozen structs.

Owns their names and types. Words of the vocabulary are text that compares equal with the members of
`timeline.domain.vocabulary`, and what is not known here is passed over, so that a client reads a
service that is newer than it is. A test holds each struct to what the service describes.
"""

from datetime import date, datetime
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from timeline.domain.events import (
    Citation,
    Claim,
    Counterpart,
    Data,
    Identifier,
    Party,
    Selector,
    Source,
    Target,
    Vote,
    decode_data,
)
from timeline.domain.vocabulary import EventType

Item = TypeVar("Item")
Word: TypeAlias = str
"""A word of the vocabulary."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What all answers have in common."""


class Reflecting(Answer, frozen=True, kw_only=True):
    """An answer on both clocks: the position it reflects, the date and the moment asked about."""

    position: int
    as_of: date | None
    known_at: datetime | None


class Page(Reflecting, Generic[Item], frozen=True, kw_only=True):
    """A page of items; `next` is the cursor of the one after it."""

    items: tuple[Item, ...]
    next: str | None


class RecordMoment(Answer, frozen=True, kw_only=True):
    """A moment of the record."""

    position: int
    known_at: datetime | None


class ServedDate(Answer, frozen=True, kw_only=True):
    """A date as its source gave it, and the days between which it lies; None where that is open."""

    edtf: str
    earliest: date | None
    latest: date | None


class EventProof(Answer, frozen=True, kw_only=True):
    """That an event's entry is in the log that a checkpoint speaks of."""

    position: int
    size: int
    leaf_hash: str
    root: str
    hashes: tuple[str, ...]
    checkpoint: str


class Erasure(Answer, frozen=True, kw_only=True):
    """What erased an event's payload."""

    event: str
    position: int
    recorded_at: datetime
    recorded_by: str
    authority: str


class Event(Answer, frozen=True, kw_only=True):
    """One event of the log; `data` is None once it is erased."""

    id: str
    position: int
    policy: str
    version: int
    type: Word
    schema: int
    batch: int
    recorded_at: datetime
    recorded_by: str
    data: dict[str, Any] | None
    erased_by: str | UnsetType = UNSET
    erasure: Erasure | UnsetType = UNSET
    entry: str | UnsetType = UNSET
    salt: str | UnsetType | None = UNSET
    proof: EventProof | UnsetType | None = UNSET

    def payload(self) -> Data | None:
        """Return the data as the struct of its type, with dates as bounds; None once erased.

        Raises:
            ValueError: the type is newer than this client.
            InvalidData: of `timeline.domain.errors`: the shape is newer than this client.

        """
        return None if self.data is None else decode_data(EventType(self.type), self.data)


class Parked(Answer, frozen=True, kw_only=True):
    """From where on events of a policy wait, since one of them broke the read models."""

    event: str
    position: int


class TimelineItem(Answer, frozen=True, kw_only=True):
    """An action, as the record believes it."""

    event: str
    policy: str
    title: str
    instrument: Word
    jurisdiction: str
    action: Word
    label: str | None
    occurred: ServedDate
    effective: ServedDate | None
    until: ServedDate | None
    until_condition: str | None
    actors: tuple[Party, ...]
    body: str | None
    by: Counterpart | None
    vote: Vote | None
    scope: Word
    provision: str | None
    summary: str | None
    sources: tuple[Source, ...]
    corrected: bool
    disputed: bool
    erased: bool
    erasure: Erasure | UnsetType = UNSET
    position: int
    recorded_at: datetime
    parked: Parked | UnsetType = UNSET


class PolicyItem(Answer, frozen=True, kw_only=True):
    """A policy with its three axes on a date."""

    policy: str
    title: str
    instrument: Word
    jurisdiction: str
    body: str | None
    identifiers: tuple[Identifier, ...]
    topics: tuple[str, ...]
    stage: Word | None
    force: Word
    force_reason: Word | None
    litigation: Word
    in_force: Word
    possible: dict[str, tuple[Word | None, ...]]
    disputed: bool
    last_confirmed: str | None
    version: int
    decided_by: dict[str, tuple[str, ...]]
    parked: Parked | UnsetType = UNSET


class JurisdictionItem(Answer, frozen=True, kw_only=True):
    """How many policies a jurisdiction has."""

    jurisdiction: str
    total: int
    force: dict[Word, int]
    in_force: dict[Word, int]


class PolicyNode(PolicyItem, frozen=True, kw_only=True, tag_field="kind", tag="policy"):
    """A policy in the graph."""

    id: str
    distance: int


class RetractedNode(Answer, frozen=True, kw_only=True, tag_field="kind", tag="retracted"):
    """A policy in the graph whose registration is retracted."""

    id: str
    distance: int
    policy: str
    retracted_by: str


class CitationNode(Answer, frozen=True, kw_only=True, tag_field="kind", tag="citation"):
    """What is cited, and is no policy of the record."""

    id: str
    distance: int
    citation: Citation


class SelectorNode(Answer, frozen=True, kw_only=True, tag_field="kind", tag="selector"):
    """The criteria of a relation that names many policies at once."""

    id: str
    distance: int
    selector: Selector


Node: TypeAlias = PolicyNode | RetractedNode | CitationNode | SelectorNode


class GraphEdge(Answer, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A relation, to one of those that it points at."""

    event: str
    relation: Word
    from_: str
    to: str
    via: str | None
    target: Target
    by: Counterpart | None
    scope: Word
    provision: str | None
    occurred: ServedDate | None
    effective: ServedDate | None
    until: ServedDate | None
    later: bool
    sources: tuple[Source, ...]
    disputed: bool
    erased: bool
    erasure: Erasure | UnsetType = UNSET
    position: int
    recorded_at: datetime


class Graph(Reflecting, frozen=True, kw_only=True):
    """What is around a policy, the nearest first."""

    nodes: tuple[Node, ...]
    edges: tuple[GraphEdge, ...]
    truncated: bool


class ReviewItem(Answer, frozen=True, kw_only=True):
    """Something that an editor should look at."""

    kind: Word
    policy: str
    event: str | None
    title: str
    instrument: Word
    jurisdiction: str
    by: str | None
    claim: Claim | None
    source: Source | None
    citation: Citation | None
    since: str


class Period(Answer, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Days on which nothing about the policy changed."""

    from_: date | None
    until: date | None
    stage: Word | None
    force: Word
    force_reason: Word | None
    litigation: Word
    in_force: Word
    possible: dict[str, tuple[Word | None, ...]]
    decided_by: dict[str, tuple[str, ...]]


class Dispute(Answer, frozen=True, kw_only=True):
    """A source that says otherwise; open until it is settled."""

    event: str
    by: str
    claim: Claim | None
    source: Source
    settled_by: str | None


class RelationItem(Answer, frozen=True, kw_only=True):
    """A relation, with the policies that its target resolves to."""

    event: str
    policy: str
    relation: Word
    target: Target
    by: Counterpart | None
    scope: Word
    provision: str | None
    occurred: ServedDate | None
    effective: ServedDate | None
    until: ServedDate | None
    sources: tuple[Source, ...]
    disputed: bool
    erased: bool
    erasure: Erasure | UnsetType = UNSET
    position: int
    recorded_at: datetime
    later: bool
    resolves_to: tuple[str, ...]


class Relations(Answer, frozen=True, kw_only=True):
    """Relations that the policy asserts, and those that point at it."""

    outgoing: tuple[RelationItem, ...]
    incoming: tuple[RelationItem, ...]


class PolicyAction(TimelineItem, frozen=True, kw_only=True):
    """An action of a policy; `later` than the date asked about or not."""

    later: bool


class Policy(PolicyItem, frozen=True, kw_only=True):
    """One policy with all that the record believes about it."""

    summary: str | None
    sponsors: tuple[Party, ...]
    sources: tuple[Source, ...]
    periods: tuple[Period, ...]
    disputes: tuple[Dispute, ...]
    actions: tuple[PolicyAction, ...]
    relations: Relations
    truncated: tuple[str, ...]
    position: int
    as_of: date | None
    known_at: datetime | None


class PolicyState(PolicyItem, frozen=True, kw_only=True):
    """A policy as it was believed right after an event."""

    retracted_by: str | None
    merged_into: str | None


class HistoryStep(Answer, frozen=True, kw_only=True):
    """An event, what it changed (before and after, by field), and the state after it."""

    event: Event
    changed: dict[str, tuple[Any, Any]]
    state: PolicyState | None


class ChangingEvent(Answer, frozen=True, kw_only=True):
    """An event that changed a policy."""

    id: str
    policy: str
    version: int
    type: Word
    position: int
    recorded_at: datetime
    recorded_by: str


class Difference(Answer, frozen=True, kw_only=True):
    """A policy before and after; `before` is None where it was not known."""

    policy: str
    title: str
    before: PolicyState | None
    after: PolicyState
    changed: dict[str, tuple[Any, Any]]


class Change(Difference, frozen=True, kw_only=True):
    """A policy whose picture changed, and by whom."""

    events: tuple[ChangingEvent, ...]
    recorded_by: tuple[str, ...]
    truncated: tuple[str, ...]


class HistoryPage(Page[HistoryStep], frozen=True, kw_only=True):
    """A page of a policy's replay."""

    parked: Parked | UnsetType = UNSET


class ChangesPage(Page[Change], frozen=True, kw_only=True, rename={"from_": "from"}):
    """A page of changed policies; `position` and `known_at` are where the stretch ends."""

    from_: RecordMoment
