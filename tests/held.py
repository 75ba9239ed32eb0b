"""How much memory a piece of work holds."""

import gc
import tracemalloc
from collections.abc import Callable


def peak_bytes(work: Callable[[], object]) -> int:
    """Return the most that a piece of work held at once.

    What waits to be collected counts, too: so it is collected as often as in a process that does
    nothing else, whatever an application has set in this one, and whatever lies in it.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(700, 10, 10)
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*before)
        gc.unfreeze()
