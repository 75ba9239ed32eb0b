"""Random records to post: over several places, with sources of every class."""

import random
from collections.abc import Iterator

from http_client import Client, Json
from random_record import JURISDICTION, POLICIES, Draw, accept
from timeline.domain.events import SourceClass
from timeline.domain.vocabulary import EventType

PLACES = dict(
    zip(
        POLICIES,
        (
            JURISDICTION,
            f"{JURISDICTION}/state:ca",
            f"{JURISDICTION}/state:ca/place:los_angeles",
            f"{JURISDICTION}/state:ca_x",
        ),
        strict=True,
    )
)
CLASSES = (None, *SourceClass, SourceClass.SECONDARY)
MORE = (EventType.ACTION_RECORDED, EventType.RELATION_ASSERTED, EventType.SOURCE_ATTACHED)


MAX_WAITS = 20
"""Reads that each wait some seconds for the read models: enough on a busy machine."""


def tell(client: Client, events: list[Json]) -> None:
    """Record events, and wait until all of them are reflected."""
    *_, report = client.stream(events)
    assert "problem" not in report
    for _ in range(MAX_WAITS):
        if client.get("/v1/policies?limit=1").status_code == 200:
            return
    raise TimeoutError


def varied(seed: int, draws: int) -> Iterator[Json]:
    """Yield the events of a random record, as they are posted."""
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    drawn: list[Draw] = [
        (
            str(chance.choice([*EventType, *MORE * 4])),
            chance.randrange(len(POLICIES)),
            chance.randrange(401),
            chance.randrange(401),
            chance.randrange(401),
        )
        for _ in range(draws)
    ]
    for event, raw in accept(drawn):
        data = dict(raw)
        if "jurisdiction" in data:
            data["jurisdiction"] = PLACES[event.policy]
        if "sources" in data:
            data["sources"] = [_classed(source, chance) for source in data["sources"]]
        if "source" in data:
            data["source"] = _classed(data["source"], chance)
        yield {"id": event.id, "policy": event.policy, "type": str(event.type), "data": data}


def _classed(source: Json, chance: random.Random) -> Json:
    kind = chance.choice(CLASSES)
    return source if kind is None else {**source, "class": str(kind)}
