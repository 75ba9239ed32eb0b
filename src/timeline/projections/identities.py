"""Who is who at a position: policies by their identifiers, and through mergers.

Owns the questions that other questions ask to resolve a name. Must not know HTTP.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from timeline.projections.policies import MERGED_INTO
from timeline.projections.reading import View, chunks, known

MAX_MERGERS: Final = 100
"""Mergers followed one after the other, a query each: curators merge duplicates, not dynasties."""


MAX_CARRIERS: Final = 500
"""Policies that are named as carriers of one identifier, as many as a graph has nodes: registers
reuse a number now and then, not hundreds of times."""


def resolve_identifiers(
    view: View, keys: Sequence[str], position: int
) -> dict[str, tuple[str, ...]]:
    """Return the policies that carry these identifiers at a position, by identifier, in order.

    The first MAX_CARRIERS of each, where there are more.
    """
    tags = view.table("policies", "policy_tags")
    number = func.row_number().over(partition_by=tags.c.value, order_by=tags.c.policy)
    found: dict[str, list[str]] = {}
    for some in chunks(keys):
        carried = (
            select(tags.c.value, tags.c.policy, number.label("number"))
            .where(tags.c.kind == "identifier", tags.c.value.in_(some), known(tags, position))
            .subquery()
        )
        rows = view.connection.execute(
            select(carried.c.value, carried.c.policy)
            .where(carried.c.number <= MAX_CARRIERS)
            .order_by(carried.c.value, carried.c.policy)
        )
        for row in rows:
            found.setdefault(row.value, []).append(row.policy)
    return {key: tuple(policies) for key, policies in found.items()}


def identifiers_of(view: View, policies: Sequence[str], position: int) -> list[str]:
    """Return the identifiers that policies carry at a position, each once."""
    tags = view.table("policies", "policy_tags")
    found: set[str] = set()
    for some in chunks(policies):
        # Sorted here: to have them in order, SQLite would read the identifiers of all policies.
        rows = view.connection.execute(
            select(tags.c.value).where(
                tags.c.policy.in_(some), tags.c.kind == "identifier", known(tags, position)
            )
        )
        found.update(row.value for row in rows)
    return sorted(found)


def survivors_of(view: View, policies: Sequence[str], position: int) -> dict[str, str]:
    """Return, for those of the policies that are merged into another, the end of their mergers."""
    table = view.table("policies", "policies")
    found: dict[str, str] = {}
    heads: Sequence[str] = policies
    for _ in range(MAX_MERGERS):
        into: dict[str, str] = {}
        for some in chunks(heads):
            rows = view.connection.execute(
                select(table.c.policy, table.c.merged_into).where(
                    table.c.policy.in_(some),
                    table.c.merged_into.is_not(None),
                    known(table, position),
                )
            )
            into.update({row.policy: row.merged_into for row in rows})
        if not into:
            break
        reached = {policy: found.get(policy, policy) for policy in policies}
        found |= {policy: into[head] for policy, head in reached.items() if head in into}
        heads = sorted(set(into.values()))
    return found


def duplicates_of(view: View, policies: Sequence[str], position: int) -> list[str]:
    """Return the policies that are merged into these, those merged into them included."""
    tags = view.table("policies", "policy_tags")
    found: dict[str, None] = {}
    heads: Sequence[str] = policies
    for _ in range(MAX_MERGERS):
        merged: list[str] = []
        for some in chunks(heads):
            rows = view.connection.execute(
                select(tags.c.policy)
                .where(tags.c.kind == MERGED_INTO, tags.c.value.in_(some), known(tags, position))
                .order_by(tags.c.policy)
            )
            merged.extend(row.policy for row in rows)
        heads = [policy for policy in merged if policy not in found]
        if not heads:
            break
        found.update(dict.fromkeys(heads))
    return list(found)
