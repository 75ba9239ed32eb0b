"""What one answer holds at most, and that it says so."""

import pytest

from http_client import Client, Json, action, event_id, registration
from timeline.application import one_policy
from timeline.projections import relation_reads
from timeline.projections.evidence_reads import MAX_SOURCES


def attached(page: int, event: str, **data: Json) -> Json:
    """Return a SourceAttached to post."""
    source = {"url": "https://news.example/order", "locator": f"p. {page}"}
    data = {"event": event, "source": source, "stance": "supports", **data}
    return {"policy": "order-1", "type": "SourceAttached", "data": data}


def told(client: Client, *events: Json) -> None:
    """Record events together."""
    answer = client.record({"events": list(events)})
    assert answer.status_code == 201, answer.text


@pytest.fixture
def order(empty: Client) -> Client:
    """Give a service that knows an order (event 1) and three actions of it (from event 2 on)."""
    told(
        empty,
        {**registration(), "id": event_id(1)},
        *({**action(summary=f"no {number}"), "id": event_id(number)} for number in (2, 3, 4)),
    )
    return empty


def test_a_page_that_holds_everything_is_not_truncated(order: Client) -> None:
    """The list of what is cut is empty as a rule."""
    assert order.get("/v1/policies/order-1").json()["truncated"] == []


def test_a_page_says_which_lists_are_cut(order: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Actions, relations and disputes are cut at their bounds, and named."""
    claim = {"field": "occurred", "value": "2019"}
    cites = {
        "relation": "cites",
        "target": {"citation": "a law"},
        "sources": [{"url": "https://news.example/order"}],
    }
    told(
        order,
        *(attached(page, event_id(2), stance="disputes", claim=claim) for page in (1, 2)),
        *({"policy": "order-1", "type": "RelationAsserted", "data": cites} for _ in range(2)),
    )
    monkeypatch.setattr(one_policy, "MAX_ACTIONS", 2)
    monkeypatch.setattr(one_policy, "MAX_DISPUTES", 1)
    monkeypatch.setattr(relation_reads, "MAX_RELATIONS", 1)

    page = order.get("/v1/policies/order-1").json()

    assert page["truncated"] == ["actions", "relations", "disputes"]
    assert [each["summary"] for each in page["actions"]] == ["no 2", "no 3"]
    assert [each["source"]["locator"] for each in page["disputes"]] == ["p. 1"]
    assert len(page["relations"]["outgoing"]) == 1


def test_an_item_has_so_many_sources(order: Client) -> None:
    """An action with more has the first ones, on its policy's page and in the timeline."""
    for start in range(0, MAX_SOURCES, 100):
        told(order, *(attached(page, event_id(2)) for page in range(start, start + 100)))
    told(order, *(attached(page, event_id(1)) for page in range(3)))

    page = order.get("/v1/policies/order-1").json()
    listed = order.get("/v1/timeline?policy=order-1").json()["items"]

    assert [len(each["sources"]) for each in page["actions"]] == [MAX_SOURCES, 1, 1]
    assert [each["sources"] for each in listed] == [each["sources"] for each in page["actions"]]
    assert listed[0]["sources"][-1]["locator"] == f"p. {MAX_SOURCES - 2}"
    assert len(page["sources"]) == 4


def test_sources_are_those_known_at_the_position(order: Client) -> None:
    """What was attached later does not bear out an earlier answer; what is retracted, no later one."""
    told(order, {**attached(1, event_id(3)), "id": event_id(9)})
    data = {"event": event_id(9), "reason": "in error"}
    told(order, {"policy": "order-1", "type": "EventRetracted", "data": data})

    counts = [
        len(order.get(f"/v1/timeline?known_position={position}").json()["items"][1]["sources"])
        for position in (4, 5, 6)
    ]

    assert counts == [1, 2, 1]


def test_words_of_the_policy_find_its_actions(order: Client) -> None:
    """`q` finds an action by its own words, and by those of its policy at the position asked."""
    data = {"title": "A decree", "reason": "as filed"}
    told(order, {"policy": "order-1", "type": "PolicyDescribed", "data": data})

    def found(query: str) -> list[str]:
        items = order.get(f"/v1/timeline?{query}").json()["items"]
        return [f"{item['title']}: {item['summary']}" for item in items]

    assert found("q=no+3") == ["A decree: no 3"]
    assert found("q=decree") == ["A decree: no 2", "A decree: no 3", "A decree: no 4"]
    assert found("q=decree&known_position=4") == []
    assert found("q=an+order&known_position=4") == [
        "An order: no 2",
        "An order: no 3",
        "An order: no 4",
    ]


@pytest.mark.parametrize("named", [100, 0])
def test_a_tag_finds_its_actions_however_many_have_it(
    order: Client, monkeypatch: pytest.MonkeyPatch, named: int
) -> None:
    """Topics and actors are found alike whether their carriers are named or met on the way."""
    monkeypatch.setattr("timeline.projections.timeline_reads.MAX_NAMED", named)
    told(
        order,
        registration("order-2", topics=["Parks"]),
        action("order-2", actors=[{"name": "The Mayor"}], occurred="2024-11-20"),
        action("order-2", occurred="2024-11-21"),
    )

    def found(query: str) -> list[str]:
        items = order.get(f"/v1/timeline?{query}").json()["items"]
        return [item["occurred"]["edtf"] for item in items]

    assert found("topic=parks") == ["2024-11-20", "2024-11-21"]
    assert found("actor=the+mayor") == ["2024-11-20"]
    assert found("topic=parks&actor=the+mayor") == ["2024-11-20"]
    assert found("topic=streets") == found("actor=nobody") == []


@pytest.mark.parametrize("most", [2_000, 0])
def test_a_place_has_the_actions_of_those_within_it(
    order: Client, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Actions within a place are found alike whether they are sorted or met on the way."""
    monkeypatch.setattr("timeline.projections.timeline_reads.MAX_SORTED", most)
    state = "ocd-division/country:us/state:ca"
    told(
        order,
        registration("order-2", jurisdiction=f"{state}/place:oakland"),
        action("order-2", occurred="2024-11-20"),
        registration("order-3", jurisdiction=f"{state}-x"),
        action("order-3", occurred="2024-11-21"),
    )

    def found(query: str) -> list[str]:
        items = order.get(f"/v1/timeline?order=desc&{query}").json()["items"]
        return [item["policy"] for item in items]

    assert found(f"jurisdiction={state}&within=true&limit=2") == ["order-2", "order-1"]
    assert found(f"jurisdiction={state}/place:oakland&within=true") == ["order-2"]
    assert found("jurisdiction=ocd-division/country:us/state:c&within=true") == []
    assert found("jurisdiction=ocd-division/country:us&within=true&limit=1") == ["order-3"]
