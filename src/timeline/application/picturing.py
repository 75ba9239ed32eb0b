"""A picture of the record: lanes by level of government, with what was in force and what happened.

Owns how wide a picture is where nobody says, what of it differs from now, and its relations. Must not
know how it is drawn, HTTP, nor how read models are kept.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from timeline.application.listings import Listings, require_actions, timeline_filter
from timeline.application.moments import Answer, Moment
from timeline.application.picture_lanes import lanes_of
from timeline.application.picture_question import DISTANT, Asked, iso, moments
from timeline.application.queries import PictureQuery
from timeline.application.served import tell_erasures
from timeline.domain.governments import government_of
from timeline.domain.machines import FIRST_DAY
from timeline.projections import picture_policies, picture_reads, policy_reads
from timeline.projections.picture_reads import Tally, Window
from timeline.projections.reading import view
from timeline.projections.relation_reads import is_later, related_rows, resolved_targets
from timeline.projections.timeline_reads import TimelineFilter

MAX_DRAWN: Final = 400
"""Relations of one picture: more is a tangle."""

MAX_DIFFERING: Final = 100
"""Policies that are told with what they were and are: as many as somebody reads through."""

_ROOM: Final = 40
"""The part of its own length by which a picture is wider, either way, than what happened in it."""

_ALONE: Final = 180
"""Days around what happened on one day alone."""


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
            asked = Asked(live, moment, filter, gathered, window, query.marks, day, today)
            lanes = lanes_of(asked)
            found = {
                "from": iso(window.first),
                "to": iso(window.last),
                "on": iso(day),
                "newest": live.position,
                "lanes": lanes,
                "relations": _relations(asked, lanes) if query.relations else [],
                "differs": _differs(asked, lanes) if asked.elsewhen else None,
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
    return Window(filter.first, min(filter.last, moment.day or DISTANT))


def _window(filter: TimelineFilter, tallies: Sequence[Tally], today: int) -> Window:
    """Return the stretch of time that is asked for: where nobody says, all that happened, and today."""
    days = [each.earliest for each in tallies if each.earliest > FIRST_DAY]
    first, last = min(days, default=today - _ALONE), max([*days, today])
    room = max((last - first) // _ROOM, 1) if last > first else _ALONE
    begins = max(first - room, 1) if filter.first is None else filter.first
    ends = min(last + room, DISTANT) if filter.last is None else filter.last
    return Window(min(begins, ends), max(begins, ends))


# What differs from what is known now


def _differs(asked: Asked, lanes: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return how many policies, and how many actions, the record tells otherwise now; mark the lanes."""
    newest = asked.live.position
    differing = picture_policies.count_differing(*moments(asked))
    levels: Counter[str] = Counter()
    for place, policies in differing.items():
        levels[str(government_of(place))] += policies
    for lane in lanes:
        lane["differs"] = levels[lane["level"]]
    return {
        "policies": levels.total(),
        "actions": 0
        if asked.position == newest
        else picture_reads.count_differing_actions(
            asked.live, asked.filter, asked.position, newest
        ),
    }


def _told_apart(asked: Asked) -> list[dict[str, Any]]:
    """Return policies that have another force, with what it is then and now, if they acted by then."""
    selection, before, today = moments(asked)
    policies = picture_policies.list_differing(selection, before, today, MAX_DIFFERING)
    sides = []
    for moment in (before, today):
        items = policy_reads.policy_items(
            asked.live, policies, day=moment.day, position=moment.position
        )
        acted = picture_policies.acted(asked.live, policies, moment)
        sides.append({item["policy"]: (item, item["policy"] in acted) for item in items})
    found = []
    for policy in policies:
        then, now = (side.get(policy) for side in sides)
        newest = now or then
        if newest is not None:
            about = {name: newest[0][name] for name in _ABOUT}
            found.append({**about, "then": _force(then), "now": _force(now)})
    return found


_ABOUT: Final = ("policy", "title", "identifiers", "jurisdiction")


def _force(side: tuple[Mapping[str, Any], bool] | None) -> dict[str, Any] | None:
    if side is None or not side[1]:
        return None
    return {name: side[0][name] for name in ("force", "in_force")}


# Relations


def _relations(asked: Asked, lanes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the relations between policies that are shown, but for those that come later."""
    shown = {each["policy"] for lane in lanes for each in lane["policies"]}
    live, position = asked.live, asked.position
    columns = [live.table("relations", "relations").c.item]
    rows = related_rows(live, sorted(shown), position, columns, MAX_DRAWN)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row, targets in zip(rows, resolved_targets(live, rows, position, MAX_DRAWN), strict=True):
        item = msgspec.json.decode(row.item)
        if is_later(item, asked.moment.day or DISTANT):
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
