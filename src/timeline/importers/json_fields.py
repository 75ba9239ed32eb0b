"""Fields of JSON objects that others wrote, as what they are expected to be.

What is not of that kind is as if it were not there; whoever needs a field says so.
"""

from collections.abc import Iterable, Mapping
from typing import Any


def text(fields: object, *names: str) -> str:
    """Return the first of the fields that has text or a number in it, as text without its margins."""
    for name in names:
        value = fields.get(name) if isinstance(fields, Mapping) else None
        if isinstance(value, int | str) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def texts(fields: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts of a field, be it one or a list."""
    value = fields.get(name)
    found: Iterable[object] = value if isinstance(value, list) else [value]
    return [each.strip() for each in found if isinstance(each, str) and each.strip()]


def number(fields: Mapping[str, Any], name: str) -> int:
    """Return a whole number; 0 where there is none."""
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def mapping(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object; an empty one where there is none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def mappings(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    value = fields.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
