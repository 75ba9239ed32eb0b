"""The projector: rectangles that are always what a fresh fold of the record would say."""

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from random_record import POLICIES as NAMES
from random_record import Draw, accept, draws
from recorded_streams import RecordedStreams, seen_at
from timeline.domain.belief import PastEvent
from timeline.projections.changes import Changes
from timeline.projections.model import Row, RowKey, whole
from timeline.projections.models import MODELS
from timeline.projections.policies import FOLLOWED, POLICIES
from timeline.projections.projector import Projector
from timeline.projections.tables import OPEN

Rectangles = dict[tuple[RowKey, int], tuple[Row, int]]


def project(
    events: Sequence[PastEvent],
    batch: int,
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
    for start in range(0, len(events), batch):
        stop = min(start + batch, len(events))
        if not erased_first:
            streams.events = RecordedStreams(events, stop, hidden).events
            projector.forget()
        changes = Changes()
        projector.advance(streams.events[start:stop], changes)
        _apply(table, changes)
    return table


def _apply(table: Rectangles, changes: Changes) -> None:
    for key in [key for key, (row, _) in table.items() if row["policy"] in changes.rewritten]:
        del table[key]
    for row_key, (_, position) in changes.closed.items():
        (open_key,) = [
            key for key, (_, until) in table.items() if key[0] == row_key and until == OPEN
        ]
        table[open_key] = (table[open_key][0], position)
    for row_key, opened in changes.opened:
        if opened.known_from < opened.known_until:
            assert (row_key, opened.known_from) not in table
            table[row_key, opened.known_from] = (opened.fact.row, opened.known_until)


def _known_from(rectangle: tuple[tuple[RowKey, int], object]) -> int:
    return rectangle[0][1]


@settings(max_examples=400, deadline=None)
@given(draws)
def test_rows_at_every_position_are_what_a_fresh_fold_says(drawn: list[Draw]) -> None:
    """Whatever was corrected, retracted, merged or erased, a rectangle is never stale."""
    events = [event for event, _ in accept(drawn)]

    table = project(events, 3, erased_first=False)

    streams = RecordedStreams(events, len(events))
    for position in range(len(events) + 1):
        expected = {
            key: fact.row
            for policy in sorted({event.policy for event in events})
            if (seen := seen_at(streams, policy, position)) is not None
            for model in MODELS
            for key, fact in model.rows(whole(seen))
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

    table = project(events, 3, erased_first=False)

    streams = RecordedStreams(events, len(events))
    for policy in sorted({event.policy for event in events}):
        expected = []
        before: object = None
        for position in range(1, len(events) + 1):
            seen = seen_at(streams, policy, position)
            if seen is None:
                continue
            rows = {
                key: fact.row for key, fact in POLICIES.rows(whole(seen)) if key.table in FOLLOWED
            }
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
@given(draws)
def test_a_rebuild_gives_the_rows_of_the_increments(drawn: list[Draw]) -> None:
    """Rebuild equals increment, whatever the batches."""
    events = [event for event, _ in accept(drawn)]

    incremental = project(events, 1, erased_first=False)
    rebuilt = project(events, 7, erased_first=True)

    assert rebuilt == incremental


@settings(max_examples=200, deadline=None)
@given(draws, st.sampled_from(NAMES), st.integers(1, 40))
def test_what_waits_is_as_if_it_were_not_recorded_yet(
    drawn: list[Draw], policy: str, hidden_from: int
) -> None:
    """Building rows anew without a parked policy's later events gives what following gave."""
    events = [event for event, _ in accept(drawn)]
    hidden = {policy: hidden_from}

    followed = project(events, 3, erased_first=False, hidden=hidden)

    assert project(events, 50, erased_first=True, hidden=hidden) == followed


@settings(max_examples=200, deadline=None)
@given(draws, st.sampled_from(NAMES), st.integers(1, 40))
def test_a_parked_policy_that_is_tried_again_leaves_no_trace(
    drawn: list[Draw], policy: str, hidden_from: int
) -> None:
    """Its rows, and those of all on whom it bears, become what they would have been."""
    events = [event for event, _ in accept(drawn)]
    table = project(events, 3, erased_first=False, hidden={policy: hidden_from})
    changes = Changes()

    streams = RecordedStreams(events, len(events))
    Projector(MODELS, streams).rewrite({policy: hidden_from}, len(events), changes)
    _apply(table, changes)

    assert table == project(events, 50, erased_first=True)
