"""Which indexes answer: read off the plans of both databases, without statistics on SQLite.

PostgreSQL reads a table as small as a test's as a whole; what it may do otherwise is switched off,
so that a plan shows whether the index can serve, order included.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from builders import acted, registered
from timeline.eventstore.model import Append
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections.change_reads import (
    ChangeFilter,
    Place,
    Stretch,
    changing_events,
    recorders,
    select_changed,
)
from timeline.projections.graph_reads import graph_around
from timeline.projections.identities import duplicates_of, identifiers_of
from timeline.projections.log import Log
from timeline.projections.policy_listing import PolicyFilter
from timeline.projections.policy_reads import policy_item, select_policies
from timeline.projections.reading import View, view
from timeline.projections.registered_reads import select_by_any_word, select_places
from timeline.projections.relation_reads import edges, neighbourhood, selected_by
from timeline.projections.runner import Runner
from timeline.projections.timeline_reads import ItemKey, TimelineFilter, select_items

PLACE = "ocd-division/country:us/state:ca/place:los_angeles"
DAY = 740_000
AFTER = ItemKey(earliest=735_000, latest=735_000, rank=3, time="", position=5, policy="an-order")

Ask = Callable[[View], object]


@pytest.fixture
def live(engine: Engine) -> Iterator[View]:
    """Give a view of two policies."""
    with Writer(SqlStore(engine)) as writer:
        for policy in ("an-order", "another"):
            given: dict[str, Any] = {
                "topics": ["parks"],
                "identifiers": [{"scheme": "no", "value": policy}],
            }
            for each in (registered(policy, **given), acted(policy, actors=[{"name": "Mayor"}])):
                writer.append(Append(drafts=(each,), recorded_by="desk"))
    Runner(engine, Log(SqlStore(engine))).catch_up()
    with view(engine) as live:
        if engine.dialect.name == "postgresql":
            for way in ("seqscan", "bitmapscan", "sort", "hashagg"):
                live.connection.execute(text(f"SET LOCAL enable_{way} = off"))
        yield live


def plans(live: View, ask: Ask) -> list[str]:
    """Return the plan of each statement that a question takes."""
    found: list[str] = []
    postgresql = live.connection.dialect.name == "postgresql"
    how = "EXPLAIN " if postgresql else "EXPLAIN QUERY PLAN "

    def explain(
        connection: Connection, _cursor: Any, statement: str, given: Any, *_rest: Any
    ) -> None:
        driver: Any = connection.connection.driver_connection
        rows = driver.execute(how + statement, given).fetchall()
        found.append("\n".join(row[0 if postgresql else 3] for row in rows))

    event.listen(live.connection, "before_cursor_execute", explain)
    try:
        ask(live)
    finally:
        event.remove(live.connection, "before_cursor_execute", explain)
    return found


def index(live: View, table: str, column: str | None = None) -> str:
    """Return how a plan calls the table's index led by a column, or its primary key."""
    full = f"{table}_{live.slots['timeline' if table.startswith('timeline') else 'policies']}"
    if column is not None:
        return f"ix_{full}_{column}"
    if live.connection.dialect.name == "postgresql":
        return f"pk_{full}"
    with_rowid = {"policies", "policy_periods", "disputes", "timeline", "sources"}
    return f"sqlite_autoindex_{full}_1" if table in with_rowid else "USING PRIMARY KEY"


def sorts(plan: str) -> bool:
    """Tell whether a plan has to sort."""
    return "Sort" in plan or "TEMP B-TREE" in plan


def listing(filter: PolicyFilter, after: str | None = None) -> Ask:
    """Ask for a page of policies."""
    return lambda live: select_policies(live, filter, day=DAY, position=4, after=after, limit=51)


def actions(filter: TimelineFilter, *, descending: bool, after: ItemKey | None) -> Ask:
    """Ask for a page of actions."""
    return lambda live: select_items(
        live, filter, position=4, after=after, limit=51, descending=descending
    )


@pytest.mark.parametrize("after", [None, "an-order"])
@pytest.mark.parametrize(
    ("filter", "table", "column"),
    [
        (PolicyFilter(), "policy_values", None),
        (PolicyFilter(force="in_force", litigation="none"), "policy_values", None),
        (PolicyFilter(jurisdiction=PLACE), "policy_values", "kind"),
        (PolicyFilter(jurisdiction=PLACE, force="in_force"), "policy_values", "kind"),
        (PolicyFilter(jurisdiction=PLACE, in_force="yes"), "policy_values", "kind"),
        (PolicyFilter(jurisdiction=PLACE, topic="parks"), "policy_tags", None),
        (PolicyFilter(identifier="no:another", topic="parks"), "policy_tags", None),
    ],
)
def test_a_page_of_policies_comes_in_order_from_one_index(
    live: View, filter: PolicyFilter, table: str, column: str | None, after: str | None
) -> None:
    """The most selective filter drives the listing; no more is read than the page needs."""
    ids, *_ = plans(live, listing(filter, after))

    assert index(live, table, column) in ids
    assert not sorts(ids)
    assert "SCAN" not in ids


