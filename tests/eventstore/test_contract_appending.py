"""What every event store does with appends: positions, versions, exactly-once, conditions."""

from typing import Any

import pytest

from builders import (
    CALIFORNIA,
    LOS_ANGELES,
    acted,
    batch,
    corrected,
    described,
    erased,
    event_id,
    merged,
    one,
    registered,
    retracted,
)
from conftest import TestClock
from eventstore.recording import Recorder
from timeline.domain import errors as domain
from timeline.domain.vocabulary import EventType
from timeline.eventstore import errors
from timeline.eventstore.model import Append, Outcome, Receipt


def positions(outcome: object) -> list[int]:
    """Return the positions of an outcome's events."""
    assert isinstance(outcome, Outcome), outcome
    return [receipt.position for receipt in outcome.events]


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
    found = recorder.store.read(filter=topics("rent"))
    assert [event.position for event in found] == [2, 3]


# ---- Exactly once ----


def test_the_same_append_again_has_the_same_outcome(recorder: Recorder) -> None:
    """A repeated id with equal content answers the first outcome, however late, and adds nothing."""
    append = batch(registered("a"), acted("a"))
    first = recorder.append(append)
    for _ in range(3):
        recorder.append(one(acted("a")))

    again = recorder.append(append)

    assert again == Outcome(first.events, created=False)
    assert recorder.store.head().position == 5


def test_ids_come_before_versions_conditions_and_rules(recorder: Recorder) -> None:
    """A repeated append is answered although it could not be recorded now."""
    append = Append(
        drafts=(registered("a", expected_version="new"),),
        recorded_by="newsroom",
        condition=one(acted("a"), policies=("a",)).condition,
    )
    first = recorder.append(append)

    again = recorder.append(append)

    assert again == Outcome(first.events, created=False)


def test_the_same_append_twice_in_a_group_is_recorded_once(recorder: Recorder) -> None:
    """A retry that shares the commit with its original is answered with the original's outcome."""
    append = one(registered("a"))

    first, again = recorder.group(append, append)

    assert isinstance(first, Outcome)
    assert again == Outcome(first.events, created=False)
    assert recorder.store.head().position == 1


@pytest.mark.parametrize(
    "other",
    [
        acted("a", id=event_id(1), label="Other words"),
        acted("b", id=event_id(1)),
        described("a", id=event_id(1), topics=["Rent"]),
    ],
    ids=["data", "policy", "type"],
)
def test_an_id_with_other_content_is_a_conflict(recorder: Recorder, other: Any) -> None:
    """An id is taken for good: with other data, policy or type it is refused."""
    recorder.append(batch(registered("a"), registered("b"), acted("a", id=event_id(1))))

    with pytest.raises(errors.IdConflict) as refused:
        recorder.append(one(other))

    assert refused.value.field == "id"
    assert recorder.store.head().position == 3


def test_a_conflict_within_a_group_is_found(recorder: Recorder) -> None:
    """An id that an earlier append of the same group takes is taken."""
    recorder.append(one(registered("a")))

    first, second = recorder.group(
        one(acted("a", id=event_id(1))), one(acted("a", id=event_id(1), label="Other"))
    )

    assert positions(first) == [2]
    assert isinstance(second, errors.IdConflict)


def test_a_partly_known_batch_is_refused(recorder: Recorder) -> None:
    """A batch is repeated as a whole or not at all."""
    known = registered("a")
    recorder.append(one(known))

    with pytest.raises(errors.PartlyKnownBatch) as refused:
        recorder.append(batch(known, acted("a")))

    assert refused.value.ids == (known.id,)
    assert recorder.store.head().position == 1


def test_a_batch_of_events_known_from_several_appends_is_known(recorder: Recorder) -> None:
    """It is the ids that count, not how they were grouped."""
    first, second = registered("a"), acted("a")
    recorder.drafts(first, second)

    again = recorder.append(batch(first, second))

    assert (positions(again), again.created) == ([1, 2], False)


def test_an_id_stands_once_in_a_batch(recorder: Recorder) -> None:
    """Two events of one append cannot have the same id, even with equal content."""
    event = acted("a")

    with pytest.raises(errors.RepeatedId) as refused:
        recorder.append(batch(registered("a"), event, event))

    assert refused.value.field == "events[2].id"


