"""The vocabulary as served: section by section, each word with what it does.

Owns the shape of the document. The words are the domain's; must not know HTTP.
"""

from functools import cache
from typing import Any, Final

from timeline.application.access import NEEDED_ROLE
from timeline.domain.events import SCHEMA_VERSIONS, MemberVote, Scope, SourceClass, Stance
from timeline.domain.vocabulary import (
    ACTIONS,
    IN_FORCE_FROM_ENACTMENT,
    NEEDS_EXECUTIVE,
    RELATIONS,
    WITHOUT_FORCE,
    EventType,
    Force,
    ForceReason,
    InForce,
    Instrument,
    Litigation,
)

_WORDS: Final = {
    "force": Force,
    "force_reasons": ForceReason,
    "litigation": Litigation,
    "in_force": InForce,
    "source_classes": SourceClass,
    "stances": Stance,
    "scopes": Scope,
    "member_votes": MemberVote,
}


@cache
def vocabulary() -> dict[str, Any]:
    """Return every word of the record; actions come in the order of their rank on one day."""
    return {
        "actions": [
            {
                "action": str(rule.action),
                "rank": rank,
                "effect": str(rule.effect),
                "description": rule.description,
            }
            for rank, rule in enumerate(ACTIONS.values())
        ],
        "instruments": [_instrument(instrument) for instrument in Instrument],
        "relations": [
            {
                "relation": str(rule.relation),
                "description": rule.description,
                "kind_of": None if rule.kind_of is None else str(rule.kind_of),
                "acts": rule.acts,
                "symmetric": rule.symmetric,
            }
            for rule in RELATIONS.values()
        ],
        "event_types": [
            {"type": str(type), "schema": SCHEMA_VERSIONS[type], "role": NEEDED_ROLE[type].value}
            for type in EventType
        ],
        **{name: [str(word) for word in words] for name, words in _WORDS.items()},
    }


def _instrument(instrument: Instrument) -> dict[str, Any]:
    return {
        "instrument": str(instrument),
        "needs_executive": instrument in NEEDS_EXECUTIVE,
        "in_force_from_enactment": instrument in IN_FORCE_FROM_ENACTMENT,
        "has_force": instrument not in WITHOUT_FORCE,
    }
