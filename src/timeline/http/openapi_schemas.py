"""The schemas of the API's description, made from the structs.

Owns what msgspec cannot say of a struct by itself: dates, rules between fields, and which data goes
with which type of event.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

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
from timeline.domain.events import DATA_TYPES
from timeline.domain.vocabulary import EventType
from timeline.http import schemas
from timeline.http.operations import OPERATIONS

REF: Final = "#/components/schemas/"

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
def _components() -> dict[str, dict[str, Any]]:
    _, found = msgspec.json.schema_components(
        [
            *DATA_TYPES.values(),
            EventRequest,
            BatchRequest,
            *_ANSWERS,
            schemas.ChunkReport,
            schemas.DryRun,
            schemas.RefusalReport,
            schemas.Problem,
            *_QUERIES,
        ],
        schema_hook=_date_schema,
        ref_template=REF + "{name}",
    )
    return found


def parameters_of(query: type[queries.Query]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the schemas of a question's parameters, by name, and the names that it needs.

    Its own come first, those that it shares with others after them.
    """
    schema = _components()[query.__name__]
    properties = {name: schema["properties"][name] for name in _own_first(query)}
    return properties, schema.get("required", [])


def _own_first(query: type[Any]) -> tuple[str, ...]:
    base = query.__base__
    if base is None or query is queries.Query:
        return ()
    shared = _own_first(base)
    return (*(name for name in query.__struct_encode_fields__ if name not in shared), *shared)


def required_of(query: type[queries.Query]) -> frozenset[str]:
    """Return the names of the parameters without which a question is none."""
    return frozenset(_components()[query.__name__].get("required", ()))


def all_schemas() -> dict[str, Any]:
    """Return all schemas, with what msgspec's own cannot say: dates, and rules between fields."""
    found = {name: dict(schema) for name, schema in _components().items()}
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
