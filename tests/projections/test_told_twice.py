"""Rule 7: an action and a relation of the same kind with the same `by` are one effect, and one item."""

from itertools import permutations

import pytest

from domain_builders import Json, registered
from stories import NEW, OLD, Story, two_orders

BY_NEW = {"policy": NEW}
SUIT = "suit"
IN_FORCE = ("2020-01-01", "in_force", "yes")
FIRST = {"effective": "2021-02-01", "until": "2021-03-31"}
SECOND = {"effective": "2022-02-01", "until": "2022-03-31"}
SUSPENDED_TWICE = [
    IN_FORCE,
    ("2021-02-01", "suspended", "no"),
    ("2021-04-01", "in_force", "yes"),
    ("2022-02-01", "suspended", "no"),
    ("2022-04-01", "in_force", "yes"),
]


def items(story: Story) -> list[tuple[str, str]]:
    """Return what the timeline of the old order shows besides its issue, by date."""
    shown = [(each.action.occurred.text, str(each.action.action)) for each in story.items()]
    return sorted(each for each in shown if each[1] != "issued")


def a_lawsuit(**dismissed: str) -> Story:
    """Return a story of an order and a lawsuit, not yet related."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered(SUIT, instrument="lawsuit"))
    story.act(SUIT, "filed", "2020-06-01")
    for action, day in dismissed.items():
        story.act(SUIT, action, day)
    return story


@pytest.mark.parametrize("relation", ["suspends", "stays"])
@pytest.mark.parametrize("told_by", ["both", "the relation"])
def test_rule_7_what_a_lawsuit_suspends_ends_as_it_is_dismissed(
    relation: str, told_by: str
) -> None:
    """Also where an action tells of the suspension: both are one effect."""
    story = a_lawsuit(dismissed="2021-06-01")
    story.relate(SUIT, relation, OLD, effective="2020-07-01")
    if told_by == "both":
        story.act(OLD, "suspended", "2020-07-01", by={"policy": SUIT})

    assert story.force() == [
        IN_FORCE,
        ("2020-07-01", "suspended", "no"),
        ("2021-06-01", "in_force", "yes"),
    ]
    assert items(story) == [("2020-07-01", "suspended")]


def test_rule_6_what_a_lawsuit_enjoins_is_moved_by_its_case_alone() -> None:
    """An injunction that an action tells of, too, stands after a stay has come and gone."""
    story = a_lawsuit(enjoined="2020-08-01", injunction_lifted="2021-06-01")
    story.relate(SUIT, "enjoins", OLD, effective="2020-07-01")
    story.act(OLD, "enjoined", "2020-07-01", by={"policy": SUIT})

    assert story.force() == [
        IN_FORCE,
        ("2020-07-01", "suspended", "no"),
        ("2021-06-01", "in_force", "yes"),
    ]


@pytest.mark.parametrize("order", list(permutations(("first", "second", "action"))))
def test_rule_7_an_action_tells_of_one_relation_whatever_the_record_s_order(
    order: tuple[str, ...],
) -> None:
    """Of the nearest; the other acts by itself, and is an item of its own."""
    story = two_orders()
    for each in order:
        if each == "action":
            story.act(OLD, "suspended", "2021-02-01", by=BY_NEW)
        else:
            story.relate(NEW, "suspends", OLD, **(FIRST if each == "first" else SECOND))

    assert story.force() == SUSPENDED_TWICE
    assert items(story) == [("2021-02-01", "suspended"), ("2022-02-01", "suspended")]


def test_rule_7_each_action_tells_of_a_relation_of_its_own() -> None:
    """Nothing is left over, and nothing is shown twice."""
    story = two_orders()
    story.act(OLD, "suspended", "2022-02-01", by=BY_NEW)
    story.act(OLD, "suspended", "2021-02-01", by=BY_NEW)
    story.relate(NEW, "suspends", OLD, **FIRST)
    story.relate(NEW, "suspends", OLD, **SECOND)

    assert story.force() == SUSPENDED_TWICE
    assert len(items(story)) == 2


@pytest.mark.parametrize("relation", ["continues", "extends"])
@pytest.mark.parametrize("told_by", ["both", "the relation"])
def test_rule_7_an_extension_that_no_action_tells_of_extends(relation: str, told_by: str) -> None:
    """Beside one of the same policy that an action does tell of."""
    story = Story()
    story.order(OLD, "2020-01-01", until="2021-12-31")
    story.order(NEW, "2021-01-01")
    story.relate(NEW, relation, OLD, effective="2021-06-01", until="2022-12-31")
    story.relate(NEW, relation, OLD, effective="2022-06-01", until="2023-12-31")
    if told_by == "both":
        story.act(OLD, "extended", "2021-06-01", until="2022-12-31", by=BY_NEW)

    assert story.force() == [IN_FORCE, ("2024-01-01", "no_longer_in_force", "no")]
    assert items(story) == [("2021-06-01", "extended"), ("2022-06-01", "extended")]


def test_rule_7_an_action_beside_the_one_that_is_told_twice_holds_as_its_relation_does() -> None:
    """Striking the repealer down revives, also where the repeal is on record three times."""
    story = two_orders()
    story.act(OLD, "repealed", "2021-02-01", by=BY_NEW)
    story.act(OLD, "repealed", "2021-02-02", by=BY_NEW)
    story.relate(NEW, "repeals", OLD, effective="2021-02-01")
    story.act(NEW, "struck_down", "2022-01-01")

    assert story.force() == [
        IN_FORCE,
        ("2021-02-01", "no_longer_in_force", "no"),
        ("2022-01-01", "in_force", "yes"),
    ]
    assert items(story) == [("2021-02-01", "repealed"), ("2021-02-02", "repealed")]


def test_rule_7_an_end_is_taken_from_the_relation_that_an_action_tells_of_alone() -> None:
    """A further action by the same policy has none."""
    story = two_orders()
    story.act(OLD, "suspended", "2021-02-01", by=BY_NEW)
    story.act(OLD, "suspended", "2021-03-01", by=BY_NEW)
    story.relate(NEW, "suspends", OLD, **FIRST)

    assert story.force() == [IN_FORCE, ("2021-02-01", "suspended", "no")]


def test_rule_7_an_action_tells_of_the_relation_that_names_the_same_part() -> None:
    """Rather than of one that is nearer: the whole is repealed from 2022 on alone."""
    story = two_orders()
    story.relate(NEW, "repeals", OLD, effective="2022-01-01")
    story.relate(NEW, "repeals", OLD, effective="2021-02-01", provision="section 3")
    story.act(OLD, "repealed", "2021-12-01", by=BY_NEW, provision="section 3")

    assert story.force() == [
        IN_FORCE,
        ("2021-12-01", "partially_in_force", "yes"),
        ("2022-01-01", "no_longer_in_force", "no"),
    ]


@pytest.mark.parametrize(
    ("action", "relation"),
    [
        ({"occurred": "2022-02-01", "until": "2022-03-31"}, FIRST),
        ({"occurred": "2021-02-01", "until": "2021-03-31"}, SECOND),
    ],
)
def test_rule_7_what_is_over_before_the_other_begins_is_another_effect(
    action: dict[str, Json], relation: dict[str, Json]
) -> None:
    """An action and a relation of one kind and by one policy, a year apart: both act."""
    story = two_orders()
    story.relate(NEW, "suspends", OLD, **relation)
    story.act(OLD, "suspended", by=BY_NEW, **action)

    assert story.force() == SUSPENDED_TWICE
    assert len(items(story)) == 2
