"""Metrics: what Prometheus reads of a process and of its database."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, text

from http_client import Client, action, event_id, problem, registration, running
from timeline.application.access import Role
from timeline.http.slots import Slots
from timeline.projections import models
from timeline.projections.lease import Lease
from timeline.projections.rebuild import rebuild
from timeline.projections.tables import parked_policies

Labels = frozenset[tuple[str, str]]

REQUESTS = "timeline_http_request_duration_seconds_count"
REFUSED = "timeline_append_refused_total"
MODELS = ("policies", "relations", "timeline")


def scrape(client: Client) -> dict[tuple[str, Labels], float]:
    """Return what is measured, by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: dict[tuple[str, Labels], float], name: str, **labels: str) -> float | None:
    """Return one measured value; None where it is missing."""
    return found.get((name, frozenset(labels.items())))


def requests(client: Client) -> dict[tuple[str, str, str], float]:
    """Return how many requests were answered, by route, method and status."""
    return {
        (dict(labels)["route"], dict(labels)["method"], dict(labels)["status"]): count
        for (name, labels), count in scrape(client).items()
        if name == REQUESTS
    }


def refusals(found: dict[tuple[str, Labels], float]) -> dict[str, float]:
    """Return how many appends were refused, by the reasons that there were."""
    return {
        dict(labels)["reason"]: count
        for (name, labels), count in found.items()
        if name == REFUSED and count
    }


def test_requests_are_counted_by_route_and_not_by_path(empty: Client) -> None:
    """A label has as many values as there are routes, whatever paths and methods clients make up."""
    empty.record(registration())
    for path in ("/v1/policies/order-1", "/v1/policies/order-2", "/made-up", "/made/up/too"):
        empty.get(path)
    empty.ask("BREW", "/v1/policies")
    empty.ask("HEAD", "/v1/policies")

    found = requests(empty)

    assert found == {
        ("/v1/events", "POST", "201"): 1,
        ("/v1/policies/{policy}", "GET", "200"): 1,
        ("/v1/policies/{policy}", "GET", "404"): 1,
        ("other", "GET", "404"): 2,
        ("other", "other", "405"): 1,
        ("/v1/policies", "HEAD", "200"): 1,
    }


def test_answers_that_were_kept_are_counted_by_their_route(empty: Client) -> None:
    """The short way to an answer is counted as the long one is."""
    empty.record(registration())
    for _ in range(5):
        assert empty.get("/v1/policies/order-1").status_code == 200
    assert len(empty.http.app.state.service.answers) == 1

    assert requests(empty)["/v1/policies/{policy}", "GET", "200"] == 5


def test_durations_are_counted_under_each_bound_that_they_do_not_exceed(empty: Client) -> None:
    """Buckets are cumulative, and the last one holds all."""
    empty.get("/health/live")

    found = scrape(empty)

    labels = {"route": "/health/live", "method": "GET", "status": "200"}
    name = "timeline_http_request_duration_seconds"
    bounds = [
        bound
        for (each, of), _ in found.items()
        if each == f"{name}_bucket"
        for key, bound in of
        if key == "le"
    ]
    counts = [
        value(found, f"{name}_bucket", le=bound, **labels) for bound in sorted(bounds, key=float)
    ]
    assert counts == sorted(counts, key=lambda count: count or 0)
    assert counts[-1] == value(found, f"{name}_count", **labels) == 1
    total_s = value(found, f"{name}_sum", **labels)
    assert total_s is not None
    assert 0 < total_s < 10


def test_what_is_recorded_is_counted_by_commits(empty: Client) -> None:
    """The sum of the commits' sizes is what this process recorded; a refusal adds nothing."""
    empty.record({"events": [registration("order-1"), registration("order-2")]})
    empty.record(registration("order-3"))
    empty.record(registration("order-3"))

    found = scrape(empty)

    assert value(found, "timeline_commit_events_count") == 2
    assert value(found, "timeline_commit_events_sum") == 3
    assert value(found, "timeline_commit_events_bucket", le="1.0") == 1
    assert value(found, "timeline_commit_events_bucket", le="2.0") == 2
    assert value(found, "timeline_append_queued") == 0
    assert value(found, "timeline_log_position") == 3


