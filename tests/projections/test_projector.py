"""The projector: rectangles that are always what a fresh fold of the record would say."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from random_record import POLICIES as NAMES
from random_record import Draw, accept, draws
from recorded_streams import RecordedStreams, seen_at
from timeline.domain.belief import PastEvent
from timeline.domain.vocabulary import EventType
from timeline.projections.changes import Changes
from timeline.projections.forgetting import erased_for
from timeline.projections.model import Row, RowKey, rows_of, whole
from timeline.projections.models import MODELS
from timeline.projections.policies import FOLLOWED, POLICIES
from timeline.projections.projector import Projector
from timeline.projections.tables import OPEN

Rectangles = dict[tuple[RowKey, int], tuple[Row, int]]


class Cut(NamedTuple):
    """How a record is cut into batches."""

    size: int
    after_erasures: bool = False
    """Whether each erasure is the last of its batch."""

    def spans(self, events: Sequence[PastEvent]) -> Iterator[tuple[int, int]]:
        """Yield where each batch starts and stops."""
        start = 0
        for stop, event in enumerate(events, 1):
            erases = self.after_erasures and event.type is EventType.PAYLOAD_ERASED
            if stop - start == self.size or erases or stop == len(events):
                yield start, stop
                start = stop


cuts = st.builds(Cut, st.integers(1, 9), st.booleans())


def project(
    events: Sequence[PastEvent],
    cut: Cut,
    *,
    erased_first: bool,
    hidden: Mapping[str, int] | None = None,
) -> Rectangles:
    """Run the projector over a record in batches, as a database would hold the result.

    Either the log is read as it was at each moment, or as it is after all erasures (a rebuild).
    """
    table: Rectangles = {}
    streams = RecordedStreams(events, len(events) if erased_first else 0, hidden)
    projector = Projector(MODELS, streams)
    for start, stop in cut.spans(events):
        if not erased_first:
            streams.events = RecordedStreams(events, stop, hidden).events
            projector.forget()
        changes = Changes()
        projector.advance(streams.events[start:stop], changes)
        _apply(table, changes)
    return table


def _apply(table: Rectangles, changes: Changes, *, some_gone: bool = False) -> None:
    _forget(table, changes.rewritten)
    for row_key, (_, position) in changes.closed.items():
        found = [key for key, (_, until) in table.items() if key[0] == row_key and until == OPEN]
        assert len(found) == 1 or (some_gone and not found)
        for open_key in found:
            table[open_key] = (table[open_key][0], position)
    for row_key, opened in changes.opened:
        if opened.known_from < opened.known_until:
            assert (row_key, opened.known_from) not in table
            table[row_key, opened.known_from] = (opened.fact.row, opened.known_until)


def _forget(table: Rectangles, policies: Collection[str]) -> None:
    for key in [key for key, (row, _) in table.items() if row["policy"] in policies]:
        del table[key]


TO_THE_NEXT_ERASURE: Final = 0
"""A batch that ends with an erasure."""

REACHING: Final = (
    EventType.PAYLOAD_ERASED,
    EventType.PAYLOAD_ERASED,
    EventType.RELATION_ASSERTED,
    EventType.RELATION_ASSERTED,
    EventType.POLICIES_MERGED,
    EventType.POLICY_DESCRIBED,
    EventType.SOURCE_ATTACHED,
)
"""What erases, and what makes policies depend on others."""

reaching = st.lists(
    st.tuples(
        st.sampled_from([str(each) for each in REACHING]),
        st.integers(0, len(NAMES) - 1),
        st.integers(0, 400),
        st.integers(0, 400),
        st.integers(0, 400),
    ),
    min_size=16,
    max_size=30,
)


class Slot:
    """One slot, followed batch by batch beside the other, while the log grows."""

    def __init__(self, events: Sequence[PastEvent]) -> None:
        self.table: Rectangles = {}
        self.position = 0
        self.begun_at = 0
        self._recorded = events
        self._streams = RecordedStreams(events, 0)
        self._projector = Projector(MODELS, self._streams)

    def take(self, size: int, head: int) -> dict[str, int]:
        """Take some events in, of those recorded up to a head; return what is to be forgotten."""
        self._streams.events = RecordedStreams(self._recorded, head).events
        events = self._streams.events[self.position : min(self.position + size, head)]
        if size == TO_THE_NEXT_ERASURE:
            events = self._streams.events[self.position : self._next_erasure(head)]
        changes = Changes()
        self._projector.advance(events, changes)
        _apply(self.table, changes, some_gone=True)
        self.position += len(events)
        return erased_for(self._streams, events)

    def _next_erasure(self, head: int) -> int:
        for event in self._recorded[self.position : head]:
            if event.type is EventType.PAYLOAD_ERASED:
                return event.position
        return head

    def fill(self, head: int) -> None:
        """Begin, and take in at once what is recorded."""
        self.begun_at = head
        self.take(head, head)

    def forget(self, erased: Mapping[str, int]) -> None:
        """Drop rows that may hold what was erased where this slot has not come to that."""
        reached = max(self.position, self.begun_at)
        _forget(self.table, {policy for policy, at in erased.items() if reached < at})


def _known_from(rectangle: tuple[tuple[RowKey, int], object]) -> int:
    return rectangle[0][1]


@settings(max_examples=400, deadline=None)
@given(draws, cuts)
def test_rows_at_every_position_are_what_a_fresh_fold_says(drawn: list[Draw], cut: Cut) -> None:
    """Whatever was corrected, retracted, merged or erased, a rectangle is never stale."""
    events = [event for event, _ in accept(drawn)]

    table = project(events, cut, erased_first=False)

    streams = RecordedStreams(events, len(events))
    for position in range(len(events) + 1):
        expected = {
            key: fact.row
            for policy in sorted({event.policy for event in events})
            if (seen := seen_at(streams, policy, position)) is not None
            for key, fact in rows_of(MODELS, whole(seen)).items()
        }
        # Of a lasting row the newest counts, and the record's order is that of the rows.
        known = {
            key: row
            for (key, known_from), (row, known_until) in sorted(table.items(), key=_known_from)
            if known_from <= position < known_until
        }
        assert known == expected


@settings(max_examples=200, deadline=None)
@given(draws)
def test_a_policy_has_a_step_wherever_its_picture_changed(drawn: list[Draw]) -> None:
    """Its own events count, and those of others that move its periods; nothing else does."""
    events = [event for event, _ in accept(drawn)]

    table = project(events, Cut(3), erased_first=False)

    streams = RecordedStreams(events, len(events))
    for policy in sorted({event.policy for event in events}):
        expected = []
        before: object = None
        for position in range(1, len(events) + 1):
            seen = seen_at(streams, policy, position)
            if seen is None:
                continue
            found = rows_of((POLICIES,), whole(seen))
            rows = {key: fact.row for key, fact in found.items() if key.table in FOLLOWED}
            if (seen.history.version, rows) != before:
                before = (seen.history.version, rows)
                expected.append((position, seen.history.version))
        steps = [
            (known_from, row["version"], until)
            for (key, known_from), (row, until) in table.items()
            if key.table == "policy_steps" and row["policy"] == policy
        ]
        assert sorted(steps) == [(position, version, OPEN) for position, version in expected]


@settings(max_examples=400, deadline=None)
@given(draws, cuts, cuts)
def test_a_rebuild_gives_the_rows_of_the_increments(
    drawn: list[Draw], one: Cut, other: Cut
) -> None:
    """Rebuild equals increment, whatever the batches."""
    events = [event for event, _ in accept(drawn)]

    incremental = project(events, one, erased_first=False)
    rebuilt = project(events, other, erased_first=True)

    assert rebuilt == incremental


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(draws, reaching, reaching),
    st.integers(0, 12),
    st.lists(
        st.tuples(
            st.sampled_from(["record", "follow", "rebuild"]),
            st.sampled_from([TO_THE_NEXT_ERASURE, 40, 1]),
        ),
        min_size=6,
        max_size=12,
    ),
)
def test_a_rebuild_beside_a_follower_gives_its_rows(
    drawn: list[Draw], begun_at: int, steps: list[tuple[str, int]]
) -> None:
    """Whoever is ahead, and wherever a batch ends: what is forgotten is written anew."""
    events = [event for event, _ in accept(drawn)]
    live, rebuilt, head = Slot(events), Slot(events), min(begun_at, len(events))
    rebuilt.fill(head)

    for who, size in [*steps, ("record", 40), *[("follow", 1), ("rebuild", 1)] * 40]:
        if who == "record":
            head = min(head + size, len(events))
        elif who == "follow":
            rebuilt.forget(live.take(size, head))
        else:
            rebuilt.take(size, head)

    assert rebuilt.table == live.table


@settings(max_examples=200, deadline=None)
@given(draws, st.sampled_from(NAMES), st.integers(1, 40))
def test_what_waits_is_as_if_it_were_not_recorded_yet(
    drawn: list[Draw], policy: str, hidden_from: int
) -> None:
    """Building rows anew without a parked policy's later events gives what following gave."""
    events = [event for event, _ in accept(drawn)]
    hidden = {policy: hidden_from}

    followed = project(events, Cut(3), erased_first=False, hidden=hidden)

    assert project(events, Cut(50), erased_first=True, hidden=hidden) == followed


@settings(max_examples=200, deadline=None)
@given(draws, st.sampled_from(NAMES), st.integers(1, 40))
def test_a_parked_policy_that_is_tried_again_leaves_no_trace(
    drawn: list[Draw], policy: str, hidden_from: int
) -> None:
    """Its rows, and those of all on whom it bears, become what they would have been."""
    events = [event for event, _ in accept(drawn)]
    table = project(events, Cut(3), erased_first=False, hidden={policy: hidden_from})
    changes = Changes()

    streams = RecordedStreams(events, len(events))
    Projector(MODELS, streams).rewrite([policy], len(events), changes)
    _apply(table, changes)

    assert table == project(events, Cut(50), erased_first=True)
