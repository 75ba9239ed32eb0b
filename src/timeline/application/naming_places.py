"""Which place of the record is meant by a name, and which are offered to choose from.

Owns when a name is that of one place. Pure; must not know where the places come from.
"""

from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import Final, NamedTuple

from timeline.domain.situation import fold_text

MAX_OFFERED: Final = 200
"""Places that are offered beside a field: each page carries them all."""

MAX_SUGGESTED: Final = 8
"""Places that a name may mean of which one is asked to choose."""


class Place(NamedTuple):
    """A place of the record."""

    jurisdiction: str
    name: str


class Called(NamedTuple):
    """The one place that a name means; else those of which one may be meant, MAX_SUGGESTED at most."""

    one: Place | None
    may_be: tuple[Place, ...] = ()


def called(text: str, named: Mapping[str, str]) -> Called:
    """Return the place of which this is the name: whole, without what it is, or without what it is in."""
    wanted = fold_text(text)
    folded = [(fold_text(name), Place(id, name)) for id, name in named.items()]
    whole = [each for name, each in folded if name == wanted]
    short = [each for name, each in folded if wanted in _shorter(name)]
    of_name = whole or short
    if len(of_name) == 1:
        return Called(of_name[0])
    words = wanted.split()
    like = [each for name, each in folded if all(word in name for word in words)]
    return Called(None, tuple((of_name or like)[:MAX_SUGGESTED]))


def offered(named: Mapping[str, str]) -> list[Place]:
    """Return places to choose from, the widest first; of very many, not all."""
    places: Iterable[Place] = (Place(*each) for each in named.items())
    return nsmallest(MAX_OFFERED, places, key=_by_width)


def _by_width(place: Place) -> tuple[int, str]:
    return place.jurisdiction.count("/"), place.name


def _shorter(name: str) -> tuple[str, str]:
    bare = name.rpartition(" (")[0]
    return bare, bare.partition(",")[0]
