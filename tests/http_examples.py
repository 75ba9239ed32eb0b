"""Make the examples of the API's description anew: `python tests/http_examples.py`.

Owns which exchanges are shown. They are made with the Los Angeles story, by a clock that stands
still, so that the same code always makes the same examples.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from http_client import NDJSON, Client, Ticking, running, tell
from timeline.application.access import Role
from timeline.eventstore.database import create_engine
from timeline.eventstore.migrating import migrate
from timeline.http import examples as package
from timeline.http.examples import FILE, Example
from timeline.http.operations import OPERATIONS

JSON: Final = "application/json"
REQUEST_ID: Final = "example"
ORDINANCE: Final = "la-ordinance-188441"
NEW_POLICY: Final = "example-city-resolution-2026"


class Asked(NamedTuple):
    """One exchange to make."""

    name: str
    operation: str
    title: str
    target: str
    headers: Mapping[str, str] = MappingProxyType({})
    token: bool = False
    request: Any = None
    request_media: str | None = None


def _recorded(
    name: str, title: str, request: Any, media: str = JSON, *, token: bool = True, query: str = ""
) -> Asked:
    return Asked(name, "recordEvents", title, f"/v1/events{query}", {}, token, request, media)


_SOURCE: Final = {
    "citation": "Minutes of the city council of Example City, 2026-11-17",
    "class": "primary",
    "locator": "item 14",
}
_REGISTERED: Final[dict[str, Any]] = {
    "id": "01a20a00-0000-7000-8000-000000000001",
    "policy": NEW_POLICY,
    "type": "PolicyRegistered",
    "data": {
        "title": "Resolution on immigration enforcement",
        "instrument": "resolution",
        "jurisdiction": "ocd-division/country:us/state:ca/place:example_city",
        "topics": ["immigration"],
        "sources": [_SOURCE],
    },
    "expected_version": "new",
}
_PASSED: Final[dict[str, Any]] = {
    "id": "01a20a00-0000-7000-8000-000000000002",
    "policy": NEW_POLICY,
    "type": "ActionRecorded",
    "data": {
        "action": "passed",
        "occurred": "2026-11-17",
        "vote": {"yes": 6, "no": 1},
        "sources": [_SOURCE],
    },
}
_RELATED: Final = {
    "id": "01a20a00-0000-7000-8000-000000000003",
    "policy": NEW_POLICY,
    "type": "RelationAsserted",
    "data": {
        "relation": "similar_to",
        "target": {"policy": ORDINANCE},
        "sources": [_SOURCE],
    },
}

ASKED: Final = (
    Asked("entry-points", "listEntryPoints", "Where to begin", "/"),
    Asked("log", "listEvents", "The first event of the log", "/v1/events?limit=1"),
    Asked(
        "log-filtered",
        "listEvents",
        "Corrections of one policy",
        f"/v1/events?policy={ORDINANCE}&type=ActionCorrected&type=EventRetracted&limit=2",
    ),
    Asked(
        "log-streamed",
        "listEvents",
        "The rest of the log, a line for each event",
        "/v1/events?after=72",
        {"Accept": NDJSON},
    ),
    Asked(
        "event",
        "getEvent",
        "A vote, as KESQ reported it",
        "/v1/events/01a20280-89d7-75c3-ab23-625aeafb27a6",
    ),
    Asked(
        "event-unknown",
        "getEvent",
        "An event that nobody recorded",
        "/v1/events/01a20a00-0000-7000-8000-00000000ffff",
    ),
    Asked(
        "timeline",
        "listActions",
        "What the Los Angeles schools did",
        "/v1/timeline?jurisdiction=ocd-division/country:us/state:ca&within=true"
        "&topic=education&limit=1",
    ),
    Asked(
        "timeline-around",
        "listActions",
        "Newest first, what is around the ordinance",
        f"/v1/timeline?around={ORDINANCE}&depth=2&from=2026&order=desc&limit=1",
    ),
    Asked(
        "timeline-csv",
        "listActions",
        "The same for a spreadsheet",
        "/v1/timeline?jurisdiction=ocd-division/country:us/state:ca&within=true"
        "&topic=education&limit=2&format=csv",
    ),
    Asked(
        "timeline-atom",
        "listActions",
        "For a feed reader, what the record took in last about the ordinance",
        f"/v1/timeline?policy={ORDINANCE}&limit=1",
        {"Accept": "application/atom+xml"},
    ),
    Asked(
        "timeline-refused",
        "listActions",
        "A day that does not exist",
        "/v1/timeline?from=2023-02-29",
    ),
    Asked(
        "picture",
        "drawPicture",
        "The Los Angeles schools since 2024",
        "/v1/picture?around=lausd-reaffirmation-2024&depth=1&from=2024&to=2025&as_of=2025-12-31"
        "&jurisdiction=ocd-division/country:us/state:ca&within=true&relations=true",
    ),
    Asked(
        "policies",
        "listPolicies",
        "Ordinances in California, in force or perhaps",
        "/v1/policies?jurisdiction=ocd-division/country:us/state:ca&within=true"
        "&instrument=ordinance&as_of=2024-12-05",
    ),
    Asked(
        "policies-before",
        "listPolicies",
        "The same day, as the record had it at an earlier position",
        "/v1/policies?jurisdiction=ocd-division/country:us/state:ca&within=true"
        "&instrument=ordinance&as_of=2024-12-05&known_position=8",
    ),
    Asked(
        "jurisdictions",
        "countPolicies",
        "The places of California, at the end of 2024",
        "/v1/jurisdictions?jurisdiction=ocd-division/country:us/state:ca&within=true"
        "&as_of=2024-12-31",
    ),
    Asked(
        "graph",
        "getGraph",
        "What is around New York's Executive Order 1 of 2026",
        "/v1/graph?policy=nyc-executive-order-1-2026",
    ),
    Asked(
        "review",
        "listReviews",
        "What rests on one secondary source, in California",
        "/v1/review?kind=single_secondary_source"
        "&jurisdiction=ocd-division/country:us/state:ca&within=true&limit=1",
    ),
    Asked(
        "policy",
        "getPolicy",
        "The Boston Trust Act in 2020",
        "/v1/policies/boston-trust-act?as_of=2020-01-01",
    ),
    Asked("policy-unknown", "getPolicy", "Not recorded", "/v1/policies/boston-tea-party"),
    Asked(
        "history",
        "replayPolicy",
        "The first steps of the ordinance, seen from 2024-12-01",
        f"/v1/policies/{ORDINANCE}/history?as_of=2024-12-01&limit=2",
    ),
    Asked(
        "changes",
        "listChanges",
        "What the record learned about the ordinance after its first minutes",
        f"/v1/changes?from=2026-11-22T10:08:00Z&to=74&policy={ORDINANCE}&as_of=2024-12-05",
    ),
    Asked(
        "changes-refused",
        "listChanges",
        "A moment that lies before the record",
        "/v1/changes?from=2020-01-01T00:00:00Z",
    ),
    Asked(
        "replay",
        "replayRecord",
        "Are the live rows what the first 40 events give?",
        "/v1/audit/replay?position=40",
    ),
    Asked("vocabulary", "getVocabulary", "All words", "/v1/vocabulary"),
    Asked("date", "readDate", "Some day in a month", "/v1/dates?edtf=2024-11~"),
    Asked("date-refused", "readDate", "A day that does not exist", "/v1/dates?edtf=2026-02-30"),
    Asked(
        "registered",
        "findPolicies",
        "Sanctuary policies",
        "/record/policies?q=sanctuary+resolution",
    ),
    Asked(
        "alike",
        "findAlike",
        "What an ordinance may be registered as already",
        "/record/alike?title=Use+of+City+Resources+for+Federal+Immigration+Enforcement"
        "&jurisdiction=ocd-division/country:us/state:ca/place:los_angeles&identifier=ordinance:188441",
    ),
    Asked("places", "findPlaces", "Places called Los Angeles", "/record/places?q=los+angeles"),
    Asked("live", "isLive", "It runs", "/health/live"),
    Asked("ready", "isReady", "It is ready", "/health/ready"),
    Asked(
        "problem-type",
        "explainProblem",
        "What a conflict means",
        "/problems/wrong-expected-version",
    ),
    _recorded("without-token", "Without a token", _REGISTERED, token=False),
    _recorded("one", "A new policy", _REGISTERED),
    _recorded(
        "tried",
        "What a repeal would do to the ordinance; nothing is recorded",
        {
            "id": "01a20a00-0000-7000-8000-000000000006",
            "policy": ORDINANCE,
            "type": "ActionRecorded",
            "data": {"action": "repealed", "occurred": "2026-11-20", "sources": [_SOURCE]},
        },
        query="?dry_run=true&as_of=2026-11-21",
    ),
    _recorded("one-again", "The same again: nothing is recorded twice", _REGISTERED),
    _recorded(
        "batch",
        "Two events together, if nobody recorded anything about Example City since",
        {
            "events": [{**_PASSED, "expected_version": 1}, _RELATED],
            "condition": {
                "fail_if_match": {
                    "jurisdictions": ["ocd-division/country:us/state:ca/place:example_city"]
                },
                "after": 75,
            },
        },
    ),
    _recorded(
        "wrong-version",
        "A version that has passed",
        {
            "policy": NEW_POLICY,
            "type": "PolicyDescribed",
            "data": {"body": "City Council of Example City", "reason": "left out at first"},
            "expected_version": 1,
        },
    ),
    _recorded(
        "refused",
        "An instrument that does not exist",
        {
            "policy": "example-city-memo",
            "type": "PolicyRegistered",
            "data": {**_REGISTERED["data"], "instrument": "memo"},
        },
    ),
    _recorded(
        "stream",
        "Lines: those recorded before, a new one, and one that is refused",
        "".join(
            json.dumps(line) + "\n"
            for line in (
                {name: value for name, value in _REGISTERED.items() if name != "expected_version"},
                _PASSED,
                {
                    "id": "01a20a00-0000-7000-8000-000000000004",
                    "policy": NEW_POLICY,
                    "type": "SourceAttached",
                    "data": {
                        "event": _PASSED["id"],
                        "source": {"url": "https://news.example/example-city", "class": "news"},
                        "stance": "supports",
                    },
                },
                {
                    "id": "01a20a00-0000-7000-8000-000000000005",
                    "policy": "example-city-ordinance",
                    "type": "ActionRecorded",
                    "data": {"action": "introduced", "occurred": "2026", "sources": [_SOURCE]},
                },
            )
        ),
        NDJSON,
    ),
)


def make(client: Client) -> Iterator[Example]:
    """Ask a service that holds the Los Angeles story, and nothing else yet, for every example."""
    for asked in ASKED:
        headers = {"X-Request-ID": REQUEST_ID, **asked.headers}
        content = None
        if asked.request_media is not None:
            headers["Content-Type"] = asked.request_media
            text = asked.request
            content = (text if isinstance(text, str) else json.dumps(text)).encode()
        answer = client.ask(
            "GET" if content is None else "POST",
            asked.target,
            role=Role.RECORDER if asked.token else None,
            headers=headers,
            content=content,
        )
        media = answer.headers["content-type"]
        yield Example(
            name=asked.name,
            operation=asked.operation,
            title=asked.title,
            target=asked.target,
            status=answer.status_code,
            response=answer.json() if media.endswith(("/json", "+json")) else answer.text,
            response_media=media.partition(";")[0],
            parameters=_parameters(asked),
            headers=dict(asked.headers),
            token=asked.token,
            request=asked.request,
            request_media=asked.request_media,
        )


def _parameters(asked: Asked) -> dict[str, Any]:
    """Return what a target holds, by parameter, as JSON has it."""
    path, _, query = asked.target.partition("?")
    operation = next(each for each in OPERATIONS if each.id == asked.operation)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.path)
    found = re.fullmatch(pattern, path)
    assert found is not None, asked
    parameters: dict[str, Any] = dict(found.groupdict())
    for name, text in parse_qsl(query):
        if operation.id == "listEvents" and name not in {"after", "limit", "cursor"}:
            parameters.setdefault(name, []).append(text)
        else:
            plain = name in {
                "after",
                "depth",
                "dry_run",
                "known_position",
                "limit",
                "position",
                "to",
                "within",
            }
            parameters[name] = json.loads(text) if plain else text
    return parameters


def main() -> None:
    """Write the examples into the package."""
    directory = Path(tempfile.mkdtemp())
    try:
        path = directory / "examples.db"
        engine = create_engine(f"sqlite:///{path}")
        migrate(engine)
        engine.dispose()
        tell(path)
        clock = Ticking()
        clock.advance(hours=2)
        with running(f"sqlite:///{path}", clock) as client:
            made = list(make(client))
    finally:
        shutil.rmtree(directory)
    target = Path(package.__file__).with_name(FILE)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")


if __name__ == "__main__":
    main()
