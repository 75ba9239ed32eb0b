"""Problems: how an error looks on the wire, as RFC 9457 has it.

Owns the one table from error classes to statuses, with what a client can do about each, and the
document that is served. Must not know where an error comes from.
"""

import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from timeline.application import errors as application
from timeline.domain import errors as domain
from timeline.eventstore import errors as eventstore
from timeline.http import errors as http
from timeline.http.replies import HttpRequest
from timeline.http.requests import raw_path, request_id
from timeline.transparency import errors as transparency

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_S: Final = 1
"""When to come back where the error itself does not say: most outages are a restart or a lock."""

_RESERVED: Final = frozenset(
    {"type", "title", "status", "detail", "instance", "request_id", "errors", "reason"}
)

_log = structlog.stdlib.get_logger("timeline.http.problems")


class Rule(NamedTuple):
    """One row of the table: the status of an error, and what a client can do about it."""

    status: HTTPStatus
    advice: str


_BAD: Final = HTTPStatus.BAD_REQUEST
_CONFLICT: Final = HTTPStatus.CONFLICT
_REFUSED: Final = HTTPStatus.UNPROCESSABLE_ENTITY
_LATER: Final = HTTPStatus.SERVICE_UNAVAILABLE

RULES: Final[Mapping[type[Exception], Rule]] = {
    # The request itself is malformed: 400.
    application.InvalidRequest: Rule(
        _BAD,
        "The body, a parameter or a header is malformed; `errors` names it and says what is wrong "
        "with it. Sending the same again changes nothing.",
    ),
    application.TooManyEvents: Rule(_BAD, "Send several batches, or an NDJSON stream."),
    application.CursorMismatch: Rule(
        _BAD,
        "A cursor goes on with the query that gave it, unchanged but for `limit`. Start again "
        "without a cursor.",
    ),
    domain.InvalidData: Rule(
        _BAD,
        "The event's data has not the shape of its type, or a bound is passed; `errors` names the "
        "field. The shapes are in the API's description.",
    ),
    eventstore.MisplacedExpectedVersion: Rule(
        _BAD, "Within a batch, only the first event of each policy has an `expected_version`."
    ),
    eventstore.RepeatedId: Rule(_BAD, "Give each event of a batch an id of its own."),
    transparency.EntryTooLarge: Rule(_BAD, "Shorten what the entry holds: ids and names."),
    # Who asks: 401 and 403.
    application.TokenMissing: Rule(
        HTTPStatus.UNAUTHORIZED, "Send `Authorization: Bearer TOKEN` with a token of the operator."
    ),
    application.TokenUnknown: Rule(
        HTTPStatus.UNAUTHORIZED, "Check the token, or ask the operator for a new one."
    ),
    application.NotAllowed: Rule(
        HTTPStatus.FORBIDDEN, "Ask the operator for a token with the role that is named."
    ),
    application.ReplayTooLong: Rule(
        _REFUSED,
        "The operator runs `timeline replay --until POSITION`, which has no bound; or ask for an "
        "earlier position.",
    ),
    # What is asked for: 404, 405, 406, 307 and 410.
    application.UnknownResource: Rule(
        HTTPStatus.NOT_FOUND,
        "The record does not hold it at the position asked about. It may be recorded later.",
    ),
    application.PolicyGone: Rule(
        HTTPStatus.GONE,
        "The policy was taken out of the record. Its history, and positions before its "
        "retraction (`known_position`), still show it.",
    ),
    application.PolicyMoved: Rule(
        HTTPStatus.TEMPORARY_REDIRECT, "Follow `Location`; `survivor` names the policy."
    ),
    http.UnknownRoute: Rule(HTTPStatus.NOT_FOUND, "The routes are in the API's description."),
    http.MethodNotAllowed: Rule(HTTPStatus.METHOD_NOT_ALLOWED, "`Allow` lists what is answered."),
    http.NotAcceptable: Rule(
        HTTPStatus.NOT_ACCEPTABLE,
        "Accept one of the media types that are named, or ask `instead`, where programs have what a "
        "page shows.",
    ),
    # The body: 413 and 415.
    http.BodyTooLarge: Rule(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "Send several smaller requests, or an NDJSON stream, where the limit holds for each line.",
    ),
    http.BodyIncomplete: Rule(_BAD, "Nothing was recorded. Send it again."),
    http.UnsupportedMediaType: Rule(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Say what the body is, in `Content-Type`, and send it uncompressed.",
    ),
    # The record has moved on, or not yet so far: 409. The same request may be right later.
    eventstore.WrongExpectedVersion: Rule(
        _CONFLICT,
        "Someone else recorded an event of this policy. Read what is new, and decide again; "
        '`actual` is the version to expect, and where it is 0, `"new"`.',
    ),
    eventstore.ConditionFailed: Rule(
        _CONFLICT, "Read the event at `position`, and decide again with it as `after`."
    ),
    eventstore.ConditionBeyondLog: Rule(
        _CONFLICT, "The position is that of another log, or of a copy. Read on from `position`."
    ),
    eventstore.IdConflict: Rule(
        _CONFLICT,
        "An id stands for one event for ever. If this is another event, give it another id.",
    ),
    eventstore.PartlyKnownBatch: Rule(
        _CONFLICT, "`ids` are recorded already. Send the other events without them."
    ),
    domain.PolicyAlreadyRegistered: Rule(_CONFLICT, "Describe it, or choose another id."),
    domain.PolicyNotRegistered: Rule(_CONFLICT, "Register the policy first."),
    domain.PolicyRetracted: Rule(
        _CONFLICT, "The id stays reserved. Retract the retraction to restore the policy."
    ),
    domain.PolicyMerged: Rule(_CONFLICT, "`survivor` names the policy to record it under."),
    domain.EventAlreadyRetracted: Rule(_CONFLICT, "Nothing is left to do, or retract `by`."),
    domain.EventAlreadyErased: Rule(_CONFLICT, "Nothing is left to do."),
    domain.MergeRefused: Rule(_CONFLICT, "The reason says what stands in the way."),
    # The event contradicts itself or what it refers to: 422.
    domain.UnknownEvent: Rule(_REFUSED, "Refer to an event of the record, by its id."),
    domain.UnknownPolicy: Rule(_REFUSED, "Register it, or name it by `citation`."),
    domain.EventOfAnotherPolicy: Rule(
        _REFUSED,
        "Record this under the event's own policy; if that is merged into another one, retract the "
        "merger first.",
    ),
    domain.WrongEventType: Rule(_REFUSED, "Refer to an event of the type that is needed."),
    domain.RetractionTooDeep: Rule(_REFUSED, "Retract the event at the root of the chain."),
    domain.NothingDescribed: Rule(_REFUSED, "Give at least one field besides `reason`."),
    domain.SelfReference: Rule(_REFUSED, "Name another policy."),
    domain.InvalidClaim: Rule(_REFUSED, "A claim names a field of the event and a value it takes."),
    domain.InvalidSettlement: Rule(_REFUSED, "Settle disputes about the corrected event alone."),
    domain.UntilBeforeEffective: Rule(_REFUSED, "`until` is the last day of the effect."),
    domain.ReplacementRequired: Rule(_REFUSED, "Send the data again without what has to go."),
    # Too much, or not now: 429 and 503, both with Retry-After.
    http.TooManyRequests: Rule(HTTPStatus.TOO_MANY_REQUESTS, "Wait as `Retry-After` says."),
    http.Overloaded: Rule(_LATER, "Wait as `Retry-After` says, then send it again."),
    http.NotReady: Rule(_LATER, "Wait as `Retry-After` says; other requests may fail until then."),
    application.NotYetReflected: Rule(
        _LATER, "The read models are on their way. Wait as `Retry-After` says, then ask again."
    ),
    eventstore.StoreBusy: Rule(
        _LATER, "Nothing was recorded. Wait as `Retry-After` says, then send it again."
    ),
    eventstore.StoreUnavailable: Rule(
        _LATER, "Nothing was recorded. Wait as `Retry-After` says, then send it again."
    ),
    eventstore.OutcomeUnknown: Rule(
        _LATER,
        "Send the same events again with the same `ids`: what was recorded is answered as it was "
        "then, and nothing is recorded twice.",
    ),
    application.PolicyParked: Rule(
        _LATER, "Its events are in the log. An operator mends the cause and runs `timeline retry`."
    ),
    eventstore.LogDiverged: Rule(
        _LATER,
        "Nothing was recorded, nor will be until the operator has found out why the log is another "
        "one than was signed. Reading goes on; keep the checkpoints that you have.",
    ),
    eventstore.SchemaError: Rule(_LATER, "The operator has to migrate the database."),
    # A fault of ours: 500.
    http.InternalError: Rule(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Tell the operator the `request_id`. An append may have been recorded: send it again with "
        "the same ids.",
    ),
}
"""Which error is which status. A class that is not listed counts as its nearest listed ancestor."""


