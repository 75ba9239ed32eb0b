"""The entry: the bytes that stand in the log for an event, for ever.

Owns which fields an entry has and how it commits to the event's data without holding it, so that
the data can be erased and every proof stays valid. Must not know what the data means, how positions
are given out, or where entries are stored.
"""

import hmac
import re
from typing import Final

import msgspec

from timeline.transparency.canonical import encode
from timeline.transparency.errors import EntryTooLarge, TransparencyError, WrongEntry, WrongSaltSize

SALT_BYTES: Final = 32
"""Random bytes per event: without them, short data could be guessed from its commitment."""

MAX_ENTRY_BYTES: Final = 65_535
"""What an entry bundle of C2SP tlog-tiles can hold: it gives an entry's length in 16 bits."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the log says of an event beside its data; permanent and public.

    `version` counts within the policy's stream, `position` in the log; `batch` is the first
    position of the append. `recorded_at` is text such as "2026-11-22T10:00:00.123456Z".
    """

    id: str
    position: int
    policy: str
    version: int
    type: str
    schema: int
    batch: int
    recorded_at: str
    recorded_by: str


class Entry(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What an entry holds, in the order of RFC 8785: by name."""

    batch: int
    commitment: str
    id: str
    policy: str
    position: int
    recorded_at: str
    recorded_by: str
    schema: int
    type: str
    version: int


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Entry)
_COMMITMENT: Final = re.compile(r"[0-9a-f]{64}")

plain: Final = _encoder.encode
"""Writes an `Entry` whose text is plain ASCII, as it nearly always is, in its one form."""


def commitment(salt: bytes, data: bytes) -> str:
    """Commit to an event's data: HMAC-SHA256 with the salt as key, in lower-case hex.

    `data` is the data's canonical JSON, as `encode` wrote it. Raises WrongSaltSize for a salt that
    is not `SALT_BYTES` long.
    """
    if len(salt) != SALT_BYTES:
        raise WrongSaltSize(size_bytes=len(salt), expected_bytes=SALT_BYTES)
    return hmac.digest(salt, data, "sha256").hex()


def entry(envelope: Envelope, commitment: str) -> bytes:
    """Write an event's entry: its envelope and the commitment to its data, as RFC 8785 JSON.

    Raises EntryTooLarge beyond `MAX_ENTRY_BYTES`, and CanonicalError for text that JSON cannot hold.
    """
    encoded = _written(envelope, commitment)
    if len(encoded) > MAX_ENTRY_BYTES:
        raise EntryTooLarge(size_bytes=len(encoded), limit_bytes=MAX_ENTRY_BYTES)
    return encoded


def _written(envelope: Envelope, commitment: str) -> bytes:
    """Write an entry fast where it is plain ASCII, as these fields are; else by the full rules."""
    fields = Entry(
        envelope.batch,
        commitment,
        envelope.id,
        envelope.policy,
        envelope.position,
        envelope.recorded_at,
        envelope.recorded_by,
        envelope.schema,
        envelope.type,
        envelope.version,
    )
    try:
        encoded = plain(fields)
    except UnicodeEncodeError:
        encoded = b"\\"
    if encoded.isascii() and b"\\" not in encoded:
        return encoded
    return encode({**msgspec.structs.asdict(envelope), "commitment": commitment})


def read_entry(raw: bytes) -> Entry:
    """Read an entry.

    Raises WrongEntry unless the bytes are exactly those that `entry` writes for what they hold.
    """
    try:
        found = _decoder.decode(raw)
        held = msgspec.structs.asdict(found)
        committed = held.pop("commitment")
        written = entry(Envelope(**held), committed)
    except (msgspec.MsgspecError, TransparencyError, UnicodeError) as error:
        raise WrongEntry(reason=str(error)) from None
    if written != raw:
        raise WrongEntry(reason="they are not in the one form that JSON has by RFC 8785")
    if not _COMMITMENT.fullmatch(committed):
        raise WrongEntry(reason="its commitment is no HMAC-SHA256 in hexadecimal digits")
    return found
