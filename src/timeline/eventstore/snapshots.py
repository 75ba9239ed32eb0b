"""The write side's snapshot, read with one statement.

Owns that statement and the reading of its rows. One statement sees one state of the database, so
head, streams, subjects and conditions belong together without a transaction, in one round trip.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Select, or_, select

from timeline.domain.situation import Situation, StreamState, SubjectState
from timeline.domain.vocabulary import EventType
from timeline.eventstore.dialects import Dialect
from timeline.eventstore.lookup import (
    DESCRIBING,
    Content,
    Wanted,
    line,
    picture,
    read_content,
)
from timeline.eventstore.model import Condition, EntryFields, Head, Receipt
from timeline.eventstore.protocol import Known, View
from timeline.eventstore.retagging import Line
from timeline.eventstore.searching import first_match
from timeline.eventstore.tables import log_entries, log_head, log_payloads, streams, subjects
from timeline.transparency.merkle import Frontier


class _StreamRow(msgspec.Struct):
    policy: str
    version: int
    registered_by: str
    jurisdiction: str
    topics: str
    retracted_by: str | None
    merged_into: str | None


class _KnownRow(msgspec.Struct):
    entry: str
    salt: str | None


class _SubjectRow(msgspec.Struct):
    id: str
    policy: str
    type: EventType
    position: int
    subject: str | None
    retracted_by: str | None
    erased_by: str | None
    duplicate: str | None
    disputes: int | None
    retracts: str | None


class _ContentRow(msgspec.Struct):
    position: int
    id: str
    policy: str
    type: EventType
    entry: str
    data: str | None
    erasing: str | None
    erasure: str | None
    retracted_by: str | None


class _LineRow(msgspec.Struct):
    policy: str
    position: int
    id: str
    retracts: str | None


_words: Final = msgspec.json.Decoder(tuple[str, ...])


class Snapshots:
    """Reads snapshots from one kind of database."""

    def __init__(self, dialect: Dialect, engine: Engine) -> None:
        self._dialect = dialect
        self._statement = _statement(dialect)
        # Compiled once: only to find in SQLAlchemy's cache that a statement of this size was
        # compiled before takes longer than all that a single append has to look up.
        self._compiled = self._statement.compile(dialect=engine.dialect)

    def load(
        self, connection: Connection, wanted: Wanted, conditions: Sequence[Condition]
    ) -> tuple[Situation, View]:
        """Return what is wanted, from one state of the database."""
        parameters = self._parameters(wanted)
        if conditions:
            query = self._statement.add_columns(*_matches(conditions))
            row = connection.execute(query, parameters).one()
        else:
            row = connection.exec_driver_sql(self._compiled.string, self._given(parameters)).one()
        head = Head(row.position, row.recorded_at, Frontier.from_bytes(row.position, row.frontier))
        contents = _contents(row.contents)
        situation = picture(
            wanted.needs, _streams(row.streams), _subjects(row.subjects), contents.values()
        )
        view = View(
            head=head,
            known=_known(row.known),
            situation=situation,
            matches=tuple(row[-len(conditions) :]) if conditions else (),
            contents={id: contents[id].data for id in wanted.erasing if id in contents},
            lines=_lines(row.lines, contents),
        )
        return situation, view

    def _given(self, parameters: dict[str, object]) -> Any:
        """Return parameters, and the statement's constants, as its driver takes them."""
        values = {**self._compiled.params, **parameters}
        order = self._compiled.positiontup
        return values if order is None else tuple(values[name] for name in order)

    def _parameters(self, wanted: Wanted) -> dict[str, object]:
        lists = {
            "policies": wanted.needs.policies,
            "ids": wanted.ids,
            "subjects": wanted.needs.subjects,
            "contents": wanted.contents,
            "actions": wanted.needs.actions,
            "descriptions": wanted.needs.descriptions,
            "redescribing": wanted.redescribing,
        }
        return {name: self._dialect.listed(values) for name, values in lists.items()}


def _statement(dialect: Dialect) -> Select[Any]:
    parts = {
        "streams": select(streams).where(dialect.among(streams.c.policy, "policies")),
        "known": _known_query(dialect),
        "subjects": _subjects_query(dialect),
        "contents": _contents_query(dialect),
        "lines": _lines_query(dialect),
    }
    return select(
        log_head.c.position,
        log_head.c.recorded_at,
        log_head.c.frontier,
        *(dialect.rows(query).label(name) for name, query in parts.items()),
    )


def _known_query(dialect: Dialect) -> Select[Any]:
    return (
        select(
            dialect.as_text(log_entries.c.entry).label("entry"),
            dialect.as_hex(log_payloads.c.salt).label("salt"),
        )
        .outerjoin_from(
            log_entries, log_payloads, log_payloads.c.position == log_entries.c.position
        )
        .where(dialect.among(log_entries.c.id, "ids"))
    )


def _subjects_query(dialect: Dialect) -> Select[Any]:
    return (
        select(
            log_entries.c.id,
            log_entries.c.policy,
            log_entries.c.type,
            log_entries.c.position,
            log_entries.c.subject,
            subjects.c.retracted_by,
            subjects.c.erased_by,
            subjects.c.duplicate,
            subjects.c.disputes,
            subjects.c.retracts,
        )
        .outerjoin_from(log_entries, subjects, subjects.c.id == log_entries.c.id)
        .where(dialect.among(log_entries.c.id, "subjects"))
    )


