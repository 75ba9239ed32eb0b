"""The scale of a picture: where a day lies, which days are named, and the windows beside it.

Across, everything is in percent of the picture's width. Pure; must not know what is drawn.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final, NamedTuple

_NARROWEST: Final = 0.25
"""Percent: bars and columns that are shorter could not be pointed at."""

_MAX_TICKS: Final = 7
DAYS_A_YEAR: Final = 365.2425
MONTHS: Final = 12
_LAST: Final = date.max.toordinal()

_YEARS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
_SHORTER: Final = (1, 3, 6)
"""Months between two names of the axis."""

_DAYS: Final = (1, 2, 7, 14)


class Scale(NamedTuple):
    """Days across a picture; the first and the last are in it."""

    first: int
    last: int

    @property
    def days(self) -> int:
        """How many there are."""
        return self.last - self.first + 1

    def x(self, day: int) -> float:
        """Return where a day begins, in percent; days beyond the picture lie on its edge."""
        return round(min(max((day - self.first) / self.days, 0.0), 1.0) * 100, 3)

    def stretch(self, first: int, last: int) -> tuple[float, float]:
        """Return where a stretch of days begins, and how wide it is."""
        x = self.x(first)
        width = max(self.x(last + 1) - x, _NARROWEST)
        return min(x, 100 - _NARROWEST), round(width, 3)


def day_of(iso: str) -> int:
    """Return a day as a number."""
    return date.fromisoformat(iso).toordinal()


# The axis


def ticks(scale: Scale) -> Iterator[dict[str, Any]]:
    """Yield the days that are named, so few that their names do not meet on a narrow screen."""
    for day, name in _named(scale):
        if scale.first <= day <= scale.last:
            yield {"x": scale.x(day), "name": name}


def _named(scale: Scale) -> Iterator[tuple[int, str]]:
    first, last = (date.fromordinal(day) for day in scale)
    months = scale.days / DAYS_A_YEAR * MONTHS
    if months > _SHORTER[-1] * _MAX_TICKS:
        years = next(
            each for each in _YEARS if months / MONTHS / each <= _MAX_TICKS or each == _YEARS[-1]
        )
        for year in range(first.year - first.year % years, last.year + 1, years):
            if year >= 1:
                yield date(year, 1, 1).toordinal(), f"{year}"
    elif months > _MAX_TICKS / 2:
        step = next(each for each in _SHORTER if months / each <= _MAX_TICKS)
        for number in range(
            first.year * MONTHS, min(last.year, date.max.year) * MONTHS + MONTHS, step
        ):
            month = date(number // MONTHS, number % MONTHS + 1, 1)
            yield month.toordinal(), f"{month:%Y-%m}"
    else:
        step = next((each for each in _DAYS if scale.days / each <= _MAX_TICKS), 28)
        for ordinal in range(scale.first, scale.last + 1, step):
            yield ordinal, date.fromordinal(ordinal).isoformat()


# Other windows


def windows(first: str, last: str) -> dict[str, tuple[str, str]]:
    """Return where zooming and moving lead from a window, each as its first and last day."""
    begins, ends = day_of(first), day_of(last)
    quarter = max((ends - begins) // 4, 1)
    return {
        "earlier": _window(begins - 2 * quarter, ends - 2 * quarter),
        "later": _window(begins + 2 * quarter, ends + 2 * quarter),
        "in": _window(begins + quarter, max(ends - quarter, begins + quarter)),
        "out": _window(begins - 2 * quarter, ends + 2 * quarter),
    }


def _window(first: int, last: int) -> tuple[str, str]:
    length = last - first
    begins = min(max(first, 1), _LAST)
    ends = min(begins + length, _LAST)
    return tuple(date.fromordinal(day).isoformat() for day in (begins, max(ends, begins)))  # type: ignore[return-value]
