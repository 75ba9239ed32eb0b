"""Fills empty slots from the log, group by group of policies, in as many processes as there are cores.

Owns the groups' way into the tables, the processes, and what becomes of them. Must not know which
slots are live.

A group is worked out from its first event to its last before anything is written, so each row is
written once, with both ends of its rectangle. Nothing outside of a group bears on it, so it does
not matter in which order, or where, groups are worked out.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Final

import msgspec
from sqlalchemy import Engine

from timeline.eventstore.database import create_engine, write_transaction
from timeline.eventstore.sql import SqlStore
from timeline.projections.changes import Changes
from timeline.projections.collecting import collect_seldom
from timeline.projections.emptying import require_run
from timeline.projections.errors import RebuildBrokenError
from timeline.projections.gathered import Gathered
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.parking import is_of_event
from timeline.projections.projector import Projector
from timeline.projections.writing import apply

MANY_EVENTS: Final = 20_000
"""Events from which on more processes are worth the second that they take to start."""

MAX_PROCESSES: Final = 4
"""More would wait for the database rather than work."""

_WAIT_S: Final = 1.0
"""How often it is looked whether a process is still there."""

Report = Callable[[int], None]


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """What is filled: slots by model, by which run, up to which position, without which events."""

    slots: dict[str, str]
    run: str
    until: int
    hidden: dict[str, int]


def fill(
    engine: Engine,
    filling: Filling,
    groups: Sequence[Sequence[str]],
    on_filled: Report,
    *,
    processes: int,
) -> None:
    """Fill slots with what groups of policies come to.

    Args:
        engine: the database.
        filling: which slots, and from what.
        groups: policies that nothing outside of their group bears on.
        on_filled: told how many events were worked out, after every group.
        processes: how many work at once; with one, it is this one.

    Raises:
        RebuildInterruptedError: another rebuild got in between.
        RebuildBrokenError: an event cannot be taken in, or a process ended before its work.

    """
    if processes == 1:
        for group in groups:
            on_filled(_fill_group(engine, filling, group))
        return
    url = engine.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    pipes: list[Pipe] = []
    workers = []
    try:
        for number in range(processes):
            ours, theirs = context.Pipe(duplex=False)
            share = groups[number::processes]
            worker = context.Process(target=_work, args=(url, filling, share, theirs), daemon=True)
            worker.start()
            theirs.close()
            pipes.append(ours)
            workers.append(worker)
        _listen(pipes, on_filled)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()


def processes_for(events: int) -> int:
    """Return how many processes are worth while for so many events."""
    return min(os.cpu_count() or 1, MAX_PROCESSES) if events >= MANY_EVENTS else 1


def _listen(pipes: Iterable[Pipe], on_filled: Report) -> None:
    """Report what the processes say until each has said that it is done."""
    open_pipes = list(pipes)
    while open_pipes:
        for pipe in [each for each in wait(open_pipes, _WAIT_S) if isinstance(each, Pipe)]:
            try:
                said = pipe.recv()
            except EOFError:
                raise RebuildBrokenError from None
            if isinstance(said, Exception):
                raise said
            if said is None:
                open_pipes.remove(pipe)
            else:
                on_filled(said)


def _work(url: str, filling: Filling, groups: Sequence[Sequence[str]], pipe: Pipe) -> None:
    """Work groups out in a process of its own, for as long as the one that began it is there."""
    parent = multiprocessing.parent_process()
    collect_seldom()
    engine = create_engine(url, must_exist=True)
    try:
        for group in groups:
            if parent is not None and not parent.is_alive():
                return
            pipe.send(_fill_group(engine, filling, group))
        pipe.send(None)
    except Exception as error:  # noqa: BLE001 - told to the process that waits, which raises it
        pipe.send(error)
    finally:
        engine.dispose()


def _fill_group(engine: Engine, filling: Filling, policies: Sequence[str]) -> int:
    """Write what some policies come to; returns how many events they have."""
    log = Log(SqlStore(engine), filling.hidden)
    streams = log.streams(policies, filling.until)
    events = sorted(
        (event for stream in streams.values() for event in stream),
        key=lambda event: event.position,
    )
    models = [model for model in MODELS if model.name in filling.slots]
    changes = Changes()
    try:
        Projector(models, Gathered(events, log.references)).advance(events, changes)
    except Exception as error:
        if is_of_event(error):
            raise RebuildBrokenError from error
        raise
    with write_transaction(engine) as connection:
        require_run(connection, filling.slots, filling.run)
        apply(connection, models, filling.slots, changes)
    return len(events)
