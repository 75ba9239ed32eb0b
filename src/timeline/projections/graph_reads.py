"""The graph around a policy: whom relations lead to, step by step, as nodes and edges.

Owns the walk and its bounds. A citation that no policy carries is a node of its own, and so is each
selector, beside the policies that it acts on. Must not know HTTP.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from timeline.projections.evidence_reads import sources_of
from timeline.projections.policy_reads import policy_items, retractions
from timeline.projections.reading import View
from timeline.projections.relation_reads import is_later, related_rows, resolved_targets

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
        related, position = [self._view.table("relations", "relations").c.item], self._position
        found = related_rows(self._view, frontier, position, related, MAX_EDGES + 1)
        targets = resolved_targets(self._view, found, position, MAX_EDGES + 1)
        for row, resolved in zip(found, targets, strict=True):
            item = msgspec.json.decode(row.item)
            if not self.meet(row.policy, {"kind": "policy"}, distance):
                continue
            via = None
            if row.target_policy is None and row.target_citation is None:
                via = f"selector/{row.event}"
                selector = {"kind": "selector", "selector": item["target"]["selector"]}
                self._lead(item, via, selector, distance)
            elif not resolved:
                cited = {"kind": "citation", "citation": item["target"]["citation"]}
                self._lead(item, f"citation/{row.target_citation}", cited, distance)
            for target in resolved:
                self._lead(item, target, {"kind": "policy"}, distance, via=via)
            if self.truncated and len(self._edges) >= MAX_EDGES:
                break
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
