"""`dry_run`: what an append would make of the policies, and that nothing is recorded."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from http_client import NDJSON, Client, Json, action, event_id, problem, registration, running
from random_draws import random_events
from timeline.application.access import Role
from timeline.application.trial import MAX_SHOWN
from timeline.projections import foresight

DAY = "2021-03-15"
SOURCES = [{"url": "https://news.example/order"}]


@pytest.fixture
def client(database_url: str) -> Iterator[Client]:
    """Run a service on each database."""
    with running(database_url) as client:
        yield client


def attempt(
    client: Client, document: Json, *, role: Role = Role.ADMIN, as_of: str = DAY
) -> httpx.Response:
    """Try an append."""
    content = httpx.Request("POST", "http://timeline", json=document).content
    return client.ask(
        "POST",
        f"/v1/events?dry_run=true&as_of={as_of}",
        role=role,
        headers={"Content-Type": "application/json"},
        content=content,
    )


def tried(client: Client, document: Json) -> dict[str, Any]:
    """Return what an append would do."""
    answer = attempt(client, document)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def latest(client: Client, policy: str) -> dict[str, Any] | None:
    """Return a policy's state after its last step, as its replay has it."""
    answer = client.get(f"/v1/policies/{policy}/history?as_of={DAY}&limit=500")
    if answer.status_code == 404:
        return None
    state: dict[str, Any] = answer.json()["items"][-1]["state"]
    return state


def page(client: Client, policy: str) -> dict[str, Any] | None:
    """Return a policy's own page, None where it has none."""
    answer = client.get(f"/v1/policies/{policy}?as_of={DAY}")
    return answer.json() if answer.status_code == 200 else None


def chunks(events: list[Json], size: int) -> Iterator[list[Json]]:
    """Yield events in batches."""
    for start in range(0, len(events), size):
        yield events[start : start + size]


@pytest.mark.parametrize(
    ("database_kind", "seed", "size"),
    [("sqlite", 1, 1), ("sqlite", 3, 2), ("sqlite", 5, 9), ("postgresql", 3, 2)],
)
def test_what_is_foreseen_is_what_comes(client: Client, seed: int, size: int) -> None:
    """For each append of a random record, after is what is served once it is recorded."""
    erasing = 0
    for batch in chunks(random_events(seed, 40 if size == 1 else 60), size):
        before = {policy: latest(client, policy) for policy in _all(client)}
        foreseen = tried(client, {"events": batch})
        answer = client.record({"events": batch})
        assert answer.status_code == 201, answer.text
        recorded = answer.json()["events"]

        assert foreseen["position"] == recorded[0]["position"] - 1
        assert foreseen["events"] == [
            {name: event[name] for name in ("id", "policy", "version", "type")}
            for event in recorded
        ]
        shown = {item["policy"]: item for item in foreseen["policies"]}
        for policy, item in shown.items():
            assert item["before"] == before.get(policy)
            assert item["after"] == latest(client, policy)
            served = page(client, policy)
            hidden = item["after"]["retracted_by"] or item["after"]["merged_into"]
            assert (served is None) is bool(hidden)
            for name in item["after"].keys() - {"decided_by", "retracted_by", "merged_into"}:
                assert served is None or served[name] == item["after"][name]
        learned = client.get(
            f"/v1/changes?from={foreseen['position']}&as_of={DAY}&limit=500"
        ).json()["items"]
        if any(event["type"] == "PayloadErased" for event in batch):
            erasing += 1
            assert {event["policy"] for event in batch} <= shown.keys()
            for policy, state in before.items():
                assert policy in shown or latest(client, policy) == state
        elif size == 1:
            assert [
                {name: change[name] for name in ("policy", "title", "before", "after", "changed")}
                for change in sorted(learned, key=lambda change: str(change["policy"]))
            ] == [shown[policy] for policy in sorted(shown)]
        else:
            assert shown.keys() <= {change["policy"] for change in learned}
            for change in learned:
                assert change["policy"] in shown or change["changed"] == {}
    assert erasing


