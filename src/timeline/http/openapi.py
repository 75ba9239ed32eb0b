"""The API's description: OpenAPI 3.1, made from the structs that requests are read by.

Owns how operations and structs become a document. Must not be needed to
serve any other route.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

import msgspec

from timeline.domain.events import EventId, PolicyId
from timeline.http import schemas
from timeline.http.examples import Example, examples
from timeline.http.openapi_schemas import REF, all_schemas, parameters_of, required_of
from timeline.http.operations import OPERATIONS, TAGS, Operation
from timeline.http.problems import PROBLEM_JSON, problem_types
from timeline.http.reading import CLOCKS
from timeline.http.replies import EVENT_STREAM, FORM, HTML, JSON, NDJSON

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

_PATH_PARAMETERS: Final[Mapping[str, tuple[Any, str]]] = {
    "id": (EventId, "The event's id."),
    "name": (str, "The file's name."),
    "policy": (PolicyId, "The policy's id."),
    "slug": (str, "The last part of a problem's type."),
    "tile": (str, "The tile's path."),
}

_PARAMETERS: Final[Mapping[str, str]] = {
    "action": "What happened.",
    "actor": "A name among the actors, whole, in any case.",
    "body": "The deciding body, whole, in any case.",
    "force": "The axis of legal force; also matches where it is one of what is possible.",
    "identifier": "`scheme:value`; case and blanks do not count.",
    "in_force": "The answer to whether it is in force.",
    "instrument": "The legal form.",
    "jurisdiction": "An Open Civic Data division id.",
    "litigation": "The axis of litigation; also matches where it is one of what is possible.",
    "order": "By date: oldest or newest first.",
    "policy": "The policy's id.",
    "recorded_by": "The principal that recorded it.",
    "stage": "The latest stage action; also matches where it is one of what is possible.",
    "topic": "A topic, whole, in any case.",
    "type": "The type of event.",
}
"""What the parameters mean whose struct does not say it beside their bounds."""

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
            "schemas": all_schemas(),
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
    if operation.records:
        described["security"] = [{BEARER: []}]
        described["requestBody"] = _request_body(_examples_of(operation))
    elif operation.form:
        described["requestBody"] = _form_body(operation.form)
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
    properties, required = parameters_of(operation.query)
    found.extend(
        {**_query_parameter(operation, name, each), "required": name in required}
        for name, each in properties.items()
    )
    shared = ["RequestId"]
    if operation.min_position:
        shared.append("MinPosition")
    if HTTPStatus.NOT_MODIFIED in operation.statuses:
        shared.append("IfNoneMatch")
    if EVENT_STREAM in operation.answers:
        shared.append("LastEventId")
    found.extend({"$ref": f"#/components/parameters/{name}"} for name in shared)
    return found


def _query_parameter(operation: Operation, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema = _without_null(schema)
    described: dict[str, Any] = {
        "name": name,
        "in": "query",
        "required": name in required_of(operation.query),
    }
    described["description"] = schema.pop("description", None) or _PARAMETERS[name]
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


def _form_body(fields: Mapping[str, str]) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": about} for name, about in fields.items()}
    return {"content": {FORM: {"schema": {"type": "object", "properties": properties}}}}


# Responses


def _going_on() -> dict[str, Any]:
    """Return the response to a page's form."""
    names = ("X-Request-ID", "Location")
    return {
        "description": "Done; `Location` goes on.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }


def _responses(operation: Operation) -> dict[str, Any]:
    found = _examples_of(operation)
    succeeding = [201, 200] if operation.records else [200]
    described: dict[str, Any] = {}
    if operation.form is not None:
        succeeding = []
        described[str(int(HTTPStatus.SEE_OTHER))] = _going_on()
    for status in succeeding:
        described[str(status)] = _success(operation, status, found)
    for status in sorted({*operation.statuses, *_EVERYWHERE}):
        problems = [each for each in found if each.status == status]
        described[str(status)] = _other(operation, status, problems)
    return described


def _success(operation: Operation, status: int, found: list[Example]) -> dict[str, Any]:
    answers = dict(operation.answers)
    about = "The answer."
    if operation.records:
        about = "Recorded."
        if status == HTTPStatus.OK:
            about = "Recorded before, tried, or a stream."
            answers[NDJSON] = schemas.ChunkReport
    content = {
        media: _content(operation, media, kind, [e for e in found if e.status == status])
        for media, kind in answers.items()
    }
    if operation.records and status == HTTPStatus.OK:
        tried = {"$ref": f"{REF}{schemas.DryRun.__name__}"}
        content[JSON]["schema"] = {"oneOf": [content[JSON]["schema"], tried]}
    return {
        "description": about,
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"} for name in _success_headers(operation)
        },
        "content": content,
    }


def _content(operation: Operation, media: str, kind: type, found: list[Example]) -> dict[str, Any]:
    schema: dict[str, Any]
    if media == NDJSON:
        about = f"Lines, each one of these: {_LINES[operation.id]}."
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


_LINES: Final = {
    "recordEvents": "ChunkReport, or at last a RefusalReport",
    "listEvents": "Event",
    "listActions": "TimelineItem",
    "listPolicies": "PolicyItem",
}
"""What the lines of NDJSON are, by operation."""


def _success_headers(operation: Operation) -> Iterable[str]:
    yield "X-Request-ID"
    if operation.records:
        yield "Location"
        yield "Timeline-Position"
        return
    if operation.min_position:
        yield "Timeline-Position"
        yield from CLOCKS
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
    on_page = operation.tag == "Pages"
    if not found and not posting and not on_page:
        return {"$ref": f"#/components/responses/{_response_name(status)}"}
    described = _problem(status, posting=posting)
    if on_page:
        described["content"][HTML] = {"schema": {"type": "string"}}
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
    "Timeline-As-Of": _header("The date asked about, where there is one.", format="date"),
    "Timeline-Known-At": _header("The moment of the record asked about.", format="date-time"),
    "ETag": _header("The validator of this representation."),
    "Link": _header('The next page, with rel="next"; absent on the last one.'),
    "Location": _header(
        "Where it is: the first event that was recorded, the survivor, or the page to go on to."
    ),
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
        "description": "Wait until this position is reflected: at most 5 seconds, then 503. Without "
        "it, an answer reflects what the same process has recorded, unless the read models are "
        "more than 5,000 events behind, as during a large import.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 2**53 - 1},
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": "Of `text/event-stream`: the position to go on after, in place of `after`.",
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
