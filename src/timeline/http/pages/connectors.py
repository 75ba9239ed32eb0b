"""Connectors: how one policy bears on another, from line to line of a picture.

Owns their tracks, so that none lies upon another. A track runs beside the place where the line that
begins later begins, at a distance of its own, and its head stands at the line that is acted upon.
Across, a line's begin is in percent and a track's distance from it in pixels. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from timeline.domain.vocabulary import Relation

_ENDING: Final = {
    Relation.REPEALS,
    Relation.RESCINDS,
    Relation.SUPERSEDES,
    Relation.SUSPENDS,
}
_CONTESTING: Final = {
    Relation.CHALLENGES,
    Relation.ENJOINS,
    Relation.STAYS,
    Relation.UPHOLDS,
    Relation.CONFLICTS_WITH,
}
_SPEAKING: Final = {
    Relation.RESPONDS_TO,
    Relation.CITES,
    Relation.COMPANION_OF,
    Relation.SIMILAR_TO,
    Relation.REAFFIRMS,
}

KINDS: Final = {
    "building": "implements, amends or extends",
    "ending": "ends or replaces",
    "contesting": "contests, or rules on it",
    "speaking": "speaks of it",
}
"""How a relation is drawn, by what it does to the other policy."""

_NEAREST: Final = 13
_APART: Final = 9
_FURTHEST: Final = 12
"""Tracks beside one begin, in pixels from it and from each other; more share the last one."""

_NEAR: Final = 4.0
"""Percent: connectors that begin so near to each other have tracks that could meet."""

_AT_THE_EDGE: Final = 4.0
"""Percent: further left, tracks run on the right."""

_ROOM: Final = 12.0
"""Percent: so much is needed for words before a line."""

_ROUND: Final = 5
_TO_THE_BAR: Final = 5
_HEAD: Final = 7


def connect(
    relations: Sequence[Mapping[str, Any]], where: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the connectors of the relations whose ends are both drawn, and the words beside them.

    Args:
        relations: as they are served.
        where: the lines by policy.

    """
    drawn = [
        each
        for each in relations
        if each["from"] in where and each["to"] in where and each["from"] != each["to"]
    ]
    # Short ones lie inside long ones.
    drawn.sort(key=lambda each: abs(where[each["from"]]["middle"] - where[each["to"]]["middle"]))
    taken: list[tuple[float, float, float, int]] = []
    connectors = []
    for each in drawn:
        source, target = where[each["from"]], where[each["to"]]
        ends = sorted((source["middle"], target["middle"]))
        x = max(source["x"], target["x"])
        track = _track(taken, x, *ends)
        taken.append((x, ends[0], ends[1], track))
        connectors.append(_connector(each, source, target, track))
    return {"relations": connectors, "words": list(_words(connectors, where))}


def _track(taken: list[tuple[float, float, float, int]], x: float, top: float, end: float) -> int:
    """Return the first track beside a begin that no other connector has there."""
    used = {
        track
        for other, begins, ends, track in taken
        if abs(other - x) < _NEAR and begins <= end and ends >= top
    }
    return next((each for each in range(_FURTHEST) if each not in used), _FURTHEST)


def _connector(
    relation: Mapping[str, Any], source: Mapping[str, Any], target: Mapping[str, Any], track: int
) -> dict[str, Any]:
    x = max(source["x"], target["x"])
    side = 1 if x < _AT_THE_EDGE else -1
    beside = side * (_NEAREST + track * _APART)
    draw = _from_its_begin if source["x"] >= target["x"] else _to_its_begin
    line, head = draw(source["middle"], target["middle"], beside, side)
    other = target if source["x"] >= target["x"] else source
    leader = None
    if other["to_x"] < x:
        leader = {"from": other["to_x"], "to": x, "y": other["middle"]}
    return {
        **relation,
        "x": x,
        "beside": beside,
        "line": line,
        "head": head,
        "leader": leader,
        "kind": _kind(Relation(relation["relation"])),
    }


def _from_its_begin(begins: int, ends: int, beside: int, side: int) -> tuple[str, str]:
    """Return the path from where a line begins to one that is there already, and its head."""
    down = 1 if ends > begins else -1
    tip = ends - down * _TO_THE_BAR
    line = (
        f"M0 {begins}H{beside - side * _ROUND}Q{beside} {begins} {beside} {begins + down * _ROUND}"
        f"V{tip - down * (_HEAD - 1)}"
    )
    return line, f"M{beside} {tip}l-4 {-down * _HEAD}h8z"


def _to_its_begin(begins: int, ends: int, beside: int, side: int) -> tuple[str, str]:
    """Return the path from a line to where another begins later, and its head."""
    down = 1 if ends > begins else -1
    tip = side * _TO_THE_BAR
    line = (
        f"M{beside} {begins + down * _TO_THE_BAR}V{ends - down * _ROUND}"
        f"Q{beside} {ends} {beside - side * _ROUND} {ends}H{tip + side * (_HEAD - 1)}"
    )
    return line, f"M{tip} {ends}l{side * _HEAD} -4v8z"


def _kind(relation: Relation) -> str:
    if relation in _ENDING:
        return "ending"
    if relation in _CONTESTING:
        return "contesting"
    return "speaking" if relation in _SPEAKING else "building"


def _words(
    connectors: Sequence[Mapping[str, Any]], where: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield, for each policy that has room before its line and tracks, how it bears on others."""
    of_policy: dict[str, list[Mapping[str, Any]]] = {}
    for each in connectors:
        of_policy.setdefault(each["from"], []).append(each)
    for policy, some in of_policy.items():
        line = where[policy]
        here = [each for each in some if each["x"] == line["x"]]
        if here and line["x"] >= _ROOM:
            yield {
                "x": line["x"],
                "y": line["middle"] + 4,
                "beside": min(each["beside"] for each in here) - _ROUND,
                "relations": list(dict.fromkeys(each["relation"] for each in here)),
            }
