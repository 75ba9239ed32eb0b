"""Which event may follow which: given these events, when that one is proposed, then this."""

import re
from typing import NamedTuple

import pytest

from domain_builders import (
    LOS_ANGELES,
    SOURCE,
    Draft,
    Json,
    Record,
    Refusal,
    acted,
    corrected,
    described,
    disputed,
    erased,
    event_id,
    merged,
    registered,
    related,
    retracted,
    supported,
)
from timeline.domain import errors
from timeline.domain.decide import MAX_RETRACTION_DEPTH
from timeline.domain.errors import DomainError
from timeline.domain.vocabulary import EventType

ORDER, LAW, SUIT = "order-1", "law-1", "suit-1"
NOWHERE = event_id(999)


@pytest.fixture
def record() -> Record:
    """Return an empty record."""
    return Record()


def one_of_each(policy: str, event: str, other: str) -> dict[EventType, Draft]:
    """Return an event of every type on the policy, about the event and the other policy."""
    drafts = (
        registered(policy),
        described(policy, title="Another title"),
        acted(policy),
        corrected(policy, event, {"label": "Issued"}),
        supported(policy, event),
        related(policy, {"policy": other}),
        retracted(policy, event),
        merged(policy, other),
        erased(policy, event),
    )
    return {draft.type: draft for draft in drafts}


def replacing(draft: Draft, **changes: Json) -> dict[str, Json]:
    """Return a draft's data with changes, as a replacement; None takes a field out."""
    return {name: value for name, value in (draft.data | changes).items() if value is not None}


# --- every error


class Case(NamedTuple):
    """What is on record, what is proposed and how it is refused."""

    given: tuple[Draft, ...]
    when: Draft
    then: Refusal


REFUSALS = [
    Case(
        (registered(ORDER), registered(LAW)),
        erased(ORDER, event_id(1), replacing(registered(ORDER), title=7)),
        Refusal(errors.InvalidData, "data.replacement.title", "Expected text, got a whole number"),
    ),
    Case(
        (registered(ORDER),),
        registered(ORDER),
        Refusal(
            errors.PolicyAlreadyRegistered,
            "policy",
            "The policy order-1 is already registered; describe it with PolicyDescribed.",
        ),
    ),
    Case(
        (),
        acted(ORDER),
        Refusal(
            errors.PolicyNotRegistered,
            "policy",
            "The policy order-1 is not registered; its first event is a PolicyRegistered.",
        ),
    ),
    Case(
        (registered(ORDER), retracted(ORDER, event_id(1))),
        acted(ORDER),
        Refusal(
            errors.PolicyRetracted,
            "policy",
            f"The registration of order-1 is retracted by {event_id(2)}; "
            "retract that event to restore it.",
        ),
    ),
    Case(
        (registered(ORDER), registered(LAW), merged(LAW, ORDER)),
        acted(ORDER),
        Refusal(
            errors.PolicyMerged,
            "policy",
            "The policy order-1 is merged into law-1; record it there.",
        ),
    ),
    Case(
        (registered(ORDER),),
        retracted(ORDER, NOWHERE),
        Refusal(errors.UnknownEvent, "data.event", f"There is no event {NOWHERE}."),
    ),
    Case(
        (registered(ORDER),),
        related(ORDER, {"policy": LAW}),
        Refusal(
            errors.UnknownPolicy,
            "data.target.policy",
            "The policy law-1 is not registered; name what lies outside the record by citation.",
        ),
    ),
    Case(
        (registered(ORDER), registered(LAW)),
        supported(ORDER, event_id(2)),
        Refusal(
            errors.EventOfAnotherPolicy,
            "data.event",
            f"The event {event_id(2)} belongs to law-1, not to order-1.",
        ),
    ),
    Case(
        (registered(ORDER),),
        corrected(ORDER, event_id(1), {}),
        Refusal(
            errors.WrongEventType,
            "data.event",
            f"The event {event_id(1)} is of type PolicyRegistered; ActionRecorded is needed here.",
        ),
    ),
    Case(
        (registered(ORDER), acted(ORDER), retracted(ORDER, event_id(2))),
        retracted(ORDER, event_id(2)),
        Refusal(
            errors.EventAlreadyRetracted,
            "data.event",
            f"The event {event_id(2)} is retracted by {event_id(3)}.",
        ),
    ),
    Case(
        (registered(ORDER), acted(ORDER), erased(ORDER, event_id(2))),
        erased(ORDER, event_id(2)),
        Refusal(
            errors.EventAlreadyErased,
            "data.event",
            f"The payload of {event_id(2)} is erased by {event_id(3)}.",
        ),
    ),
    Case(
        (
            registered(ORDER),
            acted(ORDER),
            *(retracted(ORDER, event_id(2 + depth)) for depth in range(MAX_RETRACTION_DEPTH)),
        ),
        retracted(ORDER, event_id(2 + MAX_RETRACTION_DEPTH)),
        Refusal(
            errors.RetractionTooDeep,
            "data.event",
            "Retractions of retractions end at a depth of 16; "
            f"retract the event {event_id(2)} itself.",
        ),
    ),
    Case(
        (registered(ORDER),),
        described(ORDER),
        Refusal(
            errors.NothingDescribed,
            "data",
            "A PolicyDescribed changes at least one field of the description.",
        ),
    ),
    Case(
        (registered(ORDER),),
        merged(ORDER, ORDER),
        Refusal(
            errors.SelfReference,
            "data.duplicate",
            "The policy order-1 cannot be its own counterpart.",
        ),
    ),
    Case(
        (registered(ORDER), acted(ORDER)),
        disputed(ORDER, event_id(2), "title", "Another"),
        Refusal(
            errors.InvalidClaim,
            "data.claim.field",
            f"The claim does not fit the event {event_id(2)}: "
            "ActionRecorded has no field 'title' that a source can dispute",
        ),
    ),
    Case(
        (registered(ORDER), acted(ORDER), supported(ORDER, event_id(2))),
        corrected(ORDER, event_id(2), {}, settles=[event_id(3)]),
        Refusal(
            errors.InvalidSettlement,
            "data.settles[0]",
            f"The event {event_id(3)} is no open dispute about the corrected event.",
        ),
    ),
    Case(
        (registered(ORDER),),
        acted(ORDER, effective="2025", until="2024"),
        Refusal(
            errors.UntilBeforeEffective,
            "data.until",
            "The effect would end (2024) before it begins (2025).",
        ),
    ),
    Case(
        (registered(ORDER),),
        erased(ORDER, event_id(1)),
        Refusal(
            errors.ReplacementRequired,
            "data.replacement",
            "Erasing a PolicyRegistered needs a replacement: "
            "its effect on the record outlives its payload.",
        ),
    ),
    Case(
        (registered(ORDER), registered(LAW), merged(LAW, ORDER), registered(SUIT)),
        merged(SUIT, ORDER),
        Refusal(
            errors.MergeRefused,
            "data.duplicate",
            "The policy order-1 cannot be merged: it is merged into law-1",
        ),
    ),
]


