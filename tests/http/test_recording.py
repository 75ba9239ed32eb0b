"""`POST /v1/events`: one event, a batch, and what is answered."""

import json
from collections.abc import Iterator

import pytest

from http_client import Client, action, event_id, problem, registration
from timeline.application.access import Role


def test_an_event_is_answered_with_its_place_in_the_record(empty: Client) -> None:
    """201 tells id, policy, version, position, instant and type; Location leads to the event."""
    answer = empty.record({**registration(), "id": event_id(1)}, role=Role.RECORDER)

    assert answer.status_code == 201
    (event,) = answer.json()["events"]
    recorded_at = event.pop("recorded_at")
    assert event == {
        "id": event_id(1),
        "policy": "order-1",
        "version": 1,
        "position": 1,
        "type": "PolicyRegistered",
    }
    assert answer.headers["location"] == f"/v1/events/{event_id(1)}"
    assert answer.headers["timeline-position"] == "1"
    served = empty.get(answer.headers["location"]).json()
    assert served["recorded_at"] == recorded_at
    assert served["recorded_by"] == "recorder"
    assert served["data"] == registration()["data"]


def test_the_server_gives_an_id_where_none_is_sent(empty: Client) -> None:
    """An event without an id gets a UUID of version 7."""
    answer = empty.record(registration())

    assert answer.json()["events"][0]["id"][14] == "7"


def test_a_batch_is_recorded_together(empty: Client) -> None:
    """All events of a batch share its first position; Location is that of its first event."""
    batch = {
        "events": [
            {**registration(), "id": event_id(1), "expected_version": "new"},
            {**action(), "id": event_id(2)},
        ]
    }

    answer = empty.record(batch)

    assert answer.status_code == 201
    assert [event["position"] for event in answer.json()["events"]] == [1, 2]
    assert [event["version"] for event in answer.json()["events"]] == [1, 2]
    assert answer.headers["location"] == f"/v1/events/{event_id(1)}"
    assert answer.headers["timeline-position"] == "2"
    assert {event["batch"] for event in empty.get("/v1/events").json()["items"]} == {1}


def test_nothing_of_a_refused_batch_is_recorded(empty: Client) -> None:
    """A batch with one wrong event is refused whole, and the refusal names that event."""
    refused = empty.record({"events": [registration(), action("order-2")]})

    assert problem(refused) == (409, "policy-not-registered", "events[1].policy")
    assert empty.get("/v1/events").json()["items"] == []


def test_the_same_event_again_is_answered_as_it_was(empty: Client) -> None:
    """A repeated id with equal content answers 200 with the first result, and records nothing."""
    event = {**registration(), "id": event_id(1)}
    first = empty.record(event)

    second = empty.record(event)

    assert second.status_code == 200
    assert second.json() == first.json()
    assert second.headers["timeline-position"] == "1"
    assert len(empty.get("/v1/events").json()["items"]) == 1


def test_an_erased_event_again_is_answered_as_erased(empty: Client) -> None:
    """A retry of an event whose payload was erased since says so."""
    empty.record(registration())
    event = {**action(), "id": event_id(2)}
    empty.record(event)
    erasure = {"event": event_id(2), "authority": "Court", "reason": "names a minor"}
    erased = empty.record({"policy": "order-1", "type": "PayloadErased", "data": erasure})
    assert erased.status_code == 201, erased.text

    again = empty.record(event)

    assert again.status_code == 200
    assert again.json()["events"][0]["erased"] is True
    served = empty.get(f"/v1/events/{event_id(2)}").json()
    assert served["data"] is None
    assert served["erased_by"] == erased.json()["events"][0]["id"]


def test_a_wrong_version_says_which_it_is(empty: Client) -> None:
    """409 wrong-expected-version carries what was expected and what is."""
    empty.record(registration())

    refused = empty.record({**action(), "expected_version": 7})

    assert problem(refused) == (409, "wrong-expected-version", "expected_version")
    document = refused.json()
    assert (document["policy"], document["expected"], document["actual"]) == ("order-1", 7, 1)


