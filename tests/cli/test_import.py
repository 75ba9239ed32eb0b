"""`timeline import`: whole chunks, exactly once, and a refusal that names its line."""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import Result

from builders import erased, event_id
from timeline.application.transfer import Importer, LineRefused, Tally
from timeline.eventstore.errors import AppendRefused
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import MAX_APPEND_EVENTS, Append, Outcome
from timeline.eventstore.protocol import Batch, EventStore
from timeline.eventstore.relay import Prepared, Relay
from timeline.eventstore.writer import Writer, utc_now
from timeline.importers.reading import MAX_LINE_BYTES, Piece

Timeline = Callable[..., Result]


Importing = Callable[..., Importer]


@pytest.fixture
def importing() -> Iterator[Importing]:
    """Give what imports into a store, by a relay of a given kind."""
    with ExitStack() as stack:

        def importer(
            store: EventStore,
            kind: type[Relay] = Relay,
            principal: str = "desk",
            on_refused: Callable[[LineRefused], None] | None = None,
        ) -> Importer:
            relay = kind(store, clock=utc_now, random_bytes=os.urandom)
            return Importer(store, stack.enter_context(relay), principal, on_refused=on_refused)

        yield importer


def exported(timeline: Timeline) -> list[dict[str, Any]]:
    """Return all events of the record."""
    return [json.loads(line) for line in timeline("export", "--quiet").stdout.splitlines()]


def numbered(text: str) -> list[Piece]:
    """Return a text's lines as the importer takes them."""
    return [Piece(number, raw.encode()) for number, raw in enumerate(text.splitlines(), 1)]


def test_an_import_records_every_line_once(timeline: Timeline, example: Path) -> None:
    """The same input again adds nothing."""
    count = len(example.read_text(encoding="utf-8").splitlines())

    first = timeline("import", str(example), "--quiet")
    second = timeline("import", str(example), "--quiet")

    assert (first.exit_code, first.stdout) == (0, "")
    assert first.stderr == f"{count} events recorded.\n"
    assert second.stderr == f"0 events recorded; {count} had been before.\n"
    assert len(exported(timeline)) == count


def test_events_carry_the_principal_that_is_named(timeline: Timeline, lines: Any) -> None:
    """`--as` says who records; `import` does by default."""
    timeline("import", "-", input=lines(1))
    timeline("import", "-", "--as", "desk", input=lines(1, "other", first=9))

    assert [event["recorded_by"] for event in exported(timeline)] == ["import", "desk"]


