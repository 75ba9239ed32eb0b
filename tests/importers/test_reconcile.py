"""From what a source says to events: only what changed, and nothing of what others decided."""

import json
import os
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    LOS_ANGELES,
    SOURCE,
    corrected,
    described,
    disputed,
    erased,
    registered,
    retracted,
)
from timeline.domain.belief import Belief, Believer, PastEvent
from timeline.domain.errors import DomainError
from timeline.domain.events import decode_data
from timeline.domain.events import plain as as_json
from timeline.domain.vocabulary import EventType
from timeline.eventstore.committing import Committer
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.writer import utc_now
from timeline.importers.errors import Unrecordable
from timeline.importers.reconcile import Age, Kind, reconcile
from timeline.importers.sketch import Place, Sketch, Statement, event_id

SYSTEM: Final = "a-council"
POLICY: Final = "int-1"
PLACE: Final = Place("a.csv", 7)
OFFICIAL: Final = {"url": "https://council.example/1", "class": "official"}


class Record:
    """A record in memory that takes in sketches, and what an editor adds."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self._committer = Committer(
            self.store, clock=utc_now, random_bytes=os.urandom, announce=lambda _, __: None
        )

    def takes(self, sketch: Sketch) -> Counter[Kind]:
        """Record what a sketch leads to; return how many events of which kind."""
        changes = reconcile(SYSTEM, sketch, self.store.stream(POLICY, limit=1_000)).changes
        if changes:
            drafts = tuple(change.draft for change in changes)
            self._append(Append(drafts=drafts, recorded_by="import", batched=True))
        return Counter(change.kind for change in changes)

    def edited(self, *drafts: Draft) -> None:
        """Record what somebody else says."""
        self._append(Append(drafts=drafts, recorded_by="desk", batched=True))

    def _append(self, append: Append) -> None:
        (result,) = self._committer.record([append])
        if isinstance(result, Exception):
            raise result

    def believed(self) -> Belief:
        """Return what the record believes."""
        belief = Believer(POLICY).believe(
            [
                PastEvent(
                    position=each.position,
                    id=each.id,
                    policy=each.policy,
                    version=each.version,
                    type=each.type,
                    recorded_at=each.recorded_at,
                    recorded_by=each.recorded_by,
                    data=decode_data(each.type, _read(each.data)),
                )
                for each in self.store.stream(POLICY, limit=1_000)
            ]
        )
        assert belief is not None
        return belief

    def action(self, about: str) -> dict[str, Any]:
        """Return an action as believed."""
        event = event_id(SYSTEM, about)
        (found,) = [each for each in self.believed().actions if each.event == event]
        action: dict[str, Any] = _listed(as_json(found.action))
        return action


def _read(data: bytes | None) -> Any:
    return json.loads(data or b"null")


def _listed(value: Any) -> Any:
    """Return plain values as JSON has them."""
    return json.loads(json.dumps(value))


@pytest.fixture
def record() -> Record:
    """Give an empty record."""
    return Record()


def origin(about: str, recorded: str | None = None) -> dict[str, str]:
    return {"system": SYSTEM, "id": about} | ({"recorded": recorded} if recorded else {})


def action(about: str = "action/1", **data: Any) -> Statement:
    """Say that something happened."""
    needed = {
        "action": "introduced",
        "occurred": "2025-01-08",
        "label": "Introduced",
        "sources": [OFFICIAL],
        "origin": origin(about),
    }
    return Statement(about=about, type=EventType.ACTION_RECORDED, data=needed | data, place=PLACE)


def relation(about: str, citation: str, **data: Any) -> Statement:
    """Say that it bears on something."""
    needed = {
        "relation": "amends",
        "target": {"citation": citation},
        "sources": [OFFICIAL],
        "origin": origin(about),
    }
    return Statement(about=about, type=EventType.RELATION_ASSERTED, data=needed | data, place=PLACE)


def source(about: str, of: str, quote: str) -> Statement:
    """Say that a source bears a statement out."""
    data = {
        "event": event_id(SYSTEM, of),
        "source": {**OFFICIAL, "quote": quote},
        "stance": "supports",
    }
    return Statement(about=about, type=EventType.SOURCE_ATTACHED, data=data, place=PLACE)


def sketch(
    *statements: Statement,
    whole: bool = True,
    untold: frozenset[EventType] = frozenset(),
    **data: Any,
) -> Sketch:
    """Say all of a policy."""
    needed = {
        "title": "A law",
        "instrument": "bill",
        "jurisdiction": LOS_ANGELES,
        "sources": [OFFICIAL],
        "origin": origin("matter/1"),
    }
    return Sketch(
        policy=POLICY,
        about="matter/1",
        described=needed | data,
        statements=statements,
        place=PLACE,
        whole=whole,
        untold=untold,
    )


FIRST: Final = event_id(SYSTEM, "action/1")


def test_what_is_new_is_recorded_once(record: Record) -> None:
    """The same sketch again leads to nothing; one more statement to one more event."""
    one, two = action(), action("action/2", occurred="2025-01-09")

    told = [record.takes(each) for each in (sketch(one), sketch(one), sketch(one, two))]

    assert told == [{Kind.RECORDED: 2}, {}, {Kind.RECORDED: 1}]


def test_a_change_there_and_back_is_two_corrections(record: Record) -> None:
    """A, B, A: each corrects what was said before, with just what differs, and then all is said."""
    first, second = sketch(action()), sketch(action(occurred="2025-01-09", body="Council"))

    told = [record.takes(each) for each in (first, second, first, first)]

    assert told[1:] == [{Kind.CORRECTED: 1}, {Kind.CORRECTED: 1}, {}]
    events = record.store.stream(POLICY)
    assert [_read(each.data)["changes"] for each in events[2:]] == [
        {"occurred": "2025-01-09", "body": "Council"},
        {"occurred": "2025-01-08", "body": None},
    ]
    assert record.action("action/1") == first.statements[0].data


@pytest.mark.parametrize("described", [{}, {"title": "Another law"}], ids=["no more", "both"])
def test_an_older_version_than_what_is_recorded_is_passed_over(
    record: Record, described: dict[str, Any]
) -> None:
    """By the source's own time, also where the newer one only took something back; a newer one counts."""
    first, second, third = (
        origin("matter/1", f"2025-01-08T15:00:00{each}") for each in ("Z", ".5Z", ".51+00:00")
    )
    old, new = sketch(action(), origin=first), sketch(origin=second, **described)
    record.takes(old)
    record.takes(new)

    told = [
        record.takes(each)
        for each in (old, new, sketch(action(), origin=third), new, old, sketch(origin=third))
    ]

    title = {Kind.CORRECTED: 1}
    assert told == [{}, {}, {Kind.RESTORED: 1} | title, {}, {}, {Kind.RETRACTED: 1}]
    stream = record.store.stream(POLICY)
    assert [reconcile(SYSTEM, each, stream).age for each in (old, new, sketch(action()))] == [
        Age.OLDER,
        Age.OLDER,
        Age.UNTOLD,
    ]


