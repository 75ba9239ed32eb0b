"""Importing a source: policies whole or not at all, once, whoever else records meanwhile."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pytest

from builders import LOS_ANGELES, SOURCE, corrected, described, merged, registered
from timeline.application import held_back, import_report
from timeline.application.foreseeing import foreseeing
from timeline.application.import_report import MAX_REFUSALS, ImportReport
from timeline.application.importing import Books, Importing
from timeline.domain.vocabulary import EventType
from timeline.eventstore.errors import StoreUnavailable
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import Append, Draft, Recorded
from timeline.eventstore.relay import Prepared, Relay
from timeline.eventstore.writer import Writer, utc_now
from timeline.importers.errors import InputRefused
from timeline.importers.sketch import (
    Found,
    Note,
    NoteKind,
    Place,
    Refused,
    Sketch,
    Statement,
    event_id,
)

SYSTEM: Final = "a-council"


class Said(msgspec.Struct):
    """A source that says what a test has it say; an error is raised in its turn."""

    found: list[Found | Exception]
    system: str = SYSTEM

    def read(self) -> Iterator[Found]:
        """Yield it."""
        for each in self.found:
            if isinstance(each, Exception):
                raise each
            yield each


def sketch(number: int, actions: int = 1, policy: str | None = None, **data: Any) -> Sketch:
    """Say of a policy that so many things happened to it."""
    needed = {
        "title": f"Law {number}",
        "instrument": "bill",
        "jurisdiction": LOS_ANGELES,
        "sources": [SOURCE],
        "origin": {"system": SYSTEM, "id": f"matter/{number}"},
    }
    return Sketch(
        policy=policy or f"int-{number}",
        about=f"matter/{number}",
        described=needed | data,
        statements=tuple(action(number, each) for each in range(actions)),
        place=Place("a.csv", number),
    )


def action(matter: int, number: int, **data: Any) -> Statement:
    """Say that something happened."""
    about = f"action/{matter}-{number}"
    needed = {
        "action": "referred",
        "occurred": "2025-01-08",
        "sources": [SOURCE],
        "origin": {"system": SYSTEM, "id": about},
    }
    return Statement(
        about=about,
        type=EventType.ACTION_RECORDED,
        data=needed | data,
        place=Place("a.csv", matter, f"action {number}"),
    )


def imported(
    store: MemoryStore,
    *found: Found | Exception,
    kind: type[Relay] = Relay,
    keep_going: bool = False,
) -> ImportReport:
    """Import what a source says."""
    with kind(store, clock=utc_now, random_bytes=os.urandom) as relay:
        importing = Importing(Books(store, relay), "import", keep_going=keep_going)
        return importing.run(Said(list(found)))


def foreseen(store: MemoryStore, *found: Found, keep_going: bool = False) -> ImportReport:
    """Return what importing would come to."""
    with foreseeing(store, clock=utc_now, random_bytes=os.urandom) as ledger:
        return Importing(ledger, "import", keep_going=keep_going).run(Said(list(found)))


def edited(store: MemoryStore, *drafts: Draft) -> None:
    """Record what somebody else says."""
    with Writer(store) as writer:
        writer.append(Append(drafts=drafts, recorded_by="desk", batched=True))


def counts(report: ImportReport) -> dict[str, int]:
    """Return what was counted, without what was not."""
    return {name: value for name, value in report.as_json().items() if type(value) is int and value}


def policies(store: MemoryStore) -> list[str]:
    """Return the policies of a record, in its order."""
    return list(dict.fromkeys(each.policy for each in store.read(limit=1_000)))


def test_policies_share_appends_and_a_second_run_adds_nothing() -> None:
    """Many small policies cost few commits."""
    store = MemoryStore()
    said = [sketch(number, actions=3) for number in range(300)]

    first, second = imported(store, *said), imported(store, *said)

    assert counts(first) == {"policies": 300, "recorded": 1_200}
    assert counts(second) == {"policies": 300, "known": 1_200}
    later = store.read(1_000, limit=1_000)
    assert {each.batch for each in (*store.read(limit=1_000), *later)} == {1, 1_001}


def test_a_changed_source_corrects_what_it_said() -> None:
    """The report tells by kind what became of it."""
    store = MemoryStore()
    imported(store, sketch(1, actions=2), sketch(2))

    report = imported(store, sketch(1, actions=1, title="Another law"), sketch(2))

    assert counts(report) == {"policies": 2, "corrected": 1, "retracted": 1, "known": 3}


def test_versions_of_a_policy_in_one_input_are_imported_once_and_again_nothing() -> None:
    """Each counts the first time, also a return; later the last of them is what the source says now."""
    store = MemoryStore()
    a, b = sketch(1, actions=2), sketch(1, actions=1, title="Another law")
    said = [a, b, a, sketch(2), b]

    first, would, second = (
        imported(store, *said),
        foreseen(store, *said),
        imported(store, *said),
    )
    back = imported(store, b, sketch(2), a)

    events = {"recorded": 5, "corrected": 3, "retracted": 2, "restored": 1}
    assert counts(first) == {"policies": 5, **events, "known": 3}
    assert counts(would) == counts(second) == {"policies": 5, "older": 2, "known": 12}
    assert counts(back) == {"policies": 3, "corrected": 1, "restored": 1, "known": 5}


@pytest.mark.parametrize("keep_going", [False, True])
def test_what_waits_is_not_recorded_where_a_refusal_ends_the_import(*, keep_going: bool) -> None:
    """What was not read may show that it was an older version."""
    store = MemoryStore()
    a, b = sketch(1), sketch(1, title="Another law")
    imported(store, a, b)

    report = imported(
        store, a, Refused(place=Place("a.csv", 7), field="", reason="No"), keep_going=keep_going
    )

    assert report.corrected == keep_going


def test_what_a_source_says_again_waits_as_far_as_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What does not fit in is recorded in its turn, and so is what waits, at the end."""
    store = MemoryStore()
    monkeypatch.setattr(held_back, "MAX_HELD_STATEMENTS", 2)
    for title in ("Before", "After"):
        imported(store, *(sketch(number, title=title) for number in range(3)))
    head = store.head().position

    report = imported(store, *(sketch(number, title="Before") for number in range(3)))

    assert counts(report) == {"policies": 3, "corrected": 3, "known": 3}
    assert [each.policy for each in store.read(head)] == ["int-1", "int-2", "int-0"]


