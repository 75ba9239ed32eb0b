"""The lanes of a picture: by level of government, what was in force and what happened.

Owns what a lane shows one by one and what it counts. Must not know how it is drawn, HTTP, nor how
read models are kept.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from timeline.application.picture_question import Asked, differing_of, iso
from timeline.domain.governments import Government, government_of
from timeline.domain.vocabulary import Force, InForce
from timeline.projections import picture_policies, picture_reads, policy_reads
from timeline.projections.picture_policies import Standing
from timeline.projections.picture_reads import Tally, Window

MAX_POLICIES: Final = 20
"""Policies of one lane that are shown by their force: as many lines as a screen has room for."""

MAX_LINES: Final = 40
"""Policies of one lane, with those that only actions are shown of."""

MAX_STRETCHES: Final = 80
"""Stretches of time in which the actions of a lane are counted: narrower ones are hard to point at."""

MAX_PLACES: Final = 2_000
"""Places of one lane whose policies are looked through, those with the most first."""

_LEVELS: Final = tuple(Government)

_ANSWERS: Final = (str(InForce.YES), str(InForce.MAYBE))


def lanes_of(asked: Asked) -> list[dict[str, Any]]:
    """Return the lanes that have anything in the window, the widest government first."""
    shown = asked.shown
    tallies: dict[Government, list[Tally]] = {}
    for each in asked.gathered.tallies:
        if each.latest >= shown.first and each.earliest <= shown.last:
            tallies.setdefault(government_of(each.jurisdiction), []).append(each)
    selection = asked.gathered.selection
    places: dict[Government, dict[str, int]] = {}
    for place, policies in picture_policies.count_shown(selection, shown).items():
        places.setdefault(government_of(place), {})[place] = policies
    standing: dict[Government, list[Standing]] = {}
    for some in picture_policies.standings(
        selection, asked.window, _width(asked.window), shown.last, asked.day
    ):
        standing.setdefault(government_of(some.jurisdiction), []).append(some)
    return [
        _lane(asked, level, tallies.get(level, []), places.get(level, {}), standing.get(level, []))
        for level in _LEVELS
        if level in tallies or level in places
    ]


def _lane(
    asked: Asked,
    level: Government,
    tallies: Sequence[Tally],
    places: Mapping[str, int],
    standing: Sequence[Standing],
) -> dict[str, Any]:
    actions = sum(each.actions for each in tallies)
    rows = _rows(asked, tallies) if actions <= asked.marks else []
    policies = sorted({row.policy for row in rows})
    titles = policy_reads.headings(asked.live, policies, asked.position)
    marks = [_mark(asked, row) | {"title": titles[row.policy]["title"]} for row in rows]
    largest = sorted(places, key=lambda place: -places[place])[:MAX_PLACES]
    ids = picture_policies.busiest_policies(
        asked.gathered.selection, (asked.window, asked.shown), largest, MAX_POLICIES
    )
    acted = dict.fromkeys(mark["policy"] for mark in marks)
    shown = _policies(asked, list(dict.fromkeys((*ids, *acted)))[:MAX_LINES])
    more = max(sum(places.values()) - sum(bool(each["periods"]) for each in shown), 0)
    counted = actions > asked.marks
    return {
        "level": str(level),
        "places": len({each.jurisdiction for each in tallies} | places.keys()),
        "actions": actions,
        "in_force": {
            answer: sum(each.policies for each in standing if each.on_day and each.answer == answer)
            for answer in _ANSWERS
        },
        "differs": None,
        "policies": shown,
        "more_policies": more,
        "marks": marks,
        "counts": _counts(asked.window, tallies) if counted else [],
        "over_time": _over_time(asked, standing) if counted or more else [],
    }


def _rows(asked: Asked, tallies: Sequence[Tally]) -> list[Row[Any]]:
    places = sorted({each.jurisdiction for each in tallies})
    return picture_reads.actions(asked.live, asked.filter, asked.position, places, asked.marks)


_TOLD: Final = (
    "event",
    "policy",
    "action",
    "label",
    "occurred",
    "corrected",
    "disputed",
    "erased",
)


def _mark(asked: Asked, row: Row[Any]) -> dict[str, Any]:
    item = msgspec.json.decode(row.item)
    return {
        **{name: item[name] for name in _TOLD},
        "differs": row.known_until <= asked.live.position,
    }


def _width(window: Window) -> int:
    """Return how many days a stretch has, in which a lane is counted."""
    return -(-(window.last - window.first + 1) // MAX_STRETCHES)


def _counts(window: Window, tallies: Sequence[Tally]) -> list[dict[str, Any]]:
    """Return how many actions begin in each stretch of the window that has any."""
    width = _width(window)
    found: dict[int, int] = {}
    for each in tallies:
        stretch = max(each.earliest - window.first, 0) // width
        found[stretch] = found.get(stretch, 0) + each.actions
    return [
        _stretch(window, width, stretch, window.last) | {"actions": actions}
        for stretch, actions in sorted(found.items())
    ]


def _over_time(asked: Asked, standing: Sequence[Standing]) -> list[dict[str, Any]]:
    """Return how many policies were, and may have been, in force at the end of each stretch."""
    width, until = _width(asked.window), asked.shown.last
    stretches = (until - asked.window.first) // width + 1
    changes = {answer: [0] * (stretches + 1) for answer in _ANSWERS}
    for each in standing:
        if each.begins < each.ends:
            changes[each.answer][each.begins] += each.policies
            changes[each.answer][each.ends] -= each.policies
    totals = {answer: list(accumulate(some)) for answer, some in changes.items()}
    return [
        _stretch(asked.window, width, number, until)
        | {answer: some[number] for answer, some in totals.items()}
        for number in range(stretches)
    ]


def _stretch(window: Window, width: int, number: int, last: int) -> dict[str, Any]:
    begins = window.first + number * width
    return {"from": iso(begins), "to": iso(min(begins + width - 1, last))}


# Policies


def _policies(asked: Asked, policies: Sequence[str]) -> list[dict[str, Any]]:
    """Return what is drawn of policies, and their state on the day asked about, by first day."""
    live, position = asked.live, asked.position
    items = policy_reads.policy_items(live, policies, day=asked.day, position=position)
    periods = picture_policies.periods(live, policies, position)
    differing = differing_of(asked, policies) if asked.elsewhen else frozenset()
    found = [
        {
            **{name: item[name] for name in _DRAWN},
            "differs": item["policy"] in differing,
            "periods": _stretches(asked.shown, periods.get(item["policy"], [])),
        }
        for item in items
    ]
    return sorted(found, key=_begins)


def _begins(policy: Mapping[str, Any]) -> str:
    """Return the first day of what is drawn of a policy; after all days, where nothing is."""
    return policy["periods"][0]["from"] or "" if policy["periods"] else "9"


_DRAWN: Final = (
    "policy",
    "title",
    "identifiers",
    "instrument",
    "jurisdiction",
    "stage",
    "force",
    "force_reason",
    "litigation",
    "in_force",
    "disputed",
)


def _stretches(window: Window, periods: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Return when a policy is, or may be, in force, or is suspended: what reaches into a window.

    Their days are those of the record, also where these lie beyond the window or the date asked about.
    """
    found: list[dict[str, Any]] = []
    for (in_force, force), some in groupby(periods, lambda row: (row.in_force, row.force)):
        if in_force == InForce.NO and force != Force.SUSPENDED:
            continue
        rows = list(some)
        first, last = rows[0].first_day, rows[-1].last_day
        if first > window.last or last < window.first:
            continue
        found.append(
            {
                "from": policy_reads.served_day(first),
                "until": policy_reads.served_day(last),
                "force": force,
                "in_force": in_force,
            }
        )
    return found
