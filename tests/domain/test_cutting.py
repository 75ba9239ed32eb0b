"""Cutting periods: however the deeds came in and went out, the periods follow from those that stay."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from timeline.domain.cutting import Cutter
from timeline.domain.dates import Edtf, Occurrence
from timeline.domain.effects import Deed
from timeline.domain.events import ActionRecorded, Scope, Source
from timeline.domain.machines import LAST_DAY
from timeline.domain.vocabulary import Action, Instrument

SOURCES = (Source(citation="The minutes"),)
DAYS = ("2020-01-01", "2020-01-02", "2020-02-01", "2020-06-30", "2021-01-01")
DATES = (*DAYS, *DAYS, "2020", "2020-02", "XXXX", "../2020-06", "2020-06/..")

dates = st.sampled_from(DATES)
deeds = st.builds(
    lambda action, occurred, effective, until, provision, case: (
        ActionRecorded(
            action=action,
            occurred=Occurrence.parse(occurred),
            effective=effective and Edtf.parse(effective),
            until=until and Edtf.parse(until),
            scope=Scope.FULL if provision is None else Scope.PARTIAL,
            provision=provision,
            sources=SOURCES,
        ),
        case,
    ),
    st.sampled_from(Action),
    dates,
    st.none() | dates,
    st.none() | dates,
    st.sampled_from((None, None, "article 1", "article 2")),
    st.sampled_from(("", "policy/suit-1", "policy/suit-2")),
)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from((Instrument.EXECUTIVE_ORDER, Instrument.ORDINANCE, Instrument.LAWSUIT)),
    st.lists(st.tuples(deeds, st.integers(0, 8), st.integers(0, 2)), max_size=8),
)
def test_periods_cut_bit_by_bit_are_those_cut_at_once(
    instrument: Instrument, changes: list[tuple[tuple[ActionRecorded, str], int, int]]
) -> None:
    """A deed that comes, and some that go, leave the periods of a policy that had the rest alone."""
    kept: list[Deed] = []
    cutter = Cutter(instrument)

    for position, ((action, case), place, going) in enumerate(changes, start=1):
        come = Deed(f"event-{position}", position, action, frozenset({f"event-{position}"}), case)
        gone = kept[place : place + going]
        kept = [*kept[:place], *kept[place + going :], come]
        periods = cutter.change(gone, [come])

        assert periods == Cutter(instrument).cut(kept)


@given(st.lists(deeds, min_size=1, max_size=6))
def test_periods_adjoin_and_differ(found: list[tuple[ActionRecorded, str]]) -> None:
    """Each begins where the one before ends, the last is open, and neighbours say other things."""
    periods = Cutter(Instrument.EXECUTIVE_ORDER).cut(
        Deed(f"event-{number}", number, action, frozenset({f"event-{number}"}), case)
        for number, (action, case) in enumerate(found, start=1)
    )

    assert periods[-1].last == LAST_DAY
    for before, after in pairwise(periods):
        assert before.first <= before.last == after.first - 1
        assert (before.stage, before.force, before.decided_by, before.possible) != (
            after.stage,
            after.force,
            after.decided_by,
            after.possible,
        ) or (before.litigation, before.last_confirmed) != (after.litigation, after.last_confirmed)


def test_what_a_change_does_not_bear_on_stays_the_same_object() -> None:
    """A late correction costs what it changes: the periods elsewhere are not even made again."""
    actions = [
        ActionRecorded(
            action=(Action.HEARING_HELD, Action.LAID_OVER)[month % 2],
            occurred=Occurrence.parse(f"2020-{month:02}-01"),
            sources=SOURCES,
        )
        for month in range(1, 13)
    ]
    cutter = Cutter(Instrument.ORDINANCE)
    before = cutter.cut(
        Deed(f"event-{number}", number, action, frozenset({f"event-{number}"}))
        for number, action in enumerate(actions, start=1)
    )
    late = ActionRecorded(
        action=Action.AMENDED, occurred=Occurrence.parse("2020-06-15"), sources=SOURCES
    )

    after = cutter.change((), [Deed("late", 13, late, frozenset({"late"}))])

    assert [period.stage for period in after].count("amended") == 1
    assert all(one is other for one, other in zip(before[:5], after[:5], strict=True))
    assert all(one is other for one, other in zip(before[6:], after[7:], strict=True))
