"""Rule 7: policies whose relations lead back to them; only those with earlier effect count."""

import pytest

from domain_builders import CALIFORNIA, Json, event_id
from stories import Story
from timeline.projections import circles

ENDED = "no_longer_in_force"


def orders(**issued: str) -> Story:
    """Return a story of executive orders, by their ids."""
    story = Story()
    for policy, day in issued.items():
        story.order(policy, day)
    return story


def last(story: Story, *policies: str) -> list[tuple[str, str]]:
    """Return since when each policy has the force that it ends up with."""
    return [story.force(policy)[-1][:2] for policy in policies]


@pytest.mark.parametrize("later_first", [False, True])
def test_rule_7_of_two_that_repeal_each_other_the_earlier_effect_counts(
    *, later_first: bool
) -> None:
    """In whichever order they were recorded: who is repealed by then repeals nothing."""
    story = orders(a="2018-01-01", b="2018-06-01")
    told = [("a", "b", "2020-01-01"), ("b", "a", "2021-01-01")]
    for source, target, effective in reversed(told) if later_first else told:
        story.relate(source, "repeals", target, effective=effective)

    assert last(story, "a", "b") == [("2018-01-01", "in_force"), ("2020-01-01", ENDED)]


def test_rule_7_of_equal_dates_the_one_recorded_first_counts() -> None:
    """As rule 1 decides last by the position."""
    story = orders(a="2018-01-01", b="2018-06-01")
    story.relate("b", "repeals", "a", effective="2020-01-01")
    story.relate("a", "repeals", "b", effective="2020-01-01")

    assert last(story, "a", "b") == [("2020-01-01", ENDED), ("2018-06-01", "in_force")]


def test_rule_7_a_relation_has_no_effect_before_its_own_policy_has() -> None:
    """What was repealed before it took effect repeals nothing, however early its date."""
    story = Story()
    story.order("a", "2018-01-01", effective="2022-01-01")
    story.order("b", "2019-01-01")
    story.relate("a", "repeals", "b", effective="2020-01-01")
    story.relate("b", "repeals", "a", effective="2021-01-01")

    assert last(story, "b") == [("2019-01-01", "in_force")]
    assert "in_force" not in {force for _, force, _ in story.force("a")}


def test_rule_7_without_dates_the_policy_in_force_first_counts() -> None:
    """A relation without a date acts once its policy is in force."""
    story = orders(b="2019-01-01", a="2018-01-01")
    story.relate("b", "repeals", "a")
    story.relate("a", "suspends", "b")

    # It acts from 2018, when there is no b yet; b, once issued, is suspended from its first day.
    assert last(story, "a", "b") == [("2018-01-01", "in_force"), ("2019-01-01", "suspended")]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        # a ends b, so that c is not ended; c ends a later.
        (("2020", "2021", "2022"), [("2022-01-01", ENDED), ("2020-01-01", ENDED), None]),
        # c ends a, so that b is not ended; b ends c later.
        (("2022", "2021", "2020"), [("2020-01-01", ENDED), None, ("2021-01-01", ENDED)]),
        # b ends c, so that a is not ended; a ends b later.
        (("2021", "2020", "2022"), [None, ("2021-01-01", ENDED), ("2020-01-01", ENDED)]),
        # Equal dates: a's relation was recorded first, then b's, which a has ended, then c's.
        (("2020", "2020", "2020"), [("2020-01-01", ENDED), ("2020-01-01", ENDED), None]),
    ],
)
def test_rule_7_three_in_a_circle(
    days: tuple[str, str, str], expected: list[tuple[str, str] | None]
) -> None:
    """Each repeals the next: a, b, c and a again."""
    story = orders(a="2018-01-01", b="2018-01-01", c="2018-01-01")
    for source, target, year in zip("abc", "bca", days, strict=True):
        story.relate(source, "repeals", target, effective=f"{year}-01-01")

    assert last(story, "a", "b", "c") == [each or ("2018-01-01", "in_force") for each in expected]


def test_rule_7_suspending_each_other() -> None:
    """Whoever suspends first is in force; once it is suspended itself, the other is free."""
    story = orders(a="2018-01-01", b="2018-01-01", c="2019-01-01")
    story.relate("a", "suspends", "b", effective="2020-01-01")
    story.relate("b", "suspends", "a", effective="2021-01-01")
    assert last(story, "a", "b") == [("2018-01-01", "in_force"), ("2020-01-01", "suspended")]

    story.relate("c", "repeals", "a", effective="2022-01-01")

    assert last(story, "a", "b") == [("2022-01-01", ENDED), ("2022-01-01", "in_force")]


