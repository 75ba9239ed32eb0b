"""Questions about a stretch of the record: whose picture changed in it, and by which events.

Owns the walk through the steps of all policies, in the record's order: a page takes a fixed number
of queries. Must not know what a policy looked like before or after.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Table, and_, exists, func, or_, select

from timeline.eventstore.tables import log_entries, tag_value
from timeline.projections.policy_listing import Source
from timeline.projections.reading import View, chunks, known, placed

MAX_EVENTS: Final = 20
"""Events named for one policy, the newest: a page of 500 policies stays at a few megabytes, and a
policy's history has them all."""


MAX_NAMED: Final = 100
"""Policies with a topic that are looked up one by one, as on the timeline."""


class Stretch(NamedTuple):
    """The positions after `since`, up to and including `until`."""

    since: int
    until: int


class Place(NamedTuple):
    """Where a policy stands among those that changed: at its first step of the stretch."""

    position: int
    policy: str


class ChangeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which policies: what they were before or what they are after matches. Text is folded."""

    policy: str | None = None
    jurisdiction: str | None = None
    within: bool = False
    instrument: str | None = None
    topic: str | None = None


def select_changed(
    view: View, filter: ChangeFilter, stretch: Stretch, *, after: Place | None, limit: int
) -> list[Place]:
    """Return the policies whose picture changed in a stretch, in the order of their first steps."""
    steps = view.table("policies", "policy_steps").alias()
    earlier = view.table("policies", "policy_steps").alias()
    before = exists().where(
        earlier.c.policy == steps.c.policy,
        earlier.c.known_from > stretch.since,
        earlier.c.known_from < steps.c.known_from,
    )
    query = select(steps.c.known_from, steps.c.policy).where(
        *_in(steps, stretch), ~before.correlate(steps)
    )
    if after is not None:
        query = query.where(
            steps.c.known_from >= after.position,
            or_(steps.c.known_from > after.position, steps.c.policy > after.policy),
        )
    if filter.policy is not None:
        query = query.where(steps.c.policy == filter.policy)
    sides = [list(_matching(view, filter, steps, position)) for position in stretch]
    if filter.topic is not None:
        named = _on_topic(view, tag_value(filter.topic), stretch)
        if len(named) <= MAX_NAMED:
            query = query.where(steps.c.policy.in_(named))
    if any(sides):
        query = query.where(or_(*(and_(*side) for side in sides)))
    rows = view.connection.execute(query.order_by(steps.c.known_from, steps.c.policy).limit(limit))
    return [Place(row.known_from, row.policy) for row in rows]


def _on_topic(view: View, topic: str, stretch: Stretch) -> list[str]:
    """Return the policies that had a topic at either end; more than MAX_NAMED are not all of them.

    Those of a rare topic are named, so that their steps are looked up; with a common one, a page of
    steps is soon met on the way through the stretch.
    """
    tags = view.table("policies", "policy_tags")
    found: set[str] = set()
    for position in stretch:
        query = (
            select(tags.c.policy)
            .where(tags.c.kind == "topic", tags.c.value == topic, known(tags, position))
            .limit(MAX_NAMED + 1)
        )
        found.update(row.policy for row in view.connection.execute(query))
    return sorted(found)


def _in(steps: Source | Table, stretch: Stretch) -> tuple[ColumnElement[bool], ...]:
    return steps.c.known_from > stretch.since, steps.c.known_from <= stretch.until


def _matching(
    view: View, filter: ChangeFilter, steps: Source, position: int
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that a step's policy matched at a position."""
    policies = view.table("policies", "policies").alias()
    about: list[ColumnElement[bool]] = []
    if filter.jurisdiction is not None:
        place = policies.c.jurisdiction
        about.append(placed(place, filter.jurisdiction, below=filter.within))
    if filter.instrument is not None:
        about.append(policies.c.instrument == filter.instrument)
    if about:
        own = policies.c.policy == steps.c.policy
        yield exists().where(own, known(policies, position), *about).correlate(steps)
    if filter.topic is not None:
        tags = view.table("policies", "policy_tags").alias()
        yield (
            exists()
            .where(
                tags.c.kind == "topic",
                tags.c.value == tag_value(filter.topic),
                tags.c.policy == steps.c.policy,
                known(tags, position),
            )
            .correlate(steps)
        )


def changing_events(
    view: View, policies: Sequence[str], stretch: Stretch
) -> dict[str, list[dict[str, Any]]]:
    """Return the newest MAX_EVENTS events that changed each policy in a stretch, in order."""
    steps = view.table("policies", "policy_steps")
    number = func.row_number().over(partition_by=steps.c.policy, order_by=steps.c.known_from.desc())
    found: dict[str, list[dict[str, Any]]] = {policy: [] for policy in policies}
    for some in chunks(policies):
        numbered = (
            select(steps.c.policy, steps.c.known_from, number.label("number"))
            .where(steps.c.policy.in_(some), *_in(steps, stretch))
            .subquery()
        )
        rows = view.connection.execute(
            select(numbered.c.policy.label("changed"), *(log_entries.c[name] for name in _EVENT))
            .join(log_entries, log_entries.c.position == numbered.c.known_from)
            .where(numbered.c.number <= MAX_EVENTS)
            .order_by(numbered.c.policy, numbered.c.known_from)
        )
        for row in rows:
            found[row.changed].append({name: getattr(row, name) for name in _EVENT})
    return found


_EVENT: Final = ("id", "policy", "version", "type", "position", "recorded_at", "recorded_by")


def recorders(view: View, policies: Sequence[str], stretch: Stretch) -> dict[str, dict[str, int]]:
    """Return by policy who recorded the events that changed it, in order of names, and how many."""
    steps = view.table("policies", "policy_steps")
    found: dict[str, dict[str, int]] = {policy: {} for policy in policies}
    for some in chunks(policies):
        rows = view.connection.execute(
            select(steps.c.policy, log_entries.c.recorded_by, func.count().label("events"))
            .join(log_entries, log_entries.c.position == steps.c.known_from)
            .where(steps.c.policy.in_(some), *_in(steps, stretch))
            .group_by(steps.c.policy, log_entries.c.recorded_by)
            .order_by(steps.c.policy, log_entries.c.recorded_by)
        )
        for row in rows:
            found[row.policy][row.recorded_by] = row.events
    return found
