"""Taking what was erased out of the slots that are not live.

Owns which policies lose their rows there, and when. Must not know how rows come about.

The live rows are written anew as an erasure is applied. Those in the other slots go at once, so that
nothing erased outlasts a rebuild that was given up. One that is at work does not write what it read
before the erasure any more, and writes those rows anew when it comes to it. By then it knows of at least what the log had up to there, so no more may go
than what depended on the erased payload up to there: its batch may end with the erasure.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, delete, func, update

from timeline.domain.belief import PastEvent
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Recorded
from timeline.projections.lineage import Lineage
from timeline.projections.memory import KeptReferences
from timeline.projections.model import ReadModel
from timeline.projections.tables import SLOTS, projection_progress


def erased_for(log: KeptReferences, events: Iterable[PastEvent | Recorded]) -> dict[str, int]:
    """Return the policies whose rows may hold what some events erase, with the last that does.

    Args:
        log: what has the events.
        events: of any type.

    """
    found: dict[str, int] = {}
    for event in events:
        if event.type == EventType.PAYLOAD_ERASED:
            dependents = Lineage(log, event.position).downstream([event.policy])
            found |= dict.fromkeys(dependents, event.position)
    return found


def forget_elsewhere(
    connection: Connection,
    models: Sequence[ReadModel],
    slots: Mapping[str, str],
    erased: Mapping[str, int],
) -> None:
    """Take policies' rows out of the slots that are not live and have not come to an erasure.

    Args:
        connection: in the transaction that applies the erasures to the live slots.
        models: the read models.
        slots: which are live.
        erased: policies, each with the position of the last erasure on which it depends.

    """
    for policy, position in sorted(erased.items()):
        for model in sorted(models, key=lambda model: model.name):
            other = SLOTS[1 - SLOTS.index(slots[model.name])]
            reached = _reached(connection, model.name, other)
            if reached is None or reached < position:
                for spec in model.specs:
                    table = model.table(spec.name, other)
                    connection.execute(delete(table).where(table.c.policy == policy))


def _reached(connection: Connection, name: str, slot: str) -> int | None:
    """Return up to where a slot has no payload that was erased, locked until the transaction ends.

    A slot that is being emptied has no progress. One that is being filled has nothing of what was
    erased before that began, however far it is.
    """
    progress = projection_progress.c
    row = connection.execute(
        update(projection_progress)
        .where(progress.name == name, progress.slot == slot)
        .values(position=progress.position)
        .returning(progress.position, func.coalesce(progress.begun_at, 0).label("begun_at"))
    ).one_or_none()
    return None if row is None else max(row)
