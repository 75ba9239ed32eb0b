"""The objects of a JSON input: documents, one a line or alone, items of an array, or of `results`.

Owns how those of an API's page are told apart. Must not know what they mean.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from timeline.importers.errors import InputRefused
from timeline.importers.opening import Input
from timeline.importers.reading import decoded, documents
from timeline.importers.sketch import Place, Refused


class Item(NamedTuple):
    """An object, and where it stands."""

    place: Place
    fields: dict[str, Any]


def items(source: Input) -> Iterator[Item | Refused]:
    """Yield the objects of an input, and what is none."""
    for piece in documents(source):
        place = Place(source.name, piece.line)
        try:
            document = decoded(piece, source)
        except InputRefused as error:
            yield Refused(place=place, field="", reason=error.reason)
            continue
        paged = isinstance(document, dict) and isinstance(document.get("results"), list)
        for index, item in enumerate(document["results"] if paged else [document]):
            where = place._replace(part=f"results[{index}]") if paged else place
            if isinstance(item, dict):
                yield Item(where, item)
            else:
                yield Refused(place=where, field="", reason="Expected a JSON object")
