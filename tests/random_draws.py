"""Random records for tests that want the same ones each time, told to a running service."""

import random
from typing import Any

from random_record import POLICIES, Draw, accept
from timeline.domain.vocabulary import EventType

_KINDS = [*EventType, *[EventType.ACTION_RECORDED, EventType.RELATION_ASSERTED] * 4]


def random_events(seed: int, draws: int) -> list[dict[str, Any]]:
    """Return events to post, in order, which the record accepts."""
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    drawn: list[Draw] = [
        (
            str(chance.choice(_KINDS)),
            chance.randrange(len(POLICIES)),
            chance.randrange(401),
            chance.randrange(401),
            chance.randrange(401),
        )
        for _ in range(draws)
    ]
    return [
        {"id": event.id, "policy": event.policy, "type": str(event.type), "data": raw}
        for event, raw in accept(drawn)
    ]