def test_a_failed_condition_says_where(empty: Client) -> None:
    """409 condition-failed carries the position that matches."""
    empty.record(registration())
    condition = {"fail_if_match": {"policies": ["order-1"]}, "after": 0}

    refused = empty.record({"events": [action()], "condition": condition})

    assert problem(refused) == (409, "condition-failed", "condition")
    assert refused.json()["position"] == 1
    passed = empty.record({"events": [action()], "condition": {**condition, "after": 1}})
    assert passed.status_code == 201


def test_a_batch_that_is_partly_recorded_names_what_is(empty: Client) -> None:
    """409 partly-known-batch carries the ids that are recorded already."""
    known = {**registration(), "id": event_id(1)}
    empty.record(known)

    refused = empty.record({"events": [known, {**action(), "id": event_id(2)}]})

    assert problem(refused) == (409, "partly-known-batch", "events")
    assert refused.json()["ids"] == [event_id(1)]


def test_an_id_stands_for_one_event(empty: Client) -> None:
    """The same id with other content is refused with 409 id-conflict."""
    empty.record({**registration(), "id": event_id(1)})

    refused = empty.record({**registration(title="Another"), "id": event_id(1)})

    assert problem(refused) == (409, "id-conflict", "id")


def test_a_body_in_chunks_counts_towards_the_limit(refusing: Client) -> None:
    """A body without Content-Length is cut off at the limit, with 413."""

    def parts() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 1_000_000

    refused = refusing.ask(
        "POST",
        "/v1/events",
        role=Role.ADMIN,
        headers={"Content-Type": "application/json"},
        content=parts(),
    )

    assert problem(refused) == (413, "body-too-large", "body")


def test_a_body_that_announces_too_much_is_refused(refusing: Client) -> None:
    """Content-Length beyond the limit is refused with 413, which names the limit."""
    refused = refusing.record(b" " * (8 * 1024 * 1024 + 1))

    assert problem(refused) == (413, "body-too-large", "body")
    assert refused.json()["limit_bytes"] == 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"Content-Type": "text/plain"}, "Content-Type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "Content-Type"),
        ({"Content-Type": "application/json; charset=latin-1"}, "Content-Type"),
        ({"Content-Type": ""}, "Content-Type"),
        ({"Content-Type": "application/json" + " " * 200}, "Content-Type"),
        # An expression that backtracks would take a minute over it.
        ({"Content-Type": "a" + " " * 60_000 + "b"}, "Content-Type"),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, "Content-Encoding"),
    ],
)
def test_only_json_is_read(refusing: Client, headers: dict[str, str], field: str) -> None:
    """A body that is not plain UTF-8 JSON is refused with 415."""
    body = json.dumps(registration()).encode()

    refused = refusing.ask("POST", "/v1/events", role=Role.ADMIN, headers=headers, content=body)

    assert problem(refused) == (415, "unsupported-media-type", field)


def test_json_may_name_its_charset(empty: Client) -> None:
    """`application/json; charset=utf-8` is JSON, however it is written."""
    answer = empty.record(registration(), content_type='Application/JSON; charset="UTF-8"')

    assert answer.status_code == 201


def test_a_post_for_nothing_that_is_accepted_is_refused(refusing: Client) -> None:
    """A client that takes neither JSON nor a problem records nothing."""
    refused = refusing.record(registration(), Accept="text/html")

    assert problem(refused) == (406, "not-acceptable", "Accept")
    assert refusing.get("/v1/events").json()["items"] == []


def test_a_post_takes_no_parameters(refusing: Client) -> None:
    """An unknown parameter of a POST is refused rather than ignored."""
    refused = refusing.ask(
        "POST",
        "/v1/events?dry=true",
        role=Role.ADMIN,
        headers={"Content-Type": "application/json"},
        content=json.dumps(registration()).encode(),
    )

    assert problem(refused) == (400, "invalid-request", "dry")
    assert refusing.get("/v1/events").json()["items"] == []
