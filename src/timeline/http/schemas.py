"""The shapes of answers, as structs from which the API's description is made.

Owns names and types of what is served; the tests hold every answer to them. Nothing is encoded by
them, as the use cases already give plain values.
"""

from datetime import date
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from timeline.application.access import Role
from timeline.application.digesting import DigestDifference
from timeline.application.one_policy import MAX_ACTIONS, MAX_DISPUTES
from timeline.application.picture_lanes import MAX_LINES, MAX_STRETCHES
from timeline.application.picturing import MAX_DIFFERING, MAX_DRAWN
from timeline.application.queries import LITIGATIONS, MAX_DEPTH, STAGES
from timeline.application.replay import DAYS_SHOWN
from timeline.application.trial import MAX_SHOWN
from timeline.domain.events import (
    Citation,
    Claim,
    Counterpart,
    EventId,
    Identifier,
    JurisdictionId,
    MemberVote,
    Party,
    PolicyId,
    PrincipalName,
    Scope,
    Selector,
    Source,
    SourceClass,
    Stance,
    Target,
    Vote,
)
from timeline.domain.governments import Government
from timeline.domain.vocabulary import (
    Action,
    Effect,
    EventType,
    Force,
    ForceReason,
    InForce,
    Instrument,
    Litigation,
    Relation,
)
from timeline.projections.calendar import MAX_DECIDING
from timeline.projections.change_reads import MAX_EVENTS
from timeline.projections.evidence_reads import MAX_SOURCES
from timeline.projections.graph_reads import MAX_EDGES, MAX_NODES
from timeline.projections.relation_reads import MAX_RELATIONS, MAX_RESOLVED
from timeline.projections.review_reads import ReviewKind

Position: TypeAlias = Annotated[int, Meta(ge=0, description="A place in the whole log.")]
Recorded: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$",
        description="An instant of the record's clock, in UTC.",
    ),
]
Hash: TypeAlias = Annotated[
    str, Meta(pattern="^[0-9a-f]{64}$", description="32 bytes in lower-case hex.")
]
Reflected: TypeAlias = Annotated[Position, Meta(description="The position the answer reflects.")]
AsOf: TypeAlias = Annotated[
    date | None, Meta(description="The date asked about; null where no date plays a part.")
]
KnownAt: TypeAlias = Annotated[
    Recorded | None, Meta(description="The moment of the record asked about; null while empty.")
]
Next: TypeAlias = Annotated[
    str | None, Meta(description="The cursor of the next page; null on the last one.")
]
DecidedBy: TypeAlias = Annotated[
    dict[str, tuple[EventId, ...]],
    Meta(
        description="By derived value, the ids of the events that decide it:"
        f" of an axis the last {MAX_DECIDING} by id, where there are more."
    ),
]
Sources: TypeAlias = Annotated[
    tuple[Source, ...],
    Meta(description=f"The first {MAX_SOURCES}, where there are more.", max_length=MAX_SOURCES),
]
Possible: TypeAlias = Annotated[
    dict[str, tuple[str | None, ...]],
    Meta(description="By axis, all values that it may have where the record cannot say which."),
]
Stage: TypeAlias = Annotated[
    str,
    Meta(
        description="The latest stage action; `unknown` at an uncertain boundary.",
        extra_json_schema={"enum": STAGES},
    ),
]
LitigationAxis: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": LITIGATIONS})]


