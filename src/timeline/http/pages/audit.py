"""The pages of audit: the newest checkpoint, a policy's replay, and the proof of an event.

What is shown is checked by nobody here: that is for the browser (`assets/proof.js`), and for tools.
"""

import base64
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, route
from litestar.params import FromPath
from msgspec import Meta

from timeline.application.errors import UnknownResource
from timeline.application.queries import (
    MAX_LIMIT,
    BothClocks,
    ClockedPage,
    Cursor,
    EventsQuery,
    Query,
)
from timeline.application.reading import Reader
from timeline.domain.events import SLUG_PATTERN, UUID_PATTERN
from timeline.eventstore.published import Checkpointed
from timeline.http.pages.asking import Shown, answered, clocks, next_address, plain, show
from timeline.http.pages.policy import known_form
from timeline.http.problems import shown
from timeline.http.reading import READ
from timeline.http.replies import HttpRequest
from timeline.http.service import Service
from timeline.transparency.checkpoints import Checkpoint
from timeline.transparency.keys import VerifierKey
from timeline.transparency.notes import Note, Signature

NEWEST: Final = 20
"""Events at the end of the log that the page lists."""

_EVENT: Final = re.compile(UUID_PATTERN)
_POLICY: Final = re.compile(SLUG_PATTERN)
_POSITION: Final = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
_STAMP_BYTES: Final = 8
_COSIGNATURE_BYTES: Final = _STAMP_BYTES + 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AuditQuery(Query, frozen=True, kw_only=True):
    """`GET /audit`."""

    find: Annotated[
        Annotated[str, Meta(max_length=200)] | None,
        Meta(description="An event's id, a position, or a policy."),
    ] = None


class ReplayPageQuery(BothClocks, frozen=True, kw_only=True):
    """`GET /audit/policies/{policy}`."""

    cursor: Cursor | None = None
    step: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_LIMIT)] | None,
        Meta(description="Which step of this page is looked at; the last where none is given."),
    ] = None


@route("/audit", http_method=READ, status_code=200)
async def audit(request: HttpRequest) -> Response[bytes]:
    """Answer the page of the newest checkpoint."""
    return await show(request, AuditQuery, _audit, of_log=True)


def _audit(service: Service, query: AuditQuery) -> Shown:
    end = answered(service, EventsQuery(limit=1), Reader.events)
    after = max(end["position"] - NEWEST, 0)
    newest = answered(service, EventsQuery(after=after, limit=NEWEST), Reader.events)
    try:
        checkpoint = _checkpoint(service.application.prover.checkpoint(), _keys(service))
    except UnknownResource:
        checkpoint = None
    values = {
        "checkpoint": checkpoint,
        "keys": [str(key) for key in _keys(service)] if checkpoint else [],
        "document": newest,
        "newest": newest["items"][::-1],
        "found": _found(service, query.find, newest["position"]),
    }
    return Shown("audit.html", values, newest["position"])


def _keys(service: Service) -> list[VerifierKey]:
    return service.application.prover.keys()


def _checkpoint(latest: Checkpointed, keys: list[VerifierKey]) -> dict[str, Any]:
    """Return what a checkpoint says, and who says so."""
    note = Note.parse(bytes(latest.cosigned))
    said = Checkpoint.parse(note.text)
    return {
        "origin": said.origin,
        "size": said.size,
        "root": said.root.hex(),
        "root_base64": base64.b64encode(said.root).decode(),
        "text": bytes(note).decode(),
        "signatures": [_signer(line, keys) for line in note.signatures],
    }


def _signer(line: Signature, keys: list[VerifierKey]) -> dict[str, Any]:
    """Return who a line says to be of; nothing is checked."""
    ours = any(line.made_by(key) for key in keys)
    seen = None
    if not ours and len(line.signature) == _COSIGNATURE_BYTES:
        seconds = int.from_bytes(line.signature[:_STAMP_BYTES])
        try:
            seen = (_EPOCH + timedelta(seconds=seconds)).isoformat()
        except OverflowError:
            seen = None
    return {"name": line.name, "key_id": line.key_id.hex(), "ours": ours, "seen": seen}


def _found(service: Service, wanted: str | None, end: int) -> dict[str, Any] | None:
    """Return where what is looked for has a page: its kind, its id, and whether it is there."""
    text = (wanted or "").strip()
    if not text:
        return None
    if _POSITION.fullmatch(text):
        hit: list[dict[str, Any]] = []
        if int(text) <= end:
            asked = EventsQuery(after=int(text) - 1, limit=1)
            hit = answered(service, asked, Reader.events)["items"]
        return {"text": text, "event": hit[0]["id"] if hit else None, "policy": None}
    return {
        "text": text,
        "event": text if _EVENT.match(text) else None,
        "policy": text if _POLICY.match(text) and not _EVENT.match(text) else None,
    }


@route("/audit/policies/{policy:str}", http_method=READ, status_code=200)
async def replay(request: HttpRequest, policy: FromPath[str]) -> Response[bytes]:
    """Answer the replay of a policy, step by step."""
    return await show(request, ReplayPageQuery, partial(_replay, request, policy))


def _replay(request: HttpRequest, policy: str, service: Service, query: ReplayPageQuery) -> Shown:
    known_form(policy, service)
    question = ClockedPage(
        as_of=query.as_of,
        known_at=query.known_at,
        known_position=query.known_position,
        limit=MAX_LIMIT,
        cursor=query.cursor,
    )
    document = answered(service, question, lambda reader, query: reader.history(policy, query))
    steps = document["items"]
    number = min(query.step or len(steps), len(steps))
    values = {
        "document": document,
        "policy": policy,
        "titles": service.application.reader.titles([policy], document["position"]),
        "steps": steps,
        "number": number,
        "step": steps[number - 1] if steps else None,
        "clocks": clocks(query),
        "cursor": query.cursor,
        "following": next_address(request, document),
    }
    return Shown("audit_policy.html", values, document["position"])


@route("/audit/events/{id:str}", http_method=READ, status_code=200)
async def proof(request: HttpRequest, id: FromPath[str]) -> Response[bytes]:
    """Answer an event with its proof, which the browser checks."""
    return await show(request, Query, partial(_proof, id), of_log=True)


def _proof(id: str, service: Service, _query: Query) -> Shown:
    if _EVENT.match(id) is None:
        raise UnknownResource(kind="event", id=shown(id), position=service.position, field="id")
    answer = service.application.reader.event(id)
    document = plain(answer.document)
    prover = service.application.prover
    opening = prover.opening(document["position"])
    witnesses = prover.checkpoint().witnesses if opening["proof"] else ()
    pretty = msgspec.json.format(msgspec.json.encode(document["data"]), indent=2).decode()
    values = {"document": document, "pretty": pretty, "witnesses": witnesses, **opening}
    return Shown("audit_event.html", values, answer.position)


HANDLERS: Final = (audit, replay, proof)
