"""What holds for every request, whichever route it meets or misses."""

import asyncio
import json
import logging
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.types import Message, Receive, Scope, Send

from http_client import Client, problem, registration, running
from timeline import observability
from timeline.application.access import Role
from timeline.application.reading import Reader
from timeline.http.boundary import Boundary, in_person
from timeline.http.limits import MAX_CLIENTS, RateLimit

ALL = ["/", "/v1/policies", "/v1/policies/nothing", "/nothing", "/v1/policies?limit=0", "/schema"]


@pytest.fixture
def log() -> Any:
    """Give what the service logs, as JSON lines."""
    root = logging.getLogger()
    before = list(root.handlers), root.level
    stream = StringIO()
    observability.configure("info", "json", stream)
    yield stream
    root.handlers[:], root.level = before


def lines(log: StringIO) -> list[dict[str, Any]]:
    """Return the lines that requests left."""
    found = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in found if str(line["event"]).startswith("http.")]


@pytest.mark.parametrize("target", ALL)
def test_every_answer_has_the_same_headers(reading: Client, target: str) -> None:
    """No answer, refusals included, lacks an id, the security headers or the ones for CORS."""
    headers = reading.get(target).headers

    assert len(headers["x-request-id"]) == 32
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["access-control-allow-origin"] == "*"
    assert "Timeline-Position" in headers["access-control-expose-headers"]


def test_what_a_token_opened_keeps_all_headers_of_a_name() -> None:
    """Those that say who may keep it are made one of; two cookies stay two."""
    cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    caching = [(b"cache-control", b"public,max-age=9"), (b"cache-control", b"immutable")]
    varying = [(b"vary", b"Accept"), (b"vary", b"Origin")]

    kept = in_person([*cookies, *caching, *varying])

    assert kept == [
        *cookies,
        (b"cache-control", b"private, max-age=9, immutable"),
        (b"vary", b"Accept, Origin, Authorization, Cookie"),
    ]
    never = [*caching, (b"cache-control", b"no-store")]
    assert in_person(never) == never


def test_a_browser_may_read_but_not_write(reading: Client) -> None:
    """The preflight allows GET from anywhere, and nothing that writes."""
    answer = reading.ask(
        "OPTIONS",
        "/v1/events",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"},
    )

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert "Timeline-Min-Position" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize("target", ["/", "/v1/events", "/v1/policies", "/v1/events/x", "/schema"])
def test_options_and_a_refusal_name_the_same_methods(reading: Client, target: str) -> None:
    """Allow lists exactly what is answered, whether it was asked for or run into."""
    asked = reading.ask("OPTIONS", target)
    refused = reading.ask("DELETE", target)

    assert asked.status_code == 204
    assert set(asked.headers["allow"].split(", ")) == set(refused.headers["allow"].split(", "))


@pytest.mark.parametrize("given", ["abc-123", "a.b:c_d", "A" * 128])
def test_a_sane_request_id_is_taken_over(reading: Client, given: str) -> None:
    """The id that a client or a proxy gave stands in the answer and in its problem."""
    refused = reading.get("/nothing", X_Request_ID=given)

    assert refused.headers["x-request-id"] == given
    assert problem(refused)[0] == 404


@pytest.mark.parametrize("given", ["", "a b", "A" * 129, "a/b", "{}", "a\tb"])
def test_any_other_request_id_is_replaced(reading: Client, given: str) -> None:
    """What could break a log line, or flood it, is not repeated."""
    assert len(reading.get("/", X_Request_ID=given).headers["x-request-id"]) == 32


def test_each_request_leaves_one_line(told: Client, log: StringIO) -> None:
    """The line has method, path, status, time, bytes, id and principal; no query and no token."""
    told.get("/v1/policies?q=secret-words", X_Request_ID="r-1")
    told.record(registration(), role=Role.RECORDER, X_Request_ID="r-2")
    told.get("/nothing", X_Request_ID="r-3")

    first, second, third = lines(log)
    assert first.pop("duration_ms") >= 0
    assert first.pop("bytes") > 0
    first.pop("timestamp")
    assert first == {
        "event": "http.request.served",
        "level": "info",
        "logger": "timeline.http.request",
        "request_id": "r-1",
        "method": "GET",
        "path": "/v1/policies",
        "status": 200,
    }
    assert second["principal"].startswith("recorder")
    assert second["status"] == 201
    assert (third["path"], third["status"]) == ("/nothing", 404)
    text = json.dumps(lines(log))
    assert "secret-words" not in text
    assert not any(token in text for token in told.tokens.values())