class Answered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all answers have in common: nothing is in them that is not described."""


class Reflecting(Answered, frozen=True, kw_only=True):
    """What every answer on both clocks repeats of them."""

    position: Reflected
    as_of: AsOf
    known_at: KnownAt


class Page(Reflecting, frozen=True, kw_only=True):
    """What pages have in common besides their items.

    One may hold fewer than `limit` and still have a next one: it ends before a megabyte is passed.
    """

    next: Next


class ServedDate(Answered, frozen=True, kw_only=True):
    """A date as its source gave it, and the days between which it lies."""

    edtf: Annotated[str, Meta(description="The date as it was recorded, in EDTF.")]
    earliest: Annotated[date | None, Meta(description="null where that is open.")]
    latest: Annotated[date | None, Meta(description="null where that is open.")]


class RegisteredItem(Answered, frozen=True, kw_only=True):
    """A policy as it is registered."""

    policy: PolicyId
    title: str
    instrument: Instrument
    jurisdiction: JurisdictionId
    place: Annotated[
        str,
        Meta(description="The jurisdiction's name.", examples=["Los Angeles, California (city)"]),
    ]
    identifiers: tuple[Identifier, ...]
    acted: Annotated[bool, Meta(description="Whether it has an action yet.")]


class AlikeItem(RegisteredItem, frozen=True, kw_only=True):
    """A policy that may be the one that is about to be registered."""

    why: Literal["same identifier", "same title", "similar title"]


class PlaceItem(Answered, frozen=True, kw_only=True):
    """A place, and its name, which is read from its id."""

    jurisdiction: JurisdictionId
    name: Annotated[str, Meta(examples=["Los Angeles, California (city)"])]
    registered: Annotated[bool, Meta(description="Whether the record has policies of it.")]


class Found(Answered, frozen=True, kw_only=True):
    """The first of what was found."""

    more: Annotated[bool, Meta(description="Whether there is more.")]
    position: Position


class RegisteredFound(Found, frozen=True, kw_only=True):
    """Policies that have the words."""

    items: tuple[RegisteredItem, ...]


class AlikeFound(Found, frozen=True, kw_only=True):
    """Policies that may be the same."""

    items: tuple[AlikeItem, ...]


class PlacesFound(Found, frozen=True, kw_only=True):
    """Places of the record."""

    items: tuple[PlaceItem, ...]


class JudgedDate(ServedDate, frozen=True, kw_only=True):
    """What a date means."""

    words: Annotated[str, Meta(description="The same in English.", examples=["some day in 2024"])]


class InclusionProof(Answered, frozen=True, kw_only=True):
    """That an entry is in the log: hashes that lead from its leaf to a root (RFC 6962)."""

    position: Position
    size: Annotated[Position, Meta(description="How many entries the tree has.")]
    leaf_hash: Hash
    root: Hash
    hashes: Annotated[tuple[Hash, ...], Meta(description="From the leaf upwards.")]


class EventProof(InclusionProof, frozen=True, kw_only=True):
    """That an event's entry is in the log that the newest checkpoint speaks of."""

    checkpoint: Annotated[str, Meta(description="The signed note.")]


class Erasure(Answered, frozen=True, kw_only=True):
    """What erased an event's payload. The entry stays, and so does every proof."""

    event: Annotated[EventId, Meta(description="The PayloadErased; it says why.")]
    position: Position
    recorded_at: Recorded
    recorded_by: PrincipalName
    authority: Annotated[str, Meta(description="By what authority, in its own words.")]


Erased: TypeAlias = Annotated[
    bool, Meta(description="What was recorded is erased; this is what replaces it.")
]
ErasedBy: TypeAlias = Annotated[Erasure, Meta(description="Where it is erased.")]


class Event(Answered, frozen=True, kw_only=True):
    """One event of the log: the entry's fields, and the data as it was sent."""

    id: EventId
    position: Position
    policy: PolicyId
    version: Annotated[int, Meta(ge=1, description="Counts within the policy.")]
    type: EventType
    schema: Annotated[int, Meta(ge=1)]
    batch: Annotated[Position, Meta(description="The first position of its append.")]
    recorded_at: Recorded
    recorded_by: PrincipalName
    data: Annotated[dict[str, Any] | None, Meta(description="null once it is erased.")]
    erased_by: Annotated[EventId, Meta(description="The PayloadErased.")] | UnsetType = UNSET
    erasure: ErasedBy | UnsetType = UNSET
    entry: (
        Annotated[str, Meta(description="With `proof`: the entry, whose bytes are hashed.")]
        | UnsetType
    ) = UNSET
    salt: (
        Annotated[
            Hash | None,
            Meta(description="With `proof`: the salt of the entry's commitment, null once erased."),
        ]
        | UnsetType
    ) = UNSET
    proof: (
        Annotated[
            EventProof | None,
            Meta(
                description="With `proof`: null until a checkpoint, with as many cosignatures as asked for, has the event."
            ),
        ]
        | UnsetType
    ) = UNSET


class EventsPage(Page, frozen=True, kw_only=True):
    """A page of the log."""

    items: tuple[Event, ...]


class Parked(Answered, frozen=True, kw_only=True):
    """Why a policy's newer events are not in an answer: one of them broke the read models."""

    event: EventId
    position: Position


