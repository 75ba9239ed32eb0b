"""Any sequence of events, held against a picture worked out again from the whole log.

Hypothesis writes: whatever it tries is either refused, which leaves nothing behind, or recorded.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from domain_builders import (
    CALIFORNIA,
    LOS_ANGELES,
    SOURCE,
    Accepted,
    Draft,
    Json,
    Record,
    acted,
    corrected,
    described,
    disputed,
    erased,
    event_id,
    judge,
    merged,
    picture,
    registered,
    related,
    retracted,
    supported,
)
from timeline.domain.errors import DomainError
from timeline.domain.events import decode_data
from timeline.domain.situation import Proposal, StreamState, SubjectState
from timeline.domain.vocabulary import EventType

POLICIES: Final = ("order-1", "law-1", "suit-1")
TERMS: Final = (None, "2020", "2024/2026", "2030-05", "XXXX")
DESCRIPTIONS: Final[tuple[dict[str, Json], ...]] = (
    {"topics": ["a"]},
    {"topics": [], "jurisdiction": CALIFORNIA},
    {"jurisdiction": LOS_ANGELES},
    {"topics": ["b", "c"], "title": "Another title"},
    {},
)
CHANGES: Final[tuple[dict[str, Json], ...]] = (
    {},
    {"actors": None},
    {"sources": [SOURCE]},
    {"scope": None, "label": "Issued"},
)


class Step(NamedTuple):
    """What a writer tries next: numbers that become an event once the record is known."""

    type: EventType
    policy: int
    event: int
    choice: int
    stray: bool


STEPS = st.builds(
    Step,
    type=st.sampled_from([*EventType, *[EventType.EVENT_RETRACTED] * 4]),
    policy=st.integers(0, 2),
    event=st.integers(0, 40),
    choice=st.integers(0, 59),
    stray=st.integers(0, 15).map(lambda number: number == 15),
)


BATCHES = st.lists(STEPS, min_size=1, max_size=1) | st.lists(STEPS, min_size=2, max_size=4)


class Writer:
    """Turns steps into drafts that mostly fit what is on record, also within one batch."""

    def __init__(self, log: list[Accepted]) -> None:
        self.drafts = {each.id: each.draft for each in log}

    def draft(self, step: Step) -> Draft:
        """Return the event that a step stands for, and count it as recorded."""
        draft = self._draft(step)
        self.drafts[event_id(len(self.drafts) + 1)] = draft
        return draft

    def _draft(self, step: Step) -> Draft:
        policy = POLICIES[step.policy]
        other = policy if step.stray else POLICIES[(step.policy + 1 + step.choice % 2) % 3]
        simple = {
            EventType.POLICY_REGISTERED: registered(policy, **DESCRIPTIONS[step.choice % 3]),
            EventType.POLICY_DESCRIBED: described(policy, **DESCRIPTIONS[step.choice % 5]),
            EventType.ACTION_RECORDED: acted(policy, actors=[{"name": "A"}], **self._term(step)),
            EventType.RELATION_ASSERTED: related(policy, {"policy": other}, **self._term(step)),
            EventType.POLICIES_MERGED: merged(policy, other),
        }
        return simple.get(step.type) or self._about(step, self._event(step))

    @staticmethod
    def _term(step: Step) -> dict[str, Json]:
        return {"effective": TERMS[step.choice % 5], "until": TERMS[step.choice // 5 % 5]}

    def _event(self, step: Step) -> str:
        """Return an event that the type can name; for a stray step, any at all."""
        correcting = step.type is EventType.ACTION_CORRECTED
        sparing = step.choice % 8 > 0  # a policy that is retracted takes little else
        fitting = [
            id
            for id, draft in self.drafts.items()
            if step.stray
            or draft.type is EventType.ACTION_RECORDED
            or not (correcting or (sparing and draft.type is EventType.POLICY_REGISTERED))
        ]
        return fitting[-1 - step.event % len(fitting)] if fitting else event_id(999)

    def _about(self, step: Step, event: str) -> Draft:
        subject = self.drafts.get(event)
        policy = POLICIES[step.policy] if step.stray or subject is None else subject.policy
        drafts = {
            EventType.ACTION_CORRECTED: self._correction(step, policy, event),
            EventType.SOURCE_ATTACHED: (
                supported(policy, event)
                if step.choice % 3 == 0 or subject is None or "action" not in subject.data
                else disputed(policy, event, "until", self._term(step)["until"])
            ),
            EventType.EVENT_RETRACTED: retracted(policy, event),
            EventType.PAYLOAD_ERASED: erased(policy, event, self._replacement(step, subject)),
        }
        return drafts[step.type]

    def _correction(self, step: Step, policy: str, event: str) -> Draft:
        term = list(self._term(step).items())[step.choice // 25 :]
        disputes = [
            id
            for id, each in self.drafts.items()
            if each.data.get("event") == event and "claim" in each.data
        ]
        changes = CHANGES[step.choice % 4] | dict(term)
        return corrected(policy, event, changes, settles=disputes[: step.choice % 2])

    def _replacement(self, step: Step, subject: Draft | None) -> dict[str, Json] | None:
        if subject is None or step.choice % 3 == 0:
            return None
        other: dict[EventType, dict[str, Json]] = {
            EventType.POLICY_REGISTERED: {"topics": ["z"]},
            EventType.POLICY_DESCRIBED: {"topics": ["y"], "jurisdiction": CALIFORNIA},
            EventType.ACTION_RECORDED: self._term(step),
            EventType.ACTION_CORRECTED: {"changes": {"until": self._term(step)["until"]}},
            EventType.SOURCE_ATTACHED: {"stance": "supports"},
        }
        return subject.data | other.get(subject.type, {})


class Oracle:
    """The picture, worked out again from the whole list of events, in the plainest way."""

    def __init__(self, log: list[Accepted]) -> None:
        self.log = log
        self.erasures = {
            each.draft.data["event"]: each
            for each in log
            if each.draft.type is EventType.PAYLOAD_ERASED
        }
        self.retracted_by: dict[str, str] = {}
        for each in reversed(log):
            # Who retracts an event comes after it, so its own fate is known by now.
            if self.gone(each.id):
                self.retracted_by[each.id] = self.erasures[each.id].id
            if each.draft.type is EventType.EVENT_RETRACTED and each.id not in self.retracted_by:
                subject = each.draft.data["event"]
                assert subject not in self.retracted_by, "two retractions hold"
                self.retracted_by[subject] = each.id

    def gone(self, event: str) -> bool:
        """Tell whether an event was erased without a replacement."""
        erasure = self.erasures.get(event)
        return erasure is not None and "replacement" not in erasure.draft.data

    def data(self, each: Accepted) -> dict[str, Any]:
        """Return an event's data, or what replaced it."""
        erasure = self.erasures.get(each.id)
        if erasure is None or self.gone(each.id):
            return each.draft.data
        replacement: dict[str, Any] = erasure.draft.data["replacement"]
        return replacement

    def standing(self, policy: str, type: EventType) -> Iterator[Accepted]:
        """Yield a policy's events of one type that are not retracted."""
        for each in self.log:
            fits = each.draft.policy == policy and each.draft.type is type
            if fits and each.id not in self.retracted_by:
                yield each

    def stream(self, policy: str) -> StreamState | None:
        """Return the head of a policy's stream."""
        own = [each for each in self.log if each.draft.policy == policy]
        if not own:
            return None
        description = dict(self.data(own[0]))
        for each in self.standing(policy, EventType.POLICY_DESCRIBED):
            description |= self.data(each)
        survivors = [
            other
            for other in POLICIES
            for each in self.standing(other, EventType.POLICIES_MERGED)
            if each.draft.data["duplicate"] == policy
        ]
        assert len(survivors) <= 1, "merged twice"
        return StreamState(
            policy=policy,
            version=len(own),
            registered_by=own[0].id,
            jurisdiction=description["jurisdiction"],
            topics=tuple(description.get("topics", ())),
            retracted_by=self.retracted_by.get(own[0].id),
            merged_into=survivors[0] if survivors else None,
        )

    def subject(self, each: Accepted) -> SubjectState:
        """Return what others can know of an event."""
        chain: list[str] = []
        below = each
        while below.draft.type is EventType.EVENT_RETRACTED:
            below = next(it for it in self.log if it.id == below.draft.data["event"])
            chain.append(below.id)
        erasure = self.erasures.get(each.id)
        return SubjectState(
            id=each.id,
            policy=each.draft.policy,
            type=each.draft.type,
            position=each.position,
            subject=each.draft.data.get("event"),
            duplicate=each.draft.data.get("duplicate"),
            disputes=self.data(each).get("stance") == "disputes",
            retracts=tuple(chain),
            retracted_by=self.retracted_by.get(each.id),
            erased_by=None if erasure is None else erasure.id,
        )

    def believed(self, each: Accepted) -> dict[str, Any]:
        """Return an action's data after its corrections, as JSON."""
        data = dict(self.data(each))
        for correction in self.standing(each.draft.policy, EventType.ACTION_CORRECTED):
            if correction.draft.data["event"] == each.id:
                changes = dict(self.data(correction)["changes"])
                changes["sources"] = data["sources"] + changes.get("sources", [])
                data |= changes
        return {name: value for name, value in data.items() if value is not None}

    def takes_appends(self, policy: str) -> bool:
        """Tell whether an action can be recorded."""
        stream = self.stream(policy)
        return stream is not None and stream.merged_into is stream.retracted_by is None


