"""`timeline replay`: the read models checked against the log, and a policy's story told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import Engine, select, update

from builders import acted, erased, event_id, registered
from timeline.application import replay as replaying
from timeline.application.queries import HistoryQuery
from timeline.application.replay import replay
from timeline.eventstore.model import Append
from timeline.eventstore.published import Checkpointed, Digests, Published
from timeline.eventstore.schema import head_revision
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections.log import Log
from timeline.projections.models import MODELS
from timeline.projections.runner import Runner

Timeline = Callable[..., Result]


@pytest.fixture
def story(timeline: Timeline, example: Path, engine: Engine) -> Timeline:
    """Give commands on a record that holds the Los Angeles story, with current read models."""
    timeline("import", str(example))
    Runner(engine, Log(SqlStore(engine))).catch_up()
    return timeline


def test_read_models_that_are_sound_agree_with_the_log(story: Timeline, example: Path) -> None:
    """Every digest is the same, at the position that the live read models reflect."""
    result = story("replay", "--json", "--quiet")

    found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert found["position"] == len(example.read_text(encoding="utf-8").splitlines())
    assert (found["identical"], found["last_erasure"]) == (True, None)
    assert [each["name"] for each in found["projections"]] == [model.name for model in MODELS]
    assert all(each["live"] == each["replayed"] for each in found["projections"])


@pytest.mark.parametrize("until", [0, 1, 40, 72])
def test_earlier_positions_agree_too(story: Timeline, until: int) -> None:
    """What the read models say of the past is what the log said then."""
    result = story("replay", "--until", str(until), "--json", "--quiet")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["position"] == until


def test_a_row_that_was_tampered_with_is_found(story: Timeline, engine: Engine) -> None:
    """One changed value in one row is enough, and the read model is named."""
    (model,) = [each for each in MODELS if each.name == "policies"]
    table = model.table("policy_periods", "a")
    with engine.begin() as connection:
        key = connection.execute(select(table.c.policy, table.c.first_day)).first()
        assert key is not None
        connection.execute(
            update(table)
            .where(table.c.policy == key.policy, table.c.first_day == key.first_day)
            .values(force="suspended")
        )

    shown = story("replay", "--quiet")
    document = story("replay", "--quiet", "--json")

    assert shown.exit_code == document.exit_code == 1
    assert shown.stdout.splitlines()[1].startswith("policies: different, live ")
    assert shown.stderr == "Error: The live rows of policies are not what the log gives.\n"
    found = json.loads(document.stdout)
    assert [each["name"] for each in found["projections"] if not each["identical"]] == ["policies"]


def test_a_position_that_is_not_reached_is_refused(story: Timeline) -> None:
    """Nothing is compared with rows that are not there yet."""
    for words in (["replay"], ["replay", "la-ordinance-188441"]):
        result = story(*words, "--until", "900")

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: until: ")


def test_read_models_that_lag_are_brought_up_before_they_are_compared(
    timeline: Timeline, example: Path
) -> None:
    """Where no service runs, the whole log is compared all the same, and not two empty models."""
    timeline("import", str(example))

    result = timeline("replay", "--quiet")

    assert result.exit_code == 0
    events = len(example.read_text().splitlines())
    assert result.stdout.startswith(f"position {events}, last erasure none\n")


def test_an_erasure_that_waits_is_applied_before_the_comparison(
    timeline: Timeline, engine: Engine
) -> None:
    """The log has forgotten already what the live rows still hold; that is no tampering."""
    writer = Writer(store := SqlStore(engine))
    for draft in (registered("first"), acted("first", id=event_id(7))):
        writer.append(Append(drafts=(draft,), recorded_by="desk"))
    Runner(engine, Log(store)).catch_up()
    writer.append(Append(drafts=(erased(event_id(7), "first"),), recorded_by="desk"))
    writer.close()

    result = timeline("replay", "--json", "--until", "2", "--quiet")

    found = json.loads(result.stdout)
    assert (result.exit_code, found["identical"]) == (0, True)
    assert (found["position"], found["last_erasure"]) == (2, 3)


def test_an_erasure_during_the_replay_begins_it_anew(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the replay would have read the payload, and half not."""
    writer = Writer(store := SqlStore(engine))
    for draft in (registered("first"), acted("first", id=event_id(7))):
        writer.append(Append(drafts=(draft,), recorded_by="desk"))
    Runner(engine, Log(store)).catch_up()
    recompute = replaying._recompute  # noqa: SLF001 - the moment after it is what the test is about
    calls: list[dict[str, str]] = []

    def recompute_and_erase(*arguments: Any) -> dict[str, str]:
        found = recompute(*arguments)
        if not calls:
            writer.append(Append(drafts=(erased(event_id(7), "first"),), recorded_by="desk"))
            Runner(engine, Log(store)).catch_up()
        calls.append(found)
        return found

    monkeypatch.setattr(replaying, "_recompute", recompute_and_erase)

    result = replay(engine, store, MODELS)
    writer.close()

    assert (len(calls), result.identical, result.position) == (2, True, 3)


