"""The Los Angeles example tells what its sources say, each claim with its address and date.

Owns the checks of the file itself and of its README's figures. Must not know how the service
stores or answers it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import pytest

from shared_files import shared
from timeline.domain.decide import decide
from timeline.domain.events import decode_data
from timeline.domain.evolve import evolve
from timeline.domain.situation import Proposal, Situation
from timeline.domain.vocabulary import EventType

Line = dict[str, Any]

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
ORDINANCE: Final = "la-ordinance-188441"
FIRST_PAGE: Final = 50
COPIED_WORDS: Final = 7
"""So many words in a row, the same as in the article, count as copied."""

THREAD: Final = {
    "nyc 1989-EO-124": "nyc-executive-order-124-1989",
    "nyc 2003-EO-034": "nyc-executive-order-34-2003",
    "nyc 2003-EO-041": "nyc-executive-order-41-2003",
    "LL 2017/228 (Int 1568-2017)": "nyc-local-law-228-2017",
    "nyc 2025-EO-050": "nyc-executive-order-50-2025",
    "Int 1412-2025": "nyc-local-law-63-2026",
    "nyc 2026-EO-001": "nyc-executive-order-1-2026",
    "nyc 2026-EO-013": "nyc-executive-order-13-2026",
}
"""The New York thread's names for what the example registers."""


class Statement(NamedTuple):
    """A source's address, the date that the record keeps from it, and the event that does."""

    address: str
    date: str | None
    event: str


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    """Return the example, a JSON object a line."""
    text = (EXAMPLES / "los-angeles.ndjson").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def readme() -> str:
    """Return the README beside it."""
    return (EXAMPLES / "README.md").read_text(encoding="utf-8")


def of_type(lines: list[Line], type: str) -> list[Line]:
    """Return the lines of one type."""
    return [line for line in lines if line["type"] == type]


def seed(name: str) -> list[Line]:
    """Return a file of facts that the example was written from."""
    text = shared(f"seed/{name}").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def address(source: dict[str, str]) -> str:
    """Return where a source is: its URL, else its citation."""
    return source.get("url") or source["citation"]


def statements(lines: list[Line]) -> Iterator[Statement]:
    """Yield what each source of the example is a source of."""
    occurred = {line["id"]: line["data"].get("occurred") for line in lines}
    for line in lines:
        data, id = line["data"], line["id"]
        date = occurred[data["event"]] if "event" in data else data.get("occurred")
        if line["type"] == "SourceAttached":
            yield Statement(address(data["source"]), date, id)
            if data.get("claim", {}).get("field") == "occurred":
                yield Statement(address(data["source"]), data["claim"]["value"], id)
        for source in (*data.get("sources", ()), *data.get("changes", {}).get("sources", ())):
            yield Statement(address(source), date, id)


def texts(value: object) -> Iterator[str]:
    """Yield every text in a JSON value but addresses."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name != "url":
                yield from texts(item)


def runs(text: str) -> set[tuple[str, ...]]:
    """Return every run of words that is long enough to count as copied."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return {
        tuple(words[start : start + COPIED_WORDS]) for start in range(len(words) - COPIED_WORDS + 1)
    }


def claim_rows(readme: str) -> list[tuple[str, str, str]]:
    """Return the rows of the README's table of claims: claim, line, event."""
    row = re.compile(r"^\| (\d+) \| .* \| (\d+) \| `([0-9a-f-]{36})` \|$", re.MULTILINE)
    return row.findall(readme)


def test_a_line_has_the_four_fields_that_an_import_needs(lines: list[Line]) -> None:
    """A line is an id, a policy, a type and data; nothing else."""
    assert {tuple(line) for line in lines} == {("id", "policy", "type", "data")}


def test_ids_are_uuid7_each_later_than_the_one_before(lines: list[Line]) -> None:
    """Ids are fixed, unique, lower case, of version 7, and increase by line."""
    ids = [line["id"] for line in lines]

    parsed = [UUID(id) for id in ids]

    assert [str(each) for each in parsed] == ids
    assert {(each.version, each.variant) for each in parsed} == {
        (7, "specified in RFC 4122"),
    }
    assert ids == sorted(set(ids))