@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize(
    ("wrong", "place", "field"),
    [
        (
            msgspec.structs.replace(sketch(7), statements=(action(7, 0, action="danced"),)),
            "a.csv:7 (action 0)",
            "data.action",
        ),
        (
            msgspec.structs.replace(
                sketch(7), statements=(action(7, 0), action(7, 1, by={"policy": "nowhere"}))
            ),
            "a.csv:7 (action 1)",
            "data.by.policy",
        ),
        (Refused(place=Place("a.csv", 7), field="title", reason="It is empty"), "a.csv:7", "title"),
    ],
    ids=["not read", "not recorded", "no policy"],
)
def test_what_is_refused_leaves_its_policy_out_and_no_other(
    wrong: Found, place: str, field: str, *, keep_going: bool
) -> None:
    """By default it ends the import, and what stood before is recorded; nothing is half recorded."""
    store = MemoryStore()

    report = imported(store, sketch(1), sketch(2), wrong, sketch(3), keep_going=keep_going)

    assert policies(store) == ["int-1", "int-2", *(["int-3"] if keep_going else [])]
    assert (report.refused, report.stopped) == (1, not keep_going)
    assert (str(report.refusals[0].place), report.refusals[0].field) == (place, field)
    assert report.policies == len(policies(store))


def test_an_input_that_breaks_off_is_refused_after_what_stood_before() -> None:
    """Whatever the reader met, the file and its line are told."""
    store = MemoryStore()
    broken = InputRefused(file="a.csv", line=9, reason="The row cannot be read")

    report = imported(store, sketch(1), broken)

    assert (policies(store), str(report.refusals[0].place)) == (["int-1"], "a.csv:9")


