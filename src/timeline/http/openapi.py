"""The API's description: OpenAPI 3.1, made from the structs that requests are read by.

Owns the list of operations and how structs become schemas and parameters. Must not be needed to
serve any other route.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final, NamedTuple

import msgspec

from timeline.application import queries
from timeline.application.record import BatchRequest, EventRequest
from timeline.domain.dates import (
    EDTF_PATTERN,
    MAX_LENGTH,
    OCCURRENCE_PATTERN,
    Edtf,
    Occurrence,
)
from timeline.domain.events import DATA_TYPES, EventId, PolicyId
from timeline.domain.vocabulary import EventType
from timeline.http import schemas
from timeline.http.examples import Example, examples
from timeline.http.problems import PROBLEM_JSON, problem_types
from timeline.http.replies import HTML, JSON, NDJSON

REF: Final = "#/components/schemas/"
BEARER: Final = "bearer"

ABOUT: Final = """\
Timeline keeps the record of what governments did. Nothing in it is ever overwritten. It answers
what is in force, where, on any date (`as_of`, the clock of the world), and what the record said
about that at any earlier moment (`known_at` or `known_position`, the clock of the record).

Every `GET` answers `HEAD` too. A read carries `Timeline-Position`, the position that it reflects,
and an `ETag`, for `If-None-Match`. Errors are problems as in RFC 9457, whose `type` resolves to an
explanation. Parameters that are not listed are refused. A `+` in a query stands for a blank: write
the `+` of an offset as `%2B`.
"""

TAGS: Final = {
    "Recording": "Append events; needs a token.",
    "The log": "The events as they were recorded.",
    "The record": "What the events say, at any date and as known at any moment.",
    "Operations": "Health, this description, and problem types.",
}


class Operation(NamedTuple):
    """One route and method, as it is described.

    `answers` maps the media types of a success to schemas; `statuses` are those of problems besides
    what every route may answer.
    """

    method: str
    path: str
    id: str
    tag: str
    summary: str
    description: str
    query: type[queries.Query]
    answers: Mapping[str, type]
    statuses: tuple[int, ...]
    min_position: bool = True
    paged: bool = False


_READ: Final = (304, 401, 403, 406, 503)

OPERATIONS: Final = (
    Operation(
        "post",
        "/v1/events",
        "recordEvents",
        "Recording",
        "Record events",
        "One event, or a batch that is recorded together or not at all. An append is repeated "
        "safely where its events carry ids: what is recorded already is answered with 200 and as "
        "it was then. With `Content-Type: application/x-ndjson`, any number of lines, each an "
        "event with an id, is recorded in chunks, and the answer is a line for each chunk; at a "
        "line that is refused it ends with a line that names it. Lines before that one are "
        "recorded.",
        queries.Query,
        {JSON: schemas.RecordedEvents},
        (401, 403, 406, 409, 413, 415, 422, 503),
        min_position=False,
    ),
    Operation(
        "get",
        "/v1/events",
        "listEvents",
        "The log",
        "Events",
        "The log in its order. Each parameter narrows; of one that is repeated, any value "
        "matches. With `Accept: application/x-ndjson`, all events up to the head are streamed, "
        "one a line, and `limit` and `cursor` are refused.",
        queries.EventsQuery,
        {JSON: schemas.EventsPage, NDJSON: schemas.Event},
        _READ,
        paged=True,
    ),
    Operation(
        "get",
        "/v1/events/{id}",
        "getEvent",
        "The log",
        "One event",
        "The entry's fields, and the data as it was sent.",
        queries.EventQuery,
        {JSON: schemas.Event},
        (*_READ, 404),
    ),
    Operation(
        "get",
        "/v1/timeline",
        "listActions",
        "The record",
        "The timeline",
        "The actions as the record believes them, by what they say of the world. `as_of` hides "
        "what happened later.",
        queries.TimelineQuery,
        {JSON: schemas.TimelinePage},
        (*_READ, 307, 404, 410),
        paged=True,
    ),
    Operation(
        "get",
        "/v1/policies",
        "listPolicies",
        "The record",
        "Policies",
        "Policies with their three axes on a date, today where none is given. Those without an "
        "action by then are left out.",
        queries.PoliciesQuery,
        {JSON: schemas.PoliciesPage},
        _READ,
        paged=True,
    ),
    Operation(
        "get",
        "/v1/policies/{policy}",
        "getPolicy",
        "The record",
        "One policy",
        "All that the record believes about it, and the events that decide each value.",
        queries.PolicyQuery,
        {JSON: schemas.Policy},
        (*_READ, 307, 404, 410),
    ),
    Operation(
        "get",
        "/v1/policies/{policy}/history",
        "replayPolicy",
        "The record",
        "A policy's history",
        "The replay: event by event, what it changed and the state after it. Also of policies "
        "that are retracted or merged.",
        queries.HistoryQuery,
        {JSON: schemas.HistoryPage},
        (*_READ, 404),
        paged=True,
    ),
    Operation(
        "get",
        "/v1/vocabulary",
        "getVocabulary",
        "The record",
        "The vocabulary",
        "Actions with their effects, in the order of one day; instruments, relations, types of "
        "events and other words.",
        queries.Query,
        {JSON: schemas.Vocabulary},
        _READ,
    ),
    Operation(
        "get",
        "/health/live",
        "isLive",
        "Operations",
        "Liveness",
        "Whether the process runs.",
        queries.Query,
        {JSON: schemas.Live},
        (406,),
        min_position=False,
    ),
    Operation(
        "get",
        "/health/ready",
        "isReady",
        "Operations",
        "Readiness",
        "Whether database, schema and read models allow to serve.",
        queries.Query,
        {JSON: schemas.Ready},
        (406, 503),
        min_position=False,
    ),
    Operation(
        "get",
        "/",
        "listEntryPoints",
        "Operations",
        "Entry points",
        "Where to begin; a page for browsers.",
        queries.Query,
        {JSON: schemas.EntryPoints, HTML: str},
        (304, 406),
        min_position=False,
    ),
    Operation(
        "get",
        "/schema",
        "showDescription",
        "Operations",
        "This description, as a page",
        "Works without JavaScript and without the internet.",
        queries.Query,
        {HTML: str},
        (304, 406),
        min_position=False,
    ),
    Operation(
        "get",
        "/schema/openapi.json",
        "getDescription",
        "Operations",
        "This description",
        "OpenAPI 3.1.",
        queries.Query,
        {JSON: dict},
        (304, 406),
        min_position=False,
    ),
    Operation(
        "get",
        "/problems/{slug}",
        "explainProblem",
        "Operations",
        "A problem type",
        "What a problem's `type` means, and what to do about it.",
        queries.Query,
        {JSON: schemas.ProblemType, HTML: str},
        (304, 404, 406),
        min_position=False,
    ),
)

_PATH_PARAMETERS: Final[Mapping[str, tuple[Any, str]]] = {
    "id": (EventId, "The event's id."),
    "policy": (PolicyId, "The policy's id."),
    "slug": (str, "The last part of a problem's type."),
}

_EVERYWHERE: Final = (400, 405, 429, 500)
"""Problems that any route may answer: malformed requests, limits, faults of ours."""


@cache
def document() -> dict[str, Any]:
    """Return the whole description."""
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Timeline",
            "version": version("timeline-record"),
            "summary": "The record of what governments did, on two clocks.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "responses": {_response_name(status): _problem(status) for status in _statuses()},
            "headers": _HEADERS,
            "parameters": _SHARED_PARAMETERS,
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the operator. Reading needs one only where public "
                    "reading is switched off.",
                }
            },
        },
    }


# Paths


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return paths


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.method == "post":
        described["security"] = [{BEARER: []}]
        described["requestBody"] = _request_body(_examples_of(operation))
    elif 401 in operation.statuses:  # noqa: PLR2004 - the status itself
        described["security"] = [{}, {BEARER: []}]
    return described


def _examples_of(operation: Operation) -> list[Example]:
    return [example for example in examples() if example.operation == operation.id]


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": about,
            "schema": msgspec.json.schema(kind),
            **_parameter_examples(operation, name),
        }
        for name, (kind, about) in _PATH_PARAMETERS.items()
        if f"{{{name}}}" in operation.path
    ]
    properties = _components()[1][operation.query.__name__]["properties"]
    found.extend(_query_parameter(operation, name, each) for name, each in properties.items())
    shared = ["RequestId"]
    if operation.min_position:
        shared.append("MinPosition")
    if HTTPStatus.NOT_MODIFIED in operation.statuses:
        shared.append("IfNoneMatch")
    found.extend({"$ref": f"#/components/parameters/{name}"} for name in shared)
    return found


def _query_parameter(operation: Operation, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema = _without_null(schema)
    described: dict[str, Any] = {"name": name, "in": "query", "required": False}
    about = schema.pop("description", None)
    if about:
        described["description"] = about
    if schema.get("type") == "array":
        described |= {"style": "form", "explode": True}
        schema.pop("default", None)
    return {**described, "schema": schema, **_parameter_examples(operation, name)}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema: it may be absent, but no text stands for null."""
    schema = dict(schema)
    if schema.get("default", ...) is None:
        del schema["default"]
    choices = [each for each in schema.pop("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        schema |= choices[0]
    elif choices:
        schema["anyOf"] = choices
    return schema


def _parameter_examples(operation: Operation, name: str) -> dict[str, Any]:
    values = {
        example.name: {"value": example.parameters[name]}
        for example in _examples_of(operation)
        if name in example.parameters and example.status < HTTPStatus.BAD_REQUEST
    }
    return {"examples": values} if values else {}


def _request_body(found: list[Example]) -> dict[str, Any]:
    schemas_by_media = {
        JSON: {"oneOf": [{"$ref": f"{REF}EventRequest"}, {"$ref": f"{REF}BatchRequest"}]},
        NDJSON: {"type": "string", "description": "Lines, each an EventRequest with its `id`."},
    }
    return {
        "required": True,
        "content": {
            media: {
                "schema": schema,
                "examples": {
                    example.name: {"summary": example.title, "value": example.request_value()}
                    for example in found
                    if example.request_media == media and example.status < HTTPStatus.BAD_REQUEST
                },
            }
            for media, schema in schemas_by_media.items()
        },
    }


# Responses


def _responses(operation: Operation) -> dict[str, Any]:
    found = _examples_of(operation)
    succeeding = [201, 200] if operation.method == "post" else [200]
    described: dict[str, Any] = {}
    for status in succeeding:
        described[str(status)] = _success(operation, status, found)
    for status in sorted({*operation.statuses, *_EVERYWHERE}):
        problems = [each for each in found if each.status == status]
        described[str(status)] = _other(operation, status, problems)
    return described


def _success(operation: Operation, status: int, found: list[Example]) -> dict[str, Any]:
    answers = dict(operation.answers)
    about = "The answer."
    if operation.method == "post":
        about = "Recorded." if status == HTTPStatus.CREATED else "Recorded before, or a stream."
        if status == HTTPStatus.OK:
            answers[NDJSON] = schemas.ChunkReport
    return {
        "description": about,
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"} for name in _success_headers(operation)
        },
        "content": {
            media: _content(operation, media, kind, [e for e in found if e.status == status])
            for media, kind in answers.items()
        },
    }


def _content(operation: Operation, media: str, kind: type, found: list[Example]) -> dict[str, Any]:
    schema: dict[str, Any]
    if media == NDJSON:
        about = "Lines, each one of these: " + (
            "ChunkReport, or at last a RefusalReport." if operation.method == "post" else "Event."
        )
        schema = {"type": "string", "description": about}
    elif kind is str:
        schema = {"type": "string"}
    elif kind is dict:
        schema = {"type": "object"}
    else:
        schema = {"$ref": f"{REF}{kind.__name__}"}
    shown = {
        example.name: {"summary": example.title, "value": example.response}
        for example in found
        if example.response_media == media
    }
    return {"schema": schema, **({"examples": shown} if shown else {})}


def _success_headers(operation: Operation) -> Iterable[str]:
    yield "X-Request-ID"
    if operation.method == "post":
        yield "Location"
        yield "Timeline-Position"
        return
    if operation.min_position:
        yield "Timeline-Position"
    if HTTPStatus.NOT_MODIFIED in operation.statuses:
        yield "ETag"
    if operation.paged:
        yield "Link"


def _other(operation: Operation, status: int, found: list[Example]) -> dict[str, Any]:
    if status == HTTPStatus.NOT_MODIFIED:
        return {
            "description": "The client has this representation already.",
            "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
        }
    posting = operation.method == "post"
    if not found and not posting:
        return {"$ref": f"#/components/responses/{_response_name(status)}"}
    described = _problem(status, posting=posting)
    if found:
        described["content"][PROBLEM_JSON]["examples"] = {
            example.name: {"summary": example.title, "value": example.response} for example in found
        }
    return described


def _statuses() -> list[int]:
    """Return the statuses of problems that reading may meet."""
    reading = (operation for operation in OPERATIONS if operation.method == "get")
    found = {status for operation in reading for status in operation.statuses}
    return sorted({*found, *_EVERYWHERE} - {int(HTTPStatus.NOT_MODIFIED)})


def _response_name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "").replace("-", "")


