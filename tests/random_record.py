"""Random records: sequences of events that the domain accepts, over a few policies.

Every kind of event occurs; what the domain refuses is left out, so that any list of draws is a
valid record.
"""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from timeline.domain.belief import PastEvent
from timeline.domain.decide import decide, needs
from timeline.domain.errors import DomainError
from timeline.domain.events import DATA_TYPES, SourceAttached, decode_data, field_type
from timeline.domain.evolve import evolve
from timeline.domain.situation import Proposal, Situation
from timeline.domain.vocabulary import Action, EventType, Instrument, Relation

SOURCES = [{"url": "https://example.org/source"}]
POLICIES = ("alpha", "beta", "gamma", "delta")
DATES = (
    "2019",
    "2020-03",
    "2020-03-05",
    "2020-07-01",
    "2021~",
    "../2020",
    "2021-01-01/2021-06-30",
    "XXXX",
    "2022-02-02",
)
ACTIONS = tuple(Action)
INSTRUMENTS = (
    Instrument.RESOLUTION,
    Instrument.ORDINANCE,
    Instrument.LAWSUIT,
    Instrument.EXECUTIVE_ORDER,
)

RELATIONS = tuple(Relation)
JURISDICTION = "ocd-division/country:us"
ELSEWHERE = "ocd-division/country:us/state:ca"
EXACT_DAYS: tuple[str, ...] = tuple(
    (date(2019, 1, 1) + timedelta(days=5 * number)).isoformat() for number in range(251)
)
"""Days of some years, so many that events seldom share one."""

CLAIMS: tuple[dict[str, Any], ...] = (
    {"field": "occurred", "value": "2018-02-03"},
    {"field": "effective", "value": "2021-06-01"},
    {"field": "scope", "value": "partial"},
    {"field": "instrument", "value": "statement"},
    {"field": "target", "value": {"policy": "alpha"}},
    {"field": "until", "value": "2022-03-04"},
    {"field": "action", "value": "rescinded"},
    {"field": "action", "value": "issued"},
    {"field": "provision", "value": "part 2"},
    {"field": "by", "value": {"policy": "gamma"}},
    {"field": "relation", "value": "suspends"},
    {"field": "relation", "value": "repeals"},
    {"field": "relation", "value": "cites"},
    {"field": "target", "value": {"citation": "no:beta"}},
    {"field": "action", "value": "dismissed"},
    {"field": "instrument", "value": "lawsuit"},
    {"field": "instrument", "value": "ordinance"},
    {"field": "jurisdiction", "value": ELSEWHERE},
    {"field": "jurisdiction", "value": JURISDICTION},
    {"field": "identifiers", "value": [{"scheme": "no", "value": "beta"}]},
    {"field": "identifiers", "value": [{"scheme": "no", "value": "gamma"}]},
    {"field": "identifiers", "value": []},
)
SELECTORS: tuple[dict[str, Any], ...] = (
    {"jurisdiction": JURISDICTION},
    {"instrument": "executive_order", "occurred_from": "2020-02-01"},
    {"jurisdiction": JURISDICTION, "in_force_on": "2021-03-01"},
    {"jurisdiction": JURISDICTION, "occurred_until": "2020-12-31", "except": ["beta"]},
    {"jurisdiction": ELSEWHERE},
)

Draw = tuple[str, int, int, int, int]

draws = st.lists(
    st.tuples(
        st.sampled_from([str(each) for each in EventType]),
        st.integers(0, len(POLICIES) - 1),
        st.integers(0, 400),
        st.integers(0, 400),
        st.integers(0, 400),
    ),
    min_size=1,
    max_size=40,
)


def event_id(number: int) -> str:
    """Return the id of the nth accepted event."""
    return str(uuid.UUID(int=(0x7 << 76) | (0b10 << 62) | number))