def _all(client: Client) -> list[str]:
    """Return all policies that were ever registered."""
    events = client.get("/v1/events?type=PolicyRegistered&limit=500").json()["items"]
    return [event["policy"] for event in events]


def story(client: Client) -> None:
    """Record an order that is in force, and another that is not issued yet."""
    batch = [registration("order-1"), action("order-1"), registration("order-2")]
    assert client.record({"events": batch}).status_code == 201


RESCINDING: list[Json] = [
    {"id": event_id(4), **action("order-2", occurred="2025-01-10")},
    {
        "id": event_id(5),
        "policy": "order-2",
        "type": "RelationAsserted",
        "data": {
            "relation": "rescinds",
            "target": {"selector": {"instrument": "executive_order"}},
            "sources": SOURCES,
        },
    },
]


def test_whoever_would_change_is_shown(client: Client) -> None:
    """The policies of the events come first, then those that their relations act on."""
    story(client)

    answer = attempt(client, {"events": RESCINDING}, as_of="2025-02-01")

    assert answer.status_code == 200
    assert answer.headers["timeline-position"] == "3"
    document = answer.json()
    own, other = document.pop("policies")
    assert document == {
        "dry_run": True,
        "known": False,
        "position": 3,
        "as_of": "2025-02-01",
        "events": [
            {"id": event_id(4), "policy": "order-2", "version": 2, "type": "ActionRecorded"},
            {"id": event_id(5), "policy": "order-2", "version": 3, "type": "RelationAsserted"},
        ],
        "truncated": [],
    }
    assert (own["policy"], own["changed"]["stage"]) == ("order-2", [None, "issued"])
    assert (other["policy"], other["title"]) == ("order-1", "An order")
    assert other["changed"] == {
        "force": ["in_force", "no_longer_in_force"],
        "force_reason": [None, "rescinded"],
        "in_force": ["yes", "no"],
    }
    assert event_id(5) in other["after"]["decided_by"]["force"]


def test_nothing_is_recorded(client: Client) -> None:
    """The head stays where it is, no id is taken, and the log and the read models are as before."""
    story(client)
    targets = ("/v1/events", f"/v1/policies?as_of={DAY}", "/v1/changes?from=0")
    before = [client.get(target).json() for target in targets]

    assert tried(client, {"events": RESCINDING})["policies"]

    assert client.application.store.head().position == 3
    assert [client.get(target).json() for target in targets] == before
    assert client.get(f"/v1/events/{event_id(4)}").status_code == 404
    assert client.record({"events": RESCINDING}).status_code == 201


def test_what_is_recorded_already_is_answered_as_the_retry_is(client: Client) -> None:
    """Its events stand where they do, and nothing would change."""
    story(client)
    first = client.record({"events": RESCINDING}).json()

    again = tried(client, {"events": RESCINDING})

    assert again["known"] is True
    assert again["events"] == first["events"]
    assert (again["policies"], again["truncated"]) == ([], [])
    altered = [{**RESCINDING[0], "data": {**RESCINDING[0]["data"], "occurred": "2024"}}]
    assert problem(attempt(client, {"events": altered}))[:2] == (409, "id-conflict")


def test_an_event_without_an_id_is_shown_with_one(client: Client) -> None:
    """It may be sent with that, and is then what was tried."""
    foreseen = tried(client, registration("order-1"))
    (event,) = foreseen["events"]
    (policy,) = foreseen["policies"]

    answer = client.record({"id": event["id"], **registration("order-1")})

    assert answer.status_code == 201
    assert (policy["before"], policy["after"]) == (None, latest(client, "order-1"))


