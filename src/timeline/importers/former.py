"""Whether a source says again what it had said before: the versions that one input holds of a policy.

Pure. Must not know what comes of it: that is `application.importing`'s business.
"""

from collections.abc import Sequence
from typing import Final

from timeline.eventstore.model import Recorded
from timeline.importers.errors import Unrecordable
from timeline.importers.reconcile import Age, reconcile
from timeline.importers.sketch import Sketch

MAX_EVENTS: Final = 50_000
"""Events of former states that are looked at, the newest state first, so that a policy of very many
takes no minutes. The busiest of New York's matters has 46 events: its states hold 1,035 together at most."""


def said_before(system: str, sketch: Sketch, recorded: Sequence[Recorded], until: int) -> bool:
    """Tell whether a policy's record once was just what a sketch says.

    Args:
        system: the source's name.
        sketch: what it says.
        recorded: the policy's whole stream, in order.
        until: the position up to which that was followed by something else.

    """
    events = 0
    for end in range(len(recorded) - 1, 0, -1):
        if recorded[end].batch == recorded[end - 1].batch or recorded[end].position > until:
            continue
        events += end
        if _says(system, sketch, recorded[:end]):
            return True
        if events > MAX_EVENTS:
            break
    return False


def _says(system: str, sketch: Sketch, recorded: Sequence[Recorded]) -> bool:
    try:
        found = reconcile(system, sketch, recorded)
    except Unrecordable:
        return False
    return not found.changes and found.age is not Age.OLDER
