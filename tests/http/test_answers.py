"""Answers that are kept: given once more while they are right, and never after."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from http_client import Client, Ticking, action, event_id, problem, registration, running
from timeline.application.access import Role
from timeline.eventstore.database import write_transaction
from timeline.http import answers, reading, service
from timeline.http.answers import Answers, Question, Standing
from timeline.http.replies import represent
from timeline.projections.follower import Follower, Look
from timeline.projections.lease import Lease, Reached, Sight
from timeline.projections.models import MODELS
from timeline.projections.reading import view
from timeline.projections.rebuild import rebuild

OF_READ_MODELS: Final = [
    "/v1/timeline",
    "/v1/timeline?policy=la-ordinance-188441&limit=2",
    "/v1/policies",
    "/v1/policies?as_of=2024-12-05&known_position=60",
    "/v1/policies/la-ordinance-188441",
    "/v1/policies/la-ordinance-188441/history",
    "/v1/graph?policy=la-ordinance-188441",
    "/v1/jurisdictions",
    "/v1/changes?from=0",
    "/v1/review",
    "/v1/vocabulary",
]
BOUND_S: Final = 20.0
TRIES: Final = 10
STANDING: Final = Standing(Reached(1, frozenset({("timeline", "a")}), 0), 1)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the follower for as long as a busy machine may need."""
    monkeypatch.setattr(service, "LOOK_TIMEOUT_S", BOUND_S)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Give the bodies that are made from now on, rather than given once more."""
    bodies: list[bytes] = []

    def counted(body: bytes, *args: Any, **options: Any) -> Any:
        bodies.append(body)
        return represent(body, *args, **options)

    monkeypatch.setattr(reading, "represent", counted)
    return bodies


def kept(client: Client, target: str, **headers: str) -> httpx.Response:
    """Ask until the answer is kept, which it is at once unless the machine is busy."""
    held = client.http.app.state.service.answers
    path, _, query = target.partition("?")
    wanted = Question(path, query.encode(), headers.get("Accept", "*/*").encode())
    deadline = time.monotonic() + BOUND_S
    while time.monotonic() < deadline:
        answer = client.ask("GET", target, headers=headers)
        if wanted in held:
            return answer
    raise AssertionError(target)


@contextmanager
def another(path: Path, clock: Callable[[], Any] | None = None) -> Iterator[Client]:
    """Run a second service on a database, as another process does."""
    with running(f"sqlite:///{path}", clock) as client:
        yield client


def path_of(client: Client) -> Path:
    """Return the file of a service's database."""
    return Path(str(client.application.engine.url.database))


