"""Kill -9 in the middle of many appends: what was answered with 201 is in the record."""

import asyncio
from itertools import pairwise
from pathlib import Path

import httpx

from service import Service, timeline

POSTS = 400
"""Four times as many as are under way when the kill comes, which are what it may tear."""
KILL_AFTER = 150
CONNECTIONS = 100
POLICIES = 20
SOURCES = [{"url": "https://example.org/minutes"}]


def _registration(number: int) -> dict[str, object]:
    return {
        "policy": f"policy-{number}",
        "type": "PolicyRegistered",
        "data": {
            "title": f"Policy {number}",
            "instrument": "ordinance",
            "jurisdiction": "ocd-division/country:us",
            "sources": SOURCES,
        },
    }


def _action(number: int) -> dict[str, object]:
    return {
        "id": f"00000000-0000-7000-8000-{number:012x}",
        "policy": f"policy-{number % POLICIES}",
        "type": "ActionRecorded",
        "data": {"action": "hearing_held", "occurred": "2024-11-19", "sources": SOURCES},
    }


async def _post_all(running: Service, token: str, kill_after: int) -> set[str]:
    """Send all posts at once, kill the service after some answers; return the acknowledged ids."""
    acknowledged: set[str] = set()
    # What is answered but not read yet when the service is killed is at most one per connection.
    limits = httpx.Limits(max_connections=CONNECTIONS)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=running.url, headers=headers, limits=limits, timeout=60
    ) as client:

        async def post(number: int) -> None:
            try:
                answer = await client.post("/v1/events", json=_action(number))
            except httpx.TransportError:
                return
            if answer.status_code == httpx.codes.CREATED:
                acknowledged.add(answer.json()["events"][0]["id"])
                if len(acknowledged) == kill_after:
                    running.kill()

        await asyncio.gather(*(post(number) for number in range(POSTS)))
    return acknowledged


def _log(running: Service) -> list[dict[str, object]]:
    with httpx.stream(
        "GET",
        f"{running.url}/v1/events",
        headers={"Accept": "application/x-ndjson"},
        timeout=60,
    ) as answer:
        assert answer.status_code == httpx.codes.OK
        return [httpx.Response(200, content=line).json() for line in answer.iter_lines() if line]


def test_nothing_acknowledged_is_lost_by_kill_9(database_url: str, tmp_path: Path) -> None:
    """What was answered with 201 survives kill -9 of the service, whenever it comes."""
    token = timeline(
        "token", "create", "tester", "--role", "recorder", database_url=database_url
    ).strip()

    with Service(database_url, tmp_path / "service.log") as running:
        registered = httpx.post(
            f"{running.url}/v1/events",
            json={"events": [_registration(number) for number in range(POLICIES)]},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert registered.status_code == httpx.codes.CREATED
        acknowledged = asyncio.run(_post_all(running, token, kill_after=KILL_AFTER))
        assert KILL_AFTER <= len(acknowledged) < POSTS, "the kill came in the middle"

        running.start()
        log = _log(running)

    assert acknowledged <= {event["id"] for event in log}
    assert [event["position"] for event in log] == list(range(1, len(log) + 1))
    for number in range(POLICIES):
        versions = [event["version"] for event in log if event["policy"] == f"policy-{number}"]
        assert all(later == earlier + 1 for earlier, later in pairwise([0, *map(_whole, versions)]))


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value
