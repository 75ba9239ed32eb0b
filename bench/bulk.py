"""In bulk: NDJSON imported beside the drivers' own ways in, and exported beside reading in process.

Owns the files, and a fresh database for each import. Memory is that of the command itself, in a
process of its own.
"""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from bench import peers, raw, record
from bench.databases import Databases
from bench.filling import CHUNK, skip_projecting
from bench.filling import record as record_all
from bench.services import Server, environment, timeline
from bench.table import Row, Scale, Target, rounds
from timeline.bootstrap import application
from timeline.cli.importing import How, import_events
from timeline.eventstore.database import create_engine
from timeline.eventstore.model import Draft
from timeline.importers.opening import Inputs
from timeline.settings import Settings

FULL_EVENTS: Final = 200_000
MILLION: Final = 1_000_000
IMPORT_TIMEOUT_S: Final = 1_200.0
PAGE: Final = 1_000
"""Events that the peer reads at once: it has no stream."""

RECEIVED_BYTES: Final = 1024 * 1024
MIB: Final = 2**20

OURS: Final = "NDJSON import"
RECORDER: Final = f"eventsourcing, {CHUNK} events a call"
DRIVERS: Final = {"postgresql": "COPY, same tables", "sqlite": "executemany, same tables"}
LOADERS: Final = {"postgresql": raw.copy, "sqlite": raw.executemany}
IMPORTED: Final = Target(bound=0.4)
RESIDENT: Final = Target(bound=300, of="value", least=False)

EXPORT: Final = "NDJSON export over HTTP"
NOTIFICATIONS: Final = "eventsourcing, select_notifications in process"
SELECT: Final = "bare driver, SELECT of the same bytes"
EXPORTED: Final = (Target(bound=100_000, of="value"), Target(bound=1))


