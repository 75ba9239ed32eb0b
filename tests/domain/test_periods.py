"""Properties of the periods: totality, order, agreement with brute force, and the time it takes."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from time import process_time
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fold_oracle import Oracle, numbered
from history_builders import act, action_event, believed, folded, on, past, registration
from timeline.domain.belief import PastEvent
from timeline.domain.events import ActionRecorded
from timeline.domain.history import History
from timeline.domain.periods import FIRST_DAY, LAST_DAY, Period
from timeline.domain.vocabulary import Action, Instrument

Json = dict[str, Any]

DAYS: Final = [f"2020-01-{day:02}" for day in range(1, 9)]
SPANS: Final = [
    "2020-01-02/2020-01-04",
    "2020-01-03/2020-01-06",
    "2020-01-01/2020-01-07",
    "2020-01-05/..",
    "../2020-01-05",
    "XXXX",
]
PARTIES: Final = [None, {"policy": "suit-1"}, {"citation": "docket:2"}]
PARTS: Final[list[Json]] = [{}, {}, {"provision": "a"}, {"provision": "b"}, {"scope": "partial"}]
WINDOW: Final = [(date(2019, 12, 31) + timedelta(days=offset)).toordinal() for offset in range(11)]
MOST_WORLDS: Final = 7
"""Uncertain things on a day that are tried in all combinations: 128 worlds."""

exact_dates = st.sampled_from(DAYS)
any_dates = st.one_of(exact_dates, exact_dates, st.sampled_from(SPANS))
instruments = st.sampled_from(["executive_order", "statute", "resolution", "agency_rule"])


def action_data(
    dates: st.SearchStrategy[str], actions: Sequence[Action] = tuple(Action)
) -> st.SearchStrategy[Json]:
    """Return random actions, most of them with few of the fields that matter to a fold."""
    rarely = st.one_of(st.none(), st.none(), dates)
    return st.builds(
        lambda part, fields: part | {name: value for name, value in fields.items() if value},
        st.sampled_from(PARTS),
        st.fixed_dictionaries(
            {
                "action": st.sampled_from(actions),
                "occurred": dates,
                "effective": rarely,
                "until": rarely,
                "by": st.sampled_from(PARTIES),
            }
        ),
    )


def named(*names: str) -> tuple[Action, ...]:
    """Return actions by their words."""
    return tuple(map(Action, names))


FAMILIES: Final = {
    "all": tuple(Action),
    "standing": named(
        "passed",
        "issued",
        "enacted",
        "took_effect",
        "extended",
        "amended",
        "repealed",
        "rescinded",
        "expired",
    ),
    "suspensions": named("issued", "suspended", "suspended", "resumed", "took_effect"),
    "courts": named(
        "issued",
        "challenged",
        "appealed",
        "reversed",
        "enjoined",
        "enjoined",
        "injunction_stayed",
        "injunction_lifted",
        "upheld",
        "struck_down",
        "dismissed",
    ),
}
"""Actions that meet in one machine more often when they are drawn from their like."""


def record(instrument: str, actions: Sequence[Json]) -> list[PastEvent]:
    """Return a past of these actions, recorded in this order."""
    [first] = past(registration(instrument))
    return [first, *(action_event(number, data) for number, data in enumerate(actions, start=2))]


def covering(history: History, day: int) -> Period | None:
    """Return the period that covers a day, if any does."""
    return next((each for each in history.periods if each.first <= day <= each.last), None)


def values(period: Period | None, axis: str, before: str | None) -> set[str | None]:
    """Return all that an axis may be."""
    if period is None:
        return {before}
    return set(period.possible.get(axis, (getattr(period, axis),)))


def data_of(events: Sequence[PastEvent]) -> list[ActionRecorded]:
    """Return the payloads of a past's actions."""
    return [event.data for event in events if isinstance(event.data, ActionRecorded)]


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_the_periods_agree_with_every_possible_world(family: str, data: st.DataObject) -> None:
    """Exactly where one thing at most is uncertain; else they leave out no possibility."""
    instrument = data.draw(instruments)
    actions = data.draw(st.lists(action_data(any_dates, FAMILIES[family]), min_size=1, max_size=6))
    events = record(instrument, actions)
    history = believed(events)
    oracle = Oracle(instrument, numbered(data_of(events)))

    for day in WINDOW:
        if len(oracle.uncertain(day)) > MOST_WORLDS:
            continue
        agrees(covering(history, day), oracle, day)


def agrees(period: Period | None, oracle: Oracle, day: int) -> None:
    """Compare the answer for a day with that of all worlds."""
    answer = oracle.answer(day)
    uncertain = oracle.uncertain_axes(day)
    found = {
        "stage": (values(period, "stage", None), answer.stage),
        "force": (values(period, "force", "not_enacted"), answer.force),
        "litigation": (values(period, "litigation", "none"), answer.litigation),
    }
    for axis, (ours, worlds) in found.items():
        assert ours >= worlds, (date.fromordinal(day), axis)
        if uncertain[axis] <= 1:
            assert ours == worlds, (date.fromordinal(day), axis)
    if period is not None and uncertain["force"] <= 1:
        assert period.in_force == in_force(answer.force)
        if len(answer.force) == len(answer.reasons) == 1:
            assert {period.force_reason} == answer.reasons


