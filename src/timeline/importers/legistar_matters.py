"""Legistar's matters in the record's words.

Owns what of a matter and its history the record keeps, and how. Must not know how they are read.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final, TypeAlias
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from timeline.domain.events import SLUG_PATTERN, JurisdictionId
from timeline.domain.vocabulary import Action, EventType, Instrument
from timeline.importers.errors import InputRefused
from timeline.importers.sketch import (
    Found,
    Json,
    Note,
    NoteKind,
    Place,
    Refused,
    Sketch,
    Statement,
)

NO_DATE: Final = "0001-01-01"
"""What the mirror writes where Legistar has no date."""

MAX_TITLE: Final = 1_000

SystemName: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
Prefix: TypeAlias = Annotated[str, Meta(pattern=SLUG_PATTERN, max_length=64)]


class SourceTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose Legistar it is, and how its policies are named."""

    system: SystemName
    prefix: Prefix
    jurisdiction: JurisdictionId
    time_zone: str
    file_scheme: str
    enactment_scheme: str
    address_by_path: str | None = None
    address_by_id: str


class LegistarLabels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables of labels/legistar.toml."""

    source: SourceTable
    instruments: dict[str, Instrument]
    actions: dict[str, Action]
    beginnings: dict[str, Action]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a matter's history."""

    id: str
    date: str
    label: str
    body: str
    passed: str
    modified: str
    place: Place


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """A matter; `history` is None where the input does not say with it what happened to it.

    One without any rows says nothing of what happened: nothing is taken back by it.
    """

    id: str
    file: str
    type: str
    title: str
    name: str
    body: str
    enactment: str
    modified: str
    path: str
    sponsors: tuple[str, ...]
    history: tuple[Row, ...] | None
    place: Place


class Sketcher:
    """Says of matters what the record can keep.

    Agenda and minutes numbers and statuses make no event: a status says where a matter stands, and
    neither when it got there nor by what.
    """

    def __init__(self, labels: LegistarLabels) -> None:
        """Bind the tables; raises InputRefused where they name no time zone."""
        self._labels = labels
        self._source = labels.source
        beginnings = sorted(labels.beginnings, key=len, reverse=True)
        # Where there are none, what no label begins with.
        self._begins = re.compile("|".join(map(re.escape, beginnings)) or r"(?!)")
        try:
            self._zone = ZoneInfo(labels.source.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            reason = f"There is no time zone {labels.source.time_zone}."
            raise InputRefused(file="labels", line=0, reason=reason) from error

    def sketch(self, matter: Matter) -> Iterator[Found]:
        """Yield what is to be known of a matter, and its sketch."""
        policy = f"{self._source.prefix}-{slug(matter.file)}"
        address = self._address(matter)
        statements: dict[str, Statement] = {}
        for row in matter.history or ():
            about = f"action/{row.id}"
            if about in statements:
                yield Note(kind=NoteKind.LEFT_OUT, about="a row listed again", place=row.place)
                continue
            label = one_line(row.label)
            action = self._meaning(label)
            if action is None:
                yield Note(kind=NoteKind.UNKNOWN_LABEL, about=label, place=row.place)
            elif action in _CARRIED and row.passed.casefold() == "fail":
                yield Note(
                    kind=NoteKind.DOUBTFUL, about=f"{label}: it did not pass", place=row.place
                )
            try:
                data = self._acted(row, label, action or Action.OTHER, address)
            except ValueError as error:
                yield Refused(place=row.place, field="date", reason=str(error))
                return
            statements[about] = Statement(
                about=about, type=EventType.ACTION_RECORDED, data=data, place=row.place
            )
        yield Sketch(
            policy=policy,
            about=f"matter/{matter.id}",
            described=self._described(matter, address),
            statements=tuple(statements.values()),
            place=matter.place,
            whole=bool(matter.history),
        )

    def _meaning(self, label: str) -> Action | None:
        """Return what a label means, None where no table has it."""
        begins = self._begins.match(label)
        beginning = None if begins is None else self._labels.beginnings[begins.group()]
        return self._labels.actions.get(label, beginning)

    def _described(self, matter: Matter, address: str) -> Json:
        title = one_line(matter.title or matter.name or matter.file)
        identifiers = [{"scheme": self._source.file_scheme, "value": matter.file}]
        if matter.enactment:
            identifiers.append({"scheme": self._source.enactment_scheme, "value": matter.enactment})
        data: Json = {
            "title": title[:MAX_TITLE],
            "instrument": self._labels.instruments.get(matter.type, Instrument.OTHER),
            "jurisdiction": self._source.jurisdiction,
            "identifiers": identifiers,
            "sources": [{"url": address, "class": "official"}],
            "origin": self._origin(f"matter/{matter.id}", matter.modified),
        }
        if body := matter.body.strip():
            data["body"] = body
        if matter.sponsors:
            data["sponsors"] = [{"name": name} for name in matter.sponsors]
        if summary := title if len(title) > MAX_TITLE else matter.name.strip():
            data["summary"] = summary
        return data

    def _acted(self, row: Row, label: str, action: Action, address: str) -> Json:
        data: Json = {
            "action": action,
            "occurred": self._occurred(row.date),
            "label": label,
            "sources": [{"url": address, "class": "official"}],
            "origin": self._origin(f"action/{row.id}", row.modified),
        }
        if body := row.body.strip():
            data["body"] = body
        return data

    def _occurred(self, text: str) -> str:
        """Return when it happened.

        Legistar has local times, which the mirror writes with a `Z`: New York's stated meetings
        begin at 13:30 in summer and in winter. Midnight is no time, but a day.
        """
        if text.startswith(NO_DATE):
            return "XXXX"
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            msg = f"{text[:40]!r} is no date such as 2025-01-08T13:30:00."
            raise ValueError(msg) from None
        if (moment.hour, moment.minute, moment.second) == (0, 0, 0):
            return moment.date().isoformat()
        return moment.replace(tzinfo=self._zone).isoformat()

    def _origin(self, about: str, modified: str) -> Json:
        origin = {"system": self._source.system, "id": about}
        if not modified or modified.startswith(NO_DATE):
            return origin
        # The API writes UTC without saying so.
        zoned = modified if re.search(r"(Z|[+-]\d\d:\d\d)$", modified) else f"{modified}Z"
        return {**origin, "recorded": zoned}

    def _address(self, matter: Matter) -> str:
        source = self._source
        if matter.path and source.address_by_path is not None:
            return source.address_by_path.replace("{path}", quote(matter.path))
        return source.address_by_id.replace("{id}", matter.id)


_CARRIED: Final = frozenset({Action.PASSED, Action.ADVANCED, Action.OVERRIDE_PASSED})
"""What a row with the flag Fail cannot well be."""


def slug(text: str) -> str:
    """Return text as a part of a policy's id."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def one_line(text: str) -> str:
    """Return text without line breaks: one of New York's labels ends in one."""
    return " ".join(text.split())
