"""Read models: following the log from its beginning, and all of them rebuilt, compared, switched."""

from collections.abc import Iterator
from typing import Final

from bench import record
from bench.databases import Databases, settle
from bench.filling import project, rebuild
from bench.filling import record as record_all
from bench.table import Row, Scale, Target
from timeline.projections.collecting import collect_seldom

FULL_EVENTS: Final = 100_000
RELATIONS: Final = 0.05
"""The share of events that relate policies: others than the one they are about change with them."""

ROUNDS: Final = 3
REBUILT: Final = Target(bound=8_000, of="value")
STRETCH: Final = Target(bound=20_000, of="value")


def measure(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Measure a record without relations, which the target speaks of, and one with some.

    As in every process of this project, cycles among objects are looked for seldom.
    """
    collect_seldom()
    events = FULL_EVENTS if scale.full else scale.events
    for kind in scale.kinds:
        for relations in (0.0, RELATIONS):
            yield from _measured(databases, kind, events, relations, scale)


def _measured(
    databases: Databases, kind: str, events: int, relations: float, scale: Scale
) -> Iterator[Row]:
    mix = f"{events:,} events" + (f", {relations:.0%} of them relations" if relations else "")
    with databases.engine(kind) as engine:
        record_all(engine, record.drafts(events, relations=relations))
        yield Row(
            part="rebuild",
            database=kind,
            what=f"following the log, {mix}",
            value=events / project(engine, scale.timeout_s),
            unit="events/s",
        )
        settle(engine)
        times = sorted(rebuild(engine, scale.timeout_s) for _ in range(min(scale.rounds, ROUNDS)))
    aimed = kind == "postgresql" and not relations
    yield Row(
        part="rebuild",
        database=kind,
        what=f"rebuild of all read models, {mix}",
        value=events / times[len(times) // 2],
        unit="events/s",
        targets=(REBUILT,) if aimed else (),
        stretch=STRETCH if aimed else None,
        note="compared and switched",
    )
