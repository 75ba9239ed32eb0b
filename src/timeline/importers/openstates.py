"""Bills as Open States gives them: the JSON of its bulk export by session, and of its API, version 3.

Owns which files are read, and that each bill is told once. Must not know what a bill's fields mean:
that is `openstates_bill`. A zip archive's members are inputs; its README is none.
"""

from collections.abc import Iterable, Iterator

from timeline.importers.errors import Unrecordable
from timeline.importers.json_items import Item, items
from timeline.importers.opening import Input
from timeline.importers.openstates_actions import OpenStatesLabels
from timeline.importers.openstates_bill import SYSTEM, sketch
from timeline.importers.shelf import Shelf
from timeline.importers.sketch import Found, Note, NoteKind, Refused


class OpenStates:
    """Reads bills."""

    system: str = SYSTEM

    def __init__(self, inputs: Iterable[Input], labels: OpenStatesLabels) -> None:
        """Take the inputs, which are opened one after the other, and the tables of words."""
        self._inputs = inputs
        self._labels = labels

    def read(self) -> Iterator[Found]:
        """Yield the bills, one at a time; of one that is given twice, the first."""
        with Shelf() as known:
            for source in self._inputs:
                if source.name.rpartition("/")[2].upper().startswith("README"):
                    continue
                for found in items(source):
                    if isinstance(found, Refused):
                        yield found
                    else:
                        yield from self._told(found, known)

    def _told(self, bill: Item, known: Shelf) -> Iterator[Found]:
        try:
            drawn, notes = sketch(bill.fields, bill.place, self._labels)
        except Unrecordable as error:
            yield Refused(place=error.place, field=error.field, reason=error.reason)
            return
        if known.is_new(drawn.policy):
            yield from notes
            yield drawn
        else:
            about = "bills that are given more than once; the first counts"
            yield Note(kind=NoteKind.LEFT_OUT, about=about, place=bill.place)
