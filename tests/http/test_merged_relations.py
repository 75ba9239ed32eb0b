"""Relations of policies that were merged, and the bounds of what is related."""

import pytest

from http_client import Client, Json, action, event_id, problem, registration
from timeline.projections import reading, relation_reads


def relation(policy: str, target: str, **data: Json) -> Json:
    """Return a RelationAsserted to post."""
    needed = {
        "relation": "similar_to",
        "target": {"policy": target},
        "sources": [{"url": "https://news.example/order"}],
    }
    return {"policy": policy, "type": "RelationAsserted", "data": needed | data}


def merger(policy: str, duplicate: str) -> Json:
    """Return a PoliciesMerged to post."""
    data = {"duplicate": duplicate, "reason": "one order"}
    return {"policy": policy, "type": "PoliciesMerged", "data": data}


def told(client: Client, *events: Json) -> int:
    """Record events; returns the position of the last."""
    answer = client.record({"events": list(events)})
    assert answer.status_code == 201, answer.text
    return int(answer.headers["timeline-position"])


def around(client: Client, policy: str, depth: int = 5) -> set[str]:
    """Return the policies whose actions are around one."""
    found = client.get(f"/v1/timeline?around={policy}&depth={depth}&limit=500")
    return {item["policy"] for item in found.json()["items"]}


def incoming(client: Client, policy: str, query: str = "") -> list[tuple[str, str]]:
    """Return who points at a policy, and what that resolves to."""
    found = client.get(f"/v1/policies/{policy}{query}").json()["relations"]["incoming"]
    return [(each["policy"], *each["resolves_to"]) for each in found]


@pytest.fixture
def merged(empty: Client) -> Client:
    """Give rel -> dup, where dup is merged into mid and mid into surv (events 10 and 11)."""
    names = ("rel", "dup", "mid", "surv")
    told(empty, *(event for name in names for event in (registration(name), action(name))))
    told(empty, relation("rel", "dup"))
    told(empty, merger("mid", "dup"))
    told(empty, merger("surv", "mid"))
    return empty


def test_a_relation_to_a_duplicate_arrives_at_its_survivor(merged: Client) -> None:
    """It is the survivor's incoming relation, and resolves to it, over two mergers."""
    (outgoing,) = merged.get("/v1/policies/rel").json()["relations"]["outgoing"]

    assert incoming(merged, "surv") == [("rel", "surv")]
    assert outgoing["resolves_to"] == ["surv"]
    assert outgoing["target"]["policy"] == "dup"


def test_a_relation_resolves_as_believed_at_the_position_asked_about(merged: Client) -> None:
    """Before each merger it leads to whoever told the story then."""
    assert incoming(merged, "dup", "?known_position=9") == [("rel", "dup")]
    assert incoming(merged, "mid", "?known_position=10") == [("rel", "mid")]
    assert incoming(merged, "surv", "?known_position=10") == []


def test_a_walk_passes_through_a_merger(merged: Client) -> None:
    """What is around the related policy is the survivor, and the other way round."""
    assert around(merged, "rel") == {"rel", "surv"}
    assert around(merged, "surv", depth=1) == {"rel", "surv"}


def test_a_relation_from_a_duplicate_is_the_survivors(empty: Client) -> None:
    """Outgoing relations move along with a merger, and their targets see who asserts them now."""
    told(empty, registration("a"), registration("b"), registration("target"))
    told(empty, relation("a", "target"), merger("b", "a"))

    assert incoming(empty, "target") == [("b", "target")]


def test_the_timeline_of_a_merged_policy_is_its_survivors(merged: Client) -> None:
    """307 keeps the query and replaces `policy` alone."""
    moved = merged.get("/v1/timeline?policy=mid&limit=5")

    assert moved.status_code == 307
    assert moved.headers["location"] == "/v1/timeline?policy=surv&limit=5"
    assert len(merged.get(moved.headers["location"]).json()["items"]) == 3
    before = merged.get("/v1/timeline?policy=dup&known_position=9")
    assert [item["policy"] for item in before.json()["items"]] == ["dup"]


def test_the_timeline_of_a_retracted_policy_is_gone(empty: Client) -> None:
    """410 names the retraction; an unknown policy has no actions."""
    told(empty, {**registration(), "id": event_id(1)}, action())
    data = {"event": event_id(1), "reason": "in error"}
    told(empty, {"policy": "order-1", "type": "EventRetracted", "data": data})

    gone = empty.get("/v1/timeline?policy=order-1")

    assert problem(gone) == (410, "policy-gone", "policy")
    assert len(empty.get("/v1/timeline?policy=order-1&known_position=2").json()["items"]) == 1
    assert empty.get("/v1/timeline?policy=unknown").json()["items"] == []


@pytest.fixture
def hub(empty: Client) -> Client:
    """Give a hub that seven policies point at, each with one policy more behind it."""
    told(empty, registration("hub"), action("hub"))
    for number in range(7):
        near, far = f"near-{number}", f"far-{number}"
        told(empty, registration(near), action(near), registration(far), action(far))
        told(empty, relation(near, "hub"), relation(far, near))
    return empty


def test_the_relations_of_a_hub_are_bounded(hub: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are served, each way up to the bound."""
    monkeypatch.setattr(relation_reads, "MAX_RELATIONS", 3)

    assert incoming(hub, "hub") == [(f"near-{number}", "hub") for number in range(3)]


def test_a_walk_ends_at_its_bound(hub: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest are found first, and no step goes on from what was left out."""
    monkeypatch.setattr(relation_reads, "MAX_NEIGHBOURS", 5)

    assert around(hub, "hub") == {"hub", *(f"near-{number}" for number in range(4))}


def test_long_lists_are_asked_for_in_parts(hub: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found does not depend on how many ids one statement takes."""
    whole, pointing = around(hub, "hub"), incoming(hub, "near-3")
    monkeypatch.setattr(reading, "MAX_IN_LIST", 2)

    assert around(hub, "hub") == whole
    assert len(whole) == 15
    assert incoming(hub, "near-3") == pointing == [("far-3", "near-3")]
