"""Sketches that wait for the end of an import, as they may be versions that a later one replaces.

Owns how many may wait. Must not know what is recorded.
"""

from typing import Final

from timeline.importers.sketch import Sketch

MAX_HELD_STATEMENTS: Final = 10_000
"""Statements that wait, some twenty megabytes of them; what does not fit in is recorded at once."""


class HeldBack:
    """What a source said before, and says again: the last of each policy's."""

    def __init__(self) -> None:
        self._sketches: dict[str, Sketch] = {}
        self._statements = 0

    def hold(self, sketch: Sketch) -> bool:
        """Let a sketch wait; return whether there is room."""
        size = 1 + len(sketch.statements)
        if self._statements + size > MAX_HELD_STATEMENTS:
            return False
        self._sketches[sketch.about] = sketch
        self._statements += size
        return True

    def followed(self, sketch: Sketch) -> Sketch | None:
        """Give up what waits of a policy, as a later sketch of it came; return it."""
        former = self._sketches.pop(sketch.about, None)
        if former is not None:
            self._statements -= 1 + len(former.statements)
        return former

    def release(self) -> list[Sketch]:
        """Return all that still waits, which nothing followed."""
        waiting = [*self._sketches.values()]
        self._sketches, self._statements = {}, 0
        return waiting
