"""The questions that readers ask: one struct a question, with its bounds.

Owns names, types and limits of query parameters; the API's schema is made from these structs, so
that what is documented and what is accepted cannot differ. Must not know how they are answered.
"""

from datetime import date, datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from timeline.domain.dates import Edtf
from timeline.domain.events import IDENTIFIER_PATTERN, JurisdictionId, PolicyId, PrincipalName
from timeline.domain.vocabulary import (
    Action,
    EventType,
    Force,
    InForce,
    Instrument,
    Litigation,
)
from timeline.projections.review_reads import ReviewKind

UNKNOWN: Final = "unknown"
"""The value of an axis on days within an uncertain boundary."""

STAGES: Final = [*map(str, Action), UNKNOWN]
LITIGATIONS: Final = [*map(str, Litigation), UNKNOWN]

MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 50
MAX_DEPTH: Final = 5
MAX_MARKS: Final = 500
DEFAULT_MARKS: Final = 150
"""Marks of one lane: more stand on top of each other on most screens."""
MAX_UNCONFIRMED_DAYS: Final = 36_525
"""A hundred years: nobody recorded confirms anything after more."""

Limit: TypeAlias = Annotated[
    int, Meta(ge=1, le=MAX_LIMIT, description="How many items a page holds at most.")
]
Cursor: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=1_000, description="`next` of the page before.")
]
Position: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Words: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        description="Text that occurs in it, any case, also within a word.",
    ),
]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500)]
AsOf: TypeAlias = Annotated[date, Meta(description="The date in the world asked about.")]
KnownAt: TypeAlias = Annotated[
    datetime, Meta(tz=True, description="The moment of the record asked about, inclusive.")
]
KnownPosition: TypeAlias = Annotated[
    int,
    Meta(ge=0, le=2**53 - 1, description="The moment of the record asked about, as a position."),
]
RecordMoment: TypeAlias = (
    Annotated[int, Meta(ge=0, le=2**53 - 1)] | Annotated[datetime, Meta(tz=True)]
)
TimelineFormat: TypeAlias = Literal[
    "json", "ndjson", "csv", "atom", "jsonfeed", "ics", "timelinejs", "jsonld"
]
PolicyFormat: TypeAlias = Literal["json", "ics", "timelinejs", "jsonld"]
HistoryFormat: TypeAlias = Literal["json", "atom", "jsonfeed", "prov"]
FORMAT: Final = Meta(description="How it is written; wins over `Accept`.")

Jurisdiction: TypeAlias = Annotated[
    JurisdictionId, Meta(description="An Open Civic Data division id.")
]
Within: TypeAlias = Annotated[
    bool, Meta(description="Take in the jurisdictions below the one given.")
]


class Query(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}
):
    """What all questions have in common: an unknown parameter is refused."""


class BothClocks(Query, frozen=True, kw_only=True):
    """A question about a day in the world, as known at a moment of the record."""

    as_of: AsOf | None = None
    known_at: KnownAt | None = None
    known_position: KnownPosition | None = None


