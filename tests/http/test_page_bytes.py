"""Pages are bounded in bytes: a page ends early, and its cursor goes on as if it had not."""

import pytest

from http_client import Client, Json, action, event_id, registration
from timeline.application import paging

LISTINGS = [
    "/v1/events?limit=500",
    "/v1/timeline?limit=500",
    "/v1/timeline?limit=500&order=desc",
    "/v1/policies?limit=500",
    "/v1/policies/order-1/history?limit=500",
    "/v1/jurisdictions?limit=500",
    "/v1/changes?from=0&limit=500",
    "/v1/review?limit=500",
]


@pytest.fixture
def several(empty: Client) -> Client:
    """Give a service that knows four policies in as many places, with what is to be looked at."""
    events: list[Json] = []
    for number in range(1, 5):
        policy, place = f"order-{number}", f"ocd-division/country:us/state:c{number}"
        events += [
            {**registration(policy, jurisdiction=place), "id": event_id(10 * number)},
            {**action(policy), "id": event_id(10 * number + 1)},
            action(policy, action="confirmed", occurred="2024-11-20"),
        ]
    claim = {"field": "occurred", "value": "2019"}
    source = {"url": "https://news.example/order"}
    events += [
        {
            "policy": f"order-{number}",
            "type": "SourceAttached",
            "data": {
                "event": event_id(10 * number + 1),
                "source": source,
                "stance": "disputes",
                "claim": claim,
            },
        }
        for number in range(1, 5)
    ]
    answer = empty.record({"events": events})
    assert answer.status_code == 201, answer.text
    return empty


@pytest.mark.parametrize("target", LISTINGS)
def test_pages_that_end_early_hold_what_one_would(
    several: Client, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """However few bytes a page may have, going on by its cursor and by its link gives every item."""
    whole = several.get(target).json()
    monkeypatch.setattr(paging, "PAGE_BYTES", 500)

    # Spelt otherwise: what was answered before is kept.
    page = several.get(target.replace("500", "499"))
    items, pages = page.json()["items"], 1
    while page.json()["next"] is not None:
        page = several.get(page.links["next"]["url"])
        items += page.json()["items"]
        pages += 1
        assert pages <= len(whole["items"])

    assert whole["next"] is None
    assert items == whole["items"]
    assert pages > 1
