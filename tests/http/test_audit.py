"""The replay over HTTP: what it compares, and how much of it is done for a request."""

import threading

import pytest

from builders import erased
from http_client import Client, Json, action, event_id, problem, registration
from timeline.application.replay import replay
from timeline.eventstore.model import Append
from timeline.eventstore.published import Checkpointed, Digests
from timeline.http import audit
from timeline.projections.models import MODELS
from timeline.projections.runner import Runner


def test_read_models_that_are_sound_agree(reading: Client) -> None:
    """At the newest position where none is asked for, and at any before."""
    newest = reading.get("/v1/audit/replay")
    before = reading.get("/v1/audit/replay?position=40")

    assert newest.headers["timeline-position"] == "74"
    for answer, position in ((newest, 74), (before, 40)):
        found = answer.json()
        assert (answer.status_code, found["position"], found["identical"]) == (200, position, True)
        assert [each["name"] for each in found["projections"]] == [model.name for model in MODELS]
        assert all(each["live"] == each["replayed"] for each in found["projections"])
        assert (found["last_erasure"], found["recorded"], found["days"]) == (None, None, [])


def test_recorded_digests_are_shown_and_compared(told: Client) -> None:
    """Those of the position asked about, and the last days that have some."""
    published = told.application.published
    checkpoint = Checkpointed(size=40, note=b"note", signed_at="2026-11-22T10:00:00.000000Z")
    published.publish(checkpoint, [], {})
    now = told.get("/v1/audit/replay?position=40").json()
    models = {each["name"]: each["live"] for each in now["projections"]}
    day: Json = {"day": "2026-11-22", "size": 40, "last_erasure": None, "schema": "x"}
    published.record_digests(Digests(**day, models=models))

    found = told.get("/v1/audit/replay?position=40").json()

    assert found["recorded"] == {**day, "models": models, "difference": None}
    assert found["days"] == [{**day, "models": models}]


def test_a_position_that_the_record_has_not_is_refused(reading: Client) -> None:
    """The parameter is named."""
    assert problem(reading.get("/v1/audit/replay?position=75")) == (
        400,
        "invalid-request",
        "position",
    )


def test_a_long_replay_is_left_to_the_command(
    reading: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond so many events it is refused at once, beyond so much time as it is."""
    monkeypatch.setattr(audit, "MAX_REPLAY_EVENTS", 39)
    refused = reading.get("/v1/audit/replay?position=40")
    monkeypatch.setattr(audit, "REPLAY_TIMEOUT_S", 0.0)
    late = reading.get("/v1/audit/replay?position=39")

    for answer in (refused, late):
        assert problem(answer) == (422, "replay-too-long", "position")
    explained = reading.get("/problems/replay-too-long").json()
    assert "timeline replay --until" in explained["advice"]


def test_one_replay_is_done_at_a_time(reading: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another is told to come back, and none is left waiting in line."""
    begun, go_on = threading.Event(), threading.Event()

    def stalled(*arguments: Json, **options: Json) -> object:
        begun.set()
        assert go_on.wait(20)
        return replay(*arguments, **options)

    monkeypatch.setattr(audit, "replay", stalled)
    answers: list[int] = []
    first = threading.Thread(
        target=lambda: answers.append(reading.get("/v1/audit/replay?position=1").status_code)
    )
    first.start()
    assert begun.wait(20)

    second = reading.get("/v1/audit/replay?position=1")
    go_on.set()
    first.join(20)

    assert problem(second)[:2] == (503, "overloaded")
    assert "retry-after" in second.headers
    assert answers == [200]


def test_a_replay_waits_for_an_erasure_to_be_applied(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the log has forgotten and live rows still hold is no difference."""
    for event in (registration(), {**action(summary="what has to go"), "id": event_id(7)}):
        assert empty.record(event).status_code == 201
    assert empty.get("/v1/policies/order-1").status_code == 200
    step, held = Runner.step, threading.Event()

    def late(self: Runner, *arguments: Json, **options: Json) -> int:
        held.wait(1)
        return step(self, *arguments, **options)

    monkeypatch.setattr(Runner, "step", late)
    # Not over HTTP, where the next read of this process waits for what it acknowledged.
    gone = Append(drafts=(erased(event_id(7), "order-1"),), recorded_by="desk")
    empty.application.writer.append(gone)
    lagged = empty.application.follower.position

    found = empty.get("/v1/audit/replay?position=2").json()
    held.set()

    assert lagged == 2
    assert (found["identical"], found["last_erasure"]) == (True, 3)
