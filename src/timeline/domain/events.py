"""The events of the record: one frozen struct per type of payload.

Owns the shapes, the bounds and the reading of plain JSON values into them; dates arrive parsed.
Must not know which event may follow which: that is `decide`'s business.

Shapes and bounds: design section 2. A struct is kept here as it was sent: absent stays absent.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from timeline.domain.dates import Edtf, Occurrence
from timeline.domain.errors import InvalidData
from timeline.domain.vocabulary import (
    Action,
    EventType,
    Instrument,
    Relation,
)
from timeline.domain.wording import in_words

MAX_DATA_BYTES: Final = 256 * 1024
"""Canonical size of one event's data: a long ordinance's summary fits, its full text does not."""

SLUG_PATTERN: Final = r"^[a-z0-9]+(-[a-z0-9]+)*(?!\n)$"
UUID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?!\n)$"
JURISDICTION_PATTERN: Final = (
    r"^ocd-division/country:[a-z]{2}"
    r"(/[a-z][a-z0-9_\-]*:[a-z0-9~_.\-\u00df-\u00f6\u00f8-\u024f]+)*(?!\n)$"
)
"""Open Civic Data division ids: segments of `type:id`, all in lower case.

The letters beyond ASCII are those of the Latin scripts, whole (NFC), as in `county:doña_ana`.
Source: https://docs.opencivicdata.org/en/latest/proposals/0002.html
"""

URL_PATTERN: Final = r"^https?://[^\s]+(?!\n)$"
SHA256_PATTERN: Final = r"^[0-9a-f]{64}(?!\n)$"
IDENTIFIER_PATTERN: Final = r"^[^\s:]+:[^\n]*[^\s][^\n]*(?!\n)$"
SCHEME_PATTERN: Final = r"^[^\s:]+(?!\n)$"

PolicyId: TypeAlias = Annotated[str, Meta(pattern=SLUG_PATTERN, max_length=128)]
PrincipalName: TypeAlias = Annotated[str, Meta(pattern=SLUG_PATTERN, max_length=64)]
EventId: TypeAlias = Annotated[str, Meta(pattern=UUID_PATTERN)]
JurisdictionId: TypeAlias = Annotated[str, Meta(pattern=JURISDICTION_PATTERN, max_length=256)]
Title: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1_000)]
ShortText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500)]
LongText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=20_000)]
Topic: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
Url: TypeAlias = Annotated[str, Meta(pattern=URL_PATTERN, max_length=2_000)]
Sha256: TypeAlias = Annotated[str, Meta(pattern=SHA256_PATTERN)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]


class Shape(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """What every payload and its parts have in common.

    They are trees that never change, so the garbage collector need not look for cycles in them: of
    the time that an append takes, it took a third.
    """


class SourceClass(StrEnum):
    """How close a source is to the event."""

    PRIMARY = "primary"
    OFFICIAL = "official"
    NEWS = "news"
    SECONDARY = "secondary"


class Scope(StrEnum):
    """Whether an effect covers the whole policy or a part of it."""

    FULL = "full"
    PARTIAL = "partial"


class Stance(StrEnum):
    """Whether a source bears an event out."""

    SUPPORTS = "supports"
    DISPUTES = "disputes"


class MemberVote(StrEnum):
    """How one member voted."""

    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"
    ABSENT = "absent"


class Source(Shape, frozen=True, kw_only=True, cache_hash=True):
    """Where a statement comes from; `url` or `citation` is needed."""

    url: Url | None = None
    citation: Title | None = None
    title: Title | None = None
    publisher: ShortText | None = None
    class_: SourceClass | None = msgspec.field(default=None, name="class")
    published: Occurrence | None = None
    retrieved: Occurrence | None = None
    archive_url: Url | None = None
    sha256: Sha256 | None = None
    quote: LongText | None = None
    locator: ShortText | None = None

    def __post_init__(self) -> None:
        if self.url is None and self.citation is None:
            msg = "A source has a `url` or a `citation`"
            raise ValueError(msg)


class Origin(Shape, frozen=True, kw_only=True):
    """Where an import took it from: the system, its id there, and that system's own time."""

    system: ShortText
    id: ShortText
    recorded: Occurrence | None = None


class Identifier(Shape, frozen=True, kw_only=True):
    """A name by which others know a policy: an ordinance number, a docket."""

    scheme: Annotated[str, Meta(pattern=SCHEME_PATTERN, max_length=64)]
    value: Annotated[str, Meta(pattern=r"\S", max_length=256)]

    @property
    def key(self) -> str:
        """`scheme:value` as identifiers compare: case folded, without spaces."""
        return identifier_key(self.scheme, self.value)


