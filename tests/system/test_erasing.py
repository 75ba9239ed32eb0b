"""What is erased is gone: from every answer, every table, the log lines and the database's files."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest
from sqlalchemy import MetaData, make_url, select

from http_client import NDJSON, STORY, Json, action, event_id, registration
from service import Service, timeline
from timeline.application.key_files import KeyFile
from timeline.eventstore.database import create_engine
from timeline.http.operations import OPERATIONS
from timeline.http.represented import HISTORY, ONE_POLICY, POLICIES, TIMELINE
from timeline.transparency.checkpoints import opened
from timeline.transparency.merkle import leaf_hash
from timeline.transparency.proofs import check_inclusion

MARK: Final = "Quillfeather"
"""Stands in all that is erased, in capitals too; found in any case, as read models fold text."""

ACCENTED: Final = "ŽOFIÉ"
"""Is more than one byte a letter, whichever way it is folded."""

LATER: Final = "Brackenbury"
"""Stands in what an event of another policy says, which is erased as well."""

REGISTRATION, ACTION, LONG, SOURCE, RELATION, DESCRIPTION = map(event_id, range(901, 907))
SOURCES: Final = [{"citation": "Minutes, redacted"}]
SECRET_SOURCES: Final = [{"citation": f"Letter of {MARK}", "quote": f"{MARK} {ACCENTED} said"}]


def told() -> Iterator[Json]:
    """Yield events that name somebody, wherever an event can."""
    yield {
        "id": REGISTRATION,
        **registration(
            "erased-one",
            title=f"Resolution on {MARK.upper()} {ACCENTED}",
            body=f"Office of {MARK}",
            topics=[f"{MARK} case"],
            identifiers=[{"scheme": "file", "value": f"{MARK}-7"}],
            sponsors=[{"name": f"{MARK} {ACCENTED}", "role": "mover"}],
            summary=f"About {MARK}",
            sources=SECRET_SOURCES,
        ),
    }
    yield {
        "id": ACTION,
        **action(
            "erased-one",
            label=f"Heard {MARK.upper()}",
            actors=[{"name": f"{MARK} {ACCENTED}"}],
            body=f"Committee on {MARK}",
            provision=f"§ {MARK}",
            summary=f"{MARK} was heard",
            sources=SECRET_SOURCES,
        ),
    }
    # Longer than a page of the database, so that it lies in several.
    yield {
        "id": LONG,
        **action("erased-one", action="amended", summary=f"{MARK} {ACCENTED}. " * 900),
    }
    yield {
        "id": SOURCE,
        "policy": "erased-one",
        "type": "SourceAttached",
        "data": {
            "event": ACTION,
            "source": {"citation": f"Diary of {MARK}", "quote": f"{ACCENTED} {MARK}"},
            "stance": "disputes",
            "claim": {"field": "body", "value": f"{MARK} herself"},
        },
    }
    yield registration("beside", jurisdiction="ocd-division/country:us/state:il")
    yield {
        "id": RELATION,
        "policy": "beside",
        "type": "RelationAsserted",
        "data": {
            "relation": "cites",
            "target": {"citation": f"file:{LATER}-9"},
            "sources": [{"citation": f"Note by {LATER}"}],
        },
    }
    yield {
        "id": DESCRIPTION,
        "policy": "beside",
        "type": "PolicyDescribed",
        "data": {"title": f"In re {LATER}", "topics": [LATER], "reason": f"{LATER} asked"},
    }


def erasures() -> Iterator[Json]:
    """Yield what erases all of them."""
    for policy, event, replacement in (
        ("erased-one", ACTION, action("erased-one", sources=SOURCES)["data"]),
        ("erased-one", LONG, None),
        ("erased-one", SOURCE, None),
        ("erased-one", REGISTRATION, registration("erased-one", sources=SOURCES)["data"]),
        ("beside", RELATION, None),
        ("beside", DESCRIPTION, None),
    ):
        data: Json = {"event": event, "authority": "Court of Example, 7 K 12", "reason": "Privacy."}
        if replacement is not None:
            data["replacement"] = replacement
        yield {"policy": policy, "type": "PayloadErased", "data": data}


class Needles(NamedTuple):
    """What nothing may hold any more: words in any case, and salts."""

    words: tuple[str, ...]
    salts: tuple[str, ...]

    def found_in(self, held: bytes) -> list[str]:
        """Return those that some bytes hold: words folded or not, salts as they are or in hex."""
        lower = held.lower()
        forms = {word: [word.lower().encode(), word.encode()] for word in self.words}
        forms |= {salt: [salt.encode()] for salt in self.salts}
        found = {name for name, some in forms.items() if any(each in lower for each in some)}
        found |= {word for word in self.words if json.dumps(word)[1:-1].lower().encode() in lower}
        found |= {word for word in self.words if word.encode() in held}
        return sorted(found | {salt for salt in self.salts if bytes.fromhex(salt) in held})


class Erased(NamedTuple):
    """A running service that erased what named somebody, and what was there before."""

    http: httpx.Client
    needles: Needles
    directory: Path
    database_url: str
    proofs: dict[str, Json]
    held: dict[str, list[str]]
    held_rows: dict[str, list[str]]
    etag: str


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def erased(
    shared_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Erased]:
    """Run a service that signs, holds the Los Angeles story, and erases what named somebody in others."""
    database_url, directory = shared_database(request.param), tmp_path_factory.mktemp("erasing")
    key = str(directory / "log.key")
    timeline("key", "generate", database_url=database_url, signing_key_file=key)
    timeline("import", str(STORY), "--quiet", database_url=database_url)
    token = timeline("token", "create", "root", "--role", "admin", database_url=database_url)
    log = directory / "service.log"
    with (
        Service(database_url, log, signing_key_file=key) as running,
        httpx.Client(
            base_url=running.url, headers={"Authorization": f"Bearer {token.strip()}"}, timeout=30
        ) as http,
    ):
        events = list(told())
        _post(http, events)
        proofs = {
            each["id"]: http.get(f"/v1/events/{each['id']}?proof=true").json()
            for each in _named(events)
        }
        needles = Needles((MARK, ACCENTED, LATER), tuple(each["salt"] for each in proofs.values()))
        before = held(needles, answers(http))
        etag = http.get("/v1/policies/erased-one").headers["etag"]
        held_rows = held(needles, rows(database_url).items())
        _post(http, list(erasures()))
        yield Erased(http, needles, directory, database_url, proofs, before, held_rows, etag)


def _named(events: Iterable[Json]) -> Iterator[Json]:
    return (each for each in events if "id" in each)


def _post(http: httpx.Client, events: list[Json]) -> None:
    for number, event in enumerate(events, 1):
        wait = {"wait": "proof"} if number == len(events) else {}
        answer = http.post("/v1/events", params=wait, json=event)
        assert answer.status_code == 201, answer.text


def walk(http: httpx.Client) -> dict[str, list[str]]:
    """Return what to ask for each operation that reads; all of it is about what is erased."""
    head = int(http.get("/v1/events?limit=1").headers["Timeline-Position"])
    ids = [each["id"] for each in _named(told())]
    known = [f"known_position={position}" for position in range(75, head + 1)]
    policies = ["erased-one", "beside"]
    return {
        "listEvents": [
            "/v1/events?limit=500",
            f"/v1/events?topic={MARK}",
            f"/v1/events?actor={MARK}",
        ],
        "getEvent": [f"/v1/events/{id}?proof=true" for id in ids],
        "listActions": [f"/v1/timeline?policy={policies[0]}&{each}" for each in ["", *known]]
        + ["/v1/timeline?limit=500", "/v1/timeline?around=beside"]
        + [f"/v1/timeline?format={form}&{each}" for form in TIMELINE for each in ["", *known[-2:]]]
        + [f"/v1/timeline?format={form}&{each}" for form in ("atom", "ics") for each in known],
        "drawPicture": [f"/v1/picture?policy={policies[0]}&{each}" for each in ["", *known]]
        + ["/v1/picture?relations=true"],
        "listPolicies": [f"/v1/policies?limit=500&{each}" for each in ["", *known]]
        + [f"/v1/policies?format={form}&{each}" for form in POLICIES for each in ["", known[-2]]],
        "countPolicies": ["/v1/jurisdictions"],
        "getGraph": [f"/v1/graph?policy={each}" for each in policies],
        "listReviews": ["/v1/review?limit=500"],
        "getPolicy": [f"/v1/policies/{policy}?{each}" for policy in policies for each in known[6:]]
        + [f"/v1/policies/{policy}?format={form}" for policy in policies for form in ONE_POLICY],
        "replayPolicy": [
            f"/v1/policies/{policy}/history?limit=500&format={form}"
            for policy in policies
            for form in HISTORY
        ],
        "listChanges": ["/v1/changes?from=0&limit=500", "/v1/changes?from=75&limit=500"],
        "getVocabulary": ["/v1/vocabulary"],
        "readDate": ["/v1/dates?edtf=2024-11"],
        "replayRecord": ["/v1/audit/replay"],
        "proveInclusion": ["/v1/audit/proof/inclusion?position=76"],
        "proveConsistency": ["/v1/audit/proof/consistency?from=75"],
        "getCheckpoint": ["/log/checkpoint"],
        "getVerifierKeys": ["/log/vkey"],
        "getTile": [f"/log/tile/entries/000.p/{head}", f"/log/tile/0/000.p/{head}"],
        "showPolicies": ["/policies?limit=500", *(f"/policies?{each}" for each in known)],
        "showPolicy": [f"/policies/{policy}?{each}" for policy in policies for each in known[6:]],
        "showChanges": ["/compare?from=0&limit=500", "/compare?from=75&limit=500"],
        "showAudit": ["/audit", "/audit?find=76"],
        "showReplay": [f"/audit/policies/{each}?step={n}" for each in policies for n in (1, 2, 9)],
        "showProof": [f"/audit/events/{id}" for id in ids],
        "showSignIn": ["/sign-in"],
        "showRecordForm": ["/record"],
        "findPolicies": ["/record/policies?q=a"],
        "findAlike": ["/record/alike?title=an+order&jurisdiction=ocd-division/country:us/state:ca"],
        "findPlaces": ["/record/places"],
        "isLive": ["/health/live"],
        "isReady": ["/health/ready"],
        "getMetrics": ["/metrics"],
        "listEntryPoints": ["/"],
        "showDescription": ["/schema"],
        "getDescription": ["/schema/openapi.json"],
        "getAsset": ["/assets/style.css"],
        "explainProblem": ["/problems/event-already-erased"],
    }


def answers(http: httpx.Client) -> Iterator[tuple[str, bytes]]:
    """Yield what every operation that reads answers, headers included, and both streams."""
    asked = walk(http)
    assert set(asked) == {each.id for each in OPERATIONS if each.method == "get"}
    for target in (target for targets in asked.values() for target in targets):
        answer = http.get(target)
        assert answer.status_code == 200, (target, answer.text)
        yield target, answer.content + repr(answer.headers).encode()
    yield "lines", http.get("/v1/events", headers={"Accept": NDJSON}).content
    head = int(http.get("/v1/events?limit=1").headers["Timeline-Position"])
    with http.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as stream:
        lines: list[str] = []
        for line in stream.iter_lines():
            lines.append(line)
            if line == f"id: {head}":
                break
    yield "server-sent events", "\n".join(lines).encode()


def rows(database_url: str) -> dict[str, bytes]:
    """Return all that each table holds, as bytes."""
    engine = create_engine(database_url)
    tables = MetaData()
    tables.reflect(engine)
    found = {}
    with engine.connect() as connection:
        for table in tables.tables.values():
            held = [value for row in connection.execute(select(table)) for value in row]
            found[table.name] = b"\n".join(
                bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                for value in held
            )
    engine.dispose()
    return found


def held(needles: Needles, places: Iterable[tuple[str, bytes]]) -> dict[str, list[str]]:
    """Return the places that hold any needles, each with those."""
    return {name: found for name, each in places if (found := needles.found_in(each))}


def files(database_url: str, directory: Path) -> dict[str, bytes]:
    """Return an SQLite database's files, and all else that the service wrote."""
    path = Path(make_url(database_url).database or "") if "sqlite" in database_url else None
    beside = [] if path is None else list(path.parent.glob(f"{path.name}*"))
    return {
        each.name: each.read_bytes() for each in {*beside, *directory.glob("*")} if each.is_file()
    }


