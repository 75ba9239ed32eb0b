"""Torture the event store, and say whether any reader skipped an event.

    uv run python -m bench.torture [--sequence] [--only sqlite|postgresql] [--events N]

Ten processes append on PostgreSQL, two on one SQLite file, while they are killed and stalled at
random; four processes tail the log by position. With `--sequence` a store that takes its positions
from a sequence is tortured instead, which has to fail. The exit code is 0 where every reader saw
every acknowledged event once and in order, else 1.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

import psycopg

from bench import record
from bench.databases import Databases
from bench.filling import record as record_all
from bench.torturing import POLICIES, Plan, SequenceStore, Verdict, torture
from timeline.eventstore.database import create_engine

EVENTS: Final = 100_000
WRITERS: Final = {"postgresql": 10, "sqlite": 2}

TIMEOUT_S: Final = 1_200.0
"""How long writers and readers may take: a run that hangs is to fail, not to stay."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.torture", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--sequence", action="store_true", help="a store that has to fail")
    parser.add_argument("--only", choices=[*WRITERS], default="postgresql", help="one database")
    parser.add_argument("--events", type=int, default=EVENTS, help="acknowledged, at least")
    given = parser.parse_args(arguments)
    if given.sequence and given.only != "postgresql":
        parser.error("--sequence is for PostgreSQL")
    with Databases() as databases:
        verdict = run(databases, given.only, given.events, by_sequence=given.sequence)
    print("\n".join(told(verdict)))
    return 0 if verdict.holds else 1


def run(databases: Databases, kind: str, events: int, *, by_sequence: bool) -> Verdict:
    """Torture a new database."""
    url = databases.fresh(kind)
    if by_sequence:
        with psycopg.connect(url) as connection:
            connection.execute(SequenceStore.CREATE)
    else:
        engine = create_engine(url)
        record_all(engine, record.registrations(POLICIES))
        engine.dispose()
    with tempfile.TemporaryDirectory(prefix="torture", dir=databases.directory) as directory:
        return torture(
            Plan(
                url=url,
                directory=Path(directory),
                events=events,
                writers=WRITERS[kind],
                timeout_s=TIMEOUT_S,
                by_sequence=by_sequence,
            )
        )


def told(verdict: Verdict) -> list[str]:
    """Return what to print of a verdict."""
    return [
        (
            f"{verdict.acknowledged:,} events acknowledged in {verdict.took_s:.0f} s,"
            f" {verdict.kills} kills, {verdict.stalls} stalls"
        ),
        *(
            (
                f"reader {number}: saw {seen.events:,}, missed {seen.missed:,},"
                f" twice {seen.repeated:,}, out of order {seen.backward:,},"
                f" at another position {seen.misplaced:,}"
            )
            for number, seen in enumerate(verdict.readers, 1)
        ),
        "no skips, no gaps" if verdict.holds else "EVENTS WERE SKIPPED",
    ]


if __name__ == "__main__":
    sys.exit(main())
