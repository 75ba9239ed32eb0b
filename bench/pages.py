"""First answers of the pages and listings that people move about in, in milliseconds.

    uv run python -m bench.pages DATABASE_URL

Owns the questions. Each is asked anew at every turn, with another number of marks or items, as answers are
kept: none has been given before. The load of the machine stands beside each, since it decides.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from bench.services import Server, timeline

TURNS: Final = 5
MOST: Final = 399
FEW: Final = 50
"""Marks of the first turn's picture, and items of its listing; each turn has one less."""

HTML: Final = "text/html"
JSON: Final = "application/json"

QUESTIONS: Final = {
    "/": ("/?marks={most}", HTML),
    "/ at another as_of": ("/?marks={most}&as_of=2019-05-05", HTML),
    "/ at another known_position": ("/?marks={most}&known_position=90000", HTML),
    "/ q=zoning": ("/?marks={most}&q=zoning", HTML),
    "/ q=school": ("/?marks={most}&q=school", HTML),
    "/ q=a": ("/?marks={most}&q=a", HTML),
    "/v1/timeline, first 50, q=zoning": ("/v1/timeline?limit={few}&q=zoning", JSON),
    "/v1/timeline, first 50, q=nobody": ("/v1/timeline?limit=50&q=nobody+{most}", JSON),
    "/v1/policies, first 50, q=zoning": ("/v1/policies?limit={few}&q=zoning", JSON),
    "/v1/policies, first 50, q=nobody": ("/v1/policies?limit=50&q=nobody+{most}", JSON),
}


class Answered(NamedTuple):
    """How long an answer took: the median and the longest, and the machine's load by then."""

    question: str
    median_ms: float
    longest_ms: float
    load: float


def measure(service: Server) -> Iterator[Answered]:
    """Ask each question some times; yield how long its answers took."""
    service.get("/?marks=400", HTML)
    for name, (path, accept) in QUESTIONS.items():
        times_ms = []
        for turn in range(TURNS):
            asked = time.perf_counter()
            service.get(path.format(most=MOST - turn, few=FEW - turn), accept)
            times_ms.append((time.perf_counter() - asked) * 1_000)
        yield Answered(name, statistics.median(times_ms), max(times_ms), os.getloadavg()[0])


def main() -> None:
    """Serve a database that is there, and print how long its pages take."""
    with (
        tempfile.TemporaryDirectory() as directory,
        timeline(sys.argv[1], Path(directory), writes=False) as service,
    ):
        for each in measure(service):
            print(
                f"{each.question:36} {each.median_ms:8.0f} ms, at most {each.longest_ms:.0f} ms,"
                f" load {each.load:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
