"""What the log adds to a policy's page: what was said before, who says otherwise, what was taken back.

Owns the reading of a stream for its corrections, disputes and retractions. Pure: events and answers
come in as programs get them. Must not know how a page looks.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]


def corrections(events: list[Event]) -> dict[str, list[Event]]:
    """Return, by the action that they are about, the corrections that stand, in order.

    Each has `changes`, a list of {field, said, believed}: what the record held until then, and since.
    """
    gone = taken_back(events)
    values = {event["id"]: dict(event["data"] or {}) for event in events}
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        data = event["data"]
        if event["type"] != "ActionCorrected" or data is None or event["id"] in gone:
            continue
        value = values.get(data["event"], {})
        changes = [
            {"field": name, "said": value.get(name), "believed": new}
            for name, new in data["changes"].items()
            if name != "sources"
        ]
        value.update(data["changes"])
        found[data["event"]].append({**_who(event), "reason": data["reason"], "changes": changes})
    return dict(found)


def descriptions(events: list[Event]) -> list[Event]:
    """Return the descriptions that stand and replaced what the registration said, in order."""
    gone = taken_back(events)
    value: dict[str, Any] = {}
    found = []
    for event in events:
        data = event["data"]
        if data is None or event["id"] in gone:
            continue
        if event["type"] == "PolicyRegistered":
            value.update(data)
        elif event["type"] == "PolicyDescribed":
            new = {name: each for name, each in data.items() if name != "reason"}
            changes = [
                {"field": name, "said": value.get(name), "believed": each}
                for name, each in new.items()
            ]
            value.update(new)
            found.append({**_who(event), "reason": data["reason"], "changes": changes})
    return found


def disputes(served: list[dict[str, Any]], events: list[Event]) -> dict[str, list[dict[str, Any]]]:
    """Return, by the event that they are about, a policy's disputes, and who recorded each when."""
    by_id = {event["id"]: event for event in events}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in served:
        event = by_id.get(each["by"])
        found[each["event"]].append({**each, **({} if event is None else _who(event))})
    return dict(found)


def retractions(events: list[Event]) -> list[dict[str, Any]]:
    """Return the retractions that stand: who took back what, when and why."""
    by_id = {event["id"]: event for event in events}
    gone = taken_back(events)
    return [
        {**_who(event), "reason": event["data"]["reason"], "of": by_id.get(event["data"]["event"])}
        for event in events
        if event["type"] == "EventRetracted" and event["data"] and event["id"] not in gone
    ]


def taken_back(events: Iterable[Event]) -> frozenset[str]:
    """Return the ids of events that are retracted, and whose retraction is not itself retracted."""
    found: set[str] = set()
    newest_first = sorted(events, key=lambda event: int(event["position"]), reverse=True)
    for event in newest_first:
        if event["type"] == "EventRetracted" and event["data"] and event["id"] not in found:
            found.add(event["data"]["event"])
    return frozenset(found)


def _who(event: Event) -> Event:
    return {name: event[name] for name in ("id", "position", "recorded_at", "recorded_by")}
