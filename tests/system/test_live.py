"""Live readers of running services: what was and what comes, once each and in order."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import pytest

from http_client import NDJSON, Json, action, registration
from service import PLAIN, Service, timeline

BOUND_S: Final = 60.0


class Told(NamedTuple):
    """One server-sent event."""

    id: int
    event: str
    data: Json


@contextmanager
def listening(url: str, query: str = "", **headers: str) -> Iterator[Iterator[Told]]:
    """Open a stream and give its events, as they come; waits are bounded."""
    sent = {"Accept": "text/event-stream", **headers}
    with httpx.stream(
        "GET", f"{url}/v1/events{query}", headers=sent, timeout=BOUND_S, verify=PLAIN
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        yield parsed(answer.iter_lines())


def parsed(lines: Iterator[str]) -> Iterator[Told]:
    """Read blocks of fields."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield Told(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


def record(service: Service, token: str, events: list[Json]) -> None:
    """Record events, one append each."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(headers=headers, timeout=BOUND_S, verify=PLAIN) as client:
        for event in events:
            assert client.post(f"{service.url}/v1/events", json=event).status_code == 201


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def two(
    shared_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[tuple[Service, Service, str]]:
    """Run two processes on one database; the token records.

    Each test records policies of its own, and reads on from where the log was when it began.
    """
    url, logs = shared_database(request.param), tmp_path_factory.mktemp("two")
    token = timeline("token", "create", "desk", "--role", "admin", database_url=url)
    with Service(url, logs / "one.log") as one, Service(url, logs / "other.log") as other:
        yield one, other, token.strip()


def head(service: Service) -> int:
    """Return the position at which the log ends."""
    answer = httpx.get(f"{service.url}/v1/events?limit=1", timeout=BOUND_S, verify=PLAIN)
    return int(answer.headers["timeline-position"])


def test_a_reader_sees_each_event_once_while_two_processes_append(
    two: tuple[Service, Service, str],
) -> None:
    """From catching up to live, nothing is skipped, repeated or out of order, on either process."""
    one, other, token = two
    start = head(one)
    record(one, token, [registration("busy-1"), registration("busy-2")])
    writers = [
        threading.Thread(target=record, args=(service, token, [action(policy)] * 100))
        for service, policy in ((one, "busy-1"), (other, "busy-2"))
    ]
    found: dict[str, list[Told]] = {}

    def read(service: Service, delay_s: float) -> None:
        time.sleep(delay_s)
        with listening(service.url, f"?after={start}") as told:
            events = (each for each in told if each.event == "message")
            found[f"{service.port} {delay_s}"] = [next(events) for _ in range(202)]

    readers = [
        threading.Thread(target=read, args=(service, delay_s))
        for service in (one, other)
        for delay_s in (0.0, 0.1, 0.3)
    ]
    for thread in [*writers, *readers]:
        thread.start()
    for thread in [*writers, *readers]:
        thread.join(BOUND_S)

    page = httpx.get(
        f"{one.url}/v1/events?after={start}",
        headers={"Accept": NDJSON},
        timeout=BOUND_S,
        verify=PLAIN,
    )
    recorded = [json.loads(line) for line in page.text.splitlines()]
    assert len(found) == 6
    for told in found.values():
        assert [each.data for each in told] == recorded
        assert [each.id for each in told] == list(range(start + 1, start + 203))


def test_what_another_process_records_arrives_soon(two: tuple[Service, Service, str]) -> None:
    """An idle reader hears of an append elsewhere well before its next heartbeat."""
    one, other, token = two
    start = head(one)
    with listening(other.url, f"?after={start}") as told:
        record(one, token, [registration("soon")])
        began = time.monotonic()
        event = next(told)

    assert (event.id, event.event) == (start + 1, "message")
    assert time.monotonic() - began < 5


def test_a_reader_resumes_after_the_last_id_it_had(two: tuple[Service, Service, str]) -> None:
    """Last-Event-ID wins over `after`, and filters hold before the switch and after it."""
    one, other, token = two
    start = head(one)
    act, beside = action("resumed"), registration("beside")
    record(one, token, [registration("resumed"), act, act, beside])

    with listening(one.url, f"?after={start + 1}", **{"Last-Event-ID": f"{start + 3}"}) as told:
        assert next(told).id == start + 4
    with listening(one.url, "?policy=resumed&type=ActionRecorded") as told:
        first = [next(told).id for _ in range(2)]
        record(other, token, [action("beside"), act])
        later = next(told).id

    assert (first, later) == ([start + 2, start + 3], start + 6)


def test_a_stopped_process_ends_its_streams(sqlite_url: str, tmp_path: Path) -> None:
    """SIGTERM is not kept waiting by readers, and they see an end, not a broken connection."""
    with Service(sqlite_url, tmp_path / "service.log") as service, listening(service.url) as told:
        began = time.monotonic()
        service.ask_to_stop()

        assert list(told) == []

        service.wait(BOUND_S)
        assert time.monotonic() - began < 10
