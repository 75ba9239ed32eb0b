"""Whether a source says again what it had said before: the versions that one input holds of a policy.

Pure. Must not know what comes of it: that is `application.importing`'s business.
"""

from collections.abc import Sequence
from typing import Final

from timeline.eventstore.model import Recorded
from timeline.importers.errors import Unrecordable
from timeline.importers.reconcile import Age, reconcile
from timeline.importers.sketch import Sketch

MAX_FORMER: Final = 200
"""Former states that are looked at, the newest first: four times what a real policy has had."""


def said_before(system: str, sketch: Sketch, recorded: Sequence[Recorded], until: int) -> bool:
    """Tell whether a policy's record once was just what a sketch says.

    Args:
        system: the source's name.
        sketch: what it says.
        recorded: the policy's whole stream, in order.
        until: the position up to which that was followed by something else.

    """
    ends = [
        end
        for end in range(1, len(recorded))
        if recorded[end].batch != recorded[end - 1].batch and recorded[end].position <= until
    ]
    return any(_says(system, sketch, recorded[:end]) for end in ends[: -MAX_FORMER - 1 : -1])


def _says(system: str, sketch: Sketch, recorded: Sequence[Recorded]) -> bool:
    try:
        found = reconcile(system, sketch, recorded)
    except Unrecordable:
        return False
    return not found.changes and found.age is not Age.OLDER
