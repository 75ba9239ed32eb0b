"""Questions to the policies' read model.

Owns the item of a policy at a date and a position, and what its own page has besides. Must not
know which policies a listing has, cursors or HTTP.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import BindParameter, Row, Select, Table, and_, bindparam, exists, select

from timeline.domain.periods import FIRST_DAY, LAST_DAY
from timeline.domain.vocabulary import WITHOUT_FORCE, Force, InForce, Litigation
from timeline.projections.policy_listing import PolicyFilter, select_ids
from timeline.projections.reading import View, chunks, known


class Standing(msgspec.Struct, frozen=True):
    """Where a policy stands in the record at a position."""

    retracted_by: str | None
    merged_into: str | None


_JSON: Final = ("identifiers", "topics")
AXES: Final = ("stage", "force", "force_reason", "litigation", "in_force")


def select_policies(
    view: View, filter: PolicyFilter, *, day: int, position: int, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return the items of the policies that match, by id; the arguments are those of the ids."""
    ids = select_ids(view, filter, day=day, position=position, after=after, limit=limit)
    return policy_items(view, ids, day=day, position=position)


def policy_items(
    view: View, policies: Sequence[str], *, day: int, position: int
) -> list[dict[str, Any]]:
    """Return the items of policies by id, also before their first action, listed or not."""
    return [_item(row) for row in _rows(view, policies, day, position)]


def select_states(
    view: View, policies: Sequence[str], *, day: int, position: int
) -> dict[str, dict[str, Any]]:
    """Return what policies were, listed or not, by policy; none for those that were not known."""
    rows = _rows(view, policies, day, position)
    return {row.policy: state(values_of(row)) for row in rows}


def policy_item(view: View, policy: str, *, day: int, position: int) -> dict[str, Any] | None:
    """Return one policy's item, also before its first action; None where it is not known."""
    return next((_item(row) for row in _rows(view, [policy], day, position)), None)


def _rows(view: View, policies: Sequence[str], day: int, position: int) -> list[Row[Any]]:
    """Return what the items of policies are made from, by id."""
    names = ("policies", "policy_periods", "policy_steps", "disputes")
    query = _items_query(*(view.table("policies", name) for name in names))
    found: list[Row[Any]] = []
    for some in chunks(policies):
        asked = {"policies": some, "day": day, "position": position}
        found.extend(view.connection.execute(query, asked))
    return found


MAX_QUERIES: Final = 4
"""One query for each combination of slots."""


@lru_cache(maxsize=MAX_QUERIES)
def _items_query(policies: Table, periods: Table, steps: Table, disputes: Table) -> Select[Any]:
    """Return the query for policies' items, made once: making it costs more than running it."""
    day: BindParameter[int] = bindparam("day")
    position: BindParameter[int] = bindparam("position")
    asked: BindParameter[Sequence[str]] = bindparam("policies", expanding=True)
    # Walking back from the day ends at the first period that is believed: few others begin between.
    earlier = periods.alias()
    begun = (
        select(earlier.c.first_day)
        .where(
            earlier.c.policy == policies.c.policy,
            earlier.c.first_day <= day,
            # As expressions, or PostgreSQL 18 reckons with a descent for each day before.
            earlier.c.known_from + 0 <= position,
            earlier.c.known_until + 0 > position,
        )
        .order_by(earlier.c.first_day.desc())
        .limit(1)
        .correlate(policies)
        .scalar_subquery()
    )
    joined = policies.outerjoin(
        periods,
        and_(
            periods.c.policy == policies.c.policy,
            periods.c.first_day == begun,
            periods.c.last_day >= day,
            known(periods, position),
        ),
    )
    version = (
        select(steps.c.version)
        .where(steps.c.policy == policies.c.policy, steps.c.known_from <= position)
        .order_by(steps.c.known_from.desc())
        .limit(1)
        .correlate(policies)
        .scalar_subquery()
    )
    disputed = (
        exists()
        .where(
            disputes.c.policy == policies.c.policy,
            disputes.c.settled_by.is_(None),
            known(disputes, position),
        )
        .correlate(policies)
    )
    period = [periods.c[name] for name in (*AXES, "last_confirmed", "possible")]
    return (
        select(
            *(policies.c[name] for name in DESCRIBED),
            policies.c.retracted_by,
            policies.c.merged_into,
            *period,
            periods.c.decided_by,
            version.label("version"),
            disputed.label("disputed"),
        )
        .select_from(joined)
        .where(policies.c.policy.in_(asked), known(policies, position))
        .order_by(policies.c.policy)
    )


