"""How a recorded event changes the picture that the write side judges by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_builders import (
    CALIFORNIA,
    LOS_ANGELES,
    Draft,
    Json,
    Record,
    acted,
    corrected,
    described,
    disputed,
    erased,
    event_id,
    looked_up,
    merged,
    picture,
    registered,
    related,
    retracted,
    supported,
)
from timeline.domain.decide import needs
from timeline.domain.errors import DomainError
from timeline.domain.events import ActionRecorded, decode_data
from timeline.domain.evolve import tags
from timeline.domain.references import citation_reference
from timeline.domain.situation import (
    Needs,
    Proposal,
    Situation,
    StreamState,
    SubjectState,
    Tag,
    fold_text,
)
from timeline.domain.vocabulary import EventType

ORDER, LAW = "order-1", "law-1"


@pytest.fixture
def record() -> Record:
    """Return an empty record."""
    return Record()


def believed(record: Record, event: str) -> ActionRecorded:
    """Return an action as the record believes it."""
    return record.situation.actions[event].believed()


# --- streams


def test_a_registration_opens_a_stream_at_version_one(record: Record) -> None:
    """The head holds what later events are judged and found by."""
    record.when(registered(ORDER, topics=["Immigration", "police"]))

    assert record.stream(ORDER) == StreamState(
        policy=ORDER,
        version=1,
        registered_by=event_id(1),
        jurisdiction=LOS_ANGELES,
        topics=("Immigration", "police"),
    )


def test_versions_count_within_a_stream_and_positions_over_all(record: Record) -> None:
    """Every event counts in its own stream alone, also a merger, which touches two."""
    record.when(
        registered(ORDER),
        registered(LAW),
        acted(LAW),
        acted(ORDER),
        merged(LAW, ORDER),
        erased(ORDER, event_id(4)),
    )

    assert [(each.position, each.draft.policy, each.version) for each in record.log] == [
        (1, ORDER, 1),
        (2, LAW, 1),
        (3, LAW, 2),
        (4, ORDER, 2),
        (5, LAW, 3),
        (6, ORDER, 3),
    ]
    assert record.subject(event_id(5)).position == 5


def test_a_description_replaces_what_it_names(record: Record) -> None:
    """Jurisdiction and topics follow the latest description that speaks of them."""
    record.given(registered(ORDER, topics=["police"]))

    record.when(
        described(ORDER, jurisdiction=CALIFORNIA),
        described(ORDER, topics=["immigration"]),
        described(ORDER, title="Another title"),
    )

    stream = record.stream(ORDER)
    assert (stream.jurisdiction, stream.topics) == (CALIFORNIA, ("immigration",))


def test_a_description_can_take_all_topics_away(record: Record) -> None:
    """An empty list is said, silence is not."""
    record.given(registered(ORDER, topics=["police"]))

    record.when(described(ORDER, topics=[]))

    assert record.stream(ORDER).topics == ()


def test_retracting_a_description_brings_the_one_before_back(record: Record) -> None:
    """Whichever of several is taken back, the latest that stands speaks."""
    record.given(registered(ORDER, topics=["a"]))
    second = record.given(described(ORDER, topics=["b"], jurisdiction=CALIFORNIA))
    third = record.given(described(ORDER, topics=["c"]))
    seen = []

    for withdrawn in (third, second, event_id(4)):
        record.when(retracted(ORDER, withdrawn))
        seen.append((record.stream(ORDER).topics, record.stream(ORDER).jurisdiction))

    assert seen == [
        (("b",), CALIFORNIA),
        (("a",), LOS_ANGELES),
        (("c",), LOS_ANGELES),
    ]


def test_a_description_is_retracted_in_the_batch_that_brought_it(record: Record) -> None:
    """What one event of a request brings about, the next one can name."""
    record.given(registered(ORDER, topics=["a"]), described(ORDER, topics=["b"]))

    record.append(
        described(ORDER, topics=["c"]),
        retracted(ORDER, event_id(3)),
        described(ORDER, topics=["d"]),
        erased(ORDER, event_id(5)),
    )

    assert record.stream(ORDER).topics == ("b",)


def test_an_erased_description_says_what_its_replacement_says(record: Record) -> None:
    """Without one, the description before it speaks again."""
    record.given(registered(ORDER, topics=["a"], jurisdiction=CALIFORNIA))
    second = record.given(described(ORDER, topics=["b"], jurisdiction=LOS_ANGELES))
    third = record.given(described(ORDER, topics=["c"]))

    record.when(erased(ORDER, third))
    without = record.stream(ORDER)
    record.when(erased(ORDER, second, described(ORDER, topics=["d"]).data))

    assert (without.topics, without.jurisdiction) == (("b",), LOS_ANGELES)
    assert record.stream(ORDER).topics == ("d",)
    assert record.stream(ORDER).jurisdiction == CALIFORNIA


def test_a_retracted_description_says_nothing_when_it_is_replaced(record: Record) -> None:
    """It speaks with its new words once it is restored."""
    record.given(registered(ORDER, topics=["a"]))
    second = record.given(described(ORDER, topics=["b"]))
    withdrawn = record.given(retracted(ORDER, second))
    seen = []

    for draft in (
        erased(ORDER, second, described(ORDER, topics=["c"]).data),
        retracted(ORDER, withdrawn),
    ):
        record.when(draft)
        seen.append(record.stream(ORDER).topics)

    assert seen == [("a",), ("c",)]


def test_a_registration_keeps_its_description_while_it_is_retracted(record: Record) -> None:
    """Erased in the meantime, it comes back with what its replacement says."""
    record.given(registered(ORDER, topics=["a name"]))
    withdrawn = record.given(retracted(ORDER, event_id(1)))
    replacement = registered(ORDER, topics=["police"], jurisdiction=CALIFORNIA).data

    record.when(erased(ORDER, event_id(1), replacement), retracted(ORDER, withdrawn))

    assert record.stream(ORDER) == StreamState(
        policy=ORDER,
        version=4,
        registered_by=event_id(1),
        jurisdiction=CALIFORNIA,
        topics=("police",),
    )


# --- subjects


def test_a_subject_is_what_others_can_name(record: Record) -> None:
    """Each event with what it names itself, its chain of retractions and who took it back."""
    record.when(
        registered(LAW),
        registered(ORDER),
        acted(ORDER),
        disputed(ORDER, event_id(3), "body", None),
        merged(ORDER, LAW),
        retracted(ORDER, event_id(3)),
        retracted(ORDER, event_id(6)),
        erased(ORDER, event_id(4)),
    )

    def subject(position: int, type: EventType, **facts: Json) -> SubjectState:
        return SubjectState(
            id=event_id(position), policy=ORDER, type=type, position=position, **facts
        )

    assert [record.subject(event_id(position)) for position in range(2, 9)] == [
        subject(2, EventType.POLICY_REGISTERED),
        subject(3, EventType.ACTION_RECORDED),
        subject(
            4,
            EventType.SOURCE_ATTACHED,
            subject=event_id(3),
            disputes=True,
            erased_by=event_id(8),
            retracted_by=event_id(8),
        ),
        subject(5, EventType.POLICIES_MERGED, duplicate=LAW),
        subject(
            6,
            EventType.EVENT_RETRACTED,
            subject=event_id(3),
            retracts=(event_id(3),),
            retracted_by=event_id(7),
        ),
        subject(
            7,
            EventType.EVENT_RETRACTED,
            subject=event_id(6),
            retracts=(event_id(6), event_id(3)),
        ),
        subject(8, EventType.PAYLOAD_ERASED, subject=event_id(4)),
    ]


def test_a_dispute_whose_replacement_supports_is_no_dispute(record: Record) -> None:
    """What has to go may be the claim itself."""
    record.given(registered(ORDER), acted(ORDER))
    dispute = record.given(disputed(ORDER, event_id(2), "body", "A name"))

    record.when(erased(ORDER, dispute, supported(ORDER, event_id(2)).data))

    assert not record.subject(dispute).disputes


# --- actions as believed


def test_an_action_is_believed_as_corrected(record: Record) -> None:
    """The latest correction of a field that stands wins; the others stay in their fields."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER, label="Issued", until="2030"))
    record.given(corrected(ORDER, issued, {"occurred": "2024-11-20", "until": None}))
    wrong = record.given(corrected(ORDER, issued, {"occurred": "2024-11-21"}))

    record.when(retracted(ORDER, wrong))

    assert believed(record, issued) == decode_data(
        EventType.ACTION_RECORDED, acted(ORDER, label="Issued", occurred="2024-11-20").data
    )


