"""Rule 7 with uncertain dates: in which stretches a relation acts, and whether it acts in them all."""

import pytest

from domain_builders import LOS_ANGELES, registered
from stories import NEW, OLD, Story, two_orders

IN_FORCE = ("2020-01-01", "in_force", "yes")
ENDED = "no_longer_in_force"
HOLDING = ("suspends", "stays", "enjoins")


def possible(story: Story, day: str, axis: str = "force") -> set[str | None]:
    """Return what an axis of the old order may be on a day."""
    period = story.on(day)
    return set(period.possible.get(axis, (getattr(period, axis),)))


# --- interrupted, and on again


@pytest.mark.parametrize("relation", HOLDING)
def test_rule_7_an_interruption_on_unknown_days_leaves_what_it_does_not_bear_on(
    relation: str,
) -> None:
    """Once it is over for sure, the target is held back for sure, as it was before."""
    story = two_orders()
    story.relate(NEW, relation, OLD)
    story.act(NEW, "suspended", "2021-03/2021-09")
    story.act(NEW, "resumed", "2021-07/2021-10")

    assert [row for row in story.force() if row[2] != "maybe"] == [
        IN_FORCE,
        ("2021-01-01", "suspended", "no"),
        ("2021-10-31", "suspended", "no"),
    ]
    assert possible(story, "2021-06-01") == {"suspended", "in_force"}


@pytest.mark.parametrize("resumed", ["2021-07-01/2021-10-01", "2021-05-01/2021-10-01"])
def test_rule_7_what_comes_back_on_an_unknown_day_may_do_so_after_it_was_lifted(
    resumed: str,
) -> None:
    """Whether the target was resumed before or after that: from then on it is not certain."""
    story = two_orders()
    story.relate(NEW, "suspends", OLD)
    story.act(NEW, "suspended", "2021-03-01/2021-09-01")
    story.act(NEW, "resumed", resumed)
    story.act(OLD, "resumed", "2021-06-01")

    for day in ("2021-06-01", "2021-08-15", "2021-10-01", "2023-01-01"):
        assert possible(story, day) == {"suspended", "in_force"}, day


def test_rule_7_what_is_struck_down_and_reversed_on_unknown_days_may_end_before_a_new_issue() -> (
    None
):
    """The target that was issued anew meanwhile is in force, or was ended again."""
    story = two_orders()
    story.relate(NEW, "repeals", OLD)
    story.act(NEW, "struck_down", "2021-06-01/2021-12-31")
    story.act(NEW, "reversed", "2021-09-01/2022-12-31")
    assert possible(story, "2023-01-01") == {ENDED}

    story.act(OLD, "issued", "2022-01-15")

    assert possible(story, "2023-01-01") == {"in_force", ENDED}
    assert story.on("2023-01-01").in_force == "maybe"


# --- firing once, in one of several stretches


def an_early_suspension(relation: str) -> Story:
    """Return a story of a relation that first acts in January 2021, or not before 2022."""
    story = two_orders()
    story.relate(NEW, relation, OLD, until="2030-01-01")
    story.act(NEW, "suspended", "2020-12-01/2021-02-01", until="2021-12-31")
    return story


@pytest.mark.parametrize("relation", ["repeals", "rescinds", "supersedes"])
def test_rule_7_an_ending_fires_in_the_first_stretch_or_in_the_second(relation: str) -> None:
    """It is not certain in which; from the second on it has fired for sure."""
    story = an_early_suspension(relation)

    assert story.force() == [
        IN_FORCE,
        ("2021-01-01", "unknown", "maybe"),
        ("2022-01-01", ENDED, "no"),
        ("2030-01-02", "in_force", "yes"),
    ]


def test_rule_7_an_ending_that_has_fired_does_not_fire_again() -> None:
    """What was issued between the stretches is ended only if it had not fired before."""
    story = an_early_suspension("repeals")
    story.act(OLD, "issued", "2021-06-01")

    assert possible(story, "2021-07-01") == {"in_force"}
    assert possible(story, "2022-01-01") == {"in_force", ENDED}


@pytest.mark.parametrize("relation", ["continues", "extends"])
def test_rule_7_an_extension_fires_in_the_first_stretch_or_in_the_second(relation: str) -> None:
    """Where the term has passed in between, the gap is there if it had not fired before."""
    story = Story()
    story.order(OLD, "2020-01-01", until="2021-06-30")
    story.order(NEW, "2021-01-01")
    story.relate(NEW, relation, OLD, until="2030-01-01")
    story.act(NEW, "suspended", "2020-12-01/2021-02-01", until="2021-12-31")

    assert story.force() == [
        IN_FORCE,
        ("2021-07-01", "unknown", "maybe"),
        ("2022-01-01", "in_force", "yes"),
        ("2030-01-02", ENDED, "no"),
    ]


