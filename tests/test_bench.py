"""The benchmark works, at sizes at which its figures mean nothing."""

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from bench import appends, filling, load, new_york, peers, raw, record, services
from bench.__main__ import PARTS, measured
from bench.databases import Databases
from bench.table import Row, Scale, Target, cells, markdown, rounds
from sqlalchemy import Engine

from shared_files import shared
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Draft
from timeline.eventstore.sql import SqlStore

TINY = Scale(kinds=("sqlite",), rounds=1, events=100, seconds=0.1, timeout_s=60)


@pytest.fixture
def databases() -> Iterator[Databases]:
    """Give a place for databases; PostgreSQL starts only where it is asked for."""
    with Databases() as databases:
        yield databases


@pytest.fixture
def engine(databases: Databases) -> Iterator[Engine]:
    """Give a new SQLite database."""
    with databases.engine("sqlite") as engine:
        yield engine


# What a row says


def test_a_figure_is_the_median_of_turns_that_are_taken_one_after_the_other() -> None:
    """Contestants run in turns, in changing order, and the warming turn does not count."""
    ran: list[str] = []
    figures = {"one": iter([99.0, 3.0, 1.0, 2.0]), "other": iter([99.0, 5.0, 5.0, 8.0])}

    def run(name: str) -> float:
        ran.append(name)
        return next(figures[name])

    medians = rounds({"one": lambda: run("one"), "other": lambda: run("other")}, 3)

    assert medians == {"one": 2.0, "other": 5.0}
    assert ran == ["other", "one", "one", "other"] * 2


@pytest.mark.parametrize(
    ("value", "beside", "verdict"),
    [
        (50.0, 10.0, "MISSED"),
        (60.0, 10.0, "met"),
        (80.0, 10.0, "stretch met"),
        (9, None, "not shown"),
    ],
)
def test_a_missed_target_says_so(value: float, beside: float | None, verdict: str) -> None:
    """A target is met by the figures alone; without the peer's, nothing is shown."""
    row = a_row(value, beside, targets=(Target(bound=6),), stretch=Target(bound=8))

    assert row.verdict == verdict
    assert verdict in markdown([row])


def test_one_of_several_targets_is_enough() -> None:
    """A row that may reach either of two bounds reaches its target by one of them."""
    targets = (Target(bound=100, of="value"), Target(bound=1))

    assert a_row(50, 40, targets=targets).verdict == "met"
    assert a_row(50, 60, targets=targets).verdict == "MISSED"
    assert cells(a_row(50, 60, targets=targets))[-2] == ">= 100 or >= 1 x"


def a_row(
    value: float,
    beside: float | None,
    *,
    targets: tuple[Target, ...],
    stretch: Target | None = None,
) -> Row:
    """Return a row with these figures."""
    return Row(
        part="appends",
        database="sqlite",
        what="something",
        value=value,
        unit="events/s",
        beside="another",
        beside_value=beside,
        targets=targets,
        stretch=stretch,
    )


# What is measured


def test_a_record_is_the_same_for_the_same_size() -> None:
    """Every contestant takes in the same events, and a figure can be measured again."""
    assert list(record.events(300)) == list(record.events(300))
    assert len(list(record.events(300, relations=0.1))) == 300


def test_what_is_counted_was_recorded(engine: Engine) -> None:
    """Appends from tasks and from threads are as many as the log has afterwards."""
    filling.record(engine, record.registrations(5))
    supply = record.actions(5, 5)

    with filling.writing(engine) as writer:
        by_tasks = appends.tasks(writer, list(islice(supply, 30)), 8, 60)
        by_threads = appends.threads(
            lambda draft: appends.append(writer, draft), list(islice(supply, 10)), 2, 60
        )

    assert SqlStore(engine).head().position == 45
    assert by_tasks > 0
    assert by_threads > 0


def test_the_bare_driver_writes_the_same_rows(databases: Databases, engine: Engine) -> None:
    """What the driver puts into another database's tables is what this project had written."""
    filling.record(engine, record.drafts(100, relations=0.1))
    rows, url = raw.rows(engine), databases.fresh("sqlite")

    raw.executemany(url, rows)

    assert len(rows["log_entries"]) == raw.read(url) == 100
    with raw.committing(databases.fresh("sqlite")) as commit:
        commit()
        commit()