DESCRIBED: Final = ("policy", "title", "instrument", "jurisdiction", "body", *_JSON)


def _item(row: Row[Any]) -> dict[str, Any]:
    return item(values_of(row))


def values_of(row: Row[Any]) -> Mapping[Any, Any]:
    """Return a row as a mapping."""
    return row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping


STANDING: Final = ("retracted_by", "merged_into")
"""What a state has besides an item: why the policy may be in no listing."""


def state(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a policy's item and where it stands in the record."""
    return {**item(values), **{name: values[name] for name in STANDING}}


_OF_THE_DAY: Final = (*AXES, "last_confirmed", "possible", "decided_by")


def state_of(
    values: Mapping[Any, Any], period: Mapping[Any, Any] | None, *, disputed: bool
) -> dict[str, Any]:
    """Return a state from its parts.

    Args:
        values: the policy's row, with its `version`.
        period: its period on the day asked about; None before its first action.
        disputed: whether a dispute is open.

    """
    dated = {name: None if period is None else period[name] for name in _OF_THE_DAY}
    return state({**values, **dated, "disputed": disputed})


def item(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a policy as it is served; `force` is None before its first action."""
    described = {
        **{name: values[name] for name in DESCRIBED},
        **{name: msgspec.json.decode(values[name]) for name in _JSON},
    }
    if values["force"] is None:
        axes = _before_any_action(values["instrument"])
        possible, confirmed, decided = {}, None, {}
    else:
        axes = {name: values[name] for name in AXES}
        possible = msgspec.json.decode(values["possible"])
        confirmed = values["last_confirmed"]
        decided = msgspec.json.decode(values["decided_by"])
    return {
        **described,
        **axes,
        "possible": possible,
        "disputed": bool(values["disputed"]),
        "last_confirmed": confirmed,
        "version": values["version"],
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


def standing(view: View, policy: str, position: int) -> Standing | None:
    """Return where a policy stands, or None where the record does not know it at the position."""
    policies = view.table("policies", "policies")
    row = view.connection.execute(
        select(policies.c.retracted_by, policies.c.merged_into).where(
            policies.c.policy == policy, known(policies, position)
        )
    ).first()
    return None if row is None else Standing(row.retracted_by, row.merged_into)


def retractions(view: View, policies: Sequence[str], position: int) -> dict[str, str]:
    """Return, for those of the policies whose registration is retracted, by which event."""
    table = view.table("policies", "policies")
    found: dict[str, str] = {}
    for some in chunks(policies):
        rows = view.connection.execute(
            select(table.c.policy, table.c.retracted_by).where(
                table.c.policy.in_(some), table.c.retracted_by.is_not(None), known(table, position)
            )
        )
        found.update({row.policy: row.retracted_by for row in rows})
    return found


def headings(view: View, policies: Sequence[str], position: int) -> dict[str, dict[str, Any]]:
    """Return the title, instrument and jurisdiction of policies, by policy."""
    table = view.table("policies", "policies")
    names = ("title", "instrument", "jurisdiction")
    found: dict[str, dict[str, Any]] = {}
    for some in chunks(policies):
        rows = view.connection.execute(
            select(table.c.policy, *(table.c[name] for name in names)).where(
                table.c.policy.in_(some), known(table, position)
            )
        )
        found.update({row.policy: {name: getattr(row, name) for name in names} for row in rows})
    return found


def policy_details(view: View, policy: str, position: int) -> dict[str, Any]:
    """Return what one policy's own page has besides its item: summary, sponsors, periods."""
    policies = view.table("policies", "policies")
    row = view.connection.execute(
        select(policies).where(policies.c.policy == policy, known(policies, position))
    ).one()
    return {
        "summary": row.summary,
        "sponsors": msgspec.json.decode(row.sponsors),
        "periods": periods(view, policy, position),
        "described_by": msgspec.json.decode(row.decided_by),
    }


def periods(view: View, policy: str, position: int) -> list[dict[str, Any]]:
    """Return the days on which nothing about a policy changed, in order, as they are served."""
    table = view.table("policies", "policy_periods")
    rows = view.connection.execute(
        select(table)
        .where(table.c.policy == policy, known(table, position))
        .order_by(table.c.first_day)
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
