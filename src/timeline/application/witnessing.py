"""Asks witnesses to cosign the log's newest checkpoint.

Owns what is asked of a witness and what is made of its answer. Must not know which witnesses there
are (`transparency.policies`).

Source of the protocol: C2SP tlog-witness, add-checkpoint.
"""

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Final

import msgspec
import structlog

from timeline.application.http_client import HttpClient, HttpFailed
from timeline.eventstore.published import Checkpointed, Published
from timeline.transparency.checkpoints import cosigners
from timeline.transparency.errors import WrongNote
from timeline.transparency.keys import VerifierKey
from timeline.transparency.notes import Note, Signature
from timeline.transparency.policies import Policy, Witness
from timeline.transparency.proofs import consistency
from timeline.transparency.tiles import TiledTree

TIMEOUT_S: Final = 10.0
"""How long a witness has to answer."""

MAX_ANSWER_BYTES: Final = 16 * 1024
"""A few signature lines, or a number."""

ASKED_AT_ONCE: Final = 8

_ATTEMPTS: Final = 2
"""A witness that has seen another size says so, and is asked once more from there."""

_SIZE: Final = "text/x.tlog.size"
_SEEN: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")

_log = structlog.get_logger(__name__)


class Witnessed(msgspec.Struct, frozen=True, kw_only=True):
    """How it went with the newest checkpoint: who has cosigned it, why others have not."""

    size: int
    cosigned: tuple[str, ...]
    missing: dict[str, str]
    satisfied: bool


class WitnessFailed(Exception):
    """A witness did not cosign; the message says why."""


class Witnesses:
    """Asks the witnesses of a policy. Safe for threads."""

    def __init__(self, published: Published, policy: Policy) -> None:
        self._published = published
        self._policy = policy

    def ask(self) -> Witnessed | None:
        """Ask each that has not cosigned the newest checkpoint; None before there is one."""
        latest = self._published.latest()
        if latest is None:
            return None
        known = self._cosigners(latest)
        asked = [
            each for each in self._policy.witnesses.values() if each.key not in known and each.url
        ]
        missing: dict[str, str] = {}
        with ThreadPoolExecutor(ASKED_AT_ONCE) as beside:
            answers = beside.map(lambda witness: self._line(latest, witness), asked)
            for witness, answer in zip(asked, answers, strict=True):
                if isinstance(answer, str):
                    missing[witness.name] = answer
                else:
                    self._published.cosign(latest.size, {str(witness.key): str(answer)})
        found = self._cosigners(self._published.at(latest.size) or latest)
        return Witnessed(
            size=latest.size,
            cosigned=tuple(
                each.name for each in self._policy.witnesses.values() if each.key in found
            ),
            missing=missing,
            satisfied=self._policy.satisfied(found),
        )

    def _cosigners(self, checkpoint: Checkpointed) -> set[VerifierKey]:
        keys = [each.key for each in self._policy.witnesses.values()]
        return {each.witness for each in cosigners(checkpoint.cosigned, keys)}

    def _line(self, latest: Checkpointed, witness: Witness) -> Signature | str:
        """Return a witness's line, or why there is none."""
        try:
            return self._asked(latest, witness)
        except WitnessFailed as failed:
            _log.warning("log.witness.failed", witness=witness.name, reason=str(failed))
            return str(failed)

    def _asked(self, latest: Checkpointed, witness: Witness) -> Signature:
        old = self._published.cosigned_size(str(witness.key))
        for _ in range(_ATTEMPTS):
            status, kind, body = _post(f"{witness.url}/add-checkpoint", self._request(old, latest))
            if status == HTTPStatus.OK:
                return _checked(latest, witness, body)
            seen = _SEEN.fullmatch(body)
            if status != HTTPStatus.CONFLICT or kind != _SIZE or seen is None:
                told = ascii(body[:200].decode(errors="replace"))
                raise WitnessFailed(f"it answered {status}: {told}")
            old = int(seen[1])
            if old > latest.size:
                raise WitnessFailed(f"it has seen {old} entries; this log has {latest.size}")
        raise WitnessFailed("it has seen another size each time")

    def _request(self, old: int, latest: Checkpointed) -> bytes:
        """Return what is posted: the size that it saw last, a proof from there, the checkpoint."""
        tree = TiledTree(latest.size, self._published.tiles)
        hashes = consistency(old, latest.size, tree.nodes)
        lines = f"old {old}", *(base64.b64encode(hash).decode() for hash in hashes), ""
        return "".join(f"{line}\n" for line in lines).encode() + latest.note


def _checked(latest: Checkpointed, witness: Witness, body: bytes) -> Signature:
    """Return the line of an answer that is this witness's cosignature of this checkpoint."""
    try:
        lines = tuple(Signature.parse(line) for line in body.decode().splitlines())
        note = Note.parse(latest.note)
        (found,) = [line for line in lines if line.made_by(witness.key)]
        cosigners(Note(note.text, (found,)), [witness.key])
    except (WrongNote, ValueError) as error:
        raise WitnessFailed(f"what it answered is no cosignature of its own: {error}") from error
    return found


def _post(url: str, body: bytes) -> tuple[int, str, bytes]:
    """Return the status, the media type and the beginning of an answer."""
    try:
        with HttpClient(url, answer_s=TIMEOUT_S) as client:
            answer = client.post(client.path, body, MAX_ANSWER_BYTES)
    except (HttpFailed, ValueError) as error:
        raise WitnessFailed(f"it cannot be reached: {error}") from error
    return answer.status, answer.media_type, answer.body