def test_a_record_of_relations_is_projected_and_rebuilt(engine: Engine) -> None:
    """Following the log and building anew come to the same, also where policies relate."""
    filling.record(engine, record.drafts(150, relations=0.2))

    followed, rebuilt = filling.project(engine, 60), filling.rebuild(engine, 60)

    assert followed > 0
    assert rebuilt > 0


def test_work_that_takes_too_long_is_given_up(engine: Engine) -> None:
    """Filling read models has an end in time."""
    filling.record(engine, record.drafts(50))

    with pytest.raises(TimeoutError, match="at position 50 of 50"):
        filling.project(engine, 0)


def test_the_generator_counts_answers(tmp_path: Path) -> None:
    """Answers are counted whole, small and large; what is refused is no answer."""
    with services.empty(tmp_path) as server:
        small = load.generate(server.port, [load.get("/")], connections=4, seconds=0.2)
        large = load.generate(server.port, [load.get("/bytes/300000")], connections=4, seconds=0.2)
        with pytest.raises(ConnectionError, match="404"):
            load.generate(server.port, [load.get("/nowhere")], connections=1, seconds=0.1)

    assert small.answered >= 4
    assert large.answered >= 4
    assert small.busy > 0


@pytest.mark.parametrize("part", ["appends", "import", "rebuild", "proof", "growth"])
def test_a_part_yields_its_rows(part: str, databases: Databases) -> None:
    """Each part measures to its end, with peers and without."""
    rows, broken = measured([part], TINY, databases)

    assert broken == {}
    assert {row.part for row in rows} == {part}
    assert all(row.value > 0 for row in rows)


@pytest.mark.parametrize("part", ["http", "export", "timeline"])
def test_a_part_that_asks_the_service_yields_its_rows(part: str, databases: Databases) -> None:
    """What runs over HTTP is measured of the service as users start it."""
    rows, broken = measured([part], TINY, databases)

    assert broken == {}
    assert {row.part for row in rows} == {part}


def test_a_part_that_breaks_is_named_and_others_go_on(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be measured is no missed target: it is said, with the reason."""

    def breaking(scale: Scale, databases: Databases) -> Iterator[Row]:
        yield a_row(1, 1, targets=())
        raise ConnectionError(f"{scale.rounds} rounds in {databases.directory.name}")

    monkeypatch.setitem(PARTS, "http", breaking)
    monkeypatch.setitem(PARTS, "live", lambda *_: iter([a_row(2, 1, targets=())]))

    rows, broken = measured(["http", "live"], TINY, databases)

    assert [row.value for row in rows] == [1, 2]
    assert broken["http"].startswith("ConnectionError: 1 rounds in ")


# The peers


def test_eventsourcing_records_the_same_events(databases: Databases) -> None:
    """The peer's recorder takes the events that this project takes, and reads them back."""
    needs("eventsourcing")
    drafts = [*record.registrations(2), *islice(record.actions(2, 2), 4)]

    with peers.recorder(databases, "sqlite") as recorder:
        recorder.insert_events(peers.stored(drafts, 1))
        notifications = recorder.select_notifications(1, 10)

    assert [each.state for each in notifications] == [draft.data for draft in drafts]


def test_umadb_records_an_event(tmp_path: Path) -> None:
    """The peer's server starts and takes an event."""
    needs("umadb")

    with peers.umadb(tmp_path) as insert:
        assert insert is not None
        insert(record.registrations(1)[0])


def needs(peer: str) -> None:
    """Skip a test without the peer."""
    if not peers.installed(peer):
        pytest.skip(f"{peer} is {peers.MISSING}")


# New York


def test_the_record_takes_what_new_york_did() -> None:
    """The events of real matters are well formed, and no two are the same."""
    directory = shared(f"data/{new_york.MATTERS}").parent
    shared(f"data/{new_york.ACTIONS}")

    drafts = [
        Draft.read(**{**event, "type": EventType(event["type"])})
        for event in new_york.events(directory, 300)
    ]

    assert len(drafts) > 1_500
    assert len({draft.id for draft in drafts}) == len(drafts)


def write(path: Path, *lines: str) -> None:
    """Write lines to a compressed file."""
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
