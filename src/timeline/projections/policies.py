"""The read model behind `/v1/policies`: descriptions, tags, and at which positions they changed.

Owns what a policy's description looks like as rows. What is known of its days is in `calendar`,
what bears it out in `evidence`, what is in question in `review`. Must not know how rows are queried.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Index, Table

from timeline.domain.belief import Described
from timeline.domain.events import plain
from timeline.domain.situation import fold_text
from timeline.eventstore.tables import tag_value
from timeline.projections import calendar, evidence, review
from timeline.projections.model import (
    Fact,
    Part,
    ReadModel,
    Row,
    RowKey,
    Rows,
    Seen,
    TableSpec,
    read_model,
    to_json,
)
from timeline.projections.tables import model_table, number, prose, text


def _policies_table(slot: str) -> Table:
    return model_table(
        "policies",
        slot,
        ("policy",),
        text("policy"),
        prose("title"),
        text("instrument"),
        text("jurisdiction"),
        prose("body", nullable=True),
        prose("identifiers"),
        prose("topics"),
        prose("sponsors"),
        prose("summary", nullable=True),
        prose("decided_by"),
        prose("search"),
        text("retracted_by", nullable=True),
        text("merged_into", nullable=True),
        indexes=(("jurisdiction", "policy"),),
    )


def _steps_table(slot: str) -> Table:
    table = model_table(
        "policy_steps", slot, ("policy",), text("policy"), number("version"), narrow=True
    )
    # What changed between two positions, in the order of the record.
    Index(f"ix_{table.name}_known_from", table.c.known_from, table.c.policy)
    return table


def _tags_table(slot: str) -> Table:
    return model_table(
        "policy_tags",
        slot,
        ("kind", "value", "policy"),
        text("kind"),
        text("value"),
        text("policy"),
        indexes=(("policy", "kind"),),
        narrow=True,
    )


FOLLOWED: Final = ("policies", "policy_periods")
"""Where these rows of a policy change, its picture does: that is a step of its history."""

MERGED_INTO: Final = "merged_into"
"""The kind of tag by which a survivor's duplicates are found."""


def add_rows(part: Part, found: Rows) -> None:
    """Add a policy's rows: its description; what is known of its days while it is listed."""
    history = part.seen.history
    policy = history.policy
    found[RowKey("policy_steps", (policy,), FOLLOWED)] = Fact(_step, (policy, history.version))
    evidence.add_rows(part, found)
    review.add_rows(part, found)
    if part.seen.listed:
        calendar.add_rows(part, found)
    if not part.described:
        return
    told = (policy, history.described, history.retracted_by, part.seen.merged_into)
    found[RowKey("policies", (policy,))] = Fact(_description, told)
    for kind, value in _tags(part.seen):
        key = (kind, value, policy)
        found[RowKey("policy_tags", key)] = Fact(_tag, key)


def _step(policy: str, version: int) -> Row:
    return {"policy": policy, "version": version}


def _tag(kind: str, value: str, policy: str) -> Row:
    return {"kind": kind, "value": value, "policy": policy}


def _description(
    policy: str, described: Described, retracted_by: str | None, merged_into: str | None
) -> Row:
    words = (described.title, described.summary or "", policy.replace("-", " "))
    identifiers = (identifier.value for identifier in described.identifiers)
    return {
        "policy": policy,
        "title": described.title,
        "instrument": str(described.instrument),
        "jurisdiction": described.jurisdiction,
        "body": described.body,
        "identifiers": to_json(plain(described.identifiers)),
        "topics": to_json(list(described.topics)),
        "sponsors": to_json(plain(described.sponsors)),
        "summary": described.summary,
        "decided_by": to_json(described.decided_by),
        "search": fold_text(" ".join((*words, *identifiers))),
        "retracted_by": retracted_by,
        "merged_into": merged_into,
    }


def _tags(seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield what a policy is found by: a merged one by its survivor, a listed one by its words."""
    if seen.merged_into is not None:
        yield MERGED_INTO, seen.merged_into
    if not seen.listed:
        return
    described = seen.history.described
    for topic in sorted({fold_text(topic) for topic in described.topics}):
        yield "topic", topic
    for key in sorted({identifier.key for identifier in described.identifiers}):
        yield "identifier", tag_value(key)


POLICIES: Final[ReadModel] = read_model(
    "policies",
    (
        TableSpec("policies", ("policy",), _policies_table),
        TableSpec("policy_steps", ("policy",), _steps_table),
        TableSpec("policy_tags", ("kind", "value", "policy"), _tags_table),
        *calendar.SPECS,
        *evidence.SPECS,
        *review.SPECS,
    ),
    add_rows,
)
