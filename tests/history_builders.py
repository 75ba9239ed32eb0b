"""Builders for tests of the fold: events become a past, and periods become a table to read.

A row of the table is one period, its columns split by blanks:

    first  last  stage  force  force_reason  litigation  in_force  [axis=value|value …]

`..` stands for an open end, `-` for none; what follows the seventh column is `possible`.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from domain_builders import SOURCE, Draft, Json, acted, event_id, registered, related
from timeline.domain.bearing import Bearing
from timeline.domain.belief import PastEvent
from timeline.domain.events import PayloadErased, decode_data
from timeline.domain.history import History, bearing_of, fold
from timeline.domain.periods import FIRST_DAY, LAST_DAY, Period
from timeline.domain.vocabulary import EventType

POLICY: Final = "law-1"
SUIT: Final = "suit-1"
ANOTHER_SUIT: Final = "suit-2"

INSTRUMENT: Final = "executive_order"
"""In force as soon as it is issued, so that most rules need one action fewer to be seen."""


def act(action: str, occurred: str, **data: Json) -> Draft:
    """Record an action of the policy."""
    return acted(POLICY, action=action, occurred=occurred, **data)


def by(policy: str) -> Json:
    """Say which policy acts."""
    return {"policy": policy}


def past(*drafts: Draft, ids: Sequence[str] = ()) -> list[PastEvent]:
    """Return the events as the fold reads them, recorded in this order.

    As where a log is read, an erased event comes with its replacement, or without data.
    """
    events: list[PastEvent] = []
    versions: dict[str, int] = {}
    erased: dict[str, dict[str, Any] | None] = {}
    for position, (policy, type, raw) in enumerate(drafts, start=1):
        data = decode_data(type, raw)
        versions[policy] = versions.get(policy, 0) + 1
        if isinstance(data, PayloadErased):
            erased[data.event] = data.replacement
        events.append(
            PastEvent(
                position=position,
                id=ids[position - 1] if ids else event_id(position),
                policy=policy,
                version=versions[policy],
                type=type,
                recorded_at=f"2026-01-01T00:00:00.{position:06}Z",
                recorded_by="newsroom",
                data=data,
            )
        )
    return [_without(event, erased) for event in events]


def _without(event: PastEvent, erased: dict[str, dict[str, Any] | None]) -> PastEvent:
    """Return the event as it is once the named payloads are gone."""
    if event.id not in erased:
        return event
    replacement = erased[event.id]
    data = None if replacement is None else decode_data(event.type, replacement)
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return PastEvent(**(fields | {"data": data, "erased": True}))


def registration(instrument: str = INSTRUMENT, **data: Json) -> Draft:
    """Register the policy; in a past of its own it is event 1."""
    return registered(POLICY, instrument=instrument, **data)


def folded(*drafts: Draft, instrument: str = INSTRUMENT, cases: Sequence[Bearing] = ()) -> History:
    """Register the policy, record the events, and return what the record believes."""
    return believed(past(registration(instrument), *drafts), cases)


def believed(events: Sequence[PastEvent], cases: Sequence[Bearing] = ()) -> History:
    """Return what the record believes of the policy."""
    history = fold(POLICY, events, cases)
    assert history is not None
    return history


def lawsuit(
    *drafts: Draft, suit: str = SUIT, start: int = 1_000, **relation: Json
) -> list[Bearing]:
    """Return what a lawsuit that challenges the policy bears on it.

    Args:
        drafts: the actions of the lawsuit's own stream.
        suit: its policy id.
        start: number of its first event, so that ids differ from those of other streams.
        relation: fields of its `challenges` relation.

    """
    challenge = related(suit, by(POLICY), relation="challenges", **relation)
    stream = (registered(suit, instrument="lawsuit"), challenge, *drafts)
    ids = [event_id(number) for number in range(start, start + len(stream))]
    history = fold(suit, past(*stream, ids=ids))
    assert history is not None
    bearing = bearing_of(history)
    assert bearing is not None
    return [bearing]


def table(text: str) -> list[list[str]]:
    """Read a table of periods."""
    return [line.split() for line in text.strip().splitlines()]


def shown(periods: Iterable[Period]) -> list[list[str]]:
    """Write periods as the rows of a table, leaving out what the tables do not show.

    Neighbours that differ in nothing else (in what decides them) are one row.
    """
    rows: list[list[str]] = []
    for period in periods:
        row = _row(period)
        if rows and rows[-1][2:] == row[2:]:
            rows[-1][1] = row[1]
        else:
            rows.append(row)
    return rows


def _row(period: Period) -> list[str]:
    axes = (period.stage, period.force, period.force_reason, period.litigation, period.in_force)
    return [
        day(period.first),
        day(period.last),
        *("-" if axis is None else str(axis) for axis in axes),
        *(
            f"{axis}={'|'.join('-' if value is None else value for value in values)}"
            for axis, values in sorted(period.possible.items())
        ),
    ]


def day(ordinal: int) -> str:
    """Write a bound of a period."""
    return ".." if ordinal in {FIRST_DAY, LAST_DAY} else date.fromordinal(ordinal).isoformat()


def on(history: History, when: str) -> Period:
    """Return the period that covers a day."""
    ordinal = date.fromisoformat(when).toordinal()
    return next(each for each in history.periods if each.first <= ordinal <= each.last)


def action_event(number: int, data: dict[str, Json], policy: str = POLICY) -> PastEvent:
    """Return one recorded action, without the checks of a builder, for tests of many."""
    return PastEvent(
        position=number,
        id=event_id(number),
        policy=policy,
        version=number,
        type=EventType.ACTION_RECORDED,
        recorded_at="2026-01-01T00:00:00.000000Z",
        recorded_by="newsroom",
        data=decode_data(EventType.ACTION_RECORDED, {"sources": [SOURCE], **data}),
    )
