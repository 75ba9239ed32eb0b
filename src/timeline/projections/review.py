"""The rows of what an editor may have to look at: a narrow one for each event in question.

Owns which events are in question by themselves. Whether a citation resolves, and what was confirmed
long ago, depends on more than a policy's own history, and is asked when it is read.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Table

from timeline.domain.belief import BelievedAction, BelievedRelation
from timeline.domain.events import SourceClass
from timeline.projections.model import Fact, Part, Row, RowKey, Rows, TableSpec
from timeline.projections.tables import model_table, text

OPEN_DISPUTE: Final = "open_dispute"
CITATION: Final = "citation"
SINGLE_SECONDARY_SOURCE: Final = "single_secondary_source"

_KEY: Final = ("kind", "policy", "event", "by")


def _review_table(slot: str) -> Table:
    return model_table(
        "review",
        slot,
        _KEY,
        text("kind"),
        text("policy"),
        text("event"),
        text("by"),
        text("jurisdiction"),
        indexes=(("policy",),),
        narrow=True,
    )


def add_rows(part: Part, found: Rows) -> None:
    """Add a row for each event of a listed policy that is in question."""
    if not part.seen.listed:
        return
    history = part.history
    for kind, event, by in _questions(part):
        key = (kind, history.policy, event, by)
        found[RowKey("review", key)] = Fact(_row, (*key, history.described.jurisdiction))


def _row(kind: str, policy: str, event: str, by: str, jurisdiction: str) -> Row:
    return {
        "kind": kind,
        "policy": policy,
        "event": event,
        "by": by,
        "jurisdiction": jurisdiction,
    }


def _questions(part: Part) -> Iterator[tuple[str, str, str]]:
    for dispute in part.disputes:
        if dispute.settled_by is None:
            yield OPEN_DISPUTE, dispute.event, dispute.by
    for relation in part.relations:
        if relation.relation.target.citation is not None:
            yield CITATION, relation.event, ""
    for borne in (part.actions, part.relations):
        for each in borne:
            if _rests_on_one_secondary(each):
                yield SINGLE_SECONDARY_SOURCE, each.event, ""


def _rests_on_one_secondary(believed: BelievedAction | BelievedRelation) -> bool:
    """Tell whether one source, said to be secondary, is all there is."""
    sources = believed.sources
    return len(sources) == 1 and sources[0].class_ is SourceClass.SECONDARY


SPECS: Final = (TableSpec("review", _KEY, _review_table),)