def identifier_key(scheme: str, value: str) -> str:
    """Return `scheme:value` as identifiers compare: case folded, without spaces."""
    return f"{scheme.casefold()}:{''.join(value.split()).casefold()}"


Citation: TypeAlias = Identifier | Title
"""What lies outside the record: an identifier, or `scheme:value` or plain words as text."""


def citation_key(citation: Identifier | str) -> str:
    """Return the key by which a citation resolves to a policy's identifier.

    Text of the form `scheme:value` resolves as that identifier; other text resolves to nothing,
    and its key is the folded text itself, which no identifier's key can equal (it has no colon,
    or a space before it).
    """
    if isinstance(citation, Identifier):
        return citation.key
    scheme, colon, value = citation.partition(":")
    if colon and scheme and value.strip() and not any(mark.isspace() for mark in scheme):
        return identifier_key(scheme, value)
    return " ".join(citation.casefold().split())


class Party(Shape, frozen=True, kw_only=True):
    """A person or body with the role it has here."""

    name: ShortText
    role: ShortText | None = None


class Counterpart(Shape, frozen=True, kw_only=True):
    """Who acts: a policy of the record, or a citation of what lies outside."""

    policy: PolicyId | None = None
    citation: Citation | None = None

    def __post_init__(self) -> None:
        exactly_one(self, ("policy", "citation"))

    @property
    def key(self) -> str:
        """The counterpart's identity within a fold."""
        if self.policy is not None:
            return f"policy/{self.policy}"
        return f"citation/{citation_key(self.citation or '')}"


class Selector(Shape, frozen=True, kw_only=True):
    """Names many policies at once; evaluated at the position asked about.

    `occurred_from` and `occurred_until` are about a policy's first action that enacts it;
    `in_force_on` is asked before the relation itself acts.
    """

    jurisdiction: JurisdictionId | None = None
    instrument: Instrument | None = None
    occurred_from: Edtf | None = None
    occurred_until: Edtf | None = None
    in_force_on: Edtf | None = None
    except_: Annotated[tuple[PolicyId, ...], Meta(max_length=64)] = msgspec.field(
        default=(), name="except"
    )

    def __post_init__(self) -> None:
        criteria = (
            self.jurisdiction,
            self.instrument,
            self.occurred_from,
            self.occurred_until,
            self.in_force_on,
        )
        if all(criterion is None for criterion in criteria):
            msg = "A selector names at least one criterion besides `except`"
            raise ValueError(msg)


class Target(Shape, frozen=True, kw_only=True):
    """What a relation points at: exactly one of a policy, a citation, a selector."""

    policy: PolicyId | None = None
    citation: Citation | None = None
    selector: Selector | None = None

    def __post_init__(self) -> None:
        exactly_one(self, ("policy", "citation", "selector"))


class Member(Shape, frozen=True, kw_only=True):
    """One member's vote."""

    name: ShortText
    vote: MemberVote


class Vote(Shape, frozen=True, kw_only=True):
    """A count of votes, with the members' own where known."""

    yes: Count | None = None
    no: Count | None = None
    abstain: Count | None = None
    absent: Count | None = None
    members: Annotated[tuple[Member, ...], Meta(max_length=1_000)] = ()


class Claim(Shape, frozen=True, kw_only=True):
    """What a disputing source says instead: a field of the event and its other value."""

    field: ShortText
    value: Any


Sources: TypeAlias = Annotated[tuple[Source, ...], Meta(min_length=1, max_length=100)]
MoreSources: TypeAlias = Annotated[tuple[Source, ...], Meta(max_length=100)]
Identifiers: TypeAlias = Annotated[tuple[Identifier, ...], Meta(max_length=64)]
Topics: TypeAlias = Annotated[tuple[Topic, ...], Meta(max_length=64)]
Parties: TypeAlias = Annotated[tuple[Party, ...], Meta(max_length=64)]


class PolicyRegistered(Shape, frozen=True, kw_only=True):
    """A policy enters the record; always its version 1."""

    title: Title
    instrument: Instrument
    jurisdiction: JurisdictionId
    sources: Sources
    body: ShortText | None = None
    identifiers: Identifiers = ()
    topics: Topics = ()
    sponsors: Parties = ()
    summary: LongText | None = None
    origin: Origin | None = None


class PolicyDescribed(Shape, frozen=True, kw_only=True):
    """The description changes: a field given replaces the whole field, null clears it."""

    reason: LongText
    title: Title | UnsetType = UNSET
    instrument: Instrument | UnsetType = UNSET
    jurisdiction: JurisdictionId | UnsetType = UNSET
    body: ShortText | UnsetType | None = UNSET
    identifiers: Identifiers | UnsetType = UNSET
    topics: Topics | UnsetType = UNSET
    sponsors: Parties | UnsetType = UNSET
    summary: LongText | UnsetType | None = UNSET
    origin: Origin | UnsetType | None = UNSET
    sources: Sources | UnsetType = UNSET


