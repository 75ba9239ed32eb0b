"""An event that breaks the read models parks its policy; the others go on, and it can come back."""

from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest
from sqlalchemy import Engine, select

from builders import CALIFORNIA, acted, draft, erased, event_id, registered
from timeline.application.errors import PolicyParked, UnknownResource
from timeline.application.queries import (
    HistoryQuery,
    PoliciesQuery,
    PolicyQuery,
    TimelineQuery,
)
from timeline.application.reading import Reader
from timeline.application.replay import replay
from timeline.domain.belief import PastEvent
from timeline.domain.vocabulary import EventType
from timeline.eventstore.errors import StoreBusy
from timeline.eventstore.model import Append, Draft
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer, utc_now
from timeline.projections.changes import Changes
from timeline.projections.errors import RebuildBrokenError, RebuildUnsettledError
from timeline.projections.log import Log
from timeline.projections.model import Row
from timeline.projections.models import MODELS
from timeline.projections.parking import FORGOTTEN, Parked, ask_retry, parked
from timeline.projections.projector import Projector
from timeline.projections.reading import view
from timeline.projections.rebuild import live_digests, rebuild
from timeline.projections.runner import Runner

SOURCES = [{"url": "https://news.example/order"}]
BREAKING = "breaks what takes it in"


class Fault:
    """A fault in the projector, as a release may bring it: events with certain words break it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = ValueError("cannot fold this")
        self.folded = 0
        take = Projector._take  # noqa: SLF001 - where an event is folded

        def faulty(projector: Projector, event: PastEvent, changes: Changes) -> None:
            self.folded += 1
            take(projector, event, changes)
            if self.error is not None and BREAKING in str(event.data):
                raise self.error

        monkeypatch.setattr(Projector, "_take", faulty)


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Give a fault that strikes until its `error` is taken away."""
    return Fault(monkeypatch)


@pytest.fixture
def record(engine: Engine) -> Iterator[Callable[..., int]]:
    """Give a function that records drafts one by one and returns the last position."""
    with Writer(SqlStore(engine)) as writer:

        def append(*drafts: Draft) -> int:
            position = 0
            for each in drafts:
                outcome = writer.append(Append(drafts=(each,), recorded_by="desk"))
                position = outcome.events[-1].position
            return position

        yield append


def _runner(engine: Engine) -> Runner:
    return Runner(engine, Log(SqlStore(engine)))


def _parked(engine: Engine) -> tuple[Parked, ...]:
    with view(engine) as live:
        return parked(live.connection)


def _rows(engine: Engine, policy: str) -> list[Row]:
    """Return all rows of a policy in the live slots."""
    with view(engine) as live:
        return [
            dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
            for model in MODELS
            for spec in model.specs
            for table in [model.table(spec.name, live.slots[model.name])]
            for row in live.connection.execute(select(table).where(table.c.policy == policy))
        ]


def _story(*, breaking: Sequence[int] = ()) -> list[Draft]:
    """Return two policies' events in turn; those at the given places break the fold."""
    return [
        registered("good"),
        registered("bad"),
        *(
            acted(
                ("good", "bad")[place % 2],
                id=event_id(place),
                summary=BREAKING if place in breaking else "fine",
            )
            for place in range(3, 41)
        ),
    ]


@pytest.mark.usefixtures("fault")
def test_a_breaking_event_parks_its_policy_and_no_other(
    engine: Engine, record: Callable[..., int]
) -> None:
    """Progress moves on; the policy keeps what it had, and the row says which event it was."""
    drafts = _story(breaking=[21])
    record(*drafts[:20])
    _runner(engine).catch_up()
    before = _rows(engine, "bad")
    last = record(*drafts[20:])

    reached = _runner(engine).catch_up()

    (found,) = _parked(engine)
    assert reached == last
    assert (found.policy, found.position, found.hidden_from) == ("bad", 21, 21)
    assert (found.event, found.error, found.retry) == (
        event_id(21),
        "ValueError: cannot fold this",
        False,
    )
    assert _rows(engine, "bad") == before
    assert {row["version"] for row in _rows(engine, "good") if "version" in row} == set(
        range(1, 21)
    )


