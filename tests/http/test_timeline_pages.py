"""Pages of the timeline add up to the whole, where one relation is an item of many policies."""

from collections.abc import Iterator
from typing import Final

import pytest

from http_client import Client, Json, action, registration, running

PLACE: Final = "ocd-division/country:us/state:ca"
NUMBER: Final = {"scheme": "no", "value": "1"}
TARGETS: Final = ("t3", "t0", "t5", "t1", "t4", "t2")
"""Registered in an order that is not that of their names."""

FILTERS: Final = (
    "",
    "action=rescinded",
    "action=amended",
    "policy=t4",
    "around=x",
    f"jurisdiction={PLACE}",
    f"jurisdiction={PLACE}&action=rescinded",
    "jurisdiction=ocd-division/country:us&within=true",
    "instrument=executive_order",
    "topic=parks",
    "actor=mayor",
    "q=order",
    "from=2020-01-01&to=2020-12-31",
    "as_of=2020-06-01",
)


def relation(policy: str, target: Json, **data: Json) -> Json:
    """Return a RelationAsserted to post."""
    needed = {"target": target, "sources": [{"url": "https://news.example/order"}]}
    return {"policy": policy, "type": "RelationAsserted", "data": needed | data}


@pytest.fixture
def shared(database_url: str) -> Iterator[Client]:
    """Run a service with a selector and a citation that each are an item of six policies."""
    mayor = {"actors": [{"name": "Mayor"}]}
    events = [
        *(registration(each, topics=["parks"], identifiers=[NUMBER]) for each in TARGETS),
        *(action(each, occurred="2019-01-01", **mayor) for each in TARGETS),
        registration("x"),
        action("x", occurred="2020-01-01"),
        relation("x", {"selector": {"jurisdiction": PLACE}}, relation="rescinds"),
        relation("x", {"citation": NUMBER}, relation="amends", occurred="2020-01-01"),
    ]
    with running(database_url) as client:
        answer = client.record({"events": events})
        assert answer.status_code == 201, answer.text
        yield client


def paged(client: Client, query: str, limit: int) -> list[Json]:
    """Return the items of all pages."""
    items: list[Json] = []
    cursor = ""
    while True:
        page = client.get(f"/v1/timeline?{query}&limit={limit}{cursor}").json()
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


def test_pages_of_shared_items_add_up_to_the_whole(shared: Client) -> None:
    """At small limits, either way, with and without filters: no item is lost or comes twice."""
    for filter in FILTERS:
        whole = {
            order: shared.get(f"/v1/timeline?{filter}&order={order}&limit=500").json()["items"]
            for order in ("asc", "desc")
        }

        assert whole["asc"] == whole["desc"][::-1] != []
        for order, items in whole.items():
            for limit in (1, 2, 3):
                assert paged(shared, f"{filter}&order={order}", limit) == items, (filter, limit)

    rescinded = shared.get("/v1/timeline?action=rescinded").json()["items"]
    assert [item["policy"] for item in rescinded] == sorted(TARGETS)
    assert len({item["event"] for item in rescinded}) == 1
