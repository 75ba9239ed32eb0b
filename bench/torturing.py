"""Writers that are killed and stalled, readers that tail by position, and what the readers saw.

Owns the processes, the sequence-numbered store that is to fail, and the verdict. Each process tells
by lines `id position` in a file of its own, which outlive it; a line that death cut short counts
as not written.
"""

import asyncio
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count, islice, pairwise
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import msgspec
import psycopg

from bench import record
from timeline.eventstore.database import create_engine
from timeline.eventstore.errors import EventStoreError
from timeline.eventstore.model import MAX_PAGE, Append
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer

Line: TypeAlias = tuple[str, int]
"""An event's id and its position."""

POLICIES: Final = 200
TASKS: Final = 8
"""Appends under way at once in a writer: enough for groups to form."""

MAX_EVENTS: Final = 20
"""Events of one append: several share a fate, and most groups hold several appends."""

IDS_PER_LIFE: Final = 1_000_000
"""Ids that a writer may use before it is killed: more than anyone could write by then."""

PAUSE_S: Final = 0.005
"""Between two looks of a reader at the log's end; a writer rests as long after a refusal."""

JOIN_TIMEOUT_S: Final = 30.0

MISHAPS: Final = (0.2, 1.0)
"""Seconds between two mishaps, at least and at most."""

STALLS: Final = (0.05, 1.0)
"""Seconds that a stopped writer stands still, at least and at most."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A torture: of which store, by how many, up to how many acknowledged events, and until when."""

    url: str
    directory: Path
    events: int
    writers: int
    readers: int = 4
    timeout_s: float
    by_sequence: bool = False
    seed: int = 1


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader saw; all but the first have to be zero."""

    events: int
    missed: int
    repeated: int
    backward: int
    misplaced: int

    @property
    def whole(self) -> bool:
        """Tell whether it saw every acknowledged event once, in order, where it was said to be."""
        return not (self.missed or self.repeated or self.backward or self.misplaced)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a torture."""

    acknowledged: int
    kills: int
    stalls: int
    took_s: float
    readers: tuple[Seen, ...]

    @property
    def holds(self) -> bool:
        """Tell whether no reader skipped anything."""
        return all(each.whole for each in self.readers)


def judge(acknowledged: dict[str, int], lines: list[Line]) -> Seen:
    """Compare what one reader saw, in its order, with what writers were told."""
    found = dict(lines)
    positions = [position for _, position in lines]
    return Seen(
        events=len(lines),
        missed=len(acknowledged.keys() - found.keys()),
        repeated=sum(number - 1 for number in Counter(id for id, _ in lines).values()),
        backward=sum(b <= a for a, b in pairwise(positions)),
        misplaced=sum(
            id in found and found[id] != position for id, position in acknowledged.items()
        ),
    )


def torture(plan: Plan) -> Verdict:
    """Write under mishaps until enough is acknowledged, let the readers end, and judge.

    Raises:
        TimeoutError: the writers or the readers took too long.

    """
    started = time.monotonic()
    deadline = started + plan.timeout_s
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    writers = [Victim(plan, number) for number in range(plan.writers)]
    readers = [
        context.Process(target=tail, args=(plan, number), daemon=True)
        for number in range(plan.readers)
    ]
    try:
        for reader in readers:
            reader.start()
        for writer in writers:
            writer.start()
        kills, stalls = _mistreat(plan, writers, deadline)
        for writer in writers:
            writer.kill()
        _tell_end(plan)
        for reader in readers:
            reader.join(max(0.0, deadline - time.monotonic()))
            if reader.exitcode != 0:
                raise TimeoutError(f"A reader was not done after {plan.timeout_s:.0f} s")
    finally:
        for each in (*(writer.process for writer in writers), *readers):
            _end(each)
    acknowledged = dict(_written(plan.directory))
    return Verdict(
        acknowledged=len(acknowledged),
        kills=kills,
        stalls=stalls,
        took_s=time.monotonic() - started,
        readers=tuple(
            judge(acknowledged, _lines(_seen(plan, number))) for number in range(plan.readers)
        ),
    )


class Victim:
    """A writing process that is started again whenever it was killed."""

    def __init__(self, plan: Plan, number: int) -> None:
        self._plan = plan
        self._number = number
        self._lives = count()
        self.process: ForkServerProcess | None = None

    def start(self) -> None:
        """Start it, with ids that no earlier life of it used."""
        first = (self._number * 10_000 + next(self._lives)) * IDS_PER_LIFE + POLICIES
        context = multiprocessing.get_context("forkserver")
        self.process = context.Process(target=write, args=(self._plan, first), daemon=True)
        self.process.start()

    def kill(self) -> None:
        """Kill it."""
        _end(self.process)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.process is not None and self.process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)


def _end(process: ForkServerProcess | None) -> None:
    if process is not None and process.pid is not None:
        process.kill()
        process.join(JOIN_TIMEOUT_S)


def _mistreat(plan: Plan, writers: list[Victim], deadline: float) -> tuple[int, int]:
    """Kill and stall writers at random until enough is acknowledged; return how often."""
    chance = random.Random(plan.seed)  # noqa: S311 - a torturer's dice
    kills = stalls = 0
    standing: list[tuple[float, Victim]] = []
    while _acknowledged(plan.directory) < plan.events:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{plan.events} events took more than {plan.timeout_s:.0f} s")
        time.sleep(chance.uniform(*MISHAPS))
        victim = chance.choice(writers)
        if chance.random() < 0.5:  # noqa: PLR2004 - one half
            victim.kill()
            victim.start()
            kills += 1
        else:
            victim.signal(signal.SIGSTOP)
            standing.append((time.monotonic() + chance.uniform(*STALLS), victim))
            stalls += 1
        for until, stalled in list(standing):
            if until < time.monotonic():
                stalled.signal(signal.SIGCONT)
                standing.remove((until, stalled))
    return kills, stalls