def test_a_runner_that_starts_anew_leaves_parked_what_is_parked(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """Later events wait, also for a process that has not seen the policy break."""
    record(*_story(breaking=[21]))
    _runner(engine).catch_up()
    before = _rows(engine, "bad")
    fault.error = None

    last = record(acted("bad"), acted("good"))

    assert _runner(engine).catch_up() == last
    assert _rows(engine, "bad") == before
    assert [each.position for each in _parked(engine)] == [21]


def test_a_retry_gives_byte_for_byte_what_a_rebuild_gives(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """All that waited is taken in, together with what it does to others, and nothing is left."""
    bearing = draft(
        EventType.RELATION_ASSERTED,
        "bad",
        {"relation": "rescinds", "target": {"policy": "good"}, "sources": SOURCES},
    )
    last = record(*_story(breaking=[21]), bearing, acted("good", action="hearing_held"))
    runner = _runner(engine)
    runner.catch_up()
    kept = _rows(engine, "good")

    fault.error = None
    ask_retry(engine, ["bad"])
    runner.step()

    assert _parked(engine) == ()
    assert _rows(engine, "good") != kept
    position, digests = live_digests(engine, MODELS)
    compared = rebuild(engine, Log(SqlStore(engine)), MODELS)
    assert position == last
    assert {each.name: each.rebuilt for each in compared} == digests
    assert runner.catch_up() == last


def test_a_retry_that_breaks_again_keeps_the_policy_parked(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """The newest reason is kept, nothing else changes, and it is not tried without end."""
    record(*_story(breaking=[21]))
    runner = _runner(engine)
    runner.catch_up()
    before = live_digests(engine, MODELS)

    fault.error = KeyError("another reason")
    ask_retry(engine, ["bad"])
    runner.step()
    folded = fault.folded
    runner.catch_up()

    (found,) = _parked(engine)
    assert (found.position, found.error, found.retry) == (21, "KeyError: 'another reason'", False)
    assert live_digests(engine, MODELS) == before
    assert fault.folded == folded


def test_several_policies_are_parked_and_come_back_one_by_one(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """Each retry leaves the others parked; after the last one nothing is missing."""
    last = record(*_story(breaking=[10, 21, 30]))
    runner = _runner(engine)
    assert runner.catch_up() == last
    assert [(each.policy, each.position) for each in _parked(engine)] == [("good", 10), ("bad", 21)]

    fault.error = None
    ask_retry(engine, ["bad", "good"])
    runner.step()
    left = [each.policy for each in _parked(engine)]
    runner.step()

    assert (left, _parked(engine)) == (["bad"], ())
    assert replay(engine, SqlStore(engine), MODELS).identical


def test_a_database_that_fails_parks_nothing(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """A busy or absent database is no event's fault: the runner's caller tries again later."""
    record(*_story(breaking=[21]))
    fault.error = StoreBusy(retry_after_s=1)

    with pytest.raises(StoreBusy):
        _runner(engine).catch_up()

    assert _parked(engine) == ()


def test_rows_that_the_database_refuses_park_their_policy(
    engine: Engine, record: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read model whose rows break a constraint is as broken as one that raises."""
    last = record(registered("good"), registered("bad"), acted("bad", summary=BREAKING))
    inserts = Changes.inserts

    def faulty(changes: Changes) -> dict[str, list[Row]]:
        found = inserts(changes)
        for row in found.get("timeline", []):
            if row["policy"] == "bad":
                row["item"] = None
        return found

    monkeypatch.setattr(Changes, "inserts", faulty)

    assert _runner(engine).catch_up() == last
    assert [(each.policy, each.position) for each in _parked(engine)] == [("bad", 3)]


def test_a_stored_event_that_cannot_be_read_parks_its_policy(
    engine: Engine, record: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data that this version has no shape for is met before anything is folded."""
    last = record(
        registered("good"), registered("bad"), acted("bad", summary=BREAKING), acted("good")
    )
    data = Log._data  # noqa: SLF001 - where stored data is read

    def faulty(log: Log, event: object) -> object:
        found = data(log, event)  # type: ignore[arg-type]
        if BREAKING in str(found):
            raise msgspec.ValidationError("no such shape")
        return found

    monkeypatch.setattr(Log, "_data", faulty)

    assert _runner(engine).catch_up() == last
    assert [(each.policy, each.position) for each in _parked(engine)] == [("bad", 3)]
    assert _rows(engine, "bad")


def test_what_is_erased_goes_while_its_policy_is_parked(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """An erasure does not wait: the rows that the policy keeps are written anew without it.

    What broke it may repeat what was erased, so that is not told any more.
    """
    words = "what has to go"
    fault.error = ValueError(f"cannot fold this after {words}")
    record(
        registered("bad"),
        acted("bad", id=event_id(7), summary=words),
        acted("bad", summary=BREAKING),
    )
    runner = _runner(engine)
    runner.catch_up()
    kept = str(_rows(engine, "bad"))
    (before,) = _parked(engine)

    record(erased(event_id(7), "bad"))
    runner.catch_up()

    assert words in kept
    assert words in before.error
    assert [(each.policy, each.error) for each in _parked(engine)] == [("bad", FORGOTTEN)]
    assert _rows(engine, "bad")
    assert words not in str(_rows(engine, "bad"))
    assert replay(engine, SqlStore(engine), MODELS).identical
    fault.error = None
    ask_retry(engine, ["bad"])
    runner.step()
    assert _parked(engine) == ()
    assert replay(engine, SqlStore(engine), MODELS).identical


def test_a_policy_whose_erasure_breaks_goes_out_of_sight(
    engine: Engine, record: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather no answer about it than one that tells what has to go; what it did to others goes."""
    words = "what has to go"
    record(
        registered("good"),
        registered("bad"),
        acted("bad", id=event_id(7), summary=words),
    )
    runner = _runner(engine)
    runner.catch_up()
    take = Projector._take  # noqa: SLF001 - where an event is folded

    def faulty(projector: Projector, event: PastEvent, changes: Changes) -> None:
        if event.erased or event.type is EventType.PAYLOAD_ERASED:
            raise ValueError(event.type)
        take(projector, event, changes)

    with monkeypatch.context() as patched:
        patched.setattr(Projector, "_take", faulty)
        last = record(erased(event_id(7), "bad"), acted("good"))
        reached = runner.catch_up()
        out_of_sight = _rows(engine, "bad")

    (found,) = _parked(engine)
    assert (reached, out_of_sight) == (last, [])
    assert (found.policy, found.position, found.hidden_from) == ("bad", 4, 2)
    ask_retry(engine, ["bad"])
    runner.step()
    assert _rows(engine, "bad")
    assert replay(engine, SqlStore(engine), MODELS).identical


def test_a_rebuild_leaves_parked_what_is_parked(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """The rows compare, readers are switched, and a retry goes on from there."""
    record(*_story(breaking=[21]))
    runner = _runner(engine)
    runner.catch_up()

    compared = rebuild(engine, Log(SqlStore(engine)), MODELS)

    assert all(each.identical and each.switched for each in compared)
    assert [each.policy for each in _parked(engine)] == ["bad"]
    assert replay(engine, SqlStore(engine), MODELS).identical
    fault.error = None
    ask_retry(engine, ["bad"])
    runner.step()
    assert replay(engine, SqlStore(engine), MODELS).identical


def test_a_rebuild_that_breaks_leaves_the_live_rows(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """A fault that came after the event was taken in does not take the answers away."""
    record(*_story(breaking=[21]))
    fault.error = None
    _runner(engine).catch_up()
    before = live_digests(engine, MODELS)
    fault.error = ValueError("a newer fault")

    with pytest.raises(RebuildBrokenError):
        rebuild(engine, Log(SqlStore(engine)), MODELS)

    assert live_digests(engine, MODELS) == before
    assert _parked(engine) == ()


def test_a_rebuild_is_not_switched_to_where_a_policy_was_unparked_meanwhile(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """What it hid is not hidden any more, so its rows are not the ones to serve."""
    record(*_story(breaking=[21]))
    runner = _runner(engine)
    runner.catch_up()

    def retry_meanwhile(_position: int, _head: int) -> None:
        fault.error = None
        ask_retry(engine, ["bad"])
        runner.step()

    with pytest.raises(RebuildUnsettledError):
        rebuild(engine, Log(SqlStore(engine)), MODELS, on_progress=retry_meanwhile)

    assert replay(engine, SqlStore(engine), MODELS).identical


def test_many_breaking_policies_cost_little_more_than_their_events(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """Each is found by halving; what lies between them is not taken in again and again."""
    record(
        *(registered(f"p-{number}", jurisdiction=CALIFORNIA) for number in range(60)),
        *(acted(f"p-{number}", summary=BREAKING) for number in range(0, 60, 10)),
    )
    fault.folded = 0

    _runner(engine).catch_up()

    assert len(_parked(engine)) == 6
    assert fault.folded < 66 * 8


def test_of_two_runners_that_meet_an_event_that_breaks_one_parks_it(
    engine: Engine, record: Callable[..., int], monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """The other one does not take its error for one of the event after that."""
    assert fault.error is not None
    record(registered("bad", summary=BREAKING), registered("innocent"))
    slow, quick = _runner(engine), _runner(engine)
    park = slow._park  # noqa: SLF001 - the moment between meeting the event and parking it

    def late(error: Exception) -> int:
        while quick.position() < 1:
            quick.step()
        return park(error)

    monkeypatch.setattr(slow, "_park", late)

    assert slow.catch_up() == 2
    assert [each.policy for each in _parked(engine)] == ["bad"]


def test_a_policy_that_is_parked_from_its_registration_on_is_not_said_to_be_unknown(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """The read models have nothing of it, and say why; before it was registered it was unknown."""
    assert fault.error is not None
    record(registered("good"), acted("good"), registered("bad", summary=BREAKING, id=event_id(9)))
    _runner(engine).catch_up()
    reader = Reader(engine, SqlStore(engine), utc_now)

    with pytest.raises(PolicyParked) as page:
        reader.policy("bad", PolicyQuery())
    with pytest.raises(PolicyParked) as replayed:
        reader.history("bad", HistoryQuery())
    waits = {"policy": "bad", "event": event_id(9), "position": 3}
    assert page.value.facts == replayed.value.facts == waits
    with pytest.raises(UnknownResource):
        reader.policy("bad", PolicyQuery(known_position=2))


def test_answers_about_a_parked_policy_say_so(
    engine: Engine, record: Callable[..., int], fault: Fault
) -> None:
    """From the position of the event that broke on, and about no other policy."""
    assert fault.error is not None
    record(*_story(breaking=[21]))
    _runner(engine).catch_up()
    reader = Reader(engine, SqlStore(engine), utc_now)
    mark = {"event": event_id(21), "position": 21}

    page = reader.policy("bad", PolicyQuery()).document
    replayed = reader.history("bad", HistoryQuery()).document
    earlier = reader.policy("bad", PolicyQuery(known_position=20)).document
    listed = reader.policies(PoliciesQuery()).document["items"]
    told = reader.timeline(TimelineQuery()).document["items"]

    assert (page["parked"], replayed["parked"]) == (mark, mark)
    assert "parked" not in earlier
    assert {each["policy"]: each.get("parked") for each in listed} == {"bad": mark, "good": None}
    assert {each["policy"]: each.get("parked") for each in told} == {"bad": mark, "good": None}