@pytest.mark.parametrize("case", REFUSALS, ids=[case.then.error.__name__ for case in REFUSALS])
def test_a_refusal_names_the_field_and_says_why(record: Record, case: Case) -> None:
    """Each error is a whole sentence with the facts in it, and leaves nothing behind."""
    if case.given:
        record.given(*case.given)

    refusal = record.refusal(case.when)

    assert refusal == case.then


def test_every_error_is_raised_and_drawn_in_the_tree() -> None:
    """The tree at the top of errors.py is the list of what a writer can be told."""
    known = {error.__name__ for error in DomainError.__subclasses__()}
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")

    assert len(drawn) == len(set(drawn))
    assert set(drawn) == known
    of_reading = {"UnknownShape", "UpcasterMissing", "ReplacementShapesMissing"}
    assert {case.then.error.__name__ for case in REFUSALS} == known - of_reading
    assert all(not error.__subclasses__() for error in DomainError.__subclasses__())


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (errors.InvalidData, "invalid-data"),
        (errors.PolicyAlreadyRegistered, "policy-already-registered"),
        (errors.UntilBeforeEffective, "until-before-effective"),
    ],
)
def test_an_error_has_a_stable_name_for_its_problem_type(
    error: type[DomainError], slug: str
) -> None:
    """Clients branch on /problems/SLUG."""
    facts = dict.fromkeys(("reason", "policy", "until", "effective"), "x")

    assert error(**facts).slug == slug


def test_an_error_that_lacks_a_fact_cannot_be_made() -> None:
    """A message with a hole in it never reaches a reader."""
    with pytest.raises(KeyError, match="policy"):
        errors.PolicyNotRegistered()


def test_facts_are_put_into_the_message_as_they_are() -> None:
    """Braces in what a writer sent are no placeholders."""
    error = errors.InvalidData(field="data", reason="{field} {0}")

    assert str(error) == "{field} {0}"
    assert error.facts == {"reason": "{field} {0}"}


# --- streams


@pytest.mark.parametrize("type", [type for type in EventType if type != "PolicyRegistered"])
def test_the_first_event_of_a_policy_registers_it(record: Record, type: EventType) -> None:
    """No other event can open a stream, not even one about an event elsewhere."""
    elsewhere = record.given(registered(LAW), acted(LAW))

    refusal = record.refusal(one_of_each(ORDER, elsewhere, LAW)[type])

    assert refusal.error is errors.PolicyNotRegistered


@pytest.mark.parametrize("type", [type for type in EventType if type != "PayloadErased"])
def test_a_merged_policy_refuses_appends_naming_the_survivor(
    record: Record, type: EventType
) -> None:
    """What is known of the one order is recorded in one place from then on."""
    record.given(registered(ORDER), registered(LAW), registered(SUIT))
    issued = record.given(acted(ORDER))
    record.given(merged(LAW, ORDER))

    refusal = record.refusal(one_of_each(ORDER, issued, SUIT)[type])

    assert refusal == Refusal(
        errors.PolicyMerged, "policy", "The policy order-1 is merged into law-1; record it there."
    )


@pytest.mark.parametrize("type", [type for type in EventType if type != "PayloadErased"])
def test_a_retracted_policy_refuses_appends(record: Record, type: EventType) -> None:
    """Its slug stays reserved; retracting one of its other events does not open it either."""
    record.given(registered(ORDER), registered(LAW))
    issued = record.given(acted(ORDER))
    record.given(retracted(ORDER, event_id(1)))

    refusal = record.refusal(one_of_each(ORDER, issued, LAW)[type])

    assert refusal.error is errors.PolicyRetracted


