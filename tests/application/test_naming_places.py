"""Which place is meant by a name."""

import pytest

from timeline.application.naming_places import called
from timeline.domain.divisions import division_name

US = "ocd-division/country:us"
STATE = f"{US}/state:ny"
CITY = f"{STATE}/place:new_york"
TOWN = f"{US}/state:ca/place:los_angeles"
COUNTY = f"{US}/state:ca/county:los_angeles"
RECORD = {each: division_name(each) for each in (US, STATE, CITY, TOWN)}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("los  ANGELES", TOWN),
        ("Los Angeles, California", TOWN),
        ("New York (state)", STATE),
        ("New York, New York", CITY),
    ],
)
def test_the_name_of_one_place_is_taken_for_it(text: str, place: str) -> None:
    """Whole, without what it is, or without what it is in."""
    one = called(text, RECORD).one

    assert one is not None
    assert one.jurisdiction == place


@pytest.mark.parametrize(
    ("text", "places"),
    [("new york", [STATE, CITY]), ("los ang", [TOWN]), ("angeles california", [TOWN]), ("x", [])],
)
def test_what_is_no_name_of_one_place_is_taken_for_none(text: str, places: list[str]) -> None:
    """Those of the name may be meant; where there are none, those that have all of its words."""
    found = called(text, RECORD)

    assert found.one is None
    assert [each.jurisdiction for each in found.may_be] == places


def test_a_name_is_of_one_place_as_long_as_the_record_has_no_other() -> None:
    """With the county beside the city, their name alone says too little."""
    record = RECORD | {COUNTY: division_name(COUNTY)}

    assert called("Los Angeles", record).one is None
