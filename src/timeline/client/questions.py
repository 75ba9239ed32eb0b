"""The parameters of questions, for type checkers.

A test compares their names with those that the service takes. `from_` and `class_` are sent without
the underscore.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, TypeAlias, TypedDict

Moment: TypeAlias = int | datetime
"""A moment of the record: a position, or an instant with a zone."""


class Clocks(TypedDict, total=False):
    """A day in the world, as known at a moment of the record."""

    as_of: date | str
    known_at: datetime | str
    known_position: int


class Placed(Clocks, total=False):
    """Both clocks, and a place; `limit` is how many items are fetched at once."""

    limit: int
    jurisdiction: str
    within: bool


class TimelineQuestion(Placed, total=False):
    """Which actions."""

    policy: str
    around: str
    depth: int
    instrument: str
    action: str
    topic: str
    actor: str
    body: str
    from_: str
    to: str
    q: str
    order: str


class PoliciesQuestion(Placed, total=False):
    """Which policies."""

    instrument: str
    topic: str
    identifier: str
    stage: str
    force: str
    litigation: str
    in_force: str
    q: str


class ReviewQuestion(Placed, total=False):
    """What to look at."""

    kind: str
    unconfirmed_days: int


class HistoryQuestion(Clocks, total=False):
    """A policy's replay, on both clocks."""

    limit: int


class ChangesQuestion(TypedDict, total=False):
    """Which changes, and up to when."""

    to: Moment | str
    policy: str
    jurisdiction: str
    within: bool
    instrument: str
    topic: str
    as_of: date | str
    limit: int


class Filters(TypedDict, total=False):
    """Which events of the log; of several values of one parameter, any matches."""

    type: str | Iterable[str]
    policy: str | Iterable[str]
    jurisdiction: str | Iterable[str]
    topic: str | Iterable[str]
    actor: str | Iterable[str]
    identifier: str | Iterable[str]
    recorded_by: str | Iterable[str]


class EventsQuestion(Filters, total=False):
    """A stretch of the log, page by page."""

    after: int
    limit: int


def parameters(question: Any) -> list[tuple[str, str]]:
    """Return a question's parameters as they are sent."""
    found: list[tuple[str, str]] = []
    for name, value in question.items():
        values = [value] if isinstance(value, str) or not isinstance(value, Iterable) else value
        found.extend((name.removesuffix("_"), _text(each)) for each in values if each is not None)
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
