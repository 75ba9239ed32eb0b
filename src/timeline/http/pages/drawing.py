"""A picture of the timeline, laid out: what is drawn where.

Owns the scale and the lines of lanes. Across, everything is in percent of the picture's width, so
that it fits every screen and no letter is stretched; down, in pixels. Pure; must not know colours,
addresses, nor how it is drawn.
"""

from collections.abc import Mapping
from typing import Any, Final

from timeline.domain.vocabulary import ACTIONS, Action, Effect
from timeline.http.pages.connectors import connect
from timeline.http.pages.labels import label
from timeline.http.pages.panels import PANEL, areas_of, columns_of
from timeline.http.pages.scales import Scale, day_of, ticks

AXIS: Final = 26
_HEADER: Final = 62
_LINE: Final = 32
_STRIP: Final = 26
_BELOW: Final = 14


_RULE: Final = 20
"""Where it is said which policies of a lane are drawn."""


_ENDS: Final = ("earliest", "latest")

_FROM_THE_RIGHT: Final = 55.0
"""Where a line begins further right than this, its title ends where the line does."""


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


def draw(picture: Mapping[str, Any]) -> dict[str, Any]:
    """Return where everything of a picture lies.

    Args:
        picture: as it is served, in plain values.

    """
    scale = Scale(day_of(picture["from"]), day_of(picture["to"]))
    top = AXIS
    lanes = []
    where: dict[str, Mapping[str, Any]] = {}
    for lane in picture["lanes"]:
        drawn = _lane(lane, scale, top, min(scale.last, day_of(picture["as_of"] or picture["to"])))
        where |= {line["policy"]: line for line in drawn["lines"]}
        lanes.append(drawn)
        top += drawn["height"]
    on = day_of(picture["on"])
    return {
        "height": top + _BELOW,
        "ticks": list(ticks(scale)),
        "lanes": lanes,
        **connect(picture["relations"], where),
        "perhaps": any(lane["in_force"]["maybe"] for lane in picture["lanes"]),
        "on": scale.x(on) if scale.first <= on <= scale.last else None,
    }


def _lane(lane: Mapping[str, Any], scale: Scale, top: int, last: int) -> dict[str, Any]:
    y = top + _HEADER
    columns = columns_of(lane["counts"], scale, y)
    y += PANEL if columns else 0
    areas = areas_of(lane["over_time"], scale, y)
    y += PANEL if areas else 0
    rule = y + 14 if lane["more_policies"] else None
    y += _RULE if rule else 0
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
        **{name: lane[name] for name in ("level", "places", "actions", "in_force", "differs")},
        "more_policies": lane["more_policies"],
        "top": top,
        "height": y + _BELOW - top,
        "columns": columns,
        "areas": areas,
        "rule": rule,
        "lines": lines,
        "others": others,
        "strip": strip,
    }


def _mark(mark: Mapping[str, Any], scale: Scale) -> dict[str, Any]:
    """Return an action's place: amid the days between which it lies, at the one that is known."""
    bounds = [day_of(day) for day in (mark["occurred"][end] for end in _ENDS) if day is not None]
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
    return {
        **policy,
        "label": label(policy["title"], policy["identifiers"]),
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
    begins = day_of(period["from"]) if period["from"] else scale.first
    ends = min(day_of(period["until"]), last) if period["until"] else last
    x, width = scale.stretch(begins, ends)
    return {**period, "x": x, "width": width, "kind": _kind(period)}


def _kind(period: Mapping[str, Any]) -> str:
    if period["in_force"] == "no":
        return "suspended"
    if period["in_force"] == "maybe":
        return "maybe"
    return "partly" if period["force"] == "partially_in_force" else "yes"
