"""The rows of sources and disputes: one for each, so that another one rewrites none of the others.

Owns what bears out a policy's description, its actions and its relations, and what contradicts
them. Must not know how they are queried.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Table

from timeline.domain.belief import Dispute
from timeline.domain.events import Source, plain
from timeline.projections.model import (
    Fact,
    Part,
    Row,
    RowKey,
    TableSpec,
    to_json,
)
from timeline.projections.tables import model_table, number, prose, text

DESCRIPTION: Final = ""
"""Stands for the event where sources bear out a policy's description, which many events make."""


def _sources_table(slot: str) -> Table:
    return model_table(
        "sources",
        slot,
        ("policy", "event", "place"),
        text("policy"),
        text("event"),
        number("place"),
        prose("source"),
    )


def _disputes_table(slot: str) -> Table:
    return model_table(
        "disputes",
        slot,
        ("policy", "by"),
        text("policy"),
        text("by"),
        number("place"),
        text("event"),
        prose("claim"),
        prose("source"),
        text("settled_by", nullable=True),
    )


def rows(part: Part) -> Iterator[tuple[RowKey, Fact]]:
    """Yield a row for each source and each dispute.

    A policy that is not listed keeps those of its description: it can still be read by its id.
    """
    history = part.history
    if part.described:
        yield from _sources(history.policy, DESCRIPTION, history.described.sources)
    for place, dispute in enumerate(part.disputes):
        yield (
            RowKey("disputes", (history.policy, dispute.by)),
            Fact(_dispute, (history.policy, place, dispute)),
        )
    if not part.seen.listed:
        return
    for acted in (*part.actions, *part.received):
        yield from _sources(history.policy, acted.event, acted.sources)
    for related in part.relations:
        yield from _sources(history.policy, related.event, related.sources)


def _sources(policy: str, event: str, sources: tuple[Source, ...]) -> Iterator[tuple[RowKey, Fact]]:
    for place, source in enumerate(sources):
        key = (policy, event, place)
        yield RowKey("sources", key), Fact(_source, (*key, source))


def _source(policy: str, event: str, place: int, source: Source) -> Row:
    return {"policy": policy, "event": event, "place": place, "source": to_json(plain(source))}


def _dispute(policy: str, place: int, dispute: Dispute) -> Row:
    return {
        "policy": policy,
        "by": dispute.by,
        "place": place,
        "event": dispute.event,
        "claim": to_json(plain(dispute.claim)),
        "source": to_json(plain(dispute.source)),
        "settled_by": dispute.settled_by,
    }


SPECS: Final = (
    TableSpec("sources", ("policy", "event", "place"), _sources_table),
    TableSpec("disputes", ("policy", "by"), _disputes_table),
)