def raw_data(
    draw: Draw, accepted: Sequence[PastEvent], dates: Sequence[str] = DATES
) -> tuple[EventType, str, dict[str, Any]]:
    """Return the event that a draw stands for, as it would be sent."""
    kind, which, first, second, third = draw
    policy = POLICIES[which]
    own = [event for event in accepted if event.policy == policy]
    subject = own[first % len(own)].id if own else event_id(0)
    type = EventType(kind)
    if not own:
        type = EventType.POLICY_REGISTERED
    actions = [event.id for event in own if event.type is EventType.ACTION_RECORDED]
    action = actions[first % len(actions)] if actions else subject
    other = POLICIES[(which + 1 + second % (len(POLICIES) - 1)) % len(POLICIES)]
    makers: dict[EventType, dict[str, Any]] = {
        EventType.POLICY_REGISTERED: {
            "title": f"Policy {policy}",
            "instrument": INSTRUMENTS[first % len(INSTRUMENTS)],
            "jurisdiction": JURISDICTION,
            "topics": ["schools"] if second % 2 else [],
            "identifiers": [{"scheme": "no", "value": policy}] if third % 2 else [],
            "sources": SOURCES,
        },
        EventType.POLICY_DESCRIBED: {
            "title": f"Title {first}",
            "topics": [f"topic {second % 3}"],
            **({"jurisdiction": ELSEWHERE} if third % 5 == 0 else {}),
            **({"identifiers": [{"scheme": "no", "value": other}]} if third % 5 == 1 else {}),
            "reason": "A better title.",
        },
        EventType.ACTION_RECORDED: {
            "action": ACTIONS[first % len(ACTIONS)],
            "occurred": dates[second % len(dates)],
            "sources": SOURCES,
            **({"effective": dates[(second + third) % len(dates)]} if third % 4 == 1 else {}),
            **({"until": dates[third % len(dates)]} if third % 5 == 0 else {}),
            **({"scope": "partial", "provision": "part 1"} if third % 7 == 0 else {}),
            **({"by": _by(other, second)} if third % 3 == 0 else {}),
        },
        EventType.ACTION_CORRECTED: {
            "event": action,
            "changes": _changes(second, third, dates),
            "settles": _claims_about(action, own) if third % 3 == 0 else [],
            "reason": "The press had it wrong.",
        },
        EventType.SOURCE_ATTACHED: {
            "event": subject,
            "source": SOURCES[0],
            **(
                {"stance": "disputes", "claim": _claim(own, subject, second)}
                if third % 4
                else {"stance": "supports"}
            ),
        },
        EventType.RELATION_ASSERTED: {
            "relation": RELATIONS[first % len(RELATIONS)],
            "target": _target(other, second, third),
            "sources": SOURCES,
            **({"effective": dates[third % len(dates)]} if third % 3 else {}),
            **({"occurred": dates[second % len(dates)]} if third % 6 == 0 else {}),
            **({"until": dates[(third + first) % len(dates)]} if third % 8 == 1 else {}),
            **({"scope": "partial"} if third % 11 == 0 else {}),
            **({"provision": "part 1"} if third % 13 == 0 else {}),
        },
        EventType.EVENT_RETRACTED: {"event": subject, "reason": "It was wrong."},
        EventType.POLICIES_MERGED: {"duplicate": other, "reason": "They are one."},
        EventType.PAYLOAD_ERASED: {
            "event": subject,
            "authority": "A court",
            "reason": "It named a child.",
            **_replacement(own, subject, third),
        },
    }
    return type, policy, makers[type]


def _claim(own: Sequence[PastEvent], subject: str, second: int) -> dict[str, Any]:
    """Return what a source may say of an event instead: of a field that its type has."""
    type = next((event.type for event in own if event.id == subject), EventType.SOURCE_ATTACHED)
    fitting = [each for each in CLAIMS if field_type(DATA_TYPES[type], each["field"]) is not None]
    claims = fitting or CLAIMS
    return claims[second % len(claims)]


def _by(other: str, second: int) -> dict[str, Any]:
    """Return who acts, by policy or by an identifier that it may have."""
    return {"citation": f"no:{other}"} if second % 4 == 0 else {"policy": other}


def _changes(second: int, third: int, dates: Sequence[str]) -> dict[str, Any]:
    """Return what a correction changes: one field, or nothing."""
    day = dates[second % len(dates)]
    changes: tuple[dict[str, Any], ...] = (
        {"occurred": day},
        {"effective": day},
        {"effective": None},
        {"until": day},
        {"until": None},
        {"action": ACTIONS[second % len(ACTIONS)]},
        {"provision": "part 1"},
        {"scope": None, "provision": None},
        {"by": None},
        {},
    )
    return changes[third % len(changes)]


def _claims_about(event: str, own: Sequence[PastEvent]) -> list[str]:
    """Return the sources that dispute an event."""
    return [
        each.id
        for each in own
        if isinstance(each.data, SourceAttached) and each.data.claim and each.data.event == event
    ]


def _target(other: str, second: int, third: int) -> dict[str, Any]:
    """Return a policy in most cases, else a citation or a selector."""
    if second % 5 == 3:
        return {"citation": {"scheme": "no", "value": other}}
    if second % 5 == 4:
        return {"selector": SELECTORS[third % len(SELECTORS)]}
    return {"policy": other}


def _replacement(own: Sequence[PastEvent], subject: str, third: int) -> dict[str, Any]:
    """Return a replacement for some subjects: a registration's needs one, others may have one."""
    for event in own:
        if event.id != subject:
            continue
        if event.type is EventType.POLICY_REGISTERED:
            return {
                "replacement": {
                    "title": "Erased",
                    "instrument": "resolution",
                    "jurisdiction": JURISDICTION,
                    "sources": SOURCES,
                }
            }
        if event.type is EventType.ACTION_RECORDED and third % 2:
            return {
                "replacement": {"action": "passed", "occurred": "2020-05-05", "sources": SOURCES}
            }
    return {}


def accept(
    drawn: Sequence[Draw], dates: Sequence[str] = DATES
) -> list[tuple[PastEvent, dict[str, Any]]]:
    """Return the events that the domain accepts, each with its data as sent.

    Args:
        drawn: what is tried, in order.
        dates: the dates that events can have.

    """
    situation = Situation()
    accepted: list[tuple[PastEvent, dict[str, Any]]] = []
    for draw in drawn:
        events = [event for event, _ in accepted]
        type, policy, raw = raw_data(draw, events, dates)
        position = len(accepted) + 1
        try:
            data = decode_data(type, raw)
            proposal = Proposal(event_id(position), policy, type, data)
            needs(situation, [proposal])
            decide(situation, proposal)
        except DomainError:
            continue
        version = evolve(situation, proposal, position)
        accepted.append(
            (
                PastEvent(
                    position=position,
                    id=proposal.id,
                    policy=policy,
                    version=version,
                    type=type,
                    recorded_at=f"2026-01-01T00:00:00.{position:06d}Z",
                    recorded_by="tester",
                    data=data,
                ),
                raw,
            )
        )
    return accepted
