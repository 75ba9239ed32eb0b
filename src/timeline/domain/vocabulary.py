"""The words of the record, as tables.

Owns the instruments, the actions with their effects and their rank on one day, and the relations.
One table drives the fold, the API's vocabulary, the docs and the importers. Must not know how an
effect is computed: that is `history`'s business.
"""

from enum import StrEnum
from typing import Final

import msgspec


class EventType(StrEnum):
    """The type tag of an event."""

    POLICY_REGISTERED = "PolicyRegistered"
    POLICY_DESCRIBED = "PolicyDescribed"
    ACTION_RECORDED = "ActionRecorded"
    ACTION_CORRECTED = "ActionCorrected"
    SOURCE_ATTACHED = "SourceAttached"
    RELATION_ASSERTED = "RelationAsserted"
    EVENT_RETRACTED = "EventRetracted"
    POLICIES_MERGED = "PoliciesMerged"
    PAYLOAD_ERASED = "PayloadErased"


class Instrument(StrEnum):
    """The legal form of a policy."""

    EXECUTIVE_ORDER = "executive_order"
    EXECUTIVE_DIRECTIVE = "executive_directive"
    PROCLAMATION = "proclamation"
    ORDINANCE = "ordinance"
    LOCAL_LAW = "local_law"
    STATUTE = "statute"
    BILL = "bill"
    RESOLUTION = "resolution"
    MOTION = "motion"
    AGENCY_RULE = "agency_rule"
    AGREEMENT = "agreement"
    COURT_ORDER = "court_order"
    LAWSUIT = "lawsuit"
    STATEMENT = "statement"
    OTHER = "other"


class Action(StrEnum):
    """Something that happens to a policy in the world."""

    PROPOSED = "proposed"
    INTRODUCED = "introduced"
    REFERRED = "referred"
    HEARING_HELD = "hearing_held"
    LAID_OVER = "laid_over"
    ADVANCED = "advanced"
    AMENDED = "amended"
    PASSED = "passed"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    DIED = "died"
    SENT_TO_EXECUTIVE = "sent_to_executive"
    VETOED = "vetoed"
    OVERRIDE_FAILED = "override_failed"
    OVERRIDE_PASSED = "override_passed"
    LAPSED_INTO_LAW = "lapsed_into_law"
    SIGNED = "signed"
    ISSUED = "issued"
    ENACTED = "enacted"
    FILED = "filed"
    STATED = "stated"
    TOOK_EFFECT = "took_effect"
    EXTENDED = "extended"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    REPEALED = "repealed"
    RESCINDED = "rescinded"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    CHALLENGED = "challenged"
    APPEALED = "appealed"
    REVERSED = "reversed"
    ENJOINED = "enjoined"
    INJUNCTION_STAYED = "injunction_stayed"
    INJUNCTION_LIFTED = "injunction_lifted"
    UPHELD = "upheld"
    STRUCK_DOWN = "struck_down"
    DISMISSED = "dismissed"
    CONFIRMED = "confirmed"
    OTHER = "other"


class Relation(StrEnum):
    """How one policy bears on another; stored once, directed from the policy that asserts it."""

    IMPLEMENTS = "implements"
    CODIFIES = "codifies"
    AMENDS = "amends"
    REPEALS = "repeals"
    RESCINDS = "rescinds"
    SUPERSEDES = "supersedes"
    SUSPENDS = "suspends"
    CONTINUES = "continues"
    EXTENDS = "extends"
    SUPPLEMENTS = "supplements"
    REAFFIRMS = "reaffirms"
    RESPONDS_TO = "responds_to"
    CHALLENGES = "challenges"
    ENJOINS = "enjoins"
    STAYS = "stays"
    UPHOLDS = "upholds"
    CITES = "cites"
    CONFLICTS_WITH = "conflicts_with"
    COMPANION_OF = "companion_of"
    SIMILAR_TO = "similar_to"


class Force(StrEnum):
    """The axis of legal force."""

    NOT_ENACTED = "not_enacted"
    NOT_YET_IN_FORCE = "not_yet_in_force"
    IN_FORCE = "in_force"
    PARTIALLY_IN_FORCE = "partially_in_force"
    SUSPENDED = "suspended"
    NO_LONGER_IN_FORCE = "no_longer_in_force"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class ForceReason(StrEnum):
    """Why a policy is no longer in force."""

    REPEALED = "repealed"
    RESCINDED = "rescinded"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    STRUCK_DOWN = "struck_down"


class Litigation(StrEnum):
    """The axis of litigation."""

    NONE = "none"
    DISMISSED = "dismissed"
    UPHELD = "upheld"
    CHALLENGED = "challenged"
    ENJOINED = "enjoined"
    STRUCK_DOWN = "struck_down"


