"""Stories of several policies, for tests of how they bear on each other.

Every event is judged before it is taken in, so a story is one that the service would record.
"""

from typing import Final

from domain_builders import (
    Draft,
    Json,
    Record,
    acted,
    corrected,
    described,
    disputed,
    merged,
    registered,
    related,
    retracted,
)
from history_builders import on, past, shown
from recorded_streams import RecordedStreams, seen_at
from timeline.domain.belief import BelievedAction
from timeline.domain.history import History
from timeline.domain.periods import Period

OLD: Final = "old"
"""The policy that others bear on: an order in force from 2020-01-01."""

NEW: Final = "new"
"""The policy that bears on it: an order in force from 2021-01-01."""


class Story:
    """Events in the record's order, and what is believed of a policy after any of them."""

    def __init__(self, *drafts: Draft) -> None:
        self._record = Record()
        for draft in drafts:
            self.tell(draft)

    def tell(self, draft: Draft) -> str:
        """Record an event; returns its id."""
        return self._record.given(draft)

    @property
    def position(self) -> int:
        """The newest position."""
        return len(self._record.log)

    def order(self, policy: str, issued: str, **data: Json) -> str:
        """Register an executive order and issue it; returns the id of the action."""
        self.tell(registered(policy))
        return self.act(policy, "issued", issued, **data)

    def act(self, policy: str, action: str, occurred: str, **data: Json) -> str:
        """Record an action."""
        return self.tell(acted(policy, action=action, occurred=occurred, **data))

    def relate(
        self, policy: str, relation: str, target: str | dict[str, Json], **data: Json
    ) -> str:
        """Assert a relation, to a policy where the target is text."""
        named = {"policy": target} if isinstance(target, str) else target
        return self.tell(related(policy, named, relation=relation, **data))

    def correct(self, policy: str, event: str, **changes: Json) -> str:
        """Correct an action."""
        return self.tell(corrected(policy, event, changes))

    def dispute(self, policy: str, event: str, field: str, value: Json) -> str:
        """Attach a source that claims another value of a field."""
        return self.tell(disputed(policy, event, field, value))

    def settle(self, policy: str, event: str, dispute: str) -> str:
        """Settle a dispute about an action, changing nothing."""
        return self.tell(corrected(policy, event, {}, settles=[dispute]))

    def retract(self, policy: str, event: str) -> str:
        """Take an event back."""
        return self.tell(retracted(policy, event))

    def describe(self, policy: str, **data: Json) -> str:
        """Describe a policy anew."""
        return self.tell(described(policy, **data))

    def merge(self, policy: str, duplicate: str) -> str:
        """Fold a duplicate into a policy."""
        return self.tell(merged(policy, duplicate))

    def history(self, policy: str = OLD, position: int | None = None) -> History:
        """Return what is believed of a policy after a position, by default the newest."""
        events = past(*(each.draft for each in self._record.log))
        until = self.position if position is None else position
        found = seen_at(RecordedStreams(events, 0), policy, until)
        assert found is not None
        return found.history

    def periods(self, policy: str = OLD, position: int | None = None) -> list[list[str]]:
        """Return a policy's periods as a table."""
        return shown(self.history(policy, position).periods)

    def force(self, policy: str = OLD, position: int | None = None) -> list[tuple[str, str, str]]:
        """Return since when a policy has which force, and whether that is in force."""
        rows = [(row[0], row[3], row[6]) for row in self.periods(policy, position)]
        return [
            row for index, row in enumerate(rows) if index == 0 or row[1:] != rows[index - 1][1:]
        ]

    def on(self, day: str, policy: str = OLD, position: int | None = None) -> Period:
        """Return the period that covers a day."""
        return on(self.history(policy, position), day)

    def items(self, policy: str = OLD, position: int | None = None) -> list[BelievedAction]:
        """Return all actions of a policy's timeline: its own, then those of others."""
        history = self.history(policy, position)
        return [*history.actions, *history.received]


def two_orders(**new: Json) -> Story:
    """Return a story of an order of 2020 and one of 2021, without a relation yet.

    Args:
        new: fields of the action that issues the second.

    """
    story = Story()
    story.order(OLD, "2020-01-01")
    story.order(NEW, "2021-01-01", **new)
    return story
