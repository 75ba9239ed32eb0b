"""The read model behind `/v1/timeline`: the actions as the record believes them, by date.

Owns what an item of the timeline looks like. Must not know how items are queried.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import Table

from timeline.domain.belief import BelievedAction
from timeline.domain.effects import action_key
from timeline.domain.events import plain
from timeline.domain.history import History
from timeline.domain.situation import fold_text
from timeline.eventstore.tables import tag_value
from timeline.projections.model import (
    Fact,
    Part,
    ReadModel,
    Row,
    RowKey,
    Rows,
    TableSpec,
    read_model,
    served_date,
    to_json,
)
from timeline.projections.tables import day, model_table, number, prose, text

_WITHIN_POLICY: Final = ("earliest", "latest", "rank", "time", "position")
_ORDER: Final = (*_WITHIN_POLICY, "policy")
"""The order of the timeline (rule 1); every index that a page is walked through in has it, so that none has
to be sorted. One relation is an item on each policy that it names, so that only the policy tells these apart."""


SELECTED_BY: Final = "selected_by"
"""The kind of tag of an item that tells what a relation does which names its policy by a selector: the
relation's own, or an action that tells the same. Its value is the relation's event."""


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
        text("said"),
        prose("search"),
        prose("item"),
        # Actions are walked through for some words in indexes that tell what each says.
        indexes=(
            (*_ORDER, "said"),
            ("policy", *_WITHIN_POLICY),
            ("jurisdiction", *_ORDER, "said"),
            ("action", *_ORDER),
            ("said", "policy"),
        ),
    )


def _tags_table(slot: str) -> Table:
    return model_table(
        "timeline_tags",
        slot,
        ("kind", "value", "policy", "event"),
        text("kind"),
        text("value"),
        text("policy"),
        text("event"),
        indexes=(("policy", "kind"),),
        narrow=True,
    )


def add_rows(part: Part, found: Rows) -> None:
    """Add a row for each action of a listed policy, own or received, and its tags."""
    shown = (*part.actions, *part.received)
    if not shown or not part.seen.listed:
        return
    history = part.history
    policy, about = history.policy, _about(history)
    for believed in shown:
        found[RowKey("timeline", (policy, believed.event))] = Fact(_row, (about, believed))
        for actor in sorted({fold_text(actor.name) for actor in believed.action.actors}):
            key = ("actor", tag_value(actor), policy, believed.event)
            found[RowKey("timeline_tags", key)] = Fact(_tag, key)
        for relation in believed.selected_by:
            key = (SELECTED_BY, relation, policy, believed.event)
            found[RowKey("timeline_tags", key)] = Fact(_tag, key)


def _tag(kind: str, value: str, policy: str, event: str) -> Row:
    return {"kind": kind, "value": value, "policy": policy, "event": event}


class _About(NamedTuple):
    """By which of its policy's words an action is found."""

    policy: str
    instrument: str
    jurisdiction: str


def _about(history: History) -> _About:
    described = history.described
    return _About(history.policy, str(described.instrument), described.jurisdiction)


def _row(about: _About, believed: BelievedAction) -> Row:
    action = believed.action
    key = action_key(action, believed.position)
    words = (action.label or "", action.summary or "", action.body or "")
    search = fold_text(" ".join(words))
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
        "said": said(search),
        "search": search,
        "item": to_json(_item(about.policy, believed)),
    }


SAID_BYTES: Final = 16
"""Of a digest: no two texts with the same one can be found."""


def said(search: str) -> str:
    """Return a short key of what an action says: the same text has the same, and no other has it."""
    digest = sha256(search.encode()).digest()[:SAID_BYTES]
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _item(policy: str, believed: BelievedAction) -> dict[str, Any]:
    """Return an action as `/v1/timeline` serves it, but for its sources and its policy's words."""
    action = believed.action
    return {
        "event": believed.event,
        "policy": policy,
        "action": str(action.action),
        "label": action.label,
        "occurred": served_date(action.occurred),
        "effective": served_date(action.effective),
        "until": served_date(action.until),
        "until_condition": action.until_condition,
        "actors": plain(action.actors),
        "body": action.body,
        "by": plain(action.by),
        "vote": plain(action.vote),
        "scope": str(action.scope),
        "provision": action.provision,
        "summary": action.summary,
        "corrected": believed.corrected,
        "disputed": believed.disputed,
        "erased": believed.erased,
        "position": believed.position,
        "recorded_at": believed.recorded_at,
    }


TIMELINE: Final[ReadModel] = read_model(
    "timeline",
    (
        TableSpec("timeline", ("policy", "event"), _timeline_table),
        TableSpec("timeline_tags", ("kind", "value", "policy", "event"), _tags_table),
    ),
    add_rows,
)