class Problem(NamedTuple):
    """A problem as served: its status, the headers it brings and the document."""

    status: int
    headers: dict[str, str]
    document: dict[str, Any]

    def body(self) -> bytes:
        """Return the document as JSON."""
        return msgspec.json.encode(self.document)


def rule_of(kind: type[BaseException]) -> Rule | None:
    """Return the rule of an error class: its own, or its nearest ancestor's."""
    return next((RULES[parent] for parent in kind.__mro__ if parent in RULES), None)


_NAMING: Final = (application.InvalidRequest, domain.InvalidData)
"""Errors whose message is a bare reason, so that the detail has to say of what."""


def problem(error: Exception, *, path: str, request_id: str) -> Problem:
    """Return how an error is served.

    What is no known error is a fault of ours: it is logged with its stack, and the client learns
    nothing of it but the request's id.

    Args:
        error: what was raised.
        path: the request's path, decoded.
        request_id: what the log calls the request.

    """
    known = _known(error, path)
    rule = rule_of(type(known))
    if rule is None:
        _log.error("http.request.failed", exc_info=error)
        known = http.InternalError()
        rule = RULES[http.InternalError]
    elif rule.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("http.request.unserved", problem=slug(type(known)), reason=str(known))
    field = getattr(known, "field", "")
    document: dict[str, Any] = {
        "type": f"/problems/{slug(type(known))}",
        "title": title(type(known)),
        "status": int(rule.status),
        "detail": f"{field}: {known}" if field and isinstance(known, _NAMING) else str(known),
        "instance": quote(path, safe="/:@!$&'()*+,;=~", errors="replace"),
        "request_id": request_id,
    }
    if field:
        document["errors"] = [{"field": field, "message": str(known)}]
    document |= _facts(known)
    return Problem(int(rule.status), _headers(known, rule), document)


