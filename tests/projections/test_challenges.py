"""Challenges to a policy by lawsuits that turn out to be one."""

import pytest

from domain_builders import Draft, acted, event_id, merged, registered, related, retracted
from history_builders import past
from recorded_streams import RecordedStreams, seen_at
from timeline.domain.belief import PastEvent
from timeline.domain.history import History
from timeline.projections.changes import Changes
from timeline.projections.model import RowKey, rows_of, whole
from timeline.projections.models import MODELS
from timeline.projections.projector import Projector

LAW = registered("law", instrument="executive_order")
SUIT = registered("suit", instrument="lawsuit")
DOCKET = registered("docket", instrument="lawsuit")
ISSUED = acted("law", action="issued", occurred="2024-01-01")
FILED = related("docket", {"policy": "law"}, relation="challenges", occurred="2024-02-01")
ENJOINED = acted("suit", action="enjoined", occurred="2024-03-01")
VACATED = acted("docket", action="vacated", occurred="2024-04-01")


def seen(events: list[PastEvent], policy: str = "law") -> History:
    """Return what a fresh projector says of a policy after all events."""
    found = seen_at(RecordedStreams(events, 0), policy, len(events))
    assert found is not None
    return found.history


def deciding(history: History) -> set[str]:
    """Return the events that decide the periods."""
    return {
        event
        for period in history.periods
        for events in period.decided_by.values()
        for event in events
    }


def litigation(events: list[PastEvent]) -> str:
    """Return the law's litigation in its last period."""
    return str(seen(events).periods[-1].litigation)


def test_the_survivor_of_a_challenger_acts_on_the_policy() -> None:
    """What the survivor of the lawsuit that asserted the challenge did decides the periods."""
    story = [LAW, ISSUED, DOCKET, FILED, SUIT, ENJOINED]

    apart = litigation(past(*story))
    together = litigation(past(*story, merged("suit", "docket")))

    assert (apart, together) == ("challenged", "enjoined")


def test_a_duplicate_of_a_challenger_acts_on_the_policy() -> None:
    """What a duplicate of the asserting lawsuit did decides the periods, over two mergers too."""
    third = registered("third", instrument="lawsuit")
    story = [LAW, ISSUED, DOCKET, FILED, SUIT, ENJOINED, third]

    assert litigation(past(*story, merged("docket", "suit"))) == "enjoined"
    chain = [merged("third", "suit"), merged("docket", "third")]
    assert litigation(past(*story, *chain)) == "enjoined"


def test_lawsuits_that_are_one_are_counted_once() -> None:
    """Two lawsuits that challenge a policy and are merged act on it as one of that name."""
    also = related("suit", {"policy": "law"}, relation="challenges", occurred="2024-02-02")
    dismissed = acted("suit", action="dismissed", occurred="2024-05-01")
    story = [LAW, ISSUED, DOCKET, FILED, SUIT, also, dismissed]

    apart = litigation(past(*story))
    together = litigation(past(*story, merged("suit", "docket")))

    assert (apart, together) == ("challenged", "dismissed")


def test_a_merger_taken_back_leaves_each_lawsuit_its_own() -> None:
    """After the merger's retraction only the asserting lawsuit acts again."""
    story = [LAW, ISSUED, DOCKET, FILED, SUIT, ENJOINED, merged("suit", "docket")]

    events = past(*story, retracted("suit", event_id(len(story))))

    assert litigation(events) == "challenged"
    assert event_id(6) not in deciding(seen(events))


@pytest.mark.parametrize(
    "last",
    [
        [merged("suit", "docket")],
        [merged("suit", "docket"), ENJOINED],
        [merged("suit", "docket"), retracted("suit", event_id(6))],
    ],
    ids=["merger", "action", "merger-taken-back"],
)
def test_the_challenged_policy_follows_what_the_survivor_is_told(last: list[Draft]) -> None:
    """Rows kept event by event are those of a fresh projector."""
    events = past(LAW, ISSUED, DOCKET, FILED, SUIT, *last)
    streams = RecordedStreams(events, 0)
    kept: dict[RowKey, object] = {}
    projector = Projector(MODELS, streams)
    for event in events:
        changes = Changes()
        projector.advance([event], changes)
        for key in changes.closed:
            kept.pop(key)
        kept.update((key, opened.fact.row) for key, opened in changes.opened)

    found = seen_at(streams, "law", len(events))

    assert found is not None
    assert {key: row for key, row in kept.items() if key.key[0] == "law"} == {
        key: fact.row for key, fact in rows_of(MODELS, whole(found)).items() if key.key[0] == "law"
    }
