"""Levels of government."""

import pytest

from timeline.domain.governments import Government, government_of

CALIFORNIA = "ocd-division/country:us/state:ca"


@pytest.mark.parametrize(
    ("jurisdiction", "level"),
    [
        ("ocd-division/country:us", Government.FEDERAL),
        (CALIFORNIA, Government.STATE),
        ("ocd-division/country:us/district:dc", Government.STATE),
        (f"{CALIFORNIA}/county:los_angeles", Government.COUNTY),
        (f"{CALIFORNIA}/place:los_angeles", Government.CITY),
        (f"{CALIFORNIA}/place:los_angeles/council_district:3", Government.CITY),
        (
            f"{CALIFORNIA}/county:los_angeles/school_district:los_angeles_unified",
            Government.SCHOOL_DISTRICT,
        ),
        ("ocd-division/country:us/court_of_appeals:9", Government.OTHER),
        (f"{CALIFORNIA}/sldl:4", Government.OTHER),
    ],
)
def test_the_last_segment_tells_the_level(jurisdiction: str, level: Government) -> None:
    """A division belongs to the level of its own type, whatever it lies in."""
    assert government_of(jurisdiction) is level