def test_the_story_is_told_step_by_step(timeline: Timeline, example: Path) -> None:
    """Each step has its event, what it changed and the state after it; no service is needed."""
    timeline("import", str(example))

    result = timeline("replay", "la-ordinance-188441", "--as-of", "2025-01-01", "--json", "--quiet")

    steps = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, result.stderr) == (0, "")
    assert [step["event"]["version"] for step in steps][:3] == [1, 2, 3]
    assert all(step["state"]["policy"] == "la-ordinance-188441" for step in steps)
    by_position = {step["event"]["position"]: step for step in steps}
    assert by_position[40]["changed"]["stage"] == ["passed", "advanced"]
    assert by_position[42]["changed"]["in_force"] == ["maybe", "no"]
    assert by_position[44]["state"]["force"] == "in_force"


def test_the_story_reads_in_a_terminal(story: Timeline) -> None:
    """A step is a line for its event, one for each change and one for the state."""
    result = story("replay", "la-ordinance-188441", "--until", "5", "--as-of", "2025-01-01")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line.split()[:2] for line in lines if not line.startswith(" ")] == [
        ["3", "PolicyRegistered"],
        ["4", "ActionRecorded"],
        ["5", "ActionRecorded"],
    ]
    assert lines[-1].startswith("    state: stage enacted, force ")


def test_a_story_goes_on_over_pages(engine: Engine, lines: Any, timeline: Timeline) -> None:
    """A long story is told to its end, in order, as of one moment."""
    timeline("import", "-", input=lines(7))
    Runner(engine, Log(SqlStore(engine))).catch_up()
    told = timeline("replay", "an-order", "--json").stdout

    class Pages:
        """A reader whose pages hold three steps."""

        def history(self, _policy: str, query: HistoryQuery) -> Any:
            start = int(query.cursor or 0)
            items = [json.loads(line) for line in told.splitlines()][start : start + 3]
            more = str(start + 3) if start + 3 < len(told.splitlines()) else None
            return type("Answer", (), {"document": {"items": items, "next": more}})

    steps = replaying.story(Pages(), "an-order", HistoryQuery())  # type: ignore[arg-type]

    assert [step["event"]["version"] for step in steps] == [1, 2, 3, 4, 5, 6, 7]


def test_an_unknown_policy_is_refused(story: Timeline) -> None:
    """A mistyped slug is named."""
    result = story("replay", "no-such-order")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no-such-order" in result.stderr


def test_a_recorded_digest_that_nothing_explains_is_found(story: Timeline, engine: Engine) -> None:
    """The exit code is 1, though the live rows are what the log gives; an erasure explains it."""
    publish(engine, 40)
    other = Digests(day="2026-11-22", size=40, last_erasure=None, schema=head_revision(), models={})
    Published(engine).record_digests(other)

    found = story("replay", "--until", "40", "--quiet")

    assert found.exit_code == 1
    assert "recorded for 2026-11-22: different\n" in found.stdout
    assert found.stderr == (
        "Error: The digests recorded at this position are not what the log gives.\n"
    )


def publish(engine: Engine, size: int) -> None:
    """Publish a checkpoint that digests can belong to; nobody looks at its note."""
    checkpoint = Checkpointed(size=size, note=b"note", signed_at="2026-11-22T10:00:00.000000Z")
    Published(engine).publish(checkpoint, [], {})
