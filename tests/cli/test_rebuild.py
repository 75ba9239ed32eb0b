"""`timeline rebuild`: the same rows as by following along, whatever happens meanwhile."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import pytest
from click.testing import Result
from sqlalchemy import Engine, delete, update

from builders import acted, erased, event_id, registered
from random_record import Draw, accept
from timeline.application.replay import replay
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections import rebuild as rebuilding
from timeline.projections.errors import RebuildInterruptedError
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.reading import view
from timeline.projections.rebuild import live_digests, rebuild
from timeline.projections.runner import Runner

Timeline = Callable[..., Result]

ALL: Final = [model.name for model in MODELS]

# Kinds of event by how often they are drawn: what rewrites history comes often.
KINDS: Final = (
    *(EventType.ACTION_RECORDED,) * 4,
    *(EventType.RELATION_ASSERTED,) * 2,
    *(EventType.POLICIES_MERGED,) * 2,
    *(EventType.EVENT_RETRACTED,) * 2,
    *(EventType.PAYLOAD_ERASED,) * 2,
    EventType.POLICY_DESCRIBED,
    EventType.ACTION_CORRECTED,
    EventType.SOURCE_ATTACHED,
)


def random_history(seed: int) -> list[Draft]:
    """Return a history that the domain accepts, with merges, retractions and erasures in it."""
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    drawn: list[Draw] = [
        (
            chance.choice(KINDS).value,
            chance.randrange(4),
            chance.randrange(401),
            chance.randrange(401),
            chance.randrange(401),
        )
        for _ in range(90)
    ]
    return [
        Draft.read(id=event.id, policy=event.policy, type=event.type, data=raw)
        for event, raw in accept(drawn)
    ]


@contextmanager
def writing(engine: Engine) -> Iterator[Callable[..., None]]:
    """Give a function that records drafts, each on its own."""
    writer = Writer(SqlStore(engine))

    def record(*drafts: Draft) -> None:
        for each in drafts:
            writer.append(Append(drafts=(each,), recorded_by="desk"))

    try:
        yield record
    finally:
        writer.close()


def digests(engine: Engine) -> dict[str, str]:
    """Return the digests of the live read models."""
    return live_digests(engine, MODELS)[1]


def slots(engine: Engine) -> dict[str, str]:
    """Return the live slots."""
    with view(engine) as live:
        return live.slots


def test_a_rebuild_of_the_story_gives_identical_rows(timeline: Timeline, example: Any) -> None:
    """The digests agree, and readers are pointed at the rebuilt rows; twice over."""
    timeline("import", str(example))

    first = timeline("rebuild", "--json", "--quiet")
    second = timeline("rebuild", "--json", "--quiet")

    for result, slot in ((first, "b"), (second, "a")):
        compared = json.loads(result.stdout)
        assert result.exit_code == 0
        assert [each["name"] for each in compared] == ALL
        assert all(each["identical"] and each["switched"] for each in compared)
        assert {each["slot"] for each in compared} == {slot}
    assert timeline("replay").exit_code == 0


def test_one_read_model_can_be_rebuilt_alone(
    timeline: Timeline, example: Any, engine: Engine
) -> None:
    """The others stay where they are, and all of them go on together."""
    timeline("import", str(example))

    result = timeline("rebuild", "relations", "--quiet")

    assert result.exit_code == 0
    assert result.stdout.startswith("relations: identical at position ")
    assert slots(engine) == {"policies": "a", "relations": "b", "timeline": "a"}
    with writing(engine) as record:
        record(registered("one-more"))
    Runner(engine, Log(SqlStore(engine))).catch_up()
    assert timeline("replay").exit_code == 0


@pytest.mark.parametrize(
    ("database_kind", "seed"),
    [*(("sqlite", seed) for seed in range(6)), ("postgresql", 0), ("postgresql", 5)],
)
def test_a_rebuild_of_any_history_gives_identical_rows(seed: int, engine: Engine) -> None:
    """Merges, retractions and erasures included; following along in batches, with restarts.

    Histories differ in what is folded, which is the same on each database.
    """
    store = SqlStore(engine)
    log = Log(store)
    history = random_history(seed)
    with writing(engine) as record:
        for start in range(0, len(history), 5 + seed):
            record(*history[start : start + 5 + seed])
            Runner(engine, log).catch_up()
    followed = digests(engine)
    assert EventType.PAYLOAD_ERASED in {draft.proposal.type for draft in history}

    compared = rebuild(engine, log, MODELS)

    assert {each.name: each.rebuilt for each in compared} == followed
    assert all(each.switched for each in compared)
    for until in {1, len(history) // 3, len(history) // 2, len(history)}:
        assert replay(engine, store, MODELS, until=until).identical


def test_rows_that_differ_are_found_and_not_switched(
    timeline: Timeline, example: Any, engine: Engine
) -> None:
    """The exit code is 1 and names the read model; --accept-differences repairs it."""
    timeline("import", str(example))
    timeline("rebuild")
    (model,) = [each for each in MODELS if each.name == "timeline"]
    table = model.table("timeline", "b")
    with engine.begin() as connection:
        connection.execute(update(table).values(action="vetoed"))

    refused = timeline("rebuild", "--json", "--quiet")
    before = slots(engine)
    accepted = timeline("rebuild", "--accept-differences", "--quiet")

    assert refused.exit_code == 1
    assert [each["name"] for each in json.loads(refused.stdout) if not each["identical"]] == [
        "timeline"
    ]
    assert refused.stderr == "Error: The live rows of timeline are not what the log gives.\n"
    assert before == {"policies": "b", "relations": "b", "timeline": "b"}
    assert accepted.exit_code == 0
    assert timeline("replay").exit_code == 0


def test_an_empty_log_can_be_rebuilt(timeline: Timeline) -> None:
    """No event, no difference."""
    assert timeline("rebuild").exit_code == 0


def test_events_recorded_during_a_rebuild_are_not_lost(engine: Engine) -> None:
    """Readers are switched only at a moment when both slots have read equally far."""
    log = Log(SqlStore(engine))
    stop = threading.Event()

    def follow() -> None:
        runner = Runner(engine, log)
        while not stop.is_set():
            runner.catch_up()

    def write() -> None:
        with writing(engine) as record:
            record(registered("busy"))
            for _ in range(150):
                record(acted("busy"))

    threads = [threading.Thread(target=follow), threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            assert all(each.identical and each.switched for each in rebuild(engine, log, MODELS))
    finally:
        threads[1].join(60)
        stop.set()
        threads[0].join(60)

    Runner(engine, log).catch_up()
    assert replay(engine, SqlStore(engine), MODELS).identical
    assert live_digests(engine, ())[0] == 151


def test_an_erasure_just_before_the_comparison_is_no_difference(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live rows have forgotten what the rebuilt ones still hold; both are brought level."""
    log = Log(SqlStore(engine))
    with writing(engine) as record:
        record(registered("first"), acted("first", id=event_id(7)))
        fill = rebuilding._fill  # noqa: SLF001 - the moment after it is what the test is about
        calls: list[int] = []

        def fill_and_erase(*arguments: Any) -> int:
            position = fill(*arguments)
            if not calls:
                record(erased(event_id(7), "first"))
                Runner(engine, log).catch_up()
            calls.append(position)
            return position

        monkeypatch.setattr(rebuilding, "_fill", fill_and_erase)

        compared = rebuild(engine, log, MODELS)

    assert all(each.identical and each.switched for each in compared)
    assert calls == [2, 3]