def in_force(forces: frozenset[str]) -> str:
    """Rule 9."""
    yes = {"in_force", "partially_in_force"}
    if forces <= yes:
        return "yes"
    return "maybe" if forces & (yes | {"unknown"}) else "no"


@settings(max_examples=100, deadline=None)
@given(
    instrument=st.sampled_from(list(Instrument)),
    actions=st.lists(
        action_data(st.one_of(any_dates, st.sampled_from(["0001", "9999", "9999-12-31", "2XXX"]))),
        max_size=12,
    ),
)
def test_periods_adjoin_and_end_open(instrument: Instrument, actions: list[Json]) -> None:
    """Any actions in any order of dates: no gap, no overlap, and neighbours differ."""
    periods = believed(record(instrument, actions)).periods

    assert bool(periods) == bool(actions)
    for one, other in pairwise(periods):
        assert FIRST_DAY <= one.first <= one.last
        assert other.first == one.last + 1
        assert one != Period(**{**_fields(other), "first": one.first, "last": one.last})
    assert all(each.last == LAST_DAY for each in periods[-1:])


def _fields(period: Period) -> Json:
    return {name: getattr(period, name) for name in period.__struct_fields__}


@settings(max_examples=100, deadline=None)
@given(actions=st.lists(action_data(any_dates), max_size=8))
def test_each_axis_says_unknown_where_it_lists_possible_values(actions: list[Json]) -> None:
    """And lists at least two of them, each once, among those that decide it."""
    for period in believed(record("statute", actions)).periods:
        for axis, possible in period.possible.items():
            assert getattr(period, axis) == "unknown"
            assert len(possible) == len(set(possible)) >= 2
            assert period.decided_by[axis]
        assert period.force_reason is None or period.force == "no_longer_in_force"


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_the_order_of_recording_does_not_matter_to_actions_with_different_keys(
    data: st.DataObject,
) -> None:
    """They fold by what they say of the world (rule 1)."""
    actions = data.draw(
        st.lists(
            action_data(any_dates),
            max_size=8,
            unique_by=(
                lambda each: (each["occurred"], each["action"]),
                lambda each: (each.get("effective", each["occurred"]), each["action"]),
                lambda each: (each.get("until", each["occurred"]), each["action"]),
            ),
        )
    )
    shuffled = data.draw(st.permutations(list(enumerate(actions, start=2))))

    one = believed(record("statute", actions))
    [first] = past(registration("statute"))
    ids = [action_event(number, each) for number, each in shuffled]
    other = believed(
        [first, *(_at(event, position) for position, event in enumerate(ids, start=2))]
    )

    assert other.periods == one.periods
    assert [each.event for each in other.actions] == [each.event for each in one.actions]


def _at(event: PastEvent, position: int) -> PastEvent:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return PastEvent(**(fields | {"position": position}))


@settings(max_examples=100, deadline=None)
@given(
    instrument=instruments,
    actions=st.lists(action_data(exact_dates), min_size=1, max_size=6),
    data=st.data(),
)
def test_the_same_action_recorded_twice_changes_no_axis(
    instrument: str, actions: list[Json], data: st.DataObject
) -> None:
    """Two newsrooms that record it one after the other leave the same answers."""
    index = data.draw(st.integers(0, len(actions) - 1))

    once = believed(record(instrument, actions))
    twice = believed(record(instrument, [*actions[:index], actions[index], *actions[index:]]))

    for day in WINDOW:
        one, other = covering(once, day), covering(twice, day)
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert _axes(one) == _axes(other)


def _axes(period: Period) -> tuple[object, ...]:
    return (period.stage, period.force, period.force_reason, period.litigation, period.in_force)


# --- what decides


def deciders(history: History, day: str) -> dict[str, set[str]]:
    """Return the actions that decide each axis on a day."""
    names = {each.event: str(each.action.action) for each in history.actions}
    decided_by = on(history, day).decided_by
    return {axis: {names[event] for event in events} for axis, events in decided_by.items()}


def test_a_value_is_decided_by_the_events_that_set_it() -> None:
    """Not by those that a later certain one overruled, nor by a case that is not the gravest."""
    one, other = {"policy": "suit-1"}, {"policy": "suit-2"}
    history = folded(
        act("hearing_held", "XXXX"),
        act("introduced", "2020-01-01"),
        act("issued", "2020-01-03", until="2020-01-20"),
        act("enjoined", "2020-01-05", by=one),
        act("challenged", "2020-01-06", by=other),
        act("injunction_lifted", "2020-01-07", by=one),
        act("extended", "2020-01-08", until="2020-02-20"),
        act("suspended", "2020-01-09"),
        act("resumed", "2020-01-10"),
        act("rescinded", "2020-01-11"),
    )

    decided = {day: deciders(history, f"2020-01-{day:02}") for day in range(1, 12)}

    assert [decided[day]["stage"] for day in (1, 3, 11)] == [{"introduced"}, {"issued"}, {"issued"}]
    assert decided[5]["litigation"] == decided[6]["litigation"] == {"enjoined"}
    assert decided[7]["litigation"] == {"enjoined", "challenged", "injunction_lifted"}
    assert [decided[day]["force"] for day in (3, 5, 7, 8, 9, 10)] == [
        {"issued"},
        {"issued", "enjoined"},
        {"issued"},
        {"issued", "extended"},
        {"issued", "extended", "suspended"},
        {"issued", "extended", "resumed"},
    ]
    assert decided[11]["force"] >= {"issued", "rescinded"}