@pytest.mark.parametrize(
    "statement",
    [
        action(origin=origin("action/1", "2025-02-01T10:00:00Z")),
        action(sources=[{**OFFICIAL, "retrieved": "2025-02-01"}]),
        action(scope="full", actors=[]),
    ],
    ids=["touched", "retrieved", "said at length"],
)
def test_what_means_the_same_is_no_change(record: Record, statement: Statement) -> None:
    """The source's own times alone, and what absence says as well, make no event."""
    record.takes(sketch(action()))

    assert record.takes(sketch(statement)) == {}


def test_a_source_that_comes_on_top_is_attached(record: Record) -> None:
    """What is new is the evidence, so nothing is corrected; and it is attached once."""
    record.takes(sketch(action()))
    more = sketch(action(sources=[OFFICIAL, SOURCE]), sources=[OFFICIAL, SOURCE])

    told = [record.takes(more), record.takes(more)]

    assert told == [{Kind.CORRECTED: 2}, {}]
    (believed,) = record.believed().actions
    assert (_listed(as_json(believed.sources)), believed.corrected) == ([OFFICIAL, SOURCE], False)


def test_what_is_gone_is_retracted_and_what_is_back_restored(record: Record) -> None:
    """Each once, a restored action with what changed meanwhile; a part of the picture retracts nothing."""
    both = sketch(action(), relation("relation/1", "A law of 1990"))
    back = sketch(action(occurred="2025-03-01"), *both.statements[1:])

    told = [
        record.takes(each)
        for each in (both, sketch(whole=False), sketch(), sketch(), back, back, sketch(), back)
    ]

    assert told[1:] == [
        {},
        {Kind.RETRACTED: 2},
        {},
        {Kind.RESTORED: 2, Kind.CORRECTED: 1},
        {},
        {Kind.RETRACTED: 2},
        {Kind.RESTORED: 2},
    ]
    assert record.action("action/1")["occurred"] == "2025-03-01"


