"""Rule 7: when a relation acts on its target, and for how long."""

import pytest

from domain_builders import Json, registered
from history_builders import table
from stories import NEW, OLD, Story, two_orders

SINCE_2020 = ("2020-01-01", "in_force", "yes")
ENDINGS = (("repeals", "repealed"), ("rescinds", "rescinded"), ("supersedes", "superseded"))
WHILE_IN_FORCE = ("suspends", "stays", "enjoins")
ACTING = {
    **{relation: "no_longer_in_force" for relation, _ in ENDINGS},
    **dict.fromkeys(WHILE_IN_FORCE, "suspended"),
}


@pytest.mark.parametrize(("relation", "force"), ACTING.items())
def test_rule_7_acts_from_its_effective_day(relation: str, force: str) -> None:
    """Not from the day on which it was asserted or its policy was issued."""
    story = two_orders()
    story.relate(NEW, relation, OLD, occurred="2021-01-01", effective="2021-06-15")

    assert story.force() == [SINCE_2020, ("2021-06-15", force, "no")]


@pytest.mark.parametrize(("relation", "force"), ACTING.items())
@pytest.mark.parametrize("dated", [{}, {"effective": "2020-03-01"}, {"occurred": "2020-03-01"}])
def test_rule_7_never_before_its_own_policy_is_in_force(
    relation: str, force: str, dated: dict[str, Json]
) -> None:
    """Whatever date the relation has itself, or if it has none."""
    story = two_orders(effective="2021-02-01")
    story.relate(NEW, relation, OLD, **dated)

    assert story.force() == [SINCE_2020, ("2021-02-01", force, "no")]


def test_rule_7_an_item_has_the_day_from_which_its_relation_acts() -> None:
    """Later than the relation says where its policy comes into force later, and open if never surely."""
    late = two_orders(effective="2021-04-01")
    late.relate(NEW, "repeals", OLD, occurred="2021-02-01")
    doubtful = two_orders(effective="2021-04-01/..")
    doubtful.relate(NEW, "repeals", OLD, occurred="2021-02-01")

    assert [each.action.occurred.text for each in late.items()] == ["2020-01-01", "2021-04-01"]
    assert [each.action.occurred.text for each in doubtful.items()] == [
        "2020-01-01",
        "2021-04-01/..",
    ]


@pytest.mark.parametrize("relation", [*ACTING, "continues", "extends"])
def test_rule_7_a_vetoed_bill_changes_nothing(relation: str) -> None:
    """A policy that never is in force acts on nothing, and shows on no other's timeline."""
    story = Story()
    story.order(OLD, "2020-01-01", until="2020-12-31")
    story.tell(registered("bill", instrument="bill"))
    story.act("bill", "passed", "2020-05-01")
    story.act("bill", "vetoed", "2020-06-01")
    story.relate("bill", relation, OLD, effective="2020-06-15", until="2030-01-01")

    assert story.force() == [SINCE_2020, ("2021-01-01", "no_longer_in_force", "no")]
    assert [each.action.action for each in story.items()] == ["issued"]


def test_rule_7_an_override_lets_the_bill_act() -> None:
    """From the day on which it is in force."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("bill", instrument="bill"))
    story.act("bill", "vetoed", "2020-06-01")
    story.relate("bill", "repeals", OLD)
    story.act("bill", "override_passed", "2020-07-01", effective="2020-08-01")

    assert story.force() == [SINCE_2020, ("2020-08-01", "no_longer_in_force", "no")]


@pytest.mark.parametrize(("relation", "reason"), ENDINGS)
def test_rule_7_an_ending_names_its_reason_and_its_relation(relation: str, reason: str) -> None:
    """As an action of the same kind would; the relation's event decides."""
    story = two_orders()
    event = story.relate(NEW, relation, OLD)

    period = story.on("2022-01-01")
    assert (period.force_reason, period.stage) == (reason, "issued")
    assert event in period.decided_by["force"]


@pytest.mark.parametrize("ending", ["repealed", "rescinded", "superseded", "expired", "suspended"])
@pytest.mark.parametrize("relation", [relation for relation, _ in ENDINGS])
def test_rule_7_endings_fire_once(relation: str, ending: str) -> None:
    """Whatever becomes of the one who ended it, short of being struck down, revives nothing."""
    story = two_orders()
    story.relate(NEW, relation, OLD)
    before = story.periods()
    story.act(NEW, ending, "2022-01-01")

    assert story.periods() == before