def test_what_is_refused_is_counted_by_its_reason(empty: Client) -> None:
    """Each reason has a series from the start, so that a first refusal shows as a rise."""
    before = scrape(empty)
    first = {**registration("order-1"), "id": "00000000-0000-7000-8000-000000000001"}
    empty.record(first)
    refused = [
        {**registration("order-2"), "id": first["id"]},
        {**registration("order-3"), "expected_version": 7},
        registration("order-1"),
    ]
    for event in refused:
        empty.record(event)
    nobody_new = {"fail_if_match": {"types": ["PolicyRegistered"]}, "after": 0}
    empty.record({"events": [registration("order-4")], "condition": nobody_new})

    found = scrape(empty)

    series = [count for (name, _), count in before.items() if name == REFUSED]
    assert set(series) == {0}
    assert refusals(found) == {"id": 1, "version": 1, "record": 1, "condition": 1}
    assert value(found, "timeline_commit_duration_seconds_count") == 5
    assert (value(found, "timeline_commit_duration_seconds_sum") or 0) > 0


def test_lines_that_are_known_are_not_refused(empty: Client) -> None:
    """Of lines that are sent again the recorded ones are passed over, and one that is refused counts."""
    lines = [
        {**event, "id": event_id(number)}
        for number, event in enumerate([registration(), action(), action(), action("order-2")])
    ]
    empty.stream(lines[:2])
    known, (told, _) = empty.stream(lines[:3]), empty.stream(lines)

    found = scrape(empty)

    assert (known[0]["created"], told["created"]) == (1, 0)
    assert refusals(found) == {"record": 1}