def measure_import(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Import the same events into new databases: by this project, by the driver, by the peer."""
    events = FULL_EVENTS if scale.full else scale.events
    lines = databases.directory / "import.ndjson"
    record.write_lines(lines, record.events(events))
    for kind in scale.kinds:
        figures = rounds(
            _importing(databases, kind, lines, list(record.drafts(events))), scale.rounds
        )
        for beside in (DRIVERS[kind], RECORDER):
            yield Row(
                part="import",
                database=kind,
                what=f"{OURS}, {events:,} events",
                value=figures[OURS],
                unit="events/s",
                beside=beside,
                beside_value=figures.get(beside),
                targets=(IMPORTED,) if beside == DRIVERS[kind] else (),
                note="" if beside in figures else peers.MISSING,
            )
    for kind in scale.kinds:
        yield _memory(databases, kind, lines, MILLION if scale.full else events)


def _importing(
    databases: Databases, kind: str, lines: Path, drafts: Sequence[Draft]
) -> dict[str, Callable[[], float]]:
    """Return by name what imports the events, and tells how many a second."""
    with databases.engine(kind) as engine:
        record_all(engine, drafts)
        rows = raw.rows(engine)

    def ours() -> float:
        return len(drafts) / _fresh(databases, kind, lambda url: _import(url, lines))

    def driver() -> float:
        return len(drafts) / _fresh(databases, kind, lambda url: LOADERS[kind](url, rows))

    def peer() -> float:
        return len(drafts) / _inserted(databases, kind, drafts)

    found = {OURS: ours, DRIVERS[kind]: driver}
    return found | {RECORDER: peer} if peers.installed("eventsourcing") else found


def _fresh(databases: Databases, kind: str, load: Callable[[str], float]) -> float:
    url = databases.fresh(kind)
    try:
        return load(url)
    finally:
        databases.drop(url)


def _import(url: str, lines: Path) -> float:
    """Import as `timeline import` does, once it has started; return the seconds it took."""
    with application(Settings(database_url=url), follow=False) as app:
        started = time.perf_counter()
        import_events(app, Inputs([str(lines)]), How(principal="bench", quiet=True))
        return time.perf_counter() - started


def _inserted(databases: Databases, kind: str, drafts: Sequence[Draft]) -> float:
    """Insert into eventsourcing's recorder, as many at once as an import commits."""
    stored = peers.stored(drafts, 1)
    with peers.recorder(databases, kind) as recorder:
        started = time.perf_counter()
        _insert(recorder, stored)
        return time.perf_counter() - started


def _insert(recorder: Any, stored: Sequence[Any]) -> None:
    for first in range(0, len(stored), CHUNK):
        recorder.insert_events(stored[first : first + CHUNK])


def _memory(databases: Databases, kind: str, lines: Path, events: int) -> Row:
    """Run `timeline import` on so many events; its highest memory is what the system counted."""
    if events == MILLION:
        lines = lines.with_name("million.ndjson")
        if not lines.exists():
            record.write_lines(lines, record.events(events))
    url = databases.fresh(kind)
    try:
        started = time.perf_counter()
        resident_bytes = _resident_bytes(("import", str(lines), "--quiet", "--no-project"), url)
        seconds = time.perf_counter() - started
    finally:
        databases.drop(url)
    whole = events == MILLION
    return Row(
        part="import",
        database=kind,
        what=f"timeline import, {events:,} events: highest memory",
        value=resident_bytes / MIB,
        unit="MiB",
        targets=(RESIDENT,) if whole else (),
        note=f"{events / seconds:,.0f} events/s" + ("" if whole else "; --full: a million"),
    )


def _resident_bytes(words: tuple[str, ...], url: str) -> int:
    """Run a command to its end; return the most memory that it had.

    What the system tells of a process that has ended counts the one that started it in: until a
    child loads its own program, it has its parent's memory.
    """
    process = subprocess.Popen(  # noqa: S603 - this project's own command
        [sys.executable, "-m", "timeline", *words],
        env=environment(url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    highest = 0
    deadline = time.monotonic() + IMPORT_TIMEOUT_S
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise TimeoutError(f"{' '.join(words)}: {IMPORT_TIMEOUT_S:.0f} s")
        highest = max(highest, _high_water_bytes(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise OSError(f"{' '.join(words)}: exit code {process.returncode}")
    return highest


def _high_water_bytes(pid: int) -> int:
    """Return the most memory that a running process had, as Linux counts it; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return 0 if found is None else int(found[1]) * 1024


def measure_export(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Read the whole log: over HTTP from the service, in process from the peer and the driver."""
    events = FULL_EVENTS if scale.full else scale.events
    for kind in scale.kinds:
        with ExitStack() as stack:
            drafts = list(record.drafts(events))
            figures = rounds(_exporting(databases, kind, drafts, stack), scale.rounds)
        for beside in (NOTIFICATIONS, SELECT):
            yield Row(
                part="export",
                database=kind,
                what=f"{EXPORT}, {events:,} events",
                value=figures[EXPORT],
                unit="events/s",
                beside=beside,
                beside_value=figures.get(beside),
                targets=EXPORTED if beside == NOTIFICATIONS and kind == "postgresql" else (),
                note="" if beside in figures else peers.MISSING,
            )


def _exporting(
    databases: Databases, kind: str, drafts: Sequence[Draft], stack: ExitStack
) -> dict[str, Callable[[], float]]:
    """Fill everyone's database; return by name what reads it, and tells how many a second."""
    url = databases.fresh(kind)
    stack.callback(databases.drop, url)
    engine = create_engine(url)
    record_all(engine, drafts)
    skip_projecting(engine)
    engine.dispose()
    service = stack.enter_context(timeline(url, databases.directory))
    recorder = stack.enter_context(peers.recorder(databases, kind))
    events = len(drafts)

    def ours() -> float:
        return events / _timed(lambda: _exported(service), events)

    def driver() -> float:
        return events / _timed(lambda: raw.read(url), events)

    def peer() -> float:
        return events / _timed(lambda: _notified(recorder), events)

    if recorder is None:
        return {EXPORT: ours, SELECT: driver}
    _insert(recorder, peers.stored(drafts, 1))
    return {EXPORT: ours, SELECT: driver, NOTIFICATIONS: peer}


def _timed(read: Callable[[], int], expected: int) -> float:
    started = time.perf_counter()
    found = read()
    if found != expected:
        raise ValueError(f"{found} events in place of {expected}")
    return time.perf_counter() - started


def _notified(recorder: Any) -> int:
    """Read all of the peer's notifications, page by page; return how many there were."""
    found, after = 0, 0
    while page := recorder.select_notifications(after, PAGE, inclusive_of_start=False):
        found, after = found + len(page), page[-1].id
    return found


def _exported(service: Server) -> int:
    """Receive the whole log as NDJSON; return how many lines there were.

    They are counted while they come: all line feeds but those after a carriage return, which
    belong to the headers and the chunks (in JSON both are escaped).
    """
    request = b"GET /v1/events HTTP/1.1\r\nHost: bench\r\nAccept: application/x-ndjson\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(request)
        lines, tail = 0, b""
        while not tail.endswith(b"0\r\n\r\n"):
            received = connection.recv(RECEIVED_BYTES)
            if not received:
                raise ConnectionError("The export broke off")
            lines += received.count(b"\n") - received.count(b"\r")
            tail = (tail + received)[-5:]
    return lines
