"""New York City Council matters and what happened to them, 1997 to 2026, as events.

    python -m bench.new_york DIRECTORY > FILE

Owns the reading of `nyc_matters.csv.gz` and `nyc_matter_actions.csv.gz`, which lie in a directory
`shared/data` beside the checkout and are no part of this project, and what their labels mean. A
matter is a policy, a row of its history an action; both are told apart by the source's own ids.
"""

import csv
import gzip
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import msgspec

from bench import record
from bench.databases import Databases
from bench.filling import project
from bench.record import Event
from bench.services import timeline
from bench.table import Row, Scale
from timeline.bootstrap import application
from timeline.cli.importing import How, import_events
from timeline.domain.vocabulary import Action, EventType, Instrument
from timeline.eventstore.database import create_engine
from timeline.importers.opening import Inputs
from timeline.settings import Settings

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
MATTERS: Final = "nyc_matters.csv.gz"
ACTIONS: Final = "nyc_matter_actions.csv.gz"

QUICK_MATTERS: Final = 2_000
PAGES: Final = 200
"""First pages asked for one after the other; the median counts."""

NEW_YORK: Final = ZoneInfo("America/New_York")
MIRROR: Final = "https://github.com/jehiah/nyc_legislation/blob/master/"
SYSTEM: Final = "nyc-legistar"
NO_DATE: Final = "0001-01-01"
MAX_TITLE: Final = 1_000

INSTRUMENTS: Final = {"Introduction": Instrument.BILL, "Resolution": Instrument.RESOLUTION}
"""Any other type of matter, such as a land use application, is `other`."""

LABELS: Final[dict[Action, tuple[str, ...]]] = {
    Action.INTRODUCED: (
        "Introduced by Council",
        "Introduced by Council, IMMEDIATE CONSIDERATION",
    ),
    Action.REFERRED: (
        "Referred to Comm by Council",
        "Re-referred to Committee by Council",
        "Re-referred pursuant to Rule 6.50 of the Council",
        "Recommitted to Committee by Council",
        "Recommit to Comm by Council",
        "Referred to Finance Pursuant to Rule 9.10",
    ),
    Action.HEARING_HELD: (
        "Hearing Held by Committee",
        "Hearing on P-C Item by Comm",
        "Hearing Held by Mayor",
    ),
    Action.LAID_OVER: (
        "Laid Over by Committee",
        "Laid Over by Subcommittee",
        "Laid Over by Council",
        "Laid Over Again by Committee",
        "Laid Over Again by Council",
        "P-C Item Laid Over by Comm",
        "Deferred",
    ),
    Action.AMENDED: ("Amended by Committee",),
    Action.PASSED: ("Approved by Council", "Approved, by Council"),
    Action.FAILED: (
        "Disapproved by Council",
        "Disapproved by Committee",
        "Disapproved by Committee with Companion Resolution",
        "Disapproved by Subcommittee",
        "P-C Item Disapproved by Subcommittee with Companion Resolution",
        "Defeated by Committee",
    ),
    Action.WITHDRAWN: ("Withdrawn",),
    Action.DIED: (
        "Filed (End of Session)",
        "Filed by Council",
        "Filed by Committee",
        "Filed by Committee with Companion Resolution",
        "Filed by Subcommittee",
        "Filed by Administration",
        "P-C Item Filed by Committee with Companion Resolution",
        "P-C Item Filed by Subcommittee with Companion Resolution",
    ),
    Action.SENT_TO_EXECUTIVE: ("Sent to Mayor by Council",),
    Action.VETOED: ("Vetoed by Mayor",),
    Action.OVERRIDE_PASSED: ("Overridden by Council",),
    Action.LAPSED_INTO_LAW: ("City Charter Rule Adopted",),
    Action.SIGNED: ("Signed Into Law by Mayor",),
}
ACTIONS_BY_LABEL: Final = {label: action for action, labels in LABELS.items() for label in labels}

ADVANCED: Final = (
    "Approved by Committee",
    "Approved by Subcommittee",
    "Approved with Modifications and Referred",
    "Approved and Referred",
    "P-C Item Approved",
)
"""What labels begin with that take a matter a step further, whatever else they say."""