def test_rule_7_an_ending_may_fire_before_or_after_its_target_is_issued() -> None:
    """Where its policy may come into force, and out of it, and again, on either side of that day."""
    story = Story()
    story.order(OLD, "2021-07-06")
    story.order(NEW, "2021-06-19/2021-09-08")
    story.relate(NEW, "rescinds", OLD)
    story.act(NEW, "suspended", "2021-03-23/2021-12-21", until="2021-09-01/2021-11-20")

    assert possible(story, "2023-01-01") == {"in_force", ENDED}


# --- what may have come and gone


@pytest.mark.parametrize("by_relation", ["by the relation", "by an action"])
def test_rule_7_an_injunction_that_may_be_over_leaves_a_case_that_is_open(
    by_relation: str,
) -> None:
    """On each day on which it may have come and gone: as an action of its own would."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered(NEW, instrument="court_order"))
    story.act(NEW, "issued", "2021-03/2021-06")
    story.act(NEW, "expired", "2021-05/2021-09")
    if by_relation == "by the relation":
        story.relate(NEW, "enjoins", OLD)
    else:
        story.act(OLD, "enjoined", "2021-03/2021-06", until="2021-05/2021-09", by={"policy": NEW})

    assert possible(story, "2021-07-15", "litigation") >= {"enjoined", "challenged"}
    assert possible(story, "2021-07-15") == {"suspended", "in_force"}


def test_rule_7_a_relation_with_dates_of_its_own_folds_as_an_action_does() -> None:
    """While its policy is in force all along, only its own dates are uncertain."""
    dates = {"effective": "2021-07-20/2021-11-26", "until": "2021-08-25/2022-01-10"}
    related, acted = two_orders(), two_orders()
    related.relate(NEW, "suspends", OLD, **dates)
    acted.act(OLD, "suspended", dates["effective"], until=dates["until"])

    assert related.periods() == acted.periods()


# --- doubtful members


def a_repeal_that_may_be_meant(**relation: str) -> Story:
    """Return a story of a repeal that an action tells of, and perhaps a selector."""
    story = two_orders()
    story.act(OLD, "repealed", "2021-07-16", by={"policy": NEW})
    selector = {"jurisdiction": LOS_ANGELES, "except": [NEW], "in_force_on": "2019/2020"}
    story.relate(NEW, "repeals", {"selector": selector}, effective="2021-07-16", **relation)
    return story


def test_rule_7_an_end_that_only_a_doubtful_relation_tells_of_is_possible() -> None:
    """If the selector does not name the order, it stays repealed."""
    story = a_repeal_that_may_be_meant(until="2021-12-31")

    assert story.force() == [
        IN_FORCE,
        ("2021-07-16", ENDED, "no"),
        ("2022-01-01", "unknown", "maybe"),
    ]


def test_rule_7_striking_down_who_may_have_repealed_may_revive() -> None:
    """If the selector does not name the order, its own action stands alone."""
    story = a_repeal_that_may_be_meant()
    story.act(NEW, "struck_down", "2022-05-01")

    assert story.force() == [
        IN_FORCE,
        ("2021-07-16", ENDED, "no"),
        ("2022-05-01", "unknown", "maybe"),
    ]


def test_rule_7_a_doubtful_relation_that_changes_nothing_leaves_an_action_certain() -> None:
    """Whether or not it names the order, the repeal stands."""
    story = a_repeal_that_may_be_meant()

    assert story.force() == [IN_FORCE, ("2021-07-16", ENDED, "no")]


def test_rule_7_the_moves_of_a_lawsuit_are_certain_once_one_relation_is() -> None:
    """Whatever a selector of the same lawsuit, recorded before, names besides."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("suit", instrument="lawsuit"))
    story.act("suit", "filed", "2020-06-01")
    selector = {"jurisdiction": LOS_ANGELES, "occurred_until": "2019-06/2020-06"}
    story.relate("suit", "challenges", {"selector": selector})
    story.relate("suit", "challenges", OLD)
    story.act("suit", "struck_down", "2021-06-01")

    assert story.force() == [IN_FORCE, ("2021-06-01", ENDED, "no")]
