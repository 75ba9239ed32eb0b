"""Altered cursors: whatever is in them is refused or answered, never a fault, on each database."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from http_client import Client, problem, running, story

HISTORY = "/v1/policies/la-ordinance-188441/history"
CHANGES = "/v1/changes?from=0"
QUERY, POSITION, DAY, KNOWN_AT, KEY = range(5)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def recorded(
    shared_database: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[Client]:
    """Run a service that holds the story, on each database."""
    with running(shared_database(request.param)) as client:
        client.stream(story())
        yield client


def altered(client: Client, target: str, *path: int, value: object) -> str:
    """Return the target's next page, with one part of its cursor replaced."""
    page = f"{target}{'&' if '?' in target else '?'}limit=2"
    cursor = client.get(page).json()["next"]
    content: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    *way, last = path
    place = content
    for index in way:
        place = place[index]
    place[last] = value
    raw = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    return f"{page}&cursor={raw}"


REFUSED: list[tuple[str, tuple[int, ...], list[object]]] = [
    ("/v1/timeline", (POSITION,), [-1, 2**53, 2**63, 2**64, 1.5, None, "1"]),
    ("/v1/policies", (DAY,), [0, -1, date.max.toordinal() + 1, 2**31, 2**63, "today"]),
    ("/v1/policies", (KNOWN_AT,), ["\0", "yesterday", "2026-11-22T10:00:00.123456Z\n", "0" * 28]),
    ("/v1/timeline", (KEY, 0), [-1, date.max.toordinal() + 2, 2**31, 2**63, None]),
    ("/v1/timeline", (KEY, 1), [-1, date.max.toordinal() + 2, 2**31, 2**63]),
    ("/v1/timeline", (KEY, 2), [-1, 2**63, 2**64]),
    ("/v1/timeline", (KEY, 3), ["\0", "10:00\n", "1" * 16, 10]),
    ("/v1/timeline", (KEY, 4), [-1, 2**63, 2**64]),
    ("/v1/timeline", (KEY, 5), ["\0", "Not A Slug", "", 7]),
    ("/v1/timeline", (KEY,), [[735_000, 735_000, 3, "", 5], []]),
    ("/v1/policies", (KEY,), ["\0", "a\0", "Not A Slug", "a" * 129, "", 7]),
    ("/v1/review", (KEY, 0), ["gossip", "", None]),
    ("/v1/review", (KEY, 1), ["\0", "A", "", 7]),
    ("/v1/review", (KEY, 2), ["\0", "0" * 37, "x", None]),
    ("/v1/jurisdictions", (KEY,), ["\0", "California", "ocd-division/Us", "", 7]),
    (HISTORY, (KEY,), [-1, 2**63, 2**64, "1"]),
    (HISTORY, (DAY,), [0, 2**31]),
    (CHANGES, (KEY, 0), [-1, 2**63, None]),
    (CHANGES, (KEY, 1), ["\0", "yesterday", 10]),
    (CHANGES, (KEY, 2), [-1, 2**63, "1"]),
    (CHANGES, (KEY, 3), ["a\0", "Not A Slug", 7]),
    ("/v1/events", (KEY,), [-1, 2**63, 2**64, None]),
    ("/v1/events", (POSITION,), [-1, 2**63]),
]


@pytest.mark.parametrize(
    ("target", "path", "values"), REFUSED, ids=[f"{case[0]} {case[1]}" for case in REFUSED]
)
def test_what_no_cursor_holds_is_refused(
    recorded: Client, target: str, path: tuple[int, ...], values: list[object]
) -> None:
    """Positions, days, moments and keys outside of their bounds are 400, naming the cursor."""
    answers = [recorded.get(altered(recorded, target, *path, value=value)) for value in values]

    wanted = (400, "cursor-mismatch", "cursor")
    assert [problem(answer) for answer in answers] == [wanted] * len(values)


ANSWERED: list[tuple[str, tuple[int, ...], list[object]]] = [
    ("/v1/policies", (DAY,), [1, date.max.toordinal(), None]),
    ("/v1/timeline", (KEY, 0), [0, date.max.toordinal() + 1]),
    ("/v1/timeline", (KEY, 1), [0, date.max.toordinal() + 1]),
    ("/v1/timeline", (KEY, 2), [2**53 - 1]),
    ("/v1/timeline", (KEY, 3), ["", "10:00:00.000000"]),
    ("/v1/timeline", (KEY, 4), [2**53 - 1]),
    ("/v1/timeline", (KEY, 5), ["a" * 128]),
    ("/v1/policies", (KEY,), ["a" * 128]),
    (HISTORY, (KEY,), [0, 20, 2**53 - 1]),
    (CHANGES, (KEY, 0), [0, 2**53 - 1]),
    (CHANGES, (KEY, 1), [None, "2026-11-22T10:00:00.000000Z"]),
    (CHANGES, (KEY, 2), [0, 2**53 - 1]),
    ("/v1/events", (KEY,), [0, 2**53 - 1]),
]


@pytest.mark.parametrize(
    ("target", "path", "values"), ANSWERED, ids=[f"{case[0]} {case[1]}" for case in ANSWERED]
)
def test_the_bounds_themselves_are_answered(
    recorded: Client, target: str, path: tuple[int, ...], values: list[object]
) -> None:
    """What a cursor may hold gives a page, up to each bound."""
    answers = [recorded.get(altered(recorded, target, *path, value=value)) for value in values]

    assert [answer.status_code for answer in answers] == [200] * len(values)
