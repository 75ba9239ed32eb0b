"""Policies as they are registered, whether they have an action yet or not, and the places they are of.

Owns how they are found by words, for whoever is about to record. Must not know how alike two are.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Table,
    and_,
    case,
    exists,
    literal,
    literal_column,
    select,
)

from timeline.projections.calendar import SEEN
from timeline.projections.reading import View, contains, known, values_of

MAX_PLACES: Final = 20_000
"""Places that are looked through: more than the United States have counties, cities and towns' ids."""

MAX_COMPARED: Final = 25_000
"""Policies of a place that are compared with a title, the first by their ids: more than New York's council
has taken up in 28 years. They take some 130 ms of SQLite, for a title of twelve words."""

MAX_NAMED: Final = 100
"""Policies that are named by their ids at once: those that carry one of an event's identifiers."""


def select_by_words(
    view: View, words: Sequence[str], *, position: int, limit: int
) -> list[dict[str, Any]]:
    """Return the policies of which title, summary, id or identifiers have every word, by id."""
    policies = view.table("policies", "policies")
    every = (contains(policies.c.search, word) for word in words)
    query = _registered(view, position).where(*every).order_by(policies.c.policy)
    return _items(view, query.limit(limit))


def select_by_any_word(
    view: View, words: Sequence[str], jurisdiction: str, *, position: int, limit: int
) -> list[dict[str, Any]]:
    """Return a place's policies that have some of the words, those that have most of them first.

    Of a place with more than MAX_COMPARED, the rest is not looked at.
    """
    policies = view.table("policies", "policies")
    of_place = (
        select(policies.c.policy, policies.c.search)
        .where(policies.c.jurisdiction == jurisdiction, _standing(policies, position))
        .limit(MAX_COMPARED)
        .subquery()
    )
    each = [contains(of_place.c.search, word) for word in words]
    score = sum((case((one, 1), else_=0) for one in each), start=literal(0, Integer))
    best = select(of_place.c.policy, score.label("score")).order_by(
        literal_column("score").desc(), of_place.c.policy
    )
    rows = view.connection.execute(best.limit(limit)).all()
    ids = [row.policy for row in rows if row.score > 0]
    found = {each["policy"]: each for each in select_by_ids(view, ids, position=position)}
    return [found[id] for id in ids]


def select_by_ids(view: View, ids: Sequence[str], *, position: int) -> list[dict[str, Any]]:
    """Return policies by their ids, MAX_NAMED at most."""
    policies = view.table("policies", "policies")
    named = policies.c.policy.in_(ids[:MAX_NAMED])
    return _items(view, _registered(view, position).where(named).order_by(policies.c.policy))


def select_places(view: View, *, position: int) -> list[str]:
    """Return the places of which there are policies, in order, MAX_PLACES at most."""
    policies = view.table("policies", "policies")
    places = values_of(policies.c.jurisdiction)
    has_one = exists().where(
        policies.c.jurisdiction == places.c.value, _standing(policies, position)
    )
    query = select(places.c.value).where(places.c.value.is_not(None), has_one)
    return list(view.connection.execute(query.limit(MAX_PLACES)).scalars())


def _standing(policies: Table, position: int) -> ColumnElement[bool]:
    return and_(
        known(policies, position),
        policies.c.retracted_by.is_(None),
        policies.c.merged_into.is_(None),
    )


def _registered(view: View, position: int) -> Select[Any]:
    policies, values = (view.table("policies", name) for name in ("policies", "policy_values"))
    acted = exists().where(
        values.c.policy == policies.c.policy,
        values.c.kind == SEEN,
        values.c.value == "",
        known(values, position),
    )
    columns = (policies.c[name] for name in ("policy", "title", "instrument", "jurisdiction"))
    return select(*columns, policies.c.identifiers, acted.label("acted")).where(
        _standing(policies, position)
    )


def _items(view: View, query: Select[Any]) -> list[dict[str, Any]]:
    return [
        {
            **row._mapping,  # noqa: SLF001 - a row's public mapping
            "identifiers": msgspec.json.decode(row.identifiers),
            "acted": bool(row.acted),
        }
        for row in view.connection.execute(query)
    ]