def test_rule_7_repealing_the_repealer_by_a_relation_revives_nothing() -> None:
    """Nor does a third that repeals the second."""
    story = two_orders()
    story.order("newest", "2022-01-01")
    story.relate(NEW, "repeals", OLD)
    story.relate("newest", "repeals", NEW)

    assert story.force(NEW)[-1] == ("2022-01-01", "no_longer_in_force", "no")
    assert story.force() == [SINCE_2020, ("2021-01-01", "no_longer_in_force", "no")]


@pytest.mark.parametrize("relation", [relation for relation, _ in ENDINGS])
def test_rule_7_striking_down_the_repealer_revives_from_that_day(relation: str) -> None:
    """And where that is reversed, what it ended is ended again."""
    story = two_orders()
    story.relate(NEW, relation, OLD)
    ended = [SINCE_2020, ("2021-01-01", "no_longer_in_force", "no")]
    story.act(NEW, "struck_down", "2022-05-01")
    revived = [*ended, ("2022-05-01", "in_force", "yes")]
    assert story.force() == revived

    story.act(NEW, "reversed", "2023-05-01")

    assert story.force() == [*revived, ("2023-05-01", "no_longer_in_force", "no")]


def shown_until(story: Story) -> str | None:
    """Return the end of the effect that the target's timeline shows of a relation."""
    until = story.items()[-1].action.until
    return None if until is None else until.text


@pytest.mark.parametrize("relation", [relation for relation, _ in ENDINGS])
def test_a_timeline_shows_until_when_a_repeal_stood_that_a_court_undid(relation: str) -> None:
    """While a court may yet be reversed, the last end counts; without a court there is none."""
    story = two_orders()
    story.relate(NEW, relation, OLD)
    assert shown_until(story) is None

    story.act(NEW, "struck_down", "2022-05-01")
    assert shown_until(story) == "2022-04-30"

    story.act(NEW, "reversed", "2023-05-01")
    assert shown_until(story) is None


@pytest.mark.parametrize("relation", WHILE_IN_FORCE)
def test_a_timeline_shows_until_when_a_policy_that_is_over_held_back(relation: str) -> None:
    """Also where the relation says a later end; an earlier one stands as it was said."""
    story = two_orders()
    event = story.relate(NEW, relation, OLD, effective="2021-01-01", until="2023-06")
    assert shown_until(story) == "2023-06"

    story.act(NEW, "rescinded", "2022-05-01")
    assert shown_until(story) == "2022-04-30"

    story.retract(NEW, event)
    assert len(story.items()) == 1


def test_a_timeline_shows_no_certain_end_of_a_repeal_that_is_undone_on_an_unknown_day() -> None:
    """It shows the bounds of its end."""
    story = two_orders()
    story.relate(NEW, "repeals", OLD)
    story.act(NEW, "struck_down", "2022-05")

    assert shown_until(story) == "2022-04-30/2022-05-30"


def test_a_timeline_shows_the_term_that_a_relation_extends() -> None:
    """It is what the relation says, whatever becomes of its own policy."""
    story = two_orders()
    story.relate(NEW, "extends", OLD, effective="2021-01-01", until="2024-12-31")
    story.act(NEW, "rescinded", "2022-05-01")

    assert shown_until(story) == "2024-12-31"


def test_rule_7_striking_down_revives_where_an_action_tells_of_the_repeal_too() -> None:
    """An action and a relation that are one effect end as the relation alone does."""
    story = two_orders()
    story.act(OLD, "repealed", "2021-03-01", by={"policy": NEW})
    story.relate(NEW, "repeals", OLD)
    ended = [SINCE_2020, ("2021-03-01", "no_longer_in_force", "no")]
    assert story.force() == ended
    story.act(NEW, "struck_down", "2022-05-01")
    assert story.force() == [*ended, ("2022-05-01", "in_force", "yes")]

    story.act(NEW, "reversed", "2023-05-01")

    assert story.force()[-1] == ("2023-05-01", "no_longer_in_force", "no")


