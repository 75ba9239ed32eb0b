"""Query strings, read by the structs that describe the questions.

Owns the way from `?name=value` to a query struct, and the refusal that names the parameter. Must
not know what any question means.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, Literal, TypeAlias, TypeVar
from urllib.parse import unquote_plus, urlencode

from msgspec import inspect

from timeline.application.errors import InvalidRequest
from timeline.application.queries import Query
from timeline.domain.errors import InvalidData
from timeline.domain.events import read
from timeline.domain.wording import not_among

MAX_PARAMETERS: Final = 1_000
"""Parameters of one request: nine lists of a hundred values, and then some."""

Kind: TypeAlias = Literal["list", "integer", "integer or text", "boolean", "text"]
Asked = TypeVar("Asked", bound=Query)

_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}
_INDEX: Final = re.compile(r"\[(?:[0-9]+|\.\.\.)\]$")


def pairs(query_string: bytes) -> list[tuple[str, str]]:
    """Return the names and values of a query string, in order.

    Raises:
        InvalidRequest: it is not percent-encoded UTF-8, or holds too much.

    """
    try:
        text = query_string.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(field="query", reason="The query string is not UTF-8") from error
    parts = [part for part in text.split("&") if part]
    if len(parts) > MAX_PARAMETERS:
        reason = f"At most {MAX_PARAMETERS} parameters are taken"
        raise InvalidRequest(field="query", reason=reason)
    split = (part.partition("=") for part in parts)
    return [(_decoded(name, name), _decoded(value, name)) for name, _, value in split]


def _decoded(text: str, field: str) -> str:
    field = field[:100]
    if _BROKEN_ESCAPE.search(text):
        raise InvalidRequest(field=field, reason="A `%` is followed by two hexadecimal digits")
    try:
        decoded = unquote_plus(text, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequest(field=field, reason="The text is not percent-encoded UTF-8") from error
    if "\0" in decoded:
        raise InvalidRequest(field=field, reason="U+0000 is not taken")
    return decoded


def parse(query_string: bytes, kind: type[Asked]) -> Asked:
    """Read a query string as a question.

    Args:
        query_string: the raw bytes behind the `?`.
        kind: the question's struct.

    Raises:
        InvalidRequest: naming the parameter that is unknown, repeated or malformed.

    """
    if not query_string:
        unasked: Asked = _unasked(kind)
        return unasked
    kinds, choices = _kinds(kind), _choices(kind)
    values: dict[str, object] = {}
    for name, text in pairs(query_string):
        if name not in kinds:
            raise InvalidRequest(field=name[:100], reason=_no_such(kinds))
        if kinds[name] == "list":
            gathered = values.setdefault(name, [])
            if isinstance(gathered, list):
                gathered.append(text)
        elif name in values:
            raise InvalidRequest(field=name, reason="This parameter is given once")
        else:
            values[name] = _value(kinds[name], text, name)
            if name in choices and text not in choices[name]:
                raise InvalidRequest(field=name, reason=not_among(text, choices[name]))
    return _read(kind, values, query_string)


@cache
def _unasked(kind: type[Asked]) -> Asked:
    """Return the question without parameters: it never changes, so one does for all."""
    return _read(kind, {}, b"")


def _read(kind: type[Asked], values: Mapping[str, object], query_string: bytes) -> Asked:
    try:
        asked: Asked = read(kind, values, "")
    except InvalidData as error:
        field = _INDEX.sub("", error.field)
        reason = f"{error.facts['reason']}{_plus(query_string, field)}"
        raise InvalidRequest(field=field, reason=reason) from error
    return asked


def _no_such(kinds: Mapping[str, Kind]) -> str:
    if not kinds:
        return "No parameters are taken here"
    return f"There is no such parameter here; there are {', '.join(sorted(kinds))}"


def _plus(query_string: bytes, field: str) -> str:
    """Return what to do about a `+` in a parameter that is refused, as it arrived as a blank."""
    parts = (part.partition(b"=") for part in query_string.split(b"&"))
    if any(name == field.encode() and b"+" in value for name, _, value in parts):
        return "; a `+` in an address stands for a blank, so write it as `%2B`"
    return ""


def _value(kind: Kind, text: str, name: str) -> object:
    if kind == "integer":
        if _INTEGER.fullmatch(text) is None:
            raise InvalidRequest(field=name, reason="Expected a whole number")
        return int(text)
    if kind == "integer or text":
        return int(text) if _INTEGER.fullmatch(text) else text
    if kind == "boolean":
        if text not in _BOOLEANS:
            raise InvalidRequest(field=name, reason="Expected `true` or `false`")
        return _BOOLEANS[text]
    return text


@cache
def _kinds(kind: type[Query]) -> Mapping[str, Kind]:
    """Return how each parameter's text is read before the struct judges it."""
    return {name: _kind(described) for name, described in _fields(kind).items()}


@cache
def _choices(kind: type[Query]) -> Mapping[str, Sequence[str]]:
    """Return, for each parameter that is an enumeration and given once, what it takes."""
    found = {name: _taken(described) for name, described in _fields(kind).items()}
    return {name: choices for name, choices in found.items() if choices}


def _fields(kind: type[Query]) -> Mapping[str, inspect.Type]:
    described = inspect.type_info(kind)
    if not isinstance(described, inspect.StructType):
        raise TypeError(kind)
    return {field.encode_name: field.type for field in described.fields}


def _taken(described: inspect.Type) -> Sequence[str]:
    if isinstance(described, inspect.Metadata):
        listed: Sequence[str] = (described.extra_json_schema or {}).get("enum", ())
        return listed or _taken(described.type)
    if isinstance(described, inspect.UnionType):
        return [choice for each in described.types for choice in _taken(each)]
    if isinstance(described, inspect.EnumType):
        return [str(each) for each in described.cls]
    return (
        [str(each) for each in described.values]
        if isinstance(described, inspect.LiteralType)
        else ()
    )


def _kind(described: inspect.Type) -> Kind:
    if isinstance(described, inspect.Metadata):
        return _kind(described.type)
    if isinstance(described, inspect.UnionType):
        kinds = {_kind(each) for each in described.types if not isinstance(each, inspect.NoneType)}
        return kinds.pop() if len(kinds) == 1 else "integer or text"
    if isinstance(described, inspect.VarTupleType):
        return "list"
    if isinstance(described, inspect.IntType):
        return "integer"
    if isinstance(described, inspect.BoolType):
        return "boolean"
    return "text"


def following(path: str, query_string: bytes, cursor: str) -> str:
    """Return the address of the next page: the same question with another cursor."""
    kept = [(name, value) for name, value in pairs(query_string) if name != "cursor"]
    return f"{path}?{urlencode([*kept, ('cursor', cursor)])}"


def renamed(path: str, query_string: bytes, name: str, value: str) -> str:
    """Return an address with one parameter's value replaced."""
    changed = [(each, value if each == name else old) for each, old in pairs(query_string)]
    return f"{path}?{urlencode(changed)}"
