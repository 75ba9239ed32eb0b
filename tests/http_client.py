"""The service in one process for tests: a database, the wired application and an HTTP client."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
from litestar.testing import TestClient

from timeline import bootstrap
from timeline.application.access import Role
from timeline.bootstrap import Application
from timeline.http.app import create_app
from timeline.settings import Settings

Json: TypeAlias = Any

STORY: Final = Path(__file__).resolve().parents[1] / "examples" / "los-angeles.ndjson"
NDJSON: Final = "application/x-ndjson"
START: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Ticking:
    """A clock that a test moves; it starts at START."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def advance(self, **units: int) -> None:
        """Move on."""
        self.now += timedelta(**units)


class Client:
    """Asks a running service; `role` says whose token a request carries."""

    def __init__(
        self, http: TestClient[Any], application: Application, tokens: Mapping[Role, str]
    ) -> None:
        self.http = http
        self.application = application
        self.tokens = tokens

    def get(self, target: str, *, role: Role | None = None, **headers: str) -> httpx.Response:
        """Ask with GET; header names are written with underscores."""
        return self.ask("GET", target, role=role, headers=headers)

    def ask(
        self,
        method: str,
        target: str,
        *,
        role: Role | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterator[bytes] | None = None,
    ) -> httpx.Response:
        """Send a request; nothing is followed and nothing is added but what is given."""
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if role is not None:
            sent["Authorization"] = f"Bearer {self.tokens[role]}"
        return self.http.request(
            method, target, headers=sent, content=content, follow_redirects=False
        )

    def record(self, document: Json, *, role: Role = Role.ADMIN, **headers: str) -> httpx.Response:
        """Post a JSON document, or bytes as they are."""
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = {"content_type": "application/json", **headers}
        return self.ask("POST", "/v1/events", role=role, headers=headers, content=content)

    def stream(
        self, lines: list[Json] | bytes | Iterator[bytes], *, role: Role = Role.ADMIN
    ) -> list[Json]:
        """Post lines and return the reports."""
        content = (
            b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            if isinstance(lines, list)
            else lines
        )
        answer = self.ask(
            "POST", "/v1/events", role=role, headers={"Content-Type": NDJSON}, content=content
        )
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


@contextmanager
def running(
    database_url: str, clock: Callable[[], datetime] | None = None, **settings: Any
) -> Iterator[Client]:
    """Run the service on a migrated database, with a token for each role."""
    with (
        bootstrap.application(
            Settings(database_url=database_url, **settings), clock=clock or bootstrap.now
        ) as application,
        TestClient(create_app(application)) as http,
    ):
        known = {record.name for record in application.access.records()}
        tokens = {}
        for role in Role:
            number = sum(name.startswith(role.value) for name in known)
            name = role.value if not number else f"{role.value}-{number}"
            tokens[role] = application.access.create(name, role)
        yield Client(http, application, tokens)


def story() -> list[Json]:
    """Return the events of the Los Angeles story."""
    return [json.loads(line) for line in STORY.read_text(encoding="utf-8").splitlines()]


def tell(path: Path) -> None:
    """Record the Los Angeles story in a migrated database, an event a minute."""
    clock = Ticking()
    with running(f"sqlite:///{path}", clock) as client:
        for event in story():
            answer = client.record(event)
            assert answer.status_code == 201, answer.text
            clock.advance(minutes=1)
        assert client.get("/v1/policies").status_code == 200


def registration(policy: str = "order-1", **data: Json) -> Json:
    """Return a PolicyRegistered to post."""
    return {
        "policy": policy,
        "type": "PolicyRegistered",
        "data": {
            "title": "An order",
            "instrument": "executive_order",
            "jurisdiction": "ocd-division/country:us/state:ca",
            "sources": [{"url": "https://news.example/order"}],
            **data,
        },
    }


def action(policy: str = "order-1", **data: Json) -> Json:
    """Return an ActionRecorded to post."""
    return {
        "policy": policy,
        "type": "ActionRecorded",
        "data": {
            "action": "issued",
            "occurred": "2024-11-19",
            "sources": [{"url": "https://news.example/order"}],
            **data,
        },
    }


def event_id(number: int) -> str:
    """Return an id that is easy to tell from others."""
    return f"00000000-0000-7000-8000-{number:012}"


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Return a refusal's status, type and field, once its form is right."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer.headers["x-request-id"]
    fields = [error["field"] for error in document.get("errors", [])]
    slug = document["type"].removeprefix("/problems/")
    return answer.status_code, slug, fields[0] if fields else None
