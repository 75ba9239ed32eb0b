"""Reading: representations, validators, freshness, pages and redirects."""

import asyncio
import re
import threading
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from http_client import NDJSON, Client, Json, Ticking, action, event_id, problem, registration
from timeline.application.access import Principal, Role
from timeline.application.errors import NotYetReflected
from timeline.http import service

PRINCIPAL = Principal("admin", Role.ADMIN)

READS = [
    "/v1/events",
    "/v1/events/01a20280-89d7-75c3-ab23-625aeafb27a6",
    "/v1/timeline",
    "/v1/picture",
    "/v1/policies",
    "/v1/jurisdictions",
    "/v1/review",
    "/v1/graph?policy=la-ordinance-188441",
    "/v1/policies/la-ordinance-188441",
    "/v1/policies/la-ordinance-188441/history",
    "/v1/vocabulary",
    "/v1/dates?edtf=2024-11",
]
BROWSER = "text/html,*/*;q=0.8"
PAGES = ["/", "/schema", "/schema/openapi.json", "/problems/invalid-request"]


@pytest.mark.parametrize("target", READS)
def test_a_read_says_which_position_it_reflects(reading: Client, target: str) -> None:
    """Every read carries Timeline-Position."""
    answer = reading.get(target)

    assert answer.status_code == 200
    assert answer.headers["timeline-position"] == "74"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("target", [*READS, *PAGES])
