"""Older shapes of payloads, brought to today's step by step.

Owns the chain of upcasters and the check that none is missing. Must not know where payloads are kept:
what was recorded stays as it is, and is served as it is.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from timeline.domain.errors import ReplacementShapesMissing, UnknownShape, UpcasterMissing
from timeline.domain.events import SCHEMA_VERSIONS, Data, decode_data
from timeline.domain.vocabulary import EventType

Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns a payload's plain JSON values in the next shape; changes nothing that it is given."""

Shape: TypeAlias = tuple[EventType, int]
"""A type, and the schema version of a payload of it."""

UPCASTERS: Final[Mapping[Shape, Upcaster]] = {}
"""For every shape but today's, the step to the next. There is one shape of each type so far."""


REPLACEMENT_SHAPES: Final[Mapping[int, Mapping[EventType, int]]] = {
    1: dict.fromkeys(EventType, 1),
}
"""For every schema version of a PayloadErased, those of all payloads as long as it was current: its
replacement was judged as one of them. So it goes up with any of the others."""


def check_chain(
    upcasters: Mapping[Shape, Upcaster] = UPCASTERS,
    versions: Mapping[EventType, int] = SCHEMA_VERSIONS,
    replacements: Mapping[int, Mapping[EventType, int]] = REPLACEMENT_SHAPES,
) -> None:
    """Make sure that every shape that was ever recorded can be brought to today's.

    Raises:
        UpcasterMissing: naming the step that is missing.
        ReplacementShapesMissing: a shape has changed and PayloadErased has not, or an older
            PayloadErased does not tell the shape of what it holds.

    """
    erasure = versions[EventType.PAYLOAD_ERASED]
    for schema in range(1, erasure + 1):
        told = {**replacements.get(schema, {}), EventType.PAYLOAD_ERASED: erasure}
        if told.keys() != versions.keys() or (schema == erasure and told != dict(versions)):
            raise ReplacementShapesMissing(schema=schema)
    for type, version in versions.items():
        for schema in range(1, version):
            if (type, schema) not in upcasters:
                raise UpcasterMissing(type=type.value, schema=schema)


def upcast(
    type: EventType,
    schema: int,
    data: dict[str, Any],
    upcasters: Mapping[Shape, Upcaster] = UPCASTERS,
    versions: Mapping[EventType, int] = SCHEMA_VERSIONS,
) -> dict[str, Any]:
    """Return a payload in today's shape.

    Args:
        type: the event's type tag.
        schema: the version of the shape that it was recorded in.
        data: its plain JSON values.
        upcasters: the steps.
        versions: today's shapes.

    Raises:
        UnknownShape: it was recorded by a newer version of this program.

    """
    if not 1 <= schema <= versions[type]:
        raise UnknownShape(type=type.value, schema=schema, known=versions[type])
    for step in range(schema, versions[type]):
        data = upcasters[type, step](data)
    return data


def is_current(type: EventType, schema: int) -> bool:
    """Tell whether a payload is in today's shape already."""
    return schema == SCHEMA_VERSIONS[type]


def upcast_replacement(
    type: EventType,
    schema: int,
    erasure: dict[str, Any],
    upcasters: Mapping[Shape, Upcaster] = UPCASTERS,
    versions: Mapping[EventType, int] = SCHEMA_VERSIONS,
    replacements: Mapping[int, Mapping[EventType, int]] = REPLACEMENT_SHAPES,
) -> dict[str, Any] | None:
    """Return what is read in an erased payload's place, in today's shape; None where nothing is.

    Args:
        type: the erased event's type tag.
        schema: the version of the shape that its PayloadErased was recorded in.
        erasure: that one's plain JSON values.
        upcasters: the steps.
        versions: today's shapes.
        replacements: the shapes of what stands in a PayloadErased.

    Raises:
        UnknownShape: it was recorded by a newer version of this program.

    """
    told = upcast(EventType.PAYLOAD_ERASED, schema, erasure, upcasters, versions)
    replacement = told.get("replacement")
    if replacement is None:
        return None
    return upcast(type, replacements[schema][type], replacement, upcasters, versions)


def read_recorded(type: EventType, schema: int, data: dict[str, Any]) -> Data:
    """Read a payload that was recorded in any shape; raises as `upcast` does."""
    return decode_data(type, upcast(type, schema, data))


def read_replacement(type: EventType, schema: int, erasure: dict[str, Any]) -> Data | None:
    """Read what replaces an erased payload; arguments and errors as with `upcast_replacement`."""
    replacement = upcast_replacement(type, schema, erasure)
    return None if replacement is None else decode_data(type, replacement)