def test_a_kind_of_which_nothing_is_told_is_not_taken_back(record: Record) -> None:
    """A source may leave out relations, and still say that an action is gone."""
    record.takes(sketch(action(), relation("relation/1", "A law of 1990")))
    untold = frozenset({EventType.RELATION_ASSERTED})

    told = [record.takes(each) for each in (sketch(untold=untold), sketch())]

    assert told == [{Kind.RETRACTED: 1}, {Kind.RETRACTED: 1}]


def test_a_relation_that_changes_is_retracted_and_asserted_anew(record: Record) -> None:
    """Relations cannot be corrected; what was attached to the old one goes over to the new one."""
    one = sketch(relation("relation/1", "A law"), source("source/1", "relation/1", "amends"))
    other = sketch(relation("relation/1", "Another"), source("source/1", "relation/1", "amends"))
    record.takes(one)

    told = [record.takes(other), record.takes(other), record.takes(sketch())]

    assert told == [
        {Kind.RETRACTED: 2, Kind.CORRECTED: 2},
        {},
        {Kind.RETRACTED: 2},
    ]


def test_what_an_editor_corrected_is_disputed_and_not_overridden(record: Record) -> None:
    """The field that the editor decided alone; others are corrected as ever."""
    record.takes(sketch(action()))
    record.edited(corrected(FIRST, {"occurred": "2025-01-07"}, POLICY))
    changed = sketch(action(occurred="2025-01-10", body="Council"))

    told = [record.takes(changed), record.takes(changed)]

    assert told == [{Kind.DISPUTED: 1, Kind.CORRECTED: 1}, {}]
    assert record.action("action/1")["occurred"] == "2025-01-07"
    assert record.action("action/1")["body"] == "Council"
    (dispute,) = record.believed().disputes
    assert (dispute.claim.field, dispute.claim.value) == ("occurred", "2025-01-10")


def test_a_dispute_goes_with_what_it_claims(record: Record) -> None:
    """Where the source changes again, its former claim is taken back; where it agrees, all is well."""
    record.takes(sketch(action()))
    record.edited(corrected(FIRST, {"occurred": "2025-01-07"}, POLICY))
    record.takes(sketch(action(occurred="2025-01-10")))

    told = [
        record.takes(sketch(action(occurred=day)))
        for day in ("2025-01-11", "2025-01-07", "2025-01-07")
    ]

    assert told == [{Kind.RETRACTED: 1, Kind.DISPUTED: 1}, {Kind.RETRACTED: 1}, {}]
    assert record.believed().disputes == ()


def test_a_description_changes_by_just_what_differs(record: Record) -> None:
    """Also when it is cleared; what an editor described is disputed."""
    record.takes(sketch(body="Council", topics=["housing"]))
    record.edited(described(POLICY, title="A better title"))

    told = [
        record.takes(sketch(topics=["parks"])),
        record.takes(sketch(title="A new title", topics=["parks"])),
        record.takes(sketch(title="A new title", topics=["parks"])),
    ]

    assert told == [{Kind.CORRECTED: 1}, {Kind.DISPUTED: 1}, {}]
    now = record.believed().described
    assert (now.title, now.body, now.topics) == ("A better title", None, ("parks",))


@pytest.mark.parametrize(
    "edit",
    [
        lambda: retracted(FIRST, POLICY),
        lambda: erased(FIRST, POLICY),
        lambda: disputed(FIRST, "label", "Printed", POLICY),
    ],
    ids=["retracted", "erased", "disputed"],
)
def test_what_others_took_back_or_erased_is_left_alone(
    record: Record, edit: Callable[[], Draft]
) -> None:
    """Nothing is restored that the source did not take back itself; a dispute stays an editor's."""
    record.takes(sketch(action()))
    record.edited(edit())

    assert record.takes(sketch(action())) == {}


def test_what_an_editor_restored_stays(record: Record) -> None:
    """The source does not say it, and says so once."""
    record.takes(sketch(action()))
    record.takes(sketch())
    (retraction,) = [
        each for each in record.store.stream(POLICY) if each.type is EventType.EVENT_RETRACTED
    ]
    record.edited(retracted(retraction.id, POLICY))

    assert record.takes(sketch()) == {}


def test_a_registration_of_someone_else_is_theirs(record: Record) -> None:
    """What happened is added to it; how it is described stays as it is."""
    record.edited(registered(POLICY, title="As the desk has it"))

    assert record.takes(sketch(action())) == {Kind.RECORDED: 1}
    assert record.takes(sketch(action(), title="Otherwise")) == {}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (action(action="danced"), "data.action"),
        (action(label="a\0b"), "data.label"),
        (action(occurred="2025-02-30"), "data.occurred"),
    ],
    ids=str,
)
def test_what_the_record_does_not_take_is_named(
    record: Record, wrong: Statement, field: str
) -> None:
    """By its place in the input and its field."""
    with pytest.raises(Unrecordable) as refused:
        record.takes(sketch(wrong))

    assert (refused.value.place, refused.value.field) == (PLACE, field)


