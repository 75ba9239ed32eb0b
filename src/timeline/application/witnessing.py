"""Asks witnesses to cosign the log's newest checkpoint.

Owns what is asked of a witness and what is made of its answer. Must not know which witnesses there
are (`transparency.policies`).

Source of the protocol: C2SP tlog-witness, add-checkpoint.
"""

import base64
import re
from concurrent.futures import ThreadPoolExecutor, as_completed
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
    """How it went with the newest checkpoint.

    Attributes:
        size: its entries.
        cosigned: who has cosigned it.
        missing: why others have not, by name.
        contradicting: those of them that have seen a log that is not this one.
        satisfied: whether those who have cosigned are as many as the policy asks for.

    """

    size: int
    cosigned: tuple[str, ...]
    missing: dict[str, str]
    contradicting: tuple[str, ...]
    satisfied: bool


class WitnessFailed(Exception):
    """A witness did not cosign; the message says why."""


class WitnessContradicts(WitnessFailed):
    """A witness has seen a log that is not this one; the message says how that shows."""


class Witnesses:
    """Asks the witnesses of a policy. Safe for threads."""

    def __init__(self, published: Published, policy: Policy) -> None:
        self._published = published
        self._policy = policy

    def ask(self) -> Witnessed | None:
        """Ask each that has not cosigned the newest checkpoint; None before there is one.

        A line is kept as it comes, whatever becomes of the others.
        """
        latest = self._published.latest()
        if latest is None:
            return None
        named = self._policy.witnesses.values()
        known = self._cosigners(latest)
        failed: dict[str, WitnessFailed] = {}
        with ThreadPoolExecutor(ASKED_AT_ONCE) as beside:
            asked = {
                beside.submit(self._asked, latest, each): each
                for each in named
                if each.key not in known and each.url
            }
            for answer in as_completed(asked):
                witness = asked[answer]
                try:
                    self._keep(latest, witness, answer.result())
                except WitnessFailed as why:
                    failed[witness.name] = _logged(witness, why)
        found = self._cosigners(self._published.at(latest.size) or latest)
        return Witnessed(
            size=latest.size,
            cosigned=tuple(each.name for each in named if each.key in found),
            missing={each.name: str(failed[each.name]) for each in named if each.name in failed},
            contradicting=tuple(
                each.name for each in named if isinstance(failed.get(each.name), WitnessContradicts)
            ),
            satisfied=self._policy.satisfied(found),
        )

    def _keep(self, latest: Checkpointed, witness: Witness, line: Signature) -> None:
        if not self._published.cosign(latest.size, str(witness.key), str(line)):
            raise WitnessFailed("the checkpoint has as many cosignatures as it takes")

    def _cosigners(self, checkpoint: Checkpointed) -> set[VerifierKey]:
        keys = [each.key for each in self._policy.witnesses.values()]
        return {each.witness for each in cosigners(checkpoint.cosigned, keys)}

    def _asked(self, latest: Checkpointed, witness: Witness) -> Signature:
        """Return a witness's line; raises WitnessFailed where there is none."""
        # Another process may have shown it a newer checkpoint since.
        old = min(self._published.cosigned_size(str(witness.key)), latest.size)
        for _ in range(_ATTEMPTS):
            status, kind, body = _post(f"{witness.url}/add-checkpoint", self._request(old, latest))
            if status == HTTPStatus.OK:
                return _checked(latest, witness, body)
            told = f"it answered {status}: {body[:200].decode(errors='replace')!a}"
            if status == HTTPStatus.UNPROCESSABLE_ENTITY:
                raise WitnessContradicts(told)
            if status != HTTPStatus.CONFLICT:
                raise WitnessFailed(told)
            seen = _SEEN.fullmatch(body) if kind == _SIZE else None
            if seen is None or int(seen[1]) == old:
                # It says nothing of the size: it is the root that it has seen another one of.
                raise WitnessContradicts(told)
            old = int(seen[1])
            if old > latest.size:
                raise self._ahead(old, latest.size)
        raise WitnessFailed("it has seen another size each time")

    def _ahead(self, seen: int, size: int) -> WitnessFailed:
        """Return what it means that a witness has seen more entries than a checkpoint has."""
        newest = self._published.latest()
        if newest is not None and newest.size >= seen:
            return WitnessFailed(f"it has seen a newer checkpoint meanwhile, of {seen} entries")
        return WitnessContradicts(f"it has seen {seen} entries; this log has {size}")

    def _request(self, old: int, latest: Checkpointed) -> bytes:
        """Return what is posted: the size that it saw last, a proof from there, the checkpoint."""
        tree = TiledTree(latest.size, self._published.tiles)
        hashes = consistency(old, latest.size, tree.nodes)
        lines = f"old {old}", *(base64.b64encode(hash).decode() for hash in hashes), ""
        return "".join(f"{line}\n" for line in lines).encode() + latest.note


def _logged(witness: Witness, why: WitnessFailed) -> WitnessFailed:
    if isinstance(why, WitnessContradicts):
        _log.critical("log.witness.contradicts", witness=witness.name, reason=str(why))
    else:
        _log.warning("log.witness.failed", witness=witness.name, reason=str(why))
    return why


def _checked(latest: Checkpointed, witness: Witness, body: bytes) -> Signature:
    """Return the first line of an answer that is this witness's cosignature of this checkpoint.

    It may answer with several, as of other keys that it has.
    """
    note, why = Note.parse(latest.note), "none of its lines is by its key"
    for line in body.decode(errors="replace").splitlines():
        try:
            signature = Signature.parse(line)
            if cosigners(Note(note.text, (signature,)), [witness.key]):
                return signature
        except WrongNote as error:
            why = str(error)
    raise WitnessFailed(f"what it answered is no cosignature of its own: {why}")


def _post(url: str, body: bytes) -> tuple[int, str, bytes]:
    """Return the status, the media type and the beginning of an answer."""
    try:
        with HttpClient(url, answer_s=TIMEOUT_S) as client:
            answer = client.post(client.path, body, MAX_ANSWER_BYTES)
    except (HttpFailed, ValueError) as error:
        raise WitnessFailed(f"it cannot be reached: {error}") from error
    return answer.status, answer.media_type, answer.body