ParkedMark = Annotated[
    Parked,
    Meta(description="Only where events of the policy wait: from `position` on they are not told."),
]


class TimelineItem(Answered, frozen=True, kw_only=True):
    """An action, as the record believes it."""

    event: EventId
    policy: PolicyId
    title: str
    instrument: Instrument
    jurisdiction: JurisdictionId
    action: Action
    label: Annotated[str | None, Meta(description="The source's own words for the action.")]
    occurred: ServedDate
    effective: Annotated[ServedDate | None, Meta(description="The first day of its effect.")]
    until: Annotated[ServedDate | None, Meta(description="The last day of its effect.")]
    until_condition: Annotated[
        str | None,
        Meta(description="What ends its effect, in words; it moves no date by itself."),
    ]
    actors: tuple[Party, ...]
    body: str | None
    by: Annotated[Counterpart | None, Meta(description="Who acts, where it is not the policy.")]
    vote: Vote | None
    scope: Scope
    provision: str | None
    summary: str | None
    sources: Sources
    corrected: bool
    disputed: bool
    erased: Erased
    erasure: ErasedBy | UnsetType = UNSET
    position: Position
    recorded_at: Recorded
    parked: ParkedMark | UnsetType = UNSET


class TimelinePage(Page, frozen=True, kw_only=True):
    """A page of actions, by date."""

    items: tuple[TimelineItem, ...]


class PolicyItem(Answered, frozen=True, kw_only=True):
    """A policy with its three axes."""

    policy: PolicyId
    title: str
    instrument: Instrument
    jurisdiction: JurisdictionId
    body: str | None
    identifiers: tuple[Identifier, ...]
    topics: tuple[str, ...]
    stage: Stage | None
    force: Force
    force_reason: ForceReason | None
    litigation: LitigationAxis
    in_force: InForce
    possible: Possible
    disputed: bool
    last_confirmed: str | None
    version: Annotated[int, Meta(ge=1)]
    decided_by: DecidedBy
    parked: ParkedMark | UnsetType = UNSET


class PoliciesPage(Page, frozen=True, kw_only=True):
    """A page of policies, by id."""

    items: tuple[PolicyItem, ...]


Count: TypeAlias = Annotated[int, Meta(ge=0)]


class JurisdictionItem(Answered, frozen=True, kw_only=True):
    """How many policies a jurisdiction has; each counts once, under its believed value."""

    jurisdiction: JurisdictionId
    total: Annotated[int, Meta(ge=1)]
    force: Annotated[
        dict[Force, Count],
        Meta(description="By force, all values.", extra_json_schema={"required": [*Force]}),
    ]
    in_force: Annotated[
        dict[InForce, Count],
        Meta(description="By answer, all of them.", extra_json_schema={"required": [*InForce]}),
    ]


class JurisdictionsPage(Page, frozen=True, kw_only=True):
    """A page of jurisdictions, by id: those that have policies."""

    items: tuple[JurisdictionItem, ...]


Distance: TypeAlias = Annotated[
    int, Meta(ge=0, le=MAX_DEPTH, description="How many relations away.")
]
NodeId: TypeAlias = Annotated[
    str, Meta(description="A policy's id; `citation/` or `selector/` and more, for the others.")
]


class PolicyNode(PolicyItem, frozen=True, kw_only=True, tag_field="kind", tag="policy"):
    """A policy, also where it has no action by the date asked about."""

    id: NodeId
    distance: Distance


class RetractedNode(Answered, frozen=True, kw_only=True, tag_field="kind", tag="retracted"):
    """A policy that is related still, while its registration is retracted."""

    id: NodeId
    distance: Distance
    policy: PolicyId
    retracted_by: EventId


class CitationNode(Answered, frozen=True, kw_only=True, tag_field="kind", tag="citation"):
    """What is cited, and is no policy of the record; as the first relation has it."""

    id: NodeId
    distance: Distance
    citation: Citation


class SelectorNode(Answered, frozen=True, kw_only=True, tag_field="kind", tag="selector"):
    """The criteria of a relation that names many policies at once."""

    id: NodeId
    distance: Distance
    selector: Selector