def check(record: Record) -> None:
    """Compare the picture with what the oracle works out from the log."""
    oracle = Oracle(record.log)
    situation = record.situation
    streams = {policy: oracle.stream(policy) for policy in POLICIES}
    actions = [each for each in record.log if each.draft.type is EventType.ACTION_RECORDED]
    assert dict(situation.streams) == {p: stream for p, stream in streams.items() if stream}
    assert situation.changed_subjects() == [oracle.subject(each) for each in record.log]
    for each in actions:
        expected = decode_data(EventType.ACTION_RECORDED, oracle.believed(each))
        assert situation.actions[each.id].believed() == expected
    for policy in POLICIES:
        data = decode_data(EventType.ACTION_RECORDED, acted(policy).data)
        probe = Proposal(event_id(999), policy, EventType.ACTION_RECORDED, data)
        outcome = judge(situation.fork(), probe, len(record.log) + 1)
        assert isinstance(outcome, int) is oracle.takes_appends(policy)


def taken(record: Record, *drafts: Draft) -> bool:
    """Append a batch; tell whether it was taken, after a check that a refusal leaves nothing."""
    before = picture(record.situation)
    try:
        record.append(*drafts)
    except DomainError as error:
        note(type(error).__name__)
        assert picture(record.situation) == before
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(batches=st.lists(BATCHES, min_size=20, max_size=60))
def test_an_event_is_refused_or_leaves_the_picture_that_the_whole_log_gives(
    batches: list[list[Step]],
) -> None:
    """The write side keeps in rows what a reader of all events would find, batch after batch."""
    record = Record()
    record.given(registered(POLICIES[0]), registered(POLICIES[1], topics=["a"]), acted(POLICIES[0]))

    for batch in batches:
        writer = Writer(record.log)
        taken(record, *[writer.draft(step) for step in batch])

    check(record)
