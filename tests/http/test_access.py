"""Who may do what."""

import pytest

from http_client import Client, action, event_id, problem, registration
from timeline.application.access import Role
from timeline.domain.vocabulary import EventType

RETRACTION = {
    "policy": "order-1",
    "type": "EventRetracted",
    "data": {"event": event_id(1), "reason": "in error"},
}


def test_recording_needs_a_token(refusing: Client) -> None:
    """Without a token 401 tells how to authenticate."""
    refused = refusing.ask(
        "POST", "/v1/events", headers={"Content-Type": "application/json"}, content=b"{}"
    )

    assert problem(refused) == (401, "token-missing", "Authorization")
    assert refused.headers["www-authenticate"] == 'Bearer realm="timeline"'


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Bearer timeline_nobody", "token-unknown"),
        ("bearer timeline_nobody", "token-unknown"),
        ("Bearer", "token-missing"),
        ("Bearer a b", "token-missing"),
        ("Basic bmV3c3Jvb206c2VjcmV0", "token-missing"),
    ],
)
def test_a_token_that_nobody_has_is_refused(refusing: Client, header: str, kind: str) -> None:
    """401 also for other schemes and unknown tokens; the token is not repeated."""
    refused = refusing.ask(
        "POST",
        "/v1/events",
        headers={"Content-Type": "application/json", "Authorization": header},
        content=b"{}",
    )

    assert problem(refused) == (401, kind, "Authorization")
    assert "nobody" not in refused.text
    assert "www-authenticate" in refused.headers


def test_a_revoked_token_is_refused_at_once(empty: Client) -> None:
    """What worked a moment ago is 401 once it is revoked."""
    assert empty.record(registration(), role=Role.RECORDER).status_code == 201

    empty.application.access.revoke("recorder")

    assert problem(empty.record(action(), role=Role.RECORDER))[:2] == (401, "token-unknown")


@pytest.mark.parametrize(
    ("role", "body", "needed", "field"),
    [
        (Role.READER, registration(), "recorder", "Authorization"),
        (Role.RECORDER, RETRACTION, "curator", "type"),
        (Role.RECORDER, {"events": [action(), RETRACTION]}, "curator", "events[1].type"),
        (
            Role.CURATOR,
            {
                "policy": "order-1",
                "type": "PayloadErased",
                "data": {"event": event_id(1), "authority": "Court", "reason": "names a minor"},
            },
            "admin",
            "type",
        ),
    ],
)
def test_a_role_that_is_too_low_is_told_which_is_needed(
    refusing: Client, role: Role, body: object, needed: str, field: str
) -> None:
    """403 names the role that the event needs."""
    refused = refusing.record(body, role=role)

    assert problem(refused) == (403, "not-allowed", field)
    assert refused.json()["needed"] == needed


def test_every_type_of_event_names_its_role(refusing: Client) -> None:
    """The vocabulary says which role each type of event needs."""
    words = {
        word["type"]: word["role"] for word in refusing.get("/v1/vocabulary").json()["event_types"]
    }

    assert set(words) == {str(type) for type in EventType}
    assert words["PolicyRegistered"] == "recorder"
    assert words["PayloadErased"] == "admin"
