"""Whom a selector names.

Owns the criteria of selectors, each answered with yes, maybe or no. Must not know how policies are
found, nor the log: a selector is evaluated where it is asked, so that later ones are caught too.
"""

from collections.abc import Iterable, Sequence

from timeline.domain.belief import BelievedAction
from timeline.domain.dates import Edtf
from timeline.domain.effects import earliest_day, latest_day
from timeline.domain.events import Selector
from timeline.domain.levels import Level
from timeline.domain.periods import Period
from timeline.domain.vocabulary import (
    ACTIONS,
    NEEDS_EXECUTIVE,
    Effect,
    InForce,
    Instrument,
)


def chosen(
    selector: Selector,
    instrument: Instrument,
    jurisdiction: str,
    actions: Iterable[BelievedAction],
) -> Level:
    """Return whether a policy meets a selector's criteria, apart from `in_force_on` and `except`.

    Args:
        selector: the criteria; those that are not given are met.
        instrument: the policy's.
        jurisdiction: the policy's.
        actions: the policy's, in order; the first of them that enacts is when it occurred.

    """
    if selector.instrument not in {None, instrument}:
        return Level.NO
    if selector.jurisdiction not in {None, jurisdiction}:
        return Level.NO
    if selector.occurred_from is None and selector.occurred_until is None:
        return Level.YES
    enacting = next((each.action for each in actions if _enacts(instrument, each)), None)
    if enacting is None:
        return Level.NO
    return min(
        _in_order(selector.occurred_from, enacting.occurred),
        _in_order(enacting.occurred, selector.occurred_until),
    )


def _enacts(instrument: Instrument, believed: BelievedAction) -> bool:
    effect = ACTIONS[believed.action.action].effect
    if effect is Effect.PASS:
        return instrument not in NEEDS_EXECUTIVE
    return effect in {Effect.ENACT, Effect.BEGIN}


def _in_order(one: Edtf | None, other: Edtf | None) -> Level:
    """Return whether one date is at or before another; what is not given is."""
    if one is None or other is None or latest_day(one) <= earliest_day(other):
        return Level.YES
    return Level.MAYBE if earliest_day(one) <= latest_day(other) else Level.NO


def standing_on(selector: Selector | None, periods: Sequence[Period]) -> Level:
    """Return whether a policy with these periods was in force on the date that a selector names."""
    if selector is None or selector.in_force_on is None:
        return Level.YES
    first, last = earliest_day(selector.in_force_on), latest_day(selector.in_force_on)
    answers = {each.in_force for each in periods if each.first <= last and each.last >= first}
    if not periods or periods[0].first > first:
        answers.add(InForce.NO)
    if answers == {InForce.YES}:
        return Level.YES
    return Level.NO if answers == {InForce.NO} else Level.MAYBE
