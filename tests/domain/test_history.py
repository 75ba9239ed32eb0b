"""What the record believes of a policy: which events stand, what was corrected, disputed, merged."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain_builders import (
    CALIFORNIA,
    LOS_ANGELES,
    SOURCE,
    Draft,
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
from history_builders import (
    POLICY,
    act,
    believed,
    by,
    folded,
    past,
    registration,
    shown,
    table,
)
from timeline.domain import history
from timeline.domain.belief import BelievedAction, PastEvent, standing
from timeline.domain.events import Source
from timeline.domain.history import Folder, History, fold
from timeline.domain.vocabulary import Action, Instrument

Json = dict[str, Any]

DUPLICATE = "law-2"
FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH = map(event_id, range(1, 7))
"""In a past that the policy's registration opens, FIRST is the registration."""

IN_FORCE = table("2024-11-19 .. issued in_force - none yes")
NEWS, COURT, CLERK = ({"url": f"https://{name}.example/1"} for name in ("news", "court", "clerk"))
ISSUED = act("issued", "2024-11-19")


def source(json: Json) -> Source:
    """Return a source as the fold holds it."""
    return Source(url=json["url"])


def only(history: History) -> BelievedAction:
    """Return the one action that stands."""
    [action] = history.actions
    return action


# --- the registration and the description


def test_without_a_registration_there_is_no_history() -> None:
    """Also where events of other policies are given."""
    assert fold(POLICY, []) is None
    assert fold(POLICY, past(registered(DUPLICATE))) is None


def test_a_registration_alone_describes_and_has_no_periods() -> None:
    """Nothing has happened to the policy yet."""
    history = folded(instrument="statute")

    assert (history.version, history.position, history.retracted_by) == (1, 1, None)
    assert history.described.instrument is Instrument.STATUTE
    assert history.described.decided_by == dict.fromkeys(
        ("title", "instrument", "jurisdiction", "sources"), FIRST
    )
    assert (history.actions, history.relations, history.disputes, history.periods) == ((),) * 4


def test_a_field_that_is_described_replaces_the_whole_field() -> None:
    """Null clears; what is not given stays; `decided_by` names who said it last."""
    history = believed(
        past(
            registration(topics=["a", "b"], body="Council", summary="Old", sources=[NEWS]),
            described(POLICY, topics=["c"], body=None, instrument="statute", sources=[COURT]),
            described(POLICY, title="New"),
        )
    )

    told = history.described
    assert (told.title, told.instrument, told.topics) == ("New", Instrument.STATUTE, ("c",))
    assert (told.body, told.summary, told.jurisdiction) == (None, "Old", LOS_ANGELES)
    assert told.sources == (source(COURT),)
    assert told.decided_by == {
        "title": THIRD,
        "instrument": SECOND,
        "jurisdiction": FIRST,
        "body": SECOND,
        "topics": SECOND,
        "summary": FIRST,
        "sources": SECOND,
    }


def test_the_described_instrument_decides_how_the_actions_fold() -> None:
    """A bill that turned out to be an order is in force as soon as it is issued."""
    issued = act("issued", "2024-11-19")

    history = believed(
        past(registration("bill"), issued, described(POLICY, instrument="executive_order"))
    )

    assert shown(history.periods) == IN_FORCE


def test_a_description_that_is_retracted_says_nothing() -> None:
    """Until it is restored."""
    events = [
        registration(jurisdiction=CALIFORNIA),
        described(POLICY, jurisdiction=LOS_ANGELES),
        retracted(POLICY, SECOND),
    ]

    assert believed(past(*events)).described.jurisdiction == CALIFORNIA
    restored = believed(past(*events, retracted(POLICY, THIRD)))
    assert restored.described.jurisdiction == LOS_ANGELES


def test_a_retracted_registration_still_describes() -> None:
    """The history names the retraction, until that is retracted itself."""
    events = [registration(title="A law"), ISSUED, retracted(POLICY, FIRST)]

    history = believed(past(*events))
    restored = believed(past(*events, retracted(POLICY, THIRD)))

    assert (history.retracted_by, history.described.title) == (THIRD, "A law")
    assert shown(history.periods) == IN_FORCE
    assert restored.retracted_by is None