def test_a_statement_made_twice_is_one_unless_it_differs(record: Record) -> None:
    """The source's own id says that they are the same."""
    assert record.takes(sketch(action(), action())) == {Kind.RECORDED: 2}
    with pytest.raises(Unrecordable, match=r"action/1 stands in a\.csv:7 otherwise"):
        record.takes(sketch(action(), action(label="Other")))


# Any history of a source


DAYS: Final = st.sampled_from(["2025-01-08", "2025-02", "2025~"])
WORDS: Final = st.sampled_from(["Council", "Mayor"])


@st.composite
def actions(draw: st.DrawFn, about: str) -> Statement:
    data: dict[str, Any] = {"occurred": draw(DAYS)}
    if draw(st.booleans()):
        data["body"] = draw(WORDS)
    if draw(st.booleans()):
        data["actors"] = [{"name": draw(WORDS)}]
    if draw(st.booleans()):
        data["scope"] = "partial"
    return action(about, **data)


@st.composite
def sketches(draw: st.DrawFn) -> Sketch:
    """Draw a sketch of a policy: a few actions, relations, and sources for some of them."""
    told = draw(st.sets(st.sampled_from(["action/1", "action/2", "action/3"])))
    related = draw(st.sets(st.sampled_from(["relation/1", "relation/2"])))
    statements = [draw(actions(about)) for about in sorted(told)]
    statements += [relation(about, draw(WORDS)) for about in sorted(related)]
    for about in sorted(told | related):
        if draw(st.booleans()):
            statements.append(source(f"source/{about}", about, draw(WORDS)))
    description: dict[str, Any] = {"title": draw(WORDS)}
    if draw(st.booleans()):
        description["summary"] = draw(WORDS)
    if draw(st.booleans()):
        description["topics"] = [draw(WORDS)]
    return sketch(*statements, **description)


def picture(sketch: Sketch) -> tuple[Any, ...]:
    """Return what a sketch says, in the form of `believed_picture`."""
    described = sketch.described
    told = {each.about: each.data for each in sketch.statements}
    return (
        (described["title"], described.get("summary"), tuple(described.get("topics", ()))),
        sorted(
            (about, data["occurred"], data.get("body"), str(data.get("actors")), data.get("scope"))
            for about, data in told.items()
            if "action" in data
        ),
        sorted(
            (about, data["target"]["citation"]) for about, data in told.items() if "target" in data
        ),
    )


def believed_picture(record: Record) -> tuple[Any, ...]:
    """Return what the record believes of a policy."""
    belief = record.believed()
    acted = [_listed(as_json(each.action)) for each in belief.actions]
    related = [as_json(each.relation) for each in belief.relations]
    now = belief.described
    return (
        (now.title, now.summary, now.topics),
        sorted(
            (
                data["origin"]["id"],
                data["occurred"],
                data.get("body"),
                str(data.get("actors")),
                data.get("scope"),
            )
            for data in acted
        ),
        sorted((data["origin"]["id"], data["target"]["citation"]) for data in related),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(sketches(), min_size=1, max_size=6))
def test_the_record_follows_whatever_a_source_says(told: list[Sketch]) -> None:
    """After each import it believes the last picture, and importing that again adds nothing."""
    record = Record()
    for each in told:
        record.takes(each)

        assert believed_picture(record) == picture(each)
        assert record.takes(each) == {}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(sketches(), st.integers(0, 30)), min_size=1, max_size=6))
def test_an_import_goes_on_whatever_editors_do(told: list[tuple[Sketch, int]]) -> None:
    """After corrections, retractions and erasures by others each sketch is taken, and once."""
    record = Record()
    for each, choice in told:
        record.takes(each)
        assert record.takes(each) == {}
        _edit(record, choice)
    record.takes(told[0][0])
    assert record.takes(told[0][0]) == {}


def _edit(record: Record, choice: int) -> None:
    """Let an editor do something to one of the events, where the record takes it."""
    events = record.store.stream(POLICY, limit=1_000)
    event = events[choice % len(events)].id
    edits = (
        lambda: retracted(event, POLICY),
        lambda: corrected(event, {"occurred": "2024"}, POLICY),
        lambda: erased(event, POLICY),
        lambda: described(POLICY, title="As the desk has it"),
    )
    try:
        record.edited(edits[choice % len(edits)]())
    except DomainError:
        return