def test_an_outcome_that_is_not_known_is_counted(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is told that it may have been recorded, whatever becomes of it."""
    monkeypatch.setattr("timeline.http.service.APPEND_TIMEOUT_S", 0.2)
    writer: Any = empty.application.writer
    gate = threading.Event()
    record = writer._committer.record  # noqa: SLF001 - a commit that hangs

    def late(appends: Any) -> Any:
        gate.wait(10)
        return record(appends)

    monkeypatch.setattr(writer._committer, "record", late)  # noqa: SLF001 - as above

    answer = empty.record(registration())
    gate.set()

    assert problem(answer)[:2] == (503, "outcome-unknown")
    assert refusals(scrape(empty)) == {"unknown": 1}


def test_the_last_rebuild_is_measured(empty: Client) -> None:
    """Its state is one of all that there are, and nothing is told before there was one."""
    application = empty.http.app.state.service.application
    empty.record(registration())
    before = scrape(empty)
    rebuild(application.engine, application.log, models.MODELS)

    found = scrape(empty)

    states = {
        dict(labels)["state"]: on
        for (name, labels), on in found.items()
        if name == "timeline_rebuild_state"
    }
    assert not any(name.startswith("timeline_rebuild") for name, _ in before)
    assert [state for state, on in states.items() if on] == ["switched"]
    assert len(states) > 5
    assert value(found, "timeline_rebuild_events_done") == 1
    assert value(found, "timeline_rebuild_events_total") == 1
    assert (value(found, "timeline_rebuild_silent_seconds") or 0) < 60


def test_what_is_under_way_is_told_by_its_kind(empty: Client) -> None:
    """A scrape itself takes no slot, so that it is answered when all are taken."""
    service = empty.http.app.state.service
    with (
        service.streams.taken(),
        service.bodies.taken(),
        service.bodies.taken(),
        service.uploads.taken(),
        service.live.slots.taken(),
    ):
        found = scrape(empty)

    assert value(found, "timeline_http_under_way", what="exports") == 1
    assert value(found, "timeline_http_under_way", what="bodies") == 2
    assert value(found, "timeline_http_under_way", what="uploads") == 1
    assert value(found, "timeline_http_under_way", what="requests") == 0
    assert value(found, "timeline_http_under_way", what="live") == 1


def test_read_models_that_follow_have_no_lag(empty: Client) -> None:
    """Once they reflect the head, no event waits."""
    empty.record(registration())
    empty.get("/v1/policies")

    found = scrape(empty)

    for model in MODELS:
        assert value(found, "timeline_projection_position", projection=model) == 1
        assert value(found, "timeline_projection_lag_events", projection=model) == 0
        assert value(found, "timeline_projection_lag_seconds", projection=model) == 0
    assert value(found, "timeline_parked_policies") == 0
    assert value(found, "timeline_database_usable") == 1


def test_read_models_that_stand_still_lag_by_events_and_seconds(empty: Client) -> None:
    """The seconds are those that the first event that was not read has waited."""
    empty.application.follower.stop()
    for number in range(3):
        empty.record(registration(f"order-{number}"))

    first, then = scrape(empty), scrape(empty)

    assert value(then, "timeline_projection_lag_events", projection="policies") == 3
    waited_s = [
        value(each, "timeline_projection_lag_seconds", projection="policies") or 0
        for each in (first, then)
    ]
    assert 0 < waited_s[0] < waited_s[1] < 60


def test_whether_this_process_leads_is_told(empty: Client) -> None:
    """The process that advances the read models says so; one that looks on says no."""
    other = Lease(empty.application.engine, "another process")
    before = value(scrape(empty), "timeline_projection_leading")
    empty.record(registration())
    empty.get("/v1/policies")
    leading = value(scrape(empty), "timeline_projection_leading")

    assert (before, leading) == (0, 1)
    assert not other.hold()


def test_parked_policies_are_counted(empty: Client) -> None:
    """A policy that waits for a repair is something to be told about."""
    with empty.application.engine.begin() as connection:
        connection.execute(
            insert(parked_policies).values(
                policy="order-1",
                hidden_from=1,
                position=1,
                event="00000000-0000-7000-8000-000000000001",
                error="ValueError: no",
                parked_ms=0,
                retry=False,
            )
        )

    assert value(scrape(empty), "timeline_parked_policies") == 1


def test_a_database_that_cannot_be_used_leaves_the_process_to_be_measured(empty: Client) -> None:
    """An alert needs the scrape most when the database is not there."""
    with empty.application.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    found = scrape(empty)

    assert value(found, "timeline_database_usable") == 0
    assert value(found, "timeline_log_position") is None
    assert value(found, "timeline_append_queued") == 0


def test_private_metrics_tell_no_position(private: Client) -> None:
    """A scrape without a token, where reading needs one, does not tell how much there is."""
    private.record(registration())
    private.get("/v1/policies", role=Role.READER)

    found = scrape(private)

    assert value(found, "timeline_projection_lag_events", projection="policies") == 0
    assert not {name for name, _ in found if name.endswith("_position")}


def test_a_scrape_is_never_refused_for_want_of_slots(migrated_sqlite: Path, tmp_path: Path) -> None:
    """Neither the rate limit nor requests at their bound stand in the way of what tells of them."""
    path = tmp_path / "limited.db"
    shutil.copy(migrated_sqlite, path)
    with running(f"sqlite:///{path}", rate_limit=1) as client:
        client.get("/v1/policies")
        refused = client.get("/v1/policies")

        assert problem(refused)[:2] == (429, "too-many-requests")
        assert requests(client) == {
            ("/v1/policies", "GET", "200"): 1,
            ("other", "GET", "429"): 1,
        }


def test_two_services_in_one_process_count_apart(empty: Client, told: Client) -> None:
    """What one application was asked does not show in another's metrics."""
    told.get("/v1/vocabulary")

    assert requests(empty) == {}


@pytest.mark.parametrize("accept", ["image/*", "application/json"])
def test_metrics_are_text_alone(refusing: Client, accept: str) -> None:
    """Who takes no text is told what there is."""
    assert problem(refusing.get("/metrics", Accept=accept))[:2] == (406, "not-acceptable")


def test_slots_say_how_many_are_in_use() -> None:
    """What was given back does not count."""
    slots = Slots(2)
    with slots.taken():
        assert slots.in_use == 1

    assert slots.in_use == 0
