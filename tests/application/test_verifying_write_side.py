"""The write side's rows, which follow from the log: what someone changed of them is found."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from attacks import attacking
from builders import acted
from proven_log import ProvenLog
from timeline.application.findings import Kind
from timeline.application.verifying import verify
from timeline.application.verifying_write_side import UNCHECKED
from whole_logs import WholeLog


@pytest.fixture
def log(proven_log: ProvenLog) -> ProvenLog:
    """Give a log of 300 events, of which the one at 290 erased that at 3."""
    return proven_log


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_log_of_all_kinds_of_events_leaves_is_right(
    engine: Engine, tmp_path: Path, seed: int
) -> None:
    """Retractions of retractions, mergers, disputes and erasures, as they come."""
    log = WholeLog(engine, tmp_path, seed)
    log.fill()

    found = verify(engine, log.keys)

    assert found.findings == ()
    assert UNCHECKED in found.unchecked


@pytest.mark.parametrize(
    ("statement", "position", "told"),
    [
        ("UPDATE streams SET version = 99 WHERE policy = 'a-rule'", None, "is at version 99"),
        (
            (
                "UPDATE streams SET registered_by = (SELECT id FROM log_entries WHERE position = 2)"
                " WHERE policy = 'an-order'"
            ),
            None,
            "another event registered it",
        ),
        ("DELETE FROM streams WHERE policy = 'a-rule'", 5, "a-rule has no head"),
        ("DELETE FROM log_tags", 1, "found by 0 jurisdictions"),
        (
            "DELETE FROM log_tags WHERE kind = 'jurisdiction' AND position = 77",
            77,
            "found by 0 jurisdictions",
        ),
        ("INSERT INTO log_tags VALUES ('jurisdiction', 'x', 9)", 9, "found by 2 jurisdictions"),
        ("INSERT INTO log_tags VALUES ('topic', 'x', 301)", None, "a tag topic x at 301"),
        ("INSERT INTO log_tags VALUES ('colour', 'x', 9)", None, "a tag colour x at 9"),
        ("DELETE FROM subjects", 290, "as PayloadErased it names"),
        ("UPDATE subjects SET retracted_by = NULL, erased_by = NULL", 290, "as PayloadErased"),
        (
            (
                "INSERT INTO subjects (id, erased_by, disputes, retracts) SELECT live.id, by.id, 0,"
                " '[]' FROM log_entries AS live, log_entries AS by"
                " WHERE live.position = 2 AND by.position = 290"
            ),
            2,
            "it is kept with erased_by",
        ),
        (
            (
                "INSERT INTO subjects (id, retracted_by, disputes, retracts) SELECT id, id, 0, '[]'"
                " FROM log_entries WHERE position = 9"
            ),
            9,
            "it is kept with retracted_by",
        ),
        ("UPDATE subjects SET retracts = '[\"x\"]'", 3, 'kept with retracts ["x"]'),
        ("UPDATE subjects SET duplicate = 'x'", 3, "kept with duplicate x"),
        ("UPDATE subjects SET disputes = 1", 3, "kept with disputes 1"),
        ("UPDATE subjects SET id = 'nobody'", None, "nobody is marked, and no event"),
    ],
)
def test_what_the_write_side_keeps_is_changed(
    log: ProvenLog, statement: str, position: int | None, told: str
) -> None:
    """`verify` names it: an event that is served as erased, say, and that nothing erased."""
    with attacking(log.engine) as run:
        run(statement)

    found = verify(log.engine, log.key_file)

    assert {each.kind for each in found.findings} == {Kind.DERIVED}
    assert [each for each in found.findings if each.position == position and told in each.what]


def test_what_follows_from_what_is_wrong_is_not_looked_at(log: ProvenLog) -> None:
    """What is right would be called wrong; so it is named as not checked."""
    with attacking(log.engine) as run:
        run("UPDATE log_entries SET version = 10000 WHERE position = 100")

    found = verify(log.engine, log.key_file)

    assert {each.kind for each in found.findings} == {Kind.ENTRY}
    assert any("follows from what is wrong" in each for each in found.unchecked)


def test_an_empty_log_is_right(engine: Engine) -> None:
    """No row follows from it."""
    assert verify(engine).findings == ()


def test_jurisdictions_that_add_up_to_the_same_are_found(log: ProvenLog) -> None:
    """Two tags at the positions of two others have their sum, and not their squares."""
    log.record(acted("an-order"))
    with attacking(log.engine) as run:
        for before, after in ((10, 11), (13, 12)):
            run(
                "UPDATE log_tags SET position = :after, value = 'x'"
                " WHERE kind = 'jurisdiction' AND position = :before",
                before=before,
                after=after,
            )

    found = verify(log.engine, log.key_file)

    assert [each.position for each in found.findings] == [10, 11, 12, 13]
