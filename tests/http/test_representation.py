"""Units: query strings, negotiation and validators."""

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timeline.application.errors import InvalidRequest
from timeline.application.queries import EventsQuery, PoliciesQuery, TimelineQuery
from timeline.domain.dates import Edtf
from timeline.domain.vocabulary import EventType
from timeline.http.errors import NotAcceptable
from timeline.http.parameters import following, parse
from timeline.http.replies import HTML, JSON, NDJSON, matches, negotiate


def test_a_query_string_becomes_a_question() -> None:
    """Numbers, booleans, dates, words and lists are read by the struct's types."""
    asked = parse(b"from=2023-03&within=true&limit=7&order=desc&q=a+b%2Bc", TimelineQuery)

    assert asked == TimelineQuery(
        from_=Edtf.parse("2023-03"), within=True, limit=7, order="desc", q="a b+c"
    )


def test_lists_are_given_by_repeating() -> None:
    """A parameter that is a list gathers its values in order."""
    asked = parse(b"type=ActionRecorded&policy=a&type=PolicyDescribed", EventsQuery)

    assert asked.type == (EventType.ACTION_RECORDED, EventType.POLICY_DESCRIBED)
    assert asked.policy == ("a",)


def test_too_many_parameters_are_refused() -> None:
    """A query string of any length costs only so much."""
    with pytest.raises(InvalidRequest) as refused:
        parse(b"&".join([b"type=ActionRecorded"] * 1_001), EventsQuery)

    assert refused.value.field == "query"


@settings(deadline=None)
@given(raw=st.binary(max_size=60))
def test_any_bytes_are_a_question_or_a_refusal(raw: bytes) -> None:
    """No query string, however broken, makes anything but a question or InvalidRequest."""
    for kind in (PoliciesQuery, EventsQuery):
        with suppress(InvalidRequest):
            assert isinstance(parse(raw, kind), kind)


@settings(deadline=None)
@given(words=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_the_next_page_asks_the_same(words: str) -> None:
    """The address of the next page keeps every parameter and replaces the cursor."""
    query = urlencode({"q": words[:200], "cursor": "old", "limit": 3})

    path, _, text = following("/v1/policies", query.encode(), "new").partition("?")

    assert path == "/v1/policies"
    assert parse(text.encode(), PoliciesQuery) == PoliciesQuery(
        q=words[:200], limit=3, cursor="new"
    )


@pytest.mark.parametrize(
    ("accept", "offered", "served"),
    [
        (None, [JSON, HTML], JSON),
        ("", [JSON, HTML], JSON),
        ("*/*", [JSON, HTML], JSON),
        ("text/html", [JSON, HTML], HTML),
        ("text/*", [JSON, HTML], HTML),
        ("text/html, application/json", [JSON, HTML], JSON),
        ("text/html, application/json;q=0.9", [JSON, HTML], HTML),
        ("application/json;q=0.1, */*;q=0.5", [JSON, HTML], HTML),
        ("*/*, application/json;q=0", [JSON, HTML], HTML),
        ("text/html,application/xhtml+xml,*/*;q=0.8", [JSON, HTML], HTML),
        ("Application/X-NDJSON", [JSON, NDJSON], NDJSON),
        ("application/json; charset=utf-8; q=0.2", [JSON], JSON),
        ("nonsense, application/json", [JSON], JSON),
    ],
)
def test_the_representation_is_the_one_that_is_liked_best(
    accept: str | None, offered: list[str], served: str
) -> None:
    """Weights and specificity decide as RFC 9110 says; at a tie, what is offered first."""
    assert negotiate(accept, offered) == served


@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "application/json;q=0.0", "json"])
def test_nothing_acceptable_is_refused(accept: str) -> None:
    """A client that takes nothing of what is offered is told what is."""
    with pytest.raises(NotAcceptable) as refused:
        negotiate(accept, [JSON])

    assert refused.value.facts["offered"] == JSON


@settings(deadline=None)
@given(accept=st.text(max_size=40))
def test_any_accept_header_is_answered_or_refused(accept: str) -> None:
    """No header, however broken, is an error of ours."""
    with suppress(NotAcceptable):
        assert negotiate(accept, [JSON, HTML]) in {JSON, HTML}


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", W/"a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ('"a, b"', False),
    ],
)
def test_validators_compare_weakly(header: str | None, found: object) -> None:
    """If-None-Match is a list, whose marks of weakness do not count, or a star."""
    assert matches(header, '"a"') is found
    assert matches(header, 'W/"a"') is found
