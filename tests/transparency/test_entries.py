"""The bytes of an entry, which never change once they are written."""

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timeline.transparency.canonical import encode, parse
from timeline.transparency.entries import (
    MAX_ENTRY_BYTES,
    SALT_BYTES,
    Envelope,
    commitment,
    entry,
    read_entry,
)
from timeline.transparency.errors import CanonicalError, EntryTooLarge, WrongEntry, WrongSaltSize
from timeline.transparency.merkle import leaf_hash

SALT = bytes(range(32))


def envelope(**changes: Any) -> Envelope:
    return msgspec.structs.replace(
        Envelope(
            id="0193a6f0-7b1c-7c3e-8f21-2a9b5d0c4e11",
            position=42,
            policy="la-ordinance-188441",
            version=4,
            type="ActionRecorded",
            schema=1,
            batch=41,
            recorded_at="2026-11-22T10:00:00.123456Z",
            recorded_by="newsroom",
        ),
        **changes,
    )


def test_the_bytes_of_an_entry_are_pinned() -> None:
    """The format is a promise: one full entry, its commitment and its leaf hash, byte for byte."""
    data = encode({"occurred": "2024-11-19", "action": "passed", "summary": "Adopté 13-0 😀"})
    committed = commitment(SALT, data)

    written = entry(envelope(), committed)

    assert data == (
        '{"action":"passed","occurred":"2024-11-19","summary":"Adopté 13-0 😀"}'.encode()
    )
    assert committed == "5b7ceed8c85122909699cb14c4275a7d8a838f32b352856c0964c7631bdf808b"
    assert written == (
        b'{"batch":41,'
        b'"commitment":"5b7ceed8c85122909699cb14c4275a7d8a838f32b352856c0964c7631bdf808b",'
        b'"id":"0193a6f0-7b1c-7c3e-8f21-2a9b5d0c4e11",'
        b'"policy":"la-ordinance-188441",'
        b'"position":42,'
        b'"recorded_at":"2026-11-22T10:00:00.123456Z",'
        b'"recorded_by":"newsroom",'
        b'"schema":1,'
        b'"type":"ActionRecorded",'
        b'"version":4}'
    )
    assert (
        leaf_hash(written).hex()
        == "5ac89f54503aac406619f1019d80441b470aa99a82d5207e02148ba1b156f266"
    )


@settings(deadline=None)
@given(st.binary(max_size=100), st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES))
def test_a_commitment_is_hmac_sha256_keyed_by_the_salt(data: bytes, salt: bytes) -> None:
    """Anyone with data and salt can check a commitment by HMAC as RFC 2104 writes it."""
    key = salt.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + data).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner)

    assert commitment(salt, data) == outer.hexdigest()


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_salt_of_another_size_is_refused(size: int) -> None:
    """A salt is 32 bytes, since HMAC would take a shorter one in silence."""
    with pytest.raises(WrongSaltSize) as refusal:
        commitment(bytes(size), b"{}")

    assert str(refusal.value) == f"The salt has {size} bytes in place of 32."


def test_an_entry_fills_the_bundle_to_its_last_byte_and_no_further() -> None:
    """65,535 bytes pass, one more is refused: an entry's length has 16 bits in a bundle."""
    room = MAX_ENTRY_BYTES - len(entry(envelope(recorded_by=""), "c" * 64))

    longest = entry(envelope(recorded_by="n" * room), "c" * 64)

    assert len(longest) == MAX_ENTRY_BYTES == 65_535
    with pytest.raises(EntryTooLarge) as refusal:
        entry(envelope(recorded_by="n" * (room + 1)), "c" * 64)
    assert (refusal.value.size_bytes, refusal.value.limit_bytes) == (65_536, 65_535)


def test_an_entry_reads_back_as_its_envelope_and_commitment() -> None:
    """An entry has the envelope's fields and the commitment, and no other."""
    read = parse(entry(envelope(), "c" * 64))

    assert read == {**msgspec.structs.asdict(envelope()), "commitment": "c" * 64}


def test_an_envelope_with_text_that_json_cannot_hold_is_refused() -> None:
    """The rules on text hold for the envelope as they do for data."""
    with pytest.raises(CanonicalError) as refusal:
        entry(envelope(recorded_by="news\0room"), "c" * 64)

    assert refusal.value.path == "recorded_by"


def test_an_entry_is_read_as_it_was_written() -> None:
    """Every field comes back, also where text is not plain ASCII."""
    for policy in ("la-ordinance-188441", 'a "quoted" ünïcode 😀'):
        written = entry(envelope(policy=policy), "ab" * 32)

        found = read_entry(written)

        assert (found.policy, found.commitment, found.position) == (policy, "ab" * 32, 42)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"batch":41', b'"batch": 41', "not in the one form"),
        (b'"batch":41', b'"batch":41.0', "float"),
        (b'"batch":41', b'"batch":"41"', "int"),
        (b'{"batch"', b'{"another":1,"batch"', "another"),
        (b'{"batch":41,', b'{"batch":1,"batch":41,', "not in the one form"),
        (b'"policy":"la', b'"policy":"\\u006ca', "not in the one form"),
        (b'{"batch":41,', b"{", "batch"),
        (b"abab", b"ABab", "no HMAC-SHA256"),
        (b"abab", b"", "no HMAC-SHA256"),
        (b"}", b"", "truncated"),
        (b'"policy":"la', b'"policy":"\xff', "utf-8"),
    ],
)
def test_what_is_not_exactly_an_entry_is_refused(old: bytes, new: bytes, reason: str) -> None:
    """A reader that took another spelling would take two entries for one."""
    raw = entry(envelope(), "ab" * 32).replace(old, new, 1)

    with pytest.raises(WrongEntry, match=reason):
        read_entry(raw)