class GraphEdge(Answered, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A relation, to one of those that it points at."""

    event: EventId
    relation: Relation
    from_: Annotated[PolicyId, Meta(description="The policy that asserts it.")]
    to: NodeId
    via: Annotated[
        NodeId | None, Meta(description="The selector that names `to`; it has an edge of its own.")
    ]
    target: Annotated[Target, Meta(description="What it points at, as it was recorded.")]
    by: Counterpart | None
    scope: Scope
    provision: str | None
    occurred: ServedDate | None
    effective: ServedDate | None
    until: ServedDate | None
    later: Annotated[
        bool, Meta(description="`effective`, else `occurred`, is certainly later than `as_of`.")
    ]
    sources: Sources
    disputed: bool
    erased: Erased
    erasure: ErasedBy | UnsetType = UNSET
    position: Position
    recorded_at: Recorded


class Graph(Reflecting, frozen=True, kw_only=True):
    """What is around a policy, the nearest first."""

    nodes: tuple[PolicyNode | RetractedNode | CitationNode | SelectorNode, ...]
    edges: tuple[GraphEdge, ...]
    truncated: Annotated[
        bool,
        Meta(description=f"More than {MAX_NODES} nodes or {MAX_EDGES} edges: some are left out."),
    ]


class PicturePeriod(Answered, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Days on which a policy is, or may be, in force, or is suspended: some are in the window."""

    from_: Annotated[
        date | None,
        Meta(description="The first day, also where it is before the window; null: since ever."),
    ]
    until: Annotated[
        date | None,
        Meta(
            description="The last day, also where it is after the window, or after `as_of`; "
            "null: no end is known."
        ),
    ]
    force: Force
    in_force: InForce


class PicturePolicy(Answered, frozen=True, kw_only=True):
    """A policy in a picture; its axes are those on the day that the picture is `on`."""

    policy: PolicyId
    title: str
    identifiers: tuple[Identifier, ...]
    instrument: Instrument
    jurisdiction: JurisdictionId
    stage: Stage | None
    force: Force
    force_reason: ForceReason | None
    litigation: LitigationAxis
    in_force: InForce
    disputed: bool
    differs: Annotated[bool, Meta(description="Known now, and today, its force is another.")]
    periods: tuple[PicturePeriod, ...]
    parked: ParkedMark | UnsetType = UNSET


class PictureMark(Answered, frozen=True, kw_only=True):
    """An action in a picture."""

    event: EventId
    policy: PolicyId
    title: Annotated[str, Meta(description="The policy's.")]
    action: Action
    label: str | None
    occurred: ServedDate
    corrected: bool
    disputed: bool
    erased: Erased
    erasure: ErasedBy | UnsetType = UNSET
    differs: Annotated[bool, Meta(description="The record tells it otherwise by now.")]


class PictureCount(Answered, frozen=True, kw_only=True, rename={"from_": "from"}):
    """How many actions begin in a stretch of time."""

    from_: date
    to: date
    actions: Annotated[int, Meta(ge=1)]


class PictureStanding(Answered, frozen=True, kw_only=True, rename={"from_": "from"}):
    """How many policies were in force at the end of a stretch of time."""

    from_: date
    to: Annotated[date, Meta(description="The day on which they are counted.")]
    yes: Annotated[int, Meta(ge=0)]
    maybe: Annotated[int, Meta(ge=0)]


class PictureLane(Answered, frozen=True, kw_only=True):
    """What one level of government did in a window."""

    level: Government
    places: Annotated[int, Meta(ge=1, description="Jurisdictions that have anything in it.")]
    actions: Annotated[int, Meta(ge=0, description="All of them that are in the window.")]
    in_force: Annotated[
        dict[InForce, int],
        Meta(description="Policies that are, and that may be, in force on the day it is `on`."),
    ]
    differs: Annotated[
        int | None,
        Meta(
            description="Policies that have another force today, as known now, shown or not; null"
            " where that is asked about."
        ),
    ]
    policies: Annotated[
        tuple[PicturePolicy, ...],
        Meta(
            description="Of each twentieth of the window in turn, the one of those that begin in it"
            " that has most actions, up to 20; and those of the marks.",
            max_length=MAX_LINES,
        ),
    ]
    more_policies: Annotated[
        int, Meta(ge=0, description="How many more have been in force in the window.")
    ]
    marks: Annotated[
        tuple[PictureMark, ...], Meta(description="All actions, or none where they are counted.")
    ]
    counts: Annotated[
        tuple[PictureCount, ...],
        Meta(
            description="Where there are more actions than `marks`, how many begin when.",
            max_length=MAX_STRETCHES,
        ),
    ]
    over_time: Annotated[
        tuple[PictureStanding, ...],
        Meta(
            description="Where not all policies or actions are shown, how many policies were in"
            " force when.",
            max_length=MAX_STRETCHES,
        ),
    ]


class PictureRelation(Answered, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A relation between two policies of a picture."""

    event: EventId
    relation: Relation
    from_: PolicyId
    to: PolicyId
    disputed: bool


class PictureDifferences(Answered, frozen=True, kw_only=True):
    """How much of what is asked for is another today, as it is known now."""

    policies: Annotated[int, Meta(ge=0, description="Policies that have another force.")]
    actions: Annotated[
        int,
        Meta(
            ge=0,
            description="Actions that the record tells otherwise, or of which it told nothing.",
        ),
    ]


class PictureForce(Answered, frozen=True, kw_only=True):
    """What a policy's force is at a moment."""

    force: Force
    in_force: InForce


class PictureDiffering(Answered, frozen=True, kw_only=True):
    """A policy that has another force today, as it is known now."""

    policy: PolicyId
    title: str
    identifiers: tuple[Identifier, ...]
    jurisdiction: JurisdictionId
    then: Annotated[
        PictureForce | None,
        Meta(
            description="On the day it is `on`, at `position`; null where no action of it was known."
        ),
    ]
    now: Annotated[
        PictureForce | None,
        Meta(description="Today, as known now; null where no action of it is known any more."),
    ]


class Picture(Reflecting, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Lanes by level of government, in a window of the world's time."""

    from_: Annotated[date, Meta(description="The first day of the window.")]
    to: Annotated[date, Meta(description="The last day of it.")]
    on: Annotated[date, Meta(description="The day of the policies' axes: `as_of`, or today.")]
    newest: Annotated[Position, Meta(description="The newest position there is.")]
    lanes: tuple[PictureLane, ...]
    relations: Annotated[tuple[PictureRelation, ...], Meta(max_length=MAX_DRAWN)]
    differs: Annotated[
        PictureDifferences | None,
        Meta(description="null where today is asked about, as it is known now."),
    ]
    differing: Annotated[
        tuple[PictureDiffering, ...],
        Meta(description="By id, where it was asked for.", max_length=MAX_DIFFERING),
    ]


class ReviewItem(Answered, frozen=True, kw_only=True):
    """Something that an editor should look at."""

    kind: ReviewKind
    policy: PolicyId
    event: Annotated[
        EventId | None, Meta(description="What is in question; null: the policy as a whole.")
    ]
    title: str
    instrument: Instrument
    jurisdiction: JurisdictionId
    by: Annotated[EventId | None, Meta(description="The SourceAttached that disputes.")]
    claim: Annotated[Claim | None, Meta(description="What it says instead.")]
    source: Annotated[Source | None, Meta(description="The source that disputes.")]
    citation: Annotated[Citation | None, Meta(description="What no policy carries.")]
    since: Annotated[
        str,
        Meta(
            description="When it was recorded; for `long_unconfirmed`, the last day on which it "
            "was, or may have been, confirmed or acted on."
        ),
    ]


class ReviewPage(Page, frozen=True, kw_only=True):
    """A page of what an editor should look at: by kind, policy and event.

    It may hold fewer items than `limit`, or none, and still have a next one.
    """

    items: tuple[ReviewItem, ...]


class Period(Answered, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Days on which nothing about the policy changed."""

    from_: Annotated[date | None, Meta(description="The first day; null: since ever.")]
    until: Annotated[date | None, Meta(description="The last day; null: no end is known.")]
    stage: Stage | None
    force: Force
    force_reason: ForceReason | None
    litigation: LitigationAxis
    in_force: InForce
    possible: Possible
    decided_by: DecidedBy


class Dispute(Answered, frozen=True, kw_only=True):
    """A source that says otherwise."""

    event: Annotated[EventId, Meta(description="What is disputed.")]
    by: Annotated[EventId, Meta(description="The SourceAttached that disputes.")]
    claim: Claim | None
    source: Source
    settled_by: Annotated[EventId | None, Meta(description="The correction; null: still open.")]


class RelationItem(Answered, frozen=True, kw_only=True):
    """A relation, with the policies that its target resolves to."""

    event: EventId
    policy: PolicyId
    relation: Relation
    target: Target
    by: Counterpart | None
    scope: Scope
    provision: str | None
    occurred: ServedDate | None
    effective: ServedDate | None
    until: ServedDate | None
    sources: Sources
    disputed: bool
    erased: Erased
    erasure: ErasedBy | UnsetType = UNSET
    position: Position
    recorded_at: Recorded
    later: Annotated[
        bool, Meta(description="`effective`, else `occurred`, is certainly later than `as_of`.")
    ]
    resolves_to: Annotated[
        tuple[PolicyId, ...],
        Meta(
            max_length=MAX_RESOLVED,
            description="By id: the policy that is named, or the one that it is merged into; all"
            " that carry what is cited; or those on which a relation by selector acts, perhaps or"
            f" surely, at any date. At most {MAX_RESOLVED}, else `truncated` says so.",
        ),
    ]


class Relations(Answered, frozen=True, kw_only=True):
    """Relations that the policy asserts, and those that point at it."""

    outgoing: tuple[RelationItem, ...]
    incoming: tuple[RelationItem, ...]


class PolicyAction(TimelineItem, frozen=True, kw_only=True):
    """An action on its policy's page, which shows later ones too."""

    later: Annotated[
        bool, Meta(description="Certainly later than `as_of`; `/v1/timeline` would hide it.")
    ]


class Policy(PolicyItem, frozen=True, kw_only=True):
    """One policy with all that the record believes about it."""

    summary: str | None
    sponsors: tuple[Party, ...]
    sources: Sources
    periods: tuple[Period, ...]
    disputes: tuple[Dispute, ...]
    actions: tuple[PolicyAction, ...]
    relations: Relations
    truncated: Annotated[
        tuple[Literal["actions", "relations", "resolves_to", "disputes"], ...],
        Meta(
            description="The lists that are cut, where the policy has more than a page holds:"
            f" {MAX_ACTIONS} actions, {MAX_RELATIONS} relations each way, {MAX_RESOLVED} policies"
            f" that one of them resolves to, {MAX_DISPUTES} disputes."
        ),
    ]
    position: Reflected
    as_of: AsOf
    known_at: KnownAt


class PolicyState(PolicyItem, frozen=True, kw_only=True):
    """A policy as it was believed right after an event."""

    retracted_by: EventId | None
    merged_into: PolicyId | None


class HistoryStep(Answered, frozen=True, kw_only=True):
    """An event, what it changed, and the state after it."""

    event: Event
    changed: Annotated[
        dict[str, tuple[Any, Any]], Meta(description="By field, the value before and after.")
    ]
    state: PolicyState | None


class HistoryPage(Page, frozen=True, kw_only=True):
    """A page of a policy's replay."""

    items: tuple[HistoryStep, ...]
    parked: ParkedMark | UnsetType = UNSET


class ChangingEvent(Answered, frozen=True, kw_only=True):
    """An event that changed a policy: one of its own, or of another policy that bears on it."""

    id: EventId
    policy: PolicyId
    version: Annotated[int, Meta(ge=1)]
    type: EventType
    position: Position
    recorded_at: Recorded
    recorded_by: PrincipalName


class Difference(Answered, frozen=True, kw_only=True):
    """A policy before and after."""

    policy: PolicyId
    title: str
    before: Annotated[PolicyState | None, Meta(description="null where it was not known.")]
    after: PolicyState
    changed: Annotated[
        dict[str, tuple[Any, Any]], Meta(description="By field, the value before and after.")
    ]


class Change(Difference, frozen=True, kw_only=True):
    """A policy whose picture changed, and by whom."""

    events: Annotated[
        tuple[ChangingEvent, ...],
        Meta(max_length=MAX_EVENTS, description="In order; where there are more, the newest."),
    ]
    recorded_by: Annotated[
        tuple[PrincipalName, ...], Meta(description="Who recorded any of the events.")
    ]
    truncated: Annotated[
        tuple[Literal["events"], ...],
        Meta(description=f"The lists that are cut, at {MAX_EVENTS} events."),
    ]


class RecordMoment(Answered, frozen=True, kw_only=True):
    """A moment of the record."""

    position: Position
    known_at: KnownAt


class ChangesPage(Page, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A page of changed policies; `position` and `known_at` are where the stretch ends."""

    items: tuple[Change, ...]
    from_: Annotated[RecordMoment, Meta(description="Where the stretch begins.")]


class ActionWord(Answered, frozen=True, kw_only=True):
    """An action of the vocabulary."""

    action: Action
    rank: Annotated[int, Meta(ge=0, description="The order of actions on one day.")]
    effect: Effect
    description: str


class InstrumentWord(Answered, frozen=True, kw_only=True):
    """An instrument of the vocabulary."""

    instrument: Instrument
    needs_executive: Annotated[bool, Meta(description="A vote alone does not enact it.")]
    in_force_from_enactment: Annotated[
        bool, Meta(description="In force from the enacting date where no other is given.")
    ]
    has_force: Annotated[bool, Meta(description="Legal force applies to it.")]


class RelationWord(Answered, frozen=True, kw_only=True):
    """A relation of the vocabulary."""

    relation: Relation
    description: str
    kind_of: Relation | None
    acts: Annotated[bool, Meta(description="It changes the target's axes.")]
    symmetric: bool


class EventTypeWord(Answered, frozen=True, kw_only=True):
    """A type of event."""

    type: EventType
    schema: Annotated[int, Meta(ge=1, description="The current version of its data's shape.")]
    role: Annotated[Role, Meta(description="The role that recording it needs.")]


class Vocabulary(Answered, frozen=True, kw_only=True):
    """The words of the record."""

    actions: tuple[ActionWord, ...]
    instruments: tuple[InstrumentWord, ...]
    relations: tuple[RelationWord, ...]
    event_types: tuple[EventTypeWord, ...]
    force: tuple[Force, ...]
    force_reasons: tuple[ForceReason, ...]
    litigation: tuple[Litigation, ...]
    in_force: tuple[InForce, ...]
    source_classes: tuple[SourceClass, ...]
    stances: tuple[Stance, ...]
    scopes: tuple[Scope, ...]
    member_votes: tuple[MemberVote, ...]


class RecordedEvent(Answered, frozen=True, kw_only=True):
    """Where an event stands in the record."""

    id: EventId
    policy: PolicyId
    version: Annotated[int, Meta(ge=1)]
    position: Position
    recorded_at: Recorded
    type: EventType
    erased: Annotated[bool, Meta(description="Its payload was erased since.")] | UnsetType = UNSET


class RecordedEvents(Answered, frozen=True, kw_only=True):
    """The events of an append, in the order in which they were sent."""

    events: tuple[RecordedEvent, ...]
    checkpoint: (
        Annotated[
            str | None,
            Meta(
                description="With `wait=proof`: the checkpoint; null where it was late, as when the process"
                " that signs is elsewhere and does not run. The events are recorded all the same."
            ),
        ]
        | UnsetType
    ) = UNSET


class ReplayedModel(Answered, frozen=True, kw_only=True):
    """One read model: the digest of its live rows, and of those that the log alone gives."""

    name: str
    identical: bool
    live: Hash
    replayed: Hash


class DayDigests(Answered, frozen=True, kw_only=True):
    """The digests of the live read models that were recorded at a day's last checkpoint."""

    day: date
    size: Annotated[Position, Meta(description="How many entries the checkpoint has.")]
    last_erasure: Annotated[
        Position | None, Meta(description="The last erasure that the rows had taken in.")
    ]
    schema: Annotated[str, Meta(description="The revision of the tables that the rows lay in.")]
    models: Annotated[dict[str, Hash], Meta(description="By read model.")]


class RecordedDigests(DayDigests, frozen=True, kw_only=True):
    """Recorded digests, beside those that the log gives now."""

    difference: Annotated[
        DigestDifference | None,
        Meta(
            description="Why they are not the same: something was erased since (`erasure`), events of a policy "
            "wait (`parked`), the tables are others (`schema`); `unexplained` where it is none of "
            "these. null where they are the same."
        ),
    ]


class Replay(Answered, frozen=True, kw_only=True):
    """The read models as the log alone gives them, beside the live ones."""

    position: Reflected
    identical: bool
    last_erasure: Annotated[
        Position | None, Meta(description="The last erasure that both had taken in.")
    ]
    projections: tuple[ReplayedModel, ...]
    recorded: Annotated[
        RecordedDigests | None, Meta(description="Those of this position, where there are some.")
    ]
    days: Annotated[
        tuple[DayDigests, ...],
        Meta(description="The last days with recorded digests.", max_length=DAYS_SHOWN),
    ]


class ConsistencyProof(Answered, frozen=True, kw_only=True, rename={"from_": "from"}):
    """That a tree began as an older one (RFC 6962)."""

    from_: Annotated[int, Meta(ge=0, description="How many entries the older tree has.")]
    to: Annotated[int, Meta(ge=0, description="How many entries the newer tree has.")]
    from_root: Hash
    to_root: Hash
    hashes: tuple[Hash, ...]


class TriedEvent(Answered, frozen=True, kw_only=True):
    """An event as it would be, or as it is where it is recorded already."""

    id: EventId
    policy: PolicyId
    version: Annotated[int, Meta(ge=1)]
    type: EventType
    position: Annotated[Position, Meta(description="Where it is recorded.")] | UnsetType = UNSET
    recorded_at: Recorded | UnsetType = UNSET
    erased: Annotated[bool, Meta(description="Its payload was erased since.")] | UnsetType = UNSET


class DryRun(Answered, frozen=True, kw_only=True):
    """What would become of an append, had it been recorded."""

    dry_run: Literal[True]
    known: Annotated[
        bool,
        Meta(description="All of it is recorded already, so that nothing would change."),
    ]
    position: Annotated[Position, Meta(description="The head of the log that it was tried on.")]
    as_of: Annotated[date, Meta(description="The date of before and after.")]
    events: tuple[TriedEvent, ...]
    policies: Annotated[
        tuple[Difference, ...],
        Meta(
            max_length=MAX_SHOWN,
            description="Those of the events, then others that would change, on whatever date.",
        ),
    ]
    truncated: Annotated[
        tuple[Literal["policies"], ...],
        Meta(
            description=f"The lists that are cut: at {MAX_SHOWN} policies, or where"
            " the events may reach more than are looked at."
        ),
    ]


class ChunkReport(Answered, frozen=True, kw_only=True):
    """Lines of a stream that are recorded."""

    events: Annotated[int, Meta(ge=1)]
    created: Annotated[int, Meta(ge=0, description="How many had not been recorded before.")]
    first: Annotated[int, Meta(ge=1, description="The first of its input lines, from 1.")]
    last: Annotated[int, Meta(ge=1, description="The last of its input lines.")]
    position: Position


class FieldError(Answered, frozen=True, kw_only=True):
    """What is wrong with one field, parameter or header."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not answered (RFC 9457). Some types carry more facts than these."""

    type: Annotated[str, Meta(pattern="^/problems/[a-z-]+$", description="Resolves to words.")]
    title: str
    status: Annotated[int, Meta(ge=300, le=599)]
    detail: str
    instance: str
    request_id: str
    errors: tuple[FieldError, ...] | UnsetType = UNSET


class RefusalReport(Answered, frozen=True, kw_only=True):
    """The line of a stream that is refused; lines before it are recorded, later ones are not."""

    line: Annotated[int, Meta(ge=1)]
    problem: Problem


class ProblemType(Answered, frozen=True, kw_only=True):
    """A problem type in words."""

    type: str
    title: str
    status: int
    meaning: str
    advice: str
    reading: Annotated[bool, Meta(description="A read may meet it, too.")]


class EntryPoint(Answered, frozen=True, kw_only=True):
    """Where to begin."""

    href: str
    title: str


class EntryPoints(Answered, frozen=True, kw_only=True):
    """What the service offers."""

    items: tuple[EntryPoint, ...]
    position: (
        Annotated[
            Position,
            Meta(description="The position the answer reflects, where reading needs no token."),
        ]
        | UnsetType
    ) = UNSET


class Live(Answered, frozen=True, kw_only=True):
    """The process runs."""

    status: Annotated[str, Meta(pattern="^live$")]


class Ready(Answered, frozen=True, kw_only=True):
    """The process can serve."""

    status: Annotated[str, Meta(pattern="^ready$")]
    position: (
        Annotated[
            Position, Meta(description="The log's last position, where reading needs no token.")
        ]
        | UnsetType
    ) = UNSET
    reflected: (
        Annotated[
            Position,
            Meta(description="The position the read models reflect, where reading needs no token."),
        ]
        | UnsetType
    ) = UNSET