class ClockedPage(BothClocks, frozen=True, kw_only=True):
    """A question on both clocks that is answered page by page."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class PlacedPage(ClockedPage, frozen=True, kw_only=True):
    """One that can be narrowed to a place."""

    jurisdiction: Jurisdiction | None = None
    within: Within = False


class RecordQuery(Query, frozen=True, kw_only=True):
    """`POST /v1/events`."""

    dry_run: Annotated[
        bool, Meta(description="Record nothing, and answer what would become of the policies.")
    ] = False
    as_of: (
        Annotated[date, Meta(description="The date of before and after, with `dry_run`.")] | None
    ) = None
    wait: (
        Annotated[
            Literal["proof"],
            Meta(description="Answer once a checkpoint has the events, and with it."),
        ]
        | None
    ) = None


class DateQuery(Query, frozen=True, kw_only=True):
    """`GET /v1/dates`."""

    edtf: Annotated[str, Meta(description="The text of the date.")]
    kind: Annotated[
        Literal["day", "occurrence"],
        Meta(description="An `occurrence` may also be a moment, with its time of day and zone."),
    ] = "day"


class RegisteredQuery(Query, frozen=True, kw_only=True):
    """`GET /record/policies`."""

    q: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="Words, each of which its title, summary, id or identifiers have, any case.",
        ),
    ]


class AlikeQuery(Query, frozen=True, kw_only=True):
    """`GET /record/alike`."""

    title: Annotated[
        str, Meta(min_length=1, max_length=1_000, description="What it would be called.")
    ]
    jurisdiction: Jurisdiction
    identifier: Annotated[
        tuple[Text, ...],
        Meta(max_length=64, description="`scheme:value`; it may be repeated."),
    ] = ()


class PlacesQuery(Query, frozen=True, kw_only=True):
    """`GET /record/places`."""

    q: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=200,
                description="Words, each of which its name or id has, any case.",
            ),
        ]
        | None
    ) = None
    jurisdiction: (
        Annotated[
            JurisdictionId,
            Meta(description="This place, whether the record has it or not, and those within it."),
        ]
        | None
    ) = None


class ActionsAsked(BothClocks, frozen=True, kw_only=True):
    """A question about actions: which ones."""

    jurisdiction: Jurisdiction | None = None
    within: Within = False
    policy: Annotated[PolicyId, Meta(description="The actions of one policy.")] | None = None
    around: Annotated[PolicyId, Meta(description="A policy and those related to it.")] | None = None
    depth: (
        Annotated[
            int, Meta(ge=1, le=MAX_DEPTH, description="How many relations away `around` reaches.")
        ]
        | None
    ) = None
    instrument: Annotated[Instrument, Meta(description="The legal form of the policy.")] | None = (
        None
    )
    action: Annotated[Action, Meta(description="What happened.")] | None = None
    topic: Annotated[Text, Meta(description="A topic of the policy, any case.")] | None = None
    actor: Annotated[Text, Meta(description="Who acted, by name, any case.")] | None = None
    body: Annotated[Text, Meta(description="The body that acted, by name, any case.")] | None = None
    from_: (
        Annotated[Edtf, Meta(description="Actions that may have occurred on or after this date.")]
        | None
    ) = None
    to: (
        Annotated[Edtf, Meta(description="Actions that may have occurred on or before this date.")]
        | None
    ) = None
    q: Words | None = None


class TimelineQuery(ActionsAsked, frozen=True, kw_only=True):
    """`GET /v1/timeline`."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None
    order: Annotated[Literal["asc", "desc"], Meta(description="Oldest first, or newest first.")] = (
        "asc"
    )
    format: Annotated[TimelineFormat, FORMAT] | None = None


class PictureQuery(ActionsAsked, frozen=True, kw_only=True):
    """`GET /v1/picture`."""

    marks: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_MARKS,
            description="How many actions a lane shows one by one; where it has more, it counts them.",
        ),
    ] = DEFAULT_MARKS
    relations: Annotated[
        bool, Meta(description="Add the relations between the policies that are shown.")
    ] = False
    differing: Annotated[
        bool,
        Meta(
            description="Add the policies that have another force today, as known now: the first 100."
        ),
    ] = False


class PoliciesAsked(PlacedPage, frozen=True, kw_only=True):
    """A question about policies: which ones."""

    instrument: Annotated[Instrument, Meta(description="The legal form.")] | None = None
    topic: Annotated[Text, Meta(description="A topic, any case.")] | None = None
    identifier: (
        Annotated[
            str,
            Meta(
                pattern=IDENTIFIER_PATTERN,
                max_length=400,
                description="`scheme:value`.",
            ),
        ]
        | None
    ) = None
    stage: (
        Annotated[
            str,
            Meta(
                description="The latest stage, or one that is possible; `unknown` where the date"
                " falls into an uncertain boundary.",
                extra_json_schema={"enum": STAGES},
            ),
        ]
        | None
    ) = None
    force: (
        Annotated[
            Force,
            Meta(
                description="The legal force, or one that is possible; `unknown` also where the"
                " date falls into an uncertain boundary."
            ),
        ]
        | None
    ) = None
    litigation: (
        Annotated[
            str,
            Meta(
                description="The gravest open case, or one that is possible; `unknown` where the"
                " date falls into an uncertain boundary.",
                extra_json_schema={"enum": LITIGATIONS},
            ),
        ]
        | None
    ) = None
    in_force: Annotated[InForce, Meta(description="Whether it is in force on the date.")] | None = (
        None
    )
    q: Words | None = None


class PoliciesQuery(PoliciesAsked, frozen=True, kw_only=True):
    """`GET /v1/policies`."""

    format: Annotated[TimelineFormat, FORMAT] | None = None


class JurisdictionsQuery(PlacedPage, frozen=True, kw_only=True):
    """`GET /v1/jurisdictions`."""