def test_a_restored_correction_keeps_its_place(record: Record) -> None:
    """It is as late as it was recorded, not as it was restored."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    first = record.given(corrected(ORDER, issued, {"label": "first"}))
    withdrawn = record.given(retracted(ORDER, first))
    record.given(corrected(ORDER, issued, {"label": "second"}))

    record.when(retracted(ORDER, withdrawn))

    assert believed(record, issued).label == "second"


def test_an_erased_correction_changes_what_its_replacement_changes(record: Record) -> None:
    """Without one, nothing; corrections stay on top of a replaced action."""
    record.given(registered(ORDER))
    issued = record.given(acted(ORDER))
    first = record.given(corrected(ORDER, issued, {"label": "A name", "body": "Mayor"}))
    second = record.given(corrected(ORDER, issued, {"body": "A name"}))

    record.when(
        erased(ORDER, first, corrected(ORDER, issued, {"label": "Issued"}).data),
        erased(ORDER, second),
        erased(ORDER, issued, acted(ORDER, action="signed", label="x").data),
    )

    assert believed(record, issued) == decode_data(
        EventType.ACTION_RECORDED, acted(ORDER, action="signed", label="Issued").data
    )


# --- what an event is found by


def stream_of(**facts: Json) -> StreamState:
    """Return a policy's head."""
    return StreamState(
        policy=ORDER, version=2, registered_by=event_id(1), jurisdiction=LOS_ANGELES, **facts
    )


