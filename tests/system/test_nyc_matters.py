"""Real history, both clocks: 150 matters of the New York City Council as a mirror learned them."""

import io
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from http_client import Client, Json, Ticking, running
from nyc_matters import LOCAL_LAW, Version, versions
from shared_files import shared
from timeline.application.import_report import ImportReport
from timeline.application.importing import Books, Importing
from timeline.application.queries import PolicyQuery
from timeline.importers.label_tables import read_tables
from timeline.importers.legistar import Legistar
from timeline.importers.legistar_matters import LegistarLabels
from timeline.importers.opening import Input

INT_1412: Final = "nyc-int-1412-2025"


class Replay(NamedTuple):
    """A service that holds the history, the versions it was told, and what each commit came to."""

    client: Client
    versions: Sequence[Version]
    reports: Sequence[ImportReport]


@pytest.fixture(scope="module")
def replay(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """Import all versions, the clock set to each version's known_at."""
    learned = versions(shared("data/nyc_immigration_matter_versions.jsonl.gz"))
    path = tmp_path_factory.mktemp("nyc") / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    clock = Ticking()
    clock.now = learned[0].known_at
    labels = read_tables(LegistarLabels, "legistar")
    with running(f"sqlite:///{path}", clock) as client:
        reports = []
        for known_at, commit in groupby(learned, key=lambda version: version.known_at):
            clock.now = known_at
            reports.append(imported(client, list(commit), labels))
        head = client.application.store.head().position
        answer = client.get("/v1/policies", timeline_min_position=str(head))
        assert answer.status_code == 200, answer.text
        yield Replay(client, learned, reports)


def imported(client: Client, learned: Sequence[Version], labels: LegistarLabels) -> ImportReport:
    """Import what the mirror learned by one commit, as `timeline import --from legistar` does."""
    lines = io.BytesIO(b"".join(each.line for each in learned))
    source = Legistar([Input("versions.jsonl", io.BufferedReader(lines))], labels)
    with client.application.relay() as relay:
        return Importing(Books(client.application.store, relay), "mirror").run(source)


def test_the_replay_has_every_version_and_makes_few_corrections(replay: Replay) -> None:
    """1,303 versions of 150 matters become one event for each difference.

    What they do not become: white space alone is no difference, a sponsor without a name is none, a status without a history is no
    action, and what three labels mean the vocabulary has no word for. 117 of the descriptions change
    nothing but `origin.recorded`, as a later import tells by it what is older.
    """
    matters = [version.matter for version in replay.versions]
    store = replay.client.application.store
    events = Counter(
        str(each.type)
        for after in range(0, store.head().position, 1_000)
        for each in store.read(after, limit=1_000)
    )

    assert (len(matters), len({matter.file for matter in matters})) == (1303, 150)
    assert sum(not matter.history for matter in matters) == 76
    assert sum(not sponsor.name for matter in matters for sponsor in matter.sponsors) == 123
    assert {each.about for told in replay.reports for each in told.notes.values()} == {
        "Amendment Proposed by Comm",
        "Recved from Mayor by Council",
        "Returned Unsigned by Mayor",
    }
    assert [told.refused for told in replay.reports if told.refused] == []
    assert events == {
        "PolicyRegistered": 150,
        "PolicyDescribed": 552,
        "ActionRecorded": 833,
        "ActionCorrected": 3,
        "EventRetracted": 2,
    }


def test_the_same_versions_again_add_nothing(replay: Replay) -> None:
    """Not what the mirror held last, and not what it held before, whatever its own times say."""
    last = {version.policy: version for version in replay.versions}
    learned = [*replay.versions[-150:], *last.values()]

    report = imported(replay.client, learned, read_tables(LegistarLabels, "legistar"))

    assert (report.policies, report.statements) == (300, report.known)
    assert report.older > 0


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
        "title": " ".join(matter.title.split()),
        "sponsors": [" ".join(sponsor.name.split()) for sponsor in matter.sponsors if sponsor.name],
        "local_law": matter.local_law,
        "actions": sorted((row.occurred, row.label) for row in matter.history),
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
            (action["occurred"]["edtf"], action["label"]) for action in document["actions"]
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