class InForce(StrEnum):
    """The answer to "is it in force on that day?"."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


class Effect(StrEnum):
    """What an action does to the three axes."""

    STAGE = "stage"
    AMEND = "amend"
    PASS = "pass"  # noqa: S105 - a vote, no password
    ENACT = "enact"
    BEGIN = "begin"
    EXTEND = "extend"
    SUSPEND = "suspend"
    RESUME = "resume"
    END = "end"
    LITIGATE = "litigate"
    CONFIRM = "confirm"
    NOTHING = "nothing"


class ActionRule(msgspec.Struct, frozen=True):
    """One row of the table: an action, its effect and what the vocabulary says of it."""

    action: Action
    effect: Effect
    description: str


_ROWS: Final = (
    (Action.PROPOSED, Effect.STAGE, "Announced or put forward, not yet before a body."),
    (Action.INTRODUCED, Effect.STAGE, "Put before the body that decides; a motion or bill."),
    (Action.REFERRED, Effect.STAGE, "Sent to a committee or an office."),
    (Action.HEARING_HELD, Effect.STAGE, "Heard in public."),
    (Action.LAID_OVER, Effect.STAGE, "Put off to a later meeting."),
    (
        Action.ADVANCED,
        Effect.STAGE,
        "Approved on the way: a committee, a reading, one chamber. Never enacts.",
    ),
    (
        Action.AMENDED,
        Effect.AMEND,
        "Text changed. A stage until enactment; with `until` it moves the end.",
    ),
    (
        Action.PASSED,
        Effect.PASS,
        "Finally approved by the body. Enacts what needs no executive.",
    ),
    (Action.FAILED, Effect.STAGE, "Voted down."),
    (Action.WITHDRAWN, Effect.STAGE, "Taken back by its sponsors."),
    (Action.DIED, Effect.STAGE, "Ended with the session, undecided."),
    (Action.SENT_TO_EXECUTIVE, Effect.STAGE, "On the desk of the mayor, governor or president."),
    (Action.VETOED, Effect.STAGE, "Refused by the executive."),
    (Action.OVERRIDE_FAILED, Effect.STAGE, "The veto stood."),
    (Action.OVERRIDE_PASSED, Effect.ENACT, "The veto was overridden."),
    (Action.LAPSED_INTO_LAW, Effect.ENACT, "Became law unsigned."),
    (Action.SIGNED, Effect.ENACT, "Signed by the executive."),
    (Action.ISSUED, Effect.ENACT, "Issued by an executive, agency or court."),
    (Action.ENACTED, Effect.ENACT, "Became law; the route is not stated."),
    (Action.FILED, Effect.STAGE, "Lodged: a lawsuit, a petition."),
    (Action.STATED, Effect.STAGE, "Said in public: a statement."),
    (
        Action.TOOK_EFFECT,
        Effect.BEGIN,
        "Force begins. Implies enactment, at the latest that day.",
    ),
    (Action.EXTENDED, Effect.EXTEND, "The end moves; after the end, force reopens with a gap."),
    (Action.SUSPENDED, Effect.SUSPEND, "Put out of force for a time."),
    (Action.RESUMED, Effect.RESUME, "A suspension is lifted."),
    (Action.REPEALED, Effect.END, "Ended by a law-maker."),
    (Action.RESCINDED, Effect.END, "Ended by the one who issued it, or a successor."),
    (Action.SUPERSEDED, Effect.END, "Ended by being replaced."),
    (Action.EXPIRED, Effect.END, "Ended by its own term."),
    (Action.CHALLENGED, Effect.LITIGATE, "A case against it is open."),
    (Action.APPEALED, Effect.LITIGATE, "A decided case is open again."),
    (Action.REVERSED, Effect.LITIGATE, "What was decided is undone; the case is open."),
    (Action.ENJOINED, Effect.LITIGATE, "A court forbids enforcement; suspends."),
    (Action.INJUNCTION_STAYED, Effect.LITIGATE, "The injunction does not apply for now."),
    (Action.INJUNCTION_LIFTED, Effect.LITIGATE, "The injunction is gone."),
    (Action.UPHELD, Effect.LITIGATE, "A court found it lawful."),
    (Action.STRUCK_DOWN, Effect.LITIGATE, "A court found it void; ends."),
    (Action.DISMISSED, Effect.LITIGATE, "The case ended without a decision against it."),
    (Action.CONFIRMED, Effect.CONFIRM, "Seen in force on that day."),
    (Action.OTHER, Effect.NOTHING, "Anything else; `label` holds the source's words."),
)

ACTIONS: Final[dict[Action, ActionRule]] = {
    action: ActionRule(action, effect, description) for action, effect, description in _ROWS
}
"""Every action with its effect. The order is the rank of actions on one day."""

RANK: Final[dict[Action, int]] = {action: rank for rank, action in enumerate(ACTIONS)}

NEEDS_EXECUTIVE: Final = frozenset(
    {Instrument.ORDINANCE, Instrument.LOCAL_LAW, Instrument.STATUTE, Instrument.BILL}
)
"""Instruments that a vote alone does not enact."""

IN_FORCE_FROM_ENACTMENT: Final = frozenset(
    {
        Instrument.EXECUTIVE_ORDER,
        Instrument.EXECUTIVE_DIRECTIVE,
        Instrument.PROCLAMATION,
        Instrument.COURT_ORDER,
        Instrument.RESOLUTION,
        Instrument.MOTION,
    }
)
"""Instruments in force from the enacting date where no effective date is given."""

WITHOUT_FORCE: Final = frozenset({Instrument.LAWSUIT, Instrument.STATEMENT})
"""Instruments to which legal force does not apply."""

END_REASON: Final[dict[Action, ForceReason]] = {
    Action.REPEALED: ForceReason.REPEALED,
    Action.RESCINDED: ForceReason.RESCINDED,
    Action.SUPERSEDED: ForceReason.SUPERSEDED,
    Action.EXPIRED: ForceReason.EXPIRED,
}

GRAVITY: Final = (
    Litigation.STRUCK_DOWN,
    Litigation.ENJOINED,
    Litigation.CHALLENGED,
    Litigation.UPHELD,
    Litigation.DISMISSED,
    Litigation.NONE,
)
"""Litigation by gravity, gravest first."""

FORCE_PRECEDENCE: Final = (
    Force.NOT_ENACTED,
    Force.NOT_YET_IN_FORCE,
    Force.NO_LONGER_IN_FORCE,
    Force.SUSPENDED,
    Force.UNKNOWN,
    Force.PARTIALLY_IN_FORCE,
    Force.IN_FORCE,
)
"""The first value that applies is the answer."""


class RelationRule(msgspec.Struct, frozen=True):
    """One row of the table of relations.

    `kind_of` names the wider relation that this one implies; `acts` says whether it changes the
    target's axes; `action` is what it amounts to on the target's timeline; `symmetric` says whether
    it reads the same from both sides.
    """

    relation: Relation
    description: str
    kind_of: Relation | None = None
    acts: bool = False
    action: Action | None = None
    symmetric: bool = False


def _acting(relation: Relation, description: str, action: Action) -> RelationRule:
    return RelationRule(relation, description, acts=True, action=action)


RELATIONS: Final[dict[Relation, RelationRule]] = {
    rule.relation: rule
    for rule in (
        RelationRule(Relation.IMPLEMENTS, "Carries the target out."),
        RelationRule(Relation.CODIFIES, "Writes the target into law.", kind_of=Relation.IMPLEMENTS),
        RelationRule(Relation.AMENDS, "Changes the target's text.", action=Action.AMENDED),
        _acting(Relation.REPEALS, "Ends the target.", Action.REPEALED),
        _acting(Relation.RESCINDS, "Takes the target back.", Action.RESCINDED),
        _acting(Relation.SUPERSEDES, "Replaces the target.", Action.SUPERSEDED),
        _acting(Relation.SUSPENDS, "Puts the target out of force for a time.", Action.SUSPENDED),
        _acting(Relation.CONTINUES, "Keeps the target in force.", Action.EXTENDED),
        _acting(Relation.EXTENDS, "Moves the target's end.", Action.EXTENDED),
        RelationRule(Relation.SUPPLEMENTS, "Adds to the target."),
        RelationRule(Relation.REAFFIRMS, "Says again what the target says."),
        RelationRule(Relation.RESPONDS_TO, "Answers the target."),
        _acting(Relation.CHALLENGES, "Contests the target in court.", Action.CHALLENGED),
        _acting(Relation.ENJOINS, "Forbids the target's enforcement.", Action.ENJOINED),
        _acting(Relation.STAYS, "Holds the target back for now.", Action.SUSPENDED),
        RelationRule(Relation.UPHOLDS, "Finds the target lawful.", action=Action.UPHELD),
        RelationRule(Relation.CITES, "Mentions the target."),
        RelationRule(Relation.CONFLICTS_WITH, "Cannot be followed with it.", symmetric=True),
        RelationRule(Relation.COMPANION_OF, "Moves together with it.", symmetric=True),
        RelationRule(Relation.SIMILAR_TO, "Takes a like stance.", symmetric=True),
    )
}
"""Every relation, in the vocabulary's order."""
