"""Relations by selector, seen from all sides: pages of both ends, what is around, the graph."""

from collections.abc import Iterator
from typing import Final

import pytest

from http_client import Client, Json, action, event_id, registration, running
from timeline.projections import relation_reads

PLACE: Final = "ocd-division/country:us/state:ny"
SELECTOR: Final = {"jurisdiction": PLACE, "instrument": "executive_order"}
RELATION: Final = event_id(99)
RELATED: Final = 8
"""Position of the relation."""


def relation(policy: str, **data: Json) -> Json:
    """Return a RelationAsserted by selector to post."""
    needed = {
        "relation": "rescinds",
        "target": {"selector": SELECTOR},
        "sources": [{"url": "https://news.example/order"}],
    }
    return {"policy": policy, "type": "RelationAsserted", "data": needed | data}


def told(client: Client, *events: Json) -> None:
    """Record events."""
    answer = client.record({"events": list(events)})
    assert answer.status_code == 201, answer.text


@pytest.fixture
def selected(database_url: str) -> Iterator[Client]:
    """Give x, which rescinds t0 and t1 by selector, and t2, which is registered after it."""
    with running(database_url) as client:
        told(client, registration("x"), action("x", occurred="2020-01-01"))
        told(client, registration("other"))
        for policy in ("t0", "t1"):
            told(client, registration(policy, jurisdiction=PLACE), action(policy, occurred="2019"))
        told(client, {**relation("x"), "id": RELATION})
        told(client, registration("t2", jurisdiction=PLACE), action("t2", occurred="2019"))
        yield client


def page(client: Client, policy: str, query: str = "") -> Json:
    """Return a policy's page."""
    answer = client.get(f"/v1/policies/{policy}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def resolved(client: Client, policy: str, query: str = "") -> list[list[str]]:
    """Return what the relations of a policy resolve to."""
    return [each["resolves_to"] for each in page(client, policy, query)["relations"]["outgoing"]]


def arriving(client: Client, policy: str, query: str = "") -> list[tuple[str, list[str]]]:
    """Return who points at a policy, and what that resolves to."""
    incoming = page(client, policy, query)["relations"]["incoming"]
    return [(each["policy"], each["resolves_to"]) for each in incoming]


def around(client: Client, policy: str, depth: int) -> set[str]:
    """Return the policies whose actions are around one."""
    found = client.get(f"/v1/timeline?around={policy}&depth={depth}&limit=500")
    return {item["policy"] for item in found.json()["items"]}


def test_a_selector_resolves_to_those_on_whom_it_acts(selected: Client) -> None:
    """On its own policy's page, at each position; policies registered later are among them."""
    assert resolved(selected, "x") == [["t0", "t1", "t2"]]
    assert resolved(selected, "x", f"?known_position={RELATED}") == [["t0", "t1"]]
    assert resolved(selected, "x", "?as_of=1999-01-01") == [["t0", "t1", "t2"]]


def test_a_selector_arrives_at_those_on_whom_it_acts(selected: Client) -> None:
    """It is among the relations of each, and says whom else it names."""
    everyone = ["t0", "t1", "t2"]

    assert [arriving(selected, each) for each in everyone] == [[("x", everyone)]] * 3
    assert arriving(selected, "t1", f"?known_position={RELATED}") == [("x", ["t0", "t1"])]
    assert arriving(selected, "t1", f"?known_position={RELATED - 1}") == []
    assert arriving(selected, "other") == []


def test_what_a_selector_names_is_around_its_policy(selected: Client) -> None:
    """One step from either end; the others that are named are two steps away, as in the graph."""
    for policy, depth, found in (
        ("x", 1, {"x", "t0", "t1", "t2"}),
        ("t0", 1, {"t0", "x"}),
        ("t0", 2, {"t0", "x", "t1", "t2"}),
    ):
        graph = selected.get(f"/v1/graph?policy={policy}&depth={depth}").json()

        assert around(selected, policy, depth) == found
        assert {each["id"] for each in graph["nodes"] if each["kind"] == "policy"} == found


def test_an_action_that_tells_the_same_is_no_bar(selected: Client) -> None:
    """The relation has no item of its own there, and resolves to the policy all the same."""
    told(selected, action("t1", action="rescinded", occurred="2020-01-01", by={"policy": "x"}))

    assert resolved(selected, "x") == [["t0", "t1", "t2"]]
    assert [policy for policy, _ in arriving(selected, "t1")] == ["x"]
    assert "x" in around(selected, "t1", 1)


def test_a_duplicate_that_is_selected_is_its_survivor(selected: Client) -> None:
    """A selector resolves to whoever tells the story at the position."""
    merger = {"duplicate": "t2", "reason": "one order"}
    told(selected, {"policy": "t0", "type": "PoliciesMerged", "data": merger})

    assert resolved(selected, "x") == [["t0", "t1"]]
    assert arriving(selected, "t0") == [("x", ["t0", "t1"])]


def test_what_acts_on_nobody_resolves_to_nobody(selected: Client) -> None:
    """A relation that is no action of its targets, or whose own policy never is in force."""
    told(selected, relation("x", relation="cites"), registration("bill", instrument="bill"))
    told(selected, action("bill", action="vetoed", occurred="2020-01-01"), relation("bill"))

    assert resolved(selected, "x") == [["t0", "t1", "t2"], []]
    assert resolved(selected, "bill") == [[]]
    assert [policy for policy, _ in arriving(selected, "t0")] == ["x"]


def test_a_retracted_selector_resolves_no_more(selected: Client) -> None:
    """At later positions it is nobody's relation."""
    retraction = {"event": RELATION, "reason": "in error"}
    told(selected, {"policy": "x", "type": "EventRetracted", "data": retraction})

    assert (resolved(selected, "x"), arriving(selected, "t0")) == ([], [])
    assert around(selected, "t0", 1) == {"t0"}


def test_a_page_says_where_it_names_but_the_first(
    selected: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`truncated` has `resolves_to`; on its own page a policy is named in any case."""
    whole = page(selected, "x")
    monkeypatch.setattr(relation_reads, "MAX_RESOLVED", 2)
    # Another date, as answers are kept.
    cut = page(selected, "x", "?as_of=2020-06-01")

    assert whole["truncated"] == []
    assert cut["truncated"] == ["resolves_to"]
    assert cut["relations"]["outgoing"][0]["resolves_to"] == ["t0", "t1"]
    assert arriving(selected, "t2") == [("x", ["t0", "t2"])]


def test_a_walk_over_a_selector_ends_at_its_bound(
    selected: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that it names are found, by id."""
    monkeypatch.setattr(relation_reads, "MAX_NEIGHBOURS", 3)

    assert around(selected, "x", 1) == {"x", "t0", "t1"}
