"""Which actions and policies contain some words: a folded text anywhere in what is said of them.

Owns where words are looked for, and in which order that is least work. Must not know what else is
asked for.

What actions say is said many times: of New York's 121,120, in 667 ways. So words are looked for in
each text once, and actions are told by its key, which the indexes have. What policies are called is
looked through as a whole: one is as good as all there is.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Row, Table, and_, or_, select

from timeline.eventstore.dialects import dialect_of
from timeline.projections.reading import View, contains, known, values_of

MAX_NAMED: Final = 100
"""Carriers of a tag, or of words, that are looked up one by one: from there on, going through all
actions meets a page of theirs as soon, at 20,000 policies with 50 actions each."""

MAX_TEXTS: Final = 5_000
"""Different texts that are looked through one by one, in some tens of milliseconds. Where actions have
more, each of them is looked at."""


class Found(msgspec.Struct, frozen=True):
    """Where some words are.

    Attributes:
        texts: the keys of what actions say with them; None where there are too many texts to tell.
        policies: those whose description has them; None where they are too many to be named.

    """

    texts: tuple[str, ...] | None
    policies: tuple[str, ...] | None


def called(
    view: View, policy: ColumnElement[Any], words: str, position: int
) -> ColumnElement[bool]:
    """Return the condition that a policy's description contains some words, for a page of them.

    Args:
        view: the live read models.
        policy: the column that has the policy.
        words: what to look for, folded.
        position: the moment of the record asked about.

    """
    named = _named(view, words, position)
    if named is not None:
        return policy.in_(named)
    return _called(view, policy, words, position)


def worded(
    view: View, table: Table, words: str, position: int, *, whole: bool
) -> ColumnElement[bool]:
    """Return the condition that an action's own words, or its policy's, contain some.

    Args:
        view: the live read models.
        table: the timeline's.
        words: what to look for, folded.
        position: the moment of the record asked about, for policies.
        whole: all actions are read, and not a page: policies are then looked through once.

    """
    key = (table.name, words, position, whole)
    if key not in view.remembered:
        found = Found(_texts(view, table, words), _named(view, words, position))
        own = _own(view, table, words, found)
        ways = [own, _described(view, table, words, position, found, whole=whole)]
        if whole and found.texts is None and found.policies is None:
            # The index that is walked through tells the policy; what an action says, its row alone.
            ways.reverse()
        said = or_(*ways)
        view.remembered[key] = and_(*_few(view, table, own, found), said)
    condition: ColumnElement[bool] = view.remembered[key]
    return condition


def _own(view: View, table: Table, words: str, found: Found) -> ColumnElement[bool]:
    """Return the condition that an action says the words itself."""
    if found.texts is None:
        return contains(table.c.search, words)
    return dialect_of(view.connection.engine).one_of(table.c.said, found.texts)


def _described(
    view: View, table: Table, words: str, position: int, found: Found, *, whole: bool
) -> ColumnElement[bool]:
    """Return the condition that an action's policy is described by the words."""
    # No column, and so nothing that SQLite would look for in an index: what few have is named.
    policy = table.c.policy + ""
    if found.policies is not None:
        return policy.in_(found.policies)
    if whole:
        policies = view.table("policies", "policies")
        return policy.in_(select(policies.c.policy).where(_says(policies, words, position)))
    return _called(view, table.c.policy, words, position)


def _few(
    view: View, table: Table, own: ColumnElement[bool], found: Found
) -> list[ColumnElement[bool]]:
    """Return, where only few actions may match, the condition that a row is of one of them."""
    if found.policies is None:
        return []
    columns: list[Column[Any]] = [table.c.policy, table.c.event]
    rows: list[Row[Any]] = []
    if found.texts is None or found.texts:
        said = own if found.texts is None else table.c.said.in_(found.texts[: MAX_NAMED + 1])
        rows += view.connection.execute(select(*columns).where(said).limit(MAX_NAMED + 1)).all()
    if found.policies and len(rows) <= MAX_NAMED:
        of_policies = select(*columns).where(table.c.policy.in_(found.policies))
        rows += view.connection.execute(of_policies.limit(MAX_NAMED + 1)).all()
    if len(rows) > MAX_NAMED:
        return []
    return [column.in_(sorted({row[at] for row in rows})) for at, column in enumerate(columns)]


def _texts(view: View, table: Table, words: str) -> tuple[str, ...] | None:
    """Return the keys of the actions' texts that contain some words; None where texts are too many."""
    keys = values_of(table.c.said)
    text = select(table.c.search).where(table.c.said == keys.c.value).limit(1)
    has = contains(text.correlate(keys).scalar_subquery(), words)
    query = select(keys.c.value.label("said"), has.label("has")).where(keys.c.value.is_not(None))
    rows = view.connection.execute(query.limit(MAX_TEXTS + 1)).all()
    return None if len(rows) > MAX_TEXTS else tuple(row.said for row in rows if row.has)


def _named(view: View, words: str, position: int) -> tuple[str, ...] | None:
    """Return the policies whose description contains some words; None where there are many."""
    key = ("policies", words, position)
    if key not in view.remembered:
        policies = view.table("policies", "policies")
        said = _says(policies, words, position)
        query = select(policies.c.policy).where(said).limit(MAX_NAMED + 1)
        found = tuple(sorted(view.connection.execute(query).scalars()))
        view.remembered[key] = None if len(found) > MAX_NAMED else found
    named: tuple[str, ...] | None = view.remembered[key]
    return named


def _called(
    view: View, policy: ColumnElement[Any], words: str, position: int
) -> ColumnElement[bool]:
    """Return the condition that a policy is one of many whose description contains some words.

    As a value that is looked up, and no condition that something exists: PostgreSQL would look through
    all policies first, where the page is full after a few.
    """
    policies = view.table("policies", "policies").alias()
    search = select(policies.c.search).where(policies.c.policy == policy, known(policies, position))
    return contains(search.limit(1).scalar_subquery(), words)


def _says(policies: Any, words: str, position: int) -> ColumnElement[bool]:
    return and_(known(policies, position), contains(policies.c.search, words))