def test_a_restored_policy_takes_appends_again(record: Record) -> None:
    """The one append that a retracted policy takes is the retraction of its retraction."""
    record.given(registered(ORDER))
    withdrawn = record.given(retracted(ORDER, event_id(1)))

    record.when(retracted(ORDER, withdrawn))

    record.given(acted(ORDER))
    assert record.stream(ORDER).retracted_by is None


def test_a_policy_can_be_retracted_and_restored_again_and_again(record: Record) -> None:
    """Down the chain of retractions, or from the registration anew."""
    record.given(registered(ORDER))
    for below in (1, 2, 3, 4, 1, 6):
        record.given(retracted(ORDER, event_id(below)))

    assert record.stream(ORDER).retracted_by is None
    assert record.given(retracted(ORDER, event_id(1))) == record.stream(ORDER).retracted_by
    assert record.refusal(acted(ORDER)).error is errors.PolicyRetracted


def test_a_retracted_policy_does_not_restore_anything_but_its_registration(record: Record) -> None:
    """What was taken back before stays so until the policy itself is back."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    withdrawn = record.given(retracted(ORDER, issued))
    record.given(retracted(ORDER, event_id(1)))

    refusal = record.refusal(retracted(ORDER, withdrawn))

    assert refusal.error is errors.PolicyRetracted


def test_an_unmerged_policy_takes_appends_again(record: Record) -> None:
    """Retracting the merger, in the survivor's stream, sets the duplicate free."""
    record.given(registered(ORDER), registered(LAW))
    merger = record.given(merged(LAW, ORDER))

    record.when(retracted(LAW, merger))

    record.given(acted(ORDER))
    assert record.stream(ORDER).merged_into is None


