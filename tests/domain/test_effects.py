"""Section 4 of the design, rule by rule: given these actions, then these periods."""

from collections.abc import Sequence

import pytest

from domain_builders import Draft, acted
from history_builders import (
    ANOTHER_SUIT,
    INSTRUMENT,
    SUIT,
    act,
    by,
    folded,
    lawsuit,
    on,
    shown,
    table,
)
from timeline.domain.bearing import Bearing
from timeline.domain.vocabulary import (
    ACTIONS,
    IN_FORCE_FROM_ENACTMENT,
    NEEDS_EXECUTIVE,
    WITHOUT_FORCE,
    Action,
    Effect,
    Instrument,
)


def given_then(
    given: Sequence[Draft], then: str, instrument: str = INSTRUMENT, cases: Sequence[Bearing] = ()
) -> None:
    """Fold the actions of a policy, and compare its periods with a table."""
    assert shown(folded(*given, instrument=instrument, cases=cases).periods) == table(then)


# --- The table of actions: every row of the vocabulary

STAGES = [action for action, rule in ACTIONS.items() if rule.effect is Effect.STAGE]
ENACTING = [action for action, rule in ACTIONS.items() if rule.effect is Effect.ENACT]


@pytest.mark.parametrize("action", STAGES)
@pytest.mark.parametrize("instrument", [Instrument.EXECUTIVE_ORDER, Instrument.BILL])
def test_a_stage_action_shows_its_stage_and_enacts_nothing(
    action: Action, instrument: Instrument
) -> None:
    """`advanced` among them: a committee, a reading, one chamber."""
    given_then(
        [act(action, "2020-01-01")],
        f"2020-01-01 .. {action} not_enacted - none no",
        instrument,
    )


@pytest.mark.parametrize("action", ENACTING)
def test_an_enacting_action_shows_its_stage_and_enacts(action: Action) -> None:
    """An order is then in force, an ordinance not known to be."""
    given_then([act(action, "2020-01-01")], f"2020-01-01 .. {action} in_force - none yes")
    given_then(
        [act(action, "2020-01-01")],
        f"2020-01-01 .. {action} unknown - none maybe",
        Instrument.ORDINANCE,
    )


@pytest.mark.parametrize("instrument", Instrument)
def test_passed_enacts_what_needs_no_executive(instrument: Instrument) -> None:
    """A bill, an ordinance, a statute and a local law wait for the executive."""
    force = "unknown - none maybe"
    if instrument in NEEDS_EXECUTIVE:
        force = "not_enacted - none no"
    elif instrument in IN_FORCE_FROM_ENACTMENT:
        force = "in_force - none yes"
    elif instrument in WITHOUT_FORCE:
        force = "not_applicable - none no"

    given_then([act("passed", "2020-01-01")], f"2020-01-01 .. passed {force}", instrument)


def test_the_stage_is_that_of_the_latest_stage_action() -> None:
    """A veto and its override, each from its day on."""
    given_then(
        [
            act("introduced", "2020-01-01"),
            act("passed", "2020-02-01"),
            act("vetoed", "2020-03-01"),
            act("override_passed", "2020-04-01"),
        ],
        """
        2020-01-01  2020-01-31  introduced       not_enacted  -  none  no
        2020-02-01  2020-02-29  passed           not_enacted  -  none  no
        2020-03-01  2020-03-31  vetoed           not_enacted  -  none  no
        2020-04-01  ..          override_passed  unknown      -  none  maybe
        """,
        Instrument.BILL,
    )


def test_amended_is_a_stage_until_enactment() -> None:
    """Afterwards the text changes, and no axis does."""
    given_then(
        [
            act("introduced", "2020-01-01"),
            act("amended", "2020-02-01"),
            act("issued", "2020-03-01"),
            act("amended", "2020-04-01"),
        ],
        """
        2020-01-01  2020-01-31  introduced  not_enacted  -  none  no
        2020-02-01  2020-02-29  amended     not_enacted  -  none  no
        2020-03-01  ..          issued      in_force     -  none  yes
        """,
    )


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("repealed", "repealed"),
        ("rescinded", "rescinded"),
        ("superseded", "superseded"),
        ("expired", "expired"),
    ],
)
def test_an_ending_action_ends_force_for_its_reason(action: str, reason: str) -> None:
    """On its day the policy is no longer in force."""
    given_then(
        [act("issued", "2020-01-01"), act(action, "2021-01-01")],
        f"""
        2020-01-01  2020-12-31  issued  in_force            -         none  yes
        2021-01-01  ..          issued  no_longer_in_force  {reason}  none  no
        """,
    )


@pytest.mark.parametrize(
    ("action", "litigation", "force"),
    [
        ("challenged", "challenged", "in_force - {} yes"),
        ("appealed", "challenged", "in_force - {} yes"),
        ("reversed", "challenged", "in_force - {} yes"),
        ("enjoined", "enjoined", "suspended - {} no"),
        ("injunction_stayed", "none", "in_force - {} yes"),
        ("injunction_lifted", "none", "in_force - {} yes"),
        ("upheld", "upheld", "in_force - {} yes"),
        ("struck_down", "struck_down", "no_longer_in_force struck_down {} no"),
        ("dismissed", "dismissed", "in_force - {} yes"),
    ],
)
def test_a_court_action_moves_litigation(action: str, litigation: str, force: str) -> None:
    """Enjoined suspends and struck_down ends; without an injunction there is none to lift."""
    period = on(folded(act("issued", "2020-01-01"), act(action, "2020-02-01")), "2020-02-01")

    given_then(
        [act("issued", "2020-02-01"), act(action, "2020-02-01")],
        f"2020-02-01 .. issued {force.format(litigation)}",
    )
    assert period.litigation == litigation


def test_confirmed_changes_no_axis_but_is_the_last_confirmation() -> None:
    """As the source wrote the date; the latest in the order of rule 1 counts."""
    history = folded(
        act("issued", "2020-01-01"), act("confirmed", "2022-05-01"), act("confirmed", "2021~")
    )

    assert [each.last_confirmed for each in history.periods] == [None, "2021~", "2022-05-01"]
    assert shown(history.periods) == table("2020-01-01 .. issued in_force - none yes")


@pytest.mark.parametrize("action", ["confirmed", "other", "resumed", "repealed", "suspended"])
def test_any_action_is_the_beginning_of_the_periods(action: str) -> None:
    """So that the policy is listed from then on."""
    given_then(
        [act(action, "2020-01-01", effective="2021-01-01")],
        "2020-01-01 .. - not_enacted - none no",
    )


# --- Rule 1


def test_rule_1_actions_fold_by_what_they_say_of_the_world() -> None:
    """Not by when they were recorded."""
    given_then(
        [act("rescinded", "2021-01-01"), act("issued", "2020-01-01")],
        """
        2020-01-01  2020-12-31  issued  in_force            -          none  yes
        2021-01-01  ..          issued  no_longer_in_force  rescinded  none  no
        """,
    )


def test_rule_1_issued_and_rescinded_in_the_same_year() -> None:
    """The design's own example: not in force in 2020; in the year itself nobody knows."""
    given_then(
        [act("rescinded", "2019"), act("issued", "2019")],
        "2019-01-01 2019-12-30 unknown unknown - none maybe"
        " force=not_enacted|no_longer_in_force|in_force stage=-|issued\n"
        "2019-12-31 .. issued no_longer_in_force rescinded none no",
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("signed", "2020-01-01"), ("failed", "2020-01-02"), id="earliest"),
        pytest.param(("signed", "2020-01-01"), ("failed", "2020-01"), id="latest"),
        pytest.param(("failed", "2020-01-01"), ("signed", "2020-01-01"), id="rank"),
        pytest.param(
            ("passed", "2020-01-01T10:00:00+00:00"),
            ("passed", "2020-01-01T09:00:00-08:00"),
            id="rank before time",
        ),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_rule_1_the_key_decides_before_the_record(
    first: tuple[str, str], second: tuple[str, str], *, swapped: bool
) -> None:
    """Earliest, latest, rank; the later one sets the stage, however it was recorded."""
    given = [act(*first), act(*second)]

    history = folded(*reversed(given) if swapped else given)

    assert history.periods[-1].stage == second[0]
    assert [str(each.action.action) for each in history.actions] == [first[0], second[0]]


