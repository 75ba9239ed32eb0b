"""What a dry run would record and refuse, line by line.

Owns how such a line reads, and how many are shown. Must not know how an import is judged: it is told
of each event and each refusal as they come, and holds a screenful.
"""

import sys
from typing import Any, Final

import msgspec
import rich_click as click

from timeline.cli.showing import document, shown
from timeline.importers.reconcile import Change
from timeline.importers.sketch import Refused

SHOWN_EVENTS: Final = 20
"""On a terminal, where not all are asked for."""

_LINE_CHARACTERS: Final = 300


class _Data(msgspec.Struct):
    """What is told of a payload."""

    title: str | None = None
    action: str | None = None
    occurred: str | None = None
    relation: str | None = None
    event: str | None = None
    changes: dict[str, Any] = {}


class Listing:
    """Tells of events and refusals: as JSON each at once, in words the first of them at the end."""

    def __init__(self, *, as_json: bool, all: bool) -> None:
        """Begin.

        Args:
            as_json: whether it is for scripts, which get everything.
            all: whether a reader gets everything, too.

        """
        # Where progress is shown, standard output is not what it was.
        self._stream = sys.stdout
        self._as_json = as_json
        self._shows_all = all
        self._events = 0
        self._first: list[str] = []

    def record(self, change: Change) -> None:
        """Tell of an event that would be recorded."""
        self._events += 1
        if self._as_json:
            self._write(document(_fields(change)))
        elif self._shows_all:
            self._write(_words(change))
        elif len(self._first) < SHOWN_EVENTS:
            self._first.append(_words(change))

    def refuse(self, refused: Refused) -> None:
        """Tell scripts of what would be refused; in words, the report lists it."""
        if self._as_json:
            place = refused.place._asdict()
            told = {"would": "refuse", **place, "field": refused.field, "reason": refused.reason}
            self._write(document(told))

    def end(self) -> None:
        """Show the first events, and how many more there are."""
        for line in self._first:
            self._write(line)
        more = self._events - len(self._first)
        if more and self._first:
            self._write(f"… and {more} more: --list shows them all.")

    @property
    def interrupts(self) -> bool:
        """Whether lines are written to a terminal while the work goes on, and would break a bar."""
        return (self._as_json or self._shows_all) and self._stream.isatty()

    def _write(self, line: str) -> None:
        click.echo(line, file=self._stream)


def _fields(change: Change) -> dict[str, Any]:
    draft, data = change.draft, _data(change)
    told: dict[str, Any] = {"would": "record", **change.place._asdict()}
    told |= {"policy": draft.proposal.policy, "type": draft.proposal.type, "kind": change.kind}
    for name in ("action", "occurred", "relation"):
        value = getattr(data, name) or data.changes.get(name)
        if value is not None:
            told[name] = value
    if data.changes:
        told["changes"] = sorted(data.changes)
    return told


def _words(change: Change) -> str:
    draft, data = change.draft, _data(change)
    said = [data.title, data.action, data.relation, data.occurred]
    said += [f"{name} = {_short(value)}" for name, value in data.changes.items()]
    what = " ".join(each for each in said if each)
    told = f"{change.place}: {draft.proposal.policy}: {draft.proposal.type} {what}"
    return shown(told.rstrip(), _LINE_CHARACTERS)


def _short(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _data(change: Change) -> _Data:
    return msgspec.json.decode(change.draft.data, type=_Data)