def test_what_is_on_a_page_is_looked_up_by_primary_keys(live: View) -> None:
    """Descriptions, periods, versions and disputes of a page's policies, and of one alone."""
    _, page = plans(live, listing(PolicyFilter(jurisdiction=PLACE)))
    (one,) = plans(live, lambda live: policy_item(live, "another", day=DAY, position=4))

    for plan in (page, one):
        for table in ("policies", "policy_periods", "policy_steps", "disputes"):
            assert index(live, table) in plan
        assert "SCAN" not in plan


@pytest.mark.parametrize("after", [None, Place(2, "an-order")])
@pytest.mark.parametrize(
    "filter", [ChangeFilter(), ChangeFilter(jurisdiction=PLACE, topic="parks", within=True)]
)
def test_a_page_of_changes_comes_in_the_order_of_the_record(
    live: View, monkeypatch: pytest.MonkeyPatch, filter: ChangeFilter, after: Place | None
) -> None:
    """The stretch is walked in one index; whether a step is its policy's first is looked up."""
    monkeypatch.setattr("timeline.projections.change_reads.MAX_NAMED", 0)
    *_, plan = plans(
        live, lambda live: select_changed(live, filter, Stretch(1, 4), after=after, limit=51)
    )

    assert index(live, "policy_steps", "known_from") in plan
    assert index(live, "policy_steps") in plan
    assert not sorts(plan)
    assert "SCAN" not in plan


def test_the_changes_of_one_policy_are_looked_up(live: View) -> None:
    """They are found by the policy, not by going through the stretch."""
    filter = ChangeFilter(policy="another")
    (plan,) = plans(
        live, lambda live: select_changed(live, filter, Stretch(0, 4), after=None, limit=51)
    )

    assert index(live, "policy_steps") in plan
    if live.connection.dialect.name == "sqlite":
        assert index(live, "policy_steps", "known_from") not in plan


@pytest.mark.parametrize(("most", "named"), [(100, True), (0, False)])
def test_the_changes_on_a_rare_topic_are_looked_up(
    live: View, monkeypatch: pytest.MonkeyPatch, most: int, *, named: bool
) -> None:
    """They are found by the policies that have it; of a common one the stretch is walked."""
    monkeypatch.setattr("timeline.projections.change_reads.MAX_NAMED", most)
    filter = ChangeFilter(topic="parks")
    *tags, steps = plans(
        live, lambda live: select_changed(live, filter, Stretch(0, 4), after=None, limit=51)
    )

    assert [index(live, "policy_tags") in plan for plan in tags] == [True, True]
    assert not any("SCAN" in plan for plan in (*tags, steps))
    if live.connection.dialect.name == "sqlite":
        assert (index(live, "policy_steps", "known_from") in steps) is not named


def test_the_events_of_changes_are_looked_up(live: View) -> None:
    """Steps by their policies, events by their positions."""
    policies = ["an-order", "another"]
    found = plans(live, lambda live: changing_events(live, policies, Stretch(0, 4)))
    found += plans(live, lambda live: recorders(live, policies, Stretch(0, 4)))

    for plan in found:
        assert index(live, "policy_steps") in plan
        entries = "pk_log_entries" if live.connection.dialect.name == "postgresql" else "rowid=?"
        assert entries in plan
    assert len(found) == 2


@pytest.mark.parametrize("after", [None, AFTER])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("filter", "column"),
    [
        (TimelineFilter(), "earliest"),
        (TimelineFilter(by=DAY, first=1), "earliest"),
        (TimelineFilter(policies=("an-order",)), "policy"),
        (TimelineFilter(jurisdiction=PLACE), "jurisdiction"),
        (TimelineFilter(action="issued"), "action"),
    ],
)
def test_a_page_of_actions_comes_in_order_from_one_index(
    live: View, filter: TimelineFilter, column: str, after: ItemKey | None, *, descending: bool
) -> None:
    """Either way, and from any place on, nothing is sorted; what is served is looked up."""
    keys, *lookups = plans(live, actions(filter, descending=descending, after=after))

    assert index(live, "timeline", column) in keys
    assert not sorts(keys)
    for plan, table in zip(lookups, ("policies", "sources"), strict=False):
        assert index(live, table) in plan


