"""A question for a picture, resolved: what is asked about, of which days, at which moment.

Owns how the moment asked about is told from now. Must not know what a picture shows.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from timeline.application.moments import Moment
from timeline.projections import picture_policies, picture_reads
from timeline.projections.picture_policies import Moments
from timeline.projections.picture_reads import Gathered, Selection, Window
from timeline.projections.reading import View
from timeline.projections.timeline_reads import TimelineFilter

DISTANT: Final = date.max.toordinal()


class Asked(NamedTuple):
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
        last = min(self.window.last, self.moment.day or DISTANT)
        return Window(self.window.first, last)

    @property
    def elsewhen(self) -> bool:
        """Tell whether it is not about what is known now of today."""
        return self.moment.day not in {None, self.today} or self.position != self.live.position


def moments(asked: Asked) -> tuple[Selection, Moments, Moments]:
    """Return the policies that count, what is asked about, and now."""
    selection, newest = asked.gathered.selection, asked.live.position
    if asked.position != newest:
        selection = picture_reads.at(selection, newest)
    return selection, Moments(asked.day, asked.position), Moments(asked.today, newest)


def differing_of(asked: Asked, policies: Sequence[str]) -> frozenset[str]:
    """Return which of some policies have another force now."""
    return picture_policies.differing(*moments(asked), policies)


def iso(day: int) -> str:
    """Return a day as it is served."""
    return date.fromordinal(min(max(day, 1), DISTANT)).isoformat()