REFUSED: list[tuple[Role, Json]] = [
    (Role.RECORDER, action("nobody")),
    (Role.RECORDER, registration("order-1")),
    (Role.RECORDER, {**action("order-1"), "expected_version": 7}),
    (Role.RECORDER, {**registration("order-3"), "expected_version": 1}),
    (Role.RECORDER, registration("order-3", instrument="memo")),
    (Role.RECORDER, {"policy": "order-1", "type": "EventRetracted", "data": {}}),
    (Role.READER, action("order-1")),
    (Role.RECORDER, {"events": []}),
    (Role.RECORDER, {"events": [action("order-1")] * 1_001}),
    (Role.RECORDER, {"events": [action("order-1"), action("nobody")]}),
    (Role.RECORDER, {"events": [{"id": event_id(9), **action("order-1")}] * 2}),
    (
        Role.RECORDER,
        {
            "events": [action("order-1")],
            "condition": {"fail_if_match": {"policies": ["order-2"]}, "after": 2},
        },
    ),
]


@pytest.mark.parametrize(("role", "document"), REFUSED)
def test_what_is_refused_is_refused_in_the_same_words(
    client: Client, role: Role, document: Json
) -> None:
    """Roles, forms, versions, conditions, ids and rules hold as they do for recording."""
    story(client)

    foreseen = attempt(client, document, role=role)
    real = client.record(document, role=role)

    assert problem(foreseen) == problem(real)
    assert {**foreseen.json(), "request_id": ""} == {**real.json(), "request_id": ""}


@pytest.mark.parametrize(
    ("query", "media", "field"),
    [
        ("dry_run=true", NDJSON, "dry_run"),
        ("dry_run=maybe", "application/json", "dry_run"),
        ("as_of=2025-01-01", "application/json", "as_of"),
        ("dry_run=false&as_of=2025-01-01", "application/json", "as_of"),
        ("dry_run=true&as_of=yesterday", "application/json", "as_of"),
        ("dry_run=true&known_at=2026-11-22T10:00:00Z", "application/json", "known_at"),
    ],
)
def test_what_cannot_be_tried_is_refused(
    refusing: Client, query: str, media: str, field: str
) -> None:
    """Lines are not tried, and a date goes with a trial alone."""
    answer = refusing.ask(
        "POST",
        f"/v1/events?{query}",
        role=Role.ADMIN,
        headers={"Content-Type": media},
        content=b"{}",
    )

    assert problem(answer) == (400, "invalid-request", field)


def test_a_trial_needs_a_token(refusing: Client) -> None:
    """It tells nothing that reading does not, yet it costs as much as recording."""
    answer = refusing.ask("POST", "/v1/events?dry_run=true", content=b"{}")

    assert problem(answer)[:2] == (401, "token-missing")


def test_today_is_the_date_where_none_is_given(told: Client) -> None:
    """As it is for reading."""
    body = httpx.Request("POST", "http://timeline", json=registration("order-1")).content
    headers = {"Content-Type": "application/json"}
    answer = told.ask(
        "POST", "/v1/events?dry_run=true", role=Role.ADMIN, headers=headers, content=body
    )

    assert answer.json()["as_of"] == "2026-11-22"


def test_at_most_so_many_policies_are_shown(empty: Client) -> None:
    """A batch about more of them says that its answer is cut; the events are all there."""
    batch = [registration(f"order-{number}") for number in range(MAX_SHOWN + 1)]

    cut = tried(empty, {"events": batch})
    whole = tried(empty, {"events": batch[1:]})

    assert [item["policy"] for item in cut["policies"]] == [
        each["policy"] for each in batch[:MAX_SHOWN]
    ]
    assert (len(cut["events"]), cut["truncated"]) == (MAX_SHOWN + 1, ["policies"])
    assert (len(whole["policies"]), whole["truncated"]) == (MAX_SHOWN, [])


def test_at_most_so_many_policies_are_looked_at(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where events may reach more, the answer says so, and what it shows is right."""
    story(client)
    client.record({"events": [registration("order-3"), action("order-3")]})
    monkeypatch.setattr(foresight, "MAX_SPREAD", 1)

    foreseen = tried(client, {"events": RESCINDING})

    assert foreseen["truncated"] == ["policies"]
    assert len(foreseen["policies"]) == 2
    client.record({"events": RESCINDING})
    for item in foreseen["policies"]:
        assert item["after"] == latest(client, item["policy"])
