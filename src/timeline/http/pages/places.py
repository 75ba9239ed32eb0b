"""Places that were typed by their names into a page's filter: taken for the one meant, or asked back.

Owns when a page answers without a filter that it could not read. Programs give ids alone.
"""

from typing import Any, Final
from urllib.parse import quote

from timeline.application.errors import InvalidRequest
from timeline.application.queries import Query
from timeline.http.parameters import pairs
from timeline.http.service import Service

FIELD: Final = "jurisdiction"


def has_places(kind: type[Query]) -> bool:
    """Tell whether a page's question may be about a place."""
    return FIELD in kind.__struct_fields__


def typed(error: InvalidRequest, kind: type[Query], query_string: bytes) -> str | None:
    """Return what was typed where no place's id was expected to be; None where all else is wrong."""
    if error.field != FIELD or not has_places(kind):
        return None
    given = [value for name, value in pairs(query_string) if name == FIELD]
    return given[0] if len(given) == 1 else None


def without(query_string: bytes, name: str) -> str:
    """Return a query string without a parameter."""
    parts = query_string.split(b"&")
    kept = [part for part in parts if part and part.partition(b"=")[0] != name.encode()]
    return b"&".join(kept).decode("latin-1")


def look_up(service: Service, text: str, path: str, rest: str) -> str | dict[str, Any]:
    """Return the address with the place that a name means, or what to ask back."""
    found = service.application.reader.place_called(text)
    if found.one is not None:
        return _address(path, rest, found.one.jurisdiction)
    choices = [(_address(path, rest, each.jurisdiction), each.name) for each in found.may_be]
    return {"text": text, "choices": choices}


def _address(path: str, rest: str, jurisdiction: str) -> str:
    return f"{path}?{rest}{'&' if rest else ''}{FIELD}={quote(jurisdiction, safe=':/')}"
