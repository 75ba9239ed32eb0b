"""One policy: its page, and its replay.

Owns what is on them and their bounds. Must not know HTTP, nor how read models are kept.
"""

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any, Final

from timeline.application.cursors import POSITION_KEY
from timeline.application.errors import (
    ApplicationError,
    PolicyGone,
    PolicyMoved,
    PolicyParked,
    UnknownResource,
)
from timeline.application.moments import Answer, Clocked, Moment, collection
from timeline.application.paging import read_page
from timeline.application.queries import BothClocks, ClockedPage
from timeline.application.served import ServedEvent, tell_erasures, with_erasures
from timeline.eventstore.model import MAX_PAGE, EventFilter, Recorded
from timeline.projections import evidence_reads, policy_history, policy_reads, timeline_reads
from timeline.projections.reading import View, view
from timeline.projections.relation_reads import Edge, edges, is_later
from timeline.projections.timeline_reads import TimelineFilter

MAX_ACTIONS: Final = 10_000
"""Actions on one policy's page; the longest real streams have a few hundred."""

MAX_DISPUTES: Final = 1_000
"""Disputes on one policy's page, the oldest: more than an editor settles."""


class OnePolicy(Clocked):
    """Answers questions about one policy."""

    def policy(self, policy: str, query: BothClocks) -> Answer:
        """Return one policy with all that the record believes about it."""
        with view(self._engine) as live:
            moment = self._moment(live, query, today=True)
            require_standing(live, policy, moment.position, "policy")
            item = policy_reads.policy_item(
                live, policy, day=moment.day or 0, position=moment.position
            )
            details = policy_reads.policy_details(live, policy, moment.position)
            parts, truncated = _parts(live, policy, moment)
            item = dict(item or {})
            live.mark([item], moment.position)
        tell_erasures(self._store, [*parts["actions"], *chain(*parts["relations"].values())])
        decided_by = {**details.pop("described_by"), **item.pop("decided_by")}
        return Answer(
            {
                **item,
                **details,
                **parts,
                "truncated": truncated,
                "decided_by": {
                    name: [events] if isinstance(events, str) else events
                    for name, events in decided_by.items()
                },
                **moment.stamp(),
            },
            moment.position,
        )

    def history(self, policy: str, query: ClockedPage) -> Answer:
        """Return a policy's replay: event by event, what it changed and the state after it."""
        with view(self._engine) as live:
            moment, after, cursor = self._page(live, query, POSITION_KEY, today=True, about=policy)
            require_known(live, policy, moment.position, "policy")

            def read(after: int | None, limit: int) -> list[tuple[int, dict[str, Any]]]:
                return self._steps(live, policy, moment, after or 0, limit)

            page = read_page(read, after, query.limit)
        about: dict[str, Any] = {"policy": policy}
        live.mark([about], moment.position)
        told = collection(page.items, page.next(cursor), moment)
        del about["policy"]
        return Answer({**told.document, **about}, told.position)

    def _steps(
        self, live: View, policy: str, moment: Moment, after: int, limit: int
    ) -> list[tuple[int, dict[str, Any]]]:
        """Return a policy's steps after a position, by theirs."""
        positions = policy_history.steps(
            live, policy, after=after, until=moment.position, limit=limit
        )
        states = policy_history.states(live, policy, moment.day or 0, [after, *positions])
        events = [ServedEvent.of(event) for event in self._events_at(policy, positions)]
        return [
            (
                event.position,
                {
                    "event": event,
                    "changed": changed(before, state),
                    "state": state,
                },
            )
            for event, (before, state) in zip(
                with_erasures(self._store, events), pairwise(states), strict=True
            )
        ]

    def _events_at(self, policy: str, positions: list[int]) -> Iterator[Recorded]:
        """Yield the events at a policy's steps: its own in one page, those of others one by one."""
        if not positions:
            return
        own = self._store.read(
            positions[0] - 1,
            until=positions[-1],
            filter=EventFilter(policies=(policy,)),
            limit=MAX_PAGE,
        )
        known = {event.position: event for event in own}
        for position in positions:
            yield known.get(position) or self._store.read(position - 1, until=position, limit=1)[0]


def require_standing(live: View, policy: str, position: int, field: str) -> None:
    """Raise where a policy cannot be shown: unknown, parked, retracted, or merged into another."""
    standing = policy_reads.standing(live, policy, position)
    if standing is None:
        raise _absent(live, policy, position, field)
    if standing.retracted_by is not None:
        raise PolicyGone(policy=policy, event=standing.retracted_by, field=field)
    if standing.merged_into is not None:
        raise PolicyMoved(policy=policy, survivor=standing.merged_into, field=field)


def require_known(live: View, policy: str, position: int, field: str) -> None:
    """Raise where there is nothing of a policy; what is retracted or merged has its history."""
    if policy_reads.standing(live, policy, position) is None:
        raise _absent(live, policy, position, field)


def _absent(live: View, policy: str, position: int, field: str) -> ApplicationError:
    """Return why the read models have nothing of a policy: it waits from its first event on."""
    parked = live.parked.get(policy)
    if parked is not None and parked.position <= position:
        return PolicyParked(
            policy=policy, event=parked.event, position=parked.position, field=field
        )
    return UnknownResource(kind="policy", id=policy, position=position, field=field)


def changed(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """Return the fields that differ, each as [before, after]."""
    old, new = before or {}, after or {}
    return {
        name: [old.get(name), new.get(name)]
        for name in (*old, *(name for name in new if name not in old))
        if name not in _EVER_CHANGING and old.get(name) != new.get(name)
    }


_EVER_CHANGING: Final = frozenset({"version", "decided_by"})


def _parts(live: View, policy: str, moment: Moment) -> tuple[dict[str, Any], list[str]]:
    """Return the lists on a policy's page, and the names of those that are cut.

    What is certainly later than the day asked about is shown, and marked.
    """
    position, day = moment.position, moment.day or 0
    actions = timeline_reads.select_items(
        live,
        TimelineFilter(policies=(policy,)),
        position=position,
        after=None,
        limit=MAX_ACTIONS + 1,
        descending=False,
    )
    related, all_related = edges(live, policy, position)
    disputes = evidence_reads.disputes_of(live, policy, position, MAX_DISPUTES + 1)
    parts = {
        "sources": evidence_reads.description_sources(live, policy, position),
        "actions": [
            {**action, "later": key.earliest > day} for key, action in actions[:MAX_ACTIONS]
        ],
        "relations": _both_ways(policy, related, day),
        "disputes": disputes[:MAX_DISPUTES],
    }
    cut = {
        "actions": len(actions) > MAX_ACTIONS,
        "relations": not all_related,
        "resolves_to": any(each.cut for each in related),
        "disputes": len(disputes) > MAX_DISPUTES,
    }
    return parts, [name for name, is_cut in cut.items() if is_cut]


def _both_ways(policy: str, related: list[Edge], day: int) -> dict[str, Any]:
    """Return relations as they leave the policy and as they arrive, each with what it resolves to."""
    ways: dict[str, list[dict[str, Any]]] = {"outgoing": [], "incoming": []}
    for edge in related:
        ways["outgoing" if edge.policy == policy else "incoming"].append(
            {**edge.item, "later": is_later(edge.item, day), "resolves_to": edge.targets}
        )
    return ways
