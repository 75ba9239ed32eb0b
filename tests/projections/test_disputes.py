"""Rule 8: what open claims make of the answers, also of those of other policies."""

from typing import Any

import pytest

from domain_builders import CALIFORNIA, Draft, Json, acted, disputed, event_id, registered
from history_builders import POLICY, act, folded, on, shown, table
from stories import NEW, OLD, Story, two_orders
from timeline.domain.doubt import MAX_CLAIMS
from timeline.domain.history import History

SECOND, THIRD, FOURTH = (event_id(number) for number in (2, 3, 4))
BY_OTHER: Json = {"citation": "docket:2"}

CLAIMS: dict[str, tuple[list[Draft], tuple[str, Json], str, str, list[str], str]] = {
    # actions, the claim about the last, a day, an axis, what is possible, in force
    "occurred": (
        [act("issued", "2020-01-01")],
        ("occurred", "2021-01-01"),
        "2020-06-01",
        "force",
        ["in_force", "not_enacted"],
        "maybe",
    ),
    "effective": (
        [act("issued", "2020-01-01", effective="2020-02-01")],
        ("effective", "2020-08-01"),
        "2020-06-01",
        "force",
        ["in_force", "not_yet_in_force"],
        "maybe",
    ),
    "until": (
        [act("issued", "2020-01-01")],
        ("until", "2020-03-01"),
        "2020-06-01",
        "force",
        ["in_force", "no_longer_in_force"],
        "maybe",
    ),
    "action": (
        [act("issued", "2020-01-01"), act("rescinded", "2020-05-01")],
        ("action", "confirmed"),
        "2020-06-01",
        "force",
        ["no_longer_in_force", "in_force"],
        "maybe",
    ),
    "scope": (
        [act("issued", "2020-01-01"), act("rescinded", "2020-05-01", provision="2", scope="partial")],
        ("scope", "full"),
        "2020-06-01",
        "force",
        ["partially_in_force"],
        "yes",
    ),
    "scope-alone": (
        [act("issued", "2020-01-01"), act("rescinded", "2020-05-01")],
        ("scope", "partial"),
        "2020-06-01",
        "force",
        ["no_longer_in_force", "partially_in_force"],
        "maybe",
    ),
    "provision": (
        [
            act("issued", "2020-01-01"),
            act("suspended", "2020-02-01", provision="section 2"),
            act("resumed", "2020-03-01", provision="section 2"),
        ],
        ("provision", "section 3"),
        "2020-06-01",
        "force",
        ["in_force", "partially_in_force"],
        "yes",
    ),
    "by": (
        [
            act("issued", "2020-01-01"),
            act("enjoined", "2020-02-01", by={"citation": "docket:1"}),
            act("injunction_lifted", "2020-03-01", by={"citation": "docket:1"}),
        ],
        ("by", BY_OTHER),
        "2020-06-01",
        "force",
        ["in_force", "suspended"],
        "maybe",
    ),
    "stage": (
        [act("introduced", "2020-01-01"), act("vetoed", "2020-02-01")],
        ("action", "sent_to_executive"),
        "2020-06-01",
        "stage",
        ["vetoed", "sent_to_executive"],
        "no",
    ),
    "litigation": (
        [act("issued", "2020-01-01"), act("upheld", "2020-02-01")],
        ("action", "dismissed"),
        "2020-06-01",
        "litigation",
        ["upheld", "dismissed"],
        "yes",
    ),
    "what-moves-nothing": (
        [act("issued", "2020-01-01")],
        ("label", "An order"),
        "2020-06-01",
        "force",
        ["in_force"],
        "yes",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("actions", "claim", "when", "axis", "possible", "in_force"), CLAIMS.values(), ids=CLAIMS
)
def test_rule_8_each_field_that_matters_opens_the_answer(
    actions: list[Draft],
    claim: tuple[str, Json],
    when: str,
    axis: str,
    possible: list[str],
    in_force: str,
) -> None:
    """The value served is the believed one, `possible` lists all, the claim helps to decide."""
    dispute = event_id(len(actions) + 2)
    history = folded(*actions, disputed(POLICY, event_id(len(actions) + 1), *claim))

    period = on(history, when)
    assert getattr(period, axis) == possible[0]
    assert list(period.possible.get(axis, (getattr(period, axis),))) == possible
    assert period.in_force == in_force
    assert (dispute in period.decided_by[axis]) == (len(possible) > 1)


@pytest.mark.parametrize(
    ("instrument", "possible"),
    [("ordinance", ["in_force", "unknown"]), ("statement", ["in_force", "not_applicable"])],
)
def test_rule_8_the_instrument_opens_the_answer(instrument: str, possible: list[str]) -> None:
    """It decides when force begins, and whether there is any."""
    history = folded(
        act("issued", "2020-01-01"), disputed(POLICY, event_id(1), "instrument", instrument)
    )

    period = on(history, "2020-06-01")
    assert (list(period.possible["force"]), period.in_force) == (possible, "maybe")
    assert THIRD in period.decided_by["force"]


def test_rule_8_in_force_is_maybe_only_where_the_answers_differ() -> None:
    """Before, between and after the two dates."""
    history = folded(
        act("issued", "2020-01-01"), disputed(POLICY, SECOND, "occurred", "2020-03-01")
    )

    assert shown(history.periods) == table(
        """
        2020-01-01  2020-02-29  issued  in_force  -  none  maybe  force=in_force|not_enacted  stage=issued|-
        2020-03-01  ..          issued  in_force  -  none  yes
        """
    )  # fmt: skip


def test_rule_8_claims_are_followed_one_by_one() -> None:
    """Two claims never hold together: neither alone would bring it into force in 2019."""
    history = folded(
        act("issued", "2020-01-01", effective="2020-02-01"),
        disputed(POLICY, SECOND, "occurred", "2019-01-01"),
        disputed(POLICY, SECOND, "effective", "2019-06-01"),
    )

    assert on(history, "2019-03-01").possible["force"] == ("not_enacted", "not_yet_in_force")
    # Enacted in 2020 with force from June 2019 on: of that the record says so from then on.
    assert on(history, "2019-07-01").in_force == "maybe"


def test_rule_8_a_claim_about_a_corrected_field_stays_open() -> None:
    """Until a correction says that it settles it; the latest correction is what is believed."""
    story = two_orders()
    issued = story.history().actions[0].event
    claim = story.dispute(OLD, issued, "occurred", "2019-01-01")
    story.correct(OLD, issued, occurred="2020-02-01")
    last = story.correct(OLD, issued, occurred="2020-03-01")
    assert [row[0::2] for row in story.force()] == [("2019-01-01", "maybe"), ("2020-03-01", "yes")]

    story.retract(OLD, last)
    assert [row[0::2] for row in story.force()] == [("2019-01-01", "maybe"), ("2020-02-01", "yes")]
    settled = story.settle(OLD, issued, claim)
    assert story.force() == [("2020-02-01", "in_force", "yes")]
    story.retract(OLD, settled)
    assert story.force()[0] == ("2019-01-01", "not_enacted", "maybe")
    story.retract(OLD, claim)
    assert story.force() == [("2020-02-01", "in_force", "yes")]


def claims(count: int) -> History:
    """Return an order about whose date so many sources disagree."""
    days = (f"2020-{1 + number // 28:02}-{1 + number % 28:02}" for number in range(1, count + 1))
    return folded(
        act("issued", "2020-01-01"), *(disputed(POLICY, SECOND, "occurred", day) for day in days)
    )


def test_rule_8_as_many_claims_as_the_bound_are_followed() -> None:
    """After the last of the dates the answer is certain."""
    history = claims(MAX_CLAIMS)

    assert on(history, "2020-02-04").in_force == "maybe"
    assert on(history, "2020-02-05").in_force == "yes"


def test_rule_8_one_claim_more_leaves_every_answer_open() -> None:
    """On every axis, whatever the day; the believed value is served as ever."""
    history = claims(MAX_CLAIMS + 1)

    period = on(history, "2022-01-01")
    assert (period.stage, period.force, period.litigation) == ("issued", "in_force", "none")
    assert period.possible == {
        "stage": ("issued", "unknown"),
        "force": ("in_force", "unknown"),
        "litigation": ("none", "unknown"),
    }
    assert period.in_force == on(history, "2010-01-01").in_force == "maybe"


@pytest.mark.parametrize("instrument", ["lawsuit", "statement"])
def test_rule_8_beyond_the_bound_what_has_no_force_has_none(instrument: str) -> None:
    """The bound leaves stage and litigation open; whether it is in force is no question."""
    days = (f"2020-{1 + number // 28:02}-{1 + number % 28:02}" for number in range(MAX_CLAIMS + 5))
    history = folded(
        act("stated", "2021-01-01"),
        *(disputed(POLICY, SECOND, "occurred", day) for day in days),
        instrument=instrument,
    )

    period = on(history, "2022-01-01")
    assert (period.force, period.in_force) == ("not_applicable", "no")
    assert sorted(period.possible) == ["litigation", "stage"]


def test_rule_8_beyond_the_bound_a_claim_that_there_is_force_counts_all_the_same() -> None:
    """Claims about the instrument are followed before all others."""
    days = (f"2020-{1 + number // 28:02}-{1 + number % 28:02}" for number in range(MAX_CLAIMS + 5))
    history = folded(
        act("issued", "2021-01-01"),
        *(disputed(POLICY, SECOND, "occurred", day) for day in days),
        disputed(POLICY, event_id(1), "instrument", "executive_order"),
        instrument="statement",
    )

    period = on(history, "2022-01-01")
    assert (period.force, period.in_force) == ("not_applicable", "maybe")
    assert period.possible["force"] == ("not_applicable", "in_force", "unknown")


def test_rule_8_what_a_policy_does_to_others_is_open_with_it_beyond_the_bound() -> None:
    """The stage of another is not: no relation moves it."""
    story = two_orders()
    relation = story.relate(NEW, "repeals", OLD, effective="2022-01-01")
    for number in range(MAX_CLAIMS + 1):
        story.dispute(NEW, relation, "provision", f"section {number}")

    period = story.on("2023-01-01")
    assert (period.stage, period.force, period.in_force) == (
        "issued",
        "no_longer_in_force",
        "maybe",
    )
    assert "stage" not in period.possible
    assert "unknown" in period.possible["force"]


def test_rule_8_claims_that_say_the_same_are_one() -> None:
    """However many sources repeat it."""
    same = disputed(POLICY, SECOND, "occurred", "2020-03-01")
    history = folded(act("issued", "2020-01-01"), *([same] * (MAX_CLAIMS + 1)))

    assert on(history, "2020-02-28").in_force == "maybe"
    assert on(history, "2020-03-01").in_force == "yes"


# --- claims about what others do

RELATION_CLAIMS: dict[str, tuple[dict[str, Json], tuple[str, Json], str, list[str], str]] = {
    # the relation's fields, the claim, a day, what is possible, in force
    "effective": (
        {"effective": "2021-02-01"},
        ("effective", "2021-08-01"),
        "2021-06-01",
        ["no_longer_in_force", "in_force"],
        "maybe",
    ),
    "occurred": (
        {"occurred": "2021-02-01"},
        ("occurred", "2021-08-01"),
        "2021-06-01",
        ["no_longer_in_force", "in_force"],
        "maybe",
    ),
    "until": (
        {},
        ("until", "2021-03-01"),
        "2021-06-01",
        ["no_longer_in_force", "in_force"],
        "maybe",
    ),
    "scope": (
        {},
        ("scope", "partial"),
        "2021-06-01",
        ["no_longer_in_force", "partially_in_force"],
        "maybe",
    ),
    "provision": (
        {},
        ("provision", "section 2"),
        "2021-06-01",
        ["no_longer_in_force", "partially_in_force"],
        "maybe",
    ),
    "relation": (
        {},
        ("relation", "suspends"),
        "2021-06-01",
        ["no_longer_in_force", "suspended"],
        "no",
    ),
    "relation-that-does-not-act": (
        {},
        ("relation", "cites"),
        "2021-06-01",
        ["no_longer_in_force", "in_force"],
        "maybe",
    ),
    "target": (
        {},
        ("target", {"policy": "third"}),
        "2021-06-01",
        ["no_longer_in_force", "in_force"],
        "maybe",
    ),
}


@pytest.mark.parametrize(
    ("fields", "claim", "when", "possible", "in_force"),
    RELATION_CLAIMS.values(),
    ids=RELATION_CLAIMS,
)
def test_rule_8_claims_about_a_relation_open_its_targets_answer(
    fields: dict[str, Json], claim: tuple[str, Json], when: str, possible: list[str], in_force: str
) -> None:
    """And no longer once it is retracted."""
    story = two_orders()
    story.order("third", "2020-01-01")
    relation = story.relate(NEW, "repeals", OLD, **fields)
    before = story.periods()
    dispute = story.dispute(NEW, relation, *claim)

    period = story.on(when)
    assert period.force == possible[0]
    assert list(period.possible["force"]) == possible
    assert period.in_force == in_force
    assert {relation, dispute} <= set(period.decided_by["force"])
    (item,) = [each for each in story.items() if each.event == relation]
    assert item.disputed
    story.retract(NEW, dispute)
    assert story.periods() == before


@pytest.mark.parametrize(
    "target",
    [{"policy": OLD}, {"citation": "eo:1"}, {"selector": {"instrument": "executive_order"}}],
    ids=["policy", "citation", "selector"],
)
def test_rule_8_whom_a_claim_names_as_the_target_is_in_doubt_too(target: dict[str, Any]) -> None:
    """By whatever kind of target; what is believed of it stays."""
    story = Story()
    story.tell(registered(OLD, identifiers=[{"scheme": "EO", "value": "1"}]))
    story.act(OLD, "issued", "2020-01-01")
    story.order(NEW, "2021-01-01")
    story.order("third", "2020-01-01")
    relation = story.relate(NEW, "repeals", "third")
    before = story.periods()
    dispute = story.dispute(NEW, relation, "target", target)

    period = story.on("2021-06-01")
    assert (period.force, period.in_force) == ("in_force", "maybe")
    assert period.possible["force"] == ("in_force", "no_longer_in_force")
    assert dispute in period.decided_by["force"]
    assert story.on("2020-06-01").in_force == "yes"
    story.retract(NEW, dispute)
    assert story.periods() == before


@pytest.mark.parametrize(
    ("claim", "possible"),
    [
        (("occurred", "2022-01-01"), ["suspended", "in_force"]),
        (("action", "challenged"), ["suspended", "in_force"]),
        (("action", "filed"), ["suspended", "in_force"]),
        (("provision", "section 2"), ["suspended", "partially_in_force"]),
        (("until", "2021-04-01"), ["suspended", "in_force"]),
    ],
)
def test_rule_8_a_claim_about_what_a_lawsuit_did_opens_the_answer_of_whom_it_challenges(
    claim: tuple[str, Json], possible: list[str]
) -> None:
    """The court action is recorded, and disputed, in the lawsuit's own stream."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("suit", instrument="lawsuit"))
    story.act("suit", "filed", "2021-01-01")
    story.relate("suit", "challenges", OLD)
    story.relate("suit", "challenges", OLD, provision="section 3")
    enjoined = story.tell(acted("suit", action="enjoined", occurred="2021-03-01"))
    before = story.periods()
    dispute = story.dispute("suit", enjoined, *claim)

    period = story.on("2021-06-01")
    assert (period.force, period.litigation) == ("suspended", "enjoined")
    assert list(period.possible["force"]) == possible
    assert "stage" not in period.possible
    assert period.in_force == "maybe"
    assert dispute in period.decided_by["force"]
    story.settle("suit", enjoined, dispute)
    assert story.periods() == before


def test_rule_8_a_claim_about_the_repealer_reaches_whom_it_repeals() -> None:
    """Where it may not be in force yet, it may not have repealed."""
    story = Story()
    story.order(OLD, "2020-01-01")
    issued = story.order(NEW, "2021-01-01")
    story.relate(NEW, "repeals", OLD)
    dispute = story.dispute(NEW, issued, "occurred", "2022-01-01")

    assert [row[0::2] for row in story.force()] == [
        ("2020-01-01", "yes"),
        ("2021-01-01", "maybe"),
        ("2022-01-01", "no"),
    ]
    story.settle(NEW, issued, dispute)
    assert story.on("2021-06-01").in_force == "no"


def test_rule_8_a_repealers_disputed_date_leaves_its_targets_value_the_believed_one() -> None:
    """Not `unknown`: the value served is the believed one, and `possible` lists all."""
    story = two_orders()
    story.relate(NEW, "repeals", OLD)
    (issued,) = [each.event for each in story.history(NEW).actions]
    dispute = story.dispute(NEW, issued, "occurred", "2022-01-01")

    period = story.on("2021-06-01")
    assert (period.force, period.force_reason) == ("no_longer_in_force", "repealed")
    assert period.possible == {"force": ("no_longer_in_force", "in_force")}
    assert period.in_force == "maybe"
    assert dispute in period.decided_by["force"]


def test_rule_8_a_claim_is_followed_through_as_many_policies_as_it_bears_on() -> None:
    """Whether the last is suspended depends on whether the first repealed the second."""
    story = two_orders()
    story.order("third", "2019-01-01")
    issued = story.order("first", "2021-06-01")
    story.relate("first", "repeals", NEW)
    story.relate(NEW, "suspends", OLD)
    story.relate(OLD, "suspends", "third")
    before = story.periods("third")
    dispute = story.dispute("first", issued, "action", "proposed")

    assert story.on("2022-01-01", "third").force == "suspended"
    assert story.on("2022-01-01", "third").possible["force"] == ("suspended", "in_force")
    assert story.on("2021-03-01", "third").possible == {}
    story.settle("first", issued, dispute)
    assert story.periods("third") == before


def test_rule_8_a_claim_about_a_lawsuits_filing_opens_whether_its_case_was() -> None:
    """A challenge without a date of its own begins with its lawsuit."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("suit", instrument="lawsuit"))
    filed = story.act("suit", "filed", "2021-01-01")
    story.relate("suit", "challenges", OLD)
    dispute = story.dispute("suit", filed, "occurred", "2022-01-01")

    period = story.on("2021-06-01")
    assert period.litigation == "challenged"
    assert period.possible == {"litigation": ("challenged", "none")}
    assert dispute in period.decided_by["litigation"]
    assert story.on("2022-06-01").possible == {}


@pytest.mark.parametrize(
    ("target", "claim"),
    [
        ({"citation": "eo:1"}, ("identifiers", [{"scheme": "EO", "value": "1"}])),
        ({"selector": {"jurisdiction": CALIFORNIA}}, ("jurisdiction", CALIFORNIA)),
        ({"selector": {"instrument": "ordinance"}}, ("instrument", "ordinance")),
    ],
    ids=["identifiers", "jurisdiction", "instrument"],
)
@pytest.mark.parametrize("relation_first", [True, False])
def test_rule_8_a_claim_about_its_description_opens_whether_a_policy_is_meant(
    target: dict[str, Json], claim: tuple[str, Json], *, relation_first: bool
) -> None:
    """By a citation or a selector; whichever of the claim and the relation comes first."""
    story = Story()
    registration = story.tell(registered(OLD, instrument="executive_order"))
    story.act(OLD, "took_effect", "2020-01-01")
    story.order(NEW, "2021-01-01")
    before = story.periods()
    if relation_first:
        story.relate(NEW, "repeals", target)
    dispute = story.dispute(OLD, registration, *claim)
    if not relation_first:
        story.relate(NEW, "repeals", target)

    period = story.on("2021-06-01")
    assert (period.force, period.in_force) == ("in_force", "maybe")
    assert period.possible["force"] == ("in_force", "no_longer_in_force")
    assert dispute in period.decided_by["force"]
    assert story.on("2020-06-01").in_force == "yes"
    story.retract(OLD, dispute)
    assert story.periods() == before


def test_rule_8_a_claim_of_no_identifier_opens_whether_a_citation_still_means_it() -> None:
    """What is believed is that it does."""
    story = Story()
    registration = story.tell(registered(OLD, identifiers=[{"scheme": "EO", "value": "1"}]))
    story.act(OLD, "issued", "2020-01-01")
    story.order(NEW, "2021-01-01")
    story.relate(NEW, "repeals", {"citation": "eo:1"})
    story.dispute(OLD, registration, "identifiers", [])

    period = story.on("2021-06-01")
    assert (period.force, period.in_force) == ("no_longer_in_force", "maybe")
    assert period.possible["force"] == ("no_longer_in_force", "in_force")


def test_rule_8_a_claim_about_an_identifier_that_was_described_away_opens_nothing() -> None:
    """Only who decides a field now can be wrong about it."""
    story = Story()
    registration = story.tell(registered(OLD))
    story.describe(OLD, identifiers=[])
    story.act(OLD, "issued", "2020-01-01")
    story.order(NEW, "2021-01-01")
    story.relate(NEW, "repeals", {"citation": "eo:1"})
    story.dispute(OLD, registration, "identifiers", [{"scheme": "EO", "value": "1"}])

    assert story.on("2021-06-01").in_force == "yes"


def test_rule_8_a_claim_that_a_relation_is_of_a_kind_that_acts_opens_its_targets_answer() -> None:
    """As recorded, it does nothing at all."""
    story = two_orders()
    relation = story.relate(NEW, "cites", OLD)
    dispute = story.dispute(NEW, relation, "relation", "repeals")

    period = story.on("2021-06-01")
    assert (period.force, period.in_force) == ("in_force", "maybe")
    assert period.possible["force"] == ("in_force", "no_longer_in_force")
    assert relation not in [each.event for each in story.items()]
    story.retract(NEW, dispute)
    assert story.on("2021-06-01").in_force == "yes"


def test_rule_8_a_claim_that_a_lawsuit_enjoined_opens_the_answer_of_whom_it_challenges() -> None:
    """What is recorded is a hearing, which moves no case."""
    story = Story()
    story.order(OLD, "2020-01-01")
    story.tell(registered("suit", instrument="lawsuit"))
    story.act("suit", "filed", "2021-01-01")
    heard = story.act("suit", "hearing_held", "2021-03-01")
    story.relate("suit", "challenges", OLD)
    dispute = story.dispute("suit", heard, "action", "enjoined")

    period = story.on("2021-06-01")
    assert (period.force, period.litigation, period.in_force) == ("in_force", "challenged", "maybe")
    assert period.possible == {
        "force": ("in_force", "suspended"),
        "litigation": ("challenged", "enjoined"),
    }
    assert dispute in period.decided_by["force"]


def test_rule_8_a_mere_claim_changes_nothing_that_is_believed_of_a_circle() -> None:
    """That a cycle would be there if the claim held leaves the believed answers what they are."""
    story = Story()
    for policy in "abc":
        story.order(policy, "2018-01-01")
    story.relate("b", "suspends", "c", effective="2020-01-01")
    story.relate("a", "suspends", "b", effective="2022-01-01", until="2022-12-31")
    relation = story.relate("c", "repeals", {"citation": "eo:9"}, effective="2030-01-01")
    before = story.history("c").believed
    story.dispute("c", relation, "target", {"policy": "a"})

    assert story.history("c").believed == before
