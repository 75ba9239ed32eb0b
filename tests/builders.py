"""Builders of drafts and appends: what does not matter to a rule is filled in here."""

from itertools import count
from typing import Any, Final

from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Append, Condition, Draft, EventFilter, ExpectedVersion

SOURCE: Final[dict[str, Any]] = {"url": "https://news.example/order"}
CALIFORNIA: Final = "ocd-division/country:us/state:ca"
LOS_ANGELES: Final = "ocd-division/country:us/state:ca/place:los_angeles"

_numbers: Final = count(1)


def event_id(number: int | None = None) -> str:
    """Return the id with a number, or one that no other call returned."""
    return f"00000000-0000-7000-8000-{next(_numbers) + 10**9 if number is None else number:012}"


def draft(
    type: EventType,
    policy: str,
    data: dict[str, Any],
    *,
    id: str | None = None,
    expected_version: ExpectedVersion = None,
) -> Draft:
    """Draft an event of any type."""
    return Draft.read(
        id=event_id() if id is None else id,
        policy=policy,
        type=type,
        data=data,
        expected_version=expected_version,
    )


def registered(
    policy: str = "an-order",
    *,
    id: str | None = None,
    expected_version: ExpectedVersion = None,
    **data: Any,
) -> Draft:
    """Register a policy."""
    needed = {
        "title": "An order",
        "instrument": "executive_order",
        "jurisdiction": LOS_ANGELES,
        "sources": [SOURCE],
    }
    return draft(
        EventType.POLICY_REGISTERED,
        policy,
        needed | data,
        id=id,
        expected_version=expected_version,
    )


def described(policy: str = "an-order", *, id: str | None = None, **data: Any) -> Draft:
    """Describe a policy anew; what changes is up to the test."""
    return draft(EventType.POLICY_DESCRIBED, policy, {"reason": "as filed", **data}, id=id)


def acted(
    policy: str = "an-order",
    *,
    id: str | None = None,
    expected_version: ExpectedVersion = None,
    **data: Any,
) -> Draft:
    """Record an action."""
    needed = {"action": "issued", "occurred": "2024-11-19", "sources": [SOURCE]}
    return draft(
        EventType.ACTION_RECORDED,
        policy,
        needed | data,
        id=id,
        expected_version=expected_version,
    )


def corrected(
    event: str,
    changes: dict[str, Any],
    policy: str = "an-order",
    *,
    id: str | None = None,
    **data: Any,
) -> Draft:
    """Correct an action."""
    needed = {"event": event, "changes": changes, "reason": "misread"}
    return draft(EventType.ACTION_CORRECTED, policy, needed | data, id=id)


def disputed(
    event: str, field: str, value: Any, policy: str = "an-order", *, id: str | None = None
) -> Draft:
    """Attach a source that claims another value of one field."""
    data = {
        "event": event,
        "source": SOURCE,
        "stance": "disputes",
        "claim": {"field": field, "value": value},
    }
    return draft(EventType.SOURCE_ATTACHED, policy, data, id=id)


def related(
    target: str, policy: str = "an-order", *, relation: str = "cites", id: str | None = None
) -> Draft:
    """Relate a policy to another."""
    data = {"relation": relation, "target": {"policy": target}, "sources": [SOURCE]}
    return draft(EventType.RELATION_ASSERTED, policy, data, id=id)


def retracted(event: str, policy: str = "an-order", *, id: str | None = None) -> Draft:
    """Take an event back, or a retraction."""
    data = {"event": event, "reason": "in error"}
    return draft(EventType.EVENT_RETRACTED, policy, data, id=id)


def merged(duplicate: str, policy: str = "an-order", *, id: str | None = None) -> Draft:
    """Fold another policy into this one."""
    data = {"duplicate": duplicate, "reason": "the same order"}
    return draft(EventType.POLICIES_MERGED, policy, data, id=id)


def erased(
    event: str,
    policy: str = "an-order",
    *,
    replacement: dict[str, Any] | None = None,
    id: str | None = None,
) -> Draft:
    """Erase an event's payload."""
    data: dict[str, Any] = {"event": event, "authority": "a court", "reason": "an order"}
    if replacement is not None:
        data["replacement"] = replacement
    return draft(EventType.PAYLOAD_ERASED, policy, data, id=id)


def one(draft: Draft, *, by: str = "newsroom", **condition: Any) -> Append:
    """Append a single event; keyword arguments are the condition's filter and its `after`."""
    return Append(drafts=(draft,), recorded_by=by, condition=_condition(condition))


def batch(*drafts: Draft, by: str = "newsroom", **condition: Any) -> Append:
    """Append events that were sent as a list."""
    return Append(drafts=drafts, recorded_by=by, condition=_condition(condition), batched=True)


def _condition(given: dict[str, Any]) -> Condition | None:
    if not given:
        return None
    after = given.pop("after", 0)
    return Condition(fail_if_match=EventFilter(**given), after=after)
