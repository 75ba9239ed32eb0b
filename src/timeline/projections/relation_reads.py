"""Questions to the relations' read model: the edges of a policy, and the walk around it.

Owns the resolution of what relations point at, as believed at the position asked about: citations
by the identifiers that policies carry, policies by what they are merged into, selectors by whose
timelines tell of them. Must not know HTTP.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, Table, and_, null, select

from timeline.projections.evidence_reads import sources_of
from timeline.projections.identities import (
    duplicates_of,
    identifiers_of,
    resolve_identifiers,
    survivors_of,
)
from timeline.projections.reading import View, chunks, known
from timeline.projections.timeline import SELECTED_BY

MAX_NEIGHBOURS: Final = 1_000
"""Policies in one walk: more is no timeline that a person reads, and SQL takes no longer lists."""

MAX_RELATIONS: Final = 1_000
"""Relations on one policy's page, each way: some 1 MB, and more than a person reads."""

MAX_WALKED: Final = 10_000
"""Relations that one step of a walk follows, each way: enough to find MAX_NEIGHBOURS policies
where each is related ten times over, and no more than a second's work around a hub."""

MAX_RESOLVED: Final = 100
"""Policies that are named for one relation on a page, where a selector can name all of a state's:
more is no list that a person reads, and 1,000 such relations are some 3 MB."""


class Edge(msgspec.Struct, frozen=True):
    """A relation as served, with the policies it resolves to, and whether these are `cut`."""

    policy: str
    targets: tuple[str, ...]
    cut: bool
    item: dict[str, Any]


def edges(view: View, policy: str, position: int) -> tuple[list[Edge], bool]:
    """Return the relations from and to a policy, in the record's order, and whether that is all.

    The oldest MAX_RELATIONS each way, where there are more.
    """
    table = view.table("relations", "relations")
    found = related_rows(view, [policy], position, [table.c.item], MAX_RELATIONS + 1)
    outgoing = [row for row in found if row.policy == policy][:MAX_RELATIONS]
    incoming = [row for row in found if row.policy != policy][:MAX_RELATIONS]
    rows = sorted((*outgoing, *incoming), key=_ORDER)
    sources = sources_of(view, [(row.policy, row.event) for row in rows], position)
    related = [
        Edge(
            row.policy,
            _kept(targets, row.receiver),
            len(targets) > MAX_RESOLVED,
            msgspec.json.decode(row.item) | {"sources": sources.get((row.policy, row.event), [])},
        )
        for row, targets in zip(rows, _all_targets(view, rows, position), strict=True)
    ]
    return related, len(rows) == len(found)


def _all_targets(view: View, rows: Sequence[Row[Any]], position: int) -> list[Sequence[str]]:
    """Return, row by row, the policies that a relation points at: one more than a page names."""
    most = MAX_RESOLVED + 1
    return [
        targets if row.receiver is None else selected_by(view, row.event, position, most)
        for row, targets in zip(rows, resolved_targets(view, rows, position, most), strict=True)
    ]


def _kept(targets: Sequence[str], receiver: str | None) -> tuple[str, ...]:
    """Return the first policies, with the one that asks among them."""
    kept = tuple(targets[:MAX_RESOLVED])
    return kept if receiver is None or receiver in kept else (*kept[:-1], receiver)


def neighbourhood(view: View, policy: str, depth: int, position: int) -> list[str]:
    """Return a policy and those related to it, either way, up to `depth` steps away.

    The nearest come first; the walk ends at MAX_NEIGHBOURS.
    """
    found = {policy: None}
    frontier = [policy]
    for _ in range(depth):
        rows = related_rows(view, frontier, position, [], MAX_WALKED)
        reached: dict[str, None] = {}
        room = MAX_NEIGHBOURS - len(found)
        resolved = resolved_targets(view, rows, position, MAX_NEIGHBOURS)
        for row, targets in zip(rows, resolved, strict=True):
            ends = (row.policy, *targets)
            reached.update(dict.fromkeys(end for end in ends if end not in found))
            if len(reached) >= room:
                break
        frontier = list(reached)[:room]
        if not frontier:
            break
        found.update(dict.fromkeys(frontier))
    return list(found)