def without_id(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return an answer's headers, but for the one that no two have in common."""
    return [(name, value) for name, value in answer.headers.items() if name != "x-request-id"]


@pytest.mark.parametrize("target", OF_READ_MODELS)
def test_an_unchanged_record_is_answered_from_memory(
    told: Client, target: str, made: list[bytes]
) -> None:
    """The second answer is the first one, byte for byte, and is not made anew."""
    first = kept(told, target)
    made.clear()

    again = told.get(target)
    head = told.ask("HEAD", target)
    unchanged = told.get(target, If_None_Match=first.headers["etag"])

    assert made == []
    assert (again.status_code, again.content) == (200, first.content)
    assert without_id(again) == without_id(head) == without_id(first)
    assert (head.status_code, head.content) == (200, b"")
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    content = {"content-type", "content-length"}
    assert without_id(unchanged) == [each for each in without_id(first) if each[0] not in content]


def test_the_first_304_has_the_headers_of_the_next(told: Client, made: list[bytes]) -> None:
    """What a client has already is answered alike the long way and the short way."""
    tag = told.get("/v1/policies?limit=3").headers["etag"]
    told.http.app.state.service.answers = Answers()

    long = told.get("/v1/policies?limit=3", If_None_Match=tag)
    kept(told, "/v1/policies?limit=3")
    made.clear()
    short = told.get("/v1/policies?limit=3", If_None_Match=tag)

    assert made == []
    assert (long.status_code, short.status_code) == (304, 304)
    assert without_id(long) == without_id(short)


@pytest.mark.parametrize("target", ["/v1/events", "/v1/events?limit=0", "/v1/policies/nothing"])
def test_the_log_and_refusals_are_not_kept(told: Client, target: str) -> None:
    """The log is read for each request, as another process may have grown it; refusals cost little."""
    told.get(target)
    told.get(target)

    assert len(told.http.app.state.service.answers) == 0


def test_what_another_accepts_is_another_question(told: Client) -> None:
    """A client that takes no JSON is refused, whatever others were answered."""
    kept(told, "/v1/policies", Accept="application/json")

    refused = told.get("/v1/policies", Accept="text/html")

    assert problem(refused) == (406, "not-acceptable", "Accept")
    posted = told.ask("POST", "/v1/policies", headers={"Accept": "application/json"})
    assert posted.status_code == 405


def test_an_append_in_this_process_shows_at_once(told: Client) -> None:
    """However often a page was given from memory, the next one has what was acknowledged."""
    told.record(registration())
    for number in range(10):
        kept(told, "/v1/timeline?policy=order-1")

        told.record(action(summary=f"number {number}"))

        answer = told.get("/v1/timeline?policy=order-1").json()
        assert [item["summary"] for item in answer["items"]][-1] == f"number {number}"


def test_an_append_in_another_process_shows_within_100_ms(told: Client, made: list[bytes]) -> None:
    """No request that begins later than that is answered from what was kept before.

    Of some tries the best one counts: beside other work the read models come later than they can.
    """
    late_s: list[float] = []
    with another(path_of(told)) as other:
        for number in range(TRIES):
            before = kept(told, "/v1/policies").json()["position"]
            other.record(registration(f"order-{number}"))
            late_s.append(kept_until_s(told, made, before))

    assert service.FRESH_S == 0.1
    assert any(late_s)
    assert min(late_s) <= service.FRESH_S


def kept_until_s(client: Client, made: list[bytes], before: int) -> float:
    """Return how long after now an answer from before is the last one that was kept; 0 if none is."""
    acknowledged_s = time.monotonic()
    late_s = 0.0
    while (asked_s := time.monotonic()) - acknowledged_s < BOUND_S:
        made.clear()
        if client.get("/v1/policies").json()["position"] > before:
            return late_s
        if not made:
            late_s = asked_s - acknowledged_s
    raise AssertionError(before)


def test_a_position_that_is_asked_for_is_waited_for(told: Client) -> None:
    """With Timeline-Min-Position an answer that reflects less is never given, however fresh."""
    body = kept(told, "/v1/timeline").json()
    recorded = action("la-ordinance-188441")
    later = threading.Timer(0.2, lambda: told.record(recorded))
    later.start()

    answer = told.get("/v1/timeline", Timeline_Min_Position=str(body["position"] + 1))

    later.join()
    assert answer.json()["position"] == body["position"] + 1


def test_a_position_that_is_reflected_is_not_waited_for(told: Client, made: list[bytes]) -> None:
    """With Timeline-Min-Position, what is kept is given where it reflects enough."""
    kept(told, "/v1/timeline")
    made.clear()

    assert told.get("/v1/timeline", Timeline_Min_Position="74").status_code == 200
    assert made == []
    malformed = told.get("/v1/timeline", Timeline_Min_Position="many")
    assert problem(malformed) == (400, "invalid-request", "Timeline-Min-Position")


@pytest.fixture
def stuck(told: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Give a service whose follower looked last when it stopped."""
    monkeypatch.setattr(service, "LOOK_TIMEOUT_S", 0.01)
    return told


def test_a_follower_that_is_stuck_is_not_trusted(stuck: Client, made: list[bytes]) -> None:
    """Once the last look is too old, the database is asked, and what others recorded shows."""
    kept(stuck, "/v1/policies")
    stuck.application.follower.stop()
    with another(path_of(stuck)) as other:
        other.record(registration())
        assert other.get("/v1/policies").json()["position"] == 75
    time.sleep(service.FRESH_S)
    made.clear()

    assert stuck.get("/v1/policies").json()["position"] == 75
    assert stuck.get("/v1/policies").json()["position"] == 75
    assert len(made) == 2


def test_a_follower_that_fails_is_not_trusted(
    told: Client, made: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the read models cannot be looked at, nothing is given from memory."""
    kept(told, "/v1/policies")

    def fail(_lease: Lease) -> Sight:
        raise OSError

    monkeypatch.setattr(Lease, "look", fail)
    deadline = time.monotonic() + BOUND_S
    while told.application.follower.error is None and time.monotonic() < deadline:
        time.sleep(0.01)
    made.clear()

    assert told.get("/v1/policies").status_code == 200
    assert told.application.follower.look is None
    assert len(made) == 1


def test_what_was_shown_is_not_taken_back(told: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that answered at a position gives no answer from before it any more."""
    kept(told, "/v1/policies")
    look = told.application.follower.look
    assert look is not None
    # Fresh for ever, as in the moment between another process's progress and the next look.
    ahead = Look(time.monotonic() + BOUND_S, look.reached)
    monkeypatch.setattr(Follower, "look", property(lambda _: ahead))
    monkeypatch.setattr(service, "LOOK_TIMEOUT_S", 0.01)
    with another(path_of(told)) as other:
        other.record(registration())
        assert other.get("/v1/policies").json()["position"] == 75
        assert told.get("/v1/policies").json()["position"] == 74

        assert told.get("/v1/jurisdictions").json()["position"] == 75

        assert told.get("/v1/policies").json()["position"] == 75


def test_at_midnight_today_is_another_day(told: Client, ticking: Ticking) -> None:
    """Where the date asked about is today, the answer of yesterday is not given."""
    kept(told, "/v1/policies")
    assert told.get("/v1/policies").json()["as_of"] == "2026-11-22"

    ticking.advance(hours=11, minutes=59)
    last = told.get("/v1/policies").json()["as_of"]
    ticking.advance(minutes=1)
    first = told.get("/v1/policies").json()["as_of"]

    assert (last, first) == ("2026-11-22", "2026-11-23")


def test_what_was_erased_is_not_given_any_more(told: Client) -> None:
    """An erasure acts at once at positions before it, too, and on the replay."""
    told.record({**registration(), "id": event_id(1)})
    told.record({**action(summary="a secret"), "id": event_id(2)})
    targets = ["/v1/timeline?policy=order-1&known_position=76", "/v1/policies/order-1/history"]
    for target in targets:
        assert "a secret" in kept(told, target).text
    data = {"event": event_id(2), "authority": "a court", "reason": "privacy"}

    assert (
        told.record({"policy": "order-1", "type": "PayloadErased", "data": data}).status_code == 201
    )

    for target in targets:
        assert "a secret" not in told.get(target).text


def test_a_rebuild_that_is_switched_to_is_seen(told: Client) -> None:
    """Answers from the slot that was live go with it, though the position is the same."""
    application = told.application
    title = kept(told, "/v1/policies/la-ordinance-188441").json()["title"]
    with view(application.engine) as live:
        table = live.table("policies", "policies")
    with write_transaction(application.engine) as connection:
        connection.execute(update(table).values(title="spoilt"))
    told.http.app.state.service.answers = Answers()
    assert kept(told, "/v1/policies/la-ordinance-188441").json()["title"] == "spoilt"

    rebuild(application.engine, application.log, MODELS, accept_differences=True)
    time.sleep(service.FRESH_S)

    assert told.get("/v1/policies/la-ordinance-188441").json()["title"] == title


def test_tokens_are_asked_for_before_memory(private: Client, made: list[bytes]) -> None:
    """Where reading needs a token, what is kept for one is not given to who has none."""
    private.record(registration())
    deadline = time.monotonic() + BOUND_S
    held = private.http.app.state.service.answers
    while not len(held) and time.monotonic() < deadline:
        assert private.get("/v1/policies", role=Role.READER).status_code == 200
    made.clear()

    answers = [
        private.get("/v1/policies"),
        private.get("/v1/policies", Authorization="Bearer timeline_nobody"),
        private.get("/v1/policies", role=Role.READER),
    ]
    private.application.access.revoke("reader")
    answers.append(private.get("/v1/policies", role=Role.READER))

    assert [answer.status_code for answer in answers] == [401, 401, 200, 401]
    assert all("timeline-position" not in answers[number].headers for number in (0, 1, 3))
    assert made == []


def test_the_rate_limit_holds_for_memory(seeded_sqlite: Path, tmp_path: Path) -> None:
    """What costs little counts as well."""
    path = tmp_path / "limited.db"
    shutil.copy(seeded_sqlite, path)
    with running(f"sqlite:///{path}", rate_limit=5) as client:
        statuses = [client.get("/v1/policies").status_code for _ in range(6)]

    assert statuses == [200] * 5 + [429]


# The bounds


def asked(number: int, size: int = 0) -> Question:
    """Return a question like no other."""
    return Question(f"/v1/{number}", b"x" * size, b"")


@given(
    sizes=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 400_000)), max_size=200),
)
def test_memory_is_bounded(sizes: list[tuple[int, int]]) -> None:
    """Whatever is asked, in whatever order, as much is kept as may be, and is counted rightly."""
    held = Answers()

    for number, size in sizes:
        held.keep(asked(number), STANDING, represent(b"x" * size, "text/plain"))
        assert held.size_bytes <= answers.MAX_KEPT_BYTES

    rest = [
        question.size_bytes + answer.size_bytes + answers.ENTRY_BYTES
        for question, answer in held._kept.items()  # noqa: SLF001 - the count is what is tested
    ]
    assert held.size_bytes == sum(rest)


def test_many_distinct_questions_do_not_grow_memory() -> None:
    """The ones asked last are kept, and only so many."""
    held = Answers()
    answer = represent(b"{}", "application/json")

    for number in range(answers.MAX_ANSWERS + 10):
        held.keep(asked(number), STANDING, answer)
        held.get(asked(0), STANDING)

    assert len(held) == answers.MAX_ANSWERS
    assert asked(0) in held
    assert asked(1) not in held
    assert asked(answers.MAX_ANSWERS + 9) in held


def test_long_questions_count() -> None:
    """Query strings as long as a server takes fill the bound, too."""
    held = Answers()
    answer = represent(b"{}", "application/json")

    for number in range(1_000):
        held.keep(asked(number, 64 * 1024), STANDING, answer)

    assert len(held) <= answers.MAX_KEPT_BYTES // (64 * 1024)


def test_an_answer_that_is_too_long_is_not_kept() -> None:
    """A page of megabytes drives nothing out."""
    held = Answers()
    held.keep(asked(1), STANDING, represent(b"{}", "application/json"))

    held.keep(asked(2), STANDING, represent(b"x" * answers.MAX_ANSWER_BYTES, "application/json"))

    assert asked(1) in held
    assert asked(2) not in held


@pytest.mark.parametrize(
    "standing",
    [
        Standing(Reached(2, frozenset({("timeline", "a")}), 0), 1),
        Standing(Reached(1, frozenset({("timeline", "b")}), 0), 1),
        Standing(Reached(1, frozenset({("timeline", "a")}), 0), 2),
    ],
)
def test_another_standing_lets_all_go(standing: Standing) -> None:
    """A new position, a switched slot or a new day ends what was kept, and frees its memory."""
    held = Answers()
    held.keep(asked(1), STANDING, represent(b"{}", "application/json"))

    assert held.get(asked(1), standing) is None
    assert (len(held), held.size_bytes) == (0, 0)
