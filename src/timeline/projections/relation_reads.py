"""Questions to the relations' read model: the edges of a policy, and the walk around it.

Owns the resolution of citations by the identifiers that policies carry at the position asked about.
Must not know HTTP.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import or_, select

from timeline.projections.policy_reads import identifiers_of, resolve_identifiers
from timeline.projections.reading import View, known

MAX_NEIGHBOURS: Final = 1_000
"""Policies in one walk: more is no timeline that a person reads, and SQL takes no longer lists."""


class Edge(msgspec.Struct, frozen=True):
    """A relation as served, with the policy it resolves to, if any."""

    policy: str
    target: str | None
    item: dict[str, Any]


def edges(view: View, policies: list[str], position: int) -> list[Edge]:
    """Return the relations from and to the policies, in the record's order."""
    table = view.table("relations", "relations")
    keys = identifiers_of(view, policies, position)
    rows = view.connection.execute(
        select(table)
        .where(
            known(table, position),
            or_(
                table.c.policy.in_(policies),
                table.c.target_policy.in_(policies),
                table.c.target_citation.in_(keys),
            ),
        )
        .order_by(table.c.known_from, table.c.event)
    ).all()
    cited = sorted({row.target_citation for row in rows if row.target_citation is not None})
    resolved = resolve_identifiers(view, cited, position) if cited else {}
    return [
        Edge(
            row.policy,
            row.target_policy or resolved.get(row.target_citation),
            msgspec.json.decode(row.item),
        )
        for row in rows
    ]


def neighbourhood(view: View, policy: str, depth: int, position: int) -> list[str]:
    """Return a policy and those related to it, either way, up to `depth` steps away.

    The nearest come first; the walk ends at MAX_NEIGHBOURS.
    """
    found = [policy]
    frontier = [policy]
    for _ in range(depth):
        reached: list[str] = []
        for edge in edges(view, frontier, position) if frontier else ():
            reached.extend(end for end in (edge.policy, edge.target) if end is not None)
        frontier = [end for end in dict.fromkeys(reached) if end not in set(found)]
        found.extend(frontier[: MAX_NEIGHBOURS - len(found)])
    return found
