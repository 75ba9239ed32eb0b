"""The read model behind `/v1/policies`: descriptions, periods on the three axes, tags.

Owns what a policy's description and periods look like as rows. Must not know how they are queried.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Table

from timeline.domain.events import plain
from timeline.domain.periods import Period
from timeline.domain.situation import fold_text
from timeline.eventstore.tables import tag_value
from timeline.projections.model import (
    ReadModel,
    Row,
    RowKey,
    Seen,
    TableSpec,
    read_model,
    to_json,
)
from timeline.projections.tables import day, model_table, number, prose, text


def _policies_table(slot: str) -> Table:
    return model_table(
        "policies",
        slot,
        ("policy",),
        text("policy"),
        number("version"),
        prose("title"),
        text("instrument"),
        text("jurisdiction"),
        prose("body", nullable=True),
        prose("identifiers"),
        prose("topics"),
        prose("sponsors"),
        prose("summary", nullable=True),
        prose("sources"),
        prose("decided_by"),
        prose("disputes"),
        number("open_disputes"),
        prose("search"),
        text("retracted_by", nullable=True),
        text("merged_into", nullable=True),
        indexes=("jurisdiction", "instrument", "merged_into"),
    )


def _periods_table(slot: str) -> Table:
    return model_table(
        "policy_periods",
        slot,
        ("policy", "first_day"),
        text("policy"),
        day("first_day"),
        day("last_day"),
        text("stage", nullable=True),
        text("force"),
        text("force_reason", nullable=True),
        text("litigation"),
        text("in_force"),
        text("last_confirmed", nullable=True),
        prose("possible"),
        prose("stages"),
        prose("forces"),
        prose("litigations"),
        prose("decided_by"),
        indexes=(),
    )


def _tags_table(slot: str) -> Table:
    return model_table(
        "policy_tags",
        slot,
        ("kind", "value", "policy"),
        text("kind"),
        text("value"),
        text("policy"),
        indexes=("policy",),
    )


def rows(seen: Seen) -> Iterator[tuple[RowKey, Row]]:
    """Yield a policy's rows: one description; periods and tags while it is listed."""
    history = seen.history
    yield RowKey("policies", (history.policy,)), _description(seen)
    if not seen.listed:
        return
    for period in history.periods:
        yield (
            RowKey("policy_periods", (history.policy, period.first)),
            _period(history.policy, period),
        )
    for kind, value in _tags(seen):
        yield (
            RowKey("policy_tags", (kind, value, history.policy)),
            {"kind": kind, "value": value, "policy": history.policy},
        )


def _description(seen: Seen) -> Row:
    history = seen.history
    described = history.described
    disputes = [
        {
            "event": dispute.event,
            "by": dispute.by,
            "claim": plain(dispute.claim),
            "source": plain(dispute.source),
            "settled_by": dispute.settled_by,
        }
        for dispute in history.disputes
    ]
    words = (described.title, described.summary or "", history.policy.replace("-", " "))
    identifiers = (identifier.value for identifier in described.identifiers)
    return {
        "policy": history.policy,
        "version": history.version,
        "title": described.title,
        "instrument": str(described.instrument),
        "jurisdiction": described.jurisdiction,
        "body": described.body,
        "identifiers": to_json(plain(described.identifiers)),
        "topics": to_json(list(described.topics)),
        "sponsors": to_json(plain(described.sponsors)),
        "summary": described.summary,
        "sources": to_json(plain(described.sources)),
        "decided_by": to_json(described.decided_by),
        "disputes": to_json(disputes),
        "open_disputes": sum(dispute.settled_by is None for dispute in history.disputes),
        "search": fold_text(" ".join((*words, *identifiers))),
        "retracted_by": history.retracted_by,
        "merged_into": seen.merged_into,
    }


def _period(policy: str, period: Period) -> Row:
    return {
        "policy": policy,
        "first_day": period.first,
        "last_day": period.last,
        "stage": period.stage,
        "force": str(period.force),
        "force_reason": None if period.force_reason is None else str(period.force_reason),
        "litigation": str(period.litigation),
        "in_force": str(period.in_force),
        "last_confirmed": period.last_confirmed,
        "possible": to_json(period.possible),
        "stages": _words(period, "stage", period.stage),
        "forces": _words(period, "force", period.force),
        "litigations": _words(period, "litigation", period.litigation),
        "decided_by": to_json(period.decided_by),
    }


def _words(period: Period, axis: str, value: str | None) -> str:
    """Return an axis's value with all that it may be, blank-padded, for filters to match."""
    values = {value, *period.possible.get(axis, ())} - {None}
    return f" {' '.join(sorted(str(each) for each in values))} "


def _tags(seen: Seen) -> Iterator[tuple[str, str]]:
    described = seen.history.described
    for topic in sorted({fold_text(topic) for topic in described.topics}):
        yield "topic", topic
    for key in sorted({identifier.key for identifier in described.identifiers}):
        yield "identifier", tag_value(key)


POLICIES: Final[ReadModel] = read_model(
    "policies",
    (
        TableSpec("policies", ("policy",), _policies_table),
        TableSpec("policy_periods", ("policy", "first_day"), _periods_table),
        TableSpec("policy_tags", ("kind", "value", "policy"), _tags_table),
    ),
    rows,
)
