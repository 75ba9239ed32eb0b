"""What the record learned between two moments: before, after, and by whom."""

import threading
from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Any

import pytest
from sqlalchemy import event as listening

from http_client import (
    START,
    Client,
    Ticking,
    action,
    event_id,
    problem,
    registration,
    running,
)
from random_draws import random_events
from random_record import POLICIES
from timeline.application.access import Role
from timeline.projections.change_reads import MAX_EVENTS

DAY = "2021-03-15"
CALIFORNIA = "ocd-division/country:us/state:ca"
BOSTON = "ocd-division/country:us/state:ma/place:boston"


def items(client: Client, query: str) -> list[dict[str, Any]]:
    """Return the items of one page."""
    answer = client.get(f"/v1/changes?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def policies(client: Client, query: str) -> list[str]:
    """Return which policies changed."""
    return [item["policy"] for item in items(client, query)]


def listed(client: Client, position: int) -> dict[str, dict[str, Any]]:
    """Return what `/v1/policies` has at a position."""
    answer = client.get(f"/v1/policies?as_of={DAY}&known_position={position}")
    return {item["policy"]: item for item in answer.json()["items"]}


def steps(client: Client, policy: str) -> list[dict[str, Any]]:
    """Return a policy's replay."""
    answer = client.get(f"/v1/policies/{policy}/history?as_of={DAY}&limit=500")
    found: list[dict[str, Any]] = answer.json().get("items", [])
    return found


def item_of(state: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a state as a listing has it."""
    if state is None:
        return None
    return {name: state[name] for name in state if name not in {"retracted_by", "merged_into"}}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_changes_are_the_difference_of_the_listings(database_url: str, seed: int) -> None:
    """Whoever `/v1/policies` has otherwise at two positions is there, as it has them at each."""
    with running(database_url) as client:
        sent = random_events(seed, 60)
        client.stream(sent)
        ends = range(0, len(sent) + 1, 7)
        known = {position: listed(client, position) for position in ends}

        for since, until in combinations_with_replacement(ends, 2):
            found = {
                item["policy"]: item
                for item in items(client, f"from={since}&to={until}&as_of={DAY}")
            }

            for policy in POLICIES:
                before, after = known[since].get(policy), known[until].get(policy)
                assert policy in found or before == after
                if policy in found:
                    assert before in (None, item_of(found[policy]["before"]))
                    assert after in (None, item_of(found[policy]["after"]))


@pytest.mark.parametrize("seed", [4, 5])
def test_changes_are_the_steps_of_histories(database_url: str, seed: int) -> None:
    """Each policy comes with the events at its steps, from the state before to that after."""
    with running(database_url) as client:
        sent = random_events(seed, 60)
        client.stream(sent)
        histories = {policy: steps(client, policy) for policy in POLICIES}

        for since, until in combinations_with_replacement(range(0, len(sent) + 1, 7), 2):
            wanted = {}
            for policy, history in histories.items():
                state, told = None, []
                for step in history:
                    if step["event"]["position"] <= since:
                        state = step["state"]
                    elif step["event"]["position"] <= until:
                        told.append(step)
                if told:
                    wanted[policy] = (
                        state,
                        told[-1]["state"],
                        [step["event"]["id"] for step in told][-MAX_EVENTS:],
                    )
            page = items(client, f"from={since}&to={until}&as_of={DAY}")

            assert {
                item["policy"]: (
                    item["before"],
                    item["after"],
                    [event["id"] for event in item["events"]],
                )
                for item in page
            } == wanted
            firsts = [item["events"][0]["position"] for item in page if not item["truncated"]]
            assert firsts == sorted(firsts)


@pytest.fixture
def two_desks(database_url: str) -> Iterator[tuple[Client, Ticking]]:
    """Record an order and, an hour later and by another desk, the ordinance that rescinds it."""
    clock = Ticking()
    with running(database_url, clock) as client:
        client.record(registration("order-1", topics=["Parks"]), role=Role.RECORDER)
        client.record(action("order-1"), role=Role.RECORDER)
        clock.advance(hours=1)
        client.record(registration("order-2", jurisdiction=BOSTON), role=Role.CURATOR)
        client.record(
            {"events": [action("order-2", occurred="2025-01-10"), relation("order-2", "order-1")]},
            role=Role.CURATOR,
        )
        clock.advance(hours=1)
        yield client, clock


def relation(policy: str, target: str) -> dict[str, Any]:
    """Return a RelationAsserted that rescinds another policy."""
    return {
        "id": event_id(5),
        "policy": policy,
        "type": "RelationAsserted",
        "data": {
            "relation": "rescinds",
            "target": {"policy": target},
            "sources": [{"url": "https://news.example/order"}],
        },
    }


def test_an_event_of_another_policy_is_named_where_it_decides(
    two_desks: tuple[Client, Ticking],
) -> None:
    """The order has no event of its own since, and another desk has ended it."""
    client, _ = two_desks

    second, first = items(client, "from=2&as_of=2025-02-01")

    assert (second["policy"], first["policy"]) == ("order-2", "order-1")
    assert first["title"] == "An order"
    assert first["changed"] == {
        "force": ["in_force", "no_longer_in_force"],
        "force_reason": [None, "rescinded"],
        "in_force": ["yes", "no"],
    }
    assert first["recorded_by"] == ["curator"]
    (event,) = first["events"]
    assert (event["id"], event["policy"], event["position"]) == (event_id(5), "order-2", 5)
    assert event["recorded_at"] == "2026-11-22T11:00:00.000001Z"
    assert second["before"] is None
    assert [each["version"] for each in second["events"]] == [1, 2, 3]


def test_both_ends_are_positions_or_instants(two_desks: tuple[Client, Ticking]) -> None:
    """Both kinds may be mixed; the answer repeats what they come to; `to` is the newest if absent."""
    client, _ = two_desks

    whole = client.get("/v1/changes?from=2026-11-22T10:30:00Z&to=5&as_of=2025-02-01").json()
    newest = client.get("/v1/changes?from=2&as_of=2025-02-01").json()
    nothing = client.get("/v1/changes?from=2&to=2026-11-22T02:59:00-08:00").json()

    assert whole["items"] == newest["items"] != []
    assert whole["from"] == {"position": 2, "known_at": "2026-11-22T10:30:00.000000Z"}
    assert (newest["position"], newest["known_at"]) == (5, "2026-11-22T11:00:00.000001Z")
    assert newest["as_of"] == "2025-02-01"
    assert (nothing["items"], nothing["position"]) == ([], 2)
    assert nothing["as_of"] == START.date().isoformat()


def test_filters_match_what_was_or_what_is(two_desks: tuple[Client, Ticking]) -> None:
    """A policy that leaves a place is among what changed there, and where it comes to as well."""
    client, _ = two_desks
    moved = {"jurisdiction": BOSTON, "topics": ["Schools"], "reason": "A mistake."}
    client.record({"policy": "order-1", "type": "PolicyDescribed", "data": moved})

    assert policies(client, f"from=5&jurisdiction={CALIFORNIA}") == ["order-1"]
    assert policies(client, f"from=5&jurisdiction={BOSTON}") == ["order-1"]
    assert policies(client, f"from=0&jurisdiction={BOSTON}&to=5") == ["order-2"]
    assert policies(client, "from=5&jurisdiction=ocd-division/country:us/state:ma") == []
    assert policies(client, "from=5&jurisdiction=ocd-division/country:us/state:ma&within=true") == [
        "order-1"
    ]
    assert policies(client, "from=5&topic=parks") == ["order-1"]
    assert policies(client, "from=5&topic=SCHOOLS") == ["order-1"]
    assert policies(client, f"from=5&topic=schools&jurisdiction={CALIFORNIA}") == []
    assert policies(client, "from=5&instrument=executive_order") == ["order-1"]
    assert policies(client, "from=5&instrument=ordinance") == []
    assert policies(client, "from=0&policy=order-2") == ["order-2"]
    assert policies(client, "from=0&policy=nobody") == []


def test_pages_keep_both_ends(two_desks: tuple[Client, Ticking]) -> None:
    """What is recorded, and the day that passes, between two pages change nothing in them."""
    client, clock = two_desks
    whole = client.get("/v1/changes?from=2026-11-22T10:00:00Z").json()
    first = client.get("/v1/changes?from=2026-11-22T10:00:00Z&limit=1")
    clock.advance(days=1)
    client.record(registration("order-3"))
    client.record(action("order-1", action="extended", until="2030"))

    second = client.get(first.links["next"]["url"])

    assert first.json()["items"] + second.json()["items"] == whole["items"]
    assert second.json()["next"] is None
    for name in ("from", "position", "as_of", "known_at"):
        assert first.json()[name] == second.json()[name] == whole[name]


def test_a_long_list_of_events_is_cut_and_says_so(empty: Client) -> None:
    """The newest are named, and everyone who recorded any of them."""
    empty.record(registration(), role=Role.RECORDER)
    for number in range(MAX_EVENTS):
        empty.record(action(occurred=f"2024-11-{number + 1:02}"), role=Role.ADMIN)

    (cut,) = items(empty, "from=0")
    (whole,) = items(empty, "from=1")

    assert [event["position"] for event in cut["events"]] == [*range(2, MAX_EVENTS + 2)]
    assert (cut["truncated"], whole["truncated"]) == (["events"], [])
    assert (cut["recorded_by"], whole["recorded_by"]) == (["admin", "recorder"], ["admin"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "from"),
        ("from=yesterday", "from"),
        ("from=2026-11-22T10:00:00", "from"),
        ("from=-1", "from"),
        ("from=9007199254740992", "from"),
        ("from=75", "from"),
        ("from=2026-11-22T12:00:01Z", "from"),
        ("from=2026-11-22T09:59:59Z", "from"),
        ("from=0001-01-01T00:00:00%2B12:00", "from"),
        ("from=1&to=75", "to"),
        ("from=1&to=2026-11-22T12:00:01Z", "to"),
        ("from=1&to=2026-11-22T09:59:59Z", "to"),
        ("from=1&to=soon", "to"),
        ("from=8&to=7", "to"),
        ("from=2026-11-22T11:30:02Z&to=2026-11-22T11:30:01Z", "to"),
        ("from=1&known_at=2026-11-22T12:00:00Z", "known_at"),
        ("from=1&known_position=3", "known_position"),
        ("from=1&within=true", "within"),
        ("from=1&policy=Not%20A%20Slug", "policy"),
        ("from=1&limit=501", "limit"),
    ],
)
def test_what_is_no_stretch_is_refused(reading: Client, query: str, field: str) -> None:
    """Ends ahead of the record, before it, in the wrong order or malformed are 400 by name."""
    status, _, named = problem(reading.get(f"/v1/changes?{query}"))

    assert (status, named) == (400, field)


def test_a_cursor_belongs_to_its_question(reading: Client) -> None:
    """Another beginning is another question."""
    more = reading.get("/v1/changes?from=1&limit=2").json()["next"]

    assert reading.get(f"/v1/changes?from=1&limit=5&cursor={more}").status_code == 200
    answer = reading.get(f"/v1/changes?from=2&cursor={more}")
    assert problem(answer) == (400, "cursor-mismatch", "cursor")


def test_pages_give_what_one_page_gives(reading: Client) -> None:
    """Following the links, nothing is left out and nothing comes twice."""
    whole = items(reading, "from=3&limit=500&as_of=2025-06-01")
    target, found = "/v1/changes?from=3&limit=2&as_of=2025-06-01", []
    while target:
        page = reading.get(target)
        found += page.json()["items"]
        target = page.links.get("next", {}).get("url", "")

    assert found == whole
    assert len(whole) > 10


def test_a_page_takes_a_fixed_number_of_queries(reading: Client) -> None:
    """Ten policies cost as many statements as one."""
    asked: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        # The follower polls the same database meanwhile.
        if threading.current_thread().name != "follower":
            asked.append(statement)

    counts = []
    listening.listen(reading.application.engine, "before_cursor_execute", count)
    try:
        for limit in (1, 10):
            asked.clear()
            assert len(items(reading, f"from=0&limit={limit}")) == limit
            counts.append(len(asked))
    finally:
        listening.remove(reading.application.engine, "before_cursor_execute", count)

    assert counts[0] == counts[1] < 12


def test_an_unchanged_answer_is_304(reading: Client) -> None:
    """The answer is validated as those of other reads are."""
    first = reading.get("/v1/changes?from=5")

    again = reading.get("/v1/changes?from=5", If_None_Match=first.headers["etag"])

    assert again.status_code == 304
    assert first.headers["timeline-position"] == "74"