def write(plan: Plan, first: int) -> None:
    """Append until killed, and tell what was acknowledged."""
    path = plan.directory / f"written_{first}"
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(lines: list[Line]) -> None:
        os.write(output, "".join(f"{id} {position}\n" for id, position in lines).encode())

    with opened(plan) as store:
        asyncio.run(_append_for_ever(store, first, tell))


async def _append_for_ever(store: "Store", first: int, tell: Callable[[list[Line]], None]) -> None:
    supply = record.actions(POLICIES, first)
    chance = random.Random(first)  # noqa: S311 - a torturer's dice
    starter = multiprocessing.parent_process()

    async def one() -> None:
        # Who started this may be killed, too.
        while starter is None or starter.is_alive():
            drafts = tuple(islice(supply, chance.randint(1, MAX_EVENTS)))
            try:
                lines = await store.append(Append(drafts=drafts, recorded_by="t", batched=True))
            except (EventStoreError, TimeoutError):
                await asyncio.sleep(PAUSE_S)  # Not acknowledged: it may be there or not.
            else:
                tell(lines)

    await asyncio.gather(*(one() for _ in range(TASKS)))


def tail(plan: Plan, number: int) -> None:
    """Read by position up to the end that is told once all writers are dead, in bounded time."""
    deadline = time.monotonic() + plan.timeout_s
    starter = multiprocessing.parent_process()
    end = plan.directory / "end"
    position = 0
    with opened(plan) as store, _seen(plan, number).open("w") as output:
        while time.monotonic() < deadline and (starter is None or starter.is_alive()):
            # Looked for before the log is: all is committed by then.
            over = end.exists()
            if lines := store.read(position):
                output.writelines(f"{id} {found}\n" for id, found in lines)
                position = lines[-1][1]
            elif over:
                return
            else:
                time.sleep(PAUSE_S)
    raise TimeoutError


def _tell_end(plan: Plan) -> None:
    # A commit that a dead writer had sent may still come; it was not acknowledged.
    (plan.directory / "end").touch()


class Store(Protocol):
    """What is tortured."""

    async def append(self, append: Append) -> list[Line]:
        """Append, and return what was acknowledged."""
        ...

    def read(self, after: int) -> list[Line]:
        """Return the next events after a position, at most a page."""
        ...


class OurStore:
    """This project's store, as a service process uses it."""

    def __init__(self, store: SqlStore, writer: Writer) -> None:
        self._store = store
        self._writer = writer

    async def append(self, append: Append) -> list[Line]:
        """Append by way of the group commit."""
        outcome = await self._writer.appended(append)
        return [(event.id, event.position) for event in outcome.events]

    def read(self, after: int) -> list[Line]:
        """Return the next events after a position, at most a page."""
        return [(event.id, event.position) for event in self._store.read(after, limit=MAX_PAGE)]


class SequenceStore:
    """What others do: a sequence gives positions, and transactions commit in any order."""

    CREATE: Final = (
        "CREATE TABLE sequence_log (position bigserial PRIMARY KEY, id text, data bytea)"
    )
    _INSERT: Final = "INSERT INTO sequence_log (id, data) VALUES (%s, %s) RETURNING position"
    _READ: Final = (
        "SELECT id, position FROM sequence_log WHERE position > %s ORDER BY position LIMIT %s"
    )

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = psycopg.connect(url)
        self._idle: list[psycopg.Connection] = []

    def close(self) -> None:
        """Close all connections."""
        for connection in (self._connection, *self._idle):
            connection.close()

    def begin(self, append: Append) -> tuple[psycopg.Connection, list[Line]]:
        """Insert in a transaction that stays open, and return its positions."""
        connection = self._idle.pop() if self._idle else psycopg.connect(self._url)
        lines: list[Line] = []
        for draft in append.drafts:
            row = connection.execute(self._INSERT, (draft.id, draft.data)).fetchone()
            lines.append((draft.id, int(row[0]) if row else 0))
        return connection, lines

    def commit(self, connection: psycopg.Connection) -> None:
        """Commit what was begun."""
        connection.commit()
        self._idle.append(connection)

    async def append(self, append: Append) -> list[Line]:
        """Append in one transaction; others run beside it."""
        connection, lines = await asyncio.to_thread(self.begin, append)
        await asyncio.to_thread(self.commit, connection)
        return lines

    def read(self, after: int) -> list[Line]:
        """Return the next events after a position, at most a page."""
        with self._connection.transaction():
            return [
                (id, position)
                for id, position in self._connection.execute(self._READ, (after, MAX_PAGE))
            ]


@contextmanager
def opened(plan: Plan) -> Iterator[Store]:
    """Yield the store to torture, on connections of this process."""
    if plan.by_sequence:
        with closing(SequenceStore(plan.url)) as store:
            yield store
        return
    engine = create_engine(plan.url)
    try:
        ours = SqlStore(engine)
        with Writer(ours) as writer:
            yield OurStore(ours, writer)
    finally:
        engine.dispose()


def _seen(plan: Plan, number: int) -> Path:
    return plan.directory / f"seen_{number}"


def _acknowledged(directory: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in directory.glob("written_*"))


def _written(directory: Path) -> Iterator[Line]:
    for path in directory.glob("written_*"):
        yield from _lines(path)


def _lines(path: Path) -> list[Line]:
    whole = path.read_text().rpartition("\n")[0].splitlines()
    return [(id, int(position)) for id, position in (line.split(" ") for line in whole)]
