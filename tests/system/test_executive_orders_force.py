"""What the force of each US executive order was on any date, given what the orders did to each other.

The answers are compared with an oracle that reads the rows of the two CSV files by itself.
"""

from datetime import date, timedelta
from typing import Final

import pytest

from executive_orders import Json
from executive_orders_oracle import ENDING, Answer, Oracle
from executive_orders_service import get, listed
from http_client import Client
from timeline.importers.executive_orders import Edge, Order, policy_id

DATES: Final = (
    "1993-12-29",
    "1995-06-30",
    "1998-12-31",
    "1999-09-29",
    "1999-09-30",
    "2001-09-11",
    "2003-09-30",
    "2003-10-01",
    "2004-06-01",
    "2005-09-29",
    "2007-01-01",
    "2009-09-30",
    "2009-10-01",
    "2010-12-28",
    "2010-12-29",
    "2011-09-30",
    "2011-10-01",
    "2012-07-30",
    "2026-01-01",
)
"""Before the first order and after the last, and both sides of days on which much ends."""

NOT_LISTED: Final = Answer("not_enacted", frozenset({"not_enacted"}), "no")
"""A policy without any action by then is left out of listings."""


@pytest.fixture(scope="module")
def oracle(orders: list[Order], edges: list[Edge]) -> Oracle:
    """Return what answers from the rows."""
    return Oracle(orders, edges)


def _answer(item: Json) -> Answer:
    """Return what an item, or a period, says of force."""
    possible = item["possible"].get("force", [item["force"]])
    return Answer(item["force"], frozenset(possible), item["in_force"])


def _on(periods: list[Json], day: date) -> Answer:
    """Return what a policy's periods say of a day."""
    for period in periods:
        begins, ends = period["from"] or "0001-01-01", period["until"] or "9999-12-31"
        if begins <= day.isoformat() <= ends:
            return _answer(period)
    return NOT_LISTED


def _page(client: Client, number: str, day: str) -> Json:
    return get(client, f"/v1/policies/{policy_id(number)}?as_of={day}")


@pytest.mark.parametrize("day", DATES)
def test_all_orders_have_the_force_that_the_notes_give_them(
    client: Client, orders: list[Order], oracle: Oracle, day: str
) -> None:
    """The listing of a date gives the force of each of the 733 orders on it."""
    items = {item["policy"]: _answer(item) for item in listed(client, f"as_of={day}")}

    answers = {order.number: items.get(policy_id(order.number), NOT_LISTED) for order in orders}
    expected = {
        order.number: oracle.answer(order.number, date.fromisoformat(day)) for order in orders
    }
    assert answers == expected


@pytest.mark.parametrize(("in_force", "count"), [("yes", 595), ("no", 136), ("maybe", 2)])
def test_orders_are_found_by_whether_they_are_in_force(
    client: Client, orders: list[Order], oracle: Oracle, in_force: str, count: int
) -> None:
    """The filter `in_force` finds the orders whose answer that is, and no others."""
    day = date.fromisoformat("2012-07-30")

    found = {item["policy"] for item in listed(client, f"as_of={day}&in_force={in_force}")}

    assert found == {
        policy_id(order.number)
        for order in orders
        if oracle.answer(order.number, day).in_force == in_force
    }
    assert len(found) == count


def test_periods_give_the_force_on_every_day(pages: dict[str, Json], oracle: Oracle) -> None:
    """Each order's periods agree with the notes on every day on which either of them turns."""
    wrong = {}
    for number, page in pages.items():
        turns = {date.fromisoformat(each["from"]) for each in page["periods"] if each["from"]}
        for turn in turns.union(oracle.days(number)):
            for day in (turn - timedelta(days=1), turn):
                expected, given = oracle.answer(number, day), _on(page["periods"], day)
                if given != expected:
                    wrong[number, day.isoformat()] = (given, expected)

    assert wrong == {}


def test_revoking_the_revoker_revives_nothing(
    client: Client, orders: list[Order], edges: list[Edge]
) -> None:
    """An order that another ended stays ended once that one is ended in turn."""
    signed = {order.number: order.signed for order in orders}
    ended = [
        (edge.target, edge.actor)
        for edge in edges
        if edge.verb in ENDING
        and not edge.partial
        and not edge.inverse
        and signed.get(edge.target, "9999") < signed[edge.actor]
    ]
    ended_by = dict(ended)
    chains = [(first, ended_by[then]) for first, then in ended if then in ended_by]

    forces = [_page(client, first, signed[last])["force"] for first, last in chains]

    assert len(forces) > 10
    assert set(forces) == {"no_longer_in_force"}


def test_one_who_says_in_part_makes_it_a_maybe(client: Client) -> None:
    """EO 13138 revoked 13010, in part by the latter's note; and superseded 13062 the other way."""
    revoked = _page(client, "13010", "1999-09-30")
    superseded = _page(client, "13062", "1999-09-30")

    assert (revoked["force"], revoked["in_force"]) == ("no_longer_in_force", "maybe")
    assert (superseded["force"], superseded["in_force"]) == ("partially_in_force", "maybe")
    both = {"no_longer_in_force", "partially_in_force"}
    assert set(revoked["possible"]["force"]) == set(superseded["possible"]["force"]) == both


@pytest.mark.parametrize(
    ("number", "day", "force", "reason"),
    [
        ("12994", "2003-09-30", "in_force", None),
        ("12994", "2003-10-01", "no_longer_in_force", "expired"),
        ("12994", "2005-09-29", "in_force", None),
        ("12994", "2011-10-01", "no_longer_in_force", "expired"),
        ("12900", "2001-10-12", "no_longer_in_force", "rescinded"),
        ("13083", "1998-08-04", "in_force", None),
        ("13083", "1998-08-05", "suspended", None),
        ("13083", "1999-08-04", "no_longer_in_force", "rescinded"),
        ("13271", "2009-11-17", "no_longer_in_force", "rescinded"),
        ("13561", "2011-12-19", "no_longer_in_force", "superseded"),
        ("13594", "2011-12-19", "in_force", None),
        ("13355", "2008-07-29", "in_force", None),
        ("13355", "2008-07-30", "no_longer_in_force", "rescinded"),
    ],
)
def test_acts_of_other_orders_decide(
    client: Client, number: str, day: str, force: str, reason: str | None
) -> None:
    """Continued until a day, with a gap; suspended until revoked; terminated; superseded."""
    page = _page(client, number, day)

    assert (page["force"], page["force_reason"]) == (force, reason)
