"""The US executive orders and what their notes say of each other, recorded and read over HTTP.

What is expected is counted from the two CSV files, row by row.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from executive_orders import Json, events
from executive_orders_service import listed, record
from http_client import Client
from timeline.importers.disposition_notes import Verb
from timeline.importers.executive_orders import (
    CONTINUED_UNTIL,
    HEADINGS,
    Edge,
    Order,
    policy_id,
    sides,
)

VERBS: Final = {
    heading: (verb, inverse)
    for verb, both in HEADINGS.items()
    for heading, inverse in zip(both, (False, True), strict=True)
    if verb is not Verb.SEE or not inverse
}


@pytest.fixture(scope="module")
def relations(pages: dict[str, Json]) -> list[Json]:
    """Return every relation once, as the page of the acting order shows it."""
    return [relation for page in pages.values() for relation in page["relations"]["outgoing"]]


@pytest.fixture(scope="module")
def disputes(pages: dict[str, Json]) -> dict[str, Json]:
    """Return every dispute once, by the event that it is about."""
    return {each["event"]: each for page in pages.values() for each in page["disputes"]}


def _number(end: Json) -> str:
    """Return the order that a target or `by` names, in the record or outside it."""
    if "policy" in end:
        return str(end["policy"]).removeprefix("us-executive-order-")
    return _cited(end)


def _cited(end: Json) -> str:
    """Return the order that a citation names."""
    assert end["citation"]["scheme"] == "eo"
    return str(end["citation"]["value"])


def _row(source: Json, actor: str, target: str, scope: str) -> Edge:
    """Return the row that a source states."""
    heading, _, place = source["locator"].partition(": EO ")
    other, _, date = place.partition(", ")
    verb, inverse = VERBS[heading]
    assert other == (actor if inverse else target)
    stated_on = source["citation"].removeprefix("EO ").removesuffix(", disposition notes")
    return Edge(actor, target, verb, scope == "partial", stated_on, inverse, date)


def _told(
    pages: dict[str, Json], relations: list[Json], disputes: dict[str, Json]
) -> Iterator[Edge]:
    """Yield the rows that the record holds, each as often as it holds it."""
    for relation in relations:
        actor, target = _number(relation), _number(relation["target"])
        for source in relation["sources"]:
            yield _row(source, actor, target, relation["scope"])
        if relation["event"] in disputes:
            dispute = disputes[relation["event"]]
            yield _row(dispute["source"], actor, target, dispute["claim"]["value"])
    for number, page in pages.items():
        for action in page["actions"]:
            if "citation" in (action["by"] or {}):
                for source in action["sources"]:
                    yield _row(source, _number(action["by"]), number, action["scope"])


def _known_by(relation: Json) -> tuple[str, str, Verb]:
    """Return what the rows call a relation: acting order, target and verb."""
    verb, _ = VERBS[relation["sources"][0]["locator"].partition(":")[0]]
    return _number(relation), _number(relation["target"]), verb


def test_every_order_is_registered_once(client: Client, orders: list[Order]) -> None:
    """The 733 orders are 733 policies, each found by its number."""
    found = listed(client, "instrument=executive_order")

    assert len(found) == len(orders) == 733
    assert {item["policy"]: item["identifiers"] for item in found} == {
        policy_id(order.number): [{"scheme": "eo", "value": order.number}] for order in orders
    }
    (one,) = listed(client, "identifier=eo:13526")
    assert one["policy"] == "us-executive-order-13526"


def test_every_edge_is_in_the_record_exactly_once(
    pages: dict[str, Json],
    relations: list[Json],
    disputes: dict[str, Json],
    edges: list[Edge],
) -> None:
    """All 1,469 rows can be read back, with their side, their date and "in part", none twice."""
    told = Counter(_told(pages, relations, disputes))

    assert told == Counter(edges)
    assert (told.total(), max(told.values())) == (1_469, 1)


def test_each_verb_is_its_relation(relations: list[Json]) -> None:
    """Revoking and terminating rescind, seeing cites; the other verbs are their own relation."""
    assert {(_known_by(each)[2], each["relation"]) for each in relations} == {
        ("amends", "amends"),
        ("continues", "continues"),
        ("revokes", "rescinds"),
        ("see", "cites"),
        ("supersedes", "supersedes"),
        ("supplements", "supplements"),
        ("suspends", "suspends"),
        ("terminates", "rescinds"),
    }


def test_see_edges_are_citations(relations: list[Json], edges: list[Edge]) -> None:
    """The 477 "see" edges are `cites`, directed as stated, and nothing else is."""
    cites = [_known_by(relation) for relation in relations if relation["relation"] == "cites"]

    assert sorted(cites) == sorted(edge.relation for edge in edges if edge.verb == "see")
    assert len(cites) == 477


def test_orders_outside_the_set_are_cited(
    pages: dict[str, Json], relations: list[Json], edges: list[Edge]
) -> None:
    """What is not in the record is a citation that resolves to nothing; what is, to its policy."""
    outside = [relation for relation in relations if _number(relation["target"]) not in pages]
    inside = [relation for relation in relations if _number(relation["target"]) in pages]
    acting = [
        (_number(action["by"]), number)
        for number, page in pages.items()
        for action in page["actions"]
        if "citation" in (action["by"] or {})
    ]

    assert Counter(map(_known_by, outside)) == Counter(
        edge.relation for edge in edges if edge.target not in pages
    )
    assert len(outside) == 434
    assert [relation for relation in outside if relation["resolves_to"]] == []
    assert all(
        relation["resolves_to"] == [policy_id(_number(relation["target"]))] for relation in inside
    )
    assert sorted(acting) == [("12333", "13354"), ("12333", "13355")]


def test_relations_are_shown_from_both_sides(pages: dict[str, Json], relations: list[Json]) -> None:
    """A relation within the set stands on both pages, on its target's as an incoming one."""
    arriving = {
        (number, relation["event"])
        for number, page in pages.items()
        for relation in page["relations"]["incoming"]
    }

    assert arriving == {
        (_number(relation["target"]), relation["event"])
        for relation in relations
        if relation["resolves_to"]
    }


