"""Real history, both clocks: 150 matters of the New York City Council as a mirror learned them."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from http_client import Client, Json, Ticking, running
from nyc_matters import (
    ACTIONS,
    LOCAL_LAW,
    HistoryRow,
    Matter,
    Picture,
    Version,
    differences,
    versions,
)
from shared_files import shared
from timeline.application.access import Role
from timeline.application.queries import PolicyQuery
from timeline.eventstore.instants import instant

INT_1412: Final = "nyc-int-1412-2025"


class Replay(NamedTuple):
    """A service that holds the history, the versions it was told, and the events they made."""

    client: Client
    versions: Sequence[Version]
    recorded: Sequence[Json]


@pytest.fixture(scope="module")
def replay(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """Replay all versions, the clock set to each version's known_at."""
    learned = versions(shared("data/nyc_immigration_matter_versions.jsonl.gz"))
    path = tmp_path_factory.mktemp("nyc") / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    clock = Ticking()
    clock.now = learned[0].known_at
    with running(f"sqlite:///{path}", clock) as client:
        recorded = record(client, clock, learned)
        assert client.get("/v1/policies").status_code == 200
        yield Replay(client, learned, recorded)


def record(client: Client, clock: Ticking, learned: Sequence[Version]) -> list[Json]:
    """Record each commit of the mirror as one batch, at the instant of the commit."""
    pictures: dict[str, Picture] = {}
    recorded: list[Json] = []
    for known_at, commit in groupby(learned, key=lambda version: version.known_at):
        clock.now = known_at
        events: list[Json] = []
        for version in commit:
            news, picture = differences(pictures.get(version.policy), version)
            pictures[version.policy] = picture
            events += news
        if not events:
            continue
        answer = client.record({"events": events}, role=Role.CURATOR)
        assert answer.status_code == 201, answer.text
        assert {at["recorded_at"] for at in answer.json()["events"]} == {instant(known_at)}
        recorded += events
    return recorded


def test_the_replay_has_every_version_and_makes_few_corrections(replay: Replay) -> None:
    """1,303 versions of 150 matters become one event for each difference.

    What they do not become: a sponsor without a name is none, a status without a history is no
    action, and what three labels mean the vocabulary has no word for.
    """
    matters = [version.matter for version in replay.versions]
    events = Counter(event["type"] for event in replay.recorded)

    assert (len(matters), len({matter.file for matter in matters})) == (1303, 150)
    assert sum(not matter.history for matter in matters) == 76
    assert sum(not sponsor.name for matter in matters for sponsor in matter.sponsors) == 123
    assert {row.label for matter in matters for row in matter.history} - set(ACTIONS) == {
        "Amendment Proposed by Comm",
        "Recved from Mayor by Council",
        "Returned Unsigned by Mayor",
    }
    assert events == {
        "PolicyRegistered": 150,
        "PolicyDescribed": 441,
        "ActionRecorded": 833,
        "ActionCorrected": 3,
        "EventRetracted": 2,
    }


def test_the_record_as_known_at_each_version_equals_that_version(replay: Replay) -> None:
    """From a version's known_at, inclusive, to the last microsecond before the next one's."""
    differing = []
    for history in histories(replay.versions):
        ends = [version.known_at - timedelta(microseconds=1) for version in history[1:]]
        for version, end in zip(history, [*ends, replay.versions[-1].known_at], strict=True):
            for moment in (version.known_at, end):
                found = as_recorded(replay.client, version.policy, moment)
                if found != as_held(version):
                    differing.append((version.policy, moment, found, as_held(version)))

    assert differing == []


def histories(learned: Sequence[Version]) -> list[list[Version]]:
    """Return the versions matter by matter."""
    by_matter: dict[str, list[Version]] = {}
    for version in learned:
        by_matter.setdefault(version.policy, []).append(version)
    return list(by_matter.values())


def as_held(version: Version) -> Json:
    """Return what the mirror held, in the form of `as_recorded`."""
    matter = version.matter
    return {
        "title": matter.title,
        "sponsors": [sponsor.name for sponsor in matter.sponsors if sponsor.name],
        "local_law": matter.local_law,
        "actions": sorted((row.occurred, row.action, row.label) for row in matter.history),
    }