@pytest.mark.parametrize("swapped", [False, True])
def test_rule_1_the_time_of_day_decides_among_equals(*, swapped: bool) -> None:
    """Each in its own offset; without one, as if at the day's first moment."""
    given = [
        act("enjoined", "2020-01-01", label="one"),
        act("enjoined", "2020-01-01T09:59:59.5-08:00", label="two"),
        act("enjoined", "2020-01-01T10:00:00+09:00", label="three"),
    ]

    history = folded(*reversed(given) if swapped else given)

    assert [each.action.label for each in history.actions] == ["one", "two", "three"]


def test_rule_1_the_position_of_the_original_decides_last() -> None:
    """Two equal actions are two, in the record's order."""
    history = folded(act("passed", "2020", label="one"), act("passed", "2020", label="two"))

    assert [each.action.label for each in history.actions] == ["one", "two"]


def test_rule_1_overlapping_bounds_are_never_permuted() -> None:
    """The rescission has the earlier key, so it precedes the issue and ends nothing."""
    given_then(
        [act("rescinded", "2019"), act("issued", "2019-03-05")],
        """
        2019-01-01  2019-03-04  -       not_enacted  -  none  no
        2019-03-05  ..          issued  in_force     -  none  yes
        """,
    )


def test_rule_1_overlapping_bounds_leave_every_value_possible() -> None:
    """Issued some day of early 2019, rescinded some day of spring or summer."""
    given_then(
        [act("issued", "2019-01/2019-04"), act("rescinded", "2019-03/2019-08")],
        "2019-01-01 2019-02-28 unknown unknown - none maybe"
        " force=not_enacted|in_force stage=-|issued\n"
        "2019-03-01 2019-04-29 unknown unknown - none maybe"
        " force=not_enacted|no_longer_in_force|in_force stage=-|issued\n"
        "2019-04-30 2019-08-30 issued unknown - none maybe force=no_longer_in_force|in_force\n"
        "2019-08-31 .. issued no_longer_in_force rescinded none no",
    )


def test_rule_1_an_unknown_date_may_be_any_day() -> None:
    """Nothing is certain then, in either direction."""
    given_then(
        [act("issued", "XXXX")],
        ".. .. unknown unknown - none maybe force=not_enacted|in_force stage=-|issued",
    )


def test_rule_1_qualifiers_do_not_widen_the_bounds() -> None:
    """About the first of January is the first of January."""
    given_then([act("issued", "2020-01-01%")], "2020-01-01 .. issued in_force - none yes")


# --- Rule 2


@pytest.mark.parametrize("instrument", Instrument)
def test_rule_2_enacted_with_an_effective_date(instrument: Instrument) -> None:
    """Not yet in force until that day, in force from then on, whatever the instrument."""
    then = """
        2020-01-01  2020-06-30  enacted  not_yet_in_force  -  none  no
        2020-07-01  ..          enacted  in_force          -  none  yes
        """
    if instrument in WITHOUT_FORCE:
        then = "2020-01-01 .. enacted not_applicable - none no"

    given_then([act("enacted", "2020-01-01", effective="2020-07-01")], then, instrument)


@pytest.mark.parametrize(
    ("instrument", "force"),
    [
        ("executive_order", "in_force - none yes"),
        ("executive_directive", "in_force - none yes"),
        ("proclamation", "in_force - none yes"),
        ("court_order", "in_force - none yes"),
        ("resolution", "in_force - none yes"),
        ("motion", "in_force - none yes"),
        ("ordinance", "unknown - none maybe"),
        ("statute", "unknown - none maybe"),
        ("local_law", "unknown - none maybe"),
        ("bill", "unknown - none maybe"),
        ("agency_rule", "unknown - none maybe"),
        ("agreement", "unknown - none maybe"),
        ("other", "unknown - none maybe"),
        ("lawsuit", "not_applicable - none no"),
        ("statement", "not_applicable - none no"),
    ],
)
def test_rule_2_enacted_without_an_effective_date(instrument: str, force: str) -> None:
    """Each class of instruments has its own reading of silence."""
    given_then([act("enacted", "2020-01-01")], f"2020-01-01 .. enacted {force}", instrument)


def test_rule_2_every_instrument_is_in_the_table_above() -> None:
    """So that a new one is thought of."""
    assert len(Instrument) == 15


def test_rule_2_took_effect_tells_what_silence_left_unknown() -> None:
    """Once the day is recorded, the days before it are known too."""
    given_then(
        [act("signed", "2020-01-01"), act("took_effect", "2020-07-01")],
        """
        2020-01-01  2020-06-30  signed  not_yet_in_force  -  none  no
        2020-07-01  ..          signed  in_force          -  none  yes
        """,
        "ordinance",
    )


def test_rule_2_took_effect_implies_enactment_at_the_latest_that_day() -> None:
    """How it was enacted is not known: there is no stage."""
    given_then(
        [act("passed", "2020-01-01"), act("took_effect", "2020-07-01")],
        """
        2020-01-01  2020-06-30  passed  not_enacted  -  none  no
        2020-07-01  ..          passed  in_force     -  none  yes
        """,
        "bill",
    )
    given_then(
        [act("took_effect", "2020-07-01")], "2020-07-01 .. - in_force - none yes", "ordinance"
    )


def test_rule_2_took_effect_acts_on_its_effective_date() -> None:
    """Announced in January, from July on."""
    given_then(
        [act("took_effect", "2020-01-01", effective="2020-07-01")],
        """
        2020-01-01  2020-06-30  -  not_enacted  -  none  no
        2020-07-01  ..          -  in_force     -  none  yes
        """,
        "ordinance",
    )


def test_rule_2_the_effective_date_may_lie_before_the_enactment() -> None:
    """Force from that day, stage from the day it happened."""
    given_then(
        [act("enacted", "2020-07-01", effective="2020-01-01")],
        """
        2020-01-01  2020-06-30  -        in_force  -  none  yes
        2020-07-01  ..          enacted  in_force  -  none  yes
        """,
        "statute",
    )


def test_rule_2_an_uncertain_effective_date() -> None:
    """Before its bounds no, within them maybe, after them yes."""
    given_then(
        [act("enacted", "2020-01-01", effective="2020-07")],
        """
        2020-01-01  2020-06-30  enacted  not_yet_in_force  -  none  no
        2020-07-01  2020-07-30  enacted  unknown           -  none  maybe  force=not_yet_in_force|in_force
        2020-07-31  ..          enacted  in_force          -  none  yes
        """,
        "statute",
    )


def test_rule_2_an_effective_date_from_some_day_on() -> None:
    """The directive took effect on an unknown day from 4 December on."""
    given_then(
        [act("enacted", "2020-01-01", effective="2020-12-04/..")],
        """
        2020-01-01  2020-12-03  enacted  not_yet_in_force  -  none  no
        2020-12-04  ..          enacted  unknown           -  none  maybe  force=not_yet_in_force|in_force
        """,
        "statute",
    )


def test_rule_2_an_unknown_effective_date() -> None:
    """It may even lie before the enactment."""
    given_then(
        [act("enacted", "2020-01-01", effective="XXXX")],
        """
        ..          2019-12-31  -        unknown  -  none  maybe  force=not_enacted|in_force
        2020-01-01  ..          enacted  unknown  -  none  maybe  force=not_yet_in_force|in_force
        """,
        "statute",
    )


def test_rule_2_enactment_and_effect_in_the_same_year() -> None:
    """Both may have happened, or the first alone."""
    given_then(
        [act("enacted", "2019", effective="2019")],
        "2019-01-01 2019-12-30 unknown unknown - none maybe"
        " force=not_enacted|not_yet_in_force|in_force stage=-|enacted\n"
        "2019-12-31 .. enacted in_force - none yes",
        "statute",
    )


