"""What the client knows of answers, questions and problems is what the service describes."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from timeline.application import queries
from timeline.client import answers, errors, questions, words
from timeline.http import schemas
from timeline.http.problems import problem_types


def _structs(*modules: Any) -> Iterator[type[Any]]:
    for module in modules:
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                yield kind


BASES = {"Answer", "Reflecting", "Page"}
"""What is served in no answer by itself."""

STRUCTS = [kind for kind in _structs(answers, words) if kind.__name__ not in BASES]


def _fields(kind: type[Any]) -> dict[str, bool]:
    """Return the names that an answer has, and whether each is always there."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    return {field.encode_name: field.required for field in info.fields}


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_an_answer_has_the_fields_that_the_service_describes(kind: type[Any]) -> None:
    """None is missing, none is made up, and what may be missing is the same."""
    assert _fields(kind) == _fields(getattr(schemas, kind.__name__))


@pytest.mark.parametrize(
    ("question", "query", "own"),
    [
        (questions.TimelineQuestion, queries.TimelineQuery, set[str]()),
        (questions.PoliciesQuestion, queries.PoliciesQuery, set()),
        (questions.Placed, queries.JurisdictionsQuery, set()),
        (questions.ReviewQuestion, queries.ReviewQuery, set()),
        (questions.Clocks, queries.PolicyQuery, set()),
        (questions.HistoryQuestion, queries.HistoryQuery, set()),
        (questions.ChangesQuestion, queries.ChangesQuery, {"from_"}),
        (questions.EventsQuestion, queries.EventsQuery, set()),
    ],
)
def test_a_question_has_the_parameters_that_the_service_takes(
    question: type[Any], query: type[Any], own: set[str]
) -> None:
    """All but the cursor, which is followed, the form, which is JSON, and what the method names."""
    taken = set(query.__struct_fields__) - {"cursor", "format"} - own

    assert set(question.__annotations__) | set(_inherited(question)) == taken


def _inherited(question: type[Any]) -> Iterator[str]:
    for base in question.__orig_bases__ if hasattr(question, "__orig_bases__") else ():
        if hasattr(base, "__annotations__"):
            yield from base.__annotations__
            yield from _inherited(base)


def test_the_problems_that_are_told_apart_are_the_services() -> None:
    """Each is a type that the service has; what is tried again is what it says may be."""
    known = problem_types()
    later = {slug for slug, kind in errors.CLASSES.items() if kind is errors.ComeBackLater}

    assert errors.CLASSES.keys() <= known.keys()
    assert {known[slug].status for slug in later} == {429, 500, 503}
    assert {slug for slug, each in known.items() if each.status in {429, 500, 503}} - later == {
        "log-diverged",  # Until the operator has found out why.
        "policy-parked",
        "schema-outdated",
        "schema-too-new",
    }
