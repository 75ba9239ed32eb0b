"""What is refused, each with its status, its type and the field it is about."""

import inspect
import json
from typing import Any

import pytest

from http_client import Client, Json, action, event_id, problem, registration
from timeline.application import errors as application
from timeline.domain import errors as domain
from timeline.eventstore import errors as eventstore
from timeline.http import errors as http
from timeline.http.problems import problem as problem_of
from timeline.http.problems import problem_types, rule_of, slug


def raw(text: str, **changes: Json) -> bytes:
    """Return a registration as JSON text, with a raw text in the place of its title."""
    return json.dumps({**registration(), **changes}).encode().replace(b'"An order"', text.encode())


DEEP = "[" * 100 + "]" * 100

MALFORMED: dict[str, tuple[Any, str, str | None]] = {
    "no JSON": (b"{", "invalid-request", "body"),
    "nothing": (b"", "invalid-request", "body"),
    "not UTF-8": (b'{"policy": "\xff"}', "invalid-request", "body"),
    "a list": (b"[]", "invalid-request", None),
    "a duplicate key": (b'{"policy": "a", "policy": "b"}', "invalid-request", "policy"),
    "nested too deep": (raw(DEEP), "invalid-request", None),
    "a float": (raw("1.5"), "invalid-request", "data.title"),
    "a large integer": (raw("9007199254740993"), "invalid-request", "data.title"),
    "U+0000": (raw('"a\\u0000"'), "invalid-request", "data.title"),
    "a lone surrogate": (raw('"\\ud800"'), "invalid-request", "data.title"),
    "no policy": ({"type": "PolicyRegistered", "data": {}}, "invalid-request", "policy"),
    "an unknown field": ({**registration(), "more": 1}, "invalid-request", "more"),
    "an unknown type": ({**registration(), "type": "Registered"}, "invalid-request", "type"),
    "a policy in capitals": (registration("Order-1"), "invalid-request", "policy"),
    "an id in capitals": (
        {**registration(), "id": "0193ABCD-0000-7000-8000-000000000000"},
        "invalid-request",
        "id",
    ),
    "version 0": ({**registration(), "expected_version": 0}, "invalid-request", "expected_version"),
    "no events": ({"events": []}, "invalid-request", "events"),
    "events and more": ({"events": [registration()], "id": event_id(1)}, "invalid-request", "id"),
    "too many events": ({"events": [action()] * 1_001}, "too-many-events", "events"),
    **{
        f"a condition on {field} that nothing has": (
            {"events": [registration()], "condition": {"fail_if_match": {field: [value]}}},
            "invalid-request",
            f"condition.fail_if_match.{field}[0]",
        )
        for field, value in {
            "types": "actionrecorded",
            "policies": "Not A Slug",
            "jurisdictions": "springfield",
            "identifiers": "no colon",
            "topics": " ",
            "actors": "",
        }.items()
    },
    "a condition on nothing": (
        {"events": [registration()], "condition": {"fail_if_match": {}}},
        "invalid-request",
        "condition.fail_if_match",
    ),
    "data without a title": (
        {**registration(), "data": {"instrument": "ordinance"}},
        "invalid-data",
        "data.title",
    ),
    "an unknown field of data": (registration(colour="red"), "invalid-data", "data.colour"),
    "an unknown instrument": (registration(instrument="memo"), "invalid-data", "data.instrument"),
    "an unknown jurisdiction": (
        registration(jurisdiction="California"),
        "invalid-data",
        "data.jurisdiction",
    ),
    "an impossible date": (action(occurred="2023-02-29"), "invalid-data", "data.occurred"),
    "a source of nothing": (registration(sources=[{}]), "invalid-data", "data.sources[0]"),
    "too long a title": (registration(title="a" * 1_001), "invalid-data", "data.title"),
    "the second event of a batch": (
        {"events": [registration(), action(occurred="soon")]},
        "invalid-data",
        "events[1].data.occurred",
    ),
    "an id twice": (
        {"events": [{**registration(), "id": event_id(1)}] * 2},
        "repeated-id",
        "events[1].id",
    ),
    "a version of the second event": (
        {"events": [registration(), {**action(), "expected_version": 1}]},
        "misplaced-expected-version",
        "events[1].expected_version",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_body_is_refused_by_name(refusing: Client, name: str) -> None:
    """What has not the form of an append is answered 400, naming the field."""
    body, kind, field = MALFORMED[name]

    refused = refusing.record(body)

    assert problem(refused)[:2] == (400, kind), refused.text
    assert field is None or problem(refused)[2] == field
    assert refusing.get("/v1/events").json()["items"] == []


STATE: dict[str, tuple[Json, int, str, str]] = {
    "a second registration": (registration(), 409, "policy-already-registered", "policy"),
    "an unregistered policy": (action("order-2"), 409, "policy-not-registered", "policy"),
    "an unknown event": (
        {
            "policy": "order-1",
            "type": "EventRetracted",
            "data": {"event": event_id(99), "reason": "in error"},
        },
        422,
        "unknown-event",
        "data.event",
    ),
    "an unknown target": (
        {
            "policy": "order-1",
            "type": "RelationAsserted",
            "data": {
                "relation": "cites",
                "target": {"policy": "order-2"},
                "sources": [{"citation": "a letter"}],
            },
        },
        422,
        "unknown-policy",
        "data.target.policy",
    ),
    "an end before its beginning": (
        action(effective="2024-12-09", until="2024-12-01"),
        422,
        "until-before-effective",
        "data.until",
    ),
    "a description of nothing": (
        {"policy": "order-1", "type": "PolicyDescribed", "data": {"reason": "none"}},
        422,
        "nothing-described",
        "data",
    ),
}


@pytest.mark.parametrize("name", STATE)
def test_what_contradicts_the_record_is_refused_by_name(empty: Client, name: str) -> None:
    """What the record may take at another time is 409, what contradicts itself or it is 422."""
    body, status, kind, field = STATE[name]
    empty.record(registration())

    refused = empty.record(body)

    assert problem(refused) == (status, kind, field), refused.text


PARAMETERS: dict[str, tuple[str, str]] = {
    "unknown": ("/v1/policies?colour=red", "colour"),
    "repeated": ("/v1/policies?limit=1&limit=2", "limit"),
    "empty": ("/v1/policies?q=", "q"),
    "a limit of 0": ("/v1/policies?limit=0", "limit"),
    "a limit of 501": ("/v1/policies?limit=501", "limit"),
    "a limit of words": ("/v1/policies?limit=ten", "limit"),
    "a limit with a sign": ("/v1/policies?limit=%2B1", "limit"),
    "a limit beyond all": ("/v1/policies?limit=" + "9" * 400, "limit"),
    "null": ("/v1/policies?as_of=null", "as_of"),
    "a boolean in capitals": (
        "/v1/policies?jurisdiction=ocd-division/country:us&within=1",
        "within",
    ),
    "within nothing": ("/v1/policies?within=true", "within"),
    "an impossible day": ("/v1/policies?as_of=2023-02-29", "as_of"),
    "an impossible EDTF": ("/v1/timeline?from=2023-13", "from"),
    "a moment without a zone": ("/v1/policies?known_at=2026-11-22T10:00:00", "known_at"),
    "a moment with a blank": ("/v1/policies?known_at=2026-11-22T10:00:00+00:00", "known_at"),
    "a future moment": ("/v1/policies?known_at=2999-01-01T00:00:00Z", "known_at"),
    "a moment after the last": (
        "/v1/policies?known_at=9999-12-31T23:59:59-14:00",
        "known_at",
    ),
    "a moment before the first": ("/v1/timeline?known_at=0001-01-01T00:00:00%2B14:00", "known_at"),
    "a moment of a history before the first": (
        "/v1/policies/la-ordinance-188441/history?known_at=0001-01-01T00:00:00%2B14:00",
        "known_at",
    ),
    "both moments": ("/v1/policies?known_at=2026-11-22T10:05:00Z&known_position=1", "known_at"),
    "a future position": ("/v1/policies?known_position=1000", "known_position"),
    "an unknown instrument": ("/v1/policies?instrument=memo", "instrument"),
    "an unknown type": ("/v1/events?type=ActionRecorded&type=Memo", "type"),
    "a policy in capitals": ("/v1/events?policy=ORDER", "policy"),
    "an identifier without a scheme": ("/v1/policies?identifier=188441", "identifier"),
    "depth without around": ("/v1/timeline?depth=2", "depth"),
    "depth 6": ("/v1/timeline?around=la-ordinance-188441&depth=6", "depth"),
    "policy and around": ("/v1/timeline?around=la-ordinance-188441&policy=a", "policy"),
    "an unknown order": ("/v1/timeline?order=up", "order"),
    "a cursor of garbage": ("/v1/timeline?cursor=garbage", "cursor"),
    "a cursor that is no base64": ("/v1/timeline?cursor=%C3%A4", "cursor"),
    "U+0000": ("/v1/timeline?q=%00", "q"),
    "bytes that are no UTF-8": ("/v1/timeline?q=%FF", "q"),
    "a surrogate": ("/v1/timeline?q=%ED%A0%80", "q"),
    "a broken escape": ("/v1/timeline?q=%zz", "q"),
    "a parameter of one event": (f"/v1/events/{event_id(1)}?proof=maybe", "proof"),
    "cosignatures without a proof": (f"/v1/events/{event_id(1)}?cosignatures=1", "cosignatures"),
    "more cosignatures than there can be": (
        f"/v1/events/{event_id(1)}?proof=true&cosignatures=65",
        "cosignatures",
    ),
    "a parameter of the vocabulary": ("/v1/vocabulary?q=a", "q"),
    "a parameter of health": ("/health/ready?q=a", "q"),
    "a parameter of the index": ("/?colour=a", "colour"),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_malformed_parameter_is_refused_by_name(reading: Client, name: str) -> None:
    """An unknown, repeated or malformed parameter is answered 400, naming it."""
    target, field = PARAMETERS[name]

    status, _, named = problem(reading.get(target))

    assert (status, named) == (400, field)


def test_a_cursor_belongs_to_its_query(reading: Client) -> None:
    """A cursor of another question, or of the same with another filter, is refused."""
    cursor = reading.get("/v1/policies?limit=1").json()["next"]

    for target in ("/v1/timeline?", "/v1/policies?instrument=ordinance&", "/v1/events?"):
        refused = reading.get(f"{target}cursor={cursor}")

        assert problem(refused) == (400, "cursor-mismatch", "cursor")


UNKNOWN = {
    "a route": ("/v1/nothing", "unknown-route"),
    "a route below": ("/v1/timeline/more", "unknown-route"),
    "an event": (f"/v1/events/{event_id(1)}", "unknown-resource"),
    "no event's id": ("/v1/events/42", "unknown-resource"),
    "an id with U+0000": ("/v1/events/%00", "unknown-resource"),
    "a policy": ("/v1/policies/nothing", "unknown-resource"),
    "no policy's id": ("/v1/policies/Not%20A%20Slug", "unknown-resource"),
    "a policy with a line break": ("/v1/policies/la-ordinance-188441%0A", "unknown-resource"),
    "a long policy": (f"/v1/policies/{'a' * 5_000}", "unknown-resource"),
    "a history": ("/v1/policies/nothing/history", "unknown-resource"),
    "a policy of later": (
        "/v1/policies/la-ordinance-188441?known_position=2",
        "unknown-resource",
    ),
    "what is around nothing": ("/v1/timeline?around=nothing", "unknown-resource"),
    "a problem type": ("/problems/nothing", "unknown-route"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_there_is_404(reading: Client, name: str) -> None:
    """Neither a route nor a resource that is not there is anything but 404."""
    target, kind = UNKNOWN[name]

    assert problem(reading.get(target))[:2] == (404, kind)


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ("/v1/events/nope", "id"),
        (f"/v1/events/{event_id(1)}", "id"),
        ("/v1/policies/Nope", "policy"),
        ("/v1/policies/nope", "policy"),
        ("/v1/policies/Nope/history", "policy"),
        ("/v1/policies/nope/history", "policy"),
    ],
)
def test_what_is_not_there_is_named_as_the_route_names_it(
    reading: Client, target: str, field: str
) -> None:
    """An id that cannot be one and an id that nothing has are the same mistake."""
    assert problem(reading.get(target)) == (404, "unknown-resource", field)


@pytest.mark.parametrize(
    ("target", "accept"),
    [
        ("/v1/timeline", "text/html"),
        ("/v1/policies", "application/json;q=0"),
        ("/v1/events", "text/csv"),
        ("/schema", "application/json"),
        ("/schema/openapi.json", "application/yaml"),
        ("/health/live", "image/*"),
        ("/v1/vocabulary", "nonsense"),
    ],
)
def test_what_is_not_served_is_not_acceptable(reading: Client, target: str, accept: str) -> None:
    """A client that takes none of what there is gets 406, never something else."""
    assert problem(reading.get(target, Accept=accept)) == (406, "not-acceptable", "Accept")


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("PUT", "/v1/events", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/policies/la-ordinance-188441", "GET, HEAD, OPTIONS"),
        ("POST", "/v1/timeline", "GET, HEAD, OPTIONS"),
        ("PATCH", "/", "GET, HEAD, OPTIONS"),
    ],
)
def test_other_methods_are_told_what_is_allowed(
    reading: Client, method: str, target: str, allowed: str
) -> None:
    """405 carries Allow."""
    refused = reading.ask(method, target)

    assert problem(refused)[:2] == (405, "method-not-allowed")
    assert refused.headers["allow"] == allowed


def errors_of(module: Any) -> list[type[Exception]]:
    """Return the error classes of a module that nothing inherits from."""
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
    return [
        kind
        for kind in kinds
        if issubclass(kind, Exception)
        and not kind.__subclasses__()
        and kind.__module__ == module.__name__
    ]


FAULTS = {
    domain.UnknownShape,
    domain.UpcasterMissing,
    domain.ReplacementShapesMissing,
    eventstore.AppendOnlyViolation,
    eventstore.CorruptStore,
    eventstore.NotDurable,
    eventstore.NotOwner,
}
"""Errors that no client can do anything about: they are 500, and say nothing."""

OF_THE_COMMAND_LINE = {
    application.AlreadyRevoked,
    application.KeyFileError,
    application.LogUnreachable,
    application.PrincipalTaken,
    application.UnknownPrincipal,
    eventstore.AnotherLog,
    eventstore.CopyDiffers,
    eventstore.CopyUnfinished,
}


@pytest.mark.parametrize("module", [application, domain, eventstore, http])
def test_every_error_has_its_status(module: Any) -> None:
    """Each error class is in the one table, but for faults of ours."""
    without = {kind for kind in errors_of(module) if rule_of(kind) is None}

    assert without <= FAULTS | OF_THE_COMMAND_LINE


def test_every_problem_type_is_explained(refusing: Client) -> None:
    """The address in a problem's `type` resolves to words, for people and for programs."""
    for name, kind in problem_types().items():
        explained = refusing.get(f"/problems/{name}").json()
        page = refusing.get(f"/problems/{name}", Accept="text/html,*/*;q=0.1")

        assert explained["type"] == kind.type
        assert explained["meaning"]
        assert explained["advice"]
        assert kind.title in page.text


@pytest.mark.parametrize(
    "error",
    [
        eventstore.CorruptStore(reason="row 17 of password-table"),
        eventstore.AppendOnlyViolation(reason="UPDATE log_entries"),
        RuntimeError("secret"),
    ],
)
def test_a_fault_of_ours_says_nothing(error: Exception) -> None:
    """500 carries the request's id and no word of what happened."""
    served = problem_of(error, path="/v1/events", request_id="r-1")

    assert served.status == 500
    assert served.document == {
        "type": "/problems/internal-error",
        "title": "Internal error",
        "status": 500,
        "detail": "Something went wrong here; the log tells what, beside the request's id.",
        "instance": "/v1/events",
        "request_id": "r-1",
    }


@pytest.mark.parametrize(
    ("error", "retry_after"),
    [
        (eventstore.StoreBusy(retry_after_s=2.5), "3"),
        (eventstore.StoreUnavailable(reason="no connection"), "1"),
        (eventstore.OutcomeUnknown(ids=(event_id(1),)), "1"),
        (eventstore.SchemaOutdated(current="1", expected="2"), "1"),
        (http.Overloaded(), "1"),
    ],
)
def test_an_outage_says_when_to_come_back(error: Exception, retry_after: str) -> None:
    """503 carries Retry-After, and an unknown outcome the ids to ask for."""
    served = problem_of(error, path="/v1/events", request_id="r-1")

    assert served.status == 503
    assert served.headers["Retry-After"] == retry_after
    if isinstance(error, eventstore.OutcomeUnknown):
        assert served.document["ids"] == [event_id(1)]


def test_facts_do_not_hide_the_problem() -> None:
    """A fact named like a member of problems gets another name."""
    error = domain.ReplacementRequired(type="PolicyRegistered")

    document = problem_of(error, path="/", request_id="r-1").document

    assert document["type"] == f"/problems/{slug(domain.ReplacementRequired)}"
    assert document["event_type"] == "PolicyRegistered"
