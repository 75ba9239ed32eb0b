"""The Los Angeles story over HTTP: imported as a user would, read as a user would."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import service, timeline
from shared_files import shared

STORY = Path(__file__).parents[2] / "examples" / "los-angeles.ndjson"
AROUND = {"around": "la-ordinance-188441", "depth": "3"}
CHAPTERS = (
    ("la-executive-directive-20", "issued"),
    ("la-ordinance-188441", "introduced"),
    ("la-ordinance-188441", "advanced"),
    ("lausd-reaffirmation-2024", "passed"),
    ("la-ordinance-188441", "passed"),
    ("boston-trust-act-reaffirmation-2024", "passed"),
    ("la-ordinance-188441", "signed"),
    ("la-ordinance-188441", "took_effect"),
    ("us-v-los-angeles-2025", "filed"),
    ("nyc-local-law-63-2026", "override_passed"),
    ("us-v-los-angeles-2025", "dismissed"),
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Give a client of a service that holds the story."""
    directory = tmp_path_factory.mktemp("story")
    url = f"sqlite:///{directory / 'timeline.db'}"
    timeline("migrate", database_url=url)
    timeline("import", str(STORY), database_url=url)
    with (
        service(url, directory) as running,
        httpx.Client(base_url=running.url, timeout=10) as client,
    ):
        yield client


def _get(api: httpx.Client, path: str, **parameters: str) -> dict[str, Any]:
    answer = api.get(path, params=parameters)
    assert answer.status_code == httpx.codes.OK, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_the_whole_story_is_told_in_order(api: httpx.Client) -> None:
    """Around the ordinance: directive, ordinance, school board, Boston, New York, lawsuit."""
    items = _get(api, "/v1/timeline", **AROUND)["items"]

    told = [(item["policy"], item["action"]) for item in items]
    assert [each for each in told if each in CHAPTERS] == list(CHAPTERS)
    assert ("us-homan-statement-2024", "stated") in told, "the federal response"
    earliest = [item["occurred"]["earliest"] for item in items]
    assert earliest == sorted(earliest)


@pytest.mark.parametrize(
    ("as_of", "force", "in_force"),
    [("2024-11-25", "not_enacted", "no"), ("2024-12-15", "in_force", "yes")],
)
def test_the_first_vote_did_not_bring_it_into_force(
    api: httpx.Client, as_of: str, force: str, in_force: str
) -> None:
    """The vote of 2024-11-19 only advanced the ordinance; a second was needed."""
    policy = _get(api, "/v1/policies/la-ordinance-188441", as_of=as_of)

    assert (policy["force"], policy["in_force"]) == (force, in_force)


def test_before_the_correction_the_record_said_passed(api: httpx.Client) -> None:
    """What the record believed first stays readable at its position."""
    history = _get(api, "/v1/policies/la-ordinance-188441/history", as_of="2024-11-25")["items"]
    (correction,) = [step for step in history if step["event"]["type"] == "ActionCorrected"]

    assert correction["changed"]["stage"] == ["passed", "advanced"]
    before = _get(
        api,
        "/v1/policies/la-ordinance-188441",
        as_of="2024-11-25",
        known_position=str(correction["event"]["position"] - 1),
    )
    assert before["stage"] == "passed"


def _evidence(api: httpx.Client) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Yield every source that the API shows, with the date that it stands for."""
    items = _get(api, "/v1/timeline", **AROUND)["items"]
    for item in items:
        for source in item["sources"]:
            yield source, item["occurred"]["edtf"]
    for policy in sorted({item["policy"] for item in items}):
        page = _get(api, f"/v1/policies/{policy}")
        for source in page["sources"]:
            yield source, None
        for dispute in page["disputes"]:
            yield dispute["source"], dispute["claim"]["value"]


def test_all_claims_are_found_again_with_their_sources(api: httpx.Client) -> None:
    """Each of the 18 claims that the story was made from shows with its source and its date."""
    lines = shared("seed/la_sanctuary_claims.jsonl").read_text().splitlines()
    claims = [json.loads(line) for line in lines]
    evidence = [(source.get("url") or source["citation"], date) for source, date in _evidence(api)]

    missing = [
        claim["n"]
        for claim in claims
        if not any(
            _same_source(claim, address) and claim.get("date_edtf") in {date, None}
            for address, date in evidence
        )
    ]

    assert len(claims) == 18
    assert missing == []


def _same_source(claim: dict[str, Any], address: str) -> bool:
    if claim["source_url"].startswith("http"):
        return bool(claim["source_url"] == address)
    return "2:25-cv-05917" in address and "tracker" in address.casefold()