TAGGED: list[tuple[Draft, set[Tag]]] = [
    (
        registered(
            ORDER,
            sponsors=[{"name": "Karen  BASS"}],
            identifiers=[{"scheme": "LA-ED", "value": "No. 12"}],
        ),
        {
            Tag("actor", "karen bass"),
            Tag("identifier", "la-ed:no.12"),
            Tag("target", citation_reference("la-ed:NO. 12")),
        },
    ),
    (
        described(ORDER, sponsors=[{"name": "Straße"}], identifiers=[]),
        {Tag("actor", "strasse")},
    ),
    (
        acted(ORDER, actors=[{"name": "A"}, {"name": "a "}, {"name": "B"}]),
        {Tag("actor", "a"), Tag("actor", "b")},
    ),
    (corrected(ORDER, event_id(1), {"actors": [{"name": "C"}]}), {Tag("actor", "c")}),
    (corrected(ORDER, event_id(1), {"actors": None}), set()),
    (described(ORDER, title="x"), set()),
    (
        related(ORDER, {"citation": "la-ed:13"}),
        {Tag("target", "citation/71f00982864ccd2c8c68853744133882")},
    ),
    (
        related(ORDER, {"selector": {"jurisdiction": LOS_ANGELES}}),
        {Tag("target", f"selector/{LOS_ANGELES}")},
    ),
    (related(ORDER, {"selector": {"instrument": "ordinance"}}), {Tag("target", "selector/*")}),
    (
        disputed(ORDER, event_id(1), "target", {"policy": LAW}),
        {Tag("target", LAW)},
    ),
    (disputed(ORDER, event_id(1), "target", {"some": "thing"}), set()),
    (related(ORDER, {"policy": LAW}), {Tag("target", LAW)}),
    (supported(ORDER, event_id(1)), set()),
    (retracted(ORDER, event_id(1)), set()),
    (merged(ORDER, LAW), {Tag("target", LAW)}),
    (erased(ORDER, event_id(1)), set()),
]


