"""Rule 7: whom a relation names (by policy, citation or selector), and effects told twice."""

import pytest

from domain_builders import CALIFORNIA, LOS_ANGELES, Json, registered
from stories import NEW, OLD, Story, two_orders

SINCE_2020 = ("2020-01-01", "in_force", "yes")
REPEALED = [SINCE_2020, ("2021-01-01", "no_longer_in_force", "no")]
EO_1: Json = {"citation": {"scheme": "EO", "value": "1 of 2020"}}
NUMBERED: Json = [{"scheme": "eo", "value": "1OF2020"}]


def selecting(**criteria: Json) -> Json:
    """Return a target that selects."""
    return {"selector": criteria}


# --- one effect told twice

KINDS = [
    ("repeals", "repealed"),
    ("rescinds", "rescinded"),
    ("supersedes", "superseded"),
    ("suspends", "suspended"),
    ("stays", "suspended"),
    ("enjoins", "enjoined"),
    ("challenges", "challenged"),
    ("continues", "extended"),
    ("extends", "extended"),
    ("amends", "amended"),
    ("upholds", "upheld"),
]


@pytest.mark.parametrize(("relation", "action"), KINDS)
@pytest.mark.parametrize("action_first", [False, True])
def test_rule_7_an_action_and_a_relation_by_the_same_one_are_one_item(
    relation: str, action: str, *, action_first: bool
) -> None:
    """In whichever order they were recorded; the action's date is what counts."""
    story = two_orders()
    by = {"policy": NEW}
    if action_first:
        told = story.act(OLD, action, "2021-03-01", by=by)
        alone = story.periods()
    event = story.relate(NEW, relation, OLD, sources=[{"url": "https://court.example/"}])
    if not action_first:
        told = story.act(OLD, action, "2021-03-01", by=by)
    else:
        assert story.periods() == alone

    items = [each for each in story.items() if each.action.action != "issued"]
    assert [each.event for each in items] == [told]
    assert "https://court.example/" in {source.url for source in items[0].sources}
    decided = story.on("2021-06-01").decided_by.values()
    assert all((told in events) == (event in events) for events in decided)


@pytest.mark.parametrize(("relation", "action"), KINDS)
def test_rule_7_a_relation_alone_is_an_item_of_its_targets_timeline(
    relation: str, action: str
) -> None:
    """As the action that it amounts to, by its own policy."""
    story = two_orders()
    event = story.relate(
        NEW, relation, OLD, occurred="2021-02-01", effective="2021-03-01", until="2021-12-31",
        provision="section 2",
    )  # fmt: skip

    item = next(each for each in story.items() if each.event == event)
    told = item.action
    assert (told.action, told.by and told.by.policy, item.policy) == (action, NEW, NEW)
    dates = (told.occurred, told.effective, told.until)
    assert [each and each.text for each in dates] == ["2021-02-01", "2021-03-01", "2021-12-31"]
    assert told.provision == "section 2"


def test_rule_7_a_relation_without_a_date_is_dated_by_its_policys_beginning() -> None:
    """That is the day from which it acts."""
    story = two_orders(effective="2021-02-01")
    story.relate(NEW, "repeals", OLD)

    assert story.items()[-1].action.occurred.text == "2021-02-01"


def test_rule_7_another_kind_or_another_one_is_another_effect() -> None:
    """Only the same kind by the same one is told twice."""
    story = two_orders()
    story.order("third", "2021-01-01")
    story.act(OLD, "repealed", "2023-01-01", by={"policy": "third"})
    story.act(OLD, "rescinded", "2023-02-01", by={"policy": NEW})
    story.act(OLD, "repealed", "2023-03-01")
    story.relate(NEW, "repeals", OLD)

    assert len([each for each in story.items() if each.action.action != "issued"]) == 4
    assert story.force() == REPEALED


def test_rule_7_effects_on_two_provisions_are_two() -> None:
    """Where both name one; where one names none, they are the same."""
    story = two_orders()
    story.act(OLD, "repealed", "2021-03-01", by={"policy": NEW}, provision="section 2")
    story.relate(NEW, "repeals", OLD, provision="section 3")
    assert len(story.items()) == 3

    story.relate(NEW, "repeals", OLD, provision="section 2")
    assert len(story.items()) == 3


