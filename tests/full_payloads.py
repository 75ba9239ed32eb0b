"""One payload of each type with every field that it has, and the parts that they share."""

from domain_builders import CALIFORNIA, LOS_ANGELES, SOURCE, Json, event_id
from timeline.domain.vocabulary import EventType

FULL_SOURCE: dict[str, Json] = {
    "url": "https://www.lacity.example/order.pdf",
    "citation": "LA Ord. 188441",
    "title": "Ordinance 188441",
    "publisher": "City Clerk",
    "class": "primary",
    "published": "2024-11-19~",
    "retrieved": "2024-11-20T10:00:00-08:00",
    "archive_url": "http://archive.example/1",
    "sha256": "ab" * 32,
    "quote": "shall take effect",
    "locator": "p. 3",
}
ORIGIN: dict[str, Json] = {
    "system": "legistar",
    "id": "24-0600",
    "recorded": "2024-11-20T09:00:00Z",
}
SPONSOR: dict[str, Json] = {"name": "Eunisses Hernandez", "role": "author"}
IDENTIFIER: dict[str, Json] = {"scheme": "la-ordinance", "value": "188441"}
VOTE: dict[str, Json] = {
    "yes": 13,
    "no": 0,
    "abstain": 1,
    "absent": 1_000_000,
    "members": [{"name": "Nithya Raman", "vote": "yes"}],
}
SELECTOR: dict[str, Json] = {
    "jurisdiction": CALIFORNIA,
    "instrument": "executive_order",
    "occurred_from": "2024-09-26",
    "occurred_until": "2025",
    "in_force_on": "2025-12-31",
    "except": ["order-1"],
}

DESCRIPTION: dict[str, Json] = {
    "title": "Sanctuary city",
    "instrument": "ordinance",
    "jurisdiction": LOS_ANGELES,
    "body": "City Council",
    "identifiers": [IDENTIFIER],
    "topics": ["immigration"],
    "sponsors": [SPONSOR],
    "summary": "Codifies the directive.",
    "origin": ORIGIN,
    "sources": [FULL_SOURCE],
}
ACTION: dict[str, Json] = {
    "action": "passed",
    "occurred": "2024-11-19T10:30:00-08:00",
    "effective": "2024-12",
    "until": "XXXX",
    "until_condition": "until the council says otherwise",
    "label": "Council adopted item",
    "actors": [SPONSOR],
    "body": "City Council",
    "by": {"citation": IDENTIFIER},
    "vote": VOTE,
    "scope": "partial",
    "provision": "section 3",
    "summary": "On second reading.",
    "origin": ORIGIN,
    "sources": [FULL_SOURCE, SOURCE],
}

FULL: dict[EventType, dict[str, Json]] = {
    EventType.POLICY_REGISTERED: DESCRIPTION,
    EventType.POLICY_DESCRIBED: DESCRIPTION | {"reason": "as codified"},
    EventType.ACTION_RECORDED: ACTION,
    EventType.ACTION_CORRECTED: {
        "event": event_id(1),
        "changes": ACTION,
        "settles": [event_id(2)],
        "reason": "misread",
        "sources": [FULL_SOURCE],
    },
    EventType.SOURCE_ATTACHED: {
        "event": event_id(1),
        "source": FULL_SOURCE,
        "stance": "disputes",
        "claim": {"field": "occurred", "value": "2024-11-20"},
    },
    EventType.RELATION_ASSERTED: {
        "relation": "rescinds",
        "target": {"selector": SELECTOR},
        "by": {"policy": "order-2"},
        "scope": "partial",
        "provision": "section 1",
        "occurred": "2026-01-01T12:00:00Z",
        "effective": "2026-01-01",
        "until": "2027",
        "origin": ORIGIN,
        "sources": [FULL_SOURCE],
    },
    EventType.EVENT_RETRACTED: {"event": event_id(1), "reason": "another order"},
    EventType.POLICIES_MERGED: {"duplicate": "order-2", "reason": "one order"},
    EventType.PAYLOAD_ERASED: {
        "event": event_id(1),
        "authority": "Superior Court",
        "reason": "names a minor",
        "replacement": {"title": "An order"},
    },
}
