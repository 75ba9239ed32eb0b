"""The names of places, read from their division ids.

Owns how an id is told to a person. Must not know which places the record has.
"""

from typing import Final

STATES: Final = {
    "al": "Alabama",
    "ak": "Alaska",
    "az": "Arizona",
    "ar": "Arkansas",
    "ca": "California",
    "co": "Colorado",
    "ct": "Connecticut",
    "de": "Delaware",
    "dc": "District of Columbia",
    "fl": "Florida",
    "ga": "Georgia",
    "hi": "Hawaii",
    "id": "Idaho",
    "il": "Illinois",
    "in": "Indiana",
    "ia": "Iowa",
    "ks": "Kansas",
    "ky": "Kentucky",
    "la": "Louisiana",
    "me": "Maine",
    "md": "Maryland",
    "ma": "Massachusetts",
    "mi": "Michigan",
    "mn": "Minnesota",
    "ms": "Mississippi",
    "mo": "Missouri",
    "mt": "Montana",
    "ne": "Nebraska",
    "nv": "Nevada",
    "nh": "New Hampshire",
    "nj": "New Jersey",
    "nm": "New Mexico",
    "ny": "New York",
    "nc": "North Carolina",
    "nd": "North Dakota",
    "oh": "Ohio",
    "ok": "Oklahoma",
    "or": "Oregon",
    "pa": "Pennsylvania",
    "pr": "Puerto Rico",
    "ri": "Rhode Island",
    "sc": "South Carolina",
    "sd": "South Dakota",
    "tn": "Tennessee",
    "tx": "Texas",
    "ut": "Utah",
    "vt": "Vermont",
    "va": "Virginia",
    "wa": "Washington",
    "wv": "West Virginia",
    "wi": "Wisconsin",
    "wy": "Wyoming",
}
"""The states of the United States, and what has a code among them, by the code that ids have."""

_HOME: Final = "us"
_KINDS: Final = {
    "place": "city",
    "district": "federal district",
    "sldl": "state house district",
    "sldu": "state senate district",
    "cd": "congressional district",
}
"""Kinds of divisions that are called otherwise than their ids have it."""


def division_name(jurisdiction: str) -> str:
    """Return a place's name, and what it is: "Los Angeles, California (city)"."""
    country, *parts = (part.partition(":")[::2] for part in jurisdiction.split("/")[1:])
    home = country[1] == _HOME
    if not parts:
        return "United States (country)" if home else f"{country[1].upper()} (country)"
    names = [_name(kind, value, home=home) for kind, value in parts]
    kind = _KINDS.get(parts[-1][0], parts[-1][0].replace("_", " "))
    above = [
        f"{name} County" if of == "county" else name
        for name, (of, _) in zip(names[:-1], parts, strict=False)
    ]
    abroad = [] if home else [country[1].upper()]
    return f"{', '.join([names[-1], *reversed(above), *abroad])} ({kind})"


def _name(kind: str, value: str, *, home: bool) -> str:
    if home and kind in {"state", "district", "territory"} and value in STATES:
        return STATES[value]
    words = value.replace("_", " ").replace("~", " ")
    return words.upper() if kind in {"state", "province"} else words.title()