class ActionRecorded(Shape, frozen=True, kw_only=True, cache_hash=True):
    """Something happened to the policy in the world."""

    action: Action
    occurred: Occurrence
    sources: Sources
    effective: Edtf | None = None
    until: Edtf | None = None
    until_condition: LongText | None = None
    label: Title | None = None
    actors: Parties = ()
    body: ShortText | None = None
    by: Counterpart | None = None
    vote: Vote | None = None
    scope: Scope = Scope.FULL
    provision: ShortText | None = None
    summary: LongText | None = None
    origin: Origin | None = None


class ActionChanges(Shape, frozen=True, kw_only=True):
    """The fields of an action that a correction changes: null clears, sources add."""

    action: Action | UnsetType = UNSET
    occurred: Occurrence | UnsetType = UNSET
    sources: Sources | UnsetType = UNSET
    effective: Edtf | UnsetType | None = UNSET
    until: Edtf | UnsetType | None = UNSET
    until_condition: LongText | UnsetType | None = UNSET
    label: Title | UnsetType | None = UNSET
    actors: Parties | UnsetType | None = UNSET
    body: ShortText | UnsetType | None = UNSET
    by: Counterpart | UnsetType | None = UNSET
    vote: Vote | UnsetType | None = UNSET
    scope: Scope | UnsetType | None = UNSET
    provision: ShortText | UnsetType | None = UNSET
    summary: LongText | UnsetType | None = UNSET
    origin: Origin | UnsetType | None = UNSET


class ActionCorrected(Shape, frozen=True, kw_only=True):
    """An action is put right; `event` is always the original ActionRecorded.

    `settles` names the disputing SourceAttached events that this answers: a dispute stays open until
    a correction names it, even one that says what the dispute claims.
    """

    event: EventId
    changes: ActionChanges
    reason: LongText
    settles: Annotated[tuple[EventId, ...], Meta(max_length=100)] = ()
    sources: MoreSources = ()


class SourceAttached(Shape, frozen=True, kw_only=True):
    """A source bears an event out, or disputes a field of it."""

    event: EventId
    source: Source
    stance: Stance
    claim: Claim | None = None

    def __post_init__(self) -> None:
        if self.stance is Stance.DISPUTES and self.claim is None:
            msg = "A source that disputes has a `claim`"
            raise ValueError(msg)


class RelationAsserted(Shape, frozen=True, kw_only=True):
    """The policy bears on another: directed from it to the target."""

    relation: Relation
    target: Target
    sources: Sources
    by: Counterpart | None = None
    scope: Scope = Scope.FULL
    provision: ShortText | None = None
    occurred: Occurrence | None = None
    effective: Edtf | None = None
    until: Edtf | None = None
    origin: Origin | None = None


class EventRetracted(Shape, frozen=True, kw_only=True):
    """An event is taken back; retracting a retraction restores."""

    event: EventId
    reason: LongText


class PoliciesMerged(Shape, frozen=True, kw_only=True):
    """Another policy turned out to be this one."""

    duplicate: PolicyId
    reason: LongText


class PayloadErased(Shape, frozen=True, kw_only=True):
    """An event's payload had to go; the entry and its proof stay."""

    event: EventId
    authority: ShortText
    reason: LongText
    replacement: dict[str, Any] | None = None


Data: TypeAlias = (
    PolicyRegistered
    | PolicyDescribed
    | ActionRecorded
    | ActionCorrected
    | SourceAttached
    | RelationAsserted
    | EventRetracted
    | PoliciesMerged
    | PayloadErased
)

DATA_TYPES: Final[dict[EventType, type[Data]]] = {
    EventType.POLICY_REGISTERED: PolicyRegistered,
    EventType.POLICY_DESCRIBED: PolicyDescribed,
    EventType.ACTION_RECORDED: ActionRecorded,
    EventType.ACTION_CORRECTED: ActionCorrected,
    EventType.SOURCE_ATTACHED: SourceAttached,
    EventType.RELATION_ASSERTED: RelationAsserted,
    EventType.EVENT_RETRACTED: EventRetracted,
    EventType.POLICIES_MERGED: PoliciesMerged,
    EventType.PAYLOAD_ERASED: PayloadErased,
}

SCHEMA_VERSIONS: Final[dict[EventType, int]] = dict.fromkeys(EventType, 1)
"""The current version of each payload's shape; stored in the entry."""


def exactly_one(shape: Shape, names: tuple[str, ...]) -> None:
    """Raise ValueError unless exactly one of the fields is given."""
    if sum(getattr(shape, name) is not None for name in names) != 1:
        msg = f"Exactly one of {', '.join(f'`{name}`' for name in names)} is needed"
        raise ValueError(msg)


