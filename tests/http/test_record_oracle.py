"""Every answer about policies, compared with a recomputation from the raw events.

Random records of exact days: backfilled, corrected, retracted, disputed, partial, merged, erased,
cited and selected. Each is asked at random pairs of a date and a position.
"""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from fold_oracle import Answer
from http_client import Client, Json, running
from random_record import EXACT_DAYS, Draw, accept
from record_oracle import RecordOracle, Uncertain, erase
from timeline.domain.belief import PastEvent

RECORDS: Final = 20
EVENTS: Final = 36
"""Draws for one record; what the domain refuses is left out."""

KINDS: Final = [
    *(["ActionRecorded"] * 6),
    *(["RelationAsserted"] * 3),
    *(["ActionCorrected"] * 2),
    "SourceAttached",
    "EventRetracted",
    "PolicyDescribed",
]
RARE: Final = ["PoliciesMerged", "PayloadErased"]
FIRST, LAST = date(2018, 1, 1).toordinal(), date(2023, 6, 1).toordinal()
AXES: Final = ("stage", "force", "litigation")
ENDS_IN: Final = {"in_force": "yes", "partially_in_force": "yes", "unknown": "maybe"}
LIMITS: Final = (1, 2, 3, 5, 500)
"""Sizes of pages, small ones before all: what gets lost does so between two pages."""

COMPARED: Final = 0.8
"""The least share of answers that are certain enough to be compared."""

Record = list[tuple[PastEvent, Json]]


def drawn(seed: int) -> Record:
    """Return a record; every third knows mergers and erasures too, which end many stories."""
    random = Random(seed)  # noqa: S311 - any draws do
    kinds = KINDS + (RARE if seed % 3 == 0 else [])

    def number() -> int:
        return random.randrange(401)

    draws: list[Draw] = [
        (random.choice(kinds), random.randrange(4), number(), number(), number())
        for _ in range(EVENTS)
    ]
    return accept(draws, EXACT_DAYS)


