"""A policy's label beside its bar, and in lists: the shortest text that tells it from the others.

Owns what of a title is left out there; the whole title stands beside it wherever a label does. Pure,
and the same for a policy in every picture, so that nothing is renamed while one zooms.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_LONGEST: Final = 120
"""Characters: more do not fit beside a bar on any screen, which cuts what does not fit on it."""

_FEWEST: Final = 8
"""Characters that have to be left for what stands before them to be left out."""

_NAME: Final = re.compile(r"(?=.*\d)(?=.*[^\W\d_]).{2,24}", re.DOTALL)
"""An identifier that can be read by itself: letters and digits, as "Int 0001-2010"."""

_BEGINNINGS: Final = (
    # "A Local Law to amend the administrative code …, in relation to", "An Act concerning"
    re.compile(
        r"(?:(?:an?|the)\s+)?(?:local law|joint resolution|act|bill|law|ordinance|resolution)\b"
        r".{0,240}?\b(?:in relation to|relating to|with respect to|concerning|regarding)\s+",
        re.IGNORECASE | re.DOTALL,
    ),
    # "A bill to", "A resolution to"
    re.compile(
        r"(?:an?|the)\s+(?:local law|joint resolution|act|bill|ordinance|resolution)\s+to\s+",
        re.IGNORECASE,
    ),
    # "Resolution declaring", "Resolution authorizing"
    re.compile(r"(?:a\s+)?resolution\s+(?=\w+ing\b)", re.IGNORECASE),
)

_PROJECT: Final = re.compile(
    r"application\s+(?:no\.?|number)[^()]{1,30}\(([^()]{8,80})\)\s", re.IGNORECASE
)
"""An application that names its project: "Application number C 260155 ZMQ (Fresh Pond Road …)"."""

_NUMBER: Final = re.compile(r"0*(\d+)", re.ASCII)


def label(title: str, identifiers: Sequence[Mapping[str, Any]]) -> str:
    """Return a short text for a policy: an identifier that reads as a name, and what is special."""
    short = _telling(title)
    told_already = {*_NUMBER.findall(title)}
    names = [str(each["value"]) for each in identifiers]
    name = next(
        (
            each
            for each in names
            if _NAME.fullmatch(each) and not told_already.issuperset(_NUMBER.findall(each))
        ),
        None,
    )
    told = short if name is None else f"{name}: {short}"
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1].rstrip()}…"


def _telling(title: str) -> str:
    """Return a title without a formal beginning that many have."""
    project = _PROJECT.match(title)
    if project is not None:
        return project[1]
    for beginning in _BEGINNINGS:
        found = beginning.match(title)
        if found is not None and len(rest := title[found.end() :]) >= _FEWEST:
            return rest[0].upper() + rest[1:]
    return title