# --- Rule 3


@pytest.mark.parametrize(
    ("until", "then"),
    [
        pytest.param(
            "2020-06-30",
            """
            2020-01-01  2020-06-30  issued  in_force            -        none  yes
            2020-07-01  ..          issued  no_longer_in_force  expired  none  no
            """,
            id="a day is the last",
        ),
        pytest.param(
            "2020-06",
            """
            2020-01-01  2020-06-01  issued  in_force            -        none  yes
            2020-06-02  2020-06-30  issued  unknown             -        none  maybe  force=no_longer_in_force|in_force
            2020-07-01  ..          issued  no_longer_in_force  expired  none  no
            """,
            id="a month has it at its first day, or its last",
        ),
        pytest.param(
            "XXXX",
            """
            2020-01-01  ..          issued  unknown  -  none  maybe  force=no_longer_in_force|in_force
            """,
            id="there is an end, its date unknown",
        ),
        pytest.param(
            "2020-06-30/..",
            """
            2020-01-01  2020-06-30  issued  in_force  -  none  yes
            2020-07-01  ..          issued  unknown   -  none  maybe  force=no_longer_in_force|in_force
            """,
            id="some day from then on",
        ),
        pytest.param(
            "../2020-06-30",
            """
            2020-01-01  2020-06-30  issued  unknown             -        none  maybe  force=no_longer_in_force|in_force
            2020-07-01  ..          issued  no_longer_in_force  expired  none  no
            """,
            id="some day up to then",
        ),
        pytest.param(
            "2020-01-01",
            """
            2020-01-01  2020-01-01  issued  in_force            -        none  yes
            2020-01-02  ..          issued  no_longer_in_force  expired  none  no
            """,
            id="a single day",
        ),
        pytest.param(
            "2019-12-31",
            "2020-01-01 .. issued no_longer_in_force expired none no",
            id="over before it began",
        ),
        pytest.param(
            "9999-12-31", "2020-01-01 .. issued in_force - none yes", id="the last day of all"
        ),
    ],
)
def test_rule_3_an_enactment_with_until_expires(until: str, then: str) -> None:
    """`until` is the last day of the effect; within its bounds the answer is maybe."""
    given_then([act("issued", "2020-01-01", until=until)], then)


def test_rule_3_what_certainly_is_over_is_not_in_force_however_uncertain_its_beginning() -> None:
    """Issued some day of 2019, until March: from April on it is over, or never was."""
    given_then(
        [act("issued", "2019", until="2019-03-31")],
        "2019-01-01 2019-03-31 unknown unknown - none maybe"
        " force=not_enacted|in_force stage=-|issued\n"
        "2019-04-01 2019-12-30 unknown unknown - none no"
        " force=not_enacted|no_longer_in_force stage=-|issued\n"
        "2019-12-31 .. issued no_longer_in_force expired none no",
    )
    given_then(
        [act("issued", "XXXX", until="../2019-03-31")],
        ".. 2019-03-31 unknown unknown - none maybe"
        " force=not_enacted|no_longer_in_force|in_force stage=-|issued\n"
        "2019-04-01 .. unknown unknown - none no"
        " force=not_enacted|no_longer_in_force stage=-|issued",
    )


def test_rule_3_an_enactment_expires_also_before_anyone_knows_that_it_began() -> None:
    """An ordinance without a first day but with a last one."""
    given_then(
        [act("signed", "2020-01-01", until="2020-12-31")],
        """
        2020-01-01  2020-12-31  signed  unknown             -        none  maybe
        2021-01-01  ..          signed  no_longer_in_force  expired  none  no
        """,
        "ordinance",
    )


def test_rule_3_a_beginning_without_until_keeps_the_term_of_the_enactment() -> None:
    """`until` ends the effect of the action that carries it, and the law has one effect."""
    given_then(
        [
            act("signed", "2020-01-01", effective="2020-02-01", until="2020-12-31"),
            act("took_effect", "2020-02-01"),
        ],
        """
        2020-01-01  2020-01-31  signed  not_yet_in_force    -        none  no
        2020-02-01  2020-12-31  signed  in_force            -        none  yes
        2021-01-01  ..          signed  no_longer_in_force  expired  none  no
        """,
        "ordinance",
    )


@pytest.mark.parametrize("effective", ["2020-10-01", "2020-05-01"])
def test_rule_3_ending_actions_act_on_their_effective_date(effective: str) -> None:
    """Rescinded in July, from October on, or back to May."""
    last = {"2020-10-01": "2020-09-30", "2020-05-01": "2020-04-30"}[effective]
    given_then(
        [act("issued", "2020-01-01"), act("rescinded", "2020-07-01", effective=effective)],
        f"""
        2020-01-01   {last}  issued  in_force            -          none  yes
        {effective}  ..      issued  no_longer_in_force  rescinded  none  no
        """,
    )


def test_rule_3_an_end_for_a_time_gives_force_back() -> None:
    """A repeal may carry an end, as any effect may."""
    given_then(
        [act("issued", "2020-01-01"), act("repealed", "2020-03-01", until="2020-05-31")],
        """
        2020-01-01  2020-02-29  issued  in_force            -         none  yes
        2020-03-01  2020-05-31  issued  no_longer_in_force  repealed  none  no
        2020-06-01  ..          issued  in_force            -         none  yes
        """,
    )


def test_rule_3_an_end_for_a_time_outlives_neither_the_term_nor_a_lasting_end() -> None:
    """What the law's own end or another repeal ended meanwhile does not come back."""
    repealed = act("repealed", "2020-03-01", until="2020-05-31")
    then = "no_longer_in_force {} none no"
    for others, reason in (
        ([act("issued", "2020-01-01", until="2020-04-30")], "expired"),
        ([act("issued", "2020-01-01"), act("rescinded", "2020-02-01")], "rescinded"),
        ([act("issued", "2020-01-01"), act("rescinded", "2020-04-01")], "rescinded"),
    ):
        history = folded(*others, repealed)
        assert shown(history.periods)[-1][3:] == then.format(reason).split()


@pytest.mark.parametrize("action", ["extended", "amended"])
def test_rule_3_extended_before_the_end_moves_it(action: str) -> None:
    """An amendment with `until` does what an extension does."""
    given_then(
        [
            act("issued", "2020-01-01", until="2020-06-30"),
            act(action, "2020-06-01", until="2020-09-30"),
        ],
        """
        2020-01-01  2020-09-30  issued  in_force            -        none  yes
        2020-10-01  ..          issued  no_longer_in_force  expired  none  no
        """,
    )


@pytest.mark.parametrize("action", ["extended", "amended"])
def test_rule_3_extended_after_the_end_reopens_and_keeps_the_gap(action: str) -> None:
    """What was out of force in July stays so."""
    given_then(
        [
            act("issued", "2020-01-01", until="2020-06-30"),
            act(action, "2020-08-01", until="2020-09-30"),
        ],
        """
        2020-01-01  2020-06-30  issued  in_force            -        none  yes
        2020-07-01  2020-07-31  issued  no_longer_in_force  expired  none  no
        2020-08-01  2020-09-30  issued  in_force            -        none  yes
        2020-10-01  ..          issued  no_longer_in_force  expired  none  no
        """,
    )


def test_rule_3_an_extension_on_the_day_after_the_end_leaves_no_gap() -> None:
    """A term that ended the day before ends as the day begins; then the extension acts."""
    given_then(
        [
            act("issued", "2020-01-01", until="2020-06-30"),
            act("extended", "2020-07-01", until="2020-09-30"),
        ],
        """
        2020-01-01  2020-09-30  issued  in_force            -        none  yes
        2020-10-01  ..          issued  no_longer_in_force  expired  none  no
        """,
    )