def test_rule_7_what_stands_outside_the_circle_counts_whenever_it_acts() -> None:
    """It does not depend on anyone within."""
    story = orders(a="2018-01-01", b="2018-01-01", c="2018-01-01")
    story.relate("a", "repeals", "b", effective="2020-01-01")
    story.relate("b", "repeals", "a", effective="2021-01-01")
    event = story.relate("c", "repeals", "a", effective="2019-01-01")
    assert last(story, "a", "b") == [("2019-01-01", ENDED), ("2018-01-01", "in_force")]

    story.retract("c", event)
    assert last(story, "a", "b") == [("2018-01-01", "in_force"), ("2020-01-01", ENDED)]


def test_rule_7_a_circle_broken_by_a_retraction_is_none() -> None:
    """At later positions the other relation acts."""
    story = orders(a="2018-01-01", b="2018-01-01")
    first = story.relate("a", "repeals", "b", effective="2020-01-01")
    story.relate("b", "repeals", "a", effective="2021-01-01")
    before = story.position
    story.retract("a", first)

    assert last(story, "a", "b") == [("2021-01-01", ENDED), ("2018-01-01", "in_force")]
    assert story.force("a", before)[-1][1] == "in_force"


def test_rule_7_no_policy_bears_on_itself() -> None:
    """Nor does one that is merged with it."""
    story = orders(a="2018-01-01", b="2018-01-01")
    story.relate("b", "repeals", "a", effective="2020-01-01")
    story.merge("a", "b")

    assert last(story, "a") == [("2018-01-01", "in_force")]


def test_rule_7_beyond_the_bound_relations_of_a_circle_possibly_act(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is claimed that is not worked out."""
    monkeypatch.setattr(circles, "MAX_CYCLE", 1)
    story = orders(a="2018-01-01", b="2018-01-01")
    story.relate("a", "repeals", "b", effective="2020-01-01")
    story.relate("b", "repeals", "a", effective="2021-01-01")

    assert story.on("2019-06-01", "b").in_force == "yes"
    assert [story.on("2022-01-01", policy).in_force for policy in "ab"] == ["maybe", "maybe"]


def test_rule_8_a_claim_of_another_target_counts_within_a_circle_too() -> None:
    """Where a repealed b, b would not have repealed a."""
    story = orders(a="2018-01-01", b="2019-01-01", c="2019-01-01")
    event = story.relate("a", "repeals", "c", effective="2020-01-01")
    story.relate("b", "repeals", "a", effective="2021-01-01")
    assert event == event_id(story.position - 1)
    story.dispute("a", event, "target", {"policy": "b"})

    assert [story.on("2020-06-01", policy).in_force for policy in "bc"] == ["maybe", "maybe"]
    assert story.on("2020-06-01", "b").force == "in_force"
    assert story.on("2020-06-01", "a").in_force == "yes"
    assert story.on("2021-06-01", "a").in_force == "maybe"


def chain() -> Story:
    """Return a story in which a suspends b for a year, and b suspends c unless it is suspended."""
    story = orders(a="2018-01-01", b="2018-01-01", c="2018-01-01")
    story.relate("b", "suspends", "c", effective="2020-01-01")
    story.relate("a", "suspends", "b", effective="2022-01-01", until="2022-12-31")
    return story


FREED = [
    ("2018-01-01", "in_force", "yes"),
    ("2020-01-01", "suspended", "no"),
    ("2022-01-01", "in_force", "yes"),
    ("2023-01-01", "suspended", "no"),
]


def test_rule_7_what_was_retracted_makes_no_circle() -> None:
    """It leaves no trace in the answers of later positions."""
    story = chain()
    assert story.force("c") == FREED
    event = story.relate("c", "repeals", "a", effective="2030-01-01")
    story.retract("c", event)

    assert story.force("c") == FREED


@pytest.mark.parametrize(
    "criteria",
    [
        {"instrument": "ordinance"},
        {"instrument": "executive_order", "except": ["a", "b"]},
        {"occurred_until": "2017-12-31"},
        {"jurisdiction": CALIFORNIA},
    ],
)
def test_rule_7_whom_a_selector_does_not_name_is_in_no_circle(criteria: dict[str, Json]) -> None:
    """Though it might have been named."""
    story = chain()
    story.relate("c", "repeals", {"selector": criteria}, effective="2030-01-01")

    assert story.force("c") == FREED


def test_rule_7_a_mere_source_makes_no_circle() -> None:
    """Nor does a claim that is settled or about another field."""
    story = chain()
    relation = story.relate("c", "cites", {"citation": "eo:1"})
    claim = story.dispute("c", relation, "target", {"policy": "a"})
    story.retract("c", claim)

    assert story.force("c") == FREED
