"""Uncertain dates across relations: what any exact dates lead to is among what is said possible.

A record of uncertain dates is folded, then again with exact days in their place, drawn so that they
keep the order of rule 1. What comes out then has to be possible in the first fold, and where it is
another answer to "in force?", the first one has to be `maybe`. The draws are the same in every run;
for a longer search, let them vary.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from domain_builders import LOS_ANGELES, Draft, acted, registered, related
from history_builders import past
from recorded_streams import RecordedStreams, seen_at
from timeline.domain.history import History
from timeline.domain.periods import Period
from timeline.domain.vocabulary import InForce

Json = dict[str, Any]

FIRST_DAY: Final = date(2020, 1, 1)
LAST_DAY: Final = date(2024, 1, 1).toordinal()
"""After all days that are drawn."""

OLD, NEW, THIRD, SUIT = "old", "new", "third", "suit"
OWN: Final = (
    *("issued", "signed", "took_effect", "extended", "suspended", "resumed", "repealed", "expired"),
    *("enjoined", "injunction_lifted", "struck_down", "reversed", "dismissed", "upheld", "amended"),
)
COURT: Final = (
    *("enjoined", "dismissed", "struck_down", "injunction_stayed", "appealed", "reversed"),
)
ACTING: Final = (
    *("repeals", "rescinds", "supersedes", "suspends", "continues", "extends", "enjoins", "stays"),
)
TOLD_AS: Final = {"repeals": "repealed", "suspends": "suspended", "extends": "extended"}
CHOICES: Final = 4
"""How many choices of exact days are tried for each record."""


class Between(NamedTuple):
    """A day between two, both counted from the first of all.

    What `ends` on it is over the day after, and has its place among the other dates there.
    """

    first: int
    last: int
    ends: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """Its place in the order of rule 1."""
        return self.first + self.ends, self.last + self.ends


def between(first: str, last: str | None = None, *, ends: bool = False) -> Between:
    """Return a day between two dates, or an exact one."""
    days = [(date.fromisoformat(each) - FIRST_DAY).days for each in (first, last or first)]
    return Between(days[0], days[1], ends)


def until(first: str, last: str | None = None) -> Between:
    """Return a last day between two dates, or an exact one."""
    return between(first, last, ends=True)


def iso(day: int) -> str:
    """Return a day as text."""
    return (FIRST_DAY + timedelta(days=day)).isoformat()


def act(policy: str, action: str, occurred: Between, **data: Any) -> Draft:
    """Record an action."""
    return acted(policy, action=action, occurred=occurred, **data)


def relate(policy: str, relation: str, target: str, **data: Any) -> Draft:
    """Assert a relation to a policy."""
    return related(policy, {"policy": target}, relation=relation, **data)


def select(policy: str, relation: str, in_force_on: Between, **data: Any) -> Draft:
    """Assert a relation to the old order, if it was in force on a day."""
    others = [each for each in (NEW, THIRD, SUIT) if each != policy]
    selector = {"jurisdiction": LOS_ANGELES, "except": others, "in_force_on": in_force_on}
    return related(policy, {"selector": selector}, relation=relation, **data)


def dated(data: Any, day: Callable[[Between], str]) -> Any:
    """Return data with text for each of its dates."""
    if isinstance(data, Between):
        return day(data)
    if isinstance(data, dict):
        return {name: dated(value, day) for name, value in data.items()}
    return data


def dates_of(data: Any) -> Iterator[Between]:
    """Yield the dates in some data."""
    if isinstance(data, Between):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from dates_of(value)


@st.composite
def records(draw: st.DrawFn) -> list[Draft]:
    """Draw an order that others bear on, and what becomes of them.

    No two dates begin alike, and a lawsuit is filed before all else.
    """
    used: set[int] = set()

    def when(*, ends: bool = False) -> Between:
        first = draw(st.integers(1, 600))
        wide = draw(st.booleans())
        found = Between(first, first + (draw(st.integers(1, 300)) if wide else 0), ends)
        assume(found.place[0] not in used)
        used.add(found.place[0])
        return found

    def sometimes(share: int) -> bool:
        return draw(st.integers(1, 10)) <= share

    def dates(*, effective: int, until: int, begins: Between | None = None) -> Json:
        found: Json = {"effective": when()} if sometimes(effective) else {}
        begun, ends = found.get("effective", begins), when(ends=True) if sometimes(until) else None
        if ends is not None and (begun is None or begun.place < ends.place):
            found["until"] = ends
        part = {"scope": "partial", "provision": "p"} if sometimes(1) else {}
        return found | part

    def acts(policy: str, most: int, pool: Sequence[str]) -> None:
        for _ in range(draw(st.integers(0, most))):
            occurred = when()
            more = dates(effective=2, until=2, begins=occurred)
            record.append(act(policy, draw(st.sampled_from(pool)), occurred, **more))

    target = draw(st.sampled_from(["executive_order", "ordinance", "executive_order"]))
    record = [registered(OLD, instrument=target), act(OLD, "issued", when())]
    acts(OLD, 2, OWN)
    record += [
        registered(NEW, instrument=draw(st.sampled_from(["executive_order", "court_order"])))
    ]
    record += [act(NEW, "issued", when())]
    acts(NEW, 2, OWN)
    relation = draw(st.sampled_from(ACTING))
    if relation in TOLD_AS and sometimes(3):
        record.append(act(OLD, TOLD_AS[relation], when(), by={"policy": NEW}))
        record.append(select(NEW, relation, when(), effective=when()))
    else:
        record.append(relate(NEW, relation, OLD, **dates(effective=8, until=3)))
    if sometimes(6):
        record += [registered(THIRD), act(THIRD, "issued", when())]
        acts(THIRD, 1, OWN)
        more = dates(effective=8, until=3)
        record.append(relate(THIRD, draw(st.sampled_from(ACTING)), NEW, **more))
    if sometimes(4):
        record += [registered(SUIT, instrument="lawsuit"), act(SUIT, "filed", Between(0, 0))]
        acts(SUIT, 2, COURT)
        relation, told = draw(st.sampled_from(["challenges", "enjoins"])), draw(st.booleans())
        record.append(relate(SUIT, relation, OLD if told else NEW, **dates(effective=8, until=3)))
    return record


def exact(dates: Sequence[Between], shares: Sequence[int]) -> dict[Between, int] | None:
    """Return exact days for dates, in the same order; None where there are none.

    Args:
        dates: all of them, each once.
        shares: where in its bounds each day is to lie, of 10.

    """
    ordered = sorted(dates, key=lambda each: each.place)
    latest: list[int] = []
    for each in reversed(ordered):
        last = each.place[1]
        latest.insert(0, min(last, latest[0] - 1) if latest else last)
    found: dict[Between, int] = {}
    before = -1
    for each, last, share in zip(ordered, latest, shares, strict=False):
        first = max(each.place[0], before + 1)
        if first > last:
            return None
        before = first + (last - first) * share // 10
        found[each] = before - each.ends
    return found


def folded(record: Sequence[Draft], day: Callable[[Between], str]) -> dict[str, History]:
    """Return what is believed of the policies, with some text for each date."""
    events = past(*(each._replace(data=dated(each.data, day)) for each in record))
    streams = RecordedStreams(events, 0)
    seen = {each: seen_at(streams, each, len(events)) for each in (OLD, NEW)}
    return {policy: each.history for policy, each in seen.items() if each is not None}


def on(history: History, day: int) -> Period | None:
    """Return the period of a day, None before the first."""
    return next((each for each in history.periods if each.first <= day <= each.last), None)


def may_be(period: Period | None, axis: str) -> set[str | None]:
    """Return what an axis may be in a period."""
    if period is None:
        return {"not_enacted" if axis == "force" else "none"}
    return set(period.possible.get(axis, (getattr(period, axis),)))


def uncertain(when: Between) -> str:
    """Return a date between its bounds."""
    return iso(when.first) if when.first == when.last else f"{iso(when.first)}/{iso(when.last)}"


FIRM: Final = [[0] * 20, [10] * 20, [5] * 20, [0, 10] * 10]
"""Shares for the examples: all early, all late, and some of both."""


def later_restart() -> list[Draft]:
    """Return a suspension that is interrupted on unknown days, and a resumption meanwhile."""
    return [
        *(registered(OLD), act(OLD, "issued", between("2020-01-03"))),
        *(registered(NEW), act(NEW, "issued", between("2020-01-20"))),
        relate(NEW, "suspends", OLD),
        act(NEW, "suspended", between("2020-03-01", "2020-09-01")),
        act(NEW, "resumed", between("2020-07-01", "2020-10-01")),
        act(OLD, "resumed", between("2020-06-01")),
    ]


def earlier_restart() -> list[Draft]:
    """Return the same where the interruption is over before the resumption, by its bounds."""
    return [
        *(registered(OLD), act(OLD, "issued", between("2020-01-03"))),
        *(registered(NEW), act(NEW, "issued", between("2020-01-20"))),
        relate(NEW, "suspends", OLD),
        act(
            NEW,
            "suspended",
            between("2020-03-01", "2020-09-01"),
            until=until("2020-04-01", "2020-10-01"),
        ),
        act(OLD, "resumed", between("2020-06-01")),
    ]


def reissued_after_reversal() -> list[Draft]:
    """Return a repealer that is struck down and found valid again, then the target anew."""
    return [
        *(registered(OLD), act(OLD, "issued", between("2020-01-03"))),
        *(registered(NEW), act(NEW, "issued", between("2020-01-20"))),
        relate(NEW, "repeals", OLD),
        act(NEW, "struck_down", between("2020-06-01", "2020-12-31")),
        act(NEW, "reversed", between("2020-09-01", "2021-12-31")),
        act(OLD, "issued", between("2021-01-15")),
    ]


def fired_early_or_late() -> list[Draft]:
    """Return a repealer that was perhaps suspended before it was issued, for a year."""
    return [
        *(registered(OLD), act(OLD, "issued", between("2020-06-01"))),
        *(registered(NEW), act(NEW, "issued", between("2020-02-01"))),
        relate(NEW, "repeals", OLD),
        act(NEW, "suspended", between("2020-01-01", "2020-03-01"), until=until("2021-01-01")),
    ]


def fired_amid_others() -> list[Draft]:
    """Return a repealer that begins to act, for the first time, before or after its target does."""
    return [
        *(registered(OLD), act(OLD, "issued", between("2020-07-06"))),
        *(registered(NEW), act(NEW, "issued", between("2020-06-19", "2020-09-08"))),
        relate(NEW, "rescinds", OLD),
        act(
            NEW,
            "suspended",
            between("2020-03-23", "2020-12-21"),
            until=until("2020-09-01", "2020-11-20"),
        ),
    ]


def brief_injunction() -> list[Draft]:
    """Return a court order that is in force for some days among many."""
    return [
        *(registered(OLD), act(OLD, "issued", between("2020-01-03"))),
        registered(NEW, instrument="court_order"),
        act(NEW, "issued", between("2020-03-01", "2020-06-30")),
        act(NEW, "expired", between("2020-05-01", "2020-09-30")),
        relate(NEW, "enjoins", OLD),
    ]


def doubtful_repeal() -> list[Draft]:
    """Return a repeal by a struck down order, that an action tells of and perhaps a selector."""
    return [
        *(registered(OLD), act(OLD, "issued", between("2020-06-01"))),
        *(registered(NEW), act(NEW, "issued", between("2020-01-20"))),
        act(OLD, "repealed", between("2021-07-16"), by={"policy": NEW}),
        select(
            NEW, "repeals", between("2020-03-01", "2020-09-01"), effective=between("2021-07-18")
        ),
        act(NEW, "struck_down", between("2022-01-01")),
    ]


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much],
)
@given(
    record=records(),
    choices=st.lists(
        st.lists(st.integers(0, 10), min_size=40, max_size=40),
        min_size=CHOICES,
        max_size=CHOICES,
    ),
)
@example(record=later_restart(), choices=FIRM)
@example(record=earlier_restart(), choices=FIRM)
@example(record=reissued_after_reversal(), choices=FIRM)
@example(record=fired_early_or_late(), choices=FIRM)
@example(record=fired_amid_others(), choices=FIRM)
@example(record=brief_injunction(), choices=FIRM)
@example(record=doubtful_repeal(), choices=FIRM)
def test_what_exact_dates_lead_to_is_among_what_is_possible(
    record: list[Draft], choices: list[list[int]]
) -> None:
    """However the dates of a policy, of those that bear on it, and of relations turn out."""
    dates = list(dict.fromkeys(each for draft in record for each in dates_of(draft.data)))
    said = folded(record, uncertain)

    for shares in choices:
        days = exact(dates, shares)
        if days is None:
            continue
        texts = {when: iso(day) for when, day in days.items()}
        for policy, history in folded(record, texts.__getitem__).items():
            for period in history.periods:
                for day in {max(period.first, 1), min(period.last, LAST_DAY)}:
                    told = on(said[policy], day)
                    for axis in ("force", "litigation"):
                        assert may_be(period, axis) <= may_be(told, axis), (policy, day, axis)
                    answer = InForce.NO if told is None else told.in_force
                    assert answer in {InForce.MAYBE, period.in_force}, (policy, day)