def test_what_may_decide_a_value_is_named_with_what_does() -> None:
    """An uncertain rescission decides that the answer is maybe; a certain one ends that."""
    history = folded(
        act("issued", "2020-01-01"), act("expired", "2020"), act("rescinded", "2020-06-01")
    )

    assert deciders(history, "2020-03-01")["force"] == {"issued", "expired"}
    assert deciders(history, "2020-07-01")["force"] == {"issued", "rescinded"}


def test_what_overrules_in_some_worlds_alone_leaves_the_others_their_deciders() -> None:
    """A repeal for a time gives nothing to end to a world in which the term is over."""
    history = folded(
        act("issued", "2020-01-01"),
        act("expired", "2020"),
        act("repealed", "2020-06-01", until="2020-08-31"),
    )

    assert on(history, "2020-07-01").force == "no_longer_in_force"
    assert deciders(history, "2020-07-01")["force"] == {"issued", "expired", "repealed"}


# --- time


def mixed(count: int) -> list[Json]:
    """Return actions of every kind on exact days, the same ones each time."""
    source = Random(count)  # noqa: S311 - the same ones each time, for nobody to guess
    first = date(2000, 1, 1)

    def some_day() -> str:
        return (first + timedelta(days=source.randrange(3 * count))).isoformat()

    def one() -> Json:
        data: Json = {"action": source.choice(list(Action)), "occurred": some_day()}
        data |= source.choice(PARTS)
        if source.random() < 0.2:
            data["until"] = some_day()
        party = source.choice(PARTIES)
        return data if party is None else data | {"by": party}

    return [one() for _ in range(count)]


def alternating(count: int, *kinds: Json) -> list[Json]:
    """Return actions of these kinds in turn, one a day; `until` is in days from its own."""
    first = date(2000, 1, 1)
    found = []
    for number in range(count):
        data = dict(kinds[number % len(kinds)])
        data["occurred"] = (first + timedelta(days=number)).isoformat()
        if "until" in data:
            data["until"] = (first + timedelta(days=number + data["until"])).isoformat()
        found.append(data)
    return found


def uncertain(count: int, *kinds: Json) -> list[Json]:
    """Return actions of these kinds in turn, all some day of 2019."""
    return [{"occurred": "2019", **kinds[number % len(kinds)]} for number in range(count)]


@pytest.mark.parametrize(
    "actions",
    [
        pytest.param(mixed(1_000), id="of every kind"),
        pytest.param([{"action": "issued", "occurred": "XXXX"}, *mixed(1_000)], id="one unknown"),
        pytest.param(
            alternating(1_000, {"action": "suspended", "until": 900}, {"action": "resumed"}),
            id="long suspensions",
        ),
        pytest.param(
            alternating(1_000, {"action": "enjoined", "until": 900}, {"action": "upheld"}),
            id="long injunctions",
        ),
    ],
)
def test_a_thousand_exact_actions_fold_in_a_moment(actions: list[Json]) -> None:
    """Some 80 ms of one core were measured; a quadratic fold would take seconds."""
    assert seconds_to_fold(actions) < 1


@pytest.mark.parametrize(
    "actions",
    [
        pytest.param(uncertain(200, *({"action": action} for action in Action)), id="every kind"),
        pytest.param(
            uncertain(200, {"action": "issued", "until": "2020"}, {"action": "rescinded"}),
            id="terms and ends",
        ),
        pytest.param(
            uncertain(
                200,
                {"action": "enjoined", "until": "2020"},
                {"action": "injunction_stayed", "until": "2020"},
            ),
            id="injunctions and stays",
        ),
        pytest.param(
            uncertain(
                200,
                {"action": "suspended", "until": "2020"},
                {"action": "resumed", "until": "2020"},
                {"action": "repealed", "until": "2020", "provision": "section 2"},
            ),
            id="suspensions and parts",
        ),
    ],
)
def test_two_hundred_uncertain_actions_fold_in_a_moment(actions: list[Json]) -> None:
    """Less than 0.6 s of one core was measured; there are 2 to the power of 200 worlds."""
    assert seconds_to_fold(actions) < 3


def seconds_to_fold(actions: Sequence[Json]) -> float:
    """Return the processor time of a fold, which other processes do not lengthen."""
    events = record("executive_order", actions)
    start = process_time()
    assert believed(events).periods
    return process_time() - start
