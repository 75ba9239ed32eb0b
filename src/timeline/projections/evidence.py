"""The rows of sources and disputes: one for each, so that another one rewrites none of the others.

Owns what bears out a policy's description, its actions and its relations, and what contradicts
them. Must not know how they are queried.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Table

from timeline.domain.belief import BelievedAction, BelievedRelation, Dispute
from timeline.domain.events import Source, plain
from timeline.domain.history import History
from timeline.projections.model import (
    Fact,
    Row,
    RowKey,
    Seen,
    TableSpec,
    not_in,
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


def rows(seen: Seen, other: Seen | None = None) -> Iterator[tuple[RowKey, Fact]]:
    """Yield a row for each source and each dispute.

    A policy that is not listed keeps those of its description: it can still be read by its id.
    """
    history = seen.history
    if other is None or other.history.described is not history.described:
        yield from _sources(history.policy, DESCRIPTION, history.described.sources)
    if other is None or other.history.disputes is not history.disputes:
        for place, dispute in enumerate(history.disputes):
            yield (
                RowKey("disputes", (history.policy, dispute.by)),
                Fact(_dispute, (history.policy, place, dispute)),
            )
    if not seen.listed:
        return
    borne = _borne_out(history)
    if other is not None and other.listed:
        borne = not_in(borne, _borne_out(other.history))
    for each in borne:
        yield from _sources(history.policy, each.event, each.sources)


def _borne_out(history: History) -> Sequence[BelievedAction | BelievedRelation]:
    if not history.received and not history.relations:
        return history.actions
    return (*history.actions, *history.received, *history.relations)


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
