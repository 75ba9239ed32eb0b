"""A mapping file for a table that nobody has described yet, of what the table looks like.

Owns how a mapping is written. Must not know how it is used, nor how columns are told apart: that is
`csv_looking`. What is suggested is a valid mapping with comments; whoever imports reads it first.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from timeline.importers.csv_looking import (
    ACTIONS,
    INSTRUMENTS,
    Column,
    Table,
    fitting,
    guess,
    look_at,
)
from timeline.importers.csv_mapping import slug
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Input


class Suggestion(NamedTuple):
    """A mapping file, and what whoever uses it has to know before."""

    text: str
    doubts: Sequence[str]


def suggest(source: Input) -> Suggestion:
    """Return a mapping file for a table.

    Raises:
        InputRefused: there is no header, or no column that could name a policy.

    """
    table = look_at(source)
    doubts = [_doubt(column) for column in table.columns if column.odd]
    return Suggestion("\n".join(_lines(table)) + "\n", doubts)


def _doubt(column: Column) -> str:
    """Return in words what of a column of dates is in another form."""
    first = column.odd[0]
    return (
        f"{len(column.odd)} of {len(column.cells)} cells in {_comment(column.name)!r} are not in the form "
        f"{column.dates}, the first in line {first.line}: {_comment(repr(first.text[:60]))}."
    )


def _lines(table: Table) -> Iterator[str]:
    roles = table.roles
    name = table.file.replace("\\", "/").rpartition("/")[2]
    system = slug(name.partition(".")[0])[:64].strip("-") or "table"
    yield f"# Suggested from {_comment(table.file)}: read it, and change what is wrong."
    yield "# A field is the name of a column, or one of { column = … }, { template = … }, { value = … }."
    yield "# docs/import-mapping.md has all that can be said here."
    yield ""
    yield "# The source's name: a part of the ids of all that is imported. Choose well, and keep it."
    yield f"system = {_quoted(system)}"
    yield f"encoding = {_quoted(table.encoding)}"
    yield f"delimiter = {_quoted(table.delimiter)}"
    yield ""
    yield from _policy(table, system)
    yield from _actions(table)
    yield from _relations(table, system)
    used = {column.name for column in (*roles.values(), *(each for each, _ in table.relations))}
    spare = [c.name for c in table.columns if c.name not in used and not c.dates]
    if spare:
        yield f"# Columns that nothing uses: {_comment(', '.join(spare))}"


def _policy(table: Table, system: str) -> Iterator[str]:
    roles = table.roles
    key = roles.get("id") or roles.get("title")
    if key is None:
        reason = "No column looks like the name or the number of a policy"
        raise InputRefused(file=table.file, line=1, reason=reason)
    title = roles.get("title") or key
    yield "[policy]"
    yield "# Rows with the same id are about the same policy; it is made of lower-case letters, digits, hyphens."
    yield f"id = {_quoted(f'{system}-{{{key.name}}}')}"
    yield f"title = {_quoted(title.name)}"
    if "instrument" not in roles:
        yield "# Change this: no column tells what the policies are."
        yield 'instrument = { value = "other" }'
    if "jurisdiction" in roles:
        yield f"jurisdiction = {_quoted(roles['jurisdiction'].name)}"
    else:
        yield "# Change this: no column holds Open Civic Data division ids."
        yield 'jurisdiction = { value = "ocd-division/country:us" }'
    if "action" not in roles and "body" in roles:
        yield f"body = {_quoted(roles['body'].name)}"
    if "summary" in roles:
        yield f"summary = {_quoted(roles['summary'].name)}"
    if "topics" in roles:
        yield f"topics = {{ column = {_quoted(roles['topics'].name)}, {_split(roles['topics'])} }}"
    if "sponsors" in roles:
        column = roles["sponsors"]
        yield f"sponsors = [{{ column = {_quoted(column.name)}, {_split(column)} }}]"
    if "id" in roles:
        yield f"identifiers = [{{ scheme = {_quoted(system)}, value = {_quoted(key.name)} }}]"
    if "instrument" in roles:
        yield ""
        yield "# What is not among the values is `other`, and is told."
        yield "[policy.instrument]"
        yield f"column = {_quoted(roles['instrument'].name)}"
        yield from _values(roles["instrument"], INSTRUMENTS, "policy.instrument.values")
    yield ""
    yield from _source(table)


def _source(table: Table) -> Iterator[str]:
    name = table.file.replace("\\", "/").rpartition("/")[2]
    yield "# A row with no link still has its table as a source."
    yield "[[policy.sources]]"
    if "url" in table.roles:
        yield f"url = {_quoted(table.roles['url'].name)}"
    yield f"citation = {{ value = {_quoted(name or 'table')} }}"
    yield ""


def _values(column: Column, words: Iterable[tuple[str, str]], title: str) -> Iterator[str]:
    yield f"[{title}]"
    for value in dict.fromkeys(column.cells):
        meant = guess(value, words)
        yield f"{_quoted(value)} = {_quoted(meant or 'other')}" + (
            "" if meant else "  # Change this?"
        )


_NAMES_ACTION: Final = re.compile("action|event", re.IGNORECASE)


def _actions(table: Table) -> Iterator[str]:
    dated = [column for column in table.columns if column.dates]
    if not dated:
        yield "# No column looks like dates, so nothing happened to these policies: add [[actions]]."
        return
    if "action" not in table.roles:
        for column in dated:
            yield from _wide(column)
        return
    action = table.roles["action"]
    when = next((each for each in dated if _NAMES_ACTION.search(each.name)), dated[0])
    yield "# Each row is an action. Without an `id`, an action is told by its date and words."
    yield "[[actions]]"
    yield from _dates("occurred", when)
    if "body" in table.roles:
        yield f"body = {_quoted(table.roles['body'].name)}"
    counts = [
        f"{key} = {_quoted(table.roles[key].name)}" for key in ("yes", "no") if key in table.roles
    ]
    if counts:
        yield f"vote = {{ {', '.join(counts)} }}"
    yield "[actions.action]"
    yield f"column = {_quoted(action.name)}"
    yield from _values(action, ACTIONS, "actions.action.values")
    yield ""
    for column in dated:
        if column is not when:
            yield from _wide(column)


def _wide(column: Column) -> Iterator[str]:
    meant = guess(column.name, ACTIONS)
    yield f"# The column {_comment(column.name)} tells when this happened."
    yield "[[actions]]"
    yield f"action = {{ value = {_quoted(meant or 'other')} }}" + (
        "" if meant else "  # Change this?"
    )
    yield from _dates("occurred", column)
    yield "optional = true  # Rows without this date are passed over."
    yield ""


def _relations(table: Table, system: str) -> Iterator[str]:
    for column, relation in table.relations:
        yield f"# The column {_comment(column.name)} names what the policy acts upon, by the same numbers?"
        yield "[[relations]]"
        yield f"relation = {{ value = {_quoted(relation)} }}"
        yield f"target = {{ column = {_quoted(column.name)}, {_split(column)} }}"
        yield f"scheme = {_quoted(system)}"
        yield ""


def _dates(key: str, column: Column) -> Iterator[str]:
    others = [each for each in fitting(column.cells) if each != column.dates]
    if column.odd:
        yield f"# {_doubt(column)}"
        yield "# Rows with them are refused: mend them, or add their form behind the first, in `dates`."
    if others:
        yield f"# These dates could as well be {_comment(' or '.join(others))}."
    yield f"{key} = {{ column = {_quoted(column.name)}, dates = [{_quoted(column.dates)}] }}"


def _split(column: Column) -> str:
    """Return what stands between several values: what is in most of the cells."""
    marks = (";", "|", ",")
    best = max(marks, key=lambda mark: sum(mark in cell for cell in column.cells))
    return f"split = {_quoted(best)}"


def _quoted(text: str) -> str:
    """Return text as a TOML string: what is no printable character as its escape."""
    escaped = "".join(
        f"\\{mark}" if mark in '"\\' else mark if mark.isprintable() else f"\\U{ord(mark):08x}"
        for mark in text
    )
    return f'"{escaped}"'


def _comment(text: str) -> str:
    """Return text that ends no comment."""
    return "".join(mark if mark.isprintable() else "?" for mark in text)[:500]
