"""The rules of strict JSON and of its one canonical form."""

import enum
import json
import string
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared_files import shared
from timeline.transparency.canonical import MAX_DEPTH, MAX_INTEGER, encode, parse
from timeline.transparency.errors import CanonicalError, MalformedJson, TransparencyError

JCS_VECTORS = ["arrays", "french", "structures", "unicode", "values", "weird"]
JCS_VECTORS_WITH_FLOATS = {"structures", "values"}

# Where the two orders of keys part: by code point, U+FB33 comes before U+1F602; by UTF-16 code
# units it comes after, since U+1F602 begins with the unit U+D83D.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
CLOSE_KEYS = st.text("aé\ud7ff\ue000\ufb33\uffff\U00010000\U0001f602\U0010ffff", max_size=3)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXTS | CLOSE_KEYS, inner, max_size=5)
    ),
    max_leaves=20,
)


class Mood(enum.StrEnum):
    """A vocabulary, whose members are text."""

    CALM = "calm"


class Grade(enum.IntEnum):
    """A vocabulary whose members are numbers."""

    FIRST = 1


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@settings(deadline=None)
@example({"\ufb33": 1, "\U0001f602": 2})
@example({"a": [{"\ufb33": "😂", "\U0001f602": {"\uffff": 1, "\U00010000": 2}}]})
@given(VALUES)
def test_canonical_bytes_equal_those_of_an_independent_implementation(value: Any) -> None:
    """For every value the record takes, `encode` and the package rfc8785 write the same bytes."""
    assert encode(value) == rfc8785.dumps(value)


@settings(deadline=None)
@given(VALUES, st.sampled_from(["few", "all"]), st.sampled_from([None, 2, "\t"]))
def test_what_is_read_equals_what_was_written_in_any_spelling(
    value: Any, escapes: str, indent: int | str | None
) -> None:
    """White space and escapes, pairs of surrogate escapes included, do not change a value."""
    spelling = json.dumps(value, ensure_ascii=escapes == "all", indent=indent).encode()

    assert parse(spelling) == value
    assert parse(encode(value)) == value


@settings(deadline=None)
@example(b'{"a":1,"a":2}')
@example(b'"\\ud83d\\ud83d\\ude02"')
@example(b"[" * 5_000)
@given(st.binary(max_size=40) | st.text('[]{}",:\\u0dD8aef1.-+ \n', max_size=40).map(str.encode))
def test_bytes_are_read_or_refused_but_never_break_the_reader(raw: bytes) -> None:
    """Any input is either a value with a canonical form or MalformedJson."""
    try:
        value = parse(raw)
    except MalformedJson as refusal:
        str(refusal).encode()
    else:
        assert parse(encode(value)) == value


@pytest.mark.parametrize("name", JCS_VECTORS)
def test_published_vectors_of_rfc_8785_hold(name: str) -> None:
    """Input, output and output as hex of the RFC's own examples, where they hold no floats."""
    source = shared(f"vectors/jcs/input/{name}.json")
    expected = bytes.fromhex(shared(f"vectors/jcs/outhex/{name}.txt").read_text())
    if name in JCS_VECTORS_WITH_FLOATS:
        pytest.skip(
            "this vector has numbers with a fraction or an exponent, which are refused here"
        )

    assert encode(parse(source.read_bytes())) == expected


@pytest.mark.parametrize("name", sorted(JCS_VECTORS_WITH_FLOATS))
def test_vectors_with_floats_are_refused_at_the_float(name: str) -> None:
    """A number with a fraction or an exponent is refused wherever it stands, 56.0 too."""
    source: Path = shared(f"vectors/jcs/input/{name}.json")

    with pytest.raises(MalformedJson) as refusal:
        parse(source.read_bytes())

    assert refusal.value.reason == "a fraction or an exponent"
    assert refusal.value.path == {"structures": "1.\\u000a", "values": "numbers[0]"}[name]


