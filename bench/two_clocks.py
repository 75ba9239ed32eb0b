"""How long questions with both clocks take, on records of different lengths.

    uv run python -m bench.two_clocks [--full] [--relations SHARE]

Each question is asked of the query layer at a random date and a random position, within a view
that is open; opening one is measured beside it. Beside one policy stands the bare driver, which
selects one row of that policy by the index of the same table. `--full` adds a record of a million
events and 20,000 policies. A shorter record has fewer policies, each with as many events, so that
its pages are as full and nothing but its length differs; positions are those from which on most
policies have an action.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine

from bench import filling, record
from bench.databases import KINDS, database, settle, size_bytes
from bench.raw import selecting
from bench.record import FIRST, LAST, drafts, jurisdiction, name
from timeline.projections.policy_listing import PolicyFilter
from timeline.projections.policy_reads import policy_item, select_policies
from timeline.projections.reading import View, view

EVENTS: Final = (10_000, 100_000)
FULL: Final = 1_000_000
QUESTIONS: Final = 1_000
TIMEOUT_S: Final = 1_800.0
"""How long the read models may take: a million events at 600 a second, the slowest ever seen."""

PAGE: Final = 50

EACH: Final = 50
"""Events that a policy has, on average."""

OPEN: Final = "(open a view)"
ONE: Final = "one policy"
RAW: Final = "(its row, bare)"
PAGE_OF_50: Final = "page of 50"

_FORCES: Final = ("in_force", "no_longer_in_force")


def main() -> None:
    """Measure on both databases and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--full", action="store_true", help="a million events, too")
    parser.add_argument("--only", choices=KINDS, help="one database")
    parser.add_argument(
        "--relations", type=float, default=0.0, metavar="SHARE", help="of events that relate"
    )
    given = parser.parse_args()
    print("database    events  policies  bytes/event  question         p50 ms   p95 ms")
    for events in (*EVENTS, FULL) if given.full else EVENTS:
        for kind in KINDS if given.only is None else (given.only,):
            with database(kind) as engine:
                fill(engine, events, given.relations)
                head = f"{kind:<10} {events:>7} {policies(events):>9}"
                head += f" {size_bytes(engine) // events:>12}"
                with questions(engine, events) as asked:
                    for question, ask in asked.items():
                        times = timed(ask, QUESTIONS)
                        p50, p95 = (quantile(times, share) * 1_000 for share in (0.5, 0.95))
                        print(f"{head}  {question:<15} {p50:>7.2f}  {p95:>7.2f}", flush=True)


def policies(events: int) -> int:
    """Return how many policies a record of so many events has."""
    return record.policies(events, EACH)


def fill(
    engine: Engine, events: int, relations: float = 0.0, timeout_s: float = TIMEOUT_S
) -> tuple[float, float]:
    """Record the events and bring the read models up to them; return the seconds of each."""
    recorded = filling.record(engine, drafts(events, each=EACH, relations=relations))
    projected = filling.project_anew(engine, timeout_s)
    settle(engine)
    took = f"recorded in {recorded:.0f} s, projected in {projected:.0f} s"
    print(f"{engine.dialect.name}: {events} events {took}", file=sys.stderr, flush=True)
    return recorded, projected


@contextmanager
def questions(engine: Engine, events: int) -> Iterator[dict[str, Callable[[], object]]]:
    """Yield by name what asks each question once, of a record with so many events."""
    chance = random.Random(2)  # noqa: S311 - a measurement's dice
    with view(engine) as live, selecting(engine, live.table("policies", "policies")) as select:
        yield {
            OPEN: lambda: opened(engine),
            ONE: lambda: one(live, events, chance),
            RAW: lambda: select(name(chance.randrange(policies(events)))),
            PAGE_OF_50: lambda: page(live, events, chance),
        }


def opened(engine: Engine) -> None:
    """Open a view, as each request does once."""
    with view(engine):
        pass


def one(live: View, events: int, chance: random.Random) -> None:
    """Ask for one policy."""
    policy = chance.randrange(policies(events))
    day, position = moment(events, chance)
    if policy_item(live, name(policy), day=day, position=position) is None:
        raise LookupError(name(policy))


def page(live: View, events: int, chance: random.Random) -> None:
    """Ask for the policies of a place that have a force."""
    asked = PolicyFilter(
        jurisdiction=jurisdiction(chance.randrange(policies(events)), policies(events)),
        force=chance.choice(_FORCES),
    )
    day, position = moment(events, chance)
    select_policies(live, asked, day=day, position=position, after=None, limit=PAGE + 1)


def moment(events: int, chance: random.Random) -> tuple[int, int]:
    """Return a random date, as an ordinal, and a random position."""
    return chance.randint(FIRST, LAST), chance.randint(3 * policies(events), events)


def timed(ask: Callable[[], object], number: int) -> list[float]:
    """Ask often; return how many seconds each answer took, once everything is warm."""
    times = []
    for each in range(number + number // 10):
        started = time.perf_counter()
        ask()
        if each >= number // 10:
            times.append(time.perf_counter() - started)
    return times


def quantile(times: Sequence[float], share: float) -> float:
    """Return the time that a share of the answers did not exceed."""
    return sorted(times)[int(len(times) * share)]


if __name__ == "__main__":
    main()
