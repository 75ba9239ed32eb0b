"""Questions to the policies' read model.

Owns the selection of policies and their periods at a date and a position, and the item served.
Must not know cursors or HTTP.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, Select, Table, and_, exists, select

from timeline.domain.periods import FIRST_DAY, LAST_DAY
from timeline.domain.vocabulary import WITHOUT_FORCE, Force, InForce, Litigation
from timeline.eventstore.tables import tag_value
from timeline.projections.reading import View, chunks, contains, known, within


class PolicyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which policies; None asks for nothing. Text is folded already."""

    jurisdiction: str | None = None
    within: bool = False
    instrument: str | None = None
    topic: str | None = None
    identifier: str | None = None
    stage: str | None = None
    force: str | None = None
    litigation: str | None = None
    in_force: str | None = None
    words: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """Where a policy stands in the record at a position."""

    retracted_by: str | None
    merged_into: str | None


MAX_MERGERS: Final = 100
"""Mergers followed one after the other, a query each: curators merge duplicates, not dynasties."""

_JSON: Final = ("identifiers", "topics")
_AXES: Final = ("stage", "force", "force_reason", "litigation", "in_force")


def select_policies(
    view: View, filter: PolicyFilter, *, day: int, position: int, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return the items of the policies that match, by id.

    Args:
        view: the live read models.
        filter: what to look for.
        day: the date asked about, as an ordinal; policies without an action by then are left out.
        position: the moment of the record asked about.
        after: the id to go on after.
        limit: how many at most.

    """
    policies = view.table("policies", "policies")
    periods = view.table("policies", "policy_periods")
    query = _joined(policies, periods, day, position).where(
        policies.c.retracted_by.is_(None),
        policies.c.merged_into.is_(None),
        *_conditions(view, filter, policies, periods, position),
    )
    if after is not None:
        query = query.where(policies.c.policy > after)
    rows = view.connection.execute(query.order_by(policies.c.policy).limit(limit)).all()
    return [_item(row) for row in rows]


def _joined(policies: Table, periods: Table, day: int, position: int) -> Select[Any]:
    joined = policies.join(
        periods,
        and_(
            periods.c.policy == policies.c.policy,
            known(periods, position),
            periods.c.first_day <= day,
            periods.c.last_day >= day,
        ),
    )
    return (
        select(policies, *_period_columns(periods))
        .select_from(joined)
        .where(known(policies, position))
    )


def _period_columns(periods: Table) -> Sequence[ColumnElement[Any]]:
    return [periods.c[name] for name in (*_AXES, "last_confirmed", "possible")] + [
        periods.c.decided_by.label("axes_decided_by")
    ]


def _conditions(
    view: View, filter: PolicyFilter, policies: Table, periods: Table, position: int
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filter.jurisdiction is not None:
        found.append(within(policies.c.jurisdiction, filter.jurisdiction, subtree=filter.within))
    if filter.instrument is not None:
        found.append(policies.c.instrument == filter.instrument)
    for axis, column in (
        (filter.stage, periods.c.stages),
        (filter.force, periods.c.forces),
        (filter.litigation, periods.c.litigations),
    ):
        if axis is not None:
            found.append(contains(column, f" {axis} "))
    if filter.in_force is not None:
        found.append(periods.c.in_force == filter.in_force)
    if filter.words is not None:
        found.append(contains(policies.c.search, filter.words))
    tags = view.table("policies", "policy_tags")
    for kind, value in (("topic", filter.topic), ("identifier", filter.identifier)):
        if value is not None:
            tag = tags.alias()
            found.append(
                exists().where(
                    tag.c.kind == kind,
                    tag.c.value == tag_value(value),
                    tag.c.policy == policies.c.policy,
                    tag.c.known_from <= position,
                    tag.c.known_until > position,
                )
            )
    return found


def standing(view: View, policy: str, position: int) -> Standing | None:
    """Return where a policy stands, or None where the record does not know it at the position."""
    policies = view.table("policies", "policies")
    row = view.connection.execute(
        select(policies.c.retracted_by, policies.c.merged_into).where(
            policies.c.policy == policy, known(policies, position)
        )
    ).first()
    return None if row is None else Standing(row.retracted_by, row.merged_into)


def policy_item(view: View, policy: str, *, day: int, position: int) -> dict[str, Any] | None:
    """Return one policy's item, also before its first action; None where it is not known."""
    policies = view.table("policies", "policies")
    periods = view.table("policies", "policy_periods")
    row = view.connection.execute(
        _joined(policies, periods, day, position).where(policies.c.policy == policy)
    ).first()
    if row is not None:
        return _item(row)
    bare = view.connection.execute(
        select(policies).where(policies.c.policy == policy, known(policies, position))
    ).first()
    return None if bare is None else _item(bare)


def policy_details(view: View, policy: str, position: int) -> dict[str, Any]:
    """Return what one policy's own page has besides its item: summary, sources, periods, disputes."""
    policies = view.table("policies", "policies")
    row = view.connection.execute(
        select(policies).where(policies.c.policy == policy, known(policies, position))
    ).one()
    return {
        "summary": row.summary,
        "sponsors": msgspec.json.decode(row.sponsors),
        "sources": msgspec.json.decode(row.sources),
        "periods": _periods(view, policy, position),
        "disputes": msgspec.json.decode(row.disputes),
        "described_by": msgspec.json.decode(row.decided_by),
    }


def _periods(view: View, policy: str, position: int) -> list[dict[str, Any]]:
    periods = view.table("policies", "policy_periods")
    rows = view.connection.execute(
        select(periods)
        .where(periods.c.policy == policy, known(periods, position))
        .order_by(periods.c.first_day)
    )
    return [
        {
            "from": served_day(row.first_day),
            "until": served_day(row.last_day),
            "stage": row.stage,
            "force": row.force,
            "force_reason": row.force_reason,
            "litigation": row.litigation,
            "in_force": row.in_force,
            "possible": msgspec.json.decode(row.possible),
            "decided_by": msgspec.json.decode(row.decided_by),
        }
        for row in rows
    ]


def served_day(ordinal: int) -> str | None:
    """Return a day as ISO text, or None where it is open."""
    if ordinal in (FIRST_DAY, LAST_DAY):
        return None
    return date.fromordinal(ordinal).isoformat()


def _item(row: Row[Any]) -> dict[str, Any]:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    described = {
        "policy": row.policy,
        "title": row.title,
        "instrument": row.instrument,
        "jurisdiction": row.jurisdiction,
        "body": row.body,
        **{name: msgspec.json.decode(values[name]) for name in _JSON},
    }
    if "force" in values:
        axes = {name: values[name] for name in _AXES}
        possible = msgspec.json.decode(row.possible)
        confirmed = row.last_confirmed
        decided = msgspec.json.decode(row.axes_decided_by)
    else:
        axes = _before_any_action(row.instrument)
        possible, confirmed, decided = {}, None, {}
    return {
        **described,
        **axes,
        "possible": possible,
        "disputed": row.open_disputes > 0,
        "last_confirmed": confirmed,
        "version": row.version,
        "decided_by": decided,
    }


def _before_any_action(instrument: str) -> dict[str, Any]:
    applicable = instrument not in {str(each) for each in WITHOUT_FORCE}
    return {
        "stage": None,
        "force": str(Force.NOT_ENACTED if applicable else Force.NOT_APPLICABLE),
        "force_reason": None,
        "litigation": str(Litigation.NONE),
        "in_force": str(InForce.NO),
    }


def steps(view: View, policy: str, *, after: int, until: int, limit: int) -> list[int]:
    """Return the positions at which a policy's picture changed, in order."""
    policies = view.table("policies", "policies")
    periods = view.table("policies", "policy_periods")
    starts = [
        select(table.c.known_from.label("position")).where(
            table.c.policy == policy, table.c.known_from > after, table.c.known_from <= until
        )
        for table in (policies, periods)
    ]
    ends = select(periods.c.known_until.label("position")).where(
        periods.c.policy == policy, periods.c.known_until > after, periods.c.known_until <= until
    )
    union = starts[0].union(starts[1], ends).subquery()
    rows = view.connection.execute(select(union.c.position).order_by(union.c.position).limit(limit))
    return [row.position for row in rows]


def resolve_identifiers(view: View, keys: Sequence[str], position: int) -> dict[str, str]:
    """Return the policies that carry these identifiers at a position, by identifier."""
    tags = view.table("policies", "policy_tags")
    found: dict[str, str] = {}
    for some in chunks(keys):
        rows = view.connection.execute(
            select(tags.c.value, tags.c.policy)
            .where(tags.c.kind == "identifier", tags.c.value.in_(some), known(tags, position))
            .order_by(tags.c.value, tags.c.policy.desc())
        )
        found.update({row.value: row.policy for row in rows})
    return found


def identifiers_of(view: View, policies: Sequence[str], position: int) -> list[str]:
    """Return the identifiers that policies carry at a position, each once."""
    tags = view.table("policies", "policy_tags")
    found: dict[str, None] = {}
    for some in chunks(policies):
        rows = view.connection.execute(
            select(tags.c.value)
            .where(tags.c.policy.in_(some), tags.c.kind == "identifier", known(tags, position))
            .order_by(tags.c.value)
        )
        found.update(dict.fromkeys(row.value for row in rows))
    return list(found)


def survivors_of(view: View, policies: Sequence[str], position: int) -> dict[str, str]:
    """Return, for those of the policies that are merged into another, the end of their mergers."""
    table = view.table("policies", "policies")
    found: dict[str, str] = {}
    heads: Sequence[str] = policies
    for _ in range(MAX_MERGERS):
        into: dict[str, str] = {}
        for some in chunks(heads):
            rows = view.connection.execute(
                select(table.c.policy, table.c.merged_into).where(
                    table.c.policy.in_(some),
                    table.c.merged_into.is_not(None),
                    known(table, position),
                )
            )
            into.update({row.policy: row.merged_into for row in rows})
        if not into:
            break
        reached = {policy: found.get(policy, policy) for policy in policies}
        found |= {policy: into[head] for policy, head in reached.items() if head in into}
        heads = sorted(set(into.values()))
    return found


def duplicates_of(view: View, policies: Sequence[str], position: int) -> list[str]:
    """Return the policies that are merged into these, those merged into them included."""
    table = view.table("policies", "policies")
    found: dict[str, None] = {}
    heads: Sequence[str] = policies
    for _ in range(MAX_MERGERS):
        merged: list[str] = []
        for some in chunks(heads):
            rows = view.connection.execute(
                select(table.c.policy)
                .where(table.c.merged_into.in_(some), known(table, position))
                .order_by(table.c.policy)
            )
            merged.extend(row.policy for row in rows)
        heads = [policy for policy in merged if policy not in found]
        if not heads:
            break
        found.update(dict.fromkeys(heads))
    return list(found)
