"""The read model of relations: who bears on whom, from both sides.

Owns what an edge looks like as a row. Must not know how edges are walked.
"""

from typing import Any, Final

from sqlalchemy import Table

from timeline.domain.belief import BelievedRelation
from timeline.domain.events import citation_key, plain
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
from timeline.projections.tables import model_table, prose, text


def _relations_table(slot: str) -> Table:
    return model_table(
        "relations",
        slot,
        ("policy", "event"),
        text("event"),
        text("policy"),
        text("relation"),
        text("target_policy", nullable=True),
        text("target_citation", nullable=True),
        prose("item"),
        indexes=(("target_policy",), ("target_citation",), ("event",)),
    )


def add_rows(part: Part, found: Rows) -> None:
    """Add a row for each relation that a listed policy asserts."""
    if not part.relations or not part.seen.listed:
        return
    policy = part.history.policy
    for believed in part.relations:
        found[RowKey("relations", (policy, believed.event))] = Fact(_row, (policy, believed))


def _row(policy: str, believed: BelievedRelation) -> Row:
    target = believed.relation.target
    cited = None if target.citation is None else tag_value(citation_key(target.citation))
    return {
        "event": believed.event,
        "policy": policy,
        "relation": str(believed.relation.relation),
        "target_policy": target.policy,
        "target_citation": cited,
        "item": to_json(item(policy, believed)),
    }


def item(policy: str, believed: BelievedRelation) -> dict[str, Any]:
    """Return a relation as it is served, but for its sources."""
    relation = believed.relation
    return {
        "event": believed.event,
        "policy": policy,
        "relation": str(relation.relation),
        "target": plain(relation.target),
        "by": plain(relation.by),
        "scope": str(relation.scope),
        "provision": relation.provision,
        "occurred": served_date(relation.occurred),
        "effective": served_date(relation.effective),
        "until": served_date(relation.until),
        "disputed": believed.disputed,
        "erased": believed.erased,
        "position": believed.position,
        "recorded_at": believed.recorded_at,
    }


RELATIONS: Final[ReadModel] = read_model(
    "relations",
    (TableSpec("relations", ("policy", "event"), _relations_table),),
    add_rows,
)
