"""Listings and histories, held against one policy at a time, on both databases."""

import random
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from random_record import POLICIES, Draw, accept
from timeline.domain.situation import fold_text
from timeline.domain.vocabulary import EventType, Force, InForce, Litigation
from timeline.eventstore.database import create_engine
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections.log import Log
from timeline.projections.picture_policies import count_shown
from timeline.projections.picture_reads import Selection, Window, gather
from timeline.projections.policy_history import states, steps
from timeline.projections.policy_listing import PolicyFilter
from timeline.projections.policy_reads import policy_details, policy_item, select_policies, standing
from timeline.projections.reading import View, known, view
from timeline.projections.runner import Runner
from timeline.projections.timeline_reads import TimelineFilter, select_items

EVENTS = 80
DAYS = [date(year, month, 15).toordinal() for year in range(2018, 2024) for month in (1, 7)]


LABELS = ("Heard by Committee", "Heard by Council", "50% _passed_", "Straße /gesperrt\\", "-")
WORDS = (
    "heard",
    "committee",
    "%",
    "_",
    "/",
    "\\",
    "strasse",
    "ALPHA",
    "title",
    "a",
    "nowhere",
    " ",
)
EVER = Window(1, 1_000_000)
BOUNDS = [(100, 5_000), (0, 5_000), (1, 0)]

RECORDS = [("sqlite", 1), ("sqlite", 2), ("sqlite", 3), ("postgresql", 1)]


@pytest.fixture(scope="module", params=RECORDS, ids=str)
def live(shared_database: Callable[[str], str], request: pytest.FixtureRequest) -> Iterator[View]:
    """Give a view of a random record: several, and one of them on each database."""
    kind, seed = request.param
    engine = create_engine(shared_database(kind))
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    drawn: list[Draw] = [
        (
            str(chance.choice([*EventType, *[EventType.ACTION_RECORDED] * 6])),
            chance.randrange(len(POLICIES)),
            chance.randrange(401),
            chance.randrange(401),
            chance.randrange(401),
        )
        for _ in range(EVENTS)
    ]
    with Writer(SqlStore(engine)) as writer:
        for event, raw in accept(drawn):
            data = raw
            if event.type is EventType.ACTION_RECORDED:
                label = chance.choice(LABELS)
                data = {**raw, "label": label}
            draft = Draft.read(id=event.id, policy=event.policy, type=event.type, data=data)
            writer.append(Append(drafts=(draft,), recorded_by="desk"))
    Runner(engine, Log(SqlStore(engine))).catch_up()
    with view(engine) as live:
        yield live
    engine.dispose()


def items(live: View, day: int, position: int) -> list[dict[str, Any]]:
    """Return the items of all policies that a listing may have, each asked for alone."""
    found = []
    for policy in sorted(POLICIES):
        stands = standing(live, policy, position)
        item = policy_item(live, policy, day=day, position=position)
        if stands is None or item is None or stands.retracted_by or stands.merged_into:
            continue
        periods = policy_details(live, policy, position)["periods"]
        if periods and (periods[0]["from"] or "") <= date.fromordinal(day).isoformat():
            found.append(item)
    return found


def listed(live: View, day: int, position: int, **filter: Any) -> list[dict[str, Any]]:
    """Return what a listing has."""
    asked = PolicyFilter(**filter)
    return select_policies(live, asked, day=day, position=position, after=None, limit=50)


VALUES: dict[str, list[str]] = {
    "stage": ["passed", "issued", "vetoed", "unknown"],
    "force": [*map(str, Force)],
    "litigation": [*map(str, Litigation)],
    "in_force": [*map(str, InForce)],
}


def test_a_filter_finds_what_each_policy_says_of_itself(live: View) -> None:
    """A value matches, and so does each that is possible; at every position and on many days."""
    for position in range(1, live.position + 1, 7):
        for day in DAYS:
            everything = listed(live, day, position)
            assert everything == items(live, day, position)
            for axis, values in VALUES.items():
                for value in values:
                    assert listed(live, day, position, **{axis: value}) == [
                        item
                        for item in everything
                        if value in {item[axis], *item["possible"].get(axis, ())}
                    ]


def test_filters_are_joined_by_and(live: View) -> None:
    """Whichever filter drives the listing, all of them hold."""
    for position in range(1, live.position + 1, 7):
        for day in DAYS:
            for item in items(live, day, position):
                matching = {name: item[name] for name in ("force", "litigation", "in_force")}
                about = {name: item[name] for name in ("jurisdiction", "instrument")}
                topic = item["topics"][0].casefold() if item["topics"] else None

                assert item in listed(live, day, position, topic=topic, **matching, **about)
                assert item in listed(live, day, position, within=True, **matching, **about)
                for wrong in ({"jurisdiction": "ocd-division/country:ca"}, {"topic": "none"}):
                    assert listed(live, day, position, **(matching | about | wrong)) == []


@pytest.mark.parametrize(("named", "texts"), BOUNDS)
def test_words_find_what_has_them(
    live: View, monkeypatch: pytest.MonkeyPatch, named: int, texts: int
) -> None:
    """They stand anywhere in an action's own words or its policy's, at each position, few or many."""
    monkeypatch.setattr("timeline.projections.word_reads.MAX_NAMED", named)
    monkeypatch.setattr("timeline.projections.word_reads.MAX_TEXTS", texts)
    monkeypatch.setattr("timeline.projections.picture_reads.MAX_GATHERED", texts)
    monkeypatch.setattr("timeline.projections.picture_reads.MAX_ACTING", named)
    live = msgspec.structs.replace(live, remembered={})
    for position in range(7, live.position + 1, 29):
        told = acting(live, position)
        policies = listed(live, DAYS[-1], position)
        called = described(live, position)
        for words in map(str.casefold, WORDS):
            found = acting(live, position, words=words)

            assert found == [
                item
                for item in told
                if words in fold_text(item["label"] or "") or words in called[item["policy"]]
            ]
            assert listed(live, DAYS[-1], position, words=words) == [
                item for item in policies if words in called[item["policy"]]
            ]
            gathered = gather(live, TimelineFilter(words=words), position, None)
            acted = tuple({item["policy"] for item in found})
            of_them = Selection(live, TimelineFilter(policies=acted), position)
            assert sum(tally.actions for tally in gathered.tallies) == len(found)
            assert count_shown(gathered.selection, EVER) == count_shown(of_them, EVER)


def acting(live: View, position: int, **filter: Any) -> list[dict[str, Any]]:
    """Return what the timeline has."""
    asked = TimelineFilter(**filter)
    found = select_items(live, asked, position=position, after=None, limit=500, descending=False)
    return [item for _, item in found]


def described(live: View, position: int) -> dict[str, str]:
    """Return by which words each policy is found."""
    policies = live.table("policies", "policies")
    query = select(policies.c.policy, policies.c.search).where(known(policies, position))
    return {row.policy: row.search for row in live.connection.execute(query)}


def test_a_page_of_a_history_says_what_each_step_was(live: View) -> None:
    """A walk through the steps agrees with asking at each position."""
    for policy in POLICIES:
        for day in DAYS[::3]:
            positions = steps(live, policy, after=0, until=live.position, limit=500)
            alone: list[dict[str, Any] | None] = [None]
            for position in positions:
                item = policy_item(live, policy, day=day, position=position)
                stands = standing(live, policy, position)
                assert item is not None
                assert stands is not None
                there = {"retracted_by": stands.retracted_by, "merged_into": stands.merged_into}
                alone.append({**item, **there})

            assert states(live, policy, day, [0, *positions]) == alone
            assert states(live, policy, day, positions[3:]) == alone[4:]