class GraphQuery(BothClocks, frozen=True, kw_only=True):
    """`GET /v1/graph`."""

    policy: Annotated[PolicyId, Meta(description="The policy in the middle.")]
    depth: Annotated[
        int, Meta(ge=1, le=MAX_DEPTH, description="How many relations away the graph reaches.")
    ] = 1


class ReviewQuery(PlacedPage, frozen=True, kw_only=True):
    """`GET /v1/review`."""

    kind: Annotated[ReviewKind, Meta(description="Why to look.")] | None = None
    unconfirmed_days: Annotated[
        int, Meta(ge=0, le=MAX_UNCONFIRMED_DAYS, description="After how many days it is long.")
    ] = 365


class PolicyQuery(BothClocks, frozen=True, kw_only=True):
    """`GET /v1/policies/{policy}`."""

    format: Annotated[PolicyFormat, FORMAT] | None = None


class HistoryQuery(ClockedPage, frozen=True, kw_only=True):
    """`GET /v1/policies/{policy}/history`."""

    format: Annotated[HistoryFormat, FORMAT] | None = None


class ChangesQuery(Query, frozen=True, kw_only=True):
    """`GET /v1/changes`."""

    from_: Annotated[
        RecordMoment,
        Meta(description="What the record knew before: an instant, inclusive, or a position."),
    ]
    to: (
        Annotated[
            RecordMoment,
            Meta(description="What it knew after: an instant, inclusive, or a position."),
        ]
        | None
    ) = None
    policy: PolicyId | None = None
    jurisdiction: Jurisdiction | None = None
    within: Within = False
    instrument: Annotated[Instrument, Meta(description="The legal form.")] | None = None
    topic: Annotated[Text, Meta(description="A topic, any case.")] | None = None
    as_of: AsOf | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class EventsQuery(Query, frozen=True, kw_only=True):
    """`GET /v1/events`; parameters that are lists may be repeated, any of their values matches."""

    after: Annotated[Position, Meta(description="Events after this position.")] = 0
    type: Annotated[
        tuple[EventType, ...], Meta(max_length=9, description="The type of the event.")
    ] = ()
    policy: Annotated[
        tuple[PolicyId, ...], Meta(max_length=100, description="The policy whose stream it is in.")
    ] = ()
    jurisdiction: Annotated[
        tuple[JurisdictionId, ...],
        Meta(max_length=100, description="The policy's jurisdiction at that version."),
    ] = ()
    topic: Annotated[
        tuple[Text, ...],
        Meta(max_length=100, description="A topic of the policy at that version, any case."),
    ] = ()
    actor: Annotated[
        tuple[Text, ...], Meta(max_length=100, description="Who acted, by name, any case.")
    ] = ()
    identifier: Annotated[
        tuple[Text, ...], Meta(max_length=100, description="`scheme:value`.")
    ] = ()
    recorded_by: Annotated[
        tuple[PrincipalName, ...],
        Meta(max_length=100, description="The principal that recorded it."),
    ] = ()
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class EventQuery(Query, frozen=True, kw_only=True):
    """`GET /v1/events/{id}`."""

    proof: Annotated[
        bool,
        Meta(description="Add the entry, the salt, and the proof that the entry is in the log."),
    ] = False
    cosignatures: Annotated[
        int,
        Meta(
            ge=0,
            le=64,
            description="With `proof`: prove it under the newest checkpoint that at least so many witnesses have cosigned, not under the newest of all.",
        ),
    ] = 0


class ReplayQuery(Query, frozen=True, kw_only=True):
    """`GET /v1/audit/replay`."""

    position: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2**53 - 1,
                description="The last event to replay; that which the read models reflect where it is not given.",
            ),
        ]
        | None
    ) = None


class InclusionQuery(Query, frozen=True, kw_only=True):
    """`GET /v1/audit/proof/inclusion`."""

    position: Annotated[int, Meta(ge=1, le=2**53 - 1, description="The entry's position.")]
    size: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=2**53 - 1,
                description="The tree's entries; those of the newest checkpoint where it is not given.",
            ),
        ]
        | None
    ) = None


class ConsistencyQuery(Query, frozen=True, kw_only=True):
    """`GET /v1/audit/proof/consistency`."""

    from_: Annotated[int, Meta(ge=0, le=2**53 - 1, description="The older tree's entries.")]
    to: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2**53 - 1,
                description="The newer tree's entries; those of the newest checkpoint where it is not given.",
            ),
        ]
        | None
    ) = None
