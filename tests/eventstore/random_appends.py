"""Random appends of every kind, many of them refused, over a world small enough to collide in."""

from random import Random
from typing import Any, Final

from builders import CALIFORNIA, LOS_ANGELES, SOURCE, batch, draft, event_id, one
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Append, Draft

POLICIES: Final = ("alpha", "beta", "gamma", "delta", "epsilon")
TOPICS: Final = ("Rent", "rent", "Housing", "Schools")
NAMES: Final = ("Ann", "Bob", "Émile")


WEIGHTS: Final[dict[EventType, int]] = {
    EventType.POLICY_REGISTERED: 1,
    EventType.POLICY_DESCRIBED: 12,
    EventType.ACTION_RECORDED: 10,
    EventType.ACTION_CORRECTED: 8,
    EventType.SOURCE_ATTACHED: 6,
    EventType.RELATION_ASSERTED: 4,
    EventType.EVENT_RETRACTED: 12,
    EventType.POLICIES_MERGED: 1,
    EventType.PAYLOAD_ERASED: 8,
}
"""What closes a policy to more events is rare, and can be taken back."""


_NAMELESS: Final = frozenset(
    {
        EventType.POLICY_REGISTERED,
        EventType.POLICY_DESCRIBED,
        EventType.ACTION_RECORDED,
        EventType.RELATION_ASSERTED,
        EventType.POLICIES_MERGED,
    }
)

_NAMEABLE: Final[dict[EventType, tuple[EventType, ...]]] = {
    EventType.ACTION_CORRECTED: (EventType.ACTION_RECORDED,),
    EventType.SOURCE_ATTACHED: (EventType.ACTION_RECORDED, EventType.RELATION_ASSERTED),
    EventType.EVENT_RETRACTED: (
        EventType.POLICY_DESCRIBED,
        EventType.ACTION_RECORDED,
        EventType.ACTION_CORRECTED,
        EventType.EVENT_RETRACTED,
        EventType.POLICIES_MERGED,
    ),
}


class RandomAppends:
    """Makes appends that name events made before, whether these were recorded or refused."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._made: list[Draft] = []
        self._number = 0

    def next_group(self) -> list[Append]:
        """Return one to four appends, each of one to three events."""
        return [self._append() for _ in range(self._random.randint(1, 4))]

    def _append(self) -> Append:
        random = self._random
        if self._made and random.random() < 0.05:
            return one(random.choice(self._made))
        drafts = [self._draft() for _ in range(random.choice((1, 1, 1, 2, 3)))]
        condition: dict[str, Any] = {}
        if random.random() < 0.1:
            condition = random.choice(
                ({"topics": ("RENT",)}, {"types": ("PoliciesMerged",)}, {"actors": ("bob",)})
            ) | {"after": random.randint(0, 20)}
        return batch(*drafts, **condition) if len(drafts) > 1 else one(*drafts, **condition)

    def _draft(self) -> Draft:
        random = self._random
        (type,) = random.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))
        named = self._nameable(type)
        policy = random.choice(POLICIES) if named is None else named.proposal.policy
        if self._number < len(POLICIES):
            type, policy = EventType.POLICY_REGISTERED, POLICIES[self._number]
        elif named is None and type not in _NAMELESS:
            type = EventType.POLICY_DESCRIBED
        self._number += 1
        made = draft(type, policy, self._data(type, policy, named), id=event_id(self._number))
        self._made.append(made)
        return made

    def _nameable(self, type: EventType) -> Draft | None:
        """Return an event that one of this type may name, now and then one that it may not."""
        random = self._random
        kinds = _NAMEABLE.get(type, tuple(EventType))
        if random.random() < 0.1:
            kinds = tuple(EventType)
        fitting = [each for each in self._made if each.proposal.type in kinds]
        return random.choice(fitting) if fitting and type not in _NAMELESS else None

    def _data(self, type: EventType, policy: str, named: Draft | None) -> dict[str, Any]:
        random = self._random
        event = event_id(0) if named is None else named.id
        if type is EventType.PAYLOAD_ERASED:
            data: dict[str, Any] = {"event": event, "authority": "a court", "reason": "an order"}
            if named is not None and random.random() < 0.7:
                data["replacement"] = self._data(named.proposal.type, policy, self._named_by(named))
            return data
        if type is EventType.POLICIES_MERGED:
            others = [each for each in POLICIES if each != policy]
            return {"duplicate": random.choice(others), "reason": "the same"}
        makers = {
            EventType.POLICY_REGISTERED: self._registration,
            EventType.POLICY_DESCRIBED: self._description,
            EventType.ACTION_RECORDED: self._action,
            EventType.RELATION_ASSERTED: self._relation,
        }
        if type in makers:
            return makers[type]()
        return {"event": event, **self._about(type)}

    def _named_by(self, erased: Draft) -> Draft | None:
        event = getattr(erased.proposal.data, "event", None)
        return next((each for each in self._made if each.id == event), None)

    def _about(self, type: EventType) -> dict[str, Any]:
        random = self._random
        if type is EventType.ACTION_CORRECTED:
            return {"changes": {"actors": self._parties()}, "reason": "misread"}
        if type is EventType.SOURCE_ATTACHED:
            claim = {"field": "occurred", "value": "2024"}
            return {"source": SOURCE} | random.choice(
                ({"stance": "supports"}, {"stance": "disputes", "claim": claim})
            )
        return {"reason": "in error"}

    def _registration(self) -> dict[str, Any]:
        return {
            "title": "An order",
            "instrument": "executive_order",
            "jurisdiction": self._random.choice((CALIFORNIA, LOS_ANGELES)),
            "topics": self._topics(),
            "sponsors": self._parties(),
            "identifiers": [{"scheme": "eo", "value": self._random.choice("12 ") + "7"}],
            "sources": [SOURCE],
        }

    def _description(self) -> dict[str, Any]:
        data: dict[str, Any] = {"reason": "as filed", "summary": "In short."}
        if self._random.random() < 0.6:
            data["topics"] = self._topics()
        if self._random.random() < 0.3:
            data["jurisdiction"] = self._random.choice((CALIFORNIA, LOS_ANGELES))
        return data

    def _action(self) -> dict[str, Any]:
        return {
            "action": "issued",
            "occurred": "2024-11-19",
            "actors": self._parties(),
            "sources": [SOURCE],
        }

    def _relation(self) -> dict[str, Any]:
        target = {"policy": self._random.choice(POLICIES)}
        return {"relation": "cites", "target": target, "sources": [SOURCE]}

    def _topics(self) -> list[str]:
        return self._random.sample(TOPICS, self._random.randint(0, 2))

    def _parties(self) -> list[dict[str, str]]:
        return [{"name": name} for name in self._random.sample(NAMES, self._random.randint(0, 2))]