def test_the_domain_reads_and_accepts_every_line_in_order(lines: list[Line]) -> None:
    """Every payload is well formed, and every event may follow those before it."""
    situation = Situation()

    for position, line in enumerate(lines, start=1):
        type = EventType(line["type"])
        proposal = Proposal(line["id"], line["policy"], type, decode_data(type, line["data"]))
        decide(situation, proposal)
        evolve(situation, proposal, position)

    registered = {line["policy"] for line in of_type(lines, "PolicyRegistered")}
    assert set(situation.streams) == registered


def test_a_relation_points_at_a_policy_registered_before_it(lines: list[Line]) -> None:
    """A policy is registered on an earlier line than what happens to it or points at it."""
    registered: set[str] = set()

    for line in lines:
        if line["type"] == "PolicyRegistered":
            assert line["policy"] not in registered
            registered.add(line["policy"])
        assert line["policy"] in registered
        target = line["data"].get("target", {}).get("policy")
        assert target is None or target in registered - {line["policy"]}


def test_what_names_an_event_names_an_earlier_one_of_its_policy(lines: list[Line]) -> None:
    """Corrections, retractions, sources and settlements stay in the stream of what they name."""
    owners: dict[str, str] = {}

    for line in lines:
        named = [line["data"]["event"]] if "event" in line["data"] else []
        for event in (*named, *line["data"].get("settles", ())):
            assert owners[event] == line["policy"]
        owners[line["id"]] = line["policy"]


def test_the_story_fits_on_a_first_page(lines: list[Line]) -> None:
    """The actions and relations together are no more than a page of the timeline holds."""
    dated = of_type(lines, "ActionRecorded") + of_type(lines, "RelationAsserted")

    assert len(dated) <= FIRST_PAGE


def test_every_policy_is_within_three_relations_of_the_ordinance(lines: list[Line]) -> None:
    """Who asks for the ordinance and what is around it, at depth 3, gets the whole story."""
    edges = [
        {line["policy"], line["data"]["target"]["policy"]}
        for line in of_type(lines, "RelationAsserted")
        if "policy" in line["data"]["target"]
    ]

    reached = {ORDINANCE}
    for _ in range(3):
        reached |= {policy for edge in edges if edge & reached for policy in edge}

    assert reached == {line["policy"] for line in of_type(lines, "PolicyRegistered")}


def test_the_first_vote_is_put_right_and_the_dispute_settled(lines: list[Line]) -> None:
    """A report of a final vote is disputed, then corrected to a first vote, which settles it."""
    corrected = [line["data"] for line in of_type(lines, "ActionCorrected")]
    correction = next(data for data in corrected if data["changes"].get("action"))
    original = next(line for line in lines if line["id"] == correction["event"])
    dispute = next(line for line in lines if line["id"] in correction["settles"])

    assert original["policy"] == ORDINANCE
    assert original["data"]["action"] == "passed"
    assert dispute["data"]["event"] == original["id"]
    assert dispute["data"]["claim"] == {"field": "action", "value": "advanced"}
    assert correction["changes"]["action"] == "advanced"


def test_the_school_board_gets_its_president_back(lines: list[Line]) -> None:
    """The article's title for Jackie Goldberg is on record, and so is its correction."""
    roles = [
        actor["role"]
        for line in lines
        for actor in line["data"].get("changes", line["data"]).get("actors", ())
        if actor["name"] == "Jackie Goldberg"
    ]

    assert roles == ["council president", "school board president"]


def test_open_disputes_stay_open(lines: list[Line]) -> None:
    """Nobody settled the directive's year or the day on which the ordinance took effect."""
    settled = {
        event
        for line in of_type(lines, "ActionCorrected")
        for event in line["data"].get("settles", ())
    }
    disputes = [line for line in of_type(lines, "SourceAttached") if "claim" in line["data"]]

    open_claims = {
        (line["policy"], line["data"]["claim"]["field"], line["data"]["claim"]["value"])
        for line in disputes
        if line["id"] not in settled
    }

    assert open_claims == {
        ("la-executive-directive-20", "occurred", "2017"),
        (ORDINANCE, "occurred", "2024-12-04/2024-12-09"),
    }


