"""Levels of government, as the ids of jurisdictions tell them.

Owns which level an Open Civic Data division belongs to. Must not know any division by name.
"""

from enum import StrEnum
from typing import Final


class Government(StrEnum):
    """A level of government, the widest first."""

    FEDERAL = "federal"
    STATE = "state"
    COUNTY = "county"
    CITY = "city"
    SCHOOL_DISTRICT = "school_district"
    OTHER = "other"


_LEVELS: Final = {
    "country": Government.FEDERAL,
    "state": Government.STATE,
    "province": Government.STATE,
    "territory": Government.STATE,
    "district": Government.STATE,
    "county": Government.COUNTY,
    "parish": Government.COUNTY,
    "borough": Government.COUNTY,
    "census_area": Government.COUNTY,
    "municipio": Government.COUNTY,
    "place": Government.CITY,
    "municipality": Government.CITY,
    "council_district": Government.CITY,
    "ward": Government.CITY,
    "school_district": Government.SCHOOL_DISTRICT,
    "school_board_district": Government.SCHOOL_DISTRICT,
    "board_of_education": Government.SCHOOL_DISTRICT,
}
"""The level of a division, by the type of its last segment; any other type is `other`: courts,
districts of legislatures, water."""


def government_of(jurisdiction: str) -> Government:
    """Return the level of government that a jurisdiction belongs to.

    Args:
        jurisdiction: an OCD division id, such as
            `ocd-division/country:us/state:ca/place:los_angeles`.

    Source: Open Civic Data proposal 2, which has the type of a division before the colon.

    """
    kind, _, _ = jurisdiction.rpartition("/")[2].partition(":")
    return _LEVELS.get(kind, Government.OTHER)