def test_a_report_is_bounded_and_its_counts_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of notes, those that are about the same are one, with its first place."""
    monkeypatch.setattr(import_report, "MAX_NOTES", 2)
    monkeypatch.setattr(import_report, "MAX_REFUSALS", 2)
    notes = [
        Note(kind=NoteKind.UNKNOWN_LABEL, about=label, place=Place("a.csv", line))
        for line, label in enumerate("abacd", 1)
    ]
    wrong = [
        Refused(place=Place("a.csv", line), field="", reason="It is empty") for line in range(3)
    ]

    report = imported(MemoryStore(), *notes, *wrong, keep_going=True)

    assert [(each.about, each.count, each.first) for each in report.notes.values()] == [
        ("a", 2, "a.csv:1"),
        ("b", 1, "a.csv:2"),
    ]
    assert (report.more_notes, report.refused, len(report.refusals)) == (2, 3, 2)
    assert json.dumps(report.as_json())


def test_a_policy_of_many_statements_goes_on_where_it_broke_off() -> None:
    """It takes several appends; what is recorded of it is known the next time."""
    store = MemoryStore()

    class Breaking(Relay):
        appends = 0

        def start(self, prepared: Prepared) -> None:
            Breaking.appends += 1
            if Breaking.appends == 2:
                raise StoreUnavailable(reason="gone")
            super().start(prepared)

    with pytest.raises(StoreUnavailable):
        imported(store, sketch(1, actions=1_500), kind=Breaking)
    before = store.head().position
    report = imported(store, sketch(1, actions=1_500))

    assert before == 1_000
    assert counts(report) == {"policies": 1, "recorded": 501, "known": 1_000}


def test_what_another_import_recorded_first_is_known() -> None:
    """Two imports of one source at once record it once, and each counts what it recorded itself."""
    store = MemoryStore()
    others = [lambda: imported(store, sketch(1))]

    class Overtaken(Relay):
        def start(self, prepared: Prepared) -> None:
            while others:
                others.pop()()
            super().start(prepared)

    report = imported(store, sketch(1), kind=Overtaken)

    assert store.head().position == 2
    assert counts(report) == {"policies": 1, "known": 2}


def _described_anew(store: MemoryStore) -> None:
    edited(store, described("int-1", title="As the desk has it"))


def _corrected(store: MemoryStore) -> None:
    edited(store, corrected(event_id(SYSTEM, "action/1-0"), {"occurred": "2024"}, "int-1"))


@pytest.mark.parametrize("edit", [_described_anew, _corrected])
def test_what_others_record_meanwhile_is_taken_into_account(
    edit: Callable[[MemoryStore], None],
) -> None:
    """A policy is compared anew with what it is by then, and the others are recorded all the same."""
    store = MemoryStore()
    imported(store, sketch(1))
    edits = [edit]

    class Overtaken(Relay):
        def start(self, prepared: Prepared) -> None:
            while edits:
                edits.pop()(store)
            super().start(prepared)

    changed = msgspec.structs.replace(
        sketch(1, title="Another law"), statements=(action(1, 0, occurred="2025-03-01"),)
    )
    report = imported(store, changed, sketch(2), kind=Overtaken)

    assert counts(report) == {"policies": 2, "recorded": 2, "corrected": 1, "disputed": 1}
    assert counts(imported(store, changed, sketch(2))) == {"policies": 2, "known": 4}


@pytest.mark.parametrize("how", [imported, foreseen])
def test_what_is_new_of_a_policy_that_somebody_merged_is_left_out_and_told(
    how: Callable[..., ImportReport],
) -> None:
    """It is the duplicate of another, whatever its source says: what stands behind it is recorded."""
    store = MemoryStore()
    imported(store, sketch(1), sketch(2))
    edited(store, merged("int-2", "int-1"))

    same = how(store, sketch(2))
    changed = how(store, sketch(2, actions=2), sketch(3))

    assert (counts(same), same.notes) == ({"policies": 1, "known": 2}, {})
    assert counts(changed) == {"policies": 2, "recorded": 2, "known": 3}
    assert [(each.about, each.first) for each in changed.notes.values()] == [
        ("what is new of int-2, as it is merged into int-1", "a.csv:2")
    ]


def test_a_policy_that_the_source_numbers_anew_stays_where_it_is() -> None:
    """A policy's id is permanent: the source's own id says which one it is."""
    store = MemoryStore()
    imported(store, sketch(1, policy="t-1"))

    told = [imported(store, sketch(1, actions=2, title="Named")) for _ in range(2)]

    assert policies(store) == ["t-1"]
    assert [counts(each) for each in told] == [
        {"policies": 1, "recorded": 1, "corrected": 1, "known": 1},
        {"policies": 1, "known": 3},
    ]


def test_a_policy_that_a_source_gives_twice_is_taken_as_it_was_last() -> None:
    """Also while its first picture is still being recorded."""

    class Elsewhere(MemoryStore):
        commits_elsewhere = True

    store = Elsewhere()

    report = imported(store, sketch(1), sketch(2), sketch(1, actions=2, title="Another law"))

    assert counts(report) == {"policies": 3, "recorded": 5, "corrected": 1, "known": 1}


def test_a_dry_run_says_what_a_run_then_does() -> None:
    """Of the same input, on a record that others have changed, with all that would come of it."""
    store = MemoryStore()
    imported(store, sketch(1, actions=2), sketch(2))
    edited(store, registered("int-5", id=event_id(SYSTEM, "action/9-0")))
    said: list[Found] = [
        sketch(1, title="Another law"),
        sketch(3, actions=1_200),
        msgspec.structs.replace(sketch(4), statements=(action(4, 0, by={"policy": "int-3"}),)),
        sketch(3, actions=1_200, title="Law 3, amended"),
        msgspec.structs.replace(sketch(6), statements=(action(4, 0),)),
        sketch(9),
        msgspec.structs.replace(sketch(8), statements=(action(8, 0, by={"policy": "int-9"}),)),
    ]
    before = store.head()

    would = foreseen(store, *said, keep_going=True)
    after = store.head()
    did = imported(store, *said, keep_going=True)

    assert before == after
    assert would.as_json() == did.as_json()
    assert counts(would) == {
        "policies": 4,
        "recorded": 1_203,
        "corrected": 2,
        "retracted": 1,
        "known": 1_201,
        "refused": 3,
    }


def test_events_and_refusals_are_told_in_their_order() -> None:
    """Where each is told, what stands before a refusal is told before it."""
    told: list[int] = []
    report = ImportReport(
        on_recorded=lambda change: told.append(change.place.line),
        on_refused=lambda refused: told.append(refused.place.line),
    )
    unread = Refused(place=Place("a.csv", 2), field="", reason="It is wrong")

    with foreseeing(MemoryStore(), clock=utc_now, random_bytes=os.urandom) as ledger:
        importing = Importing(ledger, "import", keep_going=True, report=report)
        importing.run(Said([sketch(1), unread, sketch(3), sketch(4)]))

    assert told == sorted(told)
    assert set(told) == {1, 2, 3, 4}


def test_refusals_are_listed_in_the_order_of_the_input() -> None:
    """However they were found; beyond the bound the first of the input are kept."""
    report = ImportReport(order={"b.csv": 0, "a.csv": 1})
    places = [Place("a.csv", 2), *(Place("b.csv", line) for line in range(MAX_REFUSALS, 0, -1))]

    for place in places:
        report.refuse(Refused(place=place, field="", reason="It is wrong"))

    assert [each.place for each in report.refusals] == places[:0:-1]
    assert report.refused == MAX_REFUSALS + 1


def test_a_dry_run_reads_streams_as_they_would_be() -> None:
    """What is only foreseen looks like what is recorded."""
    store, twin = MemoryStore(), MemoryStore()
    imported(store, sketch(1))
    imported(twin, sketch(1), sketch(1, title="Another law"))

    with foreseeing(store, clock=utc_now, random_bytes=os.urandom) as ledger:
        Importing(ledger, "import").run(Said([sketch(1, title="Another law")]))
        stream = ledger.streams(frozenset({"int-1"}))["int-1"]

    assert [_bare(each) for each in stream] == [_bare(each) for each in twin.stream("int-1")]


def _bare(event: Recorded) -> Recorded:
    return msgspec.structs.replace(event, position=0, batch=0, recorded_at="")
