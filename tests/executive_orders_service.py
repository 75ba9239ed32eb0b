"""Recording the executive orders, and asking for them."""

import json
import time
from typing import Final

from executive_orders import Json
from http_client import Client
from timeline.application.access import Principal, Role
from timeline.application.record import MAX_BATCH

CATCH_UP_TIMEOUT_S: Final = 60.0
"""Some 3,000 events are folded in a few seconds; a slow machine has ten times as long."""


def record(client: Client, lines: list[Json]) -> None:
    """Record events in batches, and wait until the read models reflect them."""
    principal = Principal("archives", Role.RECORDER)
    position = 0
    for first in range(0, len(lines), MAX_BATCH):
        body = json.dumps({"events": lines[first : first + MAX_BATCH]}).encode()
        outcome = client.application.recorder.append(
            client.application.recorder.read(body, principal)
        )
        position = outcome.events[-1].position
    deadline = time.monotonic() + CATCH_UP_TIMEOUT_S
    while client.application.follower.position < position:
        assert time.monotonic() < deadline, client.application.follower.error
        time.sleep(0.05)


def get(client: Client, target: str) -> Json:
    """Return what a request answers."""
    answer = client.get(target)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(client: Client, query: str) -> list[Json]:
    """Return the policies that match, all pages of them."""
    items: list[Json] = []
    document = get(client, f"/v1/policies?limit=500&{query}")
    while document["next"] is not None:
        items.extend(document["items"])
        document = get(client, f"/v1/policies?limit=500&{query}&cursor={document['next']}")
    return [*items, *document["items"]]