def test_rule_7_by_a_citation_that_resolves_is_the_same_one() -> None:
    """The identifier belongs to the policy that asserts the relation."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered(NEW, identifiers=NUMBERED))
    story.act(NEW, "issued", "2021-01-01")
    story.relate(NEW, "repeals", OLD)
    story.act(OLD, "repealed", "2021-03-01", by=EO_1)

    assert len(story.items()) == 2
    assert story.force()[-1] == ("2021-03-01", "no_longer_in_force", "no")


def test_rule_7_by_a_citation_that_resolves_later_becomes_the_same_one() -> None:
    """Once the identifier is described, and no longer once that is retracted."""
    story = two_orders()
    story.relate(NEW, "repeals", OLD)
    story.act(OLD, "repealed", "2021-03-01", by=EO_1)
    assert (len(story.items()), story.force()) == (3, REPEALED)
    description = story.describe(NEW, identifiers=NUMBERED)
    assert len(story.items()) == 2

    story.retract(NEW, description)
    assert (len(story.items()), story.force()) == (3, REPEALED)


def test_rule_7_by_a_merged_policy_is_by_its_survivor() -> None:
    """By whichever of the two names, and whoever of them asserted the relation."""
    story = two_orders()
    story.order("copy", "2021-01-01")
    story.relate("copy", "repeals", OLD)
    story.act(OLD, "repealed", "2021-03-01", by={"policy": NEW})
    assert len(story.items()) == 3
    merger = story.merge(NEW, "copy")
    assert len(story.items()) == 2

    story.retract(NEW, merger)
    assert len(story.items()) == 3


# --- policies and mergers


def test_rule_7_a_relation_to_a_duplicate_acts_on_its_survivor() -> None:
    """And on the duplicate alone before the merger."""
    story = two_orders()
    story.order("copy", "2020-01-01")
    story.relate(NEW, "repeals", "copy")
    assert story.force() == [SINCE_2020]
    merger = story.merge(OLD, "copy")
    assert story.force() == REPEALED

    story.retract(OLD, merger)
    assert story.force() == [SINCE_2020]
    assert story.force("copy") == REPEALED


def test_rule_7_a_relation_of_a_duplicate_acts_while_its_survivor_is_in_force() -> None:
    """The survivor's actions decide, with those of the duplicate."""
    story = two_orders()
    story.tell(registered("copy"))
    story.relate("copy", "suspends", OLD)
    assert story.force() == [SINCE_2020]
    story.merge(NEW, "copy")

    assert story.force() == [SINCE_2020, ("2021-01-01", "suspended", "no")]


# --- citations


@pytest.mark.parametrize("citation", [EO_1, {"citation": "eo: 1 of 2020"}])
def test_rule_7_a_citation_acts_on_the_policy_with_that_identifier(citation: Json) -> None:
    """Compared by scheme and value, case folded, without spaces."""
    story = Story()
    story.tell(registered(OLD, identifiers=NUMBERED))
    story.act(OLD, "issued", "2020-01-01")
    story.order(NEW, "2021-01-01")
    story.relate(NEW, "repeals", citation)

    assert story.force() == REPEALED


def test_rule_7_a_citation_resolves_once_its_policy_is_registered() -> None:
    """Whatever the order of recording."""
    story = Story()
    story.order(NEW, "2021-01-01")
    story.relate(NEW, "repeals", EO_1)
    story.tell(registered(OLD, identifiers=NUMBERED))
    story.act(OLD, "issued", "2020-01-01")

    assert story.force() == REPEALED


def test_rule_7_a_citation_resolves_once_its_identifier_is_described() -> None:
    """And no longer once the identifier is gone again."""
    story = two_orders()
    story.relate(NEW, "repeals", EO_1)
    assert story.force() == [SINCE_2020]
    story.describe(OLD, identifiers=NUMBERED)
    described = story.position
    assert story.force() == REPEALED
    story.describe(OLD, identifiers=[{"scheme": "eo", "value": "2 of 2020"}])

    assert story.force() == [SINCE_2020]
    assert story.force(position=described) == REPEALED
    assert story.force(position=described - 1) == [SINCE_2020]


def test_rule_7_a_citation_resolves_to_a_survivor_by_its_duplicates_identifier() -> None:
    """Identifiers of merged policies unite."""
    story = two_orders()
    story.tell(registered("copy", identifiers=NUMBERED))
    story.relate(NEW, "repeals", EO_1)
    assert story.force() == [SINCE_2020]
    story.merge(OLD, "copy")

    assert story.force() == REPEALED


# --- selectors


@pytest.mark.parametrize(
    ("criteria", "hit"),
    [
        ({"jurisdiction": LOS_ANGELES}, True),
        ({"jurisdiction": CALIFORNIA}, False),
        ({"instrument": "executive_order"}, True),
        ({"instrument": "ordinance"}, False),
        ({"jurisdiction": LOS_ANGELES, "instrument": "ordinance"}, False),
        ({"occurred_from": "2020-01-01"}, True),
        ({"occurred_from": "2020-01-02"}, False),
        ({"occurred_until": "2020-01-01"}, True),
        ({"occurred_until": "2019-12-31"}, False),
        ({"occurred_from": "2019", "occurred_until": "2020-06-30"}, True),
        ({"in_force_on": "2020-12-31"}, True),
        ({"in_force_on": "2019-12-31"}, False),
        ({"instrument": "executive_order", "except": [OLD]}, False),
        ({"instrument": "executive_order", "except": ["third"]}, True),
    ],
)
def test_rule_7_a_selector_names_who_meets_all_its_criteria(
    criteria: dict[str, Json], *, hit: bool
) -> None:
    """The jurisdiction exactly, the dates inclusively, and not who is excepted."""
    story = two_orders()
    story.relate(NEW, "rescinds", selecting(**criteria))

    assert story.force() == (REPEALED if hit else [SINCE_2020])


