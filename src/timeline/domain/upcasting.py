"""Older shapes of payloads, brought to today's step by step.

Owns the chain of upcasters and the check that none is missing. Must not know where payloads are kept:
what was recorded stays as it is, and is served as it is.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from timeline.domain.errors import UnknownShape, UpcasterMissing
from timeline.domain.events import SCHEMA_VERSIONS, Data, decode_data
from timeline.domain.vocabulary import EventType

Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns a payload's plain JSON values in the next shape; changes nothing that it is given."""

Shape: TypeAlias = tuple[EventType, int]
"""A type, and the schema version of a payload of it."""

UPCASTERS: Final[Mapping[Shape, Upcaster]] = {}
"""For every shape but today's, the step to the next. There is one shape of each type so far."""


def check_chain(
    upcasters: Mapping[Shape, Upcaster] = UPCASTERS,
    versions: Mapping[EventType, int] = SCHEMA_VERSIONS,
) -> None:
    """Make sure that every shape that was ever recorded can be brought to today's.

    Raises:
        UpcasterMissing: naming the step that is missing.

    """
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


def read_recorded(type: EventType, schema: int, data: dict[str, Any]) -> Data:
    """Read a payload that was recorded in any shape; raises as `upcast` does."""
    return decode_data(type, upcast(type, schema, data))