@pytest.mark.parametrize(
    ("raw", "path", "reason"),
    [
        ('{"a":1,"b":2,"a":3}', "a", "a duplicate key"),
        ('{"data":{"sources":[{"url":"x","url":"x"}]}}', "data.sources[0].url", "a duplicate key"),
        ('{"a":1,"\\u0061":1}', "a", "a duplicate key"),
        ("1.0", "", "a fraction or an exponent"),
        ('{"a":[0,1e3]}', "a[1]", "a fraction or an exponent"),
        ("[[-0.0]]", "[0][0]", "a fraction or an exponent"),
        ("[1E400]", "[0]", "a fraction or an exponent"),
        ("[NaN]", "[0]", "NaN or an infinity"),
        ('{"a":-Infinity}', "a", "NaN or an infinity"),
        ("9007199254740992", "", "an integer beyond ±(2**53-1)"),
        ('{"a":-9007199254740992}', "a", "an integer beyond ±(2**53-1)"),
        (f'{{"a":1{"0" * 100_000}}}', "a", "an integer beyond ±(2**53-1)"),
        ('{"title":"a\\u0000b"}', "title", "U+0000 in text"),
        ('{"a":{"b\\u0000":1}}', "a", "U+0000 in a key"),
        ('["\\ud800"]', "[0]", "a lone surrogate in text"),
        ('["\\uDC00\\uD800"]', "[0]", "a lone surrogate in text"),
        ('{"a":{"\\udfff":1}}', "a", "a lone surrogate in a key"),
        ('{"\\udfff":1,"\\udfff":2}', "", "a lone surrogate in a key"),
        (f'{{"{"k" * 500}":0.5}}', f"{'k' * 64}…", "a fraction or an exponent"),
    ],
)
def test_a_refused_value_is_named_by_its_path(raw: str, path: str, reason: str) -> None:
    """What the record does not take is refused with the place where it stands."""
    with pytest.raises(MalformedJson) as refusal:
        parse(raw.encode())

    refused = refusal.value
    assert (refused.path, refused.reason) == (path, reason)
    assert (refused.line, refused.column) == (None, None)


@pytest.mark.parametrize(
    ("raw", "line", "column", "reason"),
    [
        (b"", 1, 1, "Expecting value"),
        (b"[1,\n 2,]", 2, 4, "Expecting value"),
        (b"01", 1, 2, "Extra data"),
        (b"{} {}", 1, 4, "Extra data"),
        (b"{'a':1}", 1, 2, "Expecting property name enclosed in double quotes"),
        (b'["a\nb"]', 1, 4, "Invalid control character"),
        (b'["\0"]', 1, 3, "Invalid control character"),
        (b'["a', 1, 2, "Unterminated string starting"),
        (b"[1.5, oops", 1, 7, "Expecting value"),
        (b"\xef\xbb\xbf{}", 1, 1, "a byte order mark"),
        (
            b"{}".decode().encode("utf-16-le"),
            1,
            2,
            "Expecting property name enclosed in double quotes",
        ),
        ('"é",\n"'.encode() + b"\xff", 2, 2, "bytes that are not UTF-8"),
        (b'"\xed\xa0\x80"', 1, 2, "bytes that are not UTF-8"),
        (b"[" * 33, 1, 33, "nested deeper than 32"),
        (b'{"a":' * 100_000, 1, 161, "nested deeper than 32"),
        (b'["\\"[",\n' + b"[" * 100_000, 2, 32, "nested deeper than 32"),
    ],
)
def test_what_is_no_json_is_refused_at_line_and_column(
    raw: bytes, line: int, column: int, reason: str
) -> None:
    """A text that is no JSON is refused with the place, counted in characters from 1."""
    with pytest.raises(MalformedJson) as refusal:
        parse(raw)

    refused = refusal.value
    assert (refused.line, refused.column, refused.reason) == (line, column, reason)
    assert refused.path == ""


def test_brackets_within_text_do_not_nest() -> None:
    """Only brackets outside of text count towards the depth, escaped quotes included."""
    value = ["[{" * 100 + '"' + "[{" * 100, "\\", *[[]] * 100]

    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize("opening", ['"' + '\\"' * 200_000, '"' * 400_001, "\\" * 400_000])
def test_text_without_an_end_is_refused_in_linear_time(opening: str) -> None:
    """No crafted text makes the search for brackets start over again and again."""
    raw = ("[]" * 40 + opening).encode()

    with pytest.raises(MalformedJson):
        parse(raw)


