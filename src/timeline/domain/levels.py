"""How certain it is, day by day, that something holds, and the stretches in which it does.

Owns levels over time and the spells that they come to. Must not know what holds: relations are
`bearing`'s business.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from timeline.domain.dates import Edtf
from timeline.domain.effects import Lapse, earliest_day, latest_day
from timeline.domain.machines import FIRST_DAY, LAST_DAY


class Level(IntEnum):
    """How certain it is that something holds on a day."""

    NO = 0
    MAYBE = 1
    YES = 2


Levels: TypeAlias = tuple[tuple[int, Level], ...]
"""Levels over time: each from its day on, the first of them from FIRST_DAY."""

ALWAYS: Final[Levels] = ((FIRST_DAY, Level.YES),)


def lowest(*all_levels: Levels) -> Levels:
    """Return what holds where all of them hold."""
    days = sorted({day for levels in all_levels for day, _ in levels})
    return _merged((day, min(level_on(levels, day) for levels in all_levels)) for day in days)


def level_on(levels: Levels, day: int) -> Level:
    """Return the level on a day."""
    found = levels[0][1]
    for first, level in levels:
        if first > day:
            break
        found = level
    return found


def _merged(steps: Iterable[tuple[int, Level]]) -> Levels:
    found: list[tuple[int, Level]] = []
    for day, level in steps:
        if not found or found[-1][1] is not level:
            found.append((day, level))
    return tuple(found)


def fired(levels: Levels) -> Levels:
    """Return whether something held on the day or on any day before."""
    reached = Level.NO
    steps = []
    for day, level in levels:
        reached = max(reached, level)
        steps.append((day, reached))
    return _merged(steps)


def opposite(levels: Levels) -> Levels:
    """Return whether something does not hold."""
    return tuple((day, Level(Level.YES - level)) for day, level in levels)


def since(when: Edtf | None) -> Levels:
    """Return whether a day is at or after a date."""
    if when is None:
        return ALWAYS
    earliest, latest = earliest_day(when), latest_day(when)
    return stepped((FIRST_DAY, Level.NO), (earliest, Level.MAYBE), (latest, Level.YES))


def up_to(when: Edtf | None) -> Levels:
    """Return whether a day is at or before a date."""
    if when is None:
        return ALWAYS
    earliest, latest = earliest_day(when), latest_day(when)
    after = FIRST_DAY if earliest == FIRST_DAY else earliest + 1
    return stepped((FIRST_DAY, Level.YES), (after, Level.MAYBE), (latest + 1, Level.NO))


def covers(levels: Levels, others: Levels) -> bool:
    """Tell whether something holds for sure wherever something else may hold."""
    return all(
        level_on(levels, day) is Level.YES
        for day in {day for each in (levels, others) for day, _ in each}
        if level_on(others, day) is not Level.NO
    )


def stepped(*steps: tuple[int, Level]) -> Levels:
    """Return levels from steps in order; of several on one day the last one counts."""
    by_day = {day: level for day, level in steps if day < LAST_DAY}
    return _merged(sorted(by_day.items()))


Days: TypeAlias = tuple[int, int]
"""Days from the first up to, and not including, the last."""


class Spell(NamedTuple):
    """A stretch of time in which something holds, with the bounds of its beginning and its end.

    A `doubtful` one may never come. On the days of `lapses` it may be interrupted.
    """

    begins: tuple[int, int]
    ends: tuple[int, int] | None
    doubtful: bool = False
    lapses: tuple[Lapse, ...] = ()

    @property
    def tangled(self) -> bool:
        """Tell whether it may begin more than once."""
        return bool(self.lapses) and self.lapses[0].first == self.begins[0]


def spells(levels: Levels, ending: Levels, tangles: Sequence[Days] = ()) -> list[Spell]:
    """Return the stretches in which something holds, certainly or possibly.

    Args:
        levels: when it holds.
        ending: that of it which can end, to tell from when on it may.
        tangles: days on which it may begin and end more than once, where it is possible.

    """
    found: list[Spell] = []
    current: Spell | None = None
    doubtful: int | None = None
    for day, level in levels:
        if level is Level.MAYBE:
            doubtful = day
            continue
        if level is Level.YES:
            current = _held(current, day if doubtful is None else doubtful, day, tangles)
        elif current is not None:
            found.append(_ended(current, day if doubtful is None else doubtful, day, tangles))
            current = None
        elif doubtful is not None:
            found.append(_possible((doubtful, day), ending, tangles))
        doubtful = None
    if current is not None:
        found.append(current if doubtful is None else _ended(current, doubtful, LAST_DAY, tangles))
    elif doubtful is not None:
        found.append(_possible((doubtful, LAST_DAY), ending, tangles))
    return found


def _held(current: Spell | None, since: int, day: int, tangles: Sequence[Days]) -> Spell:
    """Return a spell that holds on a day, and possibly from some day before."""
    if current is None:
        tangled = _tangled((since, day), tangles)
        return Spell((since, day), None, lapses=(Lapse(since, day, sure=True),) if tangled else ())
    return current._replace(lapses=(*current.lapses, Lapse(since, day, sure=True)))


def _ended(current: Spell, since: int, day: int, tangles: Sequence[Days]) -> Spell:
    """Return a spell that is over on a day, and possibly from some day before."""
    lapses = current.lapses
    if _tangled((since, day), tangles):
        lapses = (*lapses, Lapse(since, day, sure=False))
    return current._replace(ends=(since, day), lapses=lapses)


def _possible(days: Days, ending: Levels, tangles: Sequence[Days]) -> Spell:
    """Return a spell that may come on some days, and is over by the last."""
    first, last = days
    falls = min(_falling(ending, first), last)
    lapses = (Lapse(first, last, sure=False),) if _tangled(days, tangles) else ()
    ends = None if falls == last == LAST_DAY else (falls, last)
    return Spell((first, LAST_DAY), ends, doubtful=True, lapses=lapses)


def _tangled(days: Days, tangles: Sequence[Days]) -> bool:
    return days[0] < days[1] and any(first < days[1] and days[0] < last for first, last in tangles)


def _falling(ending: Levels, day: int) -> int:
    """Return the first day after another on which something may not hold, or else LAST_DAY."""
    if level_on(ending, day + 1) is not Level.YES:
        return day + 1
    falls = (first for first, level in ending if first > day and level is not Level.YES)
    return next(falls, LAST_DAY)
