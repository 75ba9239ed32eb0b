"""The rows of sources and disputes: one for each, so that another one rewrites none of the others.

Owns what bears out a policy's description, its actions and its relations, and what contradicts
them. Must not know how they are queried.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Table

from timeline.domain.belief import Dispute
from timeline.domain.events import Source, plain
from timeline.projections.model import (
    Fact,
    Part,
    Row,
    RowKey,
    Rows,
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


def add_rows(part: Part, found: Rows) -> None:
    """Add a row for each source and each dispute.

    A policy that is not listed keeps those of its description: it can still be read by its id.
    """
    history = part.seen.history
    policy = history.policy
    if part.described:
        _add_sources(policy, DESCRIPTION, history.described.sources, found)
    for place, dispute in enumerate(part.disputes):
        key = RowKey("disputes", (policy, dispute.by))
        found[key] = Fact(_dispute, (policy, place, dispute))
    if not part.seen.listed:
        return
    for borne in (part.actions, part.received, part.relations):
        for each in borne:
            _add_sources(policy, each.event, each.sources, found)


def _add_sources(policy: str, event: str, sources: Sequence[Source], found: Rows) -> None:
    for place, source in enumerate(sources):
        key = RowKey("sources", (policy, event, place))
        found[key] = Fact(_source, (policy, event, place, source))


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
