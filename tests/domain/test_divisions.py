"""The names of places, as their ids tell them."""

import pytest

from timeline.domain.divisions import division_name

US = "ocd-division/country:us"


@pytest.mark.parametrize(
    ("jurisdiction", "name"),
    [
        (US, "United States (country)"),
        (f"{US}/state:ca", "California (state)"),
        (f"{US}/district:dc", "District of Columbia (federal district)"),
        (f"{US}/state:il/county:cook", "Cook, Illinois (county)"),
        (f"{US}/state:ca/place:los_angeles", "Los Angeles, California (city)"),
        (
            f"{US}/state:ca/county:los_angeles/school_district:los_angeles_unified",
            "Los Angeles Unified, Los Angeles County, California (school district)",
        ),
        (
            f"{US}/state:ny/place:new_york/council_district:7",
            "7, New York, New York (council district)",
        ),
        ("ocd-division/country:ca/province:on", "ON, CA (province)"),
        ("ocd-division/country:fr", "FR (country)"),
    ],
)
def test_a_place_is_told_by_its_name_and_what_it_is(jurisdiction: str, name: str) -> None:
    """The parts above it follow, the county named as one; another country stands at the end."""
    assert division_name(jurisdiction) == name
