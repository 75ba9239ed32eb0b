"""What every event store does with an append: positions, instants, all or nothing, what it recalls."""

import pytest

from builders import (
    acted,
    batch,
    corrected,
    described,
    event_id,
    merged,
    one,
    registered,
    retracted,
)
from clocks import TestClock
from eventstore.recording import Recorder, positions
from timeline.domain import errors as domain
from timeline.domain.vocabulary import EventType
from timeline.eventstore import errors
from timeline.eventstore.model import EventFilter, Outcome, Receipt

# ---- Positions, versions, instants ----


def test_an_empty_log_stands_at_zero(recorder: Recorder) -> None:
    """Before anything is recorded there is a head, at position 0, without an instant."""
    head = recorder.store.head()

    assert (head.position, head.recorded_at, head.frontier.size) == (0, None, 0)


def test_positions_are_dense_and_versions_count_within_a_policy(recorder: Recorder) -> None:
    """Positions count 1, 2, 3 over the whole log, versions within each policy."""
    first = recorder.append(batch(registered("a"), registered("b"), acted("a")))
    second = recorder.append(one(acted("b")))

    assert [(each.policy, each.position, each.version) for each in first.events] == [
        ("a", 1, 1),
        ("b", 2, 1),
        ("a", 3, 2),
    ]
    assert [(each.policy, each.position, each.version) for each in second.events] == [("b", 4, 2)]


def test_a_receipt_says_where_an_event_stands(recorder: Recorder) -> None:
    """An append is answered with id, policy, version, position, instant and type."""
    outcome = recorder.append(one(registered("an-order", id=event_id(1))))

    assert outcome == Outcome(
        (
            Receipt(
                id=event_id(1),
                policy="an-order",
                version=1,
                position=1,
                recorded_at="2026-11-22T10:00:00.123456Z",
                type=EventType.POLICY_REGISTERED,
            ),
        ),
        created=True,
    )


def test_each_event_names_the_first_position_of_its_append(recorder: Recorder) -> None:
    """`batch` groups what was recorded together."""
    recorder.append(batch(registered("a"), acted("a")))
    recorder.group(one(acted("a")), batch(acted("a"), acted("a")))

    assert [event.batch for event in recorder.store.read()] == [1, 1, 3, 4, 4]


def test_one_append_has_one_instant_and_the_next_a_later_one(recorder: Recorder) -> None:
    """recorded_at is equal within an append and strictly increases between, though time stops."""
    recorder.group(batch(registered("a"), acted("a")), one(acted("a")))
    recorder.append(one(acted("a")))

    assert [event.recorded_at[-8:] for event in recorder.store.read()] == [
        ".123456Z",
        ".123456Z",
        ".123457Z",
        ".123458Z",
    ]


def test_a_clock_that_goes_back_does_not_take_the_log_with_it(
    recorder: Recorder, clock: TestClock
) -> None:
    """When the clock is set back, instants go on from the last one, a microsecond at a time."""
    recorder.append(one(registered("a")))
    clock.advance(-3_600)
    recorder.append(one(acted("a")))
    clock.advance(3_601)
    recorder.append(one(acted("a")))

    assert [event.recorded_at for event in recorder.store.read()] == [
        "2026-11-22T10:00:00.123456Z",
        "2026-11-22T10:00:00.123457Z",
        "2026-11-22T10:00:01.123456Z",
    ]


# ---- All or nothing ----


def test_a_refused_batch_leaves_nothing(recorder: Recorder) -> None:
    """Where one event of a batch is refused, none is recorded, and the error names which."""
    with pytest.raises(domain.PolicyNotRegistered) as refused:
        recorder.append(batch(registered("a"), acted("a"), acted("nowhere")))

    assert refused.value.field == "events[2].policy"
    assert recorder.store.head().position == 0


def test_a_single_event_s_error_names_the_field_alone(recorder: Recorder) -> None:
    """What was not sent as a list has no index in its errors."""
    with pytest.raises(domain.PolicyNotRegistered) as refused:
        recorder.append(one(acted("nowhere")))

    assert refused.value.field == "policy"