def respond(
    request: HttpRequest, error: Exception, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """Return an error as an HTTP answer (Litestar's exception handler)."""
    served = problem(error, path=raw_path(request.scope), request_id=request_id(request.scope))
    return Response(
        served.body(),
        status_code=served.status,
        media_type=PROBLEM_JSON,
        headers={"Cache-Control": "no-store", **served.headers, **(headers or {})},
    )


def slug(kind: type[BaseException]) -> str:
    """Return the last part of a problem's type: the class's name in kebab case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def title(kind: type[BaseException]) -> str:
    """Return a problem's title: the class's name in words."""
    return slug(kind).replace("-", " ").capitalize()


def _known(error: Exception, path: str) -> Exception:
    """Turn what the framework raises into an error of ours."""
    if not isinstance(error, HTTPException):
        return error
    headers = {name.title(): value for name, value in (error.headers or {}).items()}
    if error.status_code == HTTPStatus.NOT_FOUND:
        return http.UnknownRoute(path=shown(path))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(headers.get("Allow", "").split(", ")))
        return http.MethodNotAllowed(allowed=allowed, headers={"Allow": allowed})
    if HTTPStatus.BAD_REQUEST <= error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return application.InvalidRequest(reason=error.detail)
    return error


def shown(text: str) -> str:
    """Return a client's text so that it can be repeated: short, and valid as UTF-8."""
    return text[:200].encode(errors="replace").decode()


def _facts(error: Exception) -> dict[str, Any]:
    facts: Mapping[str, Any] = getattr(error, "facts", {})
    return {
        # `reason` is all of the detail already; a fact must not hide a member of the problem.
        (name if name not in _RESERVED else f"event_{name}"): _plain(value)
        for name, value in facts.items()
        if name != "reason"
    }


def _plain(value: object) -> object:
    """Return a fact as JSON has it; an open set comes sorted, anything else as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(str(each) for each in value)
    return shown(str(value))


def _headers(error: Exception, rule: Rule) -> dict[str, str]:
    headers = dict(getattr(error, "headers", {}))
    if rule.status is HTTPStatus.UNAUTHORIZED:
        unknown = isinstance(error, application.TokenUnknown)
        headers["WWW-Authenticate"] = (
            'Bearer realm="timeline", error="invalid_token"'
            if unknown
            else 'Bearer realm="timeline"'
        )
    if rule.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        facts = getattr(error, "facts", {})
        headers["Retry-After"] = str(max(1, math.ceil(facts.get("retry_after_s", RETRY_AFTER_S))))
    return headers


_OF_RECORDING: Final = (
    domain.DomainError,
    eventstore.AppendRefused,
    eventstore.OutcomeUnknown,
    transparency.EntryTooLarge,
    application.TooManyEvents,
    http.BodyIncomplete,
    http.BodyTooLarge,
    http.UnsupportedMediaType,
)


class ProblemType(msgspec.Struct, frozen=True, kw_only=True):
    """A problem type in words; `reading` where a read may meet it, too."""

    type: str
    title: str
    status: int
    meaning: str
    advice: str
    reading: bool


def problem_types() -> dict[str, ProblemType]:
    """Return every problem type, by the last part of its address."""
    return {
        slug(kind): ProblemType(
            type=f"/problems/{slug(kind)}",
            title=title(kind),
            status=int(rule.status),
            meaning=_meaning(kind),
            advice=rule.advice,
            reading=not issubclass(kind, _OF_RECORDING),
        )
        for kind in _served_kinds()
        if (rule := rule_of(kind)) is not None
    }


def _served_kinds() -> list[type[Exception]]:
    """Return the listed classes and their descendants: what a problem can be named for."""
    kinds: dict[type[Exception], None] = {}
    waiting = list(RULES)
    while waiting:
        kind = waiting.pop(0)
        if not kind.__subclasses__():
            kinds[kind] = None
        waiting.extend(kind.__subclasses__())
    return sorted(kinds, key=slug)


def _meaning(kind: type[Exception]) -> str:
    """Return a class's message with its facts' names in the place of facts."""
    template = " ".join((kind.__doc__ or kind.__name__).split())
    if template == "{reason}":
        return "What is wrong differs; `detail` says it."
    return re.sub(r"\{(\w+)\}", r"<\1>", template)