def test_a_path_cannot_break_the_log(reading: Client, log: StringIO) -> None:
    """A path is logged percent-encoded and cut, whatever stands in it."""
    reading.get("/%0Aevent%00" + "a" * 5_000)

    (line,) = lines(log)
    assert line["path"].startswith("/%0Aevent%00aaa")
    assert len(line["path"]) == 1_000


def test_a_fault_is_logged_with_its_stack_and_served_without(
    told: Client, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 tells the client the request's id, and the log what happened."""

    def fail(*_: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(Reader, "graph", fail)

    answer = told.get("/v1/graph?policy=la-ordinance-188441", X_Request_ID="r-9")

    assert problem(answer) == (500, "internal-error", None)
    assert "secret" not in answer.text
    failed, served = lines(log)
    assert failed["request_id"] == served["request_id"] == "r-9"
    assert "a secret of ours" in failed["exception"]
    assert served["status"] == 500


@pytest.mark.parametrize(("before", "statuses"), [(0, [500]), (1, [500]), (2, [201])])
def test_what_goes_wrong_past_the_routes_is_answered_unless_an_answer_has_begun(
    before: int, statuses: list[int]
) -> None:
    """An answer that was announced, without a byte of it on its way, is no answer yet."""
    answer: list[Any] = [
        {"type": "http.response.start", "status": 201, "headers": []},
        {"type": "http.response.body", "body": b"{", "more_body": True},
    ]
    sent: list[Any] = []

    async def fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in answer[:before]:
            await send(message)
        raise RuntimeError

    async def take(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        scope: Any = {"type": "http", "method": "POST", "path": "/", "headers": [], "client": None}
        boundary = Boundary(fail, rate_limit=0, direct=lambda _scope: fail)
        await boundary(scope, lambda: asyncio.sleep(0), take)  # type: ignore[arg-type,return-value]

    if before == len(answer):
        with pytest.raises(RuntimeError):
            asyncio.run(ask())
    else:
        asyncio.run(ask())

    assert [each["status"] for each in sent if "status" in each] == statuses


def test_a_client_that_asks_too_often_has_to_wait(migrated_sqlite: Path, tmp_path: Path) -> None:
    """Beyond the limit 429 says when to come back; health is never refused."""
    path = tmp_path / "limited.db"
    shutil.copy(migrated_sqlite, path)
    with running(f"sqlite:///{path}", rate_limit=5) as client:
        answers = [client.get("/v1/policies").status_code for _ in range(5)]
        refused = client.get("/nothing")

        assert answers == [200] * 5
        assert problem(refused) == (429, "too-many-requests", None)
        assert 1 <= int(refused.headers["retry-after"]) <= 12
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert client.get("/health/live").status_code == 200


@settings(deadline=None)
@given(
    per_minute=st.integers(1, 100),
    pauses=st.lists(st.floats(0, 30, allow_nan=False), max_size=60),
)
def test_a_minute_never_holds_more_than_twice_the_limit(
    per_minute: int, pauses: list[float]
) -> None:
    """From a full bucket and its refill, any minute admits at most twice the limit."""
    limit = RateLimit(per_minute)
    now = 0.0
    admitted: list[float] = []
    for pause in pauses:
        now += pause
        wait = limit.wait_s("192.0.2.1", now)
        assert 0 <= wait <= 60 / per_minute + 1e-6
        if not wait:
            admitted.append(now)

    for start in admitted:
        assert sum(start <= each < start + 60 for each in admitted) <= 2 * per_minute


def test_a_limit_of_0_is_off() -> None:
    """Without a limit nobody waits."""
    limit = RateLimit(0)

    assert {limit.wait_s("192.0.2.1", 0.0) for _ in range(1_000)} == {0.0}


def test_clients_are_counted_apart() -> None:
    """IPv4 addresses count one by one, IPv6 addresses by their network."""
    limit = RateLimit(1)

    assert not limit.wait_s("192.0.2.1", 0.0)
    assert not limit.wait_s("192.0.2.2", 0.0)
    assert limit.wait_s("192.0.2.1", 0.0) == pytest.approx(60)
    assert not limit.wait_s("2001:db8::1", 0.0)
    assert limit.wait_s("2001:db8::2", 0.0)
    assert limit.wait_s("::ffff:192.0.2.1", 0.0) == 0.0


def test_the_limits_memory_is_bounded() -> None:
    """However many clients come, only so many are remembered."""
    limit = RateLimit(1)

    for number in range(MAX_CLIENTS + 500):
        limit.wait_s(f"client-{number}", 0.0)

    assert len(limit._full_at) == MAX_CLIENTS  # noqa: SLF001 - the bound is what is tested