def test_rule_3_an_extension_with_an_effective_date_in_the_past_closes_the_gap() -> None:
    """It acts from that day."""
    given_then(
        [
            act("issued", "2020-01-01", until="2020-06-30"),
            act("extended", "2020-08-01", effective="2020-07-01", until="2020-09-30"),
        ],
        """
        2020-01-01  2020-09-30  issued  in_force            -        none  yes
        2020-10-01  ..          issued  no_longer_in_force  expired  none  no
        """,
    )


def test_rule_3_an_extension_without_until_leaves_no_end_known() -> None:
    """No `until`: no end is known."""
    given_then(
        [act("issued", "2020-01-01", until="2020-06-30"), act("extended", "2020-06-01")],
        "2020-01-01 .. issued in_force - none yes",
    )


def test_rule_3_an_uncertain_extension_leaves_the_end_uncertain() -> None:
    """Between the two ends nobody knows, until it certainly was extended."""
    given_then(
        [
            act("issued", "2020-01-01", until="2020-06-30"),
            act("extended", "2020-05/2020-08", until="2020-12-31"),
        ],
        """
        2020-01-01  2020-06-30  issued  in_force            -        none  yes
        2020-07-01  2020-08-30  issued  unknown             -        none  maybe  force=no_longer_in_force|in_force
        2020-08-31  2020-12-31  issued  in_force            -        none  yes
        2021-01-01  ..          issued  no_longer_in_force  expired  none  no
        """,
    )


def test_rule_3_the_last_of_several_extensions_is_the_term() -> None:
    """Also where it shortens."""
    given_then(
        [
            act("issued", "2020-01-01", until="2020-03-31"),
            act("extended", "2020-03-01", until="2020-12-31"),
            act("extended", "2020-04-01", until="2020-05-31"),
        ],
        """
        2020-01-01  2020-05-31  issued  in_force            -        none  yes
        2020-06-01  ..          issued  no_longer_in_force  expired  none  no
        """,
    )


def test_rule_3_an_amendment_of_the_term_before_it_began_holds() -> None:
    """Enacted in January for a year, amended in March, in force from July on."""
    given_then(
        [
            act("enacted", "2020-01-01", effective="2020-07-01", until="2020-12-31"),
            act("amended", "2020-03-01", until="2021-06-30"),
        ],
        """
        2020-01-01  2020-06-30  enacted  not_yet_in_force    -        none  no
        2020-07-01  2021-06-30  enacted  in_force            -        none  yes
        2021-07-01  ..          enacted  no_longer_in_force  expired  none  no
        """,
        "statute",
    )


def test_rule_3_an_extension_does_not_revive_what_was_repealed() -> None:
    """It moves an end; a repeal is none that can be moved."""
    given_then(
        [
            act("issued", "2020-01-01", until="2020-12-31"),
            act("repealed", "2020-03-01"),
            act("extended", "2020-06-01", until="2021-12-31"),
        ],
        """
        2020-01-01  2020-02-29  issued  in_force            -         none  yes
        2020-03-01  ..          issued  no_longer_in_force  repealed  none  no
        """,
    )


def test_rule_3_an_extension_reopens_what_an_action_says_expired() -> None:
    """The end may be known by an action in place of `until`."""
    given_then(
        [act("issued", "2020-01-01"), act("expired", "2020-03-01"), act("extended", "2020-06-01")],
        """
        2020-01-01  2020-02-29  issued  in_force            -        none  yes
        2020-03-01  2020-05-31  issued  no_longer_in_force  expired  none  no
        2020-06-01  ..          issued  in_force            -        none  yes
        """,
    )


def test_rule_3_an_injunction_with_until_lifts_itself() -> None:
    """The case it was granted in stays open."""
    given_then(
        [act("issued", "2020-01-01"), act("enjoined", "2020-02-01", until="2020-02-14")],
        """
        2020-01-01  2020-01-31  issued  in_force   -  none        yes
        2020-02-01  2020-02-14  issued  suspended  -  enjoined    no
        2020-02-15  ..          issued  in_force   -  challenged  yes
        """,
    )


@pytest.mark.parametrize("action", ["injunction_stayed", "injunction_lifted"])
def test_rule_3_a_stay_with_until_gives_the_injunction_back(action: str) -> None:
    """An administrative stay of two weeks."""
    given_then(
        [
            act("issued", "2020-01-01"),
            act("enjoined", "2020-02-01"),
            act(action, "2020-03-01", until="2020-03-14"),
        ],
        """
        2020-01-01  2020-01-31  issued  in_force   -  none        yes
        2020-02-01  2020-02-29  issued  suspended  -  enjoined    no
        2020-03-01  2020-03-14  issued  in_force   -  challenged  yes
        2020-03-15  ..          issued  suspended  -  enjoined    no
        """,
    )


def test_rule_3_an_injunction_that_was_lifted_during_its_stay_does_not_come_back() -> None:
    """The stay's end finds nothing to give back."""
    given_then(
        [
            act("issued", "2020-02-01"),
            act("enjoined", "2020-02-01"),
            act("injunction_stayed", "2020-03-01", until="2020-03-14"),
            act("injunction_lifted", "2020-03-10"),
        ],
        """
        2020-02-01  2020-02-29  issued  suspended  -  enjoined    no
        2020-03-01  ..          issued  in_force   -  challenged  yes
        """,
    )


def test_rule_3_a_stay_for_a_time_takes_nothing_from_a_lasting_one() -> None:
    """The injunction stays held back."""
    given_then(
        [
            act("issued", "2020-02-01"),
            act("enjoined", "2020-02-01"),
            act("injunction_stayed", "2020-03-01"),
            act("injunction_stayed", "2020-03-02", until="2020-03-14"),
        ],
        """
        2020-02-01  2020-02-29  issued  suspended  -  enjoined    no
        2020-03-01  ..          issued  in_force   -  challenged  yes
        """,
    )


@pytest.mark.parametrize(
    ("action", "during", "after"),
    [
        ("challenged", "challenged", "dismissed"),
        ("upheld", "upheld", "dismissed"),
        ("struck_down", "struck_down", "dismissed"),
        ("dismissed", "dismissed", "dismissed"),
    ],
)
def test_rule_3_any_court_action_with_until_ends(action: str, during: str, after: str) -> None:
    """The case is then what it was."""
    history = folded(
        act("issued", "2020-01-01"),
        act("dismissed", "2020-02-01"),
        act(action, "2020-03-01", until="2020-03-31"),
    )

    assert [on(history, day).litigation for day in ("2020-03-31", "2020-04-01")] == [during, after]


def test_rule_3_a_lasting_challenge_outlives_one_for_a_time() -> None:
    """Said twice, once without an end."""
    history = folded(
        act("issued", "2020-01-01"),
        act("challenged", "2020-03-01", until="2020-03-31"),
        act("challenged", "2020-03-15"),
    )

    assert on(history, "2020-04-01").litigation == "challenged"


def test_rule_3_a_suspension_with_until_ends_by_itself() -> None:
    """And one that an uncertain `until` ends may be over."""
    given_then(
        [act("issued", "2020-01-01"), act("suspended", "2020-02-01", until="2020-03")],
        """
        2020-01-01  2020-01-31  issued  in_force   -  none  yes
        2020-02-01  2020-03-01  issued  suspended  -  none  no
        2020-03-02  2020-03-31  issued  unknown    -  none  maybe  force=suspended|in_force
        2020-04-01  ..          issued  in_force   -  none  yes
        """,
    )


