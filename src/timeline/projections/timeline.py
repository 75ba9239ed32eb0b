"""The read model behind `/v1/timeline`: the actions as the record believes them, by date.

Owns what an item of the timeline looks like. Must not know how items are queried.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Table

from timeline.domain.belief import BelievedAction
from timeline.domain.effects import action_key
from timeline.domain.events import plain
from timeline.domain.history import History
from timeline.domain.situation import fold_text
from timeline.eventstore.tables import tag_value
from timeline.projections.model import (
    ReadModel,
    Row,
    RowKey,
    Seen,
    TableSpec,
    read_model,
    served_date,
    to_json,
)
from timeline.projections.tables import day, model_table, number, prose, text

MAX_REMEMBERED_ROWS: Final = 50_000
"""Rows kept between the events of a policy, some 100 MB at the usual size."""


def _timeline_table(slot: str) -> Table:
    return model_table(
        "timeline",
        slot,
        ("policy", "event"),
        text("event"),
        text("policy"),
        day("earliest"),
        day("latest"),
        number("rank"),
        text("time"),
        number("position"),
        text("jurisdiction"),
        text("instrument"),
        text("action"),
        text("body_key", nullable=True),
        prose("search"),
        prose("item"),
        indexes=("event", "earliest", "jurisdiction", "action"),
    )


def _tags_table(slot: str) -> Table:
    return model_table(
        "timeline_tags",
        slot,
        ("kind", "value", "policy", "event"),
        text("kind"),
        text("value"),
        text("event"),
        text("policy"),
        indexes=("policy",),
    )


def rows(seen: Seen) -> Iterator[tuple[RowKey, Row]]:
    """Yield a row for each action of a listed policy, and its tags."""
    if not seen.listed:
        return
    history = seen.history
    described = history.described
    about = _About(
        history.policy, described.title, str(described.instrument), described.jurisdiction
    )
    for believed in history.actions:
        yield RowKey("timeline", (history.policy, believed.event)), _row(about, believed)
        for kind, value in _tags(history, believed):
            yield (
                RowKey("timeline_tags", (kind, value, history.policy, believed.event)),
                {"kind": kind, "value": value, "event": believed.event, "policy": history.policy},
            )


class _About(NamedTuple):
    """What an item says of its policy."""

    policy: str
    title: str
    instrument: str
    jurisdiction: str


@lru_cache(maxsize=MAX_REMEMBERED_ROWS)
def _row(about: _About, believed: BelievedAction) -> Row:
    """Return an action's row, which no one changes: a policy's next event asks for it again."""
    action = believed.action
    key = action_key(action, believed.position)
    words = (about.title, action.label or "", action.summary or "", action.body or "")
    return {
        "event": believed.event,
        "policy": about.policy,
        "earliest": key.earliest,
        "latest": key.latest,
        "rank": key.rank,
        "time": key.time,
        "position": key.position,
        "jurisdiction": about.jurisdiction,
        "instrument": about.instrument,
        "action": str(action.action),
        "body_key": None if action.body is None else fold_text(action.body),
        "search": fold_text(" ".join(words)),
        "item": to_json(_item(about, believed)),
    }


def _item(about: _About, believed: BelievedAction) -> dict[str, Any]:
    """Return an action as `/v1/timeline` serves it."""
    action = believed.action
    return {
        "event": believed.event,
        "policy": about.policy,
        "title": about.title,
        "instrument": about.instrument,
        "jurisdiction": about.jurisdiction,
        "action": str(action.action),
        "label": action.label,
        "occurred": served_date(action.occurred),
        "effective": served_date(action.effective),
        "until": served_date(action.until),
        "actors": plain(action.actors),
        "body": action.body,
        "by": plain(action.by),
        "vote": plain(action.vote),
        "scope": str(action.scope),
        "provision": action.provision,
        "summary": action.summary,
        "sources": plain(believed.sources),
        "corrected": believed.corrected,
        "disputed": believed.disputed,
        "erased": believed.erased,
        "position": believed.position,
        "recorded_at": believed.recorded_at,
    }


def _tags(history: History, believed: BelievedAction) -> Iterator[tuple[str, str]]:
    for topic in sorted({fold_text(topic) for topic in history.described.topics}):
        yield "topic", topic
    for actor in sorted({fold_text(actor.name) for actor in believed.action.actors}):
        yield "actor", tag_value(actor)


TIMELINE: Final[ReadModel] = read_model(
    "timeline",
    (
        TableSpec("timeline", ("policy", "event"), _timeline_table),
        TableSpec("timeline_tags", ("kind", "value", "policy", "event"), _tags_table),
    ),
    rows,
)
