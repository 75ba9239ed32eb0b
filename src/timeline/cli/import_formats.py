"""The formats of other people's data that `timeline import --from` takes.

Owns their names, and how each importer is made of the command's words.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from timeline.importers.opening import Inputs
from timeline.importers.sketch import Importer

Maker: TypeAlias = Callable[[Inputs], Importer]

FORMATS: Final[Mapping[str, Maker]] = {}
"""Each format's importer; `ndjson`, the record's own, is none of them."""