class Asked:
    """A service that holds a record, and how often its answers were compared."""

    def __init__(self, client: Client, record: Record, seed: int) -> None:
        self.client = client
        self.random = Random(seed)  # noqa: S311 - any draws do
        self.events = erase(record)
        self.compared = self.left_out = 0
        self.day = FIRST
        self.oracle = RecordOracle(self.events, 0)

    def pairs(self, count: int) -> Iterator[None]:
        """Go to random pairs of a date and a position, the newest position first."""
        for index in range(count):
            newest = len(self.events)
            position = newest if index == 0 else self.random.randint(newest // 3, newest)
            self.day = self.random.randint(FIRST, LAST)
            self.oracle = RecordOracle(self.events, position)
            self.clocks = f"as_of={date.fromordinal(self.day)}&known_position={position}"
            yield

    def items(self, path: str, query: str = "") -> list[Json]:
        """Ask at the current pair, page by page, for as many items at a time as comes to mind."""
        items: list[Json] = []
        cursor = ""
        while True:
            limit = self.random.choice(LIMITS)
            answer = self.client.get(f"{path}?{self.clocks}&{query}&limit={limit}{cursor}")
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert len(page["items"]) == limit or page["next"] is None
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"

    def page(self, policy: str) -> Any:
        """Ask for one policy's page."""
        return self.client.get(f"/v1/policies/{policy}?{self.clocks}")

    def listed(self, policy: str) -> bool | None:
        """Tell whether a policy has to be listed; None where the oracle leaves that open."""
        try:
            first, last = self.oracle.begun(policy)
        except Uncertain:
            return None
        return None if first <= self.day < last else self.day >= first

    def expected(self, policy: str, oracle: RecordOracle | None = None, day: int = 0) -> Json:
        """Return the axes that are expected, or None where the oracle is not certain."""
        try:
            answers = (oracle or self.oracle).answers(policy, day or self.day)
        except Uncertain:
            self.left_out += 1
            return None
        self.compared += 1
        return axes(*answers)


def axes(believed: Answer, claimed: list[Answer]) -> Json:
    """Return the axes as they are served: believed values, and all that claims make possible."""
    values = {axis: _only(getattr(believed, axis)) for axis in AXES}
    possible = {
        axis: {_only(getattr(each, axis)) for each in (believed, *claimed)} for axis in AXES
    }
    in_force = {ENDS_IN.get(each, "no") for each in possible["force"]}
    return {
        **values,
        "force_reason": _only(believed.reasons),
        "in_force": in_force.pop() if len(in_force) == 1 else "maybe",
        "possible": {axis: each for axis, each in possible.items() if len(each) > 1},
    }


def _only(values: frozenset[Any]) -> Any:
    (value,) = values
    return value


def before(instrument: str) -> Json:
    """Return the axes on the days before a policy's first period."""
    force = "not_applicable" if instrument in {"lawsuit", "statement"} else "not_enacted"
    nothing = dict.fromkeys((*AXES, "force_reason"))
    return {**nothing, "force": force, "litigation": "none", "in_force": "no", "possible": {}}


def served(item: Json) -> Json:
    """Return the axes of an item."""
    names = (*AXES, "force_reason", "in_force")
    possible = {axis: set(values) for axis, values in item["possible"].items()}
    return {**{name: item[name] for name in names}, "possible": possible}


@pytest.fixture(params=range(RECORDS))
def asked(request: pytest.FixtureRequest, migrated_sqlite: Path, tmp_path: Path) -> Iterator[Asked]:
    """Give a service with a random record."""
    record = drawn(request.param)
    path = tmp_path / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    with running(f"sqlite:///{path}") as client:
        events = [
            {"id": event.id, "policy": event.policy, "type": str(event.type), "data": raw}
            for event, raw in record
        ]
        cut = len(events) // 2
        for some in (events[:cut], events[cut:]):
            answer = client.record({"events": some})
            assert answer.status_code == 201, answer.text
        yield Asked(client, record, request.param)


def test_answers_are_what_the_raw_events_say(asked: Asked) -> None:
    """Listings with every filter, pages, timelines and histories, at both clocks."""
    for _ in asked.pairs(3):
        listing(asked)
        for policy in sorted(asked.oracle.registrations):
            page(asked, policy)
        timeline(asked)
    history(asked)

    assert asked.compared >= COMPARED * (asked.compared + asked.left_out)


def listing(asked: Asked) -> None:
    """Compare the listing, and what each filter leaves of it."""
    items = {item["policy"]: item for item in asked.items("/v1/policies")}
    oracle = asked.oracle
    assert set(items) <= set(oracle.told)
    for policy in oracle.told:
        listed = asked.listed(policy)
        assert listed is None or listed == (policy in items), policy
    known = {}
    for policy, item in items.items():
        expected = asked.expected(policy)
        if expected is not None:
            known[policy] = expected
            assert served(item) == expected, policy
        described = oracle.described(policy)
        for name in ("title", "instrument", "jurisdiction"):
            assert item[name] == described[name]
        opened = {claim.event for claim in oracle.claims()}
        mine = {said.event for said in oracle.standing if oracle.survivor(said.policy) == policy}
        assert item["disputed"] == bool(opened & mine)
    for policy, expected in known.items():
        for axis in (*AXES, "in_force"):
            if expected[axis] is not None:
                query = f"{axis}={expected[axis]}"
                found = {each["policy"] for each in asked.items("/v1/policies", query)}
                assert found & set(known) == {
                    each
                    for each, others in known.items()
                    if expected[axis] in others["possible"].get(axis, {others[axis]})
                }, (policy, axis)
        for name in ("instrument", "jurisdiction"):
            query = f"{name}={items[policy][name]}"
            found = {each["policy"] for each in asked.items("/v1/policies", query)}
            assert found == {each for each in items if items[each][name] == items[policy][name]}


def page(asked: Asked, policy: str) -> None:
    """Compare a policy's page; a merged one leads to its survivor, a retracted one is gone."""
    answer = asked.page(policy)
    oracle = asked.oracle
    survivor = oracle.survivor(policy)
    if survivor != policy:
        assert answer.status_code == 307
        assert answer.headers["location"].startswith(f"/v1/policies/{survivor}?")
        return
    if oracle.retracted(policy):
        assert answer.status_code == 410
        return
    document = answer.json()
    claimed = {claim.field for claim in oracle.claims()}
    for day in (asked.day, *(asked.random.randint(FIRST, LAST) for _ in range(4))):
        text = date.fromordinal(day).isoformat()
        covering = [
            each
            for each in document["periods"]
            if (each["from"] or "") <= text <= (each["until"] or "9999")
        ]
        expected = asked.expected(policy, day=day)
        # Before the first period, claims about the instrument are not followed.
        if expected is not None and (covering or "instrument" not in claimed):
            found = covering[0] if covering else before(document["instrument"])
            assert served(found) == expected, (policy, text)
            assert day != asked.day or served(document) == expected, policy
    disputes = {
        (each["event"], each["claim"]["field"], json.dumps(each["claim"]["value"]))
        for each in document["disputes"]
        if each["settled_by"] is None
    }
    mine = {said.event for said in oracle.standing if said.policy in oracle.members(policy)}
    assert disputes == {
        (claim.event, claim.field, json.dumps(claim.value))
        for claim in oracle.claims()
        if claim.event in mine
    }


def timeline(asked: Asked) -> None:
    """Compare the actions up to the date, own ones and those that relations amount to."""
    order = asked.random.choice(("asc", "desc"))
    items = asked.items("/v1/timeline", f"order={order}")
    days = [item["occurred"]["earliest"] or "" for item in items]
    assert days == sorted(days, reverse=order == "desc")
    assert len(items) == len({(item["policy"], item["event"]) for item in items})
    for policy in asked.oracle.told:
        found = {
            item["event"]: (item["action"], item["occurred"]["edtf"], _edtf(item["until"]))
            for item in items
            if item["policy"] == policy
        }
        try:
            expected = asked.oracle.items(policy)
        except Uncertain:
            asked.left_out += 1
            continue
        asked.compared += 1
        text = date.fromordinal(asked.day).isoformat()
        assert found == {
            event: (action, occurred, until)
            for event, (action, occurred, until) in expected.items()
            if occurred <= text or occurred == "XXXX"
        }, policy


def _edtf(served: dict[str, str] | None) -> str | None:
    """Return a date that may be absent as it was written."""
    return None if served is None else served["edtf"]


def history(asked: Asked) -> None:
    """Compare one policy's state after every single event of the record."""
    told = asked.oracle.told
    if not told:
        return
    policy = asked.random.choice(told)
    steps = asked.items(f"/v1/policies/{policy}/history")
    states = {step["event"]["position"]: step["state"] for step in steps}
    last = int(asked.clocks.rpartition("=")[2])
    for position in range(1, last + 1):
        oracle = RecordOracle(asked.events, position)
        passed = [each for each in states if each <= position]
        assert bool(passed) == (policy in oracle.registrations)
        if passed and policy in oracle.told:
            expected = asked.expected(policy, oracle)
            assert expected is None or served(states[max(passed)]) == expected, position
