"""How a picture is laid out."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.http.pages.drawing import Scale, draw, windows

DAYS = st.dates(min_value=date(1, 1, 1), max_value=date(9998, 12, 31))


def picture(first: date, last: date, **lane: Any) -> dict[str, Any]:
    """Return a picture with one lane."""
    given = {
        "level": "city",
        "places": 1,
        "actions": 1,
        "in_force": {"yes": 1, "maybe": 0},
        "policies": [],
        "more_policies": 0,
        "marks": [],
        "counts": [],
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
    policy = {"policy": "a", "title": "A", "periods": [period]}
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