def test_a_refused_id_stays_free(recorder: Recorder) -> None:
    """What was refused was not recorded: the id can be used for something else."""
    results = recorder.group(one(acted("a", id=event_id(1))), one(registered("a", id=event_id(1))))

    assert isinstance(results[0], domain.PolicyNotRegistered)
    assert positions(results[1]) == [1]


# ---- Expected versions ----


def test_an_expected_version_has_to_be_the_current_one(recorder: Recorder) -> None:
    """A number is the version the policy has to be at; the error says where it is."""
    recorder.append(batch(registered("a"), acted("a")))

    with pytest.raises(errors.WrongExpectedVersion) as refused:
        recorder.append(one(acted("a", expected_version=1)))
    outcome = recorder.append(one(acted("a", expected_version=2)))

    assert (refused.value.expected, refused.value.actual) == (1, 2)
    assert refused.value.field == "expected_version"
    assert positions(outcome) == [3]


def test_new_means_not_registered(recorder: Recorder) -> None:
    """`new` holds for a policy without events only."""
    first = recorder.append(one(registered("a", expected_version="new")))

    with pytest.raises(errors.WrongExpectedVersion):
        recorder.append(one(registered("a", expected_version="new")))

    assert positions(first) == [1]


def test_in_a_batch_an_expected_version_belongs_to_the_policy_s_first_event(
    recorder: Recorder,
) -> None:
    """It is about the policy before the batch; on a later event it is refused, naming the field."""
    outcome = recorder.append(
        batch(registered("a", expected_version="new"), registered("b", expected_version="new"))
    )
    with pytest.raises(errors.MisplacedExpectedVersion) as refused:
        recorder.append(batch(acted("a", expected_version=1), acted("a", expected_version=2)))

    assert positions(outcome) == [1, 2]
    assert refused.value.field == "events[1].expected_version"


def test_of_two_appends_that_expect_the_same_version_one_is_refused(recorder: Recorder) -> None:
    """Also where they share a commit, the second sees the version that the first has made."""
    recorder.append(one(registered("a")))

    first, second = recorder.group(
        one(acted("a", expected_version=1)), one(acted("a", expected_version=1))
    )

    assert positions(first) == [2]
    assert isinstance(second, errors.WrongExpectedVersion)
    assert second.actual == 2


# ---- Conditions ----


def topics(*values: str) -> Any:
    """Return a filter for topics."""
    condition = one(acted(), topics=values).condition
    assert condition is not None
    return condition.fail_if_match


@pytest.mark.parametrize(
    ("match", "fails_at"),
    [
        ({"types": ("ActionRecorded",)}, 2),
        ({"types": ("PoliciesMerged",)}, None),
        ({"policies": ("b",)}, 3),
        ({"policies": ("c", "b")}, 3),
        ({"jurisdictions": (CALIFORNIA,)}, 3),
        ({"jurisdictions": ("ocd-division/country:us",)}, None),
        ({"topics": ("  RENT  control ",)}, 1),
        ({"topics": ("rent",)}, None),
        ({"actors": ("karen BASS",)}, 2),
        ({"actors": ("ann",)}, 3),
        ({"identifiers": ("EO:N 7",)}, 3),
        ({"identifiers": ("no colon",)}, None),
        ({"types": ("ActionRecorded",), "policies": ("b",)}, 4),
        ({"types": ("ActionRecorded",), "actors": ("ann",)}, None),
        ({"types": ("ActionRecorded", "PolicyRegistered"), "after": 1}, 2),
        ({"policies": ("a",), "after": 2}, None),
        ({"topics": ("rent control",), "policies": ("a",), "after": 1}, 2),
        ({"topics": ("homes", "rent control"), "jurisdictions": (LOS_ANGELES,), "after": 1}, 2),
        ({"after": 3}, 4),
        ({"after": 4}, None),
        ({"after": 400}, None),
    ],
)
def test_a_condition_fails_where_an_event_matches(
    recorder: Recorder, match: dict[str, Any], fails_at: int | None
) -> None:
    """Fields AND, values OR, over the whole log after a position; the error names the first match."""
    recorder.append(
        batch(
            registered("a", topics=["Rent control"]),
            acted("a", actors=[{"name": "Karen Bass"}]),
            registered(
                "b",
                jurisdiction=CALIFORNIA,
                sponsors=[{"name": "Ann"}],
                identifiers=[{"scheme": "eo", "value": "N7"}],
            ),
            acted("b"),
        )
    )

    (result,) = recorder.group(one(acted("a"), **match))

    found = result.position if isinstance(result, errors.ConditionFailed) else None
    assert found == fails_at
    assert isinstance(result, Outcome) == (fails_at is None)


