"""Which of a policy's actions tell of the same effect as which relation of another (rule 7).

Owns the pairs of actions and relations, and which relation's policy holds an action that is in no
pair. Must not know what either of them does to the axes.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from timeline.domain.bearing import Inbound, effect_order
from timeline.domain.belief import BelievedAction
from timeline.domain.dates import Edtf
from timeline.domain.effects import earliest_day, latest_day
from timeline.domain.levels import Level
from timeline.domain.vocabulary import Action


class Pairs(NamedTuple):
    """Actions and relations that are one effect, told twice.

    `twins` are the actions, by their relation. `holders` are, by action, the relation as long as
    whose policy lets it the action holds: its twin, or the nearest where others took all of them.
    """

    twins: dict[str, BelievedAction]
    holders: dict[str, Inbound]


UNPAIRED: Final = Pairs({}, {})
"""Of a policy that nothing bears on."""


class _Match(NamedTuple):
    """How well an action and a relation of one kind and by the same one go together, best first.

    `apart` tells that one is over before the other begins, so that they are no one effect.
    """

    apart: bool
    apart_in_part: bool
    doubtful: bool
    apart_days: int
    apart_beginnings: int
    action: int
    position: int
    relation: int


def paired(actions: Sequence[BelievedAction], inbound: Sequence[Inbound]) -> Pairs:
    """Return which of a policy's actions tell of which relations.

    They are of the same kind and by the same one; where both name a provision, of the same; and
    neither is over before the other begins. Each is in one pair at most. First come those that name the same part, and of these the nearest in time;
    of equally near ones the earlier action, and the relation that was recorded first.

    Args:
        actions: the policy's own, in the order of rule 1.
        inbound: the relations that point at it.

    """
    matches = sorted(_matches(actions, inbound))
    twins: dict[str, BelievedAction] = {}
    holders: dict[str, Inbound] = {}
    for match in matches:
        action, relation = actions[match.action], inbound[match.relation]
        taken = action.event in holders or relation.believed.event in twins
        if not (match.apart or taken):
            twins[relation.believed.event] = action
            holders[action.event] = relation
    for match in matches:
        holders.setdefault(actions[match.action].event, inbound[match.relation])
    return Pairs(twins, holders)


def _matches(actions: Sequence[BelievedAction], inbound: Sequence[Inbound]) -> Iterator[_Match]:
    by_kind: dict[tuple[Action, str], list[int]] = {}
    for number, each in enumerate(actions):
        if each.action.by is not None:
            by_kind.setdefault((each.action.action, each.action.by.key), []).append(number)
    for number, relation in enumerate(inbound if by_kind else ()):
        for action in _of_the_same(by_kind, relation):
            match = _match(actions[action], relation)
            if match is not None:
                yield match._replace(action=action, relation=number)


def _of_the_same(by_kind: dict[tuple[Action, str], list[int]], inbound: Inbound) -> Iterable[int]:
    """Return the actions of a relation's kind and by the same one."""
    kind, by = inbound.action, inbound.relation.by
    if kind is None:
        return ()
    keys = inbound.bearing.keys if by is None else inbound.bearing.keys | {by.key}
    return (number for key in keys for number in by_kind.get((kind, key), ()))


def _match(action: BelievedAction, inbound: Inbound) -> _Match | None:
    parts = {action.action.provision, inbound.relation.provision}
    if len(parts - {None}) > 1:
        return None
    when = action.action.effective or action.action.occurred
    first, last = earliest_day(when), latest_day(when)
    begins, begun = _dated(inbound)
    return _Match(
        apart=_over(inbound.relation.until, first) or _over(action.action.until, begins),
        apart_in_part=len(parts) > 1,
        doubtful=inbound.member is not Level.YES,
        apart_days=max(0, begins - last, first - begun),
        apart_beginnings=abs(begins - first),
        action=0,
        position=inbound.believed.position,
        relation=0,
    )


def _over(until: Edtf | None, begins: int) -> bool:
    """Tell whether what has this last day is certainly over before something else begins."""
    return until is not None and latest_day(until) < begins


def _dated(inbound: Inbound) -> tuple[int, int]:
    """Return between which days a relation says that it acts; silent, once its policy lets it."""
    said = inbound.relation.effective or inbound.relation.occurred
    if said is not None:
        return earliest_day(said), latest_day(said)
    first, last, _ = effect_order(inbound.believed, inbound.bearing.reach.acts)
    return first, last
