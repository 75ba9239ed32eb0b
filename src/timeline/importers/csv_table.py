"""Any table, by a mapping file: one table with policies and actions, or one of each.

Owns which table an input is, which rows are refused, and the gathering of a policy's rows, wherever
they lie. Must not know what a mapping's fields mean: that is `csv_mapping` and `csv_rows`.

Rows are gathered on disk: memory holds the rows of one policy.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from timeline.importers.csv_mapping import CsvMapping, columns, filled, slug
from timeline.importers.csv_rows import Drawer, Told
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Input
from timeline.importers.reading import Row, rows, undecodable
from timeline.importers.shelf import Shelf, Shelved
from timeline.importers.sketch import Found, Place, Refused, Sketch

MAX_ROWS: Final = 10_000
"""Of one policy, which are held at once: more tell of an id that is not one."""

MAX_TOLD_COLUMNS: Final = 30
"""Of a header, where a column of the mapping is not in it."""


class _Kept(msgspec.Struct, array_like=True):
    """A row on the shelf: which header it is under, and what it is to its policy."""

    header: int
    describes: bool
    rules: list[int]
    cells: list[str]


class _Header(NamedTuple):
    """A header: its columns, whether its rows describe policies, and which rules they are under."""

    names: Sequence[str]
    describes: bool
    rules: Sequence[int]


class CsvTable:
    """Reads tables.

    Attributes:
        system: the source's name.
        policies: how many policies there are, once all rows are read.

    """

    def __init__(self, inputs: Iterable[Input], mapping: CsvMapping) -> None:
        """Take the inputs, which are opened one after the other, and how to read them."""
        self.system = mapping.system
        self.policies: int | None = None
        self._inputs = inputs
        self._mapping = mapping
        self._rules = mapping.rules
        self._drawer = Drawer(mapping)
        self._headers: list[_Header] = []
        self._header_of: dict[str, int] = {}
        self._shelf: Shelf | None = None

    def keep(self, shelf: Shelf) -> None:
        """Gather rows in a place that outlasts a reading."""
        self._shelf = shelf

    def go_on(self, inputs: Iterable[Input]) -> None:
        """Take what stands after all that was read, every row of which could be: to be read next."""
        self._inputs = inputs

    def read(self) -> Iterator[Found]:
        """Yield the rows that cannot be read, then the policies in the order of their first rows.

        While a row cannot be read, nothing is taken back: what it would have said is no less true.
        """
        if self._shelf is not None:
            yield from self._read(self._shelf)
            return
        with Shelf() as shelf:
            yield from self._read(shelf)

    def _read(self, shelf: Shelf) -> Iterator[Found]:
        readable = True
        for source in self._inputs:
            for refused in self._gather(source, shelf):
                readable = False
                yield refused
        self._check_tables()
        self.policies = shelf.count()
        for policy, shelved in shelf.take():
            kept = list(islice(shelved, MAX_ROWS + 1))
            if len(kept) > MAX_ROWS:
                reason = f"More than {MAX_ROWS} rows make the policy id {policy}: is `id` right?"
                yield Refused(place=_place(kept[0]), field="id", reason=reason)
                continue
            drawn, notes = self._drawer.draw(policy, [self._told(each) for each in kept])
            yield from notes
            if isinstance(drawn, Sketch) and not readable:
                drawn = msgspec.structs.replace(drawn, whole=False)
            yield drawn

    def _told(self, shelved: Shelved) -> Told:
        kept = msgspec.msgpack.decode(shelved.content, type=_Kept)
        row = dict(zip(self._headers[kept.header].names, kept.cells, strict=True))
        return Told(_place(shelved), row, kept.describes, kept.rules)

    # ---- reading

    def _gather(self, source: Input, shelf: Shelf) -> Iterator[Refused]:
        mapping = self._mapping
        table = rows(source, encoding=mapping.encoding, delimiter=mapping.delimiter)
        # What goes on from an earlier reading stands under the header that was read then.
        index = (
            self._header_of[source.name] if source.line else self._header(source, next(table, None))
        )
        self._header_of[source.name] = index
        for row in table:
            refused = self._refused(source, row, self._headers[index].names)
            yield from [refused] if refused is not None else self._put(source, row, index, shelf)

    def _refused(self, source: Input, row: Row, names: Sequence[str]) -> Refused | None:
        place = Place(source.name, row.line)
        if len(row.cells) != len(names):
            reason = (
                f"The row has {len(row.cells)} cells, the header {len(names)}: "
                "is the delimiter right, and is text with a delimiter in quotes?"
            )
            return Refused(place=place, field="", reason=reason)
        broken = undecodable(row.cells)
        if broken is not None:
            reason = f"It is no text in {self._mapping.encoding}: give the table's `encoding`"
            return Refused(place=place, field=names[broken], reason=reason)
        for name, cell in zip(names, row.cells, strict=True):
            if "\0" in cell:
                return Refused(place=place, field=name, reason="It holds U+0000: take it out")
        return None

    def _put(self, source: Input, row: Row, index: int, shelf: Shelf) -> Iterator[Refused]:
        header = self._headers[index]
        cells = dict(zip(header.names, row.cells, strict=True))
        found: dict[str, _Kept] = {}
        rule = self._mapping.policy.id
        if header.describes:
            found[slug(filled(rule, cells))] = _Kept(index, True, [], row.cells)  # noqa: FBT003
        for number in header.rules:
            template = self._rules[number].policy or rule
            policy = slug(filled(template, cells))
            kept = found.setdefault(policy, _Kept(index, False, [], row.cells))  # noqa: FBT003
            kept.rules.append(number)
        for policy, kept in found.items():
            if policy:
                content = msgspec.msgpack.encode(kept)
                shelf.put(policy, Shelved(source.name, row.line, content))
            else:
                reason = "The cells that make the policy's id are empty"
                yield Refused(place=Place(source.name, row.line), field="id", reason=reason)

    # ---- headers

    def _check_tables(self) -> None:
        """Raise InputRefused where a whole table is missing: what it said would be taken back."""
        told = {number for header in self._headers for number in header.rules}
        files = ", ".join(getattr(self._inputs, "files", ())) or "the input"
        if not any(header.describes for header in self._headers):
            reason = "None of the tables has the columns of [policy]: give the policies' table too"
            raise InputRefused(file=files, line=0, reason=reason)
        for number in range(len(self._rules)):
            if number not in told:
                rule = self._mapping.name_of(number)
                reason = f"None of the tables has the columns of {rule}: give it too"
                raise InputRefused(file=files, line=0, reason=reason)

    def _header(self, source: Input, row: Row | None) -> int:
        """Return the index of an input's header.

        Raises:
            InputRefused: naming a column that the mapping asks for and the header has not.

        """
        if row is None:
            raise InputRefused(file=source.name, line=1, reason="The table has no header")
        names = [name.strip() for name in row.cells]
        twice = next((name for name in names if names.count(name) > 1 and name), None)
        if twice is not None:
            reason = f"The header names the column {twice!r} twice: name them apart"
            raise InputRefused(file=source.name, line=row.line, reason=reason)
        header = self._matched(source, row.line, names)
        if header not in self._headers:
            self._headers.append(header)
        return self._headers.index(header)

    def _matched(self, source: Input, line: int, names: list[str]) -> _Header:
        """Tell which table a header is: the policies', the actions', or one that is both."""
        apart = [number for number, rule in enumerate(self._rules) if rule.policy is not None]
        own = [number for number, rule in enumerate(self._rules) if rule.policy is None]
        lacking_own = self._lacking(names, own) | _lacks(names, self._mapping.policy, "policy")
        lacking_apart = self._lacking(names, apart)
        describes, acts = not lacking_own, bool(apart) and not lacking_apart
        if describes or acts:
            rules = (own if describes else []) + (apart if acts else [])
            return _Header(tuple(names), describes, tuple(rules))
        lacking = lacking_own
        if apart and len(lacking_apart) < len(lacking_own):
            lacking = lacking_apart
        missing, asked_by = next(iter(lacking.items()))
        told = ", ".join(names[:MAX_TOLD_COLUMNS]) + (
            ", …" if len(names) > MAX_TOLD_COLUMNS else ""
        )
        reason = f"There is no column {missing!r}, for which the mapping's {asked_by} asks: {told}"
        raise InputRefused(file=source.name, line=line, reason=reason)

    def _lacking(self, names: list[str], numbers: list[int]) -> dict[str, str]:
        found: dict[str, str] = {}
        for number in numbers:
            found |= _lacks(names, self._rules[number], self._mapping.name_of(number))
        return found


def _lacks(names: list[str], rule: msgspec.Struct, where: str) -> dict[str, str]:
    """Return the columns that a rule asks for and a header has not, and which key asks."""
    return {column: f"{where}.{key}" for column, key in columns(rule) if column not in names}


def _place(shelved: Shelved) -> Place:
    return Place(shelved.name, shelved.line)
