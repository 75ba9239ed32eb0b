"""New York City Council matters and what happened to them, 1997 to 2026: imported and served.

    python -m bench.new_york DIRECTORY > FILE

Owns which of `nyc_matters.csv.gz` and `nyc_matter_actions.csv.gz` is measured; they lie in a directory
`shared/data` beside the checkout and are no part of this project. What they say is told by the
importer `legistar`.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from bench import pages, record
from bench.databases import Databases
from bench.filling import project
from bench.record import Event
from bench.services import timeline
from bench.table import Row, Scale
from timeline.bootstrap import application
from timeline.cli.importing import How, import_events, import_source
from timeline.eventstore.database import create_engine
from timeline.importers.label_tables import read_tables
from timeline.importers.legistar import Legistar
from timeline.importers.legistar_matters import LegistarLabels
from timeline.importers.opening import Inputs
from timeline.importers.reconcile import reconcile
from timeline.importers.sketch import Found, Sketch
from timeline.settings import Settings

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
MATTERS: Final = "nyc_matters.csv.gz"
ACTIONS: Final = "nyc_matter_actions.csv.gz"

QUICK_MATTERS: Final = 2_000
PAGES: Final = 200
"""First pages asked for one after the other; the median counts."""


class Matters:
    """So many matters with their history, or all."""

    def __init__(self, directory: Path, matters: int | None = None) -> None:
        self.inputs = Inputs([str(directory / name) for name in (MATTERS, ACTIONS)])
        self._legistar = Legistar(self.inputs, read_tables(LegistarLabels, "legistar"))
        self._matters = matters
        self.system = self._legistar.system

    def read(self) -> Iterator[Found]:
        """Yield them."""
        found = (each for each in self._legistar.read() if isinstance(each, Sketch))
        return islice(found, self._matters)


def events(directory: Path, matters: int | None = None) -> Iterator[Event]:
    """Yield the events of so many matters, or of all: each is registered, then its actions come."""
    source = Matters(directory, matters)
    for sketch in source.read():
        if isinstance(sketch, Sketch):
            for draft, *_ in reconcile(source.system, sketch, ()).changes:
                yield {
                    "id": draft.id,
                    "policy": draft.proposal.policy,
                    "type": str(draft.proposal.type),
                    "data": msgspec.json.decode(draft.data),
                }


def measure(scale: Scale, databases: Databases) -> Iterator[Row]:
    """Import, project and serve the matters; say how long each took.

    Raises:
        FileNotFoundError: the data are not beside the checkout.

    """
    for name in (MATTERS, ACTIONS):
        if not (DATA / name).exists():
            raise FileNotFoundError(f"needs {name} in shared/data beside the checkout")
    lines = databases.directory / "new_york.ndjson"
    record.write_lines(lines, events(DATA, None if scale.full else QUICK_MATTERS))
    for kind in scale.kinds:
        yield from _measured(databases, kind, lines, scale)


def _measured(databases: Databases, kind: str, lines: Path, scale: Scale) -> Iterator[Row]:
    matters = None if scale.full else QUICK_MATTERS
    compared = _compared(databases, kind, matters)
    with ExitStack() as stack:
        url = databases.fresh(kind)
        stack.callback(databases.drop, url)
        with application(Settings(database_url=url), follow=False) as app:
            started = time.perf_counter()
            tally = import_events(app, Inputs([str(lines)]), How(principal="bench", quiet=True))
            imported = time.perf_counter() - started
        engine = create_engine(url)
        stack.callback(engine.dispose)
        projected = project(engine, scale.timeout_s)
        started = time.perf_counter()
        service = stack.enter_context(timeline(url, databases.directory))
        ready = time.perf_counter() - started
        times = []
        for _ in range(PAGES):
            asked = time.perf_counter()
            service.get("/v1/timeline")
            times.append(time.perf_counter() - asked)
        answered = list(pages.measure(service))
    mix = f"New York, {tally.statements:,} events" + (
        "" if scale.full else f" of {QUICK_MATTERS:,} matters"
    )
    for what, value, unit, note in (
        ("import", imported, "s", f"{tally.statements / imported:,.0f} events/s"),
        (
            "import --from legistar",
            compared[0],
            "s",
            f"{tally.statements / compared[0]:,.0f} events/s",
        ),
        ("the same again", compared[1], "s", f"{tally.statements / compared[1]:,.0f} events/s"),
        ("projection", projected, "s", f"{tally.statements / projected:,.0f} events/s"),
        ("service ready", ready, "s", ""),
        ("first page", times[0] * 1_000, "ms", ""),
        ("page again, p50", sorted(times)[PAGES // 2] * 1_000, "ms", "a connection each"),
    ):
        yield Row(
            part="new-york", database=kind, what=f"{mix}: {what}", value=value, unit=unit, note=note
        )
    for each in answered:
        note = f"at most {each.longest_ms:.0f} ms; load {each.load:.1f}"
        what = f"{mix}: {each.question}"
        yield Row(
            part="new-york", database=kind, what=what, value=each.median_ms, unit="ms", note=note
        )


def _compared(databases: Databases, kind: str, matters: int | None) -> list[float]:
    """Import the tables as they are, twice; return the seconds each took."""
    url = databases.fresh(kind)
    times = []
    try:
        with application(Settings(database_url=url), follow=False) as app:
            for _ in range(2):
                source = Matters(DATA, matters)
                started = time.perf_counter()
                import_source(app, source, source.inputs, How(principal="bench", quiet=True))
                times.append(time.perf_counter() - started)
    finally:
        databases.drop(url)
    return times


def main() -> None:
    """Write the events of all matters as NDJSON."""
    for event in events(Path(sys.argv[1])):
        sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")


if __name__ == "__main__":
    main()