@pytest.mark.parametrize(("draft", "own"), TAGGED, ids=lambda value: getattr(value, "type", ""))
def test_an_event_is_found_by_its_policy_s_place_and_topics_and_its_own_names(
    draft: Draft, own: set[Tag]
) -> None:
    """Jurisdiction and topics as the event leaves them; names and identifiers as they compare."""
    stream = stream_of(topics=("Immigration", "LAPD  reform"))

    found = tags(stream, decode_data(draft.type, draft.data))

    assert found == own | {
        Tag("jurisdiction", LOS_ANGELES),
        Tag("topic", "immigration"),
        Tag("topic", "lapd reform"),
    }


@given(text=st.text(max_size=20))
def test_text_is_compared_without_case_and_with_single_blanks(text: str) -> None:
    """Folding twice changes nothing, so a filter can be folded like a tag."""
    assert fold_text(fold_text(text)) == fold_text(text) == fold_text(f"  {text}\n")


# --- layers


def test_a_fork_is_thrown_away_without_a_trace(record: Record) -> None:
    """A batch is tried on a layer of its own; the layers below do not change."""
    record.given(registered(ORDER), acted(ORDER))
    before = picture(record.situation)

    with pytest.raises(DomainError):
        record.append(
            acted(ORDER),
            described(ORDER, topics=["x"]),
            corrected(ORDER, event_id(2), {"label": "x"}),
            retracted(ORDER, event_id(1)),
            acted(ORDER),
        )

    assert picture(record.situation) == before


def test_a_layer_can_be_emptied_and_used_again(record: Record) -> None:
    """What was tried on it before leaves no trace, on the layer or below."""
    record.given(registered(ORDER), acted(ORDER))
    before = picture(record.situation)
    layer = Record()
    layer.situation, layer.log = record.situation.fork(), list(record.log)
    layer.when(described(ORDER, topics=["x"]), corrected(ORDER, event_id(2), {"label": "x"}))

    layer.situation.clear()

    assert picture(layer.situation) == picture(record.situation) == before
    assert not layer.situation.changed_streams()
    assert not layer.situation.changed_subjects()


def test_a_layer_tells_what_changed_in_it(record: Record) -> None:
    """Stream heads by policy, subjects by position: what the store writes for a batch."""
    record.given(registered(ORDER), registered(LAW), acted(ORDER))
    upper = Record()
    upper.situation, upper.log = record.situation.fork(), list(record.log)

    upper.when(merged(LAW, ORDER), retracted(LAW, event_id(4)), acted(ORDER))

    heads = [(stream.policy, stream.version) for stream in upper.situation.changed_streams()]
    subjects = [subject.position for subject in upper.situation.changed_subjects()]
    assert heads == [(LAW, 3), (ORDER, 3)]
    assert subjects == [4, 5, 6]
    record.situation.merge(upper.situation)
    assert picture(record.situation) == picture(upper.situation)


# --- what has to be looked up


def test_needs_are_met_in_three_rounds(record: Record) -> None:
    """The event, then the chain below it, then what the end of the chain bears on."""
    record.given(registered(LAW), registered(ORDER), merged(ORDER, LAW))
    record.given(retracted(ORDER, event_id(3)), retracted(ORDER, event_id(4)))
    data = decode_data(EventType.EVENT_RETRACTED, retracted(ORDER, event_id(5)).data)
    proposal = Proposal(event_id(6), ORDER, EventType.EVENT_RETRACTED, data)

    part = looked_up(record.situation, [proposal])

    assert needs(Situation(), [proposal]) == Needs(
        policies=frozenset({ORDER}), subjects=frozenset({event_id(5)})
    )
    assert needs(part, [proposal]) == Needs(
        policies=frozenset({ORDER, LAW}),
        subjects=frozenset({event_id(3), event_id(4), event_id(5)}),
    )


def test_nothing_is_needed_for_nothing() -> None:
    """A caller stops asking when the answer is empty."""
    assert needs(Situation(), []) == Needs()