def action(label: str) -> Action:
    """Return what a label means; `other` for what is no step, such as a bill's way back."""
    if label in ACTIONS_BY_LABEL:
        return ACTIONS_BY_LABEL[label]
    return Action.ADVANCED if label.startswith(ADVANCED) else Action.OTHER


def events(directory: Path, matters: int | None = None) -> Iterator[Event]:
    """Yield the events of so many matters, or of all: each is registered, then its actions come.

    A matter that the source lists twice, and a row of its history that is there twice, is one
    event: their ids are the same.
    """
    history: dict[str, list[dict[str, str]]] = {}
    for row in _rows(directory / ACTIONS):
        history.setdefault(row["matter_id"], []).append(row)
    seen: set[str] = set()
    for matter in islice(_rows(directory / MATTERS), matters):
        for event in (_registered(matter), *_acted(matter, history.get(matter["matter_id"], ()))):
            if event["id"] not in seen:
                seen.add(event["id"])
                yield event


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _registered(matter: dict[str, str]) -> Event:
    title = " ".join((matter["title"] or matter["name"] or matter["file"]).split())
    identifiers = [{"scheme": "nyc-council-file", "value": matter["file"]}]
    if matter["local_law"]:
        identifiers.append({"scheme": "nyc-local-law", "value": matter["local_law"]})
    data: dict[str, object] = {
        "title": title[:MAX_TITLE],
        "instrument": INSTRUMENTS.get(matter["type"], Instrument.OTHER),
        "jurisdiction": "ocd-division/country:us/state:ny/place:new_york",
        "identifiers": identifiers,
        "sources": [{"url": MIRROR + matter["path"], "class": "official"}],
        "origin": _origin(matter["matter_id"], matter["last_modified"]),
    }
    if matter["body"]:
        data["body"] = matter["body"]
    if summary := title if len(title) > MAX_TITLE else matter["name"].strip():
        data["summary"] = summary
    return _event(f"matter/{matter['matter_id']}", matter, EventType.POLICY_REGISTERED, data)


def _acted(matter: dict[str, str], rows: Iterable[dict[str, str]]) -> Iterator[Event]:
    for row in rows:
        # One label ends in a stray line break.
        label = " ".join(row["action"].split())
        data: dict[str, object] = {
            "action": action(label),
            "occurred": _occurred(row["action_date"]),
            "label": label,
            "sources": [{"url": MIRROR + matter["path"], "class": "official"}],
            "origin": _origin(row["action_row_id"], row["last_modified"]),
        }
        if row["body"]:
            data["body"] = row["body"]
        yield _event(f"action/{row['action_row_id']}", matter, EventType.ACTION_RECORDED, data)


def _occurred(instant: str) -> str:
    """Return when it happened: the source writes New York's local time with a `Z`."""
    if instant.startswith(NO_DATE):
        return "XXXX"
    return datetime.fromisoformat(instant).replace(tzinfo=NEW_YORK).isoformat()


def _origin(id: str, recorded: str) -> dict[str, str]:
    origin = {"system": SYSTEM, "id": id}
    return origin if recorded.startswith(NO_DATE) else {**origin, "recorded": recorded}


def _event(about: str, matter: dict[str, str], type: EventType, data: dict[str, object]) -> Event:
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{SYSTEM}/{about}")),
        "policy": f"nyc-{matter['file'].lower().replace(' ', '-')}",
        "type": str(type),
        "data": data,
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
    mix = f"New York, {tally.statements:,} events" + (
        "" if scale.full else f" of {QUICK_MATTERS:,} matters"
    )
    for what, value, unit, note in (
        ("import", imported, "s", f"{tally.statements / imported:,.0f} events/s"),
        ("projection", projected, "s", f"{tally.statements / projected:,.0f} events/s"),
        ("service ready", ready, "s", ""),
        ("first page", times[0] * 1_000, "ms", ""),
        ("page again, p50", sorted(times)[PAGES // 2] * 1_000, "ms", "a connection each"),
    ):
        yield Row(
            part="new-york", database=kind, what=f"{mix}: {what}", value=value, unit=unit, note=note
        )


def main() -> None:
    """Write the events of all matters as NDJSON."""
    for event in events(Path(sys.argv[1])):
        sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")


if __name__ == "__main__":
    main()
