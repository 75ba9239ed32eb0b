"""A picture of the record: lanes by level of government, with what was in force and what happened.

Owns what a picture shows one by one and what it counts, and how wide it is where nobody says. Must
not know how it is drawn, HTTP, nor how read models are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import accumulate, groupby
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Row

from timeline.application.listings import Listings, require_actions, timeline_filter
from timeline.application.moments import Answer, Moment
from timeline.application.queries import PictureQuery
from timeline.application.served import tell_erasures
from timeline.domain.governments import Government, government_of
from timeline.domain.machines import FIRST_DAY
from timeline.domain.vocabulary import Force, InForce
from timeline.projections import picture_policies, picture_reads, policy_reads
from timeline.projections.picture_policies import Moments, Standing
from timeline.projections.picture_reads import Gathered, Selection, Tally, Window
from timeline.projections.reading import View, view
from timeline.projections.relation_reads import is_later, related_rows, resolved_targets
from timeline.projections.timeline_reads import TimelineFilter

MAX_POLICIES: Final = 20
"""Policies of one lane that are shown by their force: as many lines as a screen has room for."""

MAX_LINES: Final = 40
"""Policies of one lane, with those that only actions are shown of."""

MAX_STRETCHES: Final = 80
"""Stretches of time in which the actions of a lane are counted: narrower ones are hard to point at."""

MAX_DRAWN: Final = 400
"""Relations of one picture: more is a tangle."""

MAX_DIFFERING: Final = 100
"""Policies that are told with what they were and are: as many as somebody reads through."""

MAX_PLACES: Final = 2_000
"""Places of one lane whose policies are looked through, those with the most first."""

_ROOM: Final = 40
"""The part of its own length by which a picture is wider, either way, than what happened in it."""

_ALONE: Final = 180
"""Days around what happened on one day alone."""

_DISTANT: Final = date.max.toordinal()

_LEVELS: Final = tuple(Government)

_ANSWERS: Final = (str(InForce.YES), str(InForce.MAYBE))


class _Asked(NamedTuple):
    """What is asked for, resolved."""

    live: View
    moment: Moment
    filter: TimelineFilter
    gathered: Gathered
    window: Window
    marks: int
    day: int
    """The date of what is told of a policy: that asked about, or today."""
    today: int

    @property
    def position(self) -> int:
        """The moment of the record asked about."""
        return self.moment.position

    @property
    def shown(self) -> Window:
        """What of the window is not later than the date asked about."""
        last = min(self.window.last, self.moment.day or _DISTANT)
        return Window(self.window.first, last)

    @property
    def elsewhen(self) -> bool:
        """Tell whether it is not about what is known now of today."""
        return self.moment.day not in {None, self.today} or self.position != self.live.position


class Picturing(Listings):
    """Answers with pictures."""

    def titles(self, policies: Iterable[str], position: int) -> dict[str, str]:
        """Return the titles of those of the policies that are known at a position."""
        with view(self._engine) as live:
            found = policy_reads.headings(live, sorted(set(policies)), position)
        return {policy: each["title"] for policy, each in found.items()}

    def picture(self, query: PictureQuery) -> Answer:
        """Return lanes by level of government: what was in force, what happened, or how much."""
        require_actions(query)
        with view(self._engine) as live:
            moment, today = self._moment(live, query, today=False), self.today()
            filter = timeline_filter(live, query, moment)
            gathered = picture_reads.gather(live, filter, moment.position, _given(filter, moment))
            window = _window(filter, gathered.tallies, today)
            filter = msgspec.structs.replace(filter, first=window.first, last=window.last)
            day = today if moment.day is None else moment.day
            asked = _Asked(live, moment, filter, gathered, window, query.marks, day, today)
            lanes = _lanes(asked)
            found = {
                "from": _iso(window.first),
                "to": _iso(window.last),
                "on": _iso(day),
                "newest": live.position,
                "lanes": lanes,
                "relations": _relations(asked, lanes) if query.relations else [],
                "differs": _differs(asked) if asked.elsewhen else None,
                "differing": _told_apart(asked) if query.differing and asked.elsewhen else [],
            }
            for lane in lanes:
                live.mark(lane["policies"], moment.position)
        tell_erasures(self._store, (mark for lane in lanes for mark in lane["marks"]))
        return Answer({**found, **moment.stamp()}, moment.position)


def _given(filter: TimelineFilter, moment: Moment) -> Window | None:
    """Return the days that are asked about where they do not depend on what happened."""
    if filter.first is None or filter.last is None:
        return None
    return Window(filter.first, min(filter.last, moment.day or _DISTANT))


def _window(filter: TimelineFilter, tallies: Sequence[Tally], today: int) -> Window:
    """Return the stretch of time that is asked for: where nobody says, all that happened, and today."""
    days = [each.earliest for each in tallies if each.earliest > FIRST_DAY]
    first, last = min(days, default=today - _ALONE), max([*days, today])
    room = max((last - first) // _ROOM, 1) if last > first else _ALONE
    begins = max(first - room, 1) if filter.first is None else filter.first
    ends = min(last + room, _DISTANT) if filter.last is None else filter.last
    return Window(min(begins, ends), max(begins, ends))


# Lanes


def _lanes(asked: _Asked) -> list[dict[str, Any]]:
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
    asked: _Asked,
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
        "policies": shown,
        "more_policies": more,
        "marks": marks,
        "counts": _counts(asked.window, tallies) if counted else [],
        "over_time": _over_time(asked, standing) if counted or more else [],
    }


def _rows(asked: _Asked, tallies: Sequence[Tally]) -> list[Row[Any]]:
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


def _mark(asked: _Asked, row: Row[Any]) -> dict[str, Any]:
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


def _over_time(asked: _Asked, standing: Sequence[Standing]) -> list[dict[str, Any]]:
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
    return {"from": _iso(begins), "to": _iso(min(begins + width - 1, last))}


# Policies


def _policies(asked: _Asked, policies: Sequence[str]) -> list[dict[str, Any]]:
    """Return what is drawn of policies, and their state on the day asked about, by first day."""
    live, position = asked.live, asked.position
    items = policy_reads.policy_items(live, policies, day=asked.day, position=position)
    periods = picture_policies.periods(live, policies, position)
    differing = _differing(asked, policies) if asked.elsewhen else frozenset()
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


# What differs from what is known now


def _now(asked: _Asked) -> tuple[Selection, Moments, Moments]:
    selection, newest = asked.gathered.selection, asked.live.position
    if asked.position != newest:
        selection = picture_reads.at(selection, newest)
    return selection, Moments(asked.day, asked.position), Moments(asked.today, newest)


def _differing(asked: _Asked, policies: Sequence[str]) -> frozenset[str]:
    return picture_policies.differing(*_now(asked), policies)


def _differs(asked: _Asked) -> dict[str, int]:
    """Return how many policies, and how many actions, the record tells otherwise now."""
    newest = asked.live.position
    return {
        "policies": picture_policies.count_differing(*_now(asked)),
        "actions": 0
        if asked.position == newest
        else picture_reads.count_differing_actions(
            asked.live, asked.filter, asked.position, newest
        ),
    }


def _told_apart(asked: _Asked) -> list[dict[str, Any]]:
    """Return policies that have another force, with what it is then and now."""
    selection, then, now = _now(asked)
    policies = picture_policies.list_differing(selection, then, now, MAX_DIFFERING)
    told = [
        {
            item["policy"]: item
            for item in policy_reads.policy_items(
                asked.live, policies, day=moment.day, position=moment.position
            )
        }
        for moment in (then, now)
    ]
    found = []
    for policy in policies:
        items = [some.get(policy) for some in told]
        newest = items[1] or items[0]
        if newest is not None:
            found.append(
                {
                    **{name: newest[name] for name in ("policy", "title", "jurisdiction")},
                    "then": _force(items[0]),
                    "now": _force(items[1]),
                }
            )
    return found


def _force(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if item is None else {name: item[name] for name in ("force", "in_force")}


# Relations


def _relations(asked: _Asked, lanes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the relations between policies that are shown, but for those that come later."""
    shown = {each["policy"] for lane in lanes for each in lane["policies"]}
    live, position = asked.live, asked.position
    columns = [live.table("relations", "relations").c.item]
    rows = related_rows(live, sorted(shown), position, columns, MAX_DRAWN)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row, targets in zip(rows, resolved_targets(live, rows, position, MAX_DRAWN), strict=True):
        item = msgspec.json.decode(row.item)
        if is_later(item, asked.moment.day or _DISTANT):
            continue
        for target in targets:
            if target in shown and row.policy in shown and len(found) < MAX_DRAWN:
                found[(row.event, target)] = {
                    "event": row.event,
                    "relation": item["relation"],
                    "from": row.policy,
                    "to": target,
                    "disputed": item["disputed"],
                }
    return list(found.values())


def _iso(day: int) -> str:
    return date.fromordinal(min(max(day, 1), _DISTANT)).isoformat()
