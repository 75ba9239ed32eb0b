"""What refusals say: what a newcomer has to send instead."""

from typing import Any

import pytest

from http_client import Client, action, registration

INSTANT = "Expected an instant with its zone, such as 2024-11-25T10:00:00Z"
PLUS = f"{INSTANT}; a `+` in an address stands for a blank, so write it as `%2B`"
EVENT = 'Expected an object, {"policy": "…", "type": "…", "data": {…}}'

QUESTIONS = {
    "/v1/policies?known_at=2026-11-22T10:00:00+00:00": PLUS,
    "/v1/policies?known_at=2026-11-22": INSTANT,
    "/v1/changes?from=2026-11-22T10:00:00+01:00": PLUS,
    "/v1/policies?as_of=soon": "Expected a day that the calendar has, such as 2024-11-25",
    "/v1/policies?as_of=2024-11-25T00:00:00+00:00": "Expected a day that the calendar has, such "
    "as 2024-11-25; a `+` in an address stands for a blank, so write it as `%2B`",
    "/v1/policies?known_at=2999-01-01T00:00:00Z": "The moment lies in the future",
    "/v1/policies?known_at=2001-01-01T00:00:00Z": "The moment lies before the first event of the "
    "record",
    "/v1/policies?known_at=2026-11-22T10:05:00Z&known_position=1": "Give `known_at` or "
    "`known_position`, not both",
    "/v1/policies?known_position=75": "The record ends at position 74",
    "/v1/policies?identifier=188441": "Expected `scheme:value`, such as ordinance:188441",
    "/v1/policies?in_force=true": "'true' is none of yes, maybe, no",
    "/v1/policies?stage=isued": "'isued' is not in the vocabulary; the nearest word is issued",
    "/v1/policies?litigation=open": "'open' is none of none, dismissed, upheld, challenged, "
    "enjoined, struck_down, unknown",
    "/v1/review?kind=disputes": "'disputes' is none of open_dispute, unresolved_citation, "
    "single_secondary_source, long_unconfirmed",
    "/v1/timeline?order=up": "'up' is none of asc, desc",
    "/v1/graph?policy=la-ordinance-188441&deep=2": "There is no such parameter here; there are "
    "as_of, depth, known_at, known_position, policy",
    "/v1/vocabulary?q=a": "No parameters are taken here",
    "/v1/dates?edtf=2026-02-30": "'2026-02-30' has the day 30, which its month does not have",
    "/v1/dates?edtf=2026-02-03T10:00:00Z": "'2026-02-03T10:00:00Z' has a time of day; only a date "
    "can stand here",
    "/v1/dates?edtf=": "'' is empty",
}


@pytest.mark.parametrize("target", QUESTIONS)
def test_a_refused_question_says_how_to_ask(reading: Client, target: str) -> None:
    """The message tells what is taken: a form, the values, the names."""
    refused = reading.get(target)

    assert refused.status_code == 400
    assert [error["message"] for error in refused.json()["errors"]] == [QUESTIONS[target]]


def test_a_plus_that_was_escaped_is_not_spoken_of(reading: Client) -> None:
    """Where no `+` was lost, the message does not send anyone looking for one."""
    refused = reading.get("/v1/policies?q=a+b&known_at=2026-11-22%2010:00")

    assert refused.json()["errors"] == [
        {"field": "known_at", "message": INSTANT}
    ]  # fmt: skip


SENT: dict[str, tuple[Any, str, str]] = {
    "a list": ([registration()], "body", f'{EVENT}, or {{"events": […]}} for several'),
    "a text": ("order-1", "body", f'{EVENT}, or {{"events": […]}} for several'),
    "a list within a batch": (
        {"events": [[registration()]]},
        "events[0]",
        'Expected an object, got a list; write {"policy": "…", "type": "…", "data": {…}}',
    ),
    "a source as text": (
        registration(sources=["https://news.example/"]),
        "data.sources[0]",
        'Expected an object, got text; write {"url": "https://…"} or {"citation": "…"}',
    ),
    "an actor as text": (
        action(actors=["Mayor"]),
        "data.actors[0]",
        'Expected an object, got text; write {"name": "…"}',
    ),
    "an identifier as text": (
        registration(identifiers=["ordinance:188441"]),
        "data.identifiers[0]",
        'Expected an object, got text; write {"scheme": "…", "value": "…"}',
    ),
    "who acts as text": (
        action(by="order-2"),
        "data.by",
        'Expected an object or null, got text; write {"policy": "…"} or {"citation": "…"}',
    ),
    "a date with slashes": (
        action(occurred="01/02/2024"),
        "data.occurred",
        "'01/02/2024' has more than two ends; write a day as YYYY-MM-DD",
    ),
}


@pytest.mark.parametrize("name", SENT)
def test_a_refused_event_says_what_to_send(refusing: Client, name: str) -> None:
    """Where something else was sent than an object, the message shows the object."""
    sent, field, message = SENT[name]

    refused = refusing.record(sent)

    assert refused.status_code == 400
    assert refused.json()["errors"] == [{"field": field, "message": message}]


@pytest.mark.parametrize("line", [b"[{}]", b'{"events": []}'])
def test_a_line_of_a_stream_holds_one_event(refusing: Client, line: bytes) -> None:
    """A list or a batch on a line is told so, rather than which field it lacks."""
    (report,) = refusing.stream(line)

    assert report["problem"]["errors"] == [
        {"field": "body", "message": f"{EVENT}: a line holds one event"}
    ]