def test_rule_7_a_suspension_that_an_action_tells_of_too_ends_with_its_policy() -> None:
    """And with the relation's own end, where the action has none."""
    story = two_orders()
    story.act(OLD, "suspended", "2021-03-01", by={"policy": NEW})
    story.relate(NEW, "suspends", OLD, effective="2021-03-01", until="2023-12-31")
    suspended = [SINCE_2020, ("2021-03-01", "suspended", "no")]
    assert story.force() == [*suspended, ("2024-01-01", "in_force", "yes")]

    story.act(NEW, "rescinded", "2022-05-01")

    assert story.force() == [*suspended, ("2022-05-01", "in_force", "yes")]


def test_rule_7_a_repealer_struck_down_in_part_revives_nothing() -> None:
    """The rest of it still repeals."""
    story = two_orders()
    story.relate(NEW, "repeals", OLD)
    before = story.periods()
    story.act(NEW, "struck_down", "2022-05-01", provision="section 2")

    assert story.force(NEW)[-1] == ("2022-05-01", "partially_in_force", "yes")
    assert story.periods() == before


def test_rule_7_what_another_ended_too_is_not_revived() -> None:
    """Striking one of two repealers down leaves the other's end."""
    story = two_orders()
    story.order("newer", "2021-07-01")
    story.relate(NEW, "repeals", OLD)
    story.relate("newer", "rescinds", OLD)
    story.act(NEW, "struck_down", "2022-05-01")

    assert story.force() == [SINCE_2020, ("2021-01-01", "no_longer_in_force", "no")]


@pytest.mark.parametrize("relation", WHILE_IN_FORCE)
@pytest.mark.parametrize(
    ("action", "again"),
    [("repealed", None), ("expired", None), ("suspended", "resumed"), ("struck_down", "reversed")],
)
def test_rule_7_suspends_enjoins_and_stays_act_only_while_their_policy_is_in_force(
    relation: str, action: str, again: str | None
) -> None:
    """The target is back in force as soon as they are not, and away again once they are."""
    story = two_orders()
    story.relate(NEW, relation, OLD)
    story.act(NEW, action, "2022-01-01")
    expected = [SINCE_2020, ("2021-01-01", "suspended", "no"), ("2022-01-01", "in_force", "yes")]
    assert story.force() == expected

    if again is not None:
        story.act(NEW, again, "2023-01-01")
        assert story.force() == [*expected, ("2023-01-01", "suspended", "no")]


@pytest.mark.parametrize("relation", WHILE_IN_FORCE)
@pytest.mark.parametrize("last", ["repealed", "suspended"])
def test_rule_7_each_stretch_in_which_a_policy_was_in_force_held_back(
    relation: str, last: str
) -> None:
    """What held back twice did so in the first stretch, too, once the second is over."""
    story = two_orders()
    story.relate(NEW, relation, OLD)
    story.act(NEW, "suspended", "2022-01-01")
    story.act(NEW, "resumed", "2022-07-01")
    expected = [
        SINCE_2020,
        ("2021-01-01", "suspended", "no"),
        ("2022-01-01", "in_force", "yes"),
        ("2022-07-01", "suspended", "no"),
    ]
    assert story.force() == expected

    story.act(NEW, last, "2023-01-01")

    assert story.force() == [*expected, ("2023-01-01", "in_force", "yes")]


@pytest.mark.parametrize("relation", WHILE_IN_FORCE)
def test_rule_7_a_term_that_lapsed_and_was_extended_later_held_back_twice(relation: str) -> None:
    """The gap between the terms is one in which the target was in force."""
    story = two_orders(until="2021-01-31")
    story.relate(NEW, relation, OLD)
    story.act(NEW, "extended", "2021-03-01", until="2021-04-30")

    assert story.force() == [
        SINCE_2020,
        ("2021-01-01", "suspended", "no"),
        ("2021-02-01", "in_force", "yes"),
        ("2021-03-01", "suspended", "no"),
        ("2021-05-01", "in_force", "yes"),
    ]


