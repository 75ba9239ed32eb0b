"""Two service processes on one database: one advances the read models, both keep their promises."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from service import Service, service, timeline

ROUNDS: Final = 15
LEADING: Final = "timeline_projection_leading 1.0"
LEADER_TIMEOUT_S: Final = 20.0


SOURCES: Final = [{"url": "https://example.org/minutes"}]


def _registration(policy: str) -> dict[str, Any]:
    return {
        "policy": policy,
        "type": "PolicyRegistered",
        "data": {
            "title": policy,
            "instrument": "ordinance",
            "jurisdiction": "ocd-division/country:us",
            "sources": SOURCES,
        },
    }


def _action(policy: str) -> dict[str, Any]:
    data = {"action": "issued", "occurred": "2024-11-19", "sources": SOURCES}
    return {"policy": policy, "type": "ActionRecorded", "data": data}


class Asked:
    """A service, and how it is asked."""

    def __init__(self, running: Service, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=running.url, headers=headers, timeout=20)

    def register(self, policy: str) -> int:
        """Record a policy that was issued, and return its position."""
        answer = self.http.post(
            "/v1/events",
            json={"events": [_registration(policy), _action(policy)]},
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return int(answer.headers["timeline-position"])

    def read(self, target: str, position: int | None = None) -> tuple[int, Any]:
        """Read, at a position at least; return the position that is reflected, and the answer."""
        headers = {} if position is None else {"Timeline-Min-Position": str(position)}
        answer = self.http.get(target, headers=headers)
        assert answer.status_code == httpx.codes.OK, answer.text
        return int(answer.headers["timeline-position"]), answer.json()

    @property
    def leads(self) -> bool:
        """Whether it says that it advances the read models."""
        return LEADING in self.http.get("/metrics").text.splitlines()


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[tuple[Asked, Asked]]:
    """Run two services on one database."""
    token = timeline(
        "token", "create", "tester", "--role", "recorder", database_url=database_url
    ).strip()
    directories = [tmp_path / "first", tmp_path / "second"]
    for directory in directories:
        directory.mkdir()
    with (
        service(database_url, directories[0]) as first,
        service(database_url, directories[1]) as second,
    ):
        asked = (Asked(first, token), Asked(second, token))
        yield asked
        for each in asked:
            each.http.close()


def leader_first(both: tuple[Asked, Asked], warm_up: Iterator[str]) -> tuple[Asked, Asked]:
    """Return the service that has the lease, and the other one.

    A lease runs out where there is nothing to do, so that there is a holder while something is.
    """
    first, second = both
    deadline = time.monotonic() + LEADER_TIMEOUT_S
    while time.monotonic() < deadline:
        match first.leads, second.leads:
            case True, False:
                return first, second
            case False, True:
                return second, first
        second.read("/v1/policies", first.register(next(warm_up)))
    raise AssertionError("nobody leads")


def titles(page: Any) -> set[str]:
    """Return what a page of policies lists."""
    return {item["title"] for item in page["items"]}


def test_an_append_is_readable_at_once_and_elsewhere_at_its_position(
    both: tuple[Asked, Asked],
) -> None:
    """Recorded where others advance the read models, it is read there without being asked for.

    In the process that advances them, Timeline-Min-Position waits for it. Both hold for a question
    whose answer was kept a moment before.
    """
    warm_up = (f"warm-up-{number}" for number in range(1_000))
    for number in range(ROUNDS):
        leader, other = leader_first(both, warm_up)
        here, beyond = (f"/v1/policies?q={word}-{number}" for word in ("here", "beyond"))
        before = [titles(other.read(here)[1]), titles(leader.read(beyond)[1])]

        first = other.register(f"here-{number}")
        there = other.read(here)
        second = other.register(f"beyond-{number}")
        elsewhere = leader.read(beyond, second)

        assert before == [set(), set()]
        assert there[0] >= first
        assert titles(there[1]) == {f"here-{number}"}
        assert elsewhere[0] >= second
        assert titles(elsewhere[1]) == {f"beyond-{number}"}
