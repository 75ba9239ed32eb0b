"""How cost grows with the record: from 10,000 events to 1,000,000.

Owns the sizes, all of which stand at once so that they are measured in turns. Each has as many
events a policy, so that nothing but its length grows. Must not know how a question is asked.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import islice
from typing import Final

import msgspec
from sqlalchemy import Engine

from bench import record, two_clocks
from bench.databases import Databases, size_bytes
from bench.filling import writing
from bench.table import Row, Scale, Target, rounds
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.writer import Writer

FULL_SIZES: Final = (10_000, 100_000, 1_000_000)
ASKED: Final = 300
"""Answers whose median is one round's figure."""

APPENDED: Final = 100
APPEND: Final = "append of one event, alone: p50"
MS: Final = 1_000

GROWS: Final = {
    APPEND: (Target(bound=1.3, least=False), None),
    two_clocks.ONE: (Target(bound=1.5, least=False), 1.0),
    two_clocks.PAGE_OF_50: (Target(bound=1.5, least=False), 5.0),
    two_clocks.RAW: (None, None),
}
"""How much slower the largest may be than the smallest, and how many ms it may take."""


class Filled(msgspec.Struct, frozen=True):
    """A record, and how long it took to record and to project it, in seconds."""

    engine: Engine
    events: int
    recorded: float
    projected: float


def measure(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Build a record of each size, then measure them in turns."""
    for kind in scale.kinds:
        with ExitStack() as stack:
            records = [_filled(databases, kind, size, scale, stack) for size in _sizes(scale)]
            yield from _building(kind, records)
            figures = rounds(_contestants(records, stack), scale.rounds)
        yield from _growing(kind, records, figures)


def _sizes(scale: Scale) -> tuple[int, ...]:
    return FULL_SIZES if scale.full else (scale.events, scale.events * 5)


def _filled(databases: Databases, kind: str, events: int, scale: Scale, stack: ExitStack) -> Filled:
    engine = stack.enter_context(databases.engine(kind))
    return Filled(engine, events, *two_clocks.fill(engine, events, timeout_s=scale.timeout_s))


def _building(kind: str, records: list[Filled]) -> Iterator[Row]:
    """Yield what building told: rates and space, beside those of the smallest."""
    for what, unit, told in (
        ("recorded", "events/s", [each.events / each.recorded for each in records]),
        ("projected", "events/s", [each.events / each.projected for each in records]),
        ("space", "bytes/event", [size_bytes(each.engine) / each.events for each in records]),
    ):
        for each, value in zip(records, told, strict=True):
            first = each is records[0]
            yield Row(
                part="growth",
                database=kind,
                what=f"{what}, {each.events:,} events",
                value=value,
                unit=unit,
                beside="" if first else f"{records[0].events:,} events",
                beside_value=None if first else told[0],
            )


def _contestants(records: list[Filled], stack: ExitStack) -> dict[str, Callable[[], float]]:
    """Return by name what gives the median of some answers, in ms, for each size and question."""
    found: dict[str, Callable[[], float]] = {}
    for each in records:
        writer = stack.enter_context(writing(each.engine))
        supply = record.actions(two_clocks.policies(each.events), each.events)
        found[_name(APPEND, each)] = partial(_appending, writer, supply)
        asked = stack.enter_context(two_clocks.questions(each.engine, each.events))
        for question in (two_clocks.ONE, two_clocks.RAW, two_clocks.PAGE_OF_50):
            found[_name(question, each)] = partial(_asking, asked[question])
    return found


def _appending(writer: Writer, supply: Iterator[Draft]) -> float:
    drafts = iter(list(islice(supply, 2 * APPENDED)))
    return _p50_ms(
        lambda: writer.append(Append(drafts=(next(drafts),), recorded_by="bench")), APPENDED
    )


def _asking(ask: Callable[[], object]) -> float:
    return _p50_ms(ask, ASKED)


def _p50_ms(ask: Callable[[], object], number: int) -> float:
    return two_clocks.quantile(two_clocks.timed(ask, number), 0.5) * MS


def _growing(kind: str, records: list[Filled], figures: Mapping[str, float]) -> Iterator[Row]:
    smallest = records[0]
    for question, (grows, most_ms) in GROWS.items():
        for each in records:
            value, largest = figures[_name(question, each)], each is records[-1]
            first = each is smallest
            yield Row(
                part="growth",
                database=kind,
                what=_name(question, each),
                value=value,
                unit="ms",
                beside="" if first else f"{smallest.events:,} events",
                beside_value=None if first else figures[_name(question, smallest)],
                targets=(grows,) if grows is not None and largest else (),
                note="" if most_ms is None else f"at most {most_ms:g} ms: {_kept(value, most_ms)}",
            )


def _name(question: str, each: Filled) -> str:
    return f"{question}, {each.events:,} events"


def _kept(value: float, most: float) -> str:
    return "met" if value <= most else "MISSED"