def test_a_refusal_fails_alone_in_its_group(recorder: Recorder) -> None:
    """Of appends that share a commit, a refused one changes nothing for the others."""
    results = recorder.group(
        one(registered("a")),
        batch(acted("a"), acted("nowhere")),
        one(acted("a"), types=("ActionRecorded",)),
        one(acted("a", expected_version=7)),
        one(acted("a")),
    )

    assert positions(results[0]) == [1]
    assert isinstance(results[1], domain.PolicyNotRegistered)
    assert positions(results[2]) == [2]
    assert isinstance(results[3], errors.WrongExpectedVersion)
    assert positions(results[4]) == [3]
    assert [event.version for event in recorder.store.stream("a")] == [1, 2, 3]


def test_events_of_a_batch_may_build_on_each_other(recorder: Recorder) -> None:
    """A batch can register, act, correct, retract and restore, each judged after the one before."""
    action = acted("a")
    correction = corrected(action.id, {"occurred": "2025"}, "a")
    change = described("a", topics=["Rent"])
    retraction = retracted(change.id, "a")

    outcome = recorder.append(
        batch(
            registered("a", topics=["Homes"]),
            action,
            correction,
            change,
            retraction,
            retracted(retraction.id, "a"),
            acted("a"),
        )
    )

    assert positions(outcome) == [1, 2, 3, 4, 5, 6, 7]


def test_appends_of_a_group_build_on_those_before(recorder: Recorder) -> None:
    """Appends that share a commit see each other as if committed one by one."""
    recorder.append(one(registered("a", topics=["Homes"])))
    change = described("a", topics=["Rent"])

    results = recorder.group(
        one(change), one(acted("a")), one(retracted(change.id, "a")), one(acted("a"))
    )

    assert [positions(result) for result in results] == [[2], [3], [4], [5]]
    found = recorder.store.read(filter=EventFilter(topics=("rent",)))
    assert [event.position for event in found] == [2, 3]


# ---- The write side's memory ----


def test_the_domain_s_rules_hold_across_appends(recorder: Recorder) -> None:
    """Retraction, restoring and merging are judged by what earlier appends did."""
    registration, action = registered("a"), acted("a")
    recorder.drafts(registration, action)
    (retraction,) = recorder.drafts(retracted(action.id, "a"))

    with pytest.raises(domain.EventAlreadyRetracted):
        recorder.append(one(corrected(action.id, {"occurred": "2025"}, "a")))
    recorder.drafts(retracted(retraction, "a"))
    recorder.append(one(corrected(action.id, {"occurred": "2025"}, "a")))
    recorder.drafts(registered("b"), merged("b", "a"))
    with pytest.raises(domain.PolicyMerged) as refused:
        recorder.append(one(acted("b")))

    assert refused.value.facts["survivor"] == "a"
    assert recorder.store.head().position == 7


def test_a_correction_is_judged_by_the_action_as_believed(recorder: Recorder) -> None:
    """Whether an effect ends before it begins depends on the corrections before."""
    action = acted("a", effective="2024-12-01")
    recorder.drafts(registered("a"), action)
    recorder.drafts(corrected(action.id, {"effective": "2026-01-01"}, "a"))

    with pytest.raises(domain.UntilBeforeEffective):
        recorder.append(one(corrected(action.id, {"until": "2025-06-30"}, "a")))


def test_a_depth_of_retractions_is_found_again(recorder: Recorder) -> None:
    """A chain of retractions and restorings is followed to its end, however it was committed."""
    action = acted("a")
    recorder.drafts(registered("a"), action)
    last = action.id
    for _ in range(5):
        (last,) = recorder.drafts(retracted(last, "a"))

    with pytest.raises(domain.EventAlreadyRetracted):
        recorder.append(one(corrected(action.id, {"occurred": "2025"}, "a")))
    recorder.drafts(retracted(last, "a"))

    assert positions(recorder.append(one(corrected(action.id, {"occurred": "2025"}, "a")))) == [9]
