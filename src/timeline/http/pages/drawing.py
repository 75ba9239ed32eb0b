"""A picture of the timeline, laid out: what is drawn where.

Owns the scale and the lines of lanes. Across, everything is in percent of the picture's width, so
that it fits every screen and no letter is stretched; down, in pixels. Pure; must not know colours,
addresses, nor how it is drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from timeline.domain.vocabulary import ACTIONS, Action, Effect

AXIS: Final = 26
_HEADER: Final = 62
_LINE: Final = 32
_STRIP: Final = 26
_COUNTS: Final = 64
_BELOW: Final = 14

_TITLE: Final = 120
_TURNED_TITLE: Final = 84
"""Characters of a title: more do not fit beside a bar on most screens, which show its beginning."""

_ENDS: Final = ("earliest", "latest")

_FROM_THE_RIGHT: Final = 55.0
"""Where a line begins further right than this, its title ends where the line does."""

_NARROWEST: Final = 0.25
"""Percent: bars and columns that are shorter could not be pointed at."""

_MAX_TICKS: Final = 7
_DAYS_A_YEAR: Final = 365.2425
_MONTHS: Final = 12
_LAST: Final = date.max.toordinal()

_YEARS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
_SHORTER: Final = (1, 3, 6)
"""Months between two names of the axis."""

_DAYS: Final = (1, 2, 7, 14)

_SYMBOLS: Final[Mapping[Effect, str]] = {
    Effect.ENACT: "begin",
    Effect.PASS: "begin",
    Effect.BEGIN: "begin",
    Effect.RESUME: "begin",
    Effect.EXTEND: "begin",
    Effect.SUSPEND: "end",
    Effect.END: "end",
    Effect.LITIGATE: "court",
}
"""How an action is drawn, by what it does; a step on the way, or none, is a dot."""

SYMBOLS: Final = {
    "step": "a step on the way",
    "begin": "enacts, begins, extends",
    "end": "ends or suspends",
    "court": "in court",
}


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


def draw(picture: Mapping[str, Any]) -> dict[str, Any]:
    """Return where everything of a picture lies.

    Args:
        picture: as it is served, in plain values.

    """
    scale = Scale(_day(picture["from"]), _day(picture["to"]))
    top = AXIS
    lanes = []
    where: dict[str, tuple[float, float]] = {}
    for lane in picture["lanes"]:
        drawn = _lane(lane, scale, top, min(scale.last, _day(picture["as_of"] or picture["to"])))
        where |= {line["policy"]: (line["x"], line["middle"]) for line in drawn["lines"]}
        lanes.append(drawn)
        top += drawn["height"]
    on = _day(picture["on"])
    return {
        "height": top + _BELOW,
        "ticks": list(_ticks(scale)),
        "lanes": lanes,
        "relations": list(_joined(picture["relations"], where)),
        "on": scale.x(on) if scale.first <= on <= scale.last else None,
    }


def _lane(lane: Mapping[str, Any], scale: Scale, top: int, last: int) -> dict[str, Any]:
    y = top + _HEADER
    columns = _columns(lane["counts"], scale, y)
    y += _COUNTS if columns else 0
    marks: dict[str, list[dict[str, Any]]] = {}
    for mark in lane["marks"]:
        marks.setdefault(mark["policy"], []).append(_mark(mark, scale))
    lines = []
    for policy in lane["policies"]:
        lines.append(_line(policy, marks.pop(policy["policy"], []), scale, y, last))
        y += _LINE
    others = [mark for some in marks.values() for mark in some]
    strip = y + _STRIP // 2 if others else None
    y += _STRIP if others else 0
    return {
        **{name: lane[name] for name in ("level", "places", "actions", "in_force")},
        "more_policies": lane["more_policies"],
        "top": top,
        "height": y + _BELOW - top,
        "columns": columns,
        "lines": lines,
        "others": others,
        "strip": strip,
    }


def _columns(counts: Sequence[Mapping[str, Any]], scale: Scale, top: int) -> list[dict[str, Any]]:
    """Return a column for each stretch of time; its area is its square's root, so that few show."""
    most = max((each["actions"] for each in counts), default=1)
    found = []
    for each in counts:
        x, width = scale.stretch(_day(each["from"]), _day(each["to"]))
        height = round((each["actions"] / most) ** 0.5 * (_COUNTS - 10), 1)
        found.append({**each, "x": x, "width": width, "height": height, "y": top + 54 - height})
    return found


