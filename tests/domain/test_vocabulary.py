"""The words of the record, held against the tables of the design."""

from enum import StrEnum

import pytest

from timeline.domain.vocabulary import (
    ACTIONS,
    END_REASON,
    FORCE_PRECEDENCE,
    GRAVITY,
    IN_FORCE_FROM_ENACTMENT,
    NEEDS_EXECUTIVE,
    RANK,
    RELATIONS,
    WITHOUT_FORCE,
    Action,
    Effect,
    EventType,
    Force,
    ForceReason,
    InForce,
    Instrument,
    Litigation,
    Relation,
)

ACTION_TABLE = {
    "proposed introduced referred hearing_held laid_over": Effect.STAGE,
    "advanced": Effect.STAGE,
    "amended": Effect.AMEND,
    "passed": Effect.PASS,
    "failed withdrawn died": Effect.STAGE,
    "sent_to_executive vetoed override_failed": Effect.STAGE,
    "override_passed lapsed_into_law signed issued enacted": Effect.ENACT,
    "filed stated": Effect.STAGE,
    "took_effect": Effect.BEGIN,
    "extended": Effect.EXTEND,
    "suspended": Effect.SUSPEND,
    "resumed": Effect.RESUME,
    "repealed rescinded superseded expired": Effect.END,
    "challenged appealed reversed enjoined injunction_stayed": Effect.LITIGATE,
    "injunction_lifted upheld struck_down dismissed": Effect.LITIGATE,
    "confirmed": Effect.CONFIRM,
    "other": Effect.NOTHING,
}
"""Actions with their effect, row by row; the order is their rank on one day."""

WORDS: list[tuple[type[StrEnum], str]] = [
    (
        Instrument,
        (
            "executive_order executive_directive proclamation ordinance local_law statute bill "
            "resolution motion agency_rule agreement court_order lawsuit statement other"
        ),
    ),
    (
        Relation,
        (
            "implements codifies amends repeals rescinds supersedes suspends continues extends "
            "supplements reaffirms responds_to challenges enjoins stays upholds cites "
            "conflicts_with companion_of similar_to"
        ),
    ),
    (
        Force,
        (
            "not_enacted not_yet_in_force in_force partially_in_force suspended no_longer_in_force "
            "unknown not_applicable"
        ),
    ),
    (ForceReason, "repealed rescinded superseded expired struck_down"),
    (Litigation, "none dismissed upheld challenged enjoined struck_down"),
    (InForce, "yes maybe no"),
    (
        EventType,
        (
            "PolicyRegistered PolicyDescribed ActionRecorded ActionCorrected SourceAttached "
            "RelationAsserted EventRetracted PoliciesMerged PayloadErased"
        ),
    ),
]


@pytest.mark.parametrize(
    ("words", "listed"), WORDS, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_words_are_those_of_the_design_and_no_others(words: type[StrEnum], listed: str) -> None:
    """Clients rely on each word, and on the order in which the vocabulary lists them."""
    assert [word.value for word in words] == listed.split()


def test_every_action_has_one_row_with_its_effect() -> None:
    """The fold knows what to do with each action that can be recorded."""
    listed = {word: effect for row, effect in ACTION_TABLE.items() for word in row.split()}

    assert {action.value: rule.effect for action, rule in ACTIONS.items()} == listed
    assert set(ACTIONS) == set(Action)
    assert all(rule.action is action for action, rule in ACTIONS.items())


def test_actions_of_one_day_rank_in_the_order_of_the_table() -> None:
    """What is introduced, passed and signed on one day happened in that order."""
    listed = [word for row in ACTION_TABLE for word in row.split()]

    assert [action.value for action in sorted(RANK, key=RANK.__getitem__)] == listed
    assert sorted(RANK.values()) == list(range(len(Action)))


def test_every_relation_has_one_row() -> None:
    """No relation can be asserted that the vocabulary does not describe."""
    assert list(RELATIONS) == list(Relation)
    assert all(rule.relation is relation for relation, rule in RELATIONS.items())


def test_the_symmetric_relations_are_three() -> None:
    """Only these read the same from both sides; all others point from their policy to a target."""
    assert {relation for relation, rule in RELATIONS.items() if rule.symmetric} == {
        Relation.CONFLICTS_WITH,
        Relation.COMPANION_OF,
        Relation.SIMILAR_TO,
    }


def test_relations_that_act_are_those_that_move_force_and_the_one_that_opens_a_case() -> None:
    """Eight act on the target's force; `challenges` opens a case against it."""
    force = "repeals rescinds supersedes suspends continues extends enjoins stays"

    assert {relation.value for relation, rule in RELATIONS.items() if rule.acts} == {
        *force.split(),
        "challenges",
    }


def test_to_codify_is_a_kind_of_to_implement() -> None:
    """Who asks for what implements an order also finds what codifies it."""
    kinds = {relation: rule.kind_of for relation, rule in RELATIONS.items() if rule.kind_of}

    assert kinds == {Relation.CODIFIES: Relation.IMPLEMENTS}


@pytest.mark.parametrize(
    "description",
    [
        *(rule.description for rule in ACTIONS.values()),
        *(rule.description for rule in RELATIONS.values()),
    ],
)
def test_a_description_is_a_sentence_on_one_line(description: str) -> None:
    """The rows go into tables of the docs as they are."""
    assert description.endswith(".")
    assert not set("\n|") & set(description)


def test_instruments_begin_in_one_of_three_ways() -> None:
    """Some are in force from enactment, some have no force at all, of the rest nothing is known."""
    known = {
        Instrument.EXECUTIVE_ORDER,
        Instrument.EXECUTIVE_DIRECTIVE,
        Instrument.PROCLAMATION,
        Instrument.COURT_ORDER,
        Instrument.RESOLUTION,
        Instrument.MOTION,
    }

    assert known == IN_FORCE_FROM_ENACTMENT
    assert {Instrument.LAWSUIT, Instrument.STATEMENT} == WITHOUT_FORCE
    assert not IN_FORCE_FROM_ENACTMENT & WITHOUT_FORCE


def test_a_vote_alone_enacts_what_needs_no_executive() -> None:
    """Laws go to a mayor or governor; resolutions, motions and the rest do not."""
    assert {
        Instrument.ORDINANCE,
        Instrument.LOCAL_LAW,
        Instrument.STATUTE,
        Instrument.BILL,
    } == NEEDS_EXECUTIVE


def test_every_ending_action_gives_its_reason() -> None:
    """`force_reason` names what ended the policy; only a court's word is no ending action."""
    ending = {action for action, rule in ACTIONS.items() if rule.effect is Effect.END}

    assert set(END_REASON) == ending
    assert {*END_REASON.values(), ForceReason.STRUCK_DOWN} == set(ForceReason)


def test_litigation_is_ordered_by_gravity() -> None:
    """The axis shows the gravest open case."""
    assert [each.value for each in GRAVITY] == [
        "struck_down",
        "enjoined",
        "challenged",
        "upheld",
        "dismissed",
        "none",
    ]


def test_force_takes_the_first_value_that_applies() -> None:
    """The design's order; `unknown` stands before what would claim more than is known."""
    order = [force for force in FORCE_PRECEDENCE if force is not Force.UNKNOWN]

    assert order == [
        Force.NOT_ENACTED,
        Force.NOT_YET_IN_FORCE,
        Force.NO_LONGER_IN_FORCE,
        Force.SUSPENDED,
        Force.PARTIALLY_IN_FORCE,
        Force.IN_FORCE,
    ]
    assert {*FORCE_PRECEDENCE, Force.NOT_APPLICABLE} == set(Force)