def as_recorded(client: Client, policy: str, known_at: datetime) -> Json:
    """Return what the record says of a matter as known at a moment."""
    answer = client.application.reader.policy(policy, PolicyQuery(known_at=known_at))
    document = answer.document
    return {
        "title": document["title"],
        "sponsors": [sponsor["name"] for sponsor in document["sponsors"]],
        "local_law": local_law(document),
        "actions": sorted(
            (action["occurred"]["edtf"], action["action"], action["label"])
            for action in document["actions"]
        ),
    }


def local_law(document: Json) -> str | None:
    """Return a policy's local law number, None where it has none yet."""
    found = [each["value"] for each in document["identifiers"] if each["scheme"] == LOCAL_LAW]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("clocks", "stage", "force", "law", "last"),
    [
        pytest.param(
            "as_of=2026-01-10",
            "vetoed",
            "not_enacted",
            "2026/063",
            ("2025-12-31T16:50:00-05:00", "vetoed", "Vetoed by Mayor", False),
            id="known now",
        ),
        pytest.param(
            "as_of=2026-01-29&known_at=2026-01-30T23:59:59.999999Z",
            "passed",
            "not_enacted",
            None,
            ("2026-01-29T13:30:00-05:00", "passed", "Approved by Council", False),
            id="known before the correction",
        ),
        pytest.param(
            "as_of=2026-01-29&known_at=2026-02-01T23:59:59.999999Z",
            "override_passed",
            "unknown",
            "2026/063",
            ("2026-01-29T13:30:00-05:00", "override_passed", "Overridden by Council", True),
            id="known after the correction",
        ),
    ],
)
def test_a_veto_is_overridden_and_what_was_believed_before_stays_readable(
    replay: Replay, clocks: str, stage: str, force: str, law: str | None, last: tuple[Any, ...]
) -> None:
    """Int 1412-2025: vetoed, then, it seemed, passed again, in truth overridden and enacted.

    Its force is unknown once it is enacted, as the source has no date on which it takes effect. The
    local law number is part of the description, which has the record's clock alone.
    """
    policy = replay.client.get(f"/v1/policies/{INT_1412}?{clocks}").json()
    timeline = replay.client.get(f"/v1/timeline?policy={INT_1412}&{clocks}").json()

    assert (policy["stage"], policy["force"], local_law(policy)) == (stage, force, law)
    item = timeline["items"][-1]
    assert (item["occurred"]["edtf"], item["action"], item["label"], item["corrected"]) == last


def test_a_row_that_comes_back_after_it_was_withdrawn_is_an_action_of_its_own() -> None:
    """Its first event stays retracted; a later change corrects the second one."""
    row = HistoryRow(7, "2025-12-08T10:00:00Z", "Amended by Committee", "Committee")
    later = msgspec.structs.replace(row, date="2025-12-08T10:30:00Z")
    held = [(row,), (), (row,), (later,), (later,)]

    picture, told = None, []
    for day, rows in enumerate(held, start=1):
        events, picture = differences(picture, version(day, rows))
        told.append(events)

    (_, first), (withdrawn,), (second,), (corrected,), nothing = told
    assert [event["type"] for event in (first, withdrawn, second, corrected)] == [
        "ActionRecorded",
        "EventRetracted",
        "ActionRecorded",
        "ActionCorrected",
    ]
    assert withdrawn["data"]["event"] == first["id"] != second["id"]
    assert corrected["data"]["event"] == second["id"]
    assert corrected["data"]["changes"] == {"occurred": "2025-12-08T10:30:00-05:00"}
    assert nothing == []


def version(day: int, rows: tuple[HistoryRow, ...]) -> Version:
    """Return a version that the mirror learned on a day of December 2025."""
    matter = Matter("Int 0001-2025", "Introduction", "A local law", "A law", "Committee")
    return Version(
        path="introduction/2025/0001.json",
        commit=f"{day:040x}",
        known_at=datetime(2025, 12, day, tzinfo=UTC),
        matter=msgspec.structs.replace(matter, history=rows),
    )