def test_rule_7_a_selector_never_names_its_own_source() -> None:
    """Nor what is merged with it."""
    story = two_orders()
    story.order("copy", "2021-01-01")
    story.merge(NEW, "copy")
    story.relate(NEW, "rescinds", selecting(instrument="executive_order"))

    assert story.force(NEW) == [("2021-01-01", "in_force", "yes")]
    assert story.force() == REPEALED


def test_rule_7_a_selector_asks_for_the_enacting_action() -> None:
    """Not for the proposal before it, nor for what followed."""
    story = Story()
    story.tell(registered("bill", instrument="ordinance"))
    story.act("bill", "introduced", "2019-01-01")
    story.act("bill", "passed", "2019-06-01")
    story.act("bill", "signed", "2020-01-01", effective="2020-01-01")
    story.act("bill", "amended", "2020-06-01")
    story.order(NEW, "2021-01-01")
    for first, last in [("2019-01-01", "2019-12-31"), ("2020-01-02", "2020-12-31")]:
        story.relate(NEW, "rescinds", selecting(occurred_from=first, occurred_until=last))
    assert story.force("bill")[-1] == ("2020-01-01", "in_force", "yes")
    story.relate(
        NEW, "rescinds", selecting(occurred_from="2020-01-01", occurred_until="2020-01-01")
    )

    assert story.force("bill")[-1] == ("2021-01-01", "no_longer_in_force", "no")


def test_rule_7_a_selector_asks_what_was_in_force_before_its_own_effect() -> None:
    """Also where it takes effect on or before that day."""
    story = two_orders()
    story.relate(NEW, "rescinds", selecting(in_force_on="2021-06-01"), effective="2021-02-01")

    assert story.force() == [SINCE_2020, ("2021-02-01", "no_longer_in_force", "no")]


def test_rule_7_a_selector_asks_after_the_effect_of_earlier_ones() -> None:
    """What another selector had suspended by then was not in force."""
    story = two_orders()
    story.order("third", "2021-03-01")
    story.relate("third", "rescinds", selecting(in_force_on="2021-02-01", **{"except": [NEW]}))
    story.relate(NEW, "suspends", selecting(in_force_on="2020-12-31"), until="2021-12-31")

    assert story.force() == [
        SINCE_2020,
        ("2021-01-01", "suspended", "no"),
        ("2022-01-01", "in_force", "yes"),
    ]


def test_rule_7_a_selector_catches_policies_registered_later() -> None:
    """It is evaluated at the position asked about; so are descriptions."""
    story = Story()
    story.order(NEW, "2021-01-01")
    story.relate(NEW, "rescinds", selecting(jurisdiction=CALIFORNIA))
    story.order(OLD, "2020-01-01")
    assert story.force() == [SINCE_2020]
    description = story.describe(OLD, jurisdiction=CALIFORNIA)
    assert story.force() == REPEALED

    story.retract(OLD, description)
    assert story.force() == [SINCE_2020]


@pytest.mark.parametrize(
    ("issued", "criteria"),
    [
        ("2020", {"occurred_from": "2020-06-01"}),
        ("2020", {"occurred_until": "2020-06-01"}),
        ("2020-01-01", {"occurred_from": "2020"}),
        ("2020-01-01", {"in_force_on": "2019-12/2020-02"}),
        ("2020", {"in_force_on": "2020-06-01"}),
    ],
)
def test_rule_7_an_uncertain_member_gives_maybe(issued: str, criteria: dict[str, Json]) -> None:
    """From the day on which the relation acts, for ever."""
    story = Story()
    story.order(OLD, issued)
    story.order(NEW, "2021-01-01")
    story.relate(NEW, "rescinds", selecting(**criteria))

    period = story.on("2022-01-01")
    assert (period.force, period.in_force) == ("unknown", "maybe")
    assert set(period.possible["force"]) == {"in_force", "no_longer_in_force"}
    assert story.on("2020-12-31").in_force == "yes"


def test_rule_7_a_selected_challenge_of_an_uncertain_member_is_a_maybe() -> None:
    """The case may not be about it, nor may what the lawsuit did."""
    story = Story()
    story.order(OLD, "2020")
    story.tell(registered("suit", instrument="lawsuit"))
    story.act("suit", "filed", "2021-01-01")
    story.relate("suit", "challenges", selecting(occurred_from="2020-06-01"))
    story.act("suit", "enjoined", "2021-06-01")

    assert set(story.on("2021-02-01").possible["litigation"]) == {"challenged", "none"}
    assert story.on("2021-02-01").in_force == "yes"
    assert story.on("2021-07-01").in_force == "maybe"
