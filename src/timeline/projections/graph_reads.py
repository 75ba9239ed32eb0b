"""The graph around a policy: whom relations lead to, step by step, as nodes and edges.

Owns the walk and its bounds. A citation that no policy carries is a node of its own, and so is each
selector, beside the policies that it acts on. Must not know HTTP.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, func, literal_column, select

from timeline.projections.evidence_reads import sources_of
from timeline.projections.policy_reads import policy_items, retractions
from timeline.projections.reading import View, chunks, known
from timeline.projections.relation_reads import ends, is_later, related_rows, resolved_targets
from timeline.projections.timeline import SELECTED_BY

MAX_NODES: Final = 500
"""Nodes of one graph: more is no picture that a person reads."""

MAX_EDGES: Final = 2_000
"""Edges of one graph, some 2 MB: enough where each of the nodes is related four times over."""

_TOLD: Final = (
    "event",
    "relation",
    "target",
    "by",
    "scope",
    "provision",
    "occurred",
    "effective",
    "until",
    "disputed",
    "erased",
    "position",
    "recorded_at",
)


def graph_around(view: View, policy: str, *, depth: int, day: int, position: int) -> dict[str, Any]:
    """Return the nodes and edges that are at most `depth` relations away from a policy.

    The nearest come first, those of one step in the record's order; `truncated` says that a bound
    has left some out. An edge is served with both of its ends or not at all.

    Args:
        view: the live read models.
        policy: one that is listed.
        depth: how many relations away the walk goes.
        day: the date asked about, as an ordinal.
        position: the moment of the record asked about.

    """
    walk = _Walk(view, day, position)
    frontier = [policy]
    walk.meet(policy, {"kind": "policy"}, 0)
    for distance in range(1, depth + 1):
        frontier = walk.step(frontier, distance)
        if not frontier:
            break
    return {"nodes": walk.served_nodes(), "edges": walk.served_edges(), "truncated": walk.truncated}


class _Walk:
    """What was met on the way from a policy."""

    def __init__(self, view: View, day: int, position: int) -> None:
        self._view = view
        self._day = day
        self._position = position
        self._nodes: dict[str, dict[str, Any]] = {}
        self._edges: dict[tuple[str, str], dict[str, Any]] = {}
        self.truncated = False

    def meet(self, id: str, node: dict[str, Any], distance: int) -> bool:
        """Take in a node, and tell whether it is in the graph."""
        if id not in self._nodes:
            if len(self._nodes) >= MAX_NODES:
                self.truncated = True
                return False
            self._nodes[id] = {**node, "id": id, "distance": distance}
        return True

    def step(self, frontier: Sequence[str], distance: int) -> list[str]:
        """Follow the relations from and to some policies; return the policies newly met."""
        before = set(self._nodes)
        found, selected = self._relations(frontier)
        targets = resolved_targets(self._view, found, self._position)
        for row, resolved in zip(found, targets, strict=True):
            item = msgspec.json.decode(row.item)
            if not self.meet(row.policy, {"kind": "policy"}, distance):
                continue
            for target in resolved:
                self._lead(item, target, {"kind": "policy"}, distance)
            if resolved:
                continue
            if row.target_citation is not None:
                cited = {"kind": "citation", "citation": item["target"]["citation"]}
                self._lead(item, f"citation/{row.target_citation}", cited, distance)
            else:
                selector = {"kind": "selector", "selector": item["target"]["selector"]}
                via = f"selector/{row.event}"
                self._lead(item, via, selector, distance)
                for policy in selected.get(row.event, ()):
                    self._lead(item, policy, {"kind": "policy"}, distance, via=via)
        met = [id for id in self._nodes if id not in before]
        return [id for id in met if self._nodes[id]["kind"] == "policy"]

    def _lead(
        self,
        item: dict[str, Any],
        to: str,
        node: dict[str, Any],
        distance: int,
        via: str | None = None,
    ) -> None:
        """Take in an edge and the node that it leads to, as far as the bounds allow."""
        key = (item["event"], to)
        if key in self._edges:
            return
        if len(self._edges) >= MAX_EDGES:
            self.truncated = True
        elif self.meet(to, node, distance):
            self._edges[key] = {
                **{name: item[name] for name in _TOLD},
                "from": item["policy"],
                "to": to,
                "via": via,
                "later": is_later(item, self._day),
            }

    def _relations(self, frontier: Sequence[str]) -> tuple[list[Row[Any]], dict[str, list[str]]]:
        """Return the relations from and to some policies, and whom their selectors name.

        Of a selector elsewhere those of the policies that it names; one more than there is room
        for, so that it shows when something is left out.
        """
        table = self._view.table("relations", "relations")
        direct = related_rows(self._view, frontier, self._position, [table.c.item], MAX_EDGES + 1)
        pairs = [
            *_selected_by(
                self._view, [row.event for row in direct if _selects(row)], self._position
            )
        ]
        selecting: list[Row[Any]] = []
        for row in _selecting(self._view, frontier, self._position):
            selecting.append(row)
            pairs.append((row.event, row.receiver))
        selected: dict[str, dict[str, None]] = {}
        for event, policy in pairs:
            selected.setdefault(event, {})[policy] = None
        found = {row.event: row for row in (*direct, *selecting)}
        ordered = sorted(found.values(), key=lambda row: (row.known_from, row.event))
        return ordered, {event: sorted(policies) for event, policies in selected.items()}

    def served_nodes(self) -> list[dict[str, Any]]:
        """Return the nodes as they are served, the nearest first."""
        policies = [id for id, node in self._nodes.items() if node["kind"] == "policy"]
        gone = retractions(self._view, policies, self._position)
        items = policy_items(self._view, policies, day=self._day, position=self._position)
        by_id = {item["policy"]: item for item in items}
        return [
            {**node, "kind": "retracted", "policy": id, "retracted_by": gone[id]}
            if id in gone
            else {**node, **by_id.get(id, {})}
            for id, node in self._nodes.items()
        ]

    def served_edges(self) -> list[dict[str, Any]]:
        """Return the edges as they are served, each with its sources."""
        borne = list(dict.fromkeys((each["from"], each["event"]) for each in self._edges.values()))
        sources = sources_of(self._view, borne, self._position)
        return [
            {**each, "sources": sources.get((each["from"], each["event"]), [])}
            for each in self._edges.values()
        ]


def _selects(row: Row[Any]) -> bool:
    return row.target_policy is None and row.target_citation is None


def _selected_by(view: View, events: Sequence[str], position: int) -> list[tuple[str, str]]:
    """Return whom selectors name: the policies whose timelines tell of the relations."""
    actions, tags = (view.table("timeline", name) for name in ("timeline", "timeline_tags"))
    found: list[tuple[str, str]] = []
    for some in chunks(events):
        received = select(actions.c.event, actions.c.policy).where(
            actions.c.event.in_(some), known(actions, position)
        )
        told = select(tags.c.value.label("event"), tags.c.policy).where(
            tags.c.kind == SELECTED_BY, tags.c.value.in_(some), known(tags, position)
        )
        for query in (received, told):
            limited = query.order_by(literal_column("1"), literal_column("2")).limit(MAX_EDGES + 1)
            found.extend((row.event, row.policy) for row in view.connection.execute(limited))
    return found


def _selecting(view: View, policies: Sequence[str], position: int) -> list[Row[Any]]:
    """Return the relations whose selectors name some policies, each with the one it names."""
    actions, tags = (view.table("timeline", name) for name in ("timeline", "timeline_tags"))
    found: list[Row[Any]] = []
    for some in chunks(policies):
        received = and_(actions.c.policy.in_(some), known(actions, position))
        told = and_(tags.c.policy.in_(some), tags.c.kind == SELECTED_BY, known(tags, position))
        for event, policy, naming in (
            (actions.c.event, actions.c.policy, received),
            (tags.c.value, tags.c.policy, told),
        ):
            found.extend(
                view.connection.execute(_relations_of(view, event, policy, naming, position))
            )
    return found


def _relations_of(
    view: View,
    event: ColumnElement[str],
    policy: ColumnElement[str],
    naming: ColumnElement[bool],
    position: int,
) -> Select[Any]:
    """Return the query for the relations with selectors that rows name, and for whose they are."""
    relations = view.table("relations", "relations")
    return (
        select(*ends(relations), relations.c.item, policy.label("receiver"))
        .join(relations, and_(relations.c.event == event, known(relations, position)))
        # No column, and so nothing that SQLite would walk through all relations for.
        .where(
            naming, func.coalesce(relations.c.target_policy, relations.c.target_citation).is_(None)
        )
        .order_by(relations.c.known_from, relations.c.event, policy)
        .limit(MAX_EDGES + 1)
    )
