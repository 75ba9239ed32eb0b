"""Measure this project beside its peers and the machine's own limits, and print a table.

    uv run --group peers python -m bench [PART ...] [--full] [--json]

Without parts, all of them. The exit code is 0 also where a target is missed, since this is a
measurement; 1 where a part could not be measured.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec
import structlog

from bench import (
    appends,
    bulk,
    first_page,
    growth,
    live_readers,
    machine,
    new_york,
    over_http,
    proving,
    rebuilding,
)
from bench.databases import KINDS, Databases
from bench.table import ROUNDS, Row, Scale, markdown

Measure: TypeAlias = Callable[[Scale, Databases], Iterator[Row]]

PARTS: Final[dict[str, Measure]] = {
    "appends": appends.measure,
    "http": over_http.measure,
    "import": bulk.measure_import,
    "export": bulk.measure_export,
    "rebuild": rebuilding.measure,
    "timeline": first_page.measure,
    "live": live_readers.measure,
    "new-york": new_york.measure,
    "growth": growth.measure,
    "proof": proving.measure,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    given = _read(arguments)
    kinds = (given.only,) if given.only else Scale().kinds
    scale = (
        Scale.at_full(kinds, given.rounds)
        if given.full
        else Scale(kinds=kinds, rounds=given.rounds)
    )
    # Warnings alone: what the parts log while they work is not what was asked for.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with Databases() as databases:
        facts = machine.described(databases, scale.kinds)
        rows, broken = measured(given.parts or list(PARTS), scale, databases)
    if given.json:
        told = [
            {**msgspec.structs.asdict(row), "ratio": row.ratio, "verdict": row.verdict}
            for row in rows
        ]
        print(msgspec.json.encode({"machine": facts, "rows": told, "broken": broken}).decode())
    else:
        print("\n".join(f"- {name}: {fact}" for name, fact in facts.items()))
        print(f"\n{markdown(rows)}")
        print("".join(f"\n- {part} could not be measured: {why}" for part, why in broken.items()))
    return 1 if broken else 0


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--full", action="store_true", help="the sizes that the targets name")
    parser.add_argument("--only", choices=KINDS, help="one database")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each contestant")
    parser.add_argument("--json", action="store_true", help="for scripts")
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if given.rounds < 1:
        parser.error("there has to be a round")
    return given


def measured(
    parts: list[str], scale: Scale, databases: Databases
) -> tuple[list[Row], dict[str, str]]:
    """Measure parts one after the other; return their rows, and why some have not got all."""
    rows: list[Row] = []
    broken: dict[str, str] = {}
    for part in parts:
        started = time.monotonic()
        try:
            rows.extend(PARTS[part](scale, databases))
        except Exception as error:  # noqa: BLE001 - said in the table; other parts go on
            broken[part] = f"{type(error).__name__}: {error}"
        took = f"{part}: {time.monotonic() - started:.0f} s"
        print(took, file=sys.stderr, flush=True)
    return rows, broken


if __name__ == "__main__":
    sys.exit(main())
