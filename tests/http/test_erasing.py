"""Erasing over HTTP: what goes, what stays, and what reads say of it."""

import io
from typing import Any

import msgspec
import pytest

from http_client import NDJSON, Client, Json, action, event_id, registration
from timeline.application.transfer import Importer, Tally
from timeline.importers.opening import Input
from timeline.importers.reading import lines

SECRET = event_id(7)
ERASURE = event_id(8)
AUTHORITY = "Court of Example, 7 K 12/26"


def erasure(event: str, policy: str = "order-1", **data: Json) -> Json:
    """Return a PayloadErased to post."""
    return {
        "id": ERASURE,
        "policy": policy,
        "type": "PayloadErased",
        "data": {"event": event, "authority": AUTHORITY, "reason": "It named a child.", **data},
    }


def sources() -> list[Json]:
    """Return the sources of a replacement."""
    return [{"citation": "Minutes, redacted"}]


@pytest.fixture
def erased(empty: Client) -> Client:
    """Run a service in which an action is erased and replaced."""
    for event in (
        registration(),
        {**action(summary="About Xanthippe Quill"), "id": SECRET},
        erasure(SECRET, replacement={**action()["data"], "sources": sources()}),
    ):
        assert empty.record(event).status_code == 201
    return empty


def expected(client: Client) -> Json:
    """Return what reads say of the erasure."""
    recorded_at = client.get(f"/v1/events/{ERASURE}").json()["recorded_at"]
    return {
        "event": ERASURE,
        "position": 3,
        "recorded_at": recorded_at,
        "recorded_by": "admin",
        "authority": AUTHORITY,
    }


def test_reads_of_the_log_say_who_erased_an_event(erased: Client) -> None:
    """By itself, in a page, and in a stream of lines: who, when, and by what authority."""
    alone = erased.get(f"/v1/events/{SECRET}").json()
    page = erased.get("/v1/events").json()["items"]
    streamed = erased.get("/v1/events", accept=NDJSON).text.splitlines()

    assert (alone["data"], alone["erased_by"]) == (None, ERASURE)
    assert alone["erasure"] == expected(erased)
    assert page[1] == alone == msgspec.json.decode(streamed[1])
    assert ["erasure" in event for event in page] == [False, True, False]


def test_reads_of_the_record_say_so_too(erased: Client) -> None:
    """The timeline, the policy's page and its history: what replaces the data, and who says so."""
    (item,) = erased.get("/v1/timeline").json()["items"]
    policy = erased.get("/v1/policies/order-1").json()
    history = erased.get("/v1/policies/order-1/history").json()

    assert (item["erased"], item["summary"], item["erasure"]) == (True, None, expected(erased))
    assert policy["actions"][0]["erasure"] == expected(erased)
    told = {step["event"]["id"]: step["event"].get("erasure") for step in history["items"]}
    assert told[SECRET] == expected(erased)


def test_relations_say_so_too(empty: Client) -> None:
    """On both policies' pages, and in the graph."""
    relation: dict[str, Any] = {
        "relation": "cites",
        "target": {"policy": "order-2"},
        "sources": sources(),
    }
    for event in (
        registration(),
        registration("order-2"),
        {"id": SECRET, "policy": "order-1", "type": "RelationAsserted", "data": relation},
        erasure(SECRET, replacement=relation),
    ):
        assert empty.record(event).status_code == 201

    outgoing = empty.get("/v1/policies/order-1").json()["relations"]["outgoing"]
    incoming = empty.get("/v1/policies/order-2").json()["relations"]["incoming"]
    edges = empty.get("/v1/graph?policy=order-2").json()["edges"]

    for (each,) in (outgoing, incoming, edges):
        assert (each["erased"], each["erasure"]["event"]) == (True, ERASURE)


def test_what_is_served_of_an_erasure_is_imported_again(erased: Client) -> None:
    """A line that says who erased its event is passed over where that is recorded."""
    served = io.BytesIO(erased.get("/v1/events", accept=NDJSON).content)
    application = erased.application

    with application.relay() as relay:
        tally = Importer(application.store, relay, "import").run(lines(Input("-", served)))

    assert tally == Tally(recorded=0, known=3)
