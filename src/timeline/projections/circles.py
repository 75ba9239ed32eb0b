"""Policies whose relations lead back to them (rule 7), as believed and as each open claim has them.

Owns which relations of a cycle count for whom. Must not know how policies are found, nor rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol, TypeAlias

import msgspec

from timeline.domain.bearing import POSSIBLY, Bearing, Reach, effect_order
from timeline.domain.belief import Belief, BelievedRelation
from timeline.domain.doubt import AXES, MAX_CLAIMS, RELATED, Account, claimed_beliefs
from timeline.domain.history import Folder, History, asserted, bears, points, reached
from timeline.projections.components import components

MAX_CYCLE: Final = 100
"""Relations among policies that bear on each other in a cycle, followed in the order of their
effect; where there are more, they count as ones that possibly act."""

Effect: TypeAlias = tuple[int, int, int]
"""Where a relation stands in the order of effects."""


class Surroundings(Protocol):
    """What a circle is asked to be worked out from."""

    def belief(self, policy: str) -> Belief | None:
        """Return what is believed of a policy."""

    def sources(self, policy: str) -> frozenset[str]:
        """Return who may bear on a policy, as believed or as claimed."""

    def bearings(self, policy: str, sources: Iterable[str]) -> Iterator[Bearing]:
        """Yield what bears on a policy from sources that are worked out already."""


class Circle:
    """Policies that may bear on each other, by what is believed and claimed all together.

    What is believed may hold no cycle, or another one than a claim leads to: each account is worked
    out by itself.
    """

    def __init__(self, around: Surroundings, members: frozenset[str]) -> None:
        beliefs = {each: around.belief(each) for each in sorted(members)}
        self._beliefs = {each: belief for each, belief in beliefs.items() if belief is not None}
        self._inside = {each: around.sources(each) & members for each in self._beliefs}
        self._outside = {
            each: tuple(around.bearings(each, around.sources(each) - members))
            for each in self._beliefs
        }
        self._own = {
            each: dict(islice(claimed_beliefs(belief), MAX_CLAIMS + 1))
            for each, belief in self._beliefs.items()
        }
        self._believed = _World(self._beliefs, self._outside, self._inside)
        self._claimed: dict[str, _World] = {}

    def history(self, policy: str, folder: Folder) -> History:
        """Return a member's history, worked out by a folder of its own."""
        belief = self._beliefs[policy]
        bearings = tuple(self._believed.bearings(policy))
        claims = list(islice(self._claims(policy), MAX_CLAIMS + 1))
        accounts = (self._account(policy, by) for by in claims[:MAX_CLAIMS])
        return folder.concluded(
            belief,
            bearings,
            [each for each in accounts if (each.belief, each.bearings) != (belief, bearings)],
            beyond=self._beyond(policy, len(claims)),
        )

    def _claims(self, policy: str) -> Iterable[str]:
        """Return the claims that are followed for a member, its own first."""
        others = (by for each, told in self._own.items() if each != policy for by in told)
        outside = (
            variant.by
            for bearings in self._outside.values()
            for bearing in bearings
            for variant in bearing.variants
        )
        return dict.fromkeys((*self._own[policy], *others, *outside))

    def _beyond(self, policy: str, claims: int) -> Sequence[str]:
        """Return the axes on which there are claims that are not followed."""
        if len(self._own[policy]) > MAX_CLAIMS:
            return AXES
        outside = (each for bearings in self._outside.values() for each in bearings)
        return RELATED if claims > MAX_CLAIMS or any(each.beyond for each in outside) else ()

    def _account(self, policy: str, by: str) -> Account:
        world = self._claimed.get(by)
        if world is None:
            world = self._claimed[by] = _World(
                {each: self._own[each].get(by, belief) for each, belief in self._beliefs.items()},
                {
                    each: tuple(bearing.as_claimed(by) for bearing in bearings)
                    for each, bearings in self._outside.items()
                },
                self._inside,
            )
        return Account(by, world.beliefs[policy], tuple(world.bearings(policy)))


class _World:
    """What members bear on each other by one account.

    In a cycle, what one of them is by the time a relation of its own takes effect is worked out with
    the relations of the cycle that took effect before; that ends, as each step is an earlier one.
    """

    def __init__(
        self,
        beliefs: Mapping[str, Belief],
        outside: Mapping[str, tuple[Bearing, ...]],
        inside: Mapping[str, frozenset[str]],
    ) -> None:
        self.beliefs = beliefs
        self._outside = outside
        self._inside = {
            each: {source: self._pointing(source, each) for source in sorted(sources)}
            for each, sources in inside.items()
        }
        self._pointed_by = {
            each: [source for source, relations in inside.items() if relations]
            for each, inside in self._inside.items()
        }
        self._cycles: dict[str, frozenset[str]] = {}
        self._followed: set[str] = set()
        """The members of cycles that are followed in the order of their effect."""
        for cycle in components(beliefs, self._pointed_by.__getitem__):
            self._cycles.update(dict.fromkeys(cycle, cycle))
            if sum(len(beliefs[each].relations) for each in cycle) <= MAX_CYCLE:
                self._followed |= cycle
        self._reaches: dict[tuple[str, Effect | None], Reach] = {}
        self._alone: dict[str, Reach] = {}

    def _pointing(self, source: str, policy: str) -> tuple[BelievedRelation, ...]:
        """Return the relations of a source that may point at a policy."""
        if source not in self.beliefs:
            return ()
        belief = self.beliefs[policy]
        relations = asserted(self.beliefs[source])
        return tuple(each for each in relations if points(each.relation, belief))

    def _unreached(self, policy: str) -> list[str]:
        return [] if (policy, None) in self._reaches else self._pointed_by[policy]

    def bearings(self, policy: str) -> Iterator[Bearing]:
        """Yield what bears on a member."""
        for cycle in components([policy], self._unreached):
            for member in sorted(cycle - self._cycles[policy]):
                self._reach(member, None)
        yield from self._bearings(policy, None)

    def _bearings(self, policy: str, before: Effect | None) -> Iterator[Bearing]:
        """Yield what bears on a member: from within its cycle, what takes effect before."""
        yield from self._outside[policy]
        for source in self._pointed_by[policy]:
            if source in self._cycles[policy]:
                yield from self._within(source, policy, before)
            else:
                told = bears(self.beliefs[source], self._reach(source, None))
                yield msgspec.structs.replace(told, relations=self._inside[policy][source])

    def _within(self, source: str, policy: str, before: Effect | None) -> Iterator[Bearing]:
        if source not in self._alone:
            self._alone[source] = reached(self.beliefs[source], ())
        alone = self._alone[source]
        followed = source in self._followed
        told = bears(self.beliefs[source], POSSIBLY)
        for relation in self._inside[policy][source]:
            effect = effect_order(relation, alone.acts)
            if before is None or effect < before:
                reach = self._reach(source, effect) if followed else POSSIBLY
                yield msgspec.structs.replace(told, relations=(relation,), reach=reach)

    def _reach(self, policy: str, before: Effect | None) -> Reach:
        """Return a member's reach, given of its cycle only what takes effect before, if anything."""
        key = policy, before
        if key not in self._reaches:
            bearings = list(self._bearings(policy, before))
            self._reaches[key] = reached(self.beliefs[policy], bearings)
        return self._reaches[key]