def test_what_is_erased_is_found_nowhere(erased: Erased) -> None:
    """No answer, no table, no log line and, after `timeline vacuum`, no file holds it or its salt."""
    http, needles, database_url = erased.http, erased.needles, erased.database_url
    assert {"/v1/events?limit=500", "lines", "server-sent events"} <= set(erased.held)
    assert {"log_payloads", "log_tags", "streams"} <= set(erased.held_rows)

    vacuumed = timeline("vacuum", "--quiet", database_url=database_url)

    assert held(needles, answers(http)) == {}
    assert held(needles, rows(database_url).items()) == {}
    assert held(needles, files(database_url, erased.directory).items()) == {}
    assert vacuumed.startswith("Written anew.")
    assert b"POST" in (erased.directory / "service.log").read_bytes()
    fresh = http.get("/v1/policies/erased-one", headers={"If-None-Match": erased.etag})
    assert fresh.status_code == 200


def test_the_proof_of_an_erased_entry_still_verifies(erased: Erased) -> None:
    """The entry is what it was, and is in the log that was signed since; who erased it is said."""
    http = erased.http

    (key,) = KeyFile(erased.directory / "log.key").read()
    for id, was in ((id, erased.proofs[id]) for id in (ACTION, REGISTRATION)):
        event: dict[str, Any] = http.get(f"/v1/events/{id}?proof=true").json()
        proof = event["proof"]
        checkpoint, _ = opened(proof["checkpoint"].encode(), [key.verifier])
        leaf = leaf_hash(event["entry"].encode())
        hashes = [bytes.fromhex(each) for each in proof["hashes"]]
        check_inclusion(event["position"] - 1, checkpoint.size, leaf, hashes, checkpoint.root)
        assert (event["entry"], event["data"], event["salt"]) == (was["entry"], None, None)
        assert event["erasure"]["authority"] == "Court of Example, 7 K 12"