def test_rule_3_a_resumption_with_until_ends_by_itself() -> None:
    """The suspension then holds again, unless it was over by itself."""
    given_then(
        [
            act("issued", "2020-02-01"),
            act("suspended", "2020-02-01"),
            act("resumed", "2020-03-01", until="2020-03-31"),
        ],
        """
        2020-02-01  2020-02-29  issued  suspended  -  none  no
        2020-03-01  2020-03-31  issued  in_force   -  none  yes
        2020-04-01  ..          issued  suspended  -  none  no
        """,
    )
    given_then(
        [
            act("issued", "2020-02-01"),
            act("suspended", "2020-02-01", until="2020-03-15"),
            act("resumed", "2020-03-01", until="2020-03-31"),
        ],
        """
        2020-02-01  2020-02-29  issued  suspended  -  none  no
        2020-03-01  ..          issued  in_force   -  none  yes
        """,
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"occurred": "2020-02-01"}, {"occurred": "2020-03-01", "until": "2020-03-31"}),
        ({"occurred": "2020-02-01", "until": "2020-06-30"}, {"occurred": "2020-03-01", "until": "2020-03-31"}),
        ({"occurred": "2020-02-01", "until": "2020-03-31"}, {"occurred": "2020-03-01"}),
        ({"occurred": "2020-02-01", "until": "2020-03-31"}, {"occurred": "2020-03-01", "until": "2020-06-30"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", ["suspended", "enjoined"])
def test_rule_3_until_ends_one_suspension_and_none_of_the_others(
    action: str, first: dict[str, str], second: dict[str, str]
) -> None:
    """A restraining order runs out after the injunction that follows it was granted."""
    history = folded(act("issued", "2020-01-01"), act(action, **first), act(action, **second))

    assert on(history, "2020-04-01").force == "suspended"
    ends = {first.get("until"), second.get("until")}
    assert on(history, "2020-07-01").force == ("suspended" if None in ends else "in_force")


@pytest.mark.parametrize(
    ("lift", "force"),
    [("injunction_lifted", "in_force"), ("injunction_stayed", "in_force"), ("upheld", "in_force")],
)
def test_rule_3_what_lifts_lifts_all_injunctions_of_the_case(lift: str, force: str) -> None:
    """Those that would end by themselves too, and a later one is none of them."""
    history = folded(
        act("issued", "2020-01-01"),
        act("enjoined", "2020-02-01", until="2020-12-31"),
        act("enjoined", "2020-03-01"),
        act(lift, "2020-04-01"),
        act("enjoined", "2020-06-01", until="2020-07-31"),
    )

    assert [on(history, f"2020-{month}-15").force for month in ("03", "05", "06", "08")] == [
        "suspended",
        force,
        "suspended",
        force,
    ]


def test_rule_3_a_stay_for_a_time_holds_back_all_injunctions_of_the_case() -> None:
    """Then each of them stands again, as long as it does."""
    history = folded(
        act("issued", "2020-01-01"),
        act("enjoined", "2020-02-01", until="2020-06-30"),
        act("enjoined", "2020-02-02", until="2020-04-30"),
        act("injunction_stayed", "2020-03-01", until="2020-03-31"),
    )

    forces = [on(history, f"2020-{month:02}-15").force for month in range(2, 8)]
    assert forces == ["suspended", "in_force", "suspended", "suspended", "suspended", "in_force"]


@pytest.mark.parametrize(
    ("suspended", "resumed"), [("suspended", "resumed"), ("enjoined", "injunction_lifted")]
)
@pytest.mark.parametrize("swapped", [False, True])
def test_rule_3_of_what_lifts_for_a_time_and_for_good_each_does_its_own(
    suspended: str, resumed: str, *, swapped: bool
) -> None:
    """Before the suspension, for a time, and for good; in whatever order they were recorded."""
    given = [
        act("issued", "2020-01-01"),
        act(resumed, "2020-02-01"),
        act(suspended, "2020-03-01", until="2020-12-31"),
        act(suspended, "2020-03-02", until="2020-11-30"),
        act(resumed, "2020-05-01", until="2020-06-30"),
        act(resumed, "2020-08-01"),
    ]

    history = folded(*reversed(given) if swapped else given)

    assert [on(history, f"2020-{month:02}-15").force for month in (2, 3, 5, 6, 7, 8, 9)] == [
        "in_force",
        "suspended",
        "in_force",
        "in_force",
        "suspended",
        "in_force",
        "in_force",
    ]


# --- Rule 4


@pytest.mark.parametrize(
    ("extra", "force"),
    [
        pytest.param([], "in_force", id="in force"),
        pytest.param(["partial"], "partially_in_force", id="partial before in force"),
        pytest.param(["partial", "suspended"], "suspended", id="suspended before partial"),
        pytest.param(["partial", "enjoined"], "suspended", id="enjoined before partial"),
        pytest.param(
            ["partial", "suspended", "repealed"], "no_longer_in_force", id="ended before suspended"
        ),
        pytest.param(
            ["partial", "enjoined", "struck"], "no_longer_in_force", id="struck before suspended"
        ),
    ],
)
@pytest.mark.parametrize("effective", [None, "2020-07-01"])
def test_rule_4_the_first_that_applies(extra: list[str], force: str, effective: str | None) -> None:
    """not_enacted, not_yet_in_force, ended, suspended, partial, in_force."""
    others = {
        "partial": act("repealed", "2020-02-01", provision="section 2"),
        "suspended": act("suspended", "2020-02-01"),
        "enjoined": act("enjoined", "2020-02-01"),
        "repealed": act("repealed", "2020-02-01"),
        "struck": act("struck_down", "2020-02-01"),
    }
    when = {} if effective is None else {"effective": effective}

    history = folded(
        act("introduced", "2019-12-01"),
        act("issued", "2020-01-01", **when),
        *(others[name] for name in extra),
    )

    between = force if effective is None else "not_yet_in_force"
    days = ("2019-12-31", "2020-02-01", "2020-07-01")
    assert [on(history, day).force for day in days] == ["not_enacted", between, force]


def test_rule_4_what_is_not_enacted_is_neither_ended_nor_suspended() -> None:
    """A repeal of what was only proposed."""
    given_then(
        [act("introduced", "2020-01-01"), act("repealed", "2020-02-01"), act("suspended", "2020")],
        "2020-01-01 .. introduced not_enacted - none no",
    )


def test_rule_4_repealed_before_taking_effect_never_comes_into_force() -> None:
    """It is not yet in force until the day it would have been, and ended from then on."""
    given_then(
        [act("enacted", "2020-01-01", effective="2020-07-01"), act("repealed", "2020-03-01")],
        """
        2020-01-01  2020-06-30  enacted  not_yet_in_force    -         none  no
        2020-07-01  ..          enacted  no_longer_in_force  repealed  none  no
        """,
        "statute",
    )
    given_then(
        [act("enacted", "2020-01-01"), act("repealed", "2020-03-01")],
        """
        2020-01-01  2020-02-29  enacted  unknown             -         none  maybe
        2020-03-01  ..          enacted  no_longer_in_force  repealed  none  no
        """,
        "statute",
    )


def test_rule_4_issued_again_after_an_end() -> None:
    """What is enacted after the end is in force again, with a term of its own."""
    given_then(
        [
            act("issued", "2020-01-01", until="2020-12-31"),
            act("repealed", "2020-03-01"),
            act("issued", "2021-01-01"),
        ],
        """
        2020-01-01  2020-02-29  issued  in_force            -         none  yes
        2020-03-01  2020-12-31  issued  no_longer_in_force  repealed  none  no
        2021-01-01  ..          issued  in_force            -         none  yes
        """,
    )


def test_rule_4_enacted_again_after_an_end_with_an_effective_date() -> None:
    """Not yet in force is the first that applies."""
    given_then(
        [
            act("enacted", "2020-01-01", effective="2020-01-01"),
            act("repealed", "2020-03-01"),
            act("enacted", "2021-01-01", effective="2021-07-01"),
        ],
        """
        2020-01-01  2020-02-29  enacted  in_force            -         none  yes
        2020-03-01  2020-12-31  enacted  no_longer_in_force  repealed  none  no
        2021-01-01  2021-06-30  enacted  not_yet_in_force    -         none  no
        2021-07-01  ..          enacted  in_force            -         none  yes
        """,
        "statute",
    )


def test_rule_4_enacted_again_after_an_end_without_a_date() -> None:
    """Rule 2 asks for a date of this enactment, not of the first one."""
    given_then(
        [
            act("enacted", "2020-01-01"),
            act("took_effect", "2020-02-01"),
            act("repealed", "2020-03-01"),
            act("enacted", "2021-01-01"),
        ],
        """
        2020-01-01  2020-01-31  enacted  not_yet_in_force    -         none  no
        2020-02-01  2020-02-29  enacted  in_force            -         none  yes
        2020-03-01  2020-12-31  enacted  no_longer_in_force  repealed  none  no
        2021-01-01  ..          enacted  unknown             -         none  maybe
        """,
        "statute",
    )


def test_rule_4_enacted_again_with_force_for_the_past() -> None:
    """Rule 2: the effective date may lie before the enactment, also before the end."""
    given_then(
        [
            act("enacted", "2020-01-01", effective="2020-01-01"),
            act("repealed", "2020-03-01"),
            act("enacted", "2021-01-01", effective="2020-02-01"),
        ],
        """
        2020-01-01  2020-02-29  enacted  in_force            -         none  yes
        2020-03-01  2020-12-31  enacted  no_longer_in_force  repealed  none  no
        2021-01-01  ..          enacted  in_force            -         none  yes
        """,
        "statute",
    )


# --- Rule 5


def test_rule_5_a_partial_end_leaves_the_rest_in_force() -> None:
    """Named by a provision, or by `scope` alone."""
    for data in ({"provision": "section 2"}, {"scope": "partial"}):
        given_then(
            [act("issued", "2020-01-01"), act("repealed", "2020-02-01", **data)],
            """
            2020-01-01  2020-01-31  issued  in_force            -  none  yes
            2020-02-01  ..          issued  partially_in_force  -  none  yes
            """,
        )


def test_rule_5_partial_ends_never_add_up_to_a_full_one_and_a_later_full_end_wins() -> None:
    """However many provisions are gone."""
    given_then(
        [
            act("issued", "2020-01-01"),
            act("repealed", "2020-02-01", provision="section 1"),
            act("struck_down", "2020-02-01", provision="section 2"),
            act("rescinded", "2020-02-01", provision="section 3"),
            act("rescinded", "2020-03-01"),
        ],
        """
        2020-01-01  2020-01-31  issued  in_force            -          none         yes
        2020-02-01  2020-02-29  issued  partially_in_force  -          struck_down  yes
        2020-03-01  ..          issued  no_longer_in_force  rescinded  struck_down  no
        """,
    )


def test_rule_5_a_partial_end_with_until_is_over_by_itself() -> None:
    """Rule 3 holds for parts, each for itself."""
    given_then(
        [
            act("issued", "2020-01-01"),
            act("repealed", "2020-02-01", provision="section 1", until="2020-02-29"),
            act("repealed", "2020-02-15", provision="section 2", until="2020-03-31"),
        ],
        """
        2020-01-01  2020-01-31  issued  in_force            -  none  yes
        2020-02-01  2020-03-31  issued  partially_in_force  -  none  yes
        2020-04-01  ..          issued  in_force            -  none  yes
        """,
    )


def test_rule_5_a_part_begins_before_the_rest() -> None:
    """Section 2 at once, the others in July."""
    given_then(
        [
            act("signed", "2020-01-01", effective="2020-07-01"),
            act("took_effect", "2020-01-15", provision="section 2"),
        ],
        """
        2020-01-01  2020-01-14  signed  not_yet_in_force    -  none  no
        2020-01-15  2020-06-30  signed  partially_in_force  -  none  yes
        2020-07-01  ..          signed  in_force            -  none  yes
        """,
        "ordinance",
    )


def test_rule_5_a_partial_beginning_with_until_is_over_by_itself() -> None:
    """Then nothing is in force until the rest begins."""
    given_then(
        [
            act("signed", "2020-01-01", effective="2020-07-01"),
            act("took_effect", "2020-02-01", provision="section 2", until="2020-02-29"),
        ],
        """
        2020-01-01  2020-01-31  signed  not_yet_in_force    -  none  no
        2020-02-01  2020-02-29  signed  partially_in_force  -  none  yes
        2020-03-01  2020-06-30  signed  not_yet_in_force    -  none  no
        2020-07-01  ..          signed  in_force            -  none  yes
        """,
        "ordinance",
    )


def test_rule_5_an_uncertain_partial_beginning_implies_its_own_enactment() -> None:
    """Either it began and was enacted, or neither."""
    given_then(
        [act("issued", "2020", provision="section 2", until="2021-12-31")],
        "2020-01-01 2020-12-30 unknown unknown - none maybe"
        " force=not_enacted|partially_in_force stage=-|issued\n"
        "2020-12-31 2021-12-31 issued partially_in_force - none yes\n"
        "2022-01-01 .. issued unknown - none maybe",
    )


def test_rule_5_an_extension_of_a_part_keeps_that_part_alone() -> None:
    """The rest ends when it would have; a full end then wins."""
    given_then(
        [
            act("issued", "2020-01-01", until="2020-06-30"),
            act("extended", "2020-06-01", provision="section 2", until="2020-12-31"),
        ],
        """
        2020-01-01  2020-06-30  issued  in_force            -        none  yes
        2020-07-01  2020-12-31  issued  partially_in_force  -        none  yes
        2021-01-01  ..          issued  no_longer_in_force  expired  none  no
        """,
    )
    given_then(
        [
            act("issued", "2020-01-01", until="2020-06-30"),
            act("amended", "2020-08-01", provision="section 2", until="2020-12-31"),
            act("rescinded", "2020-10-01"),
        ],
        """
        2020-01-01  2020-06-30  issued  in_force            -          none  yes
        2020-07-01  2020-07-31  issued  no_longer_in_force  expired    none  no
        2020-08-01  2020-09-30  issued  partially_in_force  -          none  yes
        2020-10-01  ..          issued  no_longer_in_force  rescinded  none  no
        """,
    )


def test_rule_5_a_part_in_force_again_after_the_end() -> None:
    """What begins after the end begins for its part."""
    for data, then in (
        ({}, "partially_in_force - none yes"),
        ({"until": "2020-05-31"}, "unknown - none maybe"),
    ):
        history = folded(
            act("issued", "2020-01-01"),
            act("rescinded", "2020-02-01"),
            act("took_effect", "2020-04-01", provision="section 2", **data),
        )
        assert on(history, "2020-04-01").force == "partially_in_force"
        assert shown(history.periods)[-1][3:] == then.split()


def test_rule_5_what_lifts_names_the_same_provision() -> None:
    """Section 1 stays suspended."""
    given_then(
        [
            act("issued", "2020-01-01"),
            act("suspended", "2020-02-01", provision="section 1"),
            act("suspended", "2020-02-01", provision="section 2"),
            act("resumed", "2020-03-01", provision="section 2"),
            act("resumed", "2020-04-01", provision="section 1"),
        ],
        """
        2020-01-01  2020-01-31  issued  in_force            -  none  yes
        2020-02-01  2020-03-31  issued  partially_in_force  -  none  yes
        2020-04-01  ..          issued  in_force            -  none  yes
        """,
    )


@pytest.mark.parametrize("until", [{}, {"until": "2021-12-31"}])
def test_rule_5_what_lifts_names_none_for_all(until: dict[str, str]) -> None:
    """The whole and every part."""
    given_then(
        [
            act("issued", "2020-01-01"),
            act("suspended", "2020-02-01", provision="section 1", **until),
            act("suspended", "2020-02-01", **until),
            act("resumed", "2020-03-01"),
        ],
        """
        2020-01-01  2020-01-31  issued  in_force   -  none  yes
        2020-02-01  2020-02-29  issued  suspended  -  none  no
        2020-03-01  ..          issued  in_force   -  none  yes
        """,
    )


@pytest.mark.parametrize("until", [{}, {"until": "2021-12-31"}])
def test_rule_5_lifting_a_provision_lifts_no_suspension_of_the_whole(
    until: dict[str, str],
) -> None:
    """It is not the same provision."""
    history = folded(
        act("issued", "2020-01-01"),
        act("suspended", "2020-02-01", **until),
        act("enjoined", "2020-02-01", by=by(SUIT), **until),
        act("resumed", "2020-03-01", provision="section 1"),
        act("injunction_lifted", "2020-03-01", provision="section 1", by=by(SUIT)),
    )

    assert on(history, "2020-03-01").force == "suspended"
    assert on(history, "2020-03-01").litigation == "enjoined"


def test_rule_5_injunctions_are_kept_per_provision() -> None:
    """A partial one leaves the rest in force; lifted by its provision, or with all."""
    given = [
        act("issued", "2020-01-01"),
        act("enjoined", "2020-02-01", provision="section 1"),
        act("enjoined", "2020-02-01", provision="section 2"),
    ]
    given_then(
        [
            *given,
            act("injunction_lifted", "2020-03-01", provision="section 1"),
            act("injunction_stayed", "2020-04-01"),
        ],
        """
        2020-01-01  2020-01-31  issued  in_force            -  none        yes
        2020-02-01  2020-03-31  issued  partially_in_force  -  enjoined    yes
        2020-04-01  ..          issued  in_force            -  challenged  yes
        """,
    )


def test_rule_5_staying_a_provision_takes_nothing_from_a_stay_of_the_whole() -> None:
    """The injunction names no provision; neither does what holds it back until March."""
    history = folded(
        act("issued", "2020-01-01"),
        act("enjoined", "2020-02-01"),
        act("injunction_stayed", "2020-02-10", until="2020-03-31"),
        act("injunction_stayed", "2020-02-10", until="2020-02-20", provision="section 1"),
    )

    days = ("2020-02-09", "2020-02-20", "2020-03-01", "2020-04-01")
    assert [on(history, day).litigation for day in days] == [
        "enjoined",
        "challenged",
        "challenged",
        "enjoined",
    ]


# --- Rule 6


def test_rule_6_the_axis_shows_the_gravest_open_case() -> None:
    """Struck down, enjoined, challenged, upheld, dismissed, none."""
    case = [f"case {number}" for number in range(6)]
    days = [f"2020-0{month}-01" for month in range(2, 8)]
    moves = ["none", "dismissed", "upheld", "challenged", "enjoined", "struck_down"]
    given = [
        act(move, day, by={"citation": name})
        for move, day, name in zip(moves[1:], days, case, strict=False)
    ]

    history = folded(act("issued", "2020-01-01"), *given)

    assert [on(history, day).litigation for day in ("2020-01-01", *days)] == [*moves, moves[-1]]


def test_rule_6_force_stays_suspended_while_any_injunction_stands() -> None:
    """Of two cases the second one's injunction is lifted last."""
    given_then(
        [
            act("issued", "2020-01-01"),
            act("enjoined", "2020-02-01", by=by(SUIT)),
            act("enjoined", "2020-02-15", by={"citation": "docket:2"}),
            act("injunction_lifted", "2020-03-01", by=by(SUIT)),
            act("dismissed", "2020-04-01", by={"citation": "docket: 2"}),
        ],
        """
        2020-01-01  2020-01-31  issued  in_force   -  none        yes
        2020-02-01  2020-03-31  issued  suspended  -  enjoined    no
        2020-04-01  ..          issued  in_force   -  challenged  yes
        """,
    )


@pytest.mark.parametrize(
    ("moves", "litigation", "force"),
    [
        ("challenged", "challenged", "in_force"),
        ("challenged challenged", "challenged", "in_force"),
        ("challenged upheld", "upheld", "in_force"),
        ("challenged upheld appealed", "challenged", "in_force"),
        ("challenged dismissed appealed", "challenged", "in_force"),
        ("challenged dismissed appealed upheld", "upheld", "in_force"),
        ("challenged dismissed reversed", "challenged", "in_force"),
        ("challenged enjoined", "enjoined", "suspended"),
        ("challenged enjoined challenged", "enjoined", "suspended"),
        ("challenged enjoined appealed", "enjoined", "suspended"),
        ("challenged enjoined injunction_stayed", "challenged", "in_force"),
        ("challenged enjoined injunction_stayed appealed", "challenged", "in_force"),
        ("challenged enjoined injunction_stayed injunction_lifted", "challenged", "in_force"),
        ("challenged enjoined injunction_stayed enjoined", "enjoined", "suspended"),
        ("challenged enjoined injunction_lifted", "challenged", "in_force"),
        ("challenged enjoined reversed", "challenged", "in_force"),
        ("challenged enjoined appealed reversed", "challenged", "in_force"),
        ("challenged enjoined upheld", "upheld", "in_force"),
        ("challenged enjoined dismissed", "dismissed", "in_force"),
        ("challenged enjoined struck_down", "struck_down", "no_longer_in_force"),
        ("challenged struck_down appealed", "struck_down", "no_longer_in_force"),
        ("challenged struck_down challenged", "struck_down", "no_longer_in_force"),
        ("challenged struck_down enjoined", "struck_down", "no_longer_in_force"),
        ("challenged struck_down injunction_lifted", "struck_down", "no_longer_in_force"),
        ("challenged struck_down appealed reversed", "challenged", "in_force"),
        ("challenged struck_down appealed reversed upheld", "upheld", "in_force"),
        ("challenged struck_down enjoined reversed", "challenged", "in_force"),
        ("challenged upheld appealed reversed", "challenged", "in_force"),
        ("challenged enjoined injunction_stayed reversed", "challenged", "in_force"),
        ("challenged enjoined injunction_lifted reversed", "challenged", "in_force"),
        ("challenged struck_down reversed reversed", "challenged", "in_force"),
        ("challenged struck_down reversed struck_down", "struck_down", "no_longer_in_force"),
        ("challenged upheld injunction_lifted", "upheld", "in_force"),
    ],
)
def test_rule_6_a_case_moves(moves: str, litigation: str, force: str) -> None:
    """Appealed: open again; reversed: undone, so open, too."""
    given = [
        act(move, f"2020-02-{day:02}", by=by(SUIT))
        for day, move in enumerate(moves.split(), start=1)
    ]

    history = folded(act("issued", "2020-01-01"), *given)

    assert (history.periods[-1].litigation, history.periods[-1].force) == (litigation, force)


def test_rule_6_struck_down_then_reversed_revives_the_law() -> None:
    """The decision is undone from that day on."""
    given_then(
        [
            act("issued", "2020-01-01"),
            act("struck_down", "2020-02-01"),
            act("appealed", "2020-03-01"),
            act("reversed", "2020-04-01"),
        ],
        """
        2020-01-01  2020-01-31  issued  in_force            -            none         yes
        2020-02-01  2020-03-31  issued  no_longer_in_force  struck_down  struck_down  no
        2020-04-01  ..          issued  in_force            -            challenged   yes
        """,
    )


def test_rule_6_what_was_repealed_meanwhile_is_not_revived() -> None:
    """A court undoes a court."""
    history = folded(
        act("issued", "2020-01-01"),
        act("struck_down", "2020-02-01"),
        act("repealed", "2020-03-01"),
        act("reversed", "2020-04-01"),
    )

    assert (history.periods[-1].force, history.periods[-1].force_reason) == (
        "no_longer_in_force",
        "repealed",
    )


def test_rule_6_an_uncertain_injunction_may_suspend() -> None:
    """The axis and force say so, each for itself."""
    given_then(
        [act("issued", "2020-01-01"), act("enjoined", "2020-02")],
        """
        2020-01-01  2020-01-31  issued  in_force   -  none      yes
        2020-02-01  2020-02-28  issued  unknown    -  unknown   maybe  force=suspended|in_force  litigation=enjoined|none
        2020-02-29  ..          issued  suspended  -  enjoined  no
        """,
    )


def test_rule_6_a_challenges_relation_opens_a_case() -> None:
    """On its own day, else on the day of the lawsuit's first action, else on some day."""
    issued = act("issued", "2020-01-01")
    filed = acted(SUIT, action="filed", occurred="2020-03-01")
    then = """
        2020-01-01  2020-02-29  issued  in_force  -  none        yes
        2020-03-01  ..          issued  in_force  -  challenged  yes
        """
    given_then([issued], then, cases=lawsuit(occurred="2020-03-01"))
    given_then([issued], then, cases=lawsuit(filed))
    given_then(
        [issued],
        """
        ..          2019-12-31  -       not_enacted  -  unknown  no   litigation=challenged|none
        2020-01-01  ..          issued  in_force     -  unknown  yes  litigation=challenged|none
        """,
        cases=lawsuit(),
    )


def test_rule_6_the_lawsuits_own_actions_move_the_case() -> None:
    """Those of its stream that concern courts; its filing and its other stages do not."""
    given_then(
        [act("issued", "2020-01-01")],
        """
        2020-01-01  2020-02-29  issued  in_force            -            none         yes
        2020-03-01  2020-03-31  issued  in_force            -            challenged   yes
        2020-04-01  2020-04-30  issued  suspended           -            enjoined     no
        2020-05-01  2020-05-31  issued  no_longer_in_force  struck_down  struck_down  no
        2020-06-01  2020-06-30  issued  in_force            -            challenged   yes
        2020-07-01  ..          issued  in_force            -            dismissed    yes
        """,
        cases=lawsuit(
            acted(SUIT, action="filed", occurred="2020-03-01"),
            acted(SUIT, action="enjoined", occurred="2020-04-01"),
            acted(SUIT, action="struck_down", occurred="2020-05-01"),
            acted(SUIT, action="amended", occurred="2020-05-15", until="2020-05-20"),
            acted(SUIT, action="reversed", occurred="2020-06-01"),
            acted(SUIT, action="dismissed", occurred="2020-07-01"),
            acted(SUIT, action="withdrawn", occurred="2020-08-01"),
        ),
    )


def test_rule_6_the_policys_stream_and_the_lawsuits_tell_of_one_case() -> None:
    """What the policy's own actions say `by` the lawsuit is the same case."""
    given_then(
        [
            act("issued", "2020-01-01"),
            act("challenged", "2020-03-01", by=by(SUIT)),
            act("enjoined", "2020-04-01", by=by(SUIT)),
            act("dismissed", "2020-05-01", by=by(SUIT)),
        ],
        """
        2020-01-01  2020-02-29  issued  in_force   -  none        yes
        2020-03-01  2020-03-31  issued  in_force   -  challenged  yes
        2020-04-01  2020-04-30  issued  suspended  -  enjoined    no
        2020-05-01  ..          issued  in_force   -  dismissed   yes
        """,
        cases=lawsuit(
            acted(SUIT, action="filed", occurred="2020-03-01"),
            acted(SUIT, action="enjoined", occurred="2020-04-01"),
        ),
    )


def test_rule_6_two_lawsuits_are_two_cases() -> None:
    """One dismissed, the other enjoining."""
    history = folded(
        act("issued", "2020-01-01"),
        cases=[
            *lawsuit(
                acted(SUIT, action="filed", occurred="2020-02-01"),
                acted(SUIT, action="dismissed", occurred="2020-05-01"),
            ),
            *lawsuit(
                acted(ANOTHER_SUIT, action="filed", occurred="2020-03-01"),
                acted(ANOTHER_SUIT, action="enjoined", occurred="2020-04-01"),
                suit=ANOTHER_SUIT,
                start=2_000,
            ),
        ],
    )

    litigation = [on(history, f"2020-{month:02}-15").litigation for month in range(1, 6)]
    assert litigation == ["none", "challenged", "challenged", "enjoined", "enjoined"]


def test_rule_6_a_lawsuit_against_a_provision_moves_that_provision() -> None:
    """Its injunction cannot forbid more than it was asked for."""
    given_then(
        [act("issued", "2020-01-01")],
        """
        2020-01-01  2020-02-29  issued  in_force            -  none        yes
        2020-03-01  2020-03-31  issued  in_force            -  challenged  yes
        2020-04-01  2020-04-30  issued  partially_in_force  -  enjoined    yes
        2020-05-01  ..          issued  in_force            -  upheld      yes
        """,
        cases=lawsuit(
            acted(SUIT, action="filed", occurred="2020-03-01"),
            acted(SUIT, action="enjoined", occurred="2020-04-01"),
            acted(SUIT, action="upheld", occurred="2020-05-01"),
            provision="section 2",
        ),
    )


def test_rule_6_a_lawsuit_that_challenges_twice_acts_once() -> None:
    """Two relations of one lawsuit are one case; its injunction runs out once."""
    filed = acted(SUIT, action="filed", occurred="2020-03-01")
    enjoined = acted(SUIT, action="enjoined", occurred="2020-04-01", until="2020-04-30")

    given_then(
        [act("issued", "2020-01-01")],
        """
        2020-01-01  2020-02-29  issued  in_force   -  none        yes
        2020-03-01  2020-03-31  issued  in_force   -  challenged  yes
        2020-04-01  2020-04-30  issued  suspended  -  enjoined    no
        2020-05-01  ..          issued  in_force   -  challenged  yes
        """,
        cases=lawsuit(filed, enjoined) * 2,
    )


def test_rule_6_a_challenge_with_until_closes_by_itself() -> None:
    """The relation's effect ends as any other does."""
    history = folded(
        act("issued", "2020-01-01"), cases=lawsuit(occurred="2020-03-01", until="2020-03-31")
    )

    assert history.periods[-1].litigation == "none"


# --- Rule 9, as far as dates decide


@pytest.mark.parametrize(
    ("force", "in_force", "given"),
    [
        ("not_enacted", "no", [act("introduced", "2020-01-01")]),
        ("not_yet_in_force", "no", [act("issued", "2020-01-01", effective="2021-01-01")]),
        ("in_force", "yes", [act("issued", "2020-01-01")]),
        (
            "partially_in_force",
            "yes",
            [act("issued", "2020-01-01"), act("repealed", "2020-01-01", provision="section 2")],
        ),
        ("suspended", "no", [act("issued", "2020-01-01"), act("suspended", "2020-01-01")]),
        ("no_longer_in_force", "no", [act("issued", "2020-01-01"), act("expired", "2020-01-01")]),
        ("unknown", "maybe", [act("issued", "2020")]),
    ],
)
def test_rule_9_in_force(force: str, in_force: str, given: list[Draft]) -> None:
    """Yes for what is in force, at least in part; maybe for unknown; no for the rest."""
    period = on(folded(*given), "2020-06-01")

    assert (period.force, period.in_force) == (force, in_force)


def test_rule_9_unknown_for_want_of_a_date_has_no_possible_values() -> None:
    """`possible` lists what an uncertain boundary may be."""
    period = on(folded(act("signed", "2020-01-01"), instrument="ordinance"), "2020-06-01")

    assert (period.force, period.possible) == ("unknown", {})


def test_rule_9_uncertainty_that_leaves_it_out_of_force_is_a_no() -> None:
    """Suspended or ended: which of them is not known, that it is one of them is."""
    period = on(
        folded(
            act("issued", "2020-01-01"),
            act("suspended", "2020-02-01"),
            act("rescinded", "2020"),
        ),
        "2020-06-01",
    )

    assert (period.force, period.in_force) == ("unknown", "no")
    assert period.possible == {"force": ("no_longer_in_force", "suspended")}


def test_rule_9_uncertainty_that_leaves_it_in_force_is_a_yes() -> None:
    """Wholly or in part: in force in any case."""
    period = on(
        folded(act("issued", "2020-01-01"), act("suspended", "2020", provision="section 2")),
        "2020-06-01",
    )

    assert (period.force, period.in_force) == ("unknown", "yes")
    assert period.possible == {"force": ("partially_in_force", "in_force")}