def test_what_only_one_side_states_has_one_source(
    pages: dict[str, Json], relations: list[Json], edges: list[Edge]
) -> None:
    """Where one side is silent, or outside the set, the relation rests on a single source."""
    expected = {
        said[0].relation
        for said in sides(edges)
        if len(said) == 1 and said[0].actor in pages and said[0].verb != "see"
    }
    within = {relation for relation in expected if relation[1] in pages}

    single = {
        _known_by(relation)
        for relation in relations
        if len(relation["sources"]) == 1
        and not relation["disputed"]
        and relation["relation"] != "cites"
    }

    assert single == expected
    assert (len(within), len(single)) == (116, 424)


def test_sides_that_disagree_are_disputes(
    pages: dict[str, Json], relations: list[Json], disputes: dict[str, Json], edges: list[Edge]
) -> None:
    """Where only one side says "in part", the acting order's own note is believed and disputed."""
    expected = {
        own.relation: (own.scope, other.scope)
        for own, *others in sides(edges)
        for other in others
        if other.partial != own.partial
    }

    disputed = {
        _known_by(relation): (relation["scope"], disputes[relation["event"]]["claim"]["value"])
        for relation in relations
        if relation["disputed"]
    }

    assert disputed == expected
    assert sorted(disputed) == [
        ("13062", "13038", "amends"),
        ("13062", "13054", "amends"),
        ("13138", "13010", "revokes"),
        ("13138", "13062", "supersedes"),
    ]
    assert {dispute["claim"]["field"] for dispute in disputes.values()} == {"scope"}
    assert all(dispute["settled_by"] is None for dispute in disputes.values())
    assert all(pages[actor]["disputed"] for actor, _, _ in disputed)


def test_sides_that_agree_are_two_sources(relations: list[Json], edges: list[Edge]) -> None:
    """What both orders state alike is one relation with both notes as its sources."""
    expected = {
        said[0].relation
        for said in sides(edges)
        if len(said) == 2 and said[0].partial == said[1].partial
    }

    supported = {_known_by(each) for each in relations if len(each["sources"]) == 2}

    assert supported == expected
    assert len(supported) == 279


def test_orders_are_continued_until_a_date(relations: list[Json], edges: list[Edge]) -> None:
    """A `continues` lasts until what the continuing order says; no other relation has an end."""
    until = {_known_by(each): each["until"]["edtf"] for each in relations if each["until"]}

    assert until == {
        edge.relation: CONTINUED_UNTIL[edge.actor] for edge in edges if edge.verb == "continues"
    }
    assert sorted(day for (_, target, _), day in until.items() if target == "12905") == [
        "2003-09-30",
        "2005-09-30",
        "2007-09-30",
        "2009-09-30",
        "2011-09-30",
    ]


def test_recording_the_orders_again_adds_nothing(
    client: Client, orders: list[Order], edges: list[Edge]
) -> None:
    """The mapping gives each event the same id each time, so that a second import is none."""
    head = client.application.store.head().position

    record(client, list(events(orders, edges)))

    assert client.application.store.head().position == head == 2_935