@pytest.mark.parametrize("relation", ["suspends", "stays", "enjoins"])
def test_rule_7_a_lawsuit_acts_until_it_is_dismissed(relation: str) -> None:
    """It is never in force; it acts from its first action."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("suit", instrument="lawsuit"))
    story.relate("suit", relation, OLD, effective="2020-02-01")
    story.act("suit", "filed", "2020-06-01")
    story.act("suit", "dismissed", "2021-06-01")

    assert story.force() == [
        SINCE_2020,
        ("2020-06-01", "suspended", "no"),
        ("2021-06-01", "in_force", "yes"),
    ]


@pytest.mark.parametrize("relation", ["suspends", "stays", "enjoins"])
def test_rule_7_a_lawsuit_that_was_dismissed_before_acts_no_more(relation: str) -> None:
    """Its relation takes effect only after that day."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("suit", instrument="lawsuit"))
    story.act("suit", "filed", "2020-06-01")
    story.act("suit", "dismissed", "2021-06-01")
    story.relate("suit", relation, OLD, effective="2022-01-01")

    assert story.force() == [SINCE_2020]


def test_rule_7_an_injunction_that_was_over_before_the_lawsuit_opens_no_case() -> None:
    """Its own end lies before the first action of the lawsuit."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("suit", instrument="lawsuit"))
    story.act("suit", "filed", "2021-06-01")
    story.relate("suit", "enjoins", OLD, until="2021-03-01")

    assert story.periods() == table("2020-01-01 .. issued in_force - none yes")


@pytest.mark.parametrize("relation", ["suspends", "stays", "enjoins", "repeals"])
def test_rule_7_a_lawsuit_of_which_nothing_is_known_acts_on_nothing(relation: str) -> None:
    """It may never have been filed."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("suit", instrument="lawsuit"))
    story.relate("suit", relation, OLD, effective="2020-02-01")

    assert [row[1:] for row in story.force() if row[1] != "not_enacted"] == [("in_force", "yes")]


@pytest.mark.parametrize("relation", ["continues", "extends"])
@pytest.mark.parametrize(
    ("until", "end"), [({"until": "2023-12-31"}, "2024-01-01"), ({}, None)], ids=["term", "open"]
)
def test_rule_7_an_extension_moves_the_end(
    relation: str, until: dict[str, Json], end: str | None
) -> None:
    """To the relation's own `until`, or to no known end."""
    story = Story()
    story.order(OLD, "2020-01-01", until="2021-12-31")
    story.order(NEW, "2021-01-01")
    story.relate(NEW, relation, OLD, **until)
    ended = [] if end is None else [(end, "no_longer_in_force", "no")]

    assert story.force() == [SINCE_2020, *ended]


@pytest.mark.parametrize("relation", ["continues", "extends"])
def test_rule_7_an_extension_after_the_end_reopens_and_keeps_the_gap(relation: str) -> None:
    """From the day on which it acts; repealing the extender takes nothing back."""
    story = Story()
    story.order(OLD, "2020-01-01", until="2020-06-30")
    story.order(NEW, "2021-01-01")
    story.relate(NEW, relation, OLD, until="2021-12-31")
    story.act(NEW, "repealed", "2021-03-01")

    assert story.force() == [
        SINCE_2020,
        ("2020-07-01", "no_longer_in_force", "no"),
        ("2021-01-01", "in_force", "yes"),
        ("2022-01-01", "no_longer_in_force", "no"),
    ]


