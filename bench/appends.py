"""Appends of one event each, in process: this project, the peers, and the bare driver.

Owns who appends, how many at once, and for how long. Every event is an action on one of the same
policies, ready made for whom it is given to; what is counted was acknowledged as durable.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count, islice
from typing import Final

from bench import peers, raw, record
from bench.databases import Databases
from bench.filling import record as record_all
from bench.filling import writing
from bench.table import Row, Scale, Target, rounds
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.writer import Writer

TASKS: Final = 64
POLICIES: Final = 2_000
MOST_A_SECOND: Final = 25_000
"""Events made ready for each second: nobody has appended as many."""

OURS: Final = f"single appends, {TASKS} tasks"
ALONE: Final = "single appends, one caller"
RECORDER: Final = f"eventsourcing, {peers.THREADS} threads"
RECORDER_ALONE: Final = "eventsourcing, one thread"
UMADB: Final = f"UmaDB, {peers.THREADS} clients"
UMADB_ALONE: Final = "UmaDB, one client"
DRIVER: Final = "bare driver, one commit each"

AT_LEAST: Final = Target(bound=6)
STRETCH: Final = Target(bound=1)


def measure(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Measure on each database; UmaDB, which has its own, stands beside PostgreSQL."""
    for kind in scale.kinds:
        with ExitStack() as stack:
            figures = rounds(_contestants(scale, databases, kind, stack), scale.rounds)
        on_postgresql = kind == "postgresql"
        yield _row(kind, figures, OURS, RECORDER, target=AT_LEAST if on_postgresql else None)
        if on_postgresql:
            yield _row(kind, figures, OURS, UMADB, stretch=STRETCH)
            yield _row(kind, figures, ALONE, UMADB_ALONE)
        yield _row(kind, figures, ALONE, RECORDER_ALONE)
        yield _row(kind, figures, ALONE, DRIVER)


def _row(
    kind: str,
    figures: Mapping[str, float],
    what: str,
    beside: str,
    *,
    target: Target | None = None,
    stretch: Target | None = None,
) -> Row:
    return Row(
        part="appends",
        database=kind,
        what=what,
        value=figures[what],
        unit="events/s",
        beside=beside,
        beside_value=figures.get(beside),
        targets=() if target is None else (target,),
        stretch=stretch,
        note="" if beside in figures else peers.MISSING,
    )


def _contestants(
    scale: Scale, databases: Databases, kind: str, stack: ExitStack
) -> dict[str, Callable[[], float]]:
    """Start everyone; return by name what appends for the time of a round."""
    seconds = scale.seconds
    supply = record.actions(POLICIES, POLICIES)

    def drawn() -> list[Draft]:
        return list(islice(supply, int(MOST_A_SECOND * seconds)))

    engine = stack.enter_context(databases.engine(kind))
    record_all(engine, record.registrations(POLICIES))
    writer = stack.enter_context(writing(engine))
    commit = stack.enter_context(_driver(databases, kind))
    found: dict[str, Callable[[], float]] = {
        OURS: lambda: tasks(writer, drawn(), TASKS, seconds),
        ALONE: lambda: threads(lambda draft: append(writer, draft), drawn(), 1, seconds),
        DRIVER: lambda: threads(lambda _: commit(), drawn(), 1, seconds),
    }
    insert = stack.enter_context(peers.inserting(databases, kind))
    if insert is not None:
        found[RECORDER] = lambda: threads(insert, drawn(), peers.THREADS, seconds)
        found[RECORDER_ALONE] = lambda: threads(insert, drawn(), 1, seconds)
    if kind == "postgresql":
        send = stack.enter_context(peers.umadb(databases.directory))
        if send is not None:
            found[UMADB] = lambda: threads(send, drawn(), peers.THREADS, seconds)
            found[UMADB_ALONE] = lambda: threads(send, drawn(), 1, seconds)
    return found


@contextmanager
def _driver(databases: Databases, kind: str) -> Iterator[Callable[[], None]]:
    url = databases.fresh(kind)
    try:
        with raw.committing(url) as commit:
            yield commit
    finally:
        databases.drop(url)


def append(writer: Writer, draft: Draft) -> None:
    """Append one event and wait until it is recorded."""
    writer.append(Append(drafts=(draft,), recorded_by="bench"))


def tasks(writer: Writer, drafts: Sequence[Draft], number: int, seconds: float) -> float:
    """Append from so many tasks at once, each waiting for its own; return appends a second."""
    coming, done = iter(drafts), count()

    async def one(end: float) -> None:
        while time.perf_counter() < end and (draft := next(coming, None)) is not None:
            append = Append(drafts=(draft,), recorded_by="bench")
            await writer.appended(append)
            next(done)

    async def all_of_them() -> float:
        started = time.perf_counter()
        await asyncio.gather(*(one(started + seconds) for _ in range(number)))
        return time.perf_counter() - started

    took = asyncio.run(all_of_them())
    return next(done) / took


def threads(
    append: Callable[[Draft], object], drafts: Sequence[Draft], number: int, seconds: float
) -> float:
    """Append from so many threads at once; return appends a second."""
    coming, done = iter(drafts), count()
    started = time.perf_counter()

    def one() -> None:
        while time.perf_counter() < started + seconds:
            draft = next(coming, None)
            if draft is None:
                return
            append(draft)
            next(done)

    with ThreadPoolExecutor(number) as pool:
        for running in [pool.submit(one) for _ in range(number)]:
            running.result()
    return next(done) / (time.perf_counter() - started)
