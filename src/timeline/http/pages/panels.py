"""Panels of a lane: how much happened, and how much was in force, over the time of a picture.

Owns how high a count is drawn. Pure; must not know colours.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from timeline.http.pages.scales import DAYS_A_YEAR, MONTHS, Scale, day_of

PANEL: Final = 76
_CAPTION: Final = 19
"""A panel of counts: its caption, and below it what is counted."""

_LOWEST: Final = 1.5
"""Pixels: what is there at all shows."""


def columns_of(
    counts: Sequence[Mapping[str, Any]], scale: Scale, top: int
) -> dict[str, Any] | None:
    """Return a panel with a column for each stretch of time that has actions."""
    if not counts:
        return None
    most = max(each["actions"] for each in counts)
    base = top + PANEL
    found = []
    for each in counts:
        x, width = scale.stretch(day_of(each["from"]), day_of(each["to"]))
        height = _height(each["actions"], most)
        found.append({**each, "x": x, "width": width, "height": height, "y": base - height})
    return {
        "top": top,
        "base": base,
        "most": most,
        "stretch": _length(counts[0]),
        "columns": found,
    }


def areas_of(
    standing: Sequence[Mapping[str, Any]], scale: Scale, top: int
) -> dict[str, Any] | None:
    """Return a panel with steps: what was in force, and upon it what perhaps was."""
    most = max((each["yes"] + each["maybe"] for each in standing), default=0)
    if not most:
        return None
    base = top + PANEL
    found = []
    for each in standing:
        x, width = scale.stretch(day_of(each["from"]), day_of(each["to"]))
        yes, both = (_height(n, most) for n in (each["yes"], each["yes"] + each["maybe"]))
        yes = yes if each["yes"] else 0.0
        found.append(
            {
                **each,
                "x": x,
                "width": width,
                "yes_y": round(base - yes, 1),
                "yes_height": yes,
                "maybe_y": round(base - both, 1),
                "maybe_height": round(both - yes, 1) if each["maybe"] else 0.0,
            }
        )
    return {"top": top, "base": base, "most": most, "steps": found}


def _height(number: int, most: int) -> float:
    return round(max(number / most * (PANEL - _CAPTION), _LOWEST), 1)


def _length(stretch: Mapping[str, Any]) -> str:
    """Return how long a stretch of time is, in words."""
    days = day_of(stretch["to"]) - day_of(stretch["from"]) + 1
    if days == 1:
        return "day"
    months = days / DAYS_A_YEAR * MONTHS
    if months < 2:  # noqa: PLR2004 - fewer are told in days
        return f"{days} days"
    years = months / MONTHS
    return f"{months:.0f} months" if years < 2 else f"{years:.0f} years"  # noqa: PLR2004
