"""Filling databases: a log, and the read models up to it. Every step has an end in time."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Final

from sqlalchemy import Engine, select, update

from timeline.application.replay import catch_up
from timeline.eventstore.database import write_transaction
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.tables import log_head
from timeline.eventstore.writer import Writer
from timeline.projections import rebuild as rebuilding
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.runner import Runner
from timeline.projections.tables import projection_progress

CHUNK: Final = 1_000
"""Events recorded together, as an import does."""

PROJECT_TIMEOUT_S: Final = 300.0
"""For ten thousand events: more than ten times what they took where both cores were shared."""


@contextmanager
def writing(engine: Engine) -> Iterator[Writer]:
    """Yield a writer."""
    with Writer(SqlStore(engine)) as writer:
        yield writer


def record(engine: Engine, drafts: Iterable[Draft]) -> float:
    """Record events; return the seconds it took."""
    started = time.perf_counter()
    coming = iter(drafts)
    with writing(engine) as writer:
        while chunk := tuple(islice(coming, CHUNK)):
            writer.append(Append(drafts=chunk, recorded_by="bench", batched=True))
    return time.perf_counter() - started


def project(engine: Engine, timeout_s: float = PROJECT_TIMEOUT_S) -> float:
    """Bring the read models up to the log's end; return the seconds it took.

    Raises:
        TimeoutError: it took too long.

    """
    started = time.perf_counter()
    log = Log(SqlStore(engine))
    runner = Runner(engine, log)
    head, position = log.head(), 0
    while position < head:
        position = runner.step()
        _check(started, timeout_s, position, head)
    return time.perf_counter() - started


def project_anew(engine: Engine, timeout_s: float = PROJECT_TIMEOUT_S) -> float:
    """Bring empty read models up to the log's end, as `timeline migrate` does; return the seconds.

    Raises:
        TimeoutError: it took too long.

    """
    started = time.perf_counter()
    log = Log(SqlStore(engine))

    def check(position: int, head: int) -> None:
        _check(started, timeout_s, position, head)

    catch_up(engine, Runner(engine, log), log, check)
    return time.perf_counter() - started


def rebuild(engine: Engine, timeout_s: float = PROJECT_TIMEOUT_S) -> float:
    """Rebuild all read models, compare and switch, as `timeline rebuild` does; return the seconds.

    Raises:
        TimeoutError: it took too long.
        ValueError: what was rebuilt differs from what was live.

    """
    started = time.perf_counter()
    compared = rebuilding.rebuild(
        engine,
        Log(SqlStore(engine)),
        MODELS,
        on_progress=lambda position, head: _check(started, timeout_s, position, head),
    )
    if not all(each.identical and each.switched for each in compared):
        raise ValueError(compared)
    return time.perf_counter() - started


def skip_projecting(engine: Engine) -> None:
    """Say that the read models reflect the log, where nothing of them is going to be read.

    A service would else fill them while it is measured at something else.
    """
    with write_transaction(engine) as connection:
        head = select(log_head.c.position).scalar_subquery()
        connection.execute(update(projection_progress).values(position=head))


def _check(started: float, timeout_s: float, position: int, head: int) -> None:
    if time.perf_counter() - started > timeout_s:
        raise TimeoutError(f"at position {position} of {head} after {timeout_s:.0f} s")