def test_sources_attached_to_the_registration_or_a_description_are_the_policys() -> None:
    """Each once, after its own."""
    history = believed(
        past(
            registration(sources=[NEWS]),
            described(POLICY, summary="Short"),
            supported(POLICY, FIRST, source=COURT),
            supported(POLICY, SECOND, source=CLERK),
            supported(POLICY, FIRST, source=NEWS),
        )
    )

    assert history.described.sources == (source(NEWS), source(COURT), source(CLERK))


# --- corrections


def test_the_latest_correction_of_a_field_wins() -> None:
    """Each correction changes the fields that it gives, and leaves the others."""
    history = folded(
        act("passed", "2024-11-18", label="Adopted", body="Council"),
        corrected(POLICY, SECOND, {"occurred": "2024-11-01", "action": "issued"}),
        corrected(POLICY, SECOND, {"occurred": "2024-11-19", "label": None}),
    )

    believed_action = only(history)
    assert believed_action.corrected
    assert believed_action.decided_by == (SECOND, THIRD, FOURTH)
    action = believed_action.action
    assert (action.action, action.occurred.text) == (Action.ISSUED, "2024-11-19")
    assert (action.label, action.body) == (None, "Council")
    assert shown(history.periods) == IN_FORCE


def test_in_a_correction_lists_replace_and_sources_add() -> None:
    """The correction's own sources bear the action out too, and what is attached to either."""
    history = folded(
        act("issued", "2024-11-19", sources=[NEWS], actors=[{"name": "One"}, {"name": "Two"}]),
        corrected(
            POLICY, SECOND, {"actors": [{"name": "Three"}], "sources": [COURT]}, sources=[CLERK]
        ),
        supported(POLICY, SECOND, source=SOURCE),
        supported(POLICY, THIRD, source={"url": "https://archive.example/1"}),
        supported(POLICY, THIRD, source=CLERK),
    )

    action = only(history)
    assert [each.name for each in action.action.actors] == ["Three"]
    assert [each.url for each in action.sources] == [
        NEWS["url"],
        COURT["url"],
        CLERK["url"],
        SOURCE["url"],
        "https://archive.example/1",
    ]


def test_a_correction_may_change_nothing() -> None:
    """It settles a claim, and the action counts as corrected."""
    history = folded(ISSUED, corrected(POLICY, SECOND, {}))

    assert only(history).corrected
    assert shown(history.periods) == IN_FORCE


@pytest.mark.parametrize(
    ("retractions", "label"),
    [
        ([], "third"),
        ([FOURTH], "second"),
        ([FOURTH, THIRD], "first"),
        ([THIRD], "third"),
        ([FOURTH, FIFTH], "third"),
        ([FOURTH, FIFTH, SIXTH], "second"),
    ],
)
def test_a_correction_that_is_retracted_changes_nothing(retractions: list[str], label: str) -> None:
    """The one before it wins again; a restored one wins as before."""
    history = folded(
        act("issued", "2024-11-19", label="first"),
        corrected(POLICY, SECOND, {"label": "second"}),
        corrected(POLICY, SECOND, {"label": "third"}),
        *(retracted(POLICY, event) for event in retractions),
    )

    assert only(history).action.label == label


def test_a_corrected_action_keeps_the_place_of_its_original_in_the_record() -> None:
    """Rule 1's last key is the position of the original event."""
    history = folded(
        act("issued", "2020", label="one"),
        act("issued", "2021", label="two"),
        corrected(POLICY, SECOND, {"occurred": "2021"}),
    )

    assert [each.action.label for each in history.actions] == ["one", "two"]
    assert [each.position for each in history.actions] == [2, 3]


# --- retractions


@pytest.mark.parametrize("depth", range(6))
def test_each_retraction_of_a_retraction_turns_it_over(depth: int) -> None:
    """Retracted, restored, retracted again …."""
    chain = [retracted(POLICY, event_id(2 + step)) for step in range(depth)]

    history = folded(ISSUED, *chain)

    assert shown(history.periods) == ([] if depth % 2 else IN_FORCE)
    assert len(history.actions) == 1 - depth % 2


def test_a_retracted_action_leaves_the_others() -> None:
    """As if it had never been said."""
    history = folded(ISSUED, act("rescinded", "2025-01-01"), retracted(POLICY, THIRD))

    assert shown(history.periods) == IN_FORCE