def test_a_second_rebuild_ends_the_first(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later one empties the slot; the former finds its progress moved and gives up."""
    log = Log(SqlStore(engine))
    with writing(engine) as record:
        record(registered("first"))
    fill = rebuilding._fill  # noqa: SLF001 - the moment before it is what the test is about

    def second_rebuild_first(*arguments: Any) -> int:
        monkeypatch.setattr(rebuilding, "_fill", fill)
        rebuild(engine, log, MODELS)
        return fill(*arguments)

    monkeypatch.setattr(rebuilding, "_fill", second_rebuild_first)

    with pytest.raises(RebuildInterruptedError, match="Another rebuild"):
        rebuild(engine, log, MODELS)

    assert replay(engine, SqlStore(engine), MODELS).identical


def test_rebuilds_at_once_leave_sound_read_models(engine: Engine) -> None:
    """Some finish and some give way; none waits for ever, none switches to what is not complete."""
    log = Log(SqlStore(engine))
    with writing(engine) as record:
        record(registered("first"), *(acted("first") for _ in range(5)))

    def attempt(_number: int) -> str:
        try:
            compared = rebuild(engine, log, MODELS)
        except RebuildInterruptedError:
            return "interrupted"
        return "identical" if all(each.identical for each in compared) else "different"

    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(attempt, range(12)))

    assert set(ends) <= {"identical", "interrupted"}
    assert replay(engine, SqlStore(engine), MODELS).identical
    assert len(set(slots(engine).values())) == 1


def test_a_rebuild_that_was_killed_harms_nothing(
    timeline: Timeline, database_url: str, engine: Engine, lines: Any
) -> None:
    """After kill -9 in the middle the live rows stay, and the next rebuild starts over."""
    timeline("import", "-", input="".join(lines(40, f"p-{n}", 100 * n + 1) for n in range(60)))
    Runner(engine, Log(SqlStore(engine))).catch_up()
    before = digests(engine)

    with subprocess.Popen(
        [sys.executable, "-m", "timeline", "rebuild"],
        env=os.environ | {"TIMELINE_DATABASE_URL": database_url},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as process:
        assert process.stderr is not None
        # The first line comes after the first group of several.
        first = process.stderr.readline()
        process.send_signal(signal.SIGKILL)
        process.wait(30)

    assert first == b"Position: 1000 of 2400\n"
    assert process.returncode == -signal.SIGKILL
    assert (slots(engine), digests(engine)) == (dict.fromkeys(ALL, "a"), before)
    assert timeline("rebuild").exit_code == 0
    assert (slots(engine), digests(engine)) == (dict.fromkeys(ALL, "b"), before)


def test_rows_that_are_missing_are_found(timeline: Timeline, example: Any, engine: Engine) -> None:
    """A row that is gone is a difference, too."""
    timeline("import", str(example))
    timeline("rebuild")
    (model,) = [each for each in MODELS if each.name == "relations"]
    with engine.begin() as connection:
        connection.execute(delete(model.table("relations", "b")))

    result = timeline("replay", "--json", "--quiet")

    assert result.exit_code == 1
    assert {
        each["name"]: each["identical"] for each in json.loads(result.stdout)["projections"]
    } == {
        "policies": True,
        "timeline": True,
        "relations": False,
    }
