"""Recording: from a request's bytes to events in the log.

Owns the shapes of requests to record, their bounds, and which role an event needs. Must not know
HTTP; the judgement is the domain's, the order and atomicity the store's.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from timeline.application.access import NEEDED_ROLE, Principal
from timeline.application.errors import InvalidRequest, TooManyEvents
from timeline.domain.errors import DomainError, InvalidData
from timeline.domain.events import (
    IDENTIFIER_PATTERN,
    EventId,
    JurisdictionId,
    PolicyId,
    Shape,
    read,
)
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import Append, Condition, Draft, EventFilter, Outcome
from timeline.eventstore.sent import Sent, plain
from timeline.eventstore.writer import Writer
from timeline.transparency.canonical import parse
from timeline.transparency.errors import CanonicalError, MalformedJson

MAX_BATCH: Final = 1_000
"""Events of one atomic batch: at their usual size about a megabyte, one short transaction."""

APPEND_TIMEOUT_S: Final = 30.0
"""How long a request waits for its outcome; after that it is told that it is not known."""

_MANY: Final = Meta(max_length=100)
"""Values of one field of a condition: each is looked up."""

Words = Annotated[str, Meta(pattern=r"\S")]
IdentifierKey = Annotated[str, Meta(pattern=IDENTIFIER_PATTERN)]
Version = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Position = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class EventRequest(Shape, frozen=True, kw_only=True):
    """One event to record."""

    policy: PolicyId
    type: EventType
    data: dict[str, Any]
    id: EventId | None = None
    expected_version: Version | Literal["new"] | None = None


class MatchRequest(Shape, frozen=True, kw_only=True):
    """Which events a condition looks for: fields AND, values OR."""

    types: Annotated[tuple[EventType, ...], _MANY] = ()
    policies: Annotated[tuple[PolicyId, ...], _MANY] = ()
    jurisdictions: Annotated[tuple[JurisdictionId, ...], _MANY] = ()
    topics: Annotated[tuple[Words, ...], _MANY] = ()
    actors: Annotated[tuple[Words, ...], _MANY] = ()
    identifiers: Annotated[tuple[IdentifierKey, ...], _MANY] = ()


class ConditionRequest(Shape, frozen=True, kw_only=True):
    """The append fails where an event after a position matches."""

    fail_if_match: MatchRequest
    after: Position = 0


class BatchRequest(Shape, frozen=True, kw_only=True):
    """Events to record together or not at all."""

    events: Annotated[tuple[EventRequest, ...], Meta(min_length=1, max_length=MAX_BATCH)]
    condition: ConditionRequest | None = None


_AN_EVENT: Final = 'Expected an object, {"policy": "…", "type": "…", "data": {…}}'


class Recorder:
    """Records what a principal sends."""

    def __init__(self, writer: Writer, new_id: Callable[[], str]) -> None:
        self._writer = writer
        self._new_id = new_id

    def append(self, append: Append) -> Outcome:
        """Append what was read.

        Returns:
            Where the events stand; not `created` where all of them had been recorded before.

        Raises:
            DomainError: the record refuses an event.
            EventStoreError: the append is refused, or its outcome is not known.

        """
        return self._writer.append(append, timeout_s=APPEND_TIMEOUT_S)

    def read(self, body: bytes, principal: Principal) -> Append:
        """Read the event, or the atomic batch, that a JSON document holds.

        Args:
            body: UTF-8 JSON: an EventRequest, or a BatchRequest.
            principal: who records; every event carries its name.

        Raises:
            InvalidRequest: the document is malformed.
            NotAllowed: an event needs a higher role.
            DomainError: an event is malformed.

        """
        one = self._plain(body, principal, self._new_id)
        if one is not None:
            return Append(drafts=(one,), recorded_by=principal.name)
        document = parse_document(body)
        if not isinstance(document, dict):
            raise InvalidRequest(
                field="body", reason=f'{_AN_EVENT}, or {{"events": […]}} for several'
            )
        if "events" not in document:
            request = _read(EventRequest, document, "")
            return self._append((request,), principal, batched=False, condition=None)
        events = document["events"]
        if isinstance(events, list) and len(events) > MAX_BATCH:
            raise TooManyEvents(limit=MAX_BATCH, count=len(events))
        batch: BatchRequest = _read(BatchRequest, document, "")
        return self._append(batch.events, principal, batched=True, condition=batch.condition)

    def read_line(self, line: bytes, principal: Principal) -> Draft:
        """Read one line of a stream: an EventRequest that has its id.

        Raises:
            InvalidRequest: the line is malformed, or has no id.
            NotAllowed: the event needs a higher role.
            DomainError: the event is malformed.

        """
        one = self._plain(line, principal)
        if one is not None:
            return one
        document = parse_document(line)
        if not isinstance(document, dict) or "events" in document:
            raise InvalidRequest(field="body", reason=f"{_AN_EVENT}: a line holds one event")
        request: EventRequest = _read(EventRequest, document, "")
        if request.id is None:
            reason = "Each line has an `id`, so that a stream can be sent again"
            raise InvalidRequest(field="id", reason=reason)
        principal.require(NEEDED_ROLE[request.type], "type")
        return self._draft(request, "")

    def _plain(
        self, document: bytes, principal: Principal, new_id: Callable[[], str] | None = None
    ) -> Draft | None:
        """Read an event in one pass, where that is exact."""
        one = plain(document, Sent, new_id)
        if one is not None:
            principal.require(NEEDED_ROLE[one.proposal.type], "type")
        return one

    def _append(
        self,
        requests: Iterable[EventRequest],
        principal: Principal,
        *,
        batched: bool,
        condition: ConditionRequest | None,
    ) -> Append:
        drafts = []
        for index, request in enumerate(requests):
            prefix = f"events[{index}]." if batched else ""
            principal.require(NEEDED_ROLE[request.type], f"{prefix}type")
            drafts.append(self._draft(request, prefix))
        return Append(
            drafts=tuple(drafts),
            recorded_by=principal.name,
            condition=None if condition is None else _condition(condition),
            batched=batched,
        )

    def _draft(self, request: EventRequest, prefix: str) -> Draft:
        try:
            return Draft.read(
                id=request.id or self._new_id(),
                policy=request.policy,
                type=request.type,
                data=request.data,
                expected_version=request.expected_version,
            )
        except InvalidData as error:
            raise InvalidData(field=f"{prefix}{error.field}", **error.facts) from error
        except CanonicalError as error:
            raise InvalidRequest(field=f"{prefix}data", reason=str(error)) from error


def parse_document(body: bytes) -> object:
    """Read strict JSON; raises InvalidRequest that says where it is malformed."""
    try:
        return parse(body)
    except MalformedJson as error:
        raise InvalidRequest(field=error.path or "body", reason=str(error)) from error


def _read(kind: type[Any], document: object, root: str) -> Any:
    try:
        return read(kind, document, root)
    except DomainError as error:
        raise InvalidRequest(field=error.field, **error.facts) from error


def _condition(request: ConditionRequest) -> Condition:
    match = request.fail_if_match
    asked = {name: getattr(match, name) for name in match.__struct_fields__}
    if not any(asked.values()):
        raise InvalidRequest(
            field="condition.fail_if_match", reason="A condition names at least one value"
        )
    return Condition(fail_if_match=EventFilter(**asked), after=request.after)


class Turns:
    """One caller's appends, one at a time, among those of others: each waits in their queue."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._outcome: Outcome | None = None

    def prepare(self, append: Append) -> Append:
        """Do nothing: the queue takes an append as it is."""
        return append

    def start(self, append: Append) -> None:
        """Record an append; raises as `Recorder.append` does."""
        self._outcome = self._recorder.append(append)

    def settle(self) -> Outcome:
        """Return the outcome of what was recorded last."""
        outcome, self._outcome = self._outcome, None
        if outcome is None:
            msg = "nothing was started"
            raise RuntimeError(msg)
        return outcome
