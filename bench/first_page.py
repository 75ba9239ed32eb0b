"""The timeline's first page, on a log that does not change, beside an empty handler."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Final

from bench import record
from bench.databases import Databases
from bench.filling import project
from bench.filling import record as record_all
from bench.load import Load, generate, get
from bench.over_http import CONNECTIONS, told
from bench.services import Server, empty, timeline
from bench.table import Row, Scale, Target, rounds
from timeline.eventstore.database import create_engine

EVENTS: Final = 5_000
"""More than enough to fill a page: what is asked for again does not depend on the rest."""

PATH: Final = "/v1/timeline"
OURS: Final = "GET /v1/timeline, first page"
EMPTY: Final = "empty Litestar handler"
FILLER: Final = "Litestar handler of as many bytes"
AT_LEAST: Final = Target(bound=0.7)


def measure(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Measure with the same generator; a handler of equal size tells what the bytes cost."""
    for kind in scale.kinds:
        loads: dict[str, list[Load]] = {OURS: [], EMPTY: [], FILLER: []}
        with ExitStack() as stack:
            service = stack.enter_context(
                _filled(databases, kind, min(EVENTS, scale.events), stack)
            )
            size = len(service.get(PATH))
            handler = stack.enter_context(empty(databases.directory))
            contestants = {
                OURS: _asking(service, PATH, scale, loads[OURS]),
                EMPTY: _asking(handler, "/", scale, loads[EMPTY]),
                FILLER: _asking(handler, f"/bytes/{size}", scale, loads[FILLER]),
            }
            figures = rounds(contestants, scale.rounds)
        for beside in (EMPTY, FILLER):
            yield Row(
                part="timeline",
                database=kind,
                what=f"{OURS}, {size:,} bytes",
                value=figures[OURS],
                unit="requests/s",
                beside=beside,
                beside_value=figures[beside],
                targets=(AT_LEAST,) if beside == EMPTY and kind == "postgresql" else (),
                note=f"{told(loads[OURS])}, there {_busy(loads[beside])}",
            )


def _filled(
    databases: Databases, kind: str, events: int, stack: ExitStack
) -> AbstractContextManager[Server]:
    url = databases.fresh(kind)
    stack.callback(databases.drop, url)
    engine = create_engine(url)
    record_all(engine, record.drafts(events))
    project(engine)
    engine.dispose()
    return timeline(url, databases.directory)


def _asking(server: Server, path: str, scale: Scale, loads: list[Load]) -> Callable[[], float]:
    def run() -> float:
        load = generate(server.port, [get(path)], connections=CONNECTIONS, seconds=scale.seconds)
        loads.append(load)
        return load.rate

    return run


def _busy(loads: list[Load]) -> str:
    return f"{sorted(load.busy for load in loads)[len(loads) // 2]:.0%}"