def _contents_query(dialect: Dialect) -> Select[Any]:
    entries = log_entries.alias()
    # An expression has no index: SQLite would else go through all events of a type for each append.
    type_found = entries.c.type.concat("")
    found = (
        select(entries.c.position)
        .where(dialect.among(entries.c.id, "contents"))
        .union(
            select(entries.c.position).where(
                dialect.among(entries.c.subject, "actions"),
                type_found == EventType.ACTION_CORRECTED.value,
            ),
            select(entries.c.position).where(
                dialect.among(entries.c.policy, "descriptions"),
                or_(*(type_found == type.value for type in DESCRIBING)),
            ),
        )
    )
    erasing = log_entries.alias()
    replacing = log_payloads.alias()
    return (
        select(
            log_entries.c.position,
            log_entries.c.id,
            log_entries.c.policy,
            log_entries.c.type,
            dialect.as_text(log_entries.c.entry).label("entry"),
            dialect.as_text(log_payloads.c.data).label("data"),
            dialect.as_text(erasing.c.entry).label("erasing"),
            dialect.as_text(replacing.c.data).label("erasure"),
            subjects.c.retracted_by,
        )
        .outerjoin_from(
            log_entries, log_payloads, log_payloads.c.position == log_entries.c.position
        )
        .outerjoin(subjects, subjects.c.id == log_entries.c.id)
        .outerjoin(erasing, erasing.c.id == subjects.c.erased_by)
        .outerjoin(replacing, replacing.c.position == erasing.c.position)
        .where(log_entries.c.position.in_(found))
    )


def _lines_query(dialect: Dialect) -> Select[Any]:
    return (
        select(log_entries.c.policy, log_entries.c.position, log_entries.c.id, subjects.c.retracts)
        .outerjoin_from(log_entries, subjects, subjects.c.id == log_entries.c.id)
        .where(dialect.among(log_entries.c.policy, "redescribing"))
    )


def _matches(conditions: Sequence[Condition]) -> list[Any]:
    return [
        first_match(condition.fail_if_match, condition.after).label(f"match_{index}")
        for index, condition in enumerate(conditions)
    ]


def _streams(rows: str | None) -> list[StreamState]:
    return [
        StreamState(
            policy=row.policy,
            version=row.version,
            registered_by=row.registered_by,
            jurisdiction=row.jurisdiction,
            topics=_words.decode(row.topics),
            retracted_by=row.retracted_by,
            merged_into=row.merged_into,
        )
        for row in msgspec.json.decode(rows or "[]", type=list[_StreamRow])
    ]


def _subjects(rows: str | None) -> list[SubjectState]:
    return [
        SubjectState(
            id=row.id,
            policy=row.policy,
            type=row.type,
            position=row.position,
            subject=row.subject,
            duplicate=row.duplicate,
            disputes=bool(row.disputes),
            retracts=_words.decode(row.retracts or "[]"),
            retracted_by=row.retracted_by,
            erased_by=row.erased_by,
        )
        for row in msgspec.json.decode(rows or "[]", type=list[_SubjectRow])
    ]


def _contents(rows: str | None) -> dict[str, Content]:
    found = msgspec.json.decode(rows or "[]", type=list[_ContentRow])
    found.sort(key=lambda row: row.position)
    return {
        row.id: Content(
            id=row.id,
            policy=row.policy,
            type=row.type,
            data=read_content(row.type, _schema(row.entry), row.data, _erasure(row)),
            retracted=row.retracted_by is not None,
        )
        for row in found
    }


def _schema(entry: str) -> int:
    return EntryFields.read(entry).schema


def _erasure(row: _ContentRow) -> tuple[int, str] | None:
    if row.erasing is None or row.erasure is None:
        return None
    return _schema(row.erasing), row.erasure


def _known(rows: str | None) -> dict[str, Known]:
    known: dict[str, Known] = {}
    for row in msgspec.json.decode(rows or "[]", type=list[_KnownRow]):
        fields = EntryFields.read(row.entry)
        receipt = Receipt(
            id=fields.id,
            policy=fields.policy,
            version=fields.version,
            position=fields.position,
            recorded_at=fields.recorded_at,
            type=fields.type,
            erased=row.salt is None,
        )
        salt = None if row.salt is None else bytes.fromhex(row.salt)
        known[fields.id] = Known(receipt=receipt, commitment=fields.commitment, salt=salt)
    return known


def _lines(rows: str | None, contents: dict[str, Content]) -> dict[str, tuple[Line, ...]]:
    lines: dict[str, list[Line]] = {}
    found = msgspec.json.decode(rows or "[]", type=list[_LineRow])
    for row in sorted(found, key=lambda row: row.position):
        retracts = _words.decode(row.retracts or "[]")
        lines.setdefault(row.policy, []).append(line(row.position, row.id, contents, retracts))
    return {policy: tuple(found) for policy, found in lines.items()}
