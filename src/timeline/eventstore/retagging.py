"""Which tags change when a payload is erased.

Owns the jurisdiction and topics of a policy at each of its versions, and the difference that
another description makes to them. Must not know where tags are stored.

Erasure acts at every known position, so what an erased description had said goes from the tags of
all the events that followed it, too.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

import msgspec

from timeline.domain.events import Data
from timeline.domain.evolve import own_tags
from timeline.domain.situation import Description, Tag, fold_text


class Line(msgspec.Struct, frozen=True):
    """What one event of a policy means for the policy's description.

    Attributes:
        position: its place in the log.
        id: the event.
        description: what it says of the policy; None where it says nothing, or no longer.
        flips: the event at the end of its chain of retractions, which it takes back or restores.

    """

    position: int
    id: str
    description: Description | None = None
    flips: str | None = None


def tags_by_position(
    lines: Iterable[Line], replaced: Mapping[str, Description | None]
) -> dict[int, frozenset[Tag]]:
    """Return the jurisdiction and topics that each event of a policy is tagged with.

    Args:
        lines: every event of the policy, in order.
        replaced: by event, what it says in place of what its line has.

    """
    told: dict[str, Description] = {}
    retracted: set[str] = set()
    found: dict[int, frozenset[Tag]] = {}
    current: frozenset[Tag] = frozenset()
    for line in lines:
        description = replaced.get(line.id, line.description)
        if description is not None:
            told[line.id] = description
        elif line.flips in told:
            retracted ^= {line.flips}
        if description is not None or line.flips in told:
            current = _tags_of(told, retracted)
        found[line.position] = current
    return found


def tags_left(old: Data | None, new: Data | None) -> frozenset[Tag]:
    """Return an event's own tags once its data is erased, and perhaps replaced.

    What it pointed at stays: policy ids are public and permanent, and whoever reads one of those
    policies has to be led to the erasure.
    """
    targets = frozenset(tag for tag in own_tags(old) if tag.kind == "target")
    return own_tags(new) | targets


def _tags_of(told: Mapping[str, Description], retracted: AbstractSet[str]) -> frozenset[Tag]:
    """Return the tags of the last jurisdiction and the last topics that stand.

    The registration, which comes first, always does: `evolve` keeps it for a policy's return.
    """
    registration = next(iter(told))
    standing = [told[id] for id in told if id == registration or id not in retracted]
    jurisdictions = [each.jurisdiction for each in standing if each.jurisdiction is not None]
    topics = [each.topics for each in standing if each.topics is not None]
    found = {Tag("jurisdiction", jurisdiction) for jurisdiction in jurisdictions[-1:]}
    found.update(Tag("topic", fold_text(topic)) for last in topics[-1:] for topic in last)
    return frozenset(found)
