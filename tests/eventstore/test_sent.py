"""Lines that are read in one pass are read as the strict reader reads them, or left to it."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import event_id
from full_payloads import FULL
from timeline.application.record import EventRequest
from timeline.domain.errors import InvalidData
from timeline.domain.events import read
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Draft
from timeline.eventstore.sent import Exported, Sent, plain
from timeline.importers.ndjson import draft, read_line
from timeline.transparency.canonical import parse
from timeline.transparency.errors import CanonicalError, MalformedJson

Value = Any

ENVELOPE: dict[str, Value] = {"id": event_id(1), "policy": "an-order"}
OF_THE_LOG: dict[str, Value] = {
    "position": 42,
    "version": 4,
    "schema": 1,
    "batch": 41,
    "recorded_at": "2026-11-22T10:00:00.123456Z",
    "recorded_by": "newsroom",
}
PLAIN: dict[EventType, dict[str, Value]] = {
    **FULL,
    EventType.ACTION_RECORDED: {
        k: v for k, v in FULL[EventType.ACTION_RECORDED].items() if k != "vote"
    },
    EventType.ACTION_CORRECTED: FULL[EventType.ACTION_CORRECTED]
    | {"changes": {"occurred": "2019", "until": None, "actors": [], "scope": "full"}},
    EventType.SOURCE_ATTACHED: FULL[EventType.SOURCE_ATTACHED] | {"stance": "supports"},
}
del PLAIN[EventType.SOURCE_ATTACHED]["claim"], PLAIN[EventType.PAYLOAD_ERASED]

ODD: st.SearchStrategy[Value] = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        -1,
        1.0,
        2**53,
        [],
        {},
        "",
        "full",
        '"',
        "\\",
        "\0",
        "é",
        "\U0001f602",
        "\ud800",
        ":",
        "2020",
        "[{",
    ]
)
PIECES = [
    '"',
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "\\",
    "\\u0000",
    "0",
    "-0",
    "1e2",
    "1.0",
    "null",
    " ",
    "é",
    "\t",
]


def line(type: EventType, data: dict[str, Value], **more: Value) -> bytes:
    """Return an event as a line."""
    return json.dumps(ENVELOPE | {"type": type, "data": data} | more, ensure_ascii=False).encode()


def strictly(line: bytes, kind: type[Sent]) -> Draft | None:
    """Read a line in two steps, as one that is not plain is read; None where it is refused."""
    try:
        if kind is Exported:
            return draft(read_line(line))
        request: EventRequest = read(EventRequest, parse(line), "")
        return Draft.read(
            id=request.id or "",
            policy=request.policy,
            type=request.type,
            data=request.data,
            expected_version=request.expected_version,
        )
    except (InvalidData, MalformedJson, CanonicalError):
        return None


class Speller:
    """Writes values in JSON as no one would: odd members, twice the same, and marks astray."""

    def __init__(self, chance: random.Random, odd: list[Value]) -> None:
        self.chance = chance
        self.odd = odd

    def line(self, event: dict[str, Value]) -> bytes:
        """Spell an event; some marks of it may be lost, or others come in."""
        text = self.value(event)
        for _ in range(self.chance.choice([0, 0, 0, 0, 1, 2])):
            at = self.chance.randrange(len(text))
            text = text[:at] + self.chance.choice(PIECES) + text[at + self.chance.randrange(3) :]
        return text.encode("utf-8", "surrogatepass")

    def value(self, value: Value) -> str:
        """Spell a value."""
        if self.odd and self.chance.random() < 0.01:
            value = self.chance.choice(self.odd)
        if isinstance(value, dict):
            members = [self.member(key, each) for key, each in value.items() if not self.rarely()]
            if members and self.rarely():
                members.append(self.chance.choice(members))
            self.chance.shuffle(members)
            return f"{{{self.blank()}{','.join(members)}{self.blank()}}}"
        if isinstance(value, list):
            return f"[{','.join(self.value(each) for each in value)}]"
        return json.dumps(value, ensure_ascii=self.rarely())

    def member(self, key: str, value: Value) -> str:
        """Spell a member of an object."""
        return f'{self.blank()}"{key}"{self.blank()}:{self.blank()}{self.value(value)}'

    def blank(self) -> str:
        """Return white space, as a rule none."""
        return self.chance.choice(["", "", "", " ", "\n"])

    def rarely(self) -> bool:
        """Tell whether something happens that does not, as a rule."""
        return self.chance.random() < 0.02


@settings(deadline=None, max_examples=200)
@given(
    type=st.sampled_from(EventType),
    kind=st.sampled_from([Sent, Exported]),
    chance=st.randoms(use_true_random=False),
    odd=st.lists(ODD, max_size=3),
)
def test_a_line_read_in_one_pass_is_what_the_strict_reader_makes_of_it(
    type: EventType, kind: type[Sent], chance: random.Random, odd: list[Value]
) -> None:
    """Whatever the spelling: the same event in the same canonical bytes, or the strict reader's turn."""
    data = chance.choice([FULL[type], PLAIN.get(type, FULL[type])])
    more = OF_THE_LOG if kind is Exported else {"expected_version": chance.choice(["new", 3])}
    sent = Speller(chance, odd).line(ENVELOPE | {"type": type, "data": data} | more)

    found = plain(sent, kind)

    assert found is None or found == strictly(sent, kind)