def test_rule_7_challenges_opens_a_case_that_the_lawsuit_moves() -> None:
    """On the axis of litigation alone, until a court does more."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("suit", instrument="lawsuit"))
    story.act("suit", "filed", "2020-06-01")
    story.relate("suit", "challenges", OLD)
    story.act("suit", "enjoined", "2020-09-01")
    story.act("suit", "dismissed", "2021-02-01")

    assert story.periods() == table(
        """
        2020-01-01  2020-05-31  issued  in_force   -  none        yes
        2020-06-01  2020-08-31  issued  in_force   -  challenged  yes
        2020-09-01  2021-01-31  issued  suspended  -  enjoined    no
        2021-02-01  ..          issued  in_force   -  dismissed   yes
        """
    )


def test_rule_7_amends_and_upholds_show_on_the_timeline_and_change_no_axis() -> None:
    """They are not among the relations that act."""
    story = two_orders()
    before = story.periods()
    story.relate(NEW, "amends", OLD)
    story.relate(NEW, "upholds", OLD)
    story.relate(NEW, "cites", OLD)

    assert story.periods() == before
    assert [each.action.action for each in story.items()] == ["issued", "amended", "upheld"]


@pytest.mark.parametrize("relation", [*ACTING, "challenges", "continues"])
def test_rule_7_retracting_the_relation_undoes_it_at_later_positions(relation: str) -> None:
    """At earlier ones it stays, and restoring it brings it back."""
    story = two_orders()
    before = story.periods()
    event = story.relate(NEW, relation, OLD, until="2030-01-01")
    asserted, during = story.position, story.periods()
    retraction = story.retract(NEW, event)

    assert story.periods() == before
    assert story.periods(position=asserted) == during
    assert [each.action.action for each in story.items()] == ["issued"]
    assert len(story.items(position=asserted)) == 2
    story.retract(NEW, retraction)
    assert story.periods() == during


def test_rule_7_retracting_the_registration_of_the_repealer_undoes_its_relation() -> None:
    """Its policy is out of the record."""
    story = two_orders()
    before = story.periods()
    story.relate(NEW, "repeals", OLD)
    assert story.periods() != before
    registration = story.history(NEW).described.decided_by["title"]
    story.retract(NEW, registration)

    assert story.periods() == before


@pytest.mark.parametrize("relation", [*ACTING])
def test_rule_7_a_relation_can_end_by_itself(relation: str) -> None:
    """After the last day of its effect, force is as it was."""
    story = two_orders()
    story.relate(NEW, relation, OLD, until="2021-12-31")

    assert story.force() == [
        SINCE_2020,
        ("2021-01-01", ACTING[relation], "no"),
        ("2022-01-01", "in_force", "yes"),
    ]


@pytest.mark.parametrize("relation", [*ACTING])
def test_rule_5_a_partial_relation_leaves_the_rest_in_force(relation: str) -> None:
    """A later full one wins."""
    story = two_orders()
    story.order("newer", "2022-01-01")
    story.relate(NEW, relation, OLD, scope="partial", provision="section 3")
    partly = [SINCE_2020, ("2021-01-01", "partially_in_force", "yes")]
    assert story.force() == partly

    story.relate("newer", relation, OLD)

    assert story.force() == [*partly, ("2022-01-01", ACTING[relation], "no")]


def test_rule_5_partial_repeals_by_relations_never_add_up() -> None:
    """However many there are."""
    story = two_orders()
    for number in range(5):
        story.relate(NEW, "repeals", OLD, provision=f"section {number}")

    assert story.force() == [SINCE_2020, ("2021-01-01", "partially_in_force", "yes")]


def test_rule_7_an_uncertain_beginning_of_its_policy_gives_maybe() -> None:
    """Within the bounds; before and after them the answer is certain."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.order(NEW, "2021-03")
    story.relate(NEW, "repeals", OLD)

    assert story.force() == [
        SINCE_2020,
        ("2021-03-01", "unknown", "maybe"),
        ("2021-03-31", "no_longer_in_force", "no"),
    ]


@pytest.mark.parametrize("relation", [*ACTING])
def test_rule_7_an_uncertain_effective_date_gives_maybe(relation: str) -> None:
    """So does the unknown one, for ever."""
    story = two_orders()
    event = story.relate(NEW, relation, OLD, effective="2022")
    assert [row[0::2] for row in story.force()] == [
        ("2020-01-01", "yes"),
        ("2022-01-01", "maybe"),
        ("2022-12-31", "no"),
    ]

    story.retract(NEW, event)
    story.relate(NEW, relation, OLD, effective="XXXX")

    assert [row[0::2] for row in story.force()] == [("2020-01-01", "yes"), ("2021-01-01", "maybe")]


def test_rule_7_an_instrument_without_a_known_beginning_may_act() -> None:
    """An ordinance signed without a date is in force or not: so is what it repeals."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("law", instrument="ordinance"))
    story.act("law", "signed", "2021-01-01")
    story.relate("law", "repeals", OLD)

    assert story.force() == [SINCE_2020, ("2021-01-01", "unknown", "maybe")]


def test_rule_7_a_relation_to_what_is_issued_later_ends_nothing_that_follows() -> None:
    """An end before the beginning is of the past once it is issued (rule 4)."""
    story = Story()
    story.order(NEW, "2019-01-01")
    story.order(OLD, "2020-01-01")
    story.relate(NEW, "repeals", OLD)

    assert [row for row in story.force() if row[1] != "not_enacted"] == [SINCE_2020]