# --- descriptions


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another"},
        {"instrument": "ordinance"},
        {"jurisdiction": LOS_ANGELES},
        {"body": None},
        {"identifiers": []},
        {"topics": []},
        {"sponsors": []},
        {"summary": None},
        {"origin": None},
        {"sources": [SOURCE]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_one_field_makes_a_description(record: Record, change: dict[str, Json]) -> None:
    """Each field of a registration can be replaced alone, its sources and origin too."""
    record.given(registered(ORDER))

    record.when(described(ORDER, **change))

    assert record.stream(ORDER).version == 2


# --- actions and relations

TERMS_REFUSED = [
    ("2025-01-02", "2025-01-01"),
    ("2025", "2024-12-31"),
    ("2025-06/2025-07", "2025-05"),
    ("2025-06/..", "2024/2025-05"),
    ("2025?", "2024%"),
]
TERMS_TAKEN = [
    ("2025-01-01", "2025-01-01"),
    ("2025", "2025"),
    ("2025-12-31", "2025"),
    ("2025-06", "2025-06-01"),
    ("../2025", "2020"),
    ("2025", "2020/.."),
    ("XXXX", "2020"),
    ("2025", "XXXX"),
    ("2025", None),
    (None, "2020"),
]


@pytest.mark.parametrize(("effective", "until"), TERMS_REFUSED)
def test_an_effect_that_surely_ends_before_it_begins_is_refused(
    record: Record, effective: str, until: str
) -> None:
    """For actions and relations alike: the last day it can end precedes the first it can begin."""
    record.given(registered(ORDER), registered(LAW))
    term = {"effective": effective, "until": until}

    refusals = [
        record.refusal(acted(ORDER, **term)),
        record.refusal(related(ORDER, {"policy": LAW}, **term)),
    ]

    message = f"The effect would end ({until}) before it begins ({effective})."
    assert refusals == [Refusal(errors.UntilBeforeEffective, "data.until", message)] * 2


@pytest.mark.parametrize(("effective", "until"), TERMS_TAKEN)
def test_an_effect_that_may_last_a_day_is_taken(
    record: Record, effective: str | None, until: str | None
) -> None:
    """Uncertainty is no contradiction, and `until` is inclusive."""
    record.given(registered(ORDER), registered(LAW))
    term = {"effective": effective, "until": until}

    record.when(acted(ORDER, **term), related(ORDER, {"policy": LAW}, **term))

    assert record.stream(ORDER).version == 3


def test_an_action_may_take_effect_before_it_occurred(record: Record) -> None:
    """Laws with effect for the past exist: only `until` is held against `effective`."""
    record.given(registered(ORDER))

    record.when(acted(ORDER, occurred="2025", effective="2020", until="2024"))

    assert record.stream(ORDER).version == 2


def pointing(policy: str, name: str) -> dict[str, Draft]:
    """Return events of the policy that point at the name, by the field that does."""
    elsewhere = {"citation": "EO 1"}
    return {
        "data.by.policy": acted(policy, by={"policy": name}),
        "data.changes.by.policy": corrected(policy, event_id(3), {"by": {"policy": name}}),
        "data.target.policy": related(policy, {"policy": name}),
        "by of a relation": related(policy, elsewhere, by={"policy": name}),
    }


@pytest.mark.parametrize("field", pointing("", ""))
def test_a_policy_that_is_pointed_at_is_registered(record: Record, field: str) -> None:
    """What nobody has registered is named by citation instead."""
    record.given(registered(ORDER), registered(LAW), acted(ORDER))
    draft = pointing(ORDER, SUIT)[field]

    refusal = record.refusal(draft)

    assert refusal.error is errors.UnknownPolicy
    assert refusal.field == field.replace("by of a relation", "data.by.policy")
    record.given(registered(SUIT), draft)


@pytest.mark.parametrize("field", [name for name in pointing("", "") if name.startswith("data")])
def test_no_policy_acts_on_itself(record: Record, field: str) -> None:
    """Neither as the target of a relation nor as the other side of an action."""
    record.given(registered(ORDER), registered(LAW), acted(ORDER))

    refusal = record.refusal(pointing(ORDER, ORDER)[field])

    assert refusal == Refusal(
        errors.SelfReference, field, "The policy order-1 cannot be its own counterpart."
    )


def test_a_relation_may_name_its_own_policy_as_the_one_who_acts(record: Record) -> None:
    """It always is; naming it lets the relation and the target's action agree in `by`."""
    record.given(registered(ORDER), registered(LAW))

    record.when(related(ORDER, {"policy": LAW}, by={"policy": ORDER}))

    assert record.stream(ORDER).version == 2


@pytest.mark.parametrize(
    "target",
    [
        {"citation": "la-ordinance:188441"},
        {"citation": {"scheme": "la-ordinance", "value": "188441"}},
        {"selector": {"instrument": "executive_order"}},
    ],
    ids=["text", "identifier", "selector"],
)
def test_a_target_may_lie_outside_the_record(record: Record, target: dict[str, Json]) -> None:
    """Real documents cite what nobody has registered."""
    record.given(registered(ORDER))

    record.when(related(ORDER, target))

    assert record.stream(ORDER).version == 2


def test_a_merged_or_retracted_policy_can_still_be_pointed_at(record: Record) -> None:
    """A relation outlives what becomes of its target, in whichever order they are recorded."""
    record.given(registered(ORDER), registered(LAW), registered(SUIT))
    record.given(merged(ORDER, LAW), retracted(SUIT, event_id(3)))

    record.when(related(ORDER, {"policy": LAW}), acted(ORDER, by={"policy": SUIT}))

    assert record.stream(ORDER).version == 4


# --- corrections


def one_recorded_of_each(record: Record) -> dict[EventType, str]:
    """Record an event of every type on the order; returns their ids."""
    ids = {EventType.POLICY_REGISTERED: record.given(registered(LAW), registered(ORDER))}
    issued = record.given(acted(ORDER))
    for type, draft in one_of_each(ORDER, issued, LAW).items():
        if type in (EventType.EVENT_RETRACTED, EventType.PAYLOAD_ERASED):
            ids[type] = record.given(
                acted(ORDER),
                Draft(ORDER, type, draft.data | {"event": event_id(len(record.log) + 1)}),
            )
        elif type is not EventType.POLICY_REGISTERED:
            ids[type] = record.given(draft)
    return ids


@pytest.mark.parametrize("type", [type for type in EventType if type != "ActionRecorded"])
def test_a_correction_names_the_original_action(record: Record, type: EventType) -> None:
    """Never another correction, nor anything else: corrections do not form chains."""
    event = one_recorded_of_each(record)[type]

    refusal = record.refusal(corrected(ORDER, event, {}))

    assert refusal == Refusal(
        errors.WrongEventType,
        "data.event",
        f"The event {event} is of type {type}; ActionRecorded is needed here.",
    )


def test_an_action_can_be_corrected_more_than_once(record: Record) -> None:
    """Each correction names the original, and an empty one may stand for itself."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))

    record.when(
        corrected(ORDER, issued, {"occurred": "2024-11-20"}),
        corrected(ORDER, issued, {"occurred": "2024-11-21"}),
        corrected(ORDER, issued, {}),
    )

    believed = record.situation.actions[issued].believed()
    assert believed.occurred.text == "2024-11-21"


def test_a_retracted_action_is_not_corrected_until_it_is_restored(record: Record) -> None:
    """There is nothing to put right in what did not happen."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    withdrawn = record.given(retracted(ORDER, issued))
    draft = corrected(ORDER, issued, {"label": "Issued"})

    refusal = record.refusal(draft)

    assert refusal.error is errors.EventAlreadyRetracted
    record.given(retracted(ORDER, withdrawn), draft)


@pytest.mark.parametrize(
    "type", ["ActionCorrected", "SourceAttached", "EventRetracted", "PayloadErased"]
)
def test_an_event_is_named_by_a_known_id_of_the_same_policy(record: Record, type: str) -> None:
    """An event about another belongs to the same stream, so that one stream tells all of it."""
    record.given(registered(ORDER), registered(LAW))
    issued = record.given(acted(LAW))

    unknown = record.refusal(one_of_each(ORDER, NOWHERE, LAW)[EventType(type)])
    foreign = record.refusal(one_of_each(ORDER, issued, LAW)[EventType(type)])

    assert unknown == Refusal(errors.UnknownEvent, "data.event", f"There is no event {NOWHERE}.")
    assert foreign == Refusal(
        errors.EventOfAnotherPolicy,
        "data.event",
        f"The event {issued} belongs to law-1, not to order-1.",
    )


@pytest.mark.parametrize(
    ("recorded", "before", "changes", "field"),
    [
        ({"effective": "2024"}, [], {"until": "2023"}, "until"),
        ({"until": "2024"}, [], {"effective": "2025"}, "effective"),
        ({}, [], {"effective": "2025", "until": "2024"}, "until"),
        ({}, [{"effective": "2025"}], {"until": "2024"}, "until"),
        ({"until": "2030"}, [{"until": "2024"}], {"effective": "2025"}, "effective"),
        (
            {"effective": "2025", "until": "2026"},
            [{"effective": None}, {"until": "2024"}],
            {"effective": "2025"},
            "effective",
        ),
    ],
)
def test_a_correction_of_either_end_is_held_against_what_is_believed_of_the_other(
    record: Record, recorded: Json, before: list[Json], changes: Json, field: str
) -> None:
    """Whichever field is corrected, the term as believed afterwards has to be possible."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER, **recorded))
    for each in before:
        record.given(corrected(ORDER, issued, each))

    refusal = record.refusal(corrected(ORDER, issued, changes))

    assert (refusal.error, refusal.field) == (errors.UntilBeforeEffective, f"data.changes.{field}")


@pytest.mark.parametrize(
    "changes",
    [
        {"until": None},
        {"effective": None},
        {"effective": "2023"},
        {"until": "2026"},
        {"effective": "2030", "until": "2031"},
    ],
)
def test_a_correction_that_leaves_a_possible_term_is_taken(record: Record, changes: Json) -> None:
    """Null clears an end, and both ends may move together."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER, effective="2024", until="2025"))

    record.when(corrected(ORDER, issued, changes))

    assert record.stream(ORDER).version == 3


def test_a_retracted_correction_no_longer_counts(record: Record) -> None:
    """The term is judged by the corrections that stand."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER, effective="2024"))
    later = record.given(corrected(ORDER, issued, {"effective": "2030"}))
    draft = corrected(ORDER, issued, {"until": "2025"})
    assert record.refusal(draft).error is errors.UntilBeforeEffective

    record.when(retracted(ORDER, later))

    record.given(draft)


def test_a_correction_of_something_else_is_not_refused_for_the_term(record: Record) -> None:
    """A retraction can leave an impossible term; what does not touch it stays possible."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER, effective="2020", until="2021"))
    longer = record.given(corrected(ORDER, issued, {"until": "2030"}))
    record.given(corrected(ORDER, issued, {"effective": "2025"}), retracted(ORDER, longer))

    record.when(corrected(ORDER, issued, {"label": "Issued"}))

    assert record.refusal(corrected(ORDER, issued, {"until": "2022"})).field == "data.changes.until"


# --- disputes and their settlement


def test_a_correction_settles_disputes_about_its_action(record: Record) -> None:
    """Any number of them, whichever field they claim."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    disputes = [
        record.given(disputed(ORDER, issued, "occurred", "2024-11-20")),
        record.given(disputed(ORDER, issued, "body", None)),
    ]

    record.when(corrected(ORDER, issued, {"occurred": "2024-11-20"}, settles=disputes))

    assert record.stream(ORDER).version == 5


def test_only_an_open_dispute_about_the_same_action_is_settled(record: Record) -> None:
    """Not one about another action, not a supporting source, not one that was taken back."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    good = record.given(disputed(ORDER, issued, "occurred", "2024-11-20"))
    signed = record.given(acted(ORDER, action="signed"))
    bad = [
        record.given(disputed(ORDER, signed, "occurred", "2024-11-20")),
        record.given(disputed(ORDER, event_id(1), "title", "Another")),
        record.given(supported(ORDER, issued, claim={"field": "occurred", "value": "2024-11-20"})),
        record.given(corrected(ORDER, issued, {})),
        issued,
    ]
    withdrawn = record.given(disputed(ORDER, issued, "body", "Mayor"))
    record.given(retracted(ORDER, withdrawn))

    for settled in (*bad, withdrawn):
        refusal = record.refusal(corrected(ORDER, issued, {}, settles=[good, settled]))

        assert refusal == Refusal(
            errors.InvalidSettlement,
            "data.settles[1]",
            f"The event {settled} is no open dispute about the corrected event.",
        )


def test_what_is_settled_is_a_known_event_of_the_same_policy(record: Record) -> None:
    """The refusal points into the list."""
    record.given(registered(ORDER), registered(LAW))
    issued, elsewhere = record.given(acted(ORDER)), record.given(acted(LAW))
    foreign = record.given(disputed(LAW, elsewhere, "occurred", "2024"))

    refusals = [
        record.refusal(corrected(ORDER, issued, {}, settles=[settled]))
        for settled in (NOWHERE, foreign)
    ]

    assert [(each.error, each.field) for each in refusals] == [
        (errors.UnknownEvent, "data.settles[0]"),
        (errors.EventOfAnotherPolicy, "data.settles[0]"),
    ]


@pytest.mark.parametrize("type", EventType)
def test_a_source_is_attached_to_an_event_of_any_type(record: Record, type: EventType) -> None:
    """To a registration, a retraction or an erasure as well as to an action."""
    event = one_recorded_of_each(record)[type]

    attached = record.when(supported(ORDER, event))

    assert record.subject(attached).subject == event


CLAIMS: list[tuple[str, Json, Json]] = [
    ("action", "signed", "signd"),
    ("occurred", "2024-11-19T10:30:00Z", "2024-11-19T10:30:00"),
    ("effective", "2024?", "soon"),
    ("until", None, 2024),
    ("until_condition", "until repealed", ""),
    ("label", None, "x" * 1_001),
    ("actors", [], None),
    ("body", "Mayor", 7),
    ("by", {"citation": "EO 1"}, {}),
    ("vote", {"yes": 8}, {"yes": 8.0}),
    ("scope", "partial", "half"),
    ("provision", None, ["3"]),
    ("summary", "x", False),
]


@pytest.mark.parametrize(("field", "fits", "misfits"), CLAIMS, ids=[claim[0] for claim in CLAIMS])
def test_a_claim_is_a_value_that_the_field_could_hold(
    record: Record, field: str, fits: Json, misfits: Json
) -> None:
    """So that the fold can put it in the place of the recorded one; null where that may be."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))

    refusal = record.refusal(disputed(ORDER, issued, field, misfits))
    record.when(disputed(ORDER, issued, field, fits))

    assert refusal.error is errors.InvalidData
    assert refusal.field.startswith("data.claim.value")


def test_a_misfit_inside_a_claimed_list_is_named_by_its_path(record: Record) -> None:
    """The path continues below the claim's value."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))

    refusal = record.refusal(disputed(ORDER, issued, "actors", [{"name": "A"}, {"name": 7}]))

    assert refusal.field == "data.claim.value[1].name"


@pytest.mark.parametrize("field", ["sources", "origin", "title", "claim", "", "Occurred", "event"])
def test_a_claim_is_about_a_field_of_the_event_that_a_source_can_know(
    record: Record, field: str
) -> None:
    """Not about where the record has it from, and not about what the type does not have."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    draft = supported(ORDER, issued, claim={"field": field or "nothing", "value": None})

    refusal = record.refusal(draft)

    assert (refusal.error, refusal.field) == (errors.InvalidClaim, "data.claim.field")


@pytest.mark.parametrize(
    ("type", "field", "value"),
    [
        (EventType.POLICY_REGISTERED, "title", "Another"),
        (EventType.POLICY_REGISTERED, "identifiers", []),
        (EventType.POLICY_DESCRIBED, "title", "Another"),
        (EventType.RELATION_ASSERTED, "target", {"citation": "EO 1"}),
        (EventType.POLICIES_MERGED, "duplicate", "order-9"),
    ],
)
def test_other_events_can_be_disputed_too(
    record: Record, type: EventType, field: str, value: Json
) -> None:
    """A claim is typed by the event that it is about."""
    event = one_recorded_of_each(record)[type]

    refusal = record.refusal(disputed(ORDER, event, field, 1.5))
    record.when(disputed(ORDER, event, field, value))

    assert refusal.error is errors.InvalidData


def test_a_retracted_event_takes_no_further_source(record: Record) -> None:
    """Sources go where something is still believed."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    record.given(retracted(ORDER, issued))

    refusals = [
        record.refusal(supported(ORDER, issued)),
        record.refusal(disputed(ORDER, issued, "body", None)),
    ]

    assert [each.error for each in refusals] == [errors.EventAlreadyRetracted] * 2


# --- retractions


@pytest.mark.parametrize("type", [type for type in EventType if type != "PayloadErased"])
def test_every_event_but_an_erasure_can_be_retracted(record: Record, type: EventType) -> None:
    """A registration, a merger and a retraction too."""
    event = one_recorded_of_each(record)[type]

    withdrawn = record.when(retracted(ORDER, event))

    assert record.subject(event).retracted_by == withdrawn


def test_an_erasure_cannot_be_retracted(record: Record) -> None:
    """What is gone does not come back."""
    event = one_recorded_of_each(record)[EventType.PAYLOAD_ERASED]

    refusal = record.refusal(retracted(ORDER, event))

    assert refusal == Refusal(
        errors.WrongEventType,
        "data.event",
        f"The event {event} is of type PayloadErased; an event that can be taken back is needed here.",
    )


def test_retracting_a_retraction_restores_and_so_on_down_the_chain(record: Record) -> None:
    """Each step turns every event below it over."""
    record.given(registered(ORDER))
    chain = [record.given(acted(ORDER))]

    for _ in range(MAX_RETRACTION_DEPTH):
        chain.append(record.when(retracted(ORDER, chain[-1])))

        stands = [record.subject(event).retracted_by is None for event in chain]
        assert stands == [(len(chain) - place) % 2 == 1 for place in range(len(chain))]

    assert record.refusal(retracted(ORDER, chain[-1])).error is errors.RetractionTooDeep
    record.given(retracted(ORDER, chain[0]))


def test_a_retraction_that_is_lifted_twice_over_does_not_return_beside_another(
    record: Record,
) -> None:
    """An event has one retraction that holds, so that lifting it restores the event for sure."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    first = record.given(retracted(ORDER, issued))
    restored = record.given(retracted(ORDER, first))
    second = record.given(retracted(ORDER, issued))

    refusal = record.refusal(retracted(ORDER, restored))

    assert refusal == Refusal(
        errors.EventAlreadyRetracted, "data.event", f"The event {issued} is retracted by {second}."
    )
    record.given(retracted(ORDER, second), retracted(ORDER, restored))
    assert record.subject(issued).retracted_by == first


def test_a_retracted_policy_is_not_retracted_by_an_older_retraction_as_well(
    record: Record,
) -> None:
    """The same rule where a policy is retracted: only what restores it is taken."""
    record.given(registered(ORDER))
    first = record.given(retracted(ORDER, event_id(1)))
    restored = record.given(retracted(ORDER, first))
    second = record.given(retracted(ORDER, event_id(1)))

    refusal = record.refusal(retracted(ORDER, restored))

    assert refusal.error is errors.EventAlreadyRetracted
    record.given(retracted(ORDER, second))
    assert record.stream(ORDER).retracted_by is None


# --- mergers


def test_policies_merge_in_chains(record: Record) -> None:
    """A survivor can be folded into a third; each duplicate names the one it went into."""
    record.given(registered(ORDER), registered(LAW), registered(SUIT))

    record.when(merged(LAW, ORDER), merged(SUIT, LAW))

    assert (record.stream(ORDER).merged_into, record.stream(LAW).merged_into) == (LAW, SUIT)


def test_no_circle_of_mergers_can_close(record: Record) -> None:
    """A merged policy takes no appends, so it never becomes a survivor."""
    record.given(registered(ORDER), registered(LAW), registered(SUIT))
    record.given(merged(LAW, ORDER), merged(SUIT, LAW))

    refusals = [
        record.refusal(merged(ORDER, LAW)),
        record.refusal(merged(ORDER, SUIT)),
        record.refusal(merged(LAW, SUIT)),
        record.refusal(merged(SUIT, SUIT)),
    ]

    assert [each.error for each in refusals] == [
        errors.PolicyMerged,
        errors.PolicyMerged,
        errors.PolicyMerged,
        errors.SelfReference,
    ]


@pytest.mark.parametrize(
    ("given", "survivor", "reason"),
    [
        ([merged(LAW, ORDER)], LAW, "it already is merged into this policy"),
        ([merged(LAW, ORDER)], SUIT, "it is merged into law-1"),
        ([retracted(ORDER, event_id(1))], LAW, "its registration is retracted"),
    ],
)
def test_only_a_policy_of_its_own_can_be_a_duplicate(
    record: Record, given: list[Draft], survivor: str, reason: str
) -> None:
    """Not one that is merged already, nor one whose registration is taken back."""
    record.given(registered(ORDER), registered(LAW), registered(SUIT), *given)

    refusal = record.refusal(merged(survivor, ORDER))

    assert refusal == Refusal(
        errors.MergeRefused, "data.duplicate", f"The policy order-1 cannot be merged: {reason}"
    )


def test_a_duplicate_is_registered(record: Record) -> None:
    """What nobody has registered has nothing to fold in."""
    record.given(registered(ORDER))

    refusal = record.refusal(merged(ORDER, LAW))

    assert (refusal.error, refusal.field) == (errors.UnknownPolicy, "data.duplicate")


def test_a_merger_that_was_taken_back_can_be_made_elsewhere_and_then_not_restored(
    record: Record,
) -> None:
    """Restoring is judged as merging is; the refusal names the field that the writer sent."""
    record.given(registered(ORDER), registered(LAW), registered(SUIT))
    merger = record.given(merged(LAW, ORDER))
    undone = record.given(retracted(LAW, merger))
    record.given(merged(SUIT, ORDER))

    refusal = record.refusal(retracted(LAW, undone))

    assert refusal == Refusal(
        errors.MergeRefused,
        "data.event",
        "The policy order-1 cannot be merged: it is merged into suit-1",
    )
    assert record.stream(ORDER).merged_into == SUIT


def test_a_merger_is_not_restored_over_a_retracted_registration(record: Record) -> None:
    """Nor does it come back where the duplicate has left the record since."""
    record.given(registered(ORDER), registered(LAW))
    merger = record.given(merged(LAW, ORDER))
    undone = record.given(retracted(LAW, merger))
    record.given(retracted(ORDER, event_id(1)))

    refusal = record.refusal(retracted(LAW, undone))

    assert (refusal.error, refusal.field) == (errors.MergeRefused, "data.event")


def test_a_chain_of_mergers_is_undone_from_its_end(record: Record) -> None:
    """The survivor's own merger is retracted first: while it is merged, it takes no appends."""
    record.given(registered(ORDER), registered(LAW), registered(SUIT))
    inner = record.given(merged(LAW, ORDER))
    outer = record.given(merged(SUIT, LAW))
    assert record.refusal(retracted(LAW, inner)).error is errors.PolicyMerged

    record.when(retracted(SUIT, outer), retracted(LAW, inner))

    assert record.stream(ORDER).merged_into is record.stream(LAW).merged_into is None


def test_what_a_duplicate_recorded_is_corrected_between_two_mergers(record: Record) -> None:
    """On the survivor it is another policy's event; one batch undoes the merger and makes it anew."""
    record.given(registered(ORDER), registered(LAW))
    issued = record.given(acted(ORDER))
    merger = record.given(merged(LAW, ORDER))
    correction = corrected(ORDER, issued, {"occurred": "2024-01-02"})
    assert record.refusal(correction).error is errors.PolicyMerged
    assert record.refusal(corrected(LAW, issued, {})).error is errors.EventOfAnotherPolicy

    record.when(retracted(LAW, merger), correction, merged(LAW, ORDER))

    assert record.stream(ORDER).merged_into == LAW


# --- erasures

NEVER_WITHOUT = ["PolicyRegistered", "EventRetracted", "PoliciesMerged"]


@pytest.mark.parametrize("type", [type for type in EventType if type != "PayloadErased"])
def test_an_event_is_erased_with_a_replacement_or_counts_as_retracted(
    record: Record, type: EventType
) -> None:
    """Where the effect has to outlive the payload, there is no erasing without a replacement."""
    event = one_recorded_of_each(record)[type]
    replacement = next(each.draft.data for each in record.log if each.id == event)
    if type in NEVER_WITHOUT:
        assert record.refusal(erased(ORDER, event)).error is errors.ReplacementRequired
    else:
        twin = Record()
        event_of_twin = one_recorded_of_each(twin)[type]
        erasure = twin.when(erased(ORDER, event_of_twin))
        assert twin.subject(event_of_twin).retracted_by == erasure

    record.when(erased(ORDER, event, replacement))

    assert record.subject(event).retracted_by is None
    assert record.subject(event).erased_by == record.log[-1].id


def test_an_erasure_itself_is_not_erased(record: Record) -> None:
    """It says by whose authority something is gone."""
    event = one_recorded_of_each(record)[EventType.PAYLOAD_ERASED]

    refusal = record.refusal(erased(ORDER, event))

    assert (refusal.error, refusal.field) == (errors.WrongEventType, "data.event")


def test_a_merged_and_a_retracted_policy_can_be_erased_from(record: Record) -> None:
    """A duty to erase does not wait until a policy takes appends again."""
    record.given(registered(ORDER), registered(LAW), acted(ORDER), acted(LAW))
    record.given(retracted(LAW, event_id(2)), registered(SUIT), merged(SUIT, ORDER))

    record.when(
        erased(ORDER, event_id(3)),
        erased(ORDER, event_id(1), registered(ORDER, title="A policy").data),
        erased(LAW, event_id(4)),
        erased(LAW, event_id(2), registered(LAW, title="A policy").data),
    )

    assert record.stream(ORDER).merged_into == SUIT
    assert record.stream(LAW).retracted_by == event_id(5)


@pytest.mark.parametrize(
    ("replacement", "field", "reason"),
    [
        ({"occurred": "2023-02-29"}, "occurred", "'2023-02-29' has the day 29"),
        ({"occurred": None}, "occurred", "`occurred` is required"),
        ({"title": "An order"}, "title", "There is no field `title` here"),
        ({"sources": []}, "sources", "At least 1 item is needed"),
        ({"sources": [{"title": "x"}]}, "sources[0]", "A source has a `url` or a `citation`"),
        ({"effective": "2025", "until": "2024"}, "until", "The effect would end (2024)"),
    ],
)
def test_a_replacement_is_data_of_the_erased_event_s_type(
    record: Record, replacement: dict[str, Json], field: str, reason: str
) -> None:
    """It takes the payload's place everywhere, so it is read as strictly."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))

    refusal = record.refusal(erased(ORDER, issued, replacing(acted(ORDER), **replacement)))

    assert refusal.field == f"data.replacement.{field}"
    assert refusal.message.startswith(reason)


def test_a_replacement_s_claim_fits_the_disputed_event(record: Record) -> None:
    """Otherwise an erasure would bring in what no dispute can."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    draft = disputed(ORDER, issued, "body", "A name")
    dispute = record.given(draft)

    refusals = [
        record.refusal(erased(ORDER, dispute, draft.data | {"claim": claim}))
        for claim in ({"field": "body", "value": 7}, {"field": "title", "value": "x"})
    ]

    assert [(each.error, each.field) for each in refusals] == [
        (errors.InvalidData, "data.replacement.claim.value"),
        (errors.InvalidClaim, "data.replacement.claim.field"),
    ]


@pytest.mark.parametrize(
    ("type", "name", "value"),
    [
        (EventType.ACTION_CORRECTED, "event", event_id(1)),
        (EventType.SOURCE_ATTACHED, "event", event_id(1)),
        (EventType.EVENT_RETRACTED, "event", event_id(1)),
        (EventType.POLICIES_MERGED, "duplicate", ORDER),
    ],
)
def test_a_replacement_names_what_the_erased_event_named(
    record: Record, type: EventType, name: str, value: str
) -> None:
    """An erasure takes words away; it does not turn the event on something else."""
    event = one_recorded_of_each(record)[type]
    data = next(each.draft.data for each in record.log if each.id == event)

    refusal = record.refusal(erased(ORDER, event, data | {name: value}))

    assert (refusal.error, refusal.field) == (errors.InvalidData, f"data.replacement.{name}")


def test_what_was_erased_without_replacement_is_not_restored(record: Record) -> None:
    """It counts as retracted for good, also where it was retracted before and that is lifted."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    withdrawn = record.given(retracted(ORDER, issued))
    erasure = record.given(erased(ORDER, issued))

    record.when(retracted(ORDER, withdrawn))

    assert record.subject(issued).retracted_by == erasure
    refusals = [
        record.refusal(draft)
        for draft in (
            retracted(ORDER, issued),
            corrected(ORDER, issued, {}),
            supported(ORDER, issued),
        )
    ]
    assert [each.error for each in refusals] == [errors.EventAlreadyRetracted] * 3


def test_what_was_erased_with_a_replacement_lives_on(record: Record) -> None:
    """It can be corrected, disputed, retracted and restored like any other event."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER, effective="2024"))
    record.given(erased(ORDER, issued, acted(ORDER, effective="2026").data))

    refusal = record.refusal(corrected(ORDER, issued, {"until": "2025"}))
    withdrawn = record.when(
        corrected(ORDER, issued, {"until": "2027"}),
        disputed(ORDER, issued, "until", "2028"),
        retracted(ORDER, issued),
    )
    record.given(retracted(ORDER, withdrawn))

    assert refusal.error is errors.UntilBeforeEffective
    assert record.subject(issued).retracted_by is None
