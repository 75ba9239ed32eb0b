"""Questions to the rows of sources and disputes.

Owns how many sources an item is served with. Must not know HTTP.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import Row, Table, and_, column, select, values

from timeline.projections.evidence import DESCRIPTION
from timeline.projections.reading import View, chunks, known

MAX_SOURCES: Final = 200
"""Sources served with one item, the first ones: an event brings at most 100, so that only attached
ones are left out, and a page of 500 items stays within some 30 MB."""

Borne: TypeAlias = tuple[str, str]
"""What sources bear out: a policy, and its event."""


def description_sources(view: View, policy: str, position: int) -> list[dict[str, Any]]:
    """Return the sources of a policy's description."""
    sources = view.table("policies", "sources")
    query = _sources(sources, position).where(
        sources.c.policy == policy, sources.c.event == DESCRIPTION
    )
    return [msgspec.json.decode(row.source) for row in view.connection.execute(query)]


def sources_of(
    view: View, borne: Sequence[Borne], position: int
) -> dict[Borne, list[dict[str, Any]]]:
    """Return the sources of some actions and relations, by what they bear out."""
    sources = view.table("policies", "sources")
    found: dict[Borne, list[dict[str, Any]]] = {}
    for some in chunks(borne, 2):
        asked = values(
            column("policy", sources.c.policy.type), column("event", sources.c.event.type)
        )
        wanted = asked.data(list(some)).cte("wanted")
        query = _sources(sources, position).select_from(
            wanted.join(
                sources,
                and_(sources.c.policy == wanted.c.policy, sources.c.event == wanted.c.event),
            )
        )
        found |= _gathered(view.connection.execute(query))
    return found


def _sources(sources: Table, position: int) -> Any:
    return (
        select(sources.c.policy, sources.c.event, sources.c.source)
        .where(sources.c.place < MAX_SOURCES, known(sources, position))
        .order_by(sources.c.policy, sources.c.event, sources.c.place)
    )


def _gathered(rows: Iterable[Row[Any]]) -> dict[Borne, list[dict[str, Any]]]:
    found: dict[Borne, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row.policy, row.event), []).append(msgspec.json.decode(row.source))
    return found


def disputes_of(view: View, policy: str, position: int, limit: int) -> list[dict[str, Any]]:
    """Return what is said against a policy's events, in the record's order."""
    disputes = view.table("policies", "disputes")
    rows = view.connection.execute(
        select(disputes)
        .where(disputes.c.policy == policy, known(disputes, position))
        .order_by(disputes.c.place)
        .limit(limit)
    )
    return [
        {
            "event": row.event,
            "by": row.by,
            "claim": msgspec.json.decode(row.claim),
            "source": msgspec.json.decode(row.source),
            "settled_by": row.settled_by,
        }
        for row in rows
    ]
