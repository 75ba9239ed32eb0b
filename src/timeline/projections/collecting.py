"""How often Python looks for cycles among objects.

Owns that one setting of a process. Must not know what the process does.
"""

import gc
from typing import Final

YOUNG: Final = 50_000
"""Objects after which the newest are looked through; Python's own 700 are a third of an event's
folding, and a third of its time went into looking. Some 10 MB may wait to be freed."""

OLDER: Final = (20, 50)
"""Rounds after which older ones are, too; the oldest besides only once they are a quarter more."""


def collect_seldom() -> None:
    """Have this process look for cycles seldom, as one does that makes many objects and few cycles."""
    gc.set_threshold(YOUNG, *OLDER)
