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


@pytest.mark.parametrize(
    ("as_of", "in_force"),
    [
        ("2016-12-31", "no"),
        ("2017-06-01", "maybe"),
        ("2018-06-01", "maybe"),
        ("2019-06-01", "maybe"),
        ("2020-01-01", "yes"),
    ],
)
def test_since_when_the_directive_exists_is_disputed(
    api: httpx.Client, as_of: str, in_force: str
) -> None:
    """One paper dates it 2017, two date it 2019, and no one gives a day."""
    policy = _get(api, "/v1/policies/la-executive-directive-20", as_of=as_of)

    assert (policy["in_force"], policy["disputed"]) == (in_force, True)


def test_the_directive_may_be_of_2017_since_a_source_says_so(api: httpx.Client) -> None:
    """The value served is the believed one; before that source, 2017 was a plain no."""
    path = "/v1/policies/la-executive-directive-20"
    policy = _get(api, path, as_of="2018-06-01")
    (dispute,) = policy["disputes"]

    assert (policy["force"], policy["stage"]) == ("not_enacted", None)
    assert set(policy["possible"]["force"]) == {"not_enacted", "in_force"}
    assert (dispute["claim"]["value"], dispute["settled_by"]) == ("2017", None)
    assert dispute["by"] in policy["decided_by"]["force"]
    said = api.get(f"/v1/events/{dispute['by']}").json()["position"]
    before = _get(api, path, as_of="2018-06-01", known_position=str(said - 1))
    assert (before["in_force"], before["disputed"]) == ("no", False)


def test_what_the_record_said_before_each_correction(api: httpx.Client) -> None:
    """At its position the action reads as corrected, at the position before as it was."""
    corrections = _get(api, "/v1/events", type="ActionCorrected")["items"]
    told = {}
    for correction in corrections:
        event, policy = correction["data"]["event"], correction["policy"]
        for step, position in enumerate((correction["position"] - 1, correction["position"])):
            page = _get(api, f"/v1/policies/{policy}", known_position=str(position))
            (action,) = [each for each in page["actions"] if each["event"] == event]
            assert action["corrected"] == bool(step)
            told[policy, step] = action

    assert [told["la-ordinance-188441", step]["action"] for step in (0, 1)] == [
        "passed",
        "advanced",
    ]
    ours = "lausd-reaffirmation-2024"
    before, after = (told[ours, step]["actors"] for step in (0, 1))
    assert [actor["name"] for actor in before] == [actor["name"] for actor in after]
    assert after[0]["role"] == "school board president" != before[0]["role"]


@pytest.mark.parametrize(
    ("as_of", "force", "reason"),
    [("2025-12-31", "in_force", None), ("2026-01-01", "no_longer_in_force", "repealed")],
)
def test_an_order_that_revokes_by_selector_ended_executive_order_50(
    api: httpx.Client, as_of: str, force: str, reason: str | None
) -> None:
    """All orders since 2024-09-26 that were in force on 2025-12-31, without naming it."""
    policy = _get(api, "/v1/policies/nyc-executive-order-50-2025", as_of=as_of)

    assert (policy["force"], policy["force_reason"]) == (force, reason)


def test_the_selector_ends_no_other_order(api: httpx.Client) -> None:
    """Neither older ones, nor later ones, nor itself; and nothing before it was recorded."""
    city = "ocd-division/country:us/state:ny/place:new_york"
    new_york = {"jurisdiction": city, "instrument": "executive_order", "as_of": "2026-03-01"}
    (relation,) = (
        each
        for each in _get(api, "/v1/events", type="RelationAsserted", limit="500")["items"]
        if "selector" in each["data"]["target"]
    )
    before = str(relation["position"] - 1)

    def ended(**asked: str) -> dict[str, str]:
        items = _get(api, "/v1/policies", force="no_longer_in_force", **new_york, **asked)["items"]
        return {each["policy"]: each["force_reason"] for each in items}

    repealed = {"nyc-executive-order-50-2025": "repealed"}
    older = {"nyc-executive-order-124-1989": "repealed"}
    assert ended() == older | repealed
    assert ended(known_position=before) == older
    page = _get(api, "/v1/policies/nyc-executive-order-50-2025", as_of="2026-03-01")
    assert relation["id"] in page["decided_by"]["force"]
    assert [each["event"] for each in page["actions"] if each["action"] == "repealed"] == [
        relation["id"]
    ]


def test_what_an_action_and_a_relation_tell_is_told_once(api: httpx.Client) -> None:
    """The order of 1989 was repealed by that of 2003: one item, by that order."""
    items = _get(api, "/v1/timeline", policy="nyc-executive-order-124-1989")["items"]

    assert [(each["action"], each["occurred"]["edtf"]) for each in items] == [
        ("issued", "1989-08-07"),
        ("repealed", "2003-05-13"),
    ]
    assert items[1]["by"] == {"policy": "nyc-executive-order-34-2003"}


def test_the_lawsuit_left_the_ordinance_in_force(api: httpx.Client) -> None:
    """Challenged from its filing until its dismissal, never enjoined."""
    periods = _get(api, "/v1/policies/la-ordinance-188441")["periods"]

    told = [(each["from"], each["litigation"], each["in_force"]) for each in periods]
    assert ("2025-06-30", "challenged", "yes") in told
    assert ("2026-06-20", "dismissed", "yes") in told


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