def test_a_retraction_names_itself_as_what_took_the_event_back() -> None:
    """Of several retractions only those that stand count."""
    events = past(
        registration(), ISSUED, retracted(POLICY, SECOND), retracted(POLICY, THIRD),
        retracted(POLICY, SECOND),
    )  # fmt: skip

    assert standing(events) == {SECOND: FIFTH, THIRD: FOURTH}


def test_a_relation_that_is_retracted_is_gone() -> None:
    """And one that stands has its sources, attached ones too."""
    relation = related(POLICY, {"citation": "eo:1"}, sources=[NEWS])

    history = folded(relation, supported(POLICY, SECOND, source=COURT))
    without = folded(relation, retracted(POLICY, SECOND))

    [kept] = history.relations
    assert (kept.event, kept.policy, kept.position, kept.erased) == (SECOND, POLICY, 2, False)
    assert kept.sources == (source(NEWS), source(COURT))
    assert without.relations == ()


# --- erasure


def test_an_erased_action_folds_as_its_replacement() -> None:
    """Corrections still apply; the answer says that it is erased."""
    replacement = {"action": "issued", "occurred": "2024-11-18", "sources": [SOURCE]}

    history = folded(
        act("issued", "2024-11-18", actors=[{"name": "A minor"}]),
        corrected(POLICY, SECOND, {"occurred": "2024-11-19"}),
        erased(POLICY, SECOND, replacement),
    )

    assert only(history).erased
    assert only(history).action.actors == ()
    assert shown(history.periods) == IN_FORCE


def test_an_event_that_is_erased_without_a_replacement_counts_as_retracted() -> None:
    """Whatever its type."""
    history = folded(
        ISSUED,
        act("rescinded", "2025-01-01"),
        corrected(POLICY, SECOND, {"occurred": "2020-01-01"}),
        related(POLICY, {"citation": "eo:1"}),
        described(POLICY, title="A name"),
        supported(POLICY, SECOND),
        *(erased(POLICY, event_id(number)) for number in range(3, 8)),
    )

    assert shown(history.periods) == IN_FORCE
    assert not only(history).erased
    assert not only(history).corrected
    assert (history.relations, history.described.title) == ((), "An order")
    assert history.version == 12


def test_an_erased_registration_describes_as_its_replacement() -> None:
    """It needs one, so that the policy goes on."""
    replacement = registration(title="An order of the mayor").data

    history = folded(ISSUED, erased(POLICY, FIRST, replacement))

    assert history.described.title == "An order of the mayor"


# --- disputes


def test_a_claim_is_open_until_a_correction_settles_it() -> None:
    """The action says so, and so does the list of disputes."""
    events = [ISSUED, disputed(POLICY, SECOND, "occurred", "2024-11-20")]

    history = folded(*events)
    settled = folded(*events, corrected(POLICY, SECOND, {}, settles=[THIRD]))

    [dispute] = history.disputes
    assert (dispute.event, dispute.by, dispute.settled_by) == (SECOND, THIRD, None)
    assert (dispute.claim.field, dispute.claim.value) == ("occurred", "2024-11-20")
    assert only(history).disputed
    assert [each.settled_by for each in settled.disputes] == [FOURTH]
    assert not only(settled).disputed


def test_a_correction_that_is_retracted_settles_nothing() -> None:
    """The claim is open again."""
    history = folded(
        ISSUED,
        disputed(POLICY, SECOND, "occurred", "2024-11-20"),
        corrected(POLICY, SECOND, {}, settles=[THIRD]),
        retracted(POLICY, FOURTH),
    )

    assert only(history).disputed
    assert [each.settled_by for each in history.disputes] == [None]


def test_a_claim_that_is_retracted_is_none() -> None:
    """Until it is restored."""
    events = [ISSUED, disputed(POLICY, SECOND, "occurred", "2020"), retracted(POLICY, THIRD)]

    history = folded(*events)
    restored = folded(*events, retracted(POLICY, FOURTH))

    assert (history.disputes, only(history).disputed) == ((), False)
    assert only(restored).disputed


def test_one_open_claim_is_enough() -> None:
    """Settling one leaves the other."""
    history = folded(
        ISSUED,
        disputed(POLICY, SECOND, "occurred", "2020"),
        disputed(POLICY, SECOND, "body", "Council"),
        corrected(POLICY, SECOND, {}, settles=[THIRD]),
    )

    assert only(history).disputed
    assert [each.settled_by for each in history.disputes] == [FIFTH, None]


