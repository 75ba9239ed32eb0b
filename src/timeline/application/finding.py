"""Finding what is registered, for whoever is about to record: by words, by likeness, by place.

Owns what counts as alike. Listings leave out what has no action yet, by the contract; what is searched
here has it, so that nothing is registered twice. Must not know HTTP.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from timeline.application.moments import Answer, Clocked
from timeline.application.naming_places import Called, Place, called, offered
from timeline.application.queries import AlikeQuery, PlacesQuery, RegisteredQuery
from timeline.domain.divisions import division_name
from timeline.domain.events import identifier_key
from timeline.domain.situation import fold_text
from timeline.projections import registered_reads
from timeline.projections.identities import resolve_identifiers
from timeline.projections.reading import View, view

FOUND: Final = 8
"""What is shown of a search: more is no choice, and one goes on typing."""

MAX_WORDS: Final = 12
"""Words of a search, or of a title, that are looked for: each is asked of every policy."""

CANDIDATES: Final = 50
"""Policies of a place that are compared with a title."""

ALIKE: Final = 0.5
"""The share of their words, weighed by how rare they are, from which on two titles are alike: of
New York's bills, with a word of the title replaced, each of twelve is named, as a rule with 0 to 3 more."""

_WORD: Final = re.compile(r"\w+")


class _Places(msgspec.Struct, frozen=True):
    """The record's places with their names, in order, as one state of the read models has them."""

    state: tuple[int, str, frozenset[str]]
    named: dict[str, str]

    @property
    def position(self) -> int:
        """The position that they reflect."""
        return self.state[0]


class Finding(Clocked):
    """Finds what is registered."""

    _places: _Places | None = None

    def registered(self, query: RegisteredQuery) -> Answer:
        """Return the policies that have every word."""
        words = list(dict.fromkeys(fold_text(query.q).split()))[:MAX_WORDS]
        with view(self._engine) as live:
            position = live.position
            found = registered_reads.select_by_words(
                live, words, position=position, limit=FOUND + 1
            )
            live.mark(found, position)
        return _answer(map(_placed, found), position)

    def alike(self, query: AlikeQuery) -> Answer:
        """Return a place's policies that may be the one that is about to be registered."""
        words = sorted(_words(query.title), key=lambda word: (-len(word), word))[:MAX_WORDS]
        keys = [identifier_key(*each.partition(":")[::2]) for each in query.identifier]
        with view(self._engine) as live:
            position = live.position
            carriers = sorted(
                {each for ids in resolve_identifiers(live, keys, position).values() for each in ids}
            )
            same = [
                each
                for each in registered_reads.select_by_ids(live, carriers, position=position)
                if each["jurisdiction"] == query.jurisdiction
            ]
            candidates = registered_reads.select_by_any_word(
                live, words, query.jurisdiction, position=position, limit=CANDIDATES
            )
            live.mark([*same, *candidates], position)
        found = {each["policy"]: {**each, "why": "same identifier"} for each in same}
        for each, why in _ranked(query.title, candidates):
            found.setdefault(each["policy"], {**each, "why": why})
        return _answer(map(_placed, found.values()), position)

    def places(self, query: PlacesQuery) -> Answer:
        """Return the places of the record that a name, or an id, may mean; the best matches first."""
        with view(self._engine) as live:
            places = self._places_of(live)
        recorded = places.named
        within = query.jurisdiction
        if within is not None:
            recorded = {
                id: name for id, name in recorded.items() if f"{id}/".startswith(f"{within}/")
            }
            # It is told also where the record has nothing of it yet.
            named = {within: division_name(within), **recorded}
        else:
            named = recorded
        wanted = fold_text(query.q or "")
        matching = [
            (id != within, not fold_text(name).startswith(wanted), len(name), name, id)
            for id, name in named.items()
            if all(word in f"{fold_text(name)} {id}" for word in wanted.split())
        ]
        items = (
            {"jurisdiction": id, "name": name, "registered": id in recorded}
            for *_, name, id in sorted(matching)
        )
        return _answer(items, places.position)

    def offered_places(self) -> list[Place]:
        """Return places of the record to choose from."""
        with view(self._engine) as live:
            return offered(self._places_of(live).named)

    def place_called(self, text: str) -> Called:
        """Return which of the record's places a name means."""
        with view(self._engine) as live:
            return called(text, self._places_of(live).named)

    def _places_of(self, live: View) -> _Places:
        """Return the record's places, which are worked out once for each state of the read models."""
        state = (live.position, live.slots["policies"], frozenset(live.parked))
        kept = self._places
        if kept is None or kept.state != state:
            known = registered_reads.select_places(live, position=live.position)
            kept = _Places(state, {id: division_name(id) for id in known})
            self._places = kept
        return kept


def _answer(found: Iterable[dict[str, Any]], position: int) -> Answer:
    items = list(found)
    return Answer(
        {"items": items[:FOUND], "more": len(items) > FOUND, "position": position}, position
    )


def _placed(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "place": division_name(item["jurisdiction"])}


def _words(title: str) -> set[str]:
    return set(_WORD.findall(fold_text(title)))


def _ranked(title: str, candidates: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    """Return those of the candidates whose title is the same or alike, the most alike first.

    A word weighs the more the fewer of the candidates have it: all titles of a body may begin alike.
    """
    counts = Counter(word for each in candidates for word in _words(each["title"]))
    wanted = _words(title)

    def weight(words: set[str]) -> float:
        return sum(math.log(1 + len(candidates) / max(counts[word], 1)) for word in words)

    found = []
    for each in candidates:
        words = _words(each["title"])
        share = weight(words & wanted) / (weight(words | wanted) or 1)
        if fold_text(each["title"]) == fold_text(title):
            found.append((2.0, each, "same title"))
        elif share >= ALIKE:
            found.append((share, each, "similar title"))
    found.sort(key=lambda each: (-each[0], each[1]["policy"]))
    return [(each, why) for _, each, why in found]