def read_custom(kind: type[object], value: object) -> object:
    """Read what JSON has no type for (msgspec's `dec_hook`): dates are text."""
    if issubclass(kind, Edtf):
        if not isinstance(value, str):
            msg = "Expected a date as text"
            raise TypeError(msg)
        return kind.parse(value)
    raise NotImplementedError(kind)


def write_custom(value: object) -> object:
    """Write what JSON has no type for (msgspec's `enc_hook`): dates are their text."""
    if isinstance(value, Edtf):
        return value.text
    raise NotImplementedError(type(value))


def plain(value: object) -> Any:
    """Return a struct, or a collection of them, as plain JSON values."""
    return msgspec.to_builtins(value, enc_hook=write_custom)


_PATH: Final = re.compile(r" - at `([^`]*)`$")
_NAMED_FIELD: Final = re.compile(r"^Object (?:missing required|contains unknown) field `([^`]*)`")


def locate(error: msgspec.ValidationError, root: str, kind: Any = None) -> tuple[str, str]:
    """Split msgspec's message into the dotted field, below `root`, and the reason.

    Args:
        error: what msgspec raised.
        root: where the value stands.
        kind: what it was to be read as, so that the fields of a struct can be named.

    """
    message = str(error)
    found = _PATH.search(message)
    path = found.group(1).removeprefix("$").lstrip(".") if found else ""
    reason = message[: found.start()] if found else message
    named = _NAMED_FIELD.match(reason)
    parts = [root, path, named.group(1) if named else ""]
    field = ".".join(part for part in parts if part).replace(".[", "[")
    name = re.sub(r"\[[^]]*\]$", "", field).rpartition(".")[2]
    fields = () if path or not _is_struct(kind) else kind.__struct_encode_fields__
    return field, in_words(
        reason,
        patterns=_PATTERN_WORDS,
        choices=_CHOICES.get(name),
        shape=_SHAPES.get(name),
        fields=fields,
    )


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


_PATTERN_WORDS: Final = {
    SLUG_PATTERN: "lower-case letters, digits and single hyphens, such as la-ordinance-188441",
    UUID_PATTERN: "a UUID in lower case, such as 01a2027d-da86-709f-bfed-647d39e89a1e",
    JURISDICTION_PATTERN: (
        "an Open Civic Data division id, such as ocd-division/country:us/state:ca/place:los_angeles"
    ),
    URL_PATTERN: "an address that begins with http:// or https://",
    SHA256_PATTERN: "64 hexadecimal digits in lower case",
    r"\S": "text that is not blank",
    IDENTIFIER_PATTERN: "`scheme:value`, such as ordinance:188441",
    SCHEME_PATTERN: "a word without spaces or colons, such as ordinance",
}

_SHAPES: Final = {
    **dict.fromkeys(("source", "sources"), '{"url": "https://…"} or {"citation": "…"}'),
    **dict.fromkeys(("actors", "sponsors"), '{"name": "…"}'),
    "identifiers": '{"scheme": "…", "value": "…"}',
    "by": '{"policy": "…"} or {"citation": "…"}',
    "target": '{"policy": "…"}, {"citation": "…"} or {"selector": {…}}',
    "claim": '{"field": "…", "value": …}',
    "events": '{"policy": "…", "type": "…", "data": {…}}',
}
"""What to write where an object is needed and something else was sent, by the field's name."""

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(str(value) for value in words)
    for name, words in {
        "type": EventType,
        "instrument": Instrument,
        "action": Action,
        "relation": Relation,
        "class": SourceClass,
        "scope": Scope,
        "stance": Stance,
        "vote": MemberVote,
        "expected_version": ("a whole number from 1", "new"),
    }.items()
}
"""The values of every enumeration, by the name of the field that holds it."""


def read(kind: Any, raw: object, root: str) -> Any:
    """Read plain JSON values as `kind`; raises InvalidData that names the field below `root`."""
    try:
        return msgspec.convert(raw, kind, strict=True, dec_hook=read_custom)
    except msgspec.ValidationError as error:
        field, reason = locate(error, root, kind)
        raise InvalidData(field=field, reason=reason) from error


def decode_data(type: EventType, raw: object) -> Data:
    """Read an event's payload.

    Args:
        type: the event's type tag.
        raw: plain JSON values, as a JSON reader gives them.

    Raises:
        InvalidData: naming the field below `data` and what is wrong with it.

    """
    data: Data = read(DATA_TYPES[type], raw, "data")
    return data


def field_type(kind: type[Data], name: str) -> Any | None:
    """Return the declared type of a payload's field by its JSON name, or None where it has none."""
    fields: Iterable[Any] = msgspec.structs.fields(kind)
    return next((field.type for field in fields if field.encode_name == name), None)