def test_both_directions_stop_at_the_same_depth() -> None:
    """What may be written can be read: 32 levels pass both ways, 33 neither."""
    deepest = nested(MAX_DEPTH)

    assert parse(encode(deepest)) == deepest
    assert parse(encode({"a": nested(MAX_DEPTH - 1)})) == {"a": nested(MAX_DEPTH - 1)}
    with pytest.raises(CanonicalError, match="nested deeper than 32"):
        encode(nested(MAX_DEPTH + 1))
    with pytest.raises(MalformedJson, match="nested deeper than 32"):
        parse(json.dumps(nested(MAX_DEPTH + 1)).encode())


def test_a_value_that_holds_itself_is_refused() -> None:
    """A cycle ends at the bound on depth, not in the interpreter's stack."""
    cycle: list[Any] = []
    cycle.append(cycle)

    with pytest.raises(CanonicalError, match="nested deeper than 32"):
        encode(cycle)


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ({"data": {"sources": [{"title": "a\0"}]}}, "data.sources[0].title", "U+0000 in text"),
        ({"a": {"\0": 1}}, "a", "U+0000 in a key"),
        (["é\ud800"], "[0]", "a lone surrogate in text"),
        ({"a": {"\udc00": 1}}, "a", "a lone surrogate in a key"),
        ([[1.5]], "[0][0]", "a fraction or an exponent"),
        ({"a": 1.0}, "a", "a fraction or an exponent"),
        ({"a": float("nan")}, "a", "NaN or an infinity"),
        ({"a": float("-inf")}, "a", "NaN or an infinity"),
        (2**53, "", "an integer beyond ±(2**53-1)"),
        ({"a": (-(2**53),)}, "a[0]", "an integer beyond ±(2**53-1)"),
        ({"a": {1: 2}}, "a", "a key that is no text"),
        ({"a": b"x"}, "a", "bytes is no JSON value"),
        ({"a": {1, 2}}, "a", "set is no JSON value"),
        ({"a": Grade.FIRST}, "a", "Grade is no JSON value"),
    ],
)
def test_a_value_without_canonical_form_is_named_by_its_path(
    value: object, path: str, reason: str
) -> None:
    """`encode` refuses, with the place, what `parse` would never have given it."""
    with pytest.raises(CanonicalError) as refusal:
        encode(value)

    assert (refusal.value.path, refusal.value.reason) == (path, reason)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ((1, [True, False, None]), b"[1,[true,false,null]]"),
        ({Mood.CALM: Mood.CALM, "a": 1}, b'{"a":1,"calm":"calm"}'),
        ([MAX_INTEGER, -MAX_INTEGER], b"[9007199254740991,-9007199254740991]"),
        ("\\u0000 as six characters", b'"\\\\u0000 as six characters"'),
        (
            "\x01\b\t\n\x0b\f\r\x1f\x7f/\u2028",
            b'"\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\x7f/\xe2\x80\xa8"',
        ),
    ],
)
def test_canonical_bytes_of_edge_cases(value: object, encoded: bytes) -> None:
    """Tuples are arrays, text vocabularies are text, and escapes are the RFC's."""
    assert encode(value) == encoded


def test_a_minus_before_zero_is_dropped() -> None:
    """-0 is an integer by its spelling and the same number as 0 (RFC 8785 writes it as 0)."""
    assert encode(parse(b"[-0]")) == b"[0]"


def test_refusals_read_as_sentences() -> None:
    """The message says what is refused, where, and why."""
    assert str(MalformedJson(reason="a byte order mark", line=1, column=1)) == (
        "The JSON is refused at line 1, column 1: a byte order mark."
    )
    assert str(MalformedJson(path="a[0]", reason="U+0000 in text")) == (
        "The JSON is refused at a[0]: U+0000 in text."
    )
    assert str(CanonicalError(path="", reason="bytes is no JSON value")) == (
        "The value has no canonical JSON form: bytes is no JSON value."
    )
    assert issubclass(MalformedJson, TransparencyError)
    assert issubclass(CanonicalError, TransparencyError)


def test_printable_ascii_needs_no_escape_but_two() -> None:
    """Quote and backslash are the only printable ASCII characters that are escaped."""
    text = string.printable[:95]

    assert encode(text) == b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