def test_a_representation_that_the_client_has_is_not_sent_again(
    reading: Client, target: str
) -> None:
    """A matching If-None-Match is answered 304 without a body, in each form it may take."""
    answer = reading.get(target)
    tag = answer.headers["etag"]

    assert tag.startswith('"')
    assert "no-cache" in answer.headers["cache-control"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = reading.get(target, If_None_Match=header)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert reading.get(target, If_None_Match='"other"').content == answer.content


@pytest.mark.parametrize("target", [*READS, *PAGES, "/health/live", "/health/ready"])
def test_head_is_get_without_its_body(reading: Client, target: str) -> None:
    """HEAD answers with the same headers as GET, and with nothing else."""
    get = reading.get(target)

    head = reading.ask("HEAD", target)

    assert head.status_code == 200
    assert head.content == b""
    for name in ("etag", "content-length", "content-type", "timeline-position"):
        assert head.headers.get(name) == get.headers.get(name)


def record(client: Client) -> None:
    """Record an event past HTTP."""
    recorder = client.application.recorder
    recorder.append(recorder.read(BODY, PRINCIPAL))


def test_another_position_is_another_representation(told: Client) -> None:
    """An append changes the ETag of a listing, whose position it moves."""
    before = told.get("/v1/policies").headers["etag"]

    told.record(registration())

    assert told.get("/v1/policies", If_None_Match=before).status_code == 200


def test_a_read_reflects_what_this_process_acknowledged(empty: Client) -> None:
    """Whatever was answered with 201 is in the very next read."""
    empty.record(registration())
    for number in range(20):
        answer = empty.record(action(summary=f"number {number}"))

        found = empty.get("/v1/timeline?limit=500")

        assert len(found.json()["items"]) == number + 1
        assert found.headers["timeline-position"] == answer.headers["timeline-position"]


def test_a_read_does_not_wait_by_itself_for_what_is_far_ahead(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large import keeps no reader waiting who did not ask for its position; a small one does."""
    monkeypatch.setattr(service, "REFLECT_TIMEOUT_S", 0.1)
    empty.record(registration())
    assert empty.get("/v1/timeline").headers["timeline-position"] == "1"
    serving = service.Service(empty.application)
    request: Any = SimpleNamespace(scope={"type": "http", "headers": []})

    serving.acknowledge(1 + service.MAX_AHEAD + 1)
    asyncio.run(serving.until_reflected(request))
    serving.acknowledge(1 + service.MAX_AHEAD)

    with pytest.raises(NotYetReflected):
        asyncio.run(serving.until_reflected(request))


def test_a_read_waits_for_the_position_it_asks_for(empty: Client) -> None:
    """Timeline-Min-Position holds an answer back until another append has been reflected."""
    empty.record(registration())
    later = threading.Timer(0.2, lambda: record(empty))
    later.start()
    started = time.monotonic()

    answer = empty.get("/v1/timeline", Timeline_Min_Position="2")

    later.join()
    assert answer.json()["items"][0]["position"] == 2
    assert time.monotonic() - started >= 0.15


def test_a_read_of_the_log_waits_as_well(empty: Client) -> None:
    """Timeline-Min-Position holds for the log itself, streams included."""
    empty.record(registration())
    for accept in ("application/json", NDJSON):
        position = int(empty.get("/v1/events").headers["timeline-position"])
        later = threading.Timer(0.1, lambda: record(empty))
        later.start()

        answer = empty.get("/v1/events", Accept=accept, Timeline_Min_Position=str(position + 1))

        later.join()
        assert answer.headers["timeline-position"] == str(position + 1)


@pytest.mark.parametrize("target", ["/v1/timeline", "/v1/events"])
def test_a_position_that_does_not_come_is_given_up(
    refusing: Client, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A position beyond the head is answered 503 with Retry-After once the wait is over."""
    monkeypatch.setattr("timeline.http.service.REFLECT_TIMEOUT_S", 0.1)

    refused = refusing.get(target, Timeline_Min_Position="7")

    assert problem(refused) == (503, "not-yet-reflected", "Timeline-Min-Position")
    assert refused.headers["retry-after"] == "1"
    assert (refused.json()["position"], refused.json()["wanted"]) == (0, 7)


@pytest.mark.parametrize("value", ["", "-1", "one", "1.0", "9" * 17, str(2**53)])
def test_a_malformed_position_is_refused(refusing: Client, value: str) -> None:
    """Timeline-Min-Position takes positions alone."""
    refused = refusing.get("/v1/timeline", Timeline_Min_Position=value)

    assert problem(refused) == (400, "invalid-request", "Timeline-Min-Position")


def test_waiting_reads_do_not_hold_up_others(empty: Client) -> None:
    """More waiting reads than there are threads leave room for one that need not wait."""
    answers: list[httpx.Response] = []

    def wait() -> None:
        answers.append(empty.get("/v1/timeline", Timeline_Min_Position="1"))

    waiting = [threading.Thread(target=wait) for _ in range(20)]
    for thread in waiting:
        thread.start()
    time.sleep(0.1)
    started = time.monotonic()

    assert empty.get("/v1/policies").status_code == 200

    assert time.monotonic() - started < 1
    empty.record(registration())
    for thread in waiting:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 20


COLLECTIONS = [
    "/v1/events",
    "/v1/events?policy=la-ordinance-188441",
    "/v1/timeline",
    "/v1/timeline?order=desc&around=la-ordinance-188441&depth=2",
    "/v1/policies",
    "/v1/policies?as_of=2024-12-05&known_position=60",
    "/v1/jurisdictions",
    "/v1/review",
    "/v1/policies/la-ordinance-188441/history",
]


def walk(client: Client, target: str) -> list[Json]:
    """Return all items of a listing by following its links, page by page."""
    items: list[Json] = []
    following: str | None = target
    while following is not None:
        page = client.get(following)
        assert page.status_code == 200, page.text
        items.extend(page.json()["items"])
        link = page.links.get("next", {}).get("url")
        assert (link is None) == (page.json()["next"] is None)
        assert link is None or not urlsplit(link).netloc
        following = link
    return items


@pytest.mark.parametrize("target", COLLECTIONS)
@pytest.mark.parametrize("limit", [1, 3])
def test_pages_add_up_to_the_whole(reading: Client, target: str, limit: int) -> None:
    """Following the links page by page gives what one page of 500 gives."""
    join = "&" if "?" in target else "?"
    whole = reading.get(f"{target}{join}limit=500").json()

    assert whole["next"] is None
    assert walk(reading, f"{target}{join}limit={limit}") == whole["items"]


@pytest.mark.parametrize("target", ["/v1/timeline", "/v1/policies"])
def test_a_listing_stays_as_it_was_while_it_is_read(
    told: Client, target: str, ticking: Ticking
) -> None:
    """A cursor pins both clocks: what is recorded between pages does not show."""
    whole = told.get(f"{target}?limit=500").json()
    first = told.get(f"{target}?limit=2")
    told.record({"events": [registration("aaa"), action("aaa", occurred="1900")]})
    ticking.advance(days=400)

    rest = walk(told, first.links["next"]["url"])

    assert first.json()["items"] + rest == whole["items"]
    second = told.get(first.links["next"]["url"]).json()
    assert {name: second[name] for name in ("position", "as_of", "known_at")} == {
        name: whole[name] for name in ("position", "as_of", "known_at")
    }


def test_the_rest_of_the_log_is_streamed(reading: Client) -> None:
    """NDJSON holds every event after a position once, filters included, up to the head."""
    everything = reading.get("/v1/events?limit=500").json()["items"]

    streamed = reading.get("/v1/events?after=10", Accept=NDJSON)
    filtered = reading.get("/v1/events?type=PolicyRegistered", Accept=NDJSON)

    assert streamed.headers["content-type"] == NDJSON
    assert streamed.headers["timeline-position"] == "74"
    assert streamed.headers["vary"] == "Accept"
    assert [line["position"] for line in lines_of(streamed)] == list(range(11, 75))
    assert lines_of(streamed) == everything[10:]
    assert lines_of(filtered) == [e for e in everything if e["type"] == "PolicyRegistered"]
    again = reading.get(
        "/v1/events?after=10", Accept=NDJSON, If_None_Match=streamed.headers["etag"]
    )
    assert again.status_code == 304
    head = reading.ask("HEAD", "/v1/events", headers={"Accept": NDJSON})
    assert (head.status_code, head.content) == (200, b"")


def lines_of(answer: httpx.Response) -> list[Json]:
    """Return a stream's documents."""
    return [httpx.Response(200, text=line).json() for line in answer.text.splitlines()]


@pytest.mark.parametrize("accept", ["application/json", NDJSON, "text/event-stream"])
def test_a_position_beyond_the_log_is_of_another_log(told: Client, accept: str) -> None:
    """Nothing is confirmed up to there: what is recorded here before it would be skipped."""
    head = int(told.get("/v1/events?limit=1").headers["timeline-position"])

    beyond = told.get(f"/v1/events?after={head + 1}", Accept=accept)

    assert beyond.status_code == 400
    assert beyond.json()["errors"] == [
        {"field": "after", "message": f"The log ends at position {head}"}
    ]


def test_a_reader_that_comes_back_to_another_log_is_told(told: Client) -> None:
    """As after a restore to an older copy."""
    refused = told.get("/v1/events", Accept="text/event-stream", Last_Event_ID="999999")

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "Last-Event-ID"


@pytest.mark.parametrize("name", ["limit", "cursor"])
def test_a_stream_has_no_pages(reading: Client, name: str) -> None:
    """`limit` and `cursor` are refused where everything is streamed."""
    refused = reading.get(f"/v1/events?{name}=1", Accept=NDJSON)

    assert problem(refused) == (400, "invalid-request", name)


def test_a_merged_policy_leads_to_its_survivor(empty: Client) -> None:
    """307 keeps the query; what is around the duplicate is what is around the survivor."""
    empty.record({"events": [registration("a"), registration("b"), action("b")]})
    data = {"duplicate": "a", "reason": "one order"}
    empty.record({"policy": "b", "type": "PoliciesMerged", "data": data})

    moved = empty.get("/v1/policies/a?as_of=2024-12-01")
    around = empty.get("/v1/timeline?around=a&limit=5")

    assert moved.status_code == 307
    assert moved.headers["location"] == "/v1/policies/b?as_of=2024-12-01"
    assert moved.json()["survivor"] == "b"
    assert empty.get(moved.headers["location"]).json()["policy"] == "b"
    assert around.headers["location"] == "/v1/timeline?around=b&limit=5"
    assert empty.get(around.headers["location"]).status_code == 200
    assert empty.get("/v1/policies/a?known_position=3").json()["policy"] == "a"
    assert empty.get("/v1/policies/a/history").status_code == 200


def test_a_retracted_policy_is_gone(empty: Client) -> None:
    """410 names the retraction; earlier positions and the history still show the policy."""
    empty.record({"events": [{**registration(), "id": event_id(1)}, action()]})
    data = {"event": event_id(1), "reason": "in error"}
    answer = empty.record({"policy": "order-1", "type": "EventRetracted", "data": data})

    gone = empty.get("/v1/policies/order-1")

    assert problem(gone) == (410, "policy-gone", "policy")
    assert gone.json()["event"] == answer.json()["events"][0]["id"]
    assert empty.get("/v1/policies/order-1?known_position=2").status_code == 200
    assert len(empty.get("/v1/policies/order-1/history").json()["items"]) == 3


def test_stored_data_is_served_as_it_was_recorded(empty: Client) -> None:
    """An event's data comes back with its own words, escapes and all."""
    title = "Ordinance “B”, \\ / \u2028 and 🏛"
    empty.record(registration(title=title))

    assert empty.get("/v1/events").json()["items"][0]["data"]["title"] == title


def test_private_reading_needs_any_role(private: Client) -> None:
    """Where public reading is off, every read needs a token; health does not."""
    for target in READS:
        assert private.get(target).status_code == 401
        assert private.get(target, role=Role.READER).status_code in {200, 404}
    assert private.get("/v1/events", Accept=NDJSON).status_code == 401
    assert private.get("/health/live").status_code == 200
    assert private.get("/health/ready").status_code == 200
    assert private.get("/metrics").status_code == 200
    assert private.get("/schema/openapi.json").status_code == 200


def test_private_reading_waits_for_no_writer(
    private: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader's token is looked up in a thread for reading: appends may hold all the others."""
    service = private.http.app.state.service
    monkeypatch.setattr(service.writes, "run", None)

    assert private.get("/v1/policies", role=Role.READER).status_code == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/", 200),
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/nothing", 404),
        ("/v1/nothing", 404),
        ("/problems/nothing", 404),
        ("/v1/policies/nothing", 401),
        ("/v1/events/nothing", 401),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", BROWSER])
def test_private_reading_tells_no_position_without_a_token(
    private: Client, target: str, status: int, accept: str
) -> None:
    """How much is recorded is part of the record, in bodies and in headers."""
    assert private.record(registration()).status_code == 201
    assert private.get("/v1/policies", role=Role.READER).json()["position"] == 1

    answer = private.get(target, Accept=accept)

    # A browser that asks where to begin is asked who it is, since a picture of the record is there.
    assert answer.status_code == (401 if (target, accept) == ("/", BROWSER) else status)
    assert "timeline-position" not in answer.headers
    if answer.headers["content-type"].endswith("json"):
        assert not {"position", "reflected"} & set(answer.json())
    assert not re.search("position [0-9]", answer.text)


def test_read_models_that_lag_tell_no_position_without_a_token(
    private: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe learns that the service is not ready, not how much it holds."""
    monkeypatch.setattr("timeline.http.health.READY_TIMEOUT_S", 0.05)
    private.application.follower.stop()
    private.record(registration())

    refused = private.get("/health/ready")

    assert refused.status_code == 503
    assert not {"position", "reflected"} & set(refused.json())
    assert not re.search("[0-9]", refused.json()["detail"])


BODY = b"""{"policy": "order-1", "type": "ActionRecorded", "data": {"action": "issued",
 "occurred": "2024-11-19", "sources": [{"citation": "a letter"}]}}"""


def uncertain(axis: str) -> list[Json]:
    """Return what leaves an axis of order-1 unknown on a day of 2024."""
    return {
        "stage": [action(action="issued", occurred="2024")],
        "force": [action(action="issued", occurred="2024")],
        "litigation": [
            action(action="issued", occurred="2020-01-01"),
            action(action="challenged", occurred="2024", by={"citation": "a lawsuit"}),
        ],
    }[axis]


@pytest.mark.parametrize("axis", ["stage", "force", "litigation"])
def test_what_is_unknown_on_a_day_is_found_as_unknown(empty: Client, axis: str) -> None:
    """Within an uncertain boundary an axis is found by `unknown` and by each possible value."""
    empty.record({"events": [registration(), *uncertain(axis)]})

    def found(value: str, day: str) -> list[str]:
        page = empty.get(f"/v1/policies?{axis}={value}&as_of={day}")
        return [item[axis] for item in page.json()["items"]]

    (item,) = empty.get("/v1/policies?as_of=2024-06-01").json()["items"]
    possible = [value for value in item["possible"][axis] if value is not None]
    assert item[axis] == "unknown"
    assert possible
    for value in ("unknown", *possible):
        assert found(value, "2024-06-01") == ["unknown"]
    assert found("unknown", "2025-01-01") == []


def test_a_policys_page_marks_what_is_later_than_its_date(empty: Client) -> None:
    """Later actions and relations are shown and marked; the timeline hides the actions."""
    empty.record(registration())
    empty.record(registration("order-2"))
    for occurred in ("2024-01-01", "2024", "2024-06-01", "2024-06-02", "2025"):
        empty.record(action(occurred=occurred))
    for dates in ({"occurred": "2024-06-01", "effective": "2024-07-01"}, {"occurred": "2024"}, {}):
        empty.record(
            {
                "policy": "order-1",
                "type": "RelationAsserted",
                "data": {"relation": "cites", "target": {"policy": "order-2"}, **dates}
                | {"sources": [{"citation": "The order"}]},
            }
        )

    page = empty.get("/v1/policies/order-1?as_of=2024-06-01").json()
    shown = empty.get("/v1/timeline?policy=order-1&as_of=2024-06-01").json()["items"]
    other = empty.get("/v1/policies/order-2?as_of=2024-07-01").json()
    now = empty.get("/v1/policies/order-1").json()

    later = {item["occurred"]["edtf"]: item["later"] for item in page["actions"]}
    assert later == {
        "2024-01-01": False,
        "2024": False,
        "2024-06-01": False,
        "2024-06-02": True,
        "2025": True,
    }
    assert [item["occurred"]["edtf"] for item in shown] == [day for day in later if not later[day]]
    assert [each["later"] for each in page["relations"]["outgoing"]] == [True, False, False]
    assert [each["later"] for each in other["relations"]["incoming"]] == [False, False, False]
    assert not any(item["later"] for item in now["actions"])


def test_what_a_relation_does_lists_its_target(empty: Client) -> None:
    """From its day on, ahead of the target's own first action: the timeline tells of it, too."""
    source = {"url": "https://news.example/order"}
    repeals = {"relation": "repeals", "target": {"policy": "b"}, "sources": [source]}
    empty.record({"events": [registration("a"), action("a", occurred="2020-01-01")]})
    empty.record({"events": [registration("b"), action("b", occurred="2020-06-01")]})
    empty.record({"policy": "a", "type": "RelationAsserted", "data": repeals})

    found = {
        day: (
            [each["policy"] for each in empty.get(f"/v1/policies?as_of={day}").json()["items"]],
            empty.get(f"/v1/timeline?policy=b&as_of={day}").json()["items"],
        )
        for day in ("2019-12-31", "2020-01-01")
    }

    assert found["2019-12-31"] == ([], [])
    listed, acted = found["2020-01-01"]
    assert (listed, [each["action"] for each in acted]) == (["a", "b"], ["repealed"])


def test_what_ends_an_effect_is_told_in_words(empty: Client) -> None:
    """On the timeline and on the policy's page, as corrected; null where nothing is said of it."""
    words = "until the emergency is over"
    told = {**action(until="2024-12-31", until_condition=words), "id": event_id(2)}
    empty.record({"events": [registration(), told, action(action="amended")]})

    def shown() -> list[list[str | None]]:
        timeline = empty.get("/v1/timeline").json()["items"]
        page = empty.get("/v1/policies/order-1").json()["actions"]
        return [[each["until_condition"] for each in items] for items in (timeline, page)]

    before = shown()
    for changed in ("until the court decides", None):
        changes = {"until_condition": changed}
        data = {"event": event_id(2), "changes": changes, "reason": "misread"}
        empty.record({"policy": "order-1", "type": "ActionCorrected", "data": data})
        assert shown() == [[None, changed]] * 2

    assert before == [[None, words]] * 2
