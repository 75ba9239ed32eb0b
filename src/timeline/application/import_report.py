"""What an import did, or would do: counts, what was refused, and what whoever imports should know.

Owns the bounds of such a report. Must not know how it is shown.
"""

from bisect import insort
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from timeline.importers.reconcile import Age, Change, Kind, Reconciled
from timeline.importers.sketch import Note, NoteKind, Refused, Sketch

MAX_REFUSALS: Final = 100
"""Refusals that are listed; all are counted."""

MAX_NOTES: Final = 1_000
"""Things that are told of, each with its first place: a source has some hundred labels."""


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """How often something was noted, and where it was first."""

    kind: str
    about: str
    count: int
    first: str


class ImportReport(msgspec.Struct, kw_only=True):
    """Counts of an import so far.

    Attributes:
        policies: policies read.
        recorded: statements that are new, registrations among them.
        corrected: events by which the source says otherwise what it said before.
        disputed: events by which it contradicts an editor.
        retracted: events by which it takes back.
        restored: events by which it says again what it took back.
        known: statements of which nothing is new.
        older: versions of policies that are passed over, as what is recorded is newer.
        refused: parts of the input that are not recorded; the first of them are `refusals`.
        notes: what whoever imports should know of.
        more_notes: how often something was noted that is not listed any more.
        stopped: whether reading ended at the first refusal.
        order: where the inputs stand among each other, by their names: refusals are listed so.
        on_recorded: told of each event that is recorded, or would be.
        on_refused: told of each refusal.

    """

    policies: int = 0
    recorded: int = 0
    corrected: int = 0
    disputed: int = 0
    retracted: int = 0
    restored: int = 0
    known: int = 0
    older: int = 0
    refused: int = 0
    refusals: list[Refused] = []
    notes: dict[tuple[str, str], Noted] = {}
    more_notes: int = 0
    stopped: bool = False
    order: Mapping[str, int] = {}
    on_recorded: Callable[[Change], None] | None = None
    on_refused: Callable[[Refused], None] | None = None

    @property
    def statements(self) -> int:
        """How much was looked at: statements, changed or not."""
        return self.known + sum(int(getattr(self, kind)) for kind in Kind)

    @property
    def is_listed(self) -> bool:
        """Whether each event and refusal is told, which is to be in their order."""
        return self.on_recorded is not None

    def took_in(self, policies: list[Reconciled], *, created: bool = True) -> None:
        """Count policies whose events are recorded: not `created` where others were first."""
        for each in policies:
            self.policies += 1
            self.older += each.age is Age.OLDER
            self.known += each.known if created else each.known + len(each.changes)
            for change in each.changes if created else ():
                setattr(self, change.kind, getattr(self, change.kind) + 1)
                if self.on_recorded is not None:
                    self.on_recorded(change)

    def passed_over(self, sketch: Sketch) -> None:
        """Count a version that what came after it in the same input, and is recorded, replaces."""
        self.policies += 1
        self.older += 1
        self.known += 1 + len(sketch.statements)

    def left_out(self, sketch: Sketch, about: str) -> None:
        """Count a policy of which nothing can be recorded any more, and note it."""
        self.policies += 1
        self.known += 1 + len(sketch.statements)
        self.note(Note(kind=NoteKind.LEFT_OUT, about=about, place=sketch.place))

    def note(self, note: Note) -> None:
        """Count a note together with those that are about the same."""
        key = (str(note.kind), note.about)
        known = self.notes.get(key)
        if known is not None:
            self.notes[key] = msgspec.structs.replace(known, count=known.count + 1)
        elif len(self.notes) < MAX_NOTES:
            self.notes[key] = Noted(kind=key[0], about=note.about, count=1, first=str(note.place))
        else:
            self.more_notes += 1

    def refuse(self, refused: Refused) -> None:
        """Count a refusal, and list it if it is one of the first in the input."""
        self.refused += 1
        insort(self.refusals, refused, key=self._place)
        del self.refusals[MAX_REFUSALS:]
        if self.on_refused is not None:
            self.on_refused(refused)

    def _place(self, refused: Refused) -> tuple[int, int]:
        file = refused.place.file
        return self.order.get(file, len(self.order)), refused.place.line

    def as_json(self) -> dict[str, Any]:
        """Return it for scripts."""
        counts = {
            name: getattr(self, name)
            for name in ("policies", *Kind, "known", "older", "refused", "stopped")
        }
        return {
            **counts,
            "refusals": [
                {
                    "file": each.place.file,
                    "line": each.place.line,
                    "part": each.place.part,
                    "field": each.field,
                    "reason": each.reason,
                }
                for each in self.refusals
            ],
            "notes": [msgspec.to_builtins(each) for each in self.notes.values()],
            "more_notes": self.more_notes,
        }