def _mark(mark: Mapping[str, Any], scale: Scale) -> dict[str, Any]:
    """Return an action's place: amid the days between which it lies, at the one that is known."""
    bounds = [_day(day) for day in (mark["occurred"][end] for end in _ENDS) if day is not None]
    x, width = scale.stretch(bounds[0], bounds[-1]) if bounds else (0.0, 100.0)
    return {
        **mark,
        "x": round(x + width / 2, 3),
        "from_x": x,
        "width": width if len(set(bounds)) != 1 else None,
        "symbol": _SYMBOLS.get(ACTIONS[Action(mark["action"])].effect, "step"),
    }


def _line(
    policy: Mapping[str, Any], marks: list[dict[str, Any]], scale: Scale, top: int, last: int
) -> dict[str, Any]:
    bars = [_bar(period, scale, last) for period in policy["periods"]]
    places = [(each["x"], each["x"] + each["width"]) for each in bars]
    places += [(each["from_x"], each["x"]) for each in marks]
    begins = min((first for first, _ in places), default=0.0)
    ends = max((last for _, last in places), default=0.0)
    turned = begins > _FROM_THE_RIGHT
    title, most = policy["title"], _TURNED_TITLE if turned else _TITLE
    return {
        **policy,
        "short": title if len(title) <= most else f"{title[: most - 1].rstrip()}…",
        "bars": bars,
        "marks": marks,
        "top": top,
        "middle": top + 22,
        "x": begins,
        "from_x": begins,
        "to_x": ends,
        "title_x": min(ends, 100.0) if turned else begins,
        "turned": turned,
    }


def _bar(period: Mapping[str, Any], scale: Scale, last: int) -> dict[str, Any]:
    """Return where a period lies; what is beyond the picture, or after the last day, is cut off."""
    begins = _day(period["from"]) if period["from"] else scale.first
    ends = min(_day(period["until"]), last) if period["until"] else last
    x, width = scale.stretch(begins, ends)
    return {**period, "x": x, "width": width, "kind": _kind(period)}


def _kind(period: Mapping[str, Any]) -> str:
    if period["in_force"] == "no":
        return "suspended"
    if period["in_force"] == "maybe":
        return "maybe"
    return "partly" if period["force"] == "partially_in_force" else "yes"


def _joined(
    relations: Sequence[Mapping[str, Any]], where: Mapping[str, tuple[float, float]]
) -> Iterator[dict[str, Any]]:
    """Yield the relations whose ends are both drawn: from one line to the other, straight down."""
    for each in relations:
        if each["from"] in where and each["to"] in where:
            x, begins = where[each["from"]]
            yield {**each, "x": x, "y": begins, "to_y": where[each["to"]][1]}


# The axis


def _ticks(scale: Scale) -> Iterator[dict[str, Any]]:
    """Yield the days that are named, so few that their names do not meet on a narrow screen."""
    for day, name in _named(scale):
        if scale.first <= day <= scale.last:
            yield {"x": scale.x(day), "name": name}


def _named(scale: Scale) -> Iterator[tuple[int, str]]:
    first, last = (date.fromordinal(day) for day in scale)
    months = scale.days / _DAYS_A_YEAR * _MONTHS
    if months > _SHORTER[-1] * _MAX_TICKS:
        years = next(
            each for each in _YEARS if months / _MONTHS / each <= _MAX_TICKS or each == _YEARS[-1]
        )
        for year in range(first.year - first.year % years, last.year + 1, years):
            if year >= 1:
                yield date(year, 1, 1).toordinal(), f"{year}"
    elif months > _MAX_TICKS / 2:
        step = next(each for each in _SHORTER if months / each <= _MAX_TICKS)
        for number in range(
            first.year * _MONTHS, min(last.year, date.max.year) * _MONTHS + _MONTHS, step
        ):
            month = date(number // _MONTHS, number % _MONTHS + 1, 1)
            yield month.toordinal(), f"{month:%Y-%m}"
    else:
        step = next((each for each in _DAYS if scale.days / each <= _MAX_TICKS), 28)
        for ordinal in range(scale.first, scale.last + 1, step):
            yield ordinal, date.fromordinal(ordinal).isoformat()


# Other windows


def windows(first: str, last: str) -> dict[str, tuple[str, str]]:
    """Return where zooming and moving lead from a window, each as its first and last day."""
    begins, ends = _day(first), _day(last)
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


def _day(iso: str) -> int:
    return date.fromisoformat(iso).toordinal()