def test_inferred_relations_say_so_and_change_no_force(lines: list[Line]) -> None:
    """What no document states has an editor's inference as its source, and no legal effect."""
    inferred = [
        line["data"]
        for line in of_type(lines, "RelationAsserted")
        if address(line["data"]["sources"][0]).startswith("Editor's inference: ")
    ]

    assert {data["relation"] for data in inferred} == {"amends", "conflicts_with", "similar_to"}
    assert {data["sources"][0]["class"] for data in inferred} == {"secondary"}
    assert all("inferred" in data["sources"][0]["locator"] for data in inferred)


def test_the_bulk_repeal_names_its_orders_by_selector(lines: list[Line]) -> None:
    """New York's first order of 2026 repeals by date and force, not by name."""
    repeal = next(
        line["data"]
        for line in of_type(lines, "RelationAsserted")
        if line["policy"] == "nyc-executive-order-1-2026" and "selector" in line["data"]["target"]
    )

    assert repeal["relation"] == "repeals"
    assert repeal["target"]["selector"] == {
        "jurisdiction": "ocd-division/country:us/state:ny/place:new_york",
        "instrument": "executive_order",
        "occurred_from": "2024-09-26",
        "in_force_on": "2025-12-31",
    }


def test_every_claim_is_on_record_with_its_source_and_date(lines: list[Line], readme: str) -> None:
    """The event that the README names for a claim has that claim's very address and date."""
    claims = {str(claim["n"]): claim for claim in seed("la_sanctuary_claims.jsonl")}
    events = {number: id for number, _, id in claim_rows(readme)}
    recorded = set(statements(lines))
    undated = {statement._replace(date=None) for statement in recorded}

    missing = [
        number
        for number, claim in claims.items()
        if Statement(claim["source_url"], claim.get("date_edtf"), events[number])
        not in (recorded if "date_edtf" in claim else undated)
    ]

    assert len(claims) == 18
    assert missing == []


def test_the_ordinance_is_known_by_its_number_from_that_source(lines: list[Line]) -> None:
    """The claim without a date is the ordinance's number and title."""
    claim = next(each for each in seed("la_sanctuary_claims.jsonl") if each["n"] == 11)
    registration = next(
        line["data"] for line in of_type(lines, "PolicyRegistered") if line["policy"] == ORDINANCE
    )

    assert registration["identifiers"] == [{"scheme": "ordinance", "value": "188441"}]
    assert registration["title"] in claim["claim"]
    assert claim["source_url"] in map(address, registration["sources"])


def test_every_fact_of_the_new_york_thread_is_on_record(lines: list[Line]) -> None:
    """Each date of the thread is an action's date on the policy it belongs to."""
    actions = {(line["policy"], line["data"].get("occurred")) for line in lines}
    facts = seed("nyc_sanctuary_thread.jsonl")

    assert len(facts) == 10
    assert {(THREAD[fact["id"]], fact["date"]) for fact in facts} <= actions


def test_no_sentence_of_the_article_is_copied(lines: list[Line]) -> None:
    """Facts are taken from the article, its words are not; the README keeps to that too."""
    article = runs(shared("seed/article.txt").read_text(encoding="utf-8"))
    written = [text for line in lines for text in texts(line["data"])]
    written.append((EXAMPLES / "README.md").read_text(encoding="utf-8"))

    copied = {" ".join(run) for text in written for run in runs(text) & article}

    assert copied == set()


def test_the_readme_names_the_event_of_every_claim(lines: list[Line], readme: str) -> None:
    """The README's table leads from each claim's number to a line of the file."""
    rows = claim_rows(readme)

    assert [int(number) for number, _, _ in rows] == list(range(1, 19))
    assert all(lines[int(line) - 1]["id"] == id for _, line, id in rows)


def test_the_readme_points_at_every_relation(lines: list[Line], readme: str) -> None:
    """The README's list of relations gives the lines of each kind, and leaves none out."""
    listed = {
        relation: [int(number) for number in re.findall(r"\d+", numbers)]
        for relation, numbers in re.findall(
            r"^\| `([a-z_]+)` \| ([\d, ]+) \|", readme, re.MULTILINE
        )
    }

    actual: dict[str, list[int]] = {}
    for number, line in enumerate(lines, start=1):
        if line["type"] == "RelationAsserted":
            actual.setdefault(line["data"]["relation"], []).append(number)

    assert listed == actual