@pytest.mark.parametrize("type", PLAIN)
@pytest.mark.parametrize("kind", [Sent, Exported])
def test_ordinary_lines_are_read_in_one_pass(type: EventType, kind: type[Sent]) -> None:
    """Every type's, in any order of keys and with any blanks; an export's, too."""
    more = OF_THE_LOG if kind is Exported else {"expected_version": 3}
    sent = line(type, PLAIN[type], **more)

    found = plain(sent, kind)

    assert found is not None
    assert found == strictly(sent, kind)


@pytest.mark.parametrize(
    "sent",
    [
        line(EventType.EVENT_RETRACTED, FULL[EventType.EVENT_RETRACTED] | {"reason": 'a "b"'}),
        line(EventType.ACTION_RECORDED, FULL[EventType.ACTION_RECORDED]),
        line(EventType.ACTION_CORRECTED, FULL[EventType.ACTION_CORRECTED]),
        line(EventType.SOURCE_ATTACHED, FULL[EventType.SOURCE_ATTACHED]),
        line(EventType.PAYLOAD_ERASED, FULL[EventType.PAYLOAD_ERASED]),
        line(EventType.POLICY_REGISTERED, FULL[EventType.POLICY_REGISTERED] | {"body": None}),
        line(EventType.POLICY_REGISTERED, FULL[EventType.POLICY_REGISTERED] | {"topics": []}),
    ],
    ids=["escape", "vote", "corrected vote", "claim", "replacement", "null", "empty"],
)
def test_what_has_more_than_one_spelling_is_left_to_the_strict_reader(sent: bytes) -> None:
    """It is taken, but one pass cannot prove that nothing of it is lost."""
    assert plain(sent, Sent) is None
    assert strictly(sent, Sent) is not None


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"null",
        b"\xef\xbb\xbf" + line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED]),
        line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED]) + b"{}",
        line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED])[:-1]
        + b',"policy":"another-order"}',
        line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED]).replace(
            b'"duplicate": ', b'"duplicate": "order-3", "duplicate": '
        ),
        line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED]).replace(
            b"one order", b"one \xed\xa0\x80 order"
        ),
        line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED]).replace(
            b"one order", b"one \x00 order"
        ),
        line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED], position=1.5),
        line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED], position=2**53),
        line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED], expected_version=0),
        line(EventType.POLICIES_MERGED, FULL[EventType.POLICIES_MERGED], surplus=0),
        b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=[
        *("nothing", "null", "byte order mark", "a second document", "key twice"),
        *("key of data twice", "surrogate", "U+0000", "fraction", "large number"),
        *("version 0", "unknown field", "deep"),
    ],
)
@pytest.mark.parametrize("kind", [Sent, Exported])
def test_what_is_refused_is_refused_by_the_strict_reader(sent: bytes, kind: type[Sent]) -> None:
    """One pass never takes it; what is wrong is said by the strict reader."""
    assert plain(sent, kind) is None
    assert strictly(sent, kind) is None


def test_data_beyond_its_bound_is_left_to_the_strict_reader() -> None:
    """The bound is on the canonical bytes, whatever was sent."""
    sources = [{"citation": "x" * 1_000, "quote": "x" * 15_000}] * 20
    sent = line(
        EventType.POLICY_REGISTERED, FULL[EventType.POLICY_REGISTERED] | {"sources": sources}
    )

    assert plain(sent, Sent) is None
    assert strictly(sent, Sent) is None


def test_an_event_without_an_id_is_given_one_where_that_is_allowed() -> None:
    """A request may leave it to the service; a line may not, and null is not the same as nothing."""
    data = PLAIN[EventType.ACTION_RECORDED]
    without = json.dumps({"policy": "an-order", "type": "ActionRecorded", "data": data}).encode()

    one = plain(without, Sent, lambda: event_id(7))

    assert one is not None
    assert one == plain(line(EventType.ACTION_RECORDED, data, id=event_id(7)), Sent)
    assert plain(without, Sent) is None
    assert plain(line(EventType.ACTION_RECORDED, data, id=None), Sent, lambda: event_id(7)) is None