def test_an_import_that_broke_off_is_completed_by_running_it_again(
    timeline: Timeline, lines: Any
) -> None:
    """A chunk of which a part is recorded already gets the rest."""
    text = lines(MAX_APPEND_EVENTS + 20)
    half = "".join(text.splitlines(keepends=True)[: MAX_APPEND_EVENTS // 2])
    timeline("import", "-", input=half)

    result = timeline("import", "-", "--quiet", input=text)

    recorded = MAX_APPEND_EVENTS // 2 + 20
    assert result.stderr == f"{recorded} events recorded; {recorded - 20} had been before.\n"
    assert [event["id"] for event in exported(timeline)] == [
        json.loads(line)["id"] for line in text.splitlines()
    ]


def test_files_are_imported_one_after_the_other(
    timeline: Timeline, lines: Any, tmp_path: Path
) -> None:
    """Packed or not; a refusal names the file that it is in."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.ndjson").write_text(lines(3))
    (folder / "b.gz").write_bytes(gzip.compress(lines(3, "other", first=9).encode() + b"{}"))

    result = timeline("import", str(folder), "--keep-going", "--quiet", "--json")

    report = json.loads(result.stdout)
    assert (report["recorded"], report["known"], report["refused"]) == (6, 0, 1)
    assert report["refusals"][0]["file"] == str(folder / "b.gz")
    assert (report["refusals"][0]["line"], report["refusals"][0]["field"]) == (4, "id")
    assert result.exit_code == 1
    assert result.stderr.endswith("6 events recorded.\nError: 1 refused.\n")


def test_what_is_refused_is_passed_over_with_keep_going(lines: Any, importing: Importing) -> None:
    """All else is recorded, in order, however many lines the record refuses on the way."""
    good = [json.loads(line) for line in lines(120).splitlines()]
    text = ""
    for number, event in enumerate(good):
        text += json.dumps(event) + "\n"
        if number % 3 == 0:
            wrong = {"event": event_id(888_888), "reason": "in error"}
            refused = {"id": event_id(5_000 + number), "type": "EventRetracted", "data": wrong}
            text += json.dumps(event | refused) + "\n"
        if number == 60:
            text += "no json\n"
    store = MemoryStore()
    refusals: list[LineRefused] = []

    tally = importing(store, on_refused=refusals.append).run(numbered(text))

    assert tally == Tally(recorded=120, refused=41)
    assert [each.id for each in store.read(limit=1_000)] == [event["id"] for event in good]
    assert [each.line for each in refusals] == [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if "Retracted" in line or line == "no json"
    ]


def test_a_dry_run_records_nothing_and_says_what_would_be(
    timeline: Timeline, lines: Any, tmp_path: Path
) -> None:
    """Later lines are judged as if the earlier ones were recorded."""
    file = tmp_path / "events.ndjson"
    text = (
        "no json\n" + lines(1_500) + lines(1, "an-order", first=7_000) + lines(1, "b", first=8_000)
    )
    file.write_text(text, encoding="utf-8")
    command = ("import", str(file), "--dry-run", "--keep-going", "--quiet")

    result, listed, told = (
        timeline(*command),
        timeline(*command, "--list"),
        timeline(*command, "--json"),
    )

    assert result.exit_code == 1
    assert (
        f"Refused: {file}:1502: policy: The policy an-order is already registered" in result.stderr
    )
    assert result.stderr.endswith("1501 events would be recorded.\nError: 2 refused.\n")
    shown = result.stdout.splitlines()
    assert shown[0] == f"{file}:2: an-order: PolicyRegistered An order"
    assert shown[1] == f"{file}:3: an-order: ActionRecorded issued 2024-11-19"
    assert shown[20:] == ["… and 1481 more: --list shows them all."]
    assert listed.stdout.splitlines()[:20] == shown[:20]
    assert len(listed.stdout.splitlines()) == 1_501
    *each, report = [json.loads(line) for line in told.stdout.splitlines()]
    assert [one["line"] for one in each] == [*range(1, 1_504)]
    assert [one["line"] for one in each if one["would"] == "refuse"] == [1, 1_502]
    assert each[2] == {
        "would": "record",
        "file": str(file),
        "line": 3,
        "part": "",
        "policy": "an-order",
        "type": "ActionRecorded",
        "kind": "recorded",
        "action": "issued",
        "occurred": "2024-11-19",
    }
    assert (report["recorded"], report["refused"], report["dry_run"]) == (1_501, 2, True)
    assert exported(timeline) == []


def test_a_file_that_is_not_there_is_used_wrongly(timeline: Timeline) -> None:
    """Nothing is read then, of the others neither."""
    result = timeline("import", "nowhere.ndjson")

    assert result.exit_code == 2
    assert "nowhere.ndjson: There is no such file" in result.stderr


def test_a_refused_line_is_named_and_earlier_chunks_stay(
    timeline: Timeline, lines: Any, tmp_path: Path
) -> None:
    """Its own chunk is left out as a whole; the message says how many events were recorded."""
    file = tmp_path / "events.ndjson"
    wrong = {
        "id": event_id(999_999),
        "policy": "an-order",
        "type": "EventRetracted",
        "data": {"event": event_id(888_888), "reason": "in error"},
    }
    text = lines(MAX_APPEND_EVENTS + 10) + json.dumps(wrong) + "\n"
    file.write_text(text, encoding="utf-8")

    result = timeline("import", str(file), "--quiet")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: {file}:{MAX_APPEND_EVENTS + 11}: data.event: There is no event {event_id(888_888)}."
        f" ({MAX_APPEND_EVENTS} events recorded.)\n"
    )
    assert len(exported(timeline)) == MAX_APPEND_EVENTS


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "id"),
        ({"id": "00000000-0000-7000-8000-00000000000A"}, "id"),
        ({"policy": "Not A Slug"}, "policy"),
        ({"type": "PolicyInvented"}, "type"),
        ({"data": None}, "data"),
        ({"data": {"title": "An order"}}, "data."),
        ({"surplus": 1}, "surplus"),
        ({"expected_version": 0}, "expected_version"),
        ({"expected_version": 7}, "expected_version"),
    ],
    ids=str,
)
def test_a_line_that_is_no_event_names_its_field(
    change: dict[str, Any], field: str, lines: Any, importing: Importing
) -> None:
    """Each refusal says in which line, in which field and why."""
    good, other = lines(1), lines(1, "another", first=2)
    store = MemoryStore()

    with pytest.raises(LineRefused) as refused:
        importing(store).run(numbered(good + json.dumps(json.loads(other) | change)))

    assert refused.value.line == 2
    assert refused.value.field.startswith(field)
    assert store.head().position == 0


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        (b"{", "", "column 2"),
        (b"[]", "", "Expected an object, got a list"),
        (b'{"id": 1.5}', "id", "a fraction or an exponent"),
        (b'{"id": 1, "id": 1}', "id", "a duplicate key"),
        (b'{"id": "\xff"}', "", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "", "byte order mark"),
    ],
)
def test_a_line_that_is_no_strict_json_is_refused(
    raw: bytes, field: str, reason: str, importing: Importing
) -> None:
    """What the API would not take, an import does not take either."""
    store = MemoryStore()

    with pytest.raises(LineRefused) as refused:
        importing(store).run([Piece(1, raw)])

    assert store.head().position == 0
    assert refused.value.field == field
    assert reason in refused.value.reason


def test_a_line_beyond_the_bound_is_refused(timeline: Timeline) -> None:
    """No input makes the import hold more than a line's bound."""
    result = timeline("import", "-", "--quiet", input="x" * (MAX_LINE_BYTES + 1))

    assert result.exit_code == 1
    assert f":1: The line is longer than {MAX_LINE_BYTES} bytes." in result.stderr


def test_blank_lines_count_but_are_no_events(timeline: Timeline, lines: Any) -> None:
    """A line's number is the editor's."""
    result = timeline("import", "-", "--quiet", input="\n\n" + lines(1) + "\n{}\n")

    assert result.exit_code == 1
    assert ":5: " in result.stderr


def test_a_repeated_line_is_one_event_and_a_changed_one_is_refused(
    lines: Any, importing: Importing
) -> None:
    """Within a chunk, too, the id alone says that two are one."""
    store = MemoryStore()
    text = lines(2)
    changed = text.splitlines()[1].replace("2024-11-19", "2024-11-20")

    tally = importing(store).run(numbered(text + text))
    with pytest.raises(LineRefused) as refused:
        importing(store).run(numbered(text + changed))

    assert tally == Tally(recorded=2, known=2)
    assert (refused.value.line, refused.value.field) == (3, "id")


def test_another_event_under_a_known_id_is_refused(timeline: Timeline, lines: Any) -> None:
    """An id that is taken does not pass for a repetition."""
    timeline("import", "-", input=lines(3))

    result = timeline("import", "-", input=lines(3).replace("2024-11-19", "2024-11-20"))

    assert result.exit_code == 1
    assert ":2: id: " in result.stderr


def test_an_expected_version_holds_for_its_own_line(lines: Any, importing: Importing) -> None:
    """Chunks do not change what an expected version means."""
    events = [json.loads(line) for line in lines(4).splitlines()]
    for version, event in enumerate(events):
        event["expected_version"] = version or "new"

    tally = importing(MemoryStore()).run(numbered("\n".join(json.dumps(event) for event in events)))

    assert tally == Tally(recorded=4)


def test_chunks_are_bounded(lines: Any, importing: Importing) -> None:
    """No append holds more events than the bound, and none is empty."""
    sizes: list[int] = []

    class Counting(Relay):
        def start(self, prepared: Prepared) -> None:
            sizes.append(len(prepared.append.drafts))
            super().start(prepared)

    importing(MemoryStore(), Counting).run(numbered(lines(2 * MAX_APPEND_EVENTS + 1)))

    assert sizes == [MAX_APPEND_EVENTS, MAX_APPEND_EVENTS, 1]


def test_the_next_chunk_is_read_while_one_is_recorded(lines: Any, importing: Importing) -> None:
    """Reading waits for a commit only with a whole chunk in hand, and never holds two."""
    read, read_ahead = [0], Event()
    committed: list[int] = []

    class Slow(MemoryStore):
        commits_elsewhere = True

        def commit(self, expected: int, batch: Batch) -> bool:
            if not committed:
                read_ahead.wait(5)
            committed.append(read[0])
            return super().commit(expected, batch)

    def counted(text: str) -> Iterator[Piece]:
        for line in numbered(text):
            read[0] += 1
            if read[0] > 2 * MAX_APPEND_EVENTS:
                read_ahead.set()
            yield line

    importing(Slow()).run(counted(lines(3 * MAX_APPEND_EVENTS)))

    assert committed[0] == 2 * MAX_APPEND_EVENTS + 1


def test_what_is_recorded_is_refused_before_what_is_read(lines: Any, importing: Importing) -> None:
    """The first line that is wrong is the one named, though a later one was read meanwhile."""

    class Refusing(Relay):
        def settle(self) -> Outcome:
            raise AppendRefused(field="events[9].policy")

    with pytest.raises(LineRefused) as refused:
        importing(MemoryStore(), Refusing).run(numbered(lines(MAX_APPEND_EVENTS + 1) + "{"))

    assert (refused.value.line, refused.value.field) == (10, "policy")


def test_events_recorded_meanwhile_by_others_are_passed_over(
    lines: Any, importing: Importing
) -> None:
    """Two imports of one file at the same time record it once."""
    store = MemoryStore()
    others = numbered(lines(3))

    class Overtaken(Relay):
        def start(self, prepared: Prepared) -> None:
            while others:
                importing(store, principal="other").run([others.pop(0)])
            super().start(prepared)

    tally = importing(store, Overtaken).run(numbered(lines(5)))

    assert tally == Tally(recorded=2, known=3)


def test_an_erased_event_is_passed_over_at_home_and_refused_elsewhere(
    lines: Any, importing: Importing
) -> None:
    """An export without a payload cannot bring it back, and does not pretend to."""
    home = MemoryStore()
    importing(home).run(numbered(lines(2)))
    with Writer(home) as writer:
        writer.append(Append(drafts=(erased(event_id(2)),), recorded_by="desk"))
    line = json.loads(lines(2).splitlines()[1])
    gone = numbered(json.dumps(line | {"data": None, "erased_by": event_id(3)}))

    at_home = importing(home).run(gone)
    with pytest.raises(LineRefused) as refused:
        importing(MemoryStore()).run(gone)

    assert at_home == Tally(known=1)
    assert refused.value.field == "data"


def test_a_refusal_that_names_no_event_is_told_with_the_chunks_first_line(
    lines: Any, importing: Importing
) -> None:
    """Whatever the store finds wrong, the message points into the file."""

    class Refusing(Relay):
        def start(self, _: Prepared) -> None:
            raise AppendRefused(field="")

    with pytest.raises(LineRefused) as refused:
        importing(MemoryStore(), Refusing).run(numbered("\n" + lines(2))[1:])

    assert refused.value.line == 2