def related_rows(
    view: View,
    policies: Sequence[str],
    position: int,
    columns: Sequence[ColumnElement[Any]],
    limit: int,
) -> list[Row[Any]]:
    """Return the rows of the relations from and to the policies, in the record's order.

    A relation to a duplicate is one to its survivor; one from it is the survivor's already, as
    the survivor's history is folded with it. One by selector comes once for each of the policies
    that it names, which is its row's `receiver`.

    Args:
        view: the live read models.
        policies: the policies, none of them merged into another.
        position: the moment of the record asked about.
        columns: what to read besides the ends.
        limit: how many at most, each way.

    """
    table = view.table("relations", "relations")
    named = [*policies, *duplicates_of(view, policies, position)]
    cited = identifiers_of(view, policies, position)
    outgoing = _matching(view, table.c.policy, policies, position, columns, limit)
    incoming = [
        *_matching(view, table.c.target_policy, named, position, columns, limit),
        *_matching(view, table.c.target_citation, cited, position, columns, limit),
        *_selecting(view, policies, position, columns, limit),
    ]
    incoming.sort(key=_ORDER)
    own = {row.event for row in outgoing}
    others = (row for row in incoming[:limit] if row.event not in own)
    found = {(row.event, row.receiver): row for row in (*outgoing, *others)}
    return sorted(found.values(), key=_ORDER)


_ORDER: Final = attrgetter("known_from", "event")


def _matching(
    view: View,
    column: ColumnElement[Any],
    values: Sequence[str],
    position: int,
    columns: Sequence[ColumnElement[Any]],
    limit: int,
) -> list[Row[Any]]:
    """Return the first rows, in the record's order, that have one of the values in a column."""
    table = view.table("relations", "relations")
    found: list[Row[Any]] = []
    for some in chunks(values):
        query = (
            select(*_ends(table), null().label("receiver"), *columns)
            .where(known(table, position), column.in_(some))
            .order_by(table.c.known_from, table.c.event)
            .limit(limit)
        )
        found = sorted((*found, *view.connection.execute(query)), key=_ORDER)[:limit]
    return found


def _selecting(
    view: View,
    policies: Sequence[str],
    position: int,
    columns: Sequence[ColumnElement[Any]],
    limit: int,
) -> list[Row[Any]]:
    """Return the first relations, in the record's order, whose selectors name some policies."""
    relations = view.table("relations", "relations")
    tags = view.table("timeline", "timeline_tags")
    asserted = and_(relations.c.event == tags.c.value, known(relations, position))
    found: list[Row[Any]] = []
    for some in chunks(policies):
        query = (
            select(*_ends(relations), tags.c.policy.label("receiver"), *columns)
            .select_from(tags.join(relations, asserted))
            .where(tags.c.policy.in_(some), tags.c.kind == SELECTED_BY, known(tags, position))
            .order_by(relations.c.known_from, relations.c.event, tags.c.policy)
            .limit(limit)
        )
        found = sorted((*found, *view.connection.execute(query)), key=_ORDER)[:limit]
    return found


def _ends(table: Table) -> list[ColumnElement[Any]]:
    """Return the columns that say what a relation joins, and since when it is believed so."""
    names = ("policy", "event", "target_policy", "target_citation", "known_from")
    return [table.c[name] for name in names]


def resolved_targets(
    view: View, rows: Sequence[Row[Any]], position: int, most: int
) -> Iterator[tuple[str, ...]]:
    """Yield, row by row, the policies that a relation points at.

    They are all that carry its citation, or the first that its selector names; of a selector that
    was found by one of those, it alone. A selector is looked up when its row's turn comes, so that
    who has enough can stop.

    Args:
        view: the live read models.
        rows: what `related_rows` gave.
        position: the moment of the record asked about.
        most: of each selector, how many policies at most.

    """
    cited = sorted({row.target_citation for row in rows if row.target_citation is not None})
    named = sorted({row.target_policy for row in rows if row.target_policy is not None})
    carrying = resolve_identifiers(view, cited, position)
    survivors = survivors_of(view, named, position)
    for row in rows:
        if row.receiver is not None:
            yield (row.receiver,)
        elif row.target_policy is not None:
            yield (survivors.get(row.target_policy, row.target_policy),)
        elif row.target_citation is not None:
            yield carrying.get(row.target_citation, ())
        else:
            yield selected_by(view, row.event, position, most)


def selected_by(view: View, event: str, position: int, most: int) -> tuple[str, ...]:
    """Return the first policies, by id, on which a relation by selector acts at any date."""
    tags = view.table("timeline", "timeline_tags")
    query = (
        select(tags.c.policy)
        .distinct()
        .where(tags.c.kind == SELECTED_BY, tags.c.value == event, known(tags, position))
        .order_by(tags.c.policy)
        .limit(most)
    )
    return tuple(view.connection.execute(query).scalars())


def is_later(item: Mapping[str, Any], day: int) -> bool:
    """Tell whether a relation's own date, that of its effect before all, is certainly later."""
    begins = item["effective"] or item["occurred"] or {"earliest": None}
    earliest = begins["earliest"]
    return earliest is not None and date.fromisoformat(earliest).toordinal() > day