def test_a_claim_against_what_is_retracted_is_moot() -> None:
    """There is nothing left to settle."""
    history = folded(
        ISSUED, disputed(POLICY, SECOND, "occurred", "2020"), retracted(POLICY, SECOND)
    )

    assert history.disputes == ()


def test_a_claim_leaves_the_believed_value_as_it_is() -> None:
    """It opens the answer, and is no source that bears the action out."""
    history = folded(ISSUED, disputed(POLICY, SECOND, "occurred", "2020"))

    assert shown(history.periods) == [
        *table(
            "2020-01-01 2024-11-18 - not_enacted - none maybe force=not_enacted|in_force stage=-|issued"
        ),
        *IN_FORCE,
    ]
    assert only(history).sources == (source(SOURCE),)


def test_a_registration_and_a_relation_can_be_disputed() -> None:
    """Each for itself."""
    history = folded(
        ISSUED,
        related(POLICY, {"citation": "eo:1"}),
        disputed(POLICY, FIRST, "title", "Another"),
        disputed(POLICY, THIRD, "relation", "amends"),
    )

    assert [each.event for each in history.disputes] == [FIRST, THIRD]
    assert (only(history).disputed, history.relations[0].disputed) == (False, True)


# --- merging


def merger(*more: Draft) -> History:
    """Register the policy and a duplicate, act on both, merge them, and go on."""
    return believed(
        past(
            registration(
                topics=["Sanctuary"], identifiers=[{"scheme": "ordinance", "value": "188 441"}]
            ),
            registered(
                DUPLICATE,
                title="The other",
                topics=["sanctuary", "police"],
                identifiers=[
                    {"scheme": "Ordinance", "value": "188441"},
                    {"scheme": "file", "value": "wrong"},
                ],
            ),
            act("issued", "2020-01-01"),
            acted(DUPLICATE, action="rescinded", occurred="2021-01-01", by=by("order-2")),
            merged(POLICY, DUPLICATE),
            *more,
        )
    )


def test_the_actions_of_merged_policies_are_folded_together() -> None:
    """Each still says which policy recorded it."""
    history = merger()

    assert shown(history.periods) == table(
        """
        2020-01-01  2020-12-31  issued  in_force            -          none  yes
        2021-01-01  ..          issued  no_longer_in_force  rescinded  none  no
        """
    )
    assert [each.policy for each in history.actions] == [POLICY, DUPLICATE]
    assert (history.version, history.position) == (3, 5)


def test_of_merged_policies_the_survivors_description_wins() -> None:
    """Identifiers and topics unite, each that compares equal once."""
    told = merger().described

    assert told.title == "An order"
    assert told.topics == ("Sanctuary", "police")
    assert [f"{each.scheme}:{each.value}" for each in told.identifiers] == [
        "ordinance:188 441",
        "file:wrong",
    ]


def test_what_a_duplicate_no_longer_says_of_itself_does_not_unite() -> None:
    """A field that it described anew replaced the whole field there too."""
    history = believed(
        past(
            registration(),
            registered(DUPLICATE, topics=["wrong"], identifiers=[{"scheme": "file", "value": "1"}]),
            described(DUPLICATE, identifiers=[{"scheme": "file", "value": "2"}]),
            described(DUPLICATE, topics=["right"]),
            described(DUPLICATE, topics=["wrong again"]),
            retracted(DUPLICATE, FIFTH),
            merged(POLICY, DUPLICATE),
        )
    )

    assert history.described.topics == ("right",)
    assert [each.value for each in history.described.identifiers] == ["2"]


def test_corrections_and_claims_of_a_duplicate_come_along() -> None:
    """They were recorded in its own stream."""
    history = believed(
        past(
            registration(),
            registered(DUPLICATE),
            acted(DUPLICATE, action="issued", occurred="2024-11-18"),
            corrected(DUPLICATE, THIRD, {"occurred": "2024-11-19"}),
            disputed(DUPLICATE, THIRD, "body", "Council"),
            merged(POLICY, DUPLICATE),
        )
    )

    assert shown(history.periods) == IN_FORCE
    assert (only(history).corrected, only(history).disputed) == (True, True)


def test_a_merger_that_is_retracted_unites_nothing() -> None:
    """The caller gives no events of the former duplicate then."""
    history = merger(retracted(POLICY, FIFTH))

    assert history.described.topics == ("Sanctuary",)