@pytest.mark.parametrize(("most", "column"), [(2_000, "jurisdiction"), (0, "earliest")])
def test_the_actions_within_a_place_are_looked_up_where_they_are_few(
    live: View, monkeypatch: pytest.MonkeyPatch, most: int, column: str
) -> None:
    """Those of a large place are met in order instead, so that they need not be sorted."""
    monkeypatch.setattr("timeline.projections.timeline_reads.MAX_SORTED", most)
    asked = TimelineFilter(jurisdiction="ocd-division/country:us", within=True)

    few, keys, *_ = plans(live, actions(asked, descending=False, after=None))

    assert index(live, "timeline", "jurisdiction") in few
    if live.connection.dialect.name == "sqlite" or most == 0:
        assert index(live, "timeline", column) in keys
        assert sorts(keys) is (most > 0)


def test_the_few_actions_of_an_actor_are_looked_up(live: View) -> None:
    """A rare actor's actions are found by the tag, not by going through all actions."""
    tags, keys, *_ = plans(
        live, actions(TimelineFilter(actor="mayor"), descending=False, after=None)
    )

    assert index(live, "timeline_tags") in tags
    # PostgreSQL sees that all actions are as few.
    if live.connection.dialect.name == "sqlite":
        assert f"{index(live, 'timeline')} (policy=? AND event=?" in keys


@pytest.mark.parametrize(("named", "texts"), [(0, 5_000), (0, 0), (100, 5_000)])
def test_words_are_met_in_order_or_looked_up_where_they_are_rare(
    live: View, monkeypatch: pytest.MonkeyPatch, named: int, texts: int
) -> None:
    """What actions say is leapt over, text by text, and what a row says stands in the index."""
    monkeypatch.setattr("timeline.projections.word_reads.MAX_NAMED", named)
    monkeypatch.setattr("timeline.projections.word_reads.MAX_TEXTS", texts)
    filter = TimelineFilter(words="another")
    said, *_, keys, _, _ = plans(live, actions(filter, descending=False, after=None))
    ids, _ = plans(live, listing(PolicyFilter(words="another")))

    assert index(live, "timeline", "said") in said
    assert "Seq Scan" not in said
    if named == 0:
        assert index(live, "timeline", "earliest") in keys
        assert not sorts(keys)
        assert index(live, "policy_values") in ids
    elif live.connection.dialect.name == "sqlite":
        assert f"{index(live, 'timeline')} (policy=? AND event=?" in keys
        assert "(kind=? AND value=? AND policy=?" in ids


def test_whom_selectors_name_is_looked_up(live: View) -> None:
    """Relations around a policy, with those whose selectors name it, are no walk through all."""
    found = plans(live, lambda live: graph_around(live, "an-order", depth=1, day=DAY, position=4))
    found += plans(live, lambda live: edges(live, "an-order", 4))
    found += plans(live, lambda live: neighbourhood(live, "an-order", 1, 4))
    (named,) = plans(live, lambda live: selected_by(live, "an-event", 4, 101))

    naming = [plan for plan in found if index(live, "relations", "event") in plan]
    assert len(naming) == len(["graph", "page", "timeline"])
    # PostgreSQL sees that all tags are as few as the policy's.
    if live.connection.dialect.name == "sqlite":
        assert all(index(live, "timeline_tags", "policy") in plan for plan in naming)
    assert index(live, "timeline_tags") in named
    assert not sorts(named)
    assert [plan for plan in (*found, named) if "SCAN" in plan or "Seq Scan" in plan] == []


def test_what_may_be_the_same_is_looked_for_in_its_place_alone(live: View) -> None:
    """And places are leapt over, so that no question of someone who types is a walk through all."""
    alike, named = plans(
        live, lambda live: select_by_any_word(live, ["an"], PLACE, position=4, limit=50)
    )
    (places,) = plans(live, lambda live: select_places(live, position=4))

    for plan in (alike, places):
        assert index(live, "policies", "jurisdiction") in plan
        assert "Seq Scan" not in plan
    assert index(live, "policies") in named
    assert select_places(live, position=4) == [PLACE]


def test_names_are_resolved_by_indexes(live: View) -> None:
    """Identifiers of a policy, and its duplicates, are no walk through those of all."""
    (carried,) = plans(live, lambda live: identifiers_of(live, ["an-order"], 4))
    (merged,) = plans(live, lambda live: duplicates_of(live, ["an-order"], 4))

    assert index(live, "policy_tags", "policy") in carried
    assert index(live, "policy_tags") in merged
    assert "value=?" in merged or "value = " in merged
