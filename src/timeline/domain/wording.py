"""What is wrong with a value, in words for people.

Owns the translation of msgspec's messages, which speak of types and regexes. Must not know which
values are allowed where: enumerations and patterns come in from their owner.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

MAX_LISTED: Final = 20
"""Allowed values that a message lists; of longer vocabularies it names the nearest."""

_TYPES: Final = {
    "str": "text",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "float": "a number with a fraction",
}

_UNKNOWN_FIELD: Final = re.compile(r"Object contains unknown field `(.*)`")

_Phrase = Callable[[re.Match[str]], str]

_PHRASES: Final[Sequence[tuple[re.Pattern[str], _Phrase]]] = (
    (
        re.compile(r"Object missing required field `(.*)`"),
        lambda found: f"`{found[1]}` is required",
    ),
    (
        re.compile(r"Expected `array` of length >= (\d+)"),
        lambda found: f"At least {_counted(found[1], 'item')} needed",
    ),
    (
        re.compile(r"Expected `array` of length <= (\d+)"),
        lambda found: f"At most {_counted(found[1], 'item')} taken",
    ),
    (
        re.compile(r"Expected `str` of length >= (\d+)"),
        lambda found: f"At least {_counted(found[1], 'character')} needed",
    ),
    (
        re.compile(r"Expected `str` of length <= (\d+)"),
        lambda found: f"At most {_counted(found[1], 'character')} taken",
    ),
    (re.compile(r"Expected `int` >= (-?\d+)"), lambda found: f"It is {found[1]} at the least"),
    (re.compile(r"Expected `int` <= (-?\d+)"), lambda found: f"It is {found[1]} at the most"),
    (
        re.compile(r"Invalid RFC3339 encoded datetime|Expected `datetime` with a timezone.*"),
        lambda _: "Expected an instant with its zone, such as 2024-11-25T10:00:00Z",
    ),
    (
        re.compile(r"Invalid RFC3339 encoded date"),
        lambda _: "Expected a day that the calendar has, such as 2024-11-25",
    ),
    (
        re.compile(r"Expected `(.*)`, got `(.*)`"),
        lambda found: f"Expected {_kinds(found[1])}, got {_kinds(found[2])}",
    ),
)


def in_words(
    reason: str,
    *,
    patterns: Mapping[str, str],
    choices: Sequence[str] | None,
    shape: str | None = None,
    fields: Sequence[str] = (),
) -> str:
    """Return msgspec's reason in words.

    Args:
        reason: msgspec's message, without the path.
        patterns: by regex, what it asks for.
        choices: the values that the field may hold, where they are an enumeration.
        shape: an object that the field may hold, where it takes objects.
        fields: those that there are, where an unknown one was met.

    """
    unknown = _UNKNOWN_FIELD.fullmatch(reason)
    if unknown is not None:
        there_are = f"; there are {', '.join(fields)}" if fields else ""
        return f"There is no field `{unknown[1]}` here{there_are}"
    chosen = re.fullmatch(r"Invalid enum value '?(.*?)'?", reason, re.DOTALL)
    if chosen is not None:
        return not_among(chosen[1], choices)
    if "matching regex" in reason:
        return next(
            (f"Expected {words}" for pattern, words in patterns.items() if repr(pattern) in reason),
            reason,
        )
    for form, phrase in _PHRASES:
        found = form.fullmatch(reason)
        if found is not None:
            return phrase(found) + _such_as(reason, shape)
    return reason


def _such_as(reason: str, shape: str | None) -> str:
    return f"; write {shape}" if shape and reason.startswith("Expected `object") else ""


def not_among(value: str, choices: Sequence[str] | None) -> str:
    """Say that a value is none of those that a field takes; of a long list, which is nearest."""
    shown = repr(value[:100])
    if not choices:
        return f"{shown} is not one of the values that this takes"
    if len(choices) <= MAX_LISTED:
        return f"{shown} is none of {', '.join(choices)}"
    nearest = difflib.get_close_matches(value[:100], choices, n=1, cutoff=0)[0]
    return f"{shown} is not in the vocabulary; the nearest word is {nearest}"


def _counted(count: str, noun: str) -> str:
    return f"{count} {noun} is" if count == "1" else f"{count} {noun}s are"


def _kinds(names: str) -> str:
    return " or ".join(_TYPES.get(name.strip(), name.strip()) for name in names.split("|"))