def test_conditions_hold_against_events_of_the_same_group(recorder: Recorder) -> None:
    """Of two appends that each exclude the other, one is recorded, though they share a commit."""
    recorder.append(one(registered("a", topics=["Rent"])))

    results = recorder.group(
        one(acted("a", actors=[{"name": "Ann"}]), actors=("ann",), after=1),
        one(acted("a", actors=[{"name": "Ann"}]), actors=("ann",), after=1),
        one(acted("a"), topics=("rent",), after=2),
    )

    assert positions(results[0]) == [2]
    assert isinstance(results[1], errors.ConditionFailed)
    assert (results[1].position, results[1].field) == (2, "condition")
    assert positions(results[2]) == [3]


def test_a_condition_does_not_meet_its_own_events(recorder: Recorder) -> None:
    """What an append adds is not what it is conditional on."""
    outcome = recorder.append(batch(registered("a"), acted("a"), policies=("a",)))

    assert positions(outcome) == [1, 2]


def test_versions_are_judged_before_conditions(recorder: Recorder) -> None:
    """Where both stand against an append, the version is named."""
    recorder.append(one(registered("a")))

    (result,) = recorder.group(one(acted("a", expected_version=9), policies=("a",)))

    assert isinstance(result, errors.WrongExpectedVersion)


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


# ---- Erasure ----


def test_an_erased_event_keeps_its_place_and_loses_its_data(recorder: Recorder) -> None:
    """Only the payload goes; the event says which event erased it."""
    action = acted("a", actors=[{"name": "Ann"}])
    recorder.drafts(registered("a"), action)
    before = recorder.store.get(action.id)
    (erasure,) = recorder.drafts(erased(action.id, "a"))

    after = recorder.store.get(action.id)

    assert before is not None
    assert before.data == action.data
    assert after is not None
    assert (after.data, after.erased_by) == (None, erasure)
    assert (after.position, after.version, after.recorded_at) == (2, 2, before.recorded_at)


def test_an_erased_event_is_repeated_by_policy_and_type_alone(recorder: Recorder) -> None:
    """A retry of what has been erased since is answered, and says so; another policy conflicts."""
    action = acted("a")
    recorder.drafts(registered("a"), registered("b"), action, erased(action.id, "a"))

    again = recorder.append(one(acted("a", id=action.id, label="Whatever it was")))

    assert again.created is False
    assert [(each.position, each.erased) for each in again.events] == [(3, True)]
    with pytest.raises(errors.IdConflict):
        recorder.append(one(acted("b", id=action.id)))


def test_an_event_can_be_erased_in_the_append_that_records_it(recorder: Recorder) -> None:
    """Its payload is never written; what refers to it goes on."""
    action = acted("a", actors=[{"name": "Ann"}])

    recorder.append(batch(registered("a"), action, erased(action.id, "a"), acted("a")))

    event = recorder.store.get(action.id)
    assert event is not None
    assert event.data is None
    condition = one(acted("a"), actors=("ann",)).condition
    assert condition is not None
    assert recorder.store.read(filter=condition.fail_if_match) == []


def test_an_erased_registration_is_found_by_what_replaces_it(recorder: Recorder) -> None:
    """The tags of all events follow the replacement: the old topic is gone from the index."""
    needed = {"title": "An order", "instrument": "executive_order", "jurisdiction": LOS_ANGELES}
    registration = registered("a", topics=["Secret"])
    recorder.drafts(registration, acted("a"), described("a", topics=["Rent"]), acted("a"))

    recorder.drafts(
        erased(
            registration.id,
            "a",
            replacement=needed | {"topics": ["Homes"], "sources": [{"citation": "x"}]},
        )
    )

    assert recorder.store.read(filter=topics("secret")) == []
    assert [event.position for event in recorder.store.read(filter=topics("homes"))] == [1, 2]
    assert [event.position for event in recorder.store.read(filter=topics("rent"))] == [3, 4, 5]