# --- any events at all

EVENTS = st.integers(1, 12).map(event_id)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "occurred": st.sampled_from(["2019", "2020-05-01", "../2019", "XXXX", "2019-01-01T00:00:00Z"]),
        "effective": st.sampled_from(["2018", "2021-01-01", "9999-12-31"]),
        "until": st.sampled_from(["2018", "2020/..", "XXXX", "0001-01-01"]),
        "provision": st.sampled_from(["a", "b"]),
        "by": st.sampled_from([{"policy": "suit-1"}, {"citation": "docket:1"}]),
        "action": st.sampled_from([str(action) for action in Action]),
    },
)  # fmt: skip
POLICIES = st.sampled_from([POLICY, POLICY, DUPLICATE])
ANYTHING = st.one_of(
    st.builds(lambda policy, data: acted(policy, **data), POLICIES, FIELDS),
    st.builds(lambda policy, topics: described(policy, topics=topics, identifiers=[]), POLICIES, st.lists(st.sampled_from("ab"))),
    st.builds(corrected, POLICIES, EVENTS, FIELDS),
    st.builds(lambda policy, event, settled: corrected(policy, event, {}, settles=[settled]), POLICIES, EVENTS, EVENTS),
    st.builds(supported, POLICIES, EVENTS),
    st.builds(disputed, POLICIES, EVENTS, st.just("occurred"), st.sampled_from(["2018", "2021-05", "XXXX"])),
    st.builds(related, POLICIES, st.just({"citation": "eo:1"})),
    st.builds(retracted, POLICIES, EVENTS),
    st.builds(retracted, POLICIES, EVENTS),
    st.builds(merged, POLICIES, POLICIES),
    st.builds(erased, POLICIES, EVENTS),
    st.builds(registered, POLICIES),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(drafts=st.lists(ANYTHING, max_size=11))
def test_any_events_fold(drafts: list[Draft]) -> None:
    """Whatever they name, and in whatever order: the fold judges nothing."""
    drafts = [draft for draft in drafts if draft != erased(draft.policy, FIRST)]

    history = folded(*drafts)

    assert history.position == len(drafts) + 1
    assert history.version == 1 + sum(draft.policy == POLICY for draft in drafts)
    assert all(
        each.event not in standing(past(registration(), *drafts)) for each in history.actions
    )


@settings(max_examples=100, deadline=None)
@given(drafts=st.lists(ANYTHING, max_size=11))
def test_an_event_stands_unless_a_retraction_of_it_stands(drafts: list[Draft]) -> None:
    """Worked out event by event, for retractions of what is already there."""
    events = past(registration(), *drafts)
    known = [event for event in events if _names_an_earlier_one(event, events)]

    taken_back = standing(known)

    for event in known:
        erasure = event.erased and event.data is None
        assert (event.id in taken_back) == (erasure or any(
            other.data is not None and getattr(other.data, "event", None) == event.id
            and other.type == "EventRetracted" and other.id not in taken_back
            for other in known
        ))  # fmt: skip


def _names_an_earlier_one(event: PastEvent, events: list[PastEvent]) -> bool:
    named = getattr(event.data, "event", None)
    return named is None or any(
        each.id == named and each.position < event.position for each in events
    )


@pytest.mark.parametrize("most", [0, 6, 40_000])
def test_what_is_kept_for_claims_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Followed event by event the claims lead to what they lead to at once, however much is kept."""
    monkeypatch.setattr(history, "MAX_KEPT_DEEDS", most)
    folder = Folder("order-1")
    events = past(
        registered("order-1"),
        acted("order-1", action="issued", occurred="2020-01-01"),
        acted("order-1", action="suspended", occurred="2021-01-01"),
        disputed("order-1", event_id(2), "occurred", "2021-02-01"),
        disputed("order-1", event_id(3), "action", "repealed"),
        acted("order-1", action="resumed", occurred="2022-01-01"),
        corrected("order-1", event_id(3), {"occurred": "2021-03-01"}),
        acted("order-1", action="expired", occurred="2019-06-01"),
    )

    for count in range(1, len(events) + 1):
        assert folder.fold(events[:count]) == fold("order-1", events[:count])
        assert folder.kept_deeds <= most

    assert (folder.kept_deeds > 0) is (most > 0)
