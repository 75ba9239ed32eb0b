"""A policy's periods as a bar, to be drawn: what lies where.

Owns the picture's scale. Pure; must not know colours, nor how it is drawn.
"""

from datetime import date
from typing import Any, Final

WIDTH: Final = 1_000
"""Units from the bar's begin to its end; the picture is stretched to the page."""

_MARGIN: Final = 0.04
"""How far the bar goes on beyond its first and last date, as a part of what lies between."""

_SHORTEST_DAYS: Final = 60
_MAX_TICKS: Final = 8
_SMALLEST: Final = 2.0
_EDGE: Final = 20
"""What half a year's name takes: it does not reach beyond the bar."""


def bar(periods: list[dict[str, Any]], as_of: str) -> dict[str, Any] | None:
    """Return what a bar shows of served periods; None where there are none.

    `pieces` have x, width and what the period says; `ticks` are years; `day` is the date asked about.
    """
    if not periods:
        return None
    known = [_ordinal(each[end]) for each in periods for end in ("from", "until") if each[end]]
    known.append(_ordinal(as_of))
    margin = int(max(max(known) - min(known), _SHORTEST_DAYS) * _MARGIN) + 1
    first = max(min(known) - margin, 1)
    last = min(max(known) + margin, date.max.toordinal())

    def place(ordinal: int) -> float:
        return round((ordinal - first) / (last - first) * WIDTH, 1)

    return {
        "width": WIDTH,
        "pieces": [_piece(each, first, last, place) for each in periods],
        "ticks": _ticks(first, last, place),
        "day": place(_ordinal(as_of)),
    }


def _piece(period: dict[str, Any], first: int, last: int, place: Any) -> dict[str, Any]:
    begin = _ordinal(period["from"]) if period["from"] else first
    end = _ordinal(period["until"]) + 1 if period["until"] else last
    x = place(begin)
    return {"x": x, "width": max(round(place(end) - x, 1), _SMALLEST), "period": period}


def _ticks(first: int, last: int, place: Any) -> list[dict[str, Any]]:
    """Return the years' first days within the bar, so many that their names do not meet."""
    years = range(date.fromordinal(first).year + 1, date.fromordinal(last).year + 1)
    step = -(-len(years) // _MAX_TICKS) or 1
    ticks = [{"year": year, "x": place(date(year, 1, 1).toordinal())} for year in years[::step]]
    return [tick for tick in ticks if _EDGE <= tick["x"] <= WIDTH - _EDGE]


def _ordinal(iso: str) -> int:
    return date.fromisoformat(iso).toordinal()
