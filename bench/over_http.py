"""Appends over HTTP: one event a request, validated, durable, projected meanwhile as always.

Owns the requests, and the wait for the read models between rounds: while others are measured, the
service is to be idle.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from typing import Final

import msgspec

from bench import peers, record
from bench.appends import POLICIES, RECORDER, threads
from bench.databases import Databases
from bench.filling import project
from bench.filling import record as record_all
from bench.load import Load, generate, post
from bench.services import Server, timeline
from bench.table import Row, Scale, Target, rounds
from timeline.eventstore.database import create_engine
from timeline.eventstore.model import Draft

CONNECTIONS: Final = 64
AT_LEAST: Final = Target(bound=3)
STRETCH: Final = Target(bound=4)
OURS: Final = f"POST of one event, {CONNECTIONS} connections"

DRAIN_TIMEOUT_S: Final = 120.0
"""What a round leaves to be projected takes seconds."""


def measure(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Measure the service beside eventsourcing's recorder, which is called in process."""
    for kind in scale.kinds:
        loads: list[Load] = []
        with ExitStack() as stack:
            _, run = posting(scale, databases, kind, stack, loads)
            contestants = {OURS: run}
            insert = stack.enter_context(peers.inserting(databases, kind))
            if insert is not None:
                contestants[RECORDER] = _inserting(insert, scale)
            figures = rounds(contestants, scale.rounds)
        aimed = kind == "postgresql"
        yield Row(
            part="http",
            database=kind,
            what=OURS,
            value=figures[OURS],
            unit="events/s",
            beside=f"{RECORDER}, in process",
            beside_value=figures.get(RECORDER),
            targets=(AT_LEAST,) if aimed else (),
            stretch=STRETCH if aimed else None,
            note=told(loads) if insert else peers.MISSING,
        )


def _inserting(insert: peers.Insert, scale: Scale) -> Callable[[], float]:
    supply = record.actions(POLICIES, POLICIES)
    most = int(10_000 * scale.seconds)
    return lambda: threads(insert, list(islice(supply, most)), peers.THREADS, scale.seconds)


def posting(
    scale: Scale, databases: Databases, kind: str, stack: ExitStack, loads: list[Load]
) -> tuple[Server, Callable[[], float]]:
    """Start a service; return it, and what posts for a round and then lets it catch up."""
    url = databases.fresh(kind)
    stack.callback(databases.drop, url)
    engine = create_engine(url)
    stack.callback(engine.dispose)
    policies = min(POLICIES, scale.events)
    record_all(engine, record.registrations(policies))
    project(engine)
    service = stack.enter_context(timeline(url, databases.directory))
    some = islice(record.actions(policies, 0), policies)
    requests = list(post("/v1/events", service.token, [body(draft) for draft in some]))

    def run() -> float:
        load = generate(service.port, requests, connections=CONNECTIONS, seconds=scale.seconds)
        loads.append(load)
        _drain(service)
        return load.rate

    return service, run


def body(draft: Draft) -> bytes:
    """Return an event without an id, which the service gives it: each request is a new event."""
    event = {
        "policy": draft.proposal.policy,
        "type": draft.proposal.type,
        "data": msgspec.Raw(draft.data),
    }
    return msgspec.json.encode(event)


def _drain(service: Server) -> None:
    """Wait until the read models reflect the whole log, so that nothing runs beside the next turn."""
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while _LAG.search(service.get("/metrics", "text/plain")):
        if time.monotonic() > deadline:
            raise TimeoutError("the read models are behind")
        # A reader ends the rest that they take.
        with suppress(ConnectionError):
            service.get("/v1/policies?limit=1")
        time.sleep(0.1)


_LAG: Final = re.compile(rb"^timeline_projection_lag_events\{[^}]*\} [1-9]", re.MULTILINE)


def told(loads: list[Load]) -> str:
    """Return what the generator has to say beside the rate."""
    p50, p99, busy = (
        sorted(getattr(load, name) for load in loads)[len(loads) // 2]
        for name in ("p50_ms", "p99_ms", "busy")
    )
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms; generator busy {busy:.0%}"
