"""Which policies have nothing to do with each other, so that they can be worked out apart.

Owns the closure over references: who points at whom, or could. Must not know what follows from it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from timeline.domain.references import ANYWHERE, CLAIMED_KIND, PLACE

GROUP_EVENTS: Final = 1_000
"""Events worked out and written together: a fraction of a second, in which others wait to write."""

MAX_TOGETHER: Final = 20_000
"""Events of policies that are bound together, and still held in memory at once: some 200 MB."""

_SELECTOR: Final = "selector/"


class _Forest:
    """Disjoint sets of names, with paths halved as they are walked (Tarjan, J. ACM 22, 1975)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, name: str) -> str:
        """Return the name that stands for a name's set."""
        parent = self._parent
        while (above := parent.setdefault(name, name)) != name:
            parent[name] = parent.setdefault(above, above)
            name = above
        return name

    def unite(self, one: str, other: str) -> None:
        """Make one set of two."""
        self._parent[self.root(one)] = self.root(other)


def grouped(
    sizes: Mapping[str, int],
    links: Iterable[tuple[str, str]],
    registered_in: Callable[[str | None], Iterable[str]],
) -> tuple[list[list[str]], frozenset[str]]:
    """Sort policies into groups that nothing outside of them bears on.

    Args:
        sizes: how many events each policy has.
        links: policies, each with a key that one of its events ever pointed at or was known by.
        registered_in: returns the policies that were ever in a jurisdiction, or all.

    Returns:
        The groups, of some GROUP_EVENTS events each; and the policies that too many are bound
        together with to be held in memory at once.

    """
    forest = _Forest()
    selectors: set[str] = set()
    for policy, named in links:
        if named == CLAIMED_KIND:
            continue  # Who is pointed at is linked by the relation itself.
        key = _SELECTOR + named.removeprefix(PLACE) if named.startswith(PLACE) else named
        forest.unite(policy, key)
        if named.startswith(_SELECTOR):
            selectors.add(key)
    for key in selectors:
        for policy in registered_in(None if key == ANYWHERE else key.removeprefix(_SELECTOR)):
            forest.unite(policy, key)
    bound: dict[str, list[str]] = {}
    for policy in sizes:
        bound.setdefault(forest.root(policy), []).append(policy)
    small: list[list[str]] = []
    large: list[list[str]] = []
    for policies in bound.values():
        size = sum(sizes[policy] for policy in policies)
        (small if size <= MAX_TOGETHER else large).append(policies)
    return list(_packed(small, sizes)), frozenset(policy for each in large for policy in each)


def _packed(bound: Iterable[list[str]], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    group: list[str] = []
    events = 0
    for policies in bound:
        size = sum(sizes[policy] for policy in policies)
        if group and events + size > GROUP_EVENTS:
            yield group
            group, events = [], 0
        group += policies
        events += size
    if group:
        yield group
