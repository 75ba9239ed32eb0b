"""How a picture is laid out."""

from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.domain.vocabulary import Relation
from timeline.http.pages.drawing import draw
from timeline.http.pages.labels import label
from timeline.http.pages.scales import Scale, windows

DAYS = st.dates(min_value=date(1, 1, 1), max_value=date(9998, 12, 31))


def picture(first: date, last: date, **lane: Any) -> dict[str, Any]:
    """Return a picture with one lane."""
    given = {
        "level": "city",
        "places": 1,
        "actions": 1,
        "in_force": {"yes": 1, "maybe": 0},
        "differs": None,
        "policies": [],
        "more_policies": 0,
        "marks": [],
        "counts": [],
        "over_time": [],
        **lane,
    }
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "on": last.isoformat(),
        "as_of": None,
        "lanes": [given],
        "relations": [],
    }


def mark(earliest: str | None, latest: str | None) -> dict[str, Any]:
    """Return an action of a policy that no line is drawn of."""
    return {
        "policy": "a",
        "action": "passed",
        "occurred": {"earliest": earliest, "latest": latest},
    }


@given(DAYS, st.integers(0, 3_000_000))
def test_an_axis_names_few_days_whatever_the_window_is(first: date, days: int) -> None:
    """One to nine names, in order and within the picture, from a day to ten thousand years."""
    last = date.fromordinal(min(first.toordinal() + days, date.max.toordinal()))

    ticks = draw(picture(first, last))["ticks"]

    places = [tick["x"] for tick in ticks]
    assert len(ticks) <= 9
    assert ticks or days < 400
    assert places == sorted(set(places))
    assert all(0 <= x <= 100 for x in places)


@given(DAYS, st.integers(0, 100_000))
def test_other_windows_are_windows(first: date, days: int) -> None:
    """Wherever zooming and moving lead, a window begins before it ends, and may be asked for."""
    last = date.fromordinal(min(first.toordinal() + days, date.max.toordinal()))

    found = windows(first.isoformat(), last.isoformat())

    for begins, ends in found.values():
        assert date.fromisoformat(begins) <= date.fromisoformat(ends)


def test_a_stretch_lies_where_its_days_are() -> None:
    """A day begins where the one before ends; what is beyond the picture lies on its edge."""
    scale = Scale(date(2020, 1, 1).toordinal(), date(2020, 1, 10).toordinal())
    day = date(2020, 1, 6).toordinal()

    assert scale.stretch(day, day) == (50.0, 10.0)
    assert scale.stretch(day - 100, day + 100) == (0.0, 100.0)


@pytest.mark.parametrize(
    ("begins", "until", "as_of", "x", "width"),
    [
        (None, None, None, 0.0, 100.0),
        ("1979-01-01", "2030-01-01", None, 0.0, 100.0),
        ("2020-01-06", "2030-01-01", "2020-01-08", 50.0, 30.0),
        ("2020-01-06", None, "2020-01-08", 50.0, 30.0),
    ],
)
def test_a_bar_is_cut_at_the_picture_and_at_the_date_asked_about(
    begins: str | None, until: str | None, as_of: str | None, x: float, width: float
) -> None:
    """Where it lies is cut; the days that it tells are the record's."""
    period = {"from": begins, "until": until, "force": "in_force", "in_force": "yes"}
    policy = {"policy": "a", "title": "A", "identifiers": [], "periods": [period]}
    first = date(2020, 1, 1)

    asked = picture(first, first + timedelta(9), policies=[policy]) | {"as_of": as_of}
    (bar,) = draw(asked)["lanes"][0]["lines"][0]["bars"]

    assert (bar["x"], bar["width"]) == (x, pytest.approx(width))
    assert (bar["from"], bar["until"]) == (begins, until)


@pytest.mark.parametrize(
    ("earliest", "latest", "x", "width"),
    [
        ("2020-01-06", "2020-01-06", 55.0, None),
        ("2020-01-01", "2020-01-10", 50.0, 100.0),
        ("2020-01-06", None, 55.0, None),
        (None, None, 50.0, 100.0),
    ],
)
def test_an_uncertain_action_is_drawn_as_one(
    earliest: str | None, latest: str | None, x: float, width: float | None
) -> None:
    """Its mark stands amid the days that it may be of, with a line from the first to the last."""
    first = date(2020, 1, 1)
    drawn = draw(picture(first, first + timedelta(9), marks=[mark(earliest, latest)]))

    (found,) = drawn["lanes"][0]["others"]
    assert (found["x"], found["width"], found["symbol"]) == (x, width, "begin")


@pytest.mark.parametrize(
    ("title", "identifiers", "expected"),
    [
        (
            "A Local Law to amend the code of the city of New York, in relation to bicycle parking",
            ["Int 0780-2008", "2009/052"],
            "Int 0780-2008: Bicycle parking",
        ),
        ("A bill to provide for parks", ["HB 12"], "HB 12: Provide for parks"),
        ("An Act concerning dogs, and for other purposes", [], "Dogs, and for other purposes"),
        (
            "Resolution declaring August 2 James Baldwin Day",
            [],
            "Declaring August 2 James Baldwin Day",
        ),
        (
            "Application number C 26 ZMQ (Fresh Pond Road) submitted by an owner",
            ["LU 0106-2026"],
            "LU 0106-2026: Fresh Pond Road",
        ),
        ("Ordinance concerning it", ["188441"], "Ordinance concerning it"),
        ("Executive Order No. 34 of 2003", ["2003-EO-034"], "Executive Order No. 34 of 2003"),
        ("Statement on sanctuary cities", [], "Statement on sanctuary cities"),
        ("word " * 100, [], "word " * 23 + "word…"),
    ],
)
def test_a_label_is_what_tells_a_policy_from_others(
    title: str, identifiers: list[str], expected: str
) -> None:
    """Formal beginnings are left out, and an identifier that reads as a name stands before it."""
    given = [{"scheme": "file", "value": each} for each in identifiers]

    assert label(title, given) == expected


@given(st.dictionaries(st.tuples(*[st.integers(0, 7)] * 2), st.sampled_from(list(Relation))))
def test_no_connector_lies_upon_another(relations: dict[tuple[int, int], Relation]) -> None:
    """Those that run beside the same place, at the same height, have tracks of their own."""
    first = date(2020, 1, 1)
    begins = [first + timedelta(day) for day in (5, 5, 5, 6, 40, 40, 90, 90)]
    policies = [
        {
            "policy": str(number),
            "title": "A",
            "identifiers": [],
            "periods": [
                {"from": day.isoformat(), "until": None, "force": "in_force", "in_force": "yes"}
            ],
        }
        for number, day in enumerate(begins)
    ]
    asked = picture(first, first + timedelta(99), policies=policies)
    asked["relations"] = [
        {"from": str(one), "to": str(other), "relation": str(relation)}
        for (one, other), relation in list(relations.items())[:12]
    ]

    drawn = draw(asked)

    middles = {line["policy"]: line["middle"] for line in drawn["lanes"][0]["lines"]}
    found = [
        (each["x"], each["beside"], sorted((middles[each["from"]], middles[each["to"]])))
        for each in drawn["relations"]
    ]
    assert len(found) == sum(each["from"] != each["to"] for each in asked["relations"])
    for (x, beside, one), (other_x, other_beside, other) in combinations(found, 2):
        meet = one[0] <= other[1] and other[0] <= one[1]
        assert x != other_x or beside != other_beside or not meet