def _problem(status: int, *, posting: bool = False) -> dict[str, Any]:
    """Return a problem's response, which lists the types that have this status."""
    types = [
        each.type
        for each in problem_types().values()
        if each.status == status and (each.reading or posting)
    ]
    headers = ["X-Request-ID", *_PROBLEM_HEADERS.get(status, ())]
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{each}`' for each in types)}.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {PROBLEM_JSON: {"schema": {"$ref": f"{REF}Problem"}}},
    }


_PROBLEM_HEADERS: Final[Mapping[int, tuple[str, ...]]] = {
    307: ("Location",),
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def _header(description: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}}


_HEADERS: Final = {
    "X-Request-ID": _header("What the log calls this request.", pattern="^[A-Za-z0-9._:-]{1,128}$"),
    "Timeline-Position": _header("The position this answer reflects.", pattern="^[0-9]+$"),
    "ETag": _header("The validator of this representation."),
    "Link": _header('The next page, with rel="next"; absent on the last one.'),
    "Location": _header("Where it is: the first event that was recorded, or the survivor."),
    "Retry-After": _header("In how many seconds to come back.", pattern="^[0-9]+$"),
    "Allow": _header("The methods that are answered."),
    "WWW-Authenticate": _header("How to authenticate."),
}

_SHARED_PARAMETERS: Final = {
    "RequestId": {
        "name": "X-Request-ID",
        "in": "header",
        "required": False,
        "description": "Taken over into the answer and the log where it is sane.",
        "schema": {"type": "string"},
    },
    "MinPosition": {
        "name": "Timeline-Min-Position",
        "in": "header",
        "required": False,
        "description": "Wait until this position is reflected: at most 5 seconds, then 503.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 2**53 - 1},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "Validators that the client has; one that matches is answered with 304.",
        "schema": {"type": "string"},
    },
}


# Schemas

_QUERIES: Final = tuple({operation.query for operation in OPERATIONS})
_ANSWERS: Final = tuple(
    kind
    for operation in OPERATIONS
    for kind in operation.answers.values()
    if issubclass(kind, msgspec.Struct)
)


def _date_schema(kind: type) -> dict[str, Any]:
    if issubclass(kind, Edtf):
        return {"$ref": f"{REF}{kind.__name__}"}
    raise NotImplementedError(kind)


@cache
def _components() -> tuple[Any, dict[str, dict[str, Any]]]:
    return msgspec.json.schema_components(
        [
            *DATA_TYPES.values(),
            EventRequest,
            BatchRequest,
            *_ANSWERS,
            schemas.ChunkReport,
            schemas.RefusalReport,
            schemas.Problem,
            *_QUERIES,
        ],
        schema_hook=_date_schema,
        ref_template=REF + "{name}",
    )


def _schemas() -> dict[str, Any]:
    """Return all schemas, with what msgspec's own cannot say: dates, and rules between fields."""
    found = {name: dict(schema) for name, schema in _components()[1].items()}
    for query in _QUERIES:
        del found[query.__name__]
    found |= _DATES
    for name, rule in _BETWEEN_FIELDS.items():
        found[name] |= rule
    found["EventRequest"] = _by_type(found["EventRequest"], nullable=False)
    found["Event"] = _by_type(found["Event"], nullable=True)
    return dict(sorted(found.items()))


def _by_type(schema: dict[str, Any], *, nullable: bool) -> dict[str, Any]:
    """Return a choice of schemas, one for each type of event, in which `data` is that type's."""

    def one(type: EventType) -> dict[str, Any]:
        data: dict[str, Any] = {"$ref": f"{REF}{DATA_TYPES[type].__name__}"}
        if nullable:
            data = {"anyOf": [data, {"type": "null"}], "description": "null once it is erased."}
        properties = {**schema["properties"], "type": {"const": str(type)}, "data": data}
        return {**schema, "title": str(type), "properties": properties}

    return {
        "title": schema["title"],
        "description": schema["description"],
        "oneOf": [
            {name: value for name, value in one(type).items() if name != "description"}
            for type in EventType
        ],
    }


def _given(name: str) -> dict[str, Any]:
    """Return the condition that a field is there, and not null."""
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def _exactly_one(*names: str) -> dict[str, Any]:
    return {"oneOf": [_given(name) for name in names]}


def _at_least_one(*names: str) -> dict[str, Any]:
    return {"anyOf": [_given(name) for name in names]}


_DATES: Final = {
    Edtf.__name__: {
        "title": "Edtf",
        "description": "A date or an interval of uncertainty in EDTF (ISO 8601-2): `2019`, "
        "`2023-03`, `2024-11~`, `201X`, `2024-12-04/2024-12-09`, `2024-11/..`, `XXXX`.",
        "type": "string",
        "pattern": EDTF_PATTERN,
        "maxLength": MAX_LENGTH,
    },
    Occurrence.__name__: {
        "title": "Occurrence",
        "description": "As Edtf, or a moment with its zone: `2024-11-19T10:30:00-08:00`.",
        "type": "string",
        "pattern": OCCURRENCE_PATTERN,
        "maxLength": MAX_LENGTH,
    },
}

_BETWEEN_FIELDS: Final[Mapping[str, dict[str, Any]]] = {
    "Source": _at_least_one("url", "citation"),
    "Counterpart": _exactly_one("policy", "citation"),
    "Target": _exactly_one("policy", "citation", "selector"),
    "Selector": _at_least_one(
        "jurisdiction", "instrument", "occurred_from", "occurred_until", "in_force_on"
    ),
    "SourceAttached": {
        "if": {"properties": {"stance": {"const": "disputes"}}},
        "then": _given("claim"),
    },
    "PolicyDescribed": {"minProperties": 2},
    "MatchRequest": {
        "anyOf": [
            {"required": [name], "properties": {name: {"minItems": 1}}}
            for name in ("types", "policies", "jurisdictions", "topics", "actors", "identifiers")
        ]
    },
}
"""What holds between the fields of a struct: its `__post_init__`, in words of JSON Schema."""
