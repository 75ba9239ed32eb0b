"""How a table's columns become fields of the record: the mapping file, and the reading of one row.

Owns what a mapping may say (docs/import-mapping.md describes it), and what is made of a row's cells.
Pure. Must not know how tables are read, nor how rows are grouped. Nothing in a cell is ever run: a
template's `{Column}` is replaced by that column's cell, and that is all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from timeline.domain.dates import InvalidDate, Occurrence
from timeline.domain.events import SourceClass
from timeline.importers.errors import BadCell, InputRefused

MAX_MAPPING_BYTES: Final = 1024 * 1024
"""Some ten thousand rows of value maps."""

MAX_RULES: Final = 100
"""Kinds of actions that one row can tell of: a wide table has a column for each."""

EDTF: Final = "edtf"
"""The date format that is the record's own: 2019, 2019-03, 2019-03-05, 2019~."""

DATE_FORMAT: Final = re.compile(r"(?:[^%]|%[YymdbBHMSIpfjzZAa%-])*")
_YEAR: Final = re.compile("%[Yy]")
_PLACE: Final = re.compile(r"\{([^{}]+)\}")
_SLUG: Final = re.compile(r"[^a-z0-9]+")

Row: TypeAlias = Mapping[str, str]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1_000)]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all tables of a mapping have in common: a key that is misspelt is refused."""


class Field(_Table, frozen=True, kw_only=True):
    """Where a field's value comes from: exactly one of a column, a template, or a value.

    Attributes:
        column: the column whose cell it is.
        template: text with the names of columns in braces.
        value: the same for all rows.
        empty: texts that stand for nothing, such as "N/A".
        values: what to write for what stands there; what is not among them stays as it is.
        otherwise: what to write for what is not among `values`.
        dates: the formats of a date, in the order in which they are tried; see EDTF.
        split: what stands between several values in one cell.
        role: of persons.

    """

    column: Text | None = None
    template: Text | None = None
    value: Text | None = None
    empty: tuple[str, ...] = ()
    values: dict[str, str] = {}
    otherwise: Text | None = None
    dates: Annotated[tuple[str, ...], Meta(min_length=1, max_length=20)] = (EDTF,)
    split: Annotated[str, Meta(min_length=1, max_length=10)] | None = None
    role: Text | None = None

    def __post_init__(self) -> None:
        if sum(each is not None for each in (self.column, self.template, self.value)) != 1:
            msg = "Give exactly one of `column`, `template` and `value`"
            raise ValueError(msg)
        for each in self.dates:
            if each != EDTF and not (DATE_FORMAT.fullmatch(each) and _YEAR.search(each)):
                msg = f"{each!r} is no date format with a year, such as %m/%d/%Y or {EDTF}"
                raise ValueError(msg)
        folded = {each.casefold(): value for each, value in self.values.items()}
        msgspec.structs.force_setattr(self, "values", folded | self.values)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it needs."""
        return frozenset({self.column}) if self.column is not None else names(self.template or "")

    @property
    def shown(self) -> str:
        """What to call it where it is wrong."""
        return self.column or self.template or "value"

    def text(self, row: Row) -> str:
        """Return what a row has for it; empty where there is nothing."""
        found = self._found(row)
        return self._mapped(found) if found else ""

    def _found(self, row: Row) -> str:
        if self.column is not None:
            found = row[self.column].strip()
        elif self.template is not None:
            found = filled(self.template, row)
        else:
            found = self.value or ""
        return "" if found in self.empty else found

    def texts(self, row: Row) -> list[str]:
        """Return what a row has for it, as several, each of which is mapped."""
        found = self._found(row)
        parts = [part.strip() for part in found.split(self.split)] if self.split else [found]
        kept = (self._mapped(part) for part in parts if part and part not in self.empty)
        return list(dict.fromkeys(kept))

    def date(self, row: Row) -> str:
        """Return a date as EDTF; empty where there is none.

        Raises:
            BadCell: what stands there is in none of the formats.

        """
        found = self.text(row)
        for each in self.dates if found else ():
            if (read := _dated(found, each)) is not None:
                return read
        if found:
            formats = " or ".join(self.dates)
            reason = f"{found[:60]!r} is no date in the form {formats}"
            raise BadCell(column=self.shown, reason=reason)
        return ""

    def _mapped(self, found: str) -> str:
        if not self.values:
            return found
        known = self.values.get(found) or self.values.get(found.casefold())
        return known or self.otherwise or found


@lru_cache(maxsize=10_000)
def names(template: str) -> frozenset[str]:
    """Return the columns that a template names."""
    return frozenset(_PLACE.findall(template))


def filled(template: str, row: Row) -> str:
    """Return a template with the row's cells in it; empty where one of them is."""
    if not all(row[name].strip() for name in names(template)):
        return ""
    return _PLACE.sub(lambda found: row[found[1]].strip(), template)


def slug(text: str) -> str:
    """Return text as a part of a policy id."""
    return _SLUG.sub("-", text.lower()).strip("-")


@lru_cache(maxsize=10_000)
def _dated(words: str, format: str) -> str | None:
    """Return a date as EDTF, as exact as its format is; None where it is none."""
    try:
        if format == EDTF:
            return Occurrence.parse(words).text
        read = datetime.strptime(words, format)  # noqa: DTZ007 - a day of the source's own calendar
    except (ValueError, InvalidDate):
        return None
    if re.search(r"%-?[dj]", format):
        return f"{read:%Y-%m-%d}".rjust(10, "0")
    return f"{read.year:04}-{read.month:02}" if re.search("%-?[mbB]", format) else f"{read.year:04}"


Cell: TypeAlias = Field | Text
"""A field as a mapping has it; text alone is the name of a column."""


class SourceRule(_Table, frozen=True, kw_only=True):
    """A source; left out of rows that have neither of `url` and `citation`."""

    url: Cell | None = None
    citation: Cell | None = None
    title: Cell | None = None
    publisher: Cell | None = None
    class_: SourceClass | None = msgspec.field(default=None, name="class")
    published: Cell | None = None
    locator: Cell | None = None
    quote: Cell | None = None


class IdentifierRule(_Table, frozen=True, kw_only=True):
    """An identifier; left out of rows that have none."""

    scheme: Text
    value: Cell


class VoteRule(_Table, frozen=True, kw_only=True):
    """Columns with counts."""

    yes: Cell | None = None
    no: Cell | None = None
    abstain: Cell | None = None
    absent: Cell | None = None


class When(_Table, frozen=True, kw_only=True):
    """Which rows a rule is about: those whose cell is, or is not, one of these."""

    column: Text
    is_: list[str] | None = msgspec.field(default=None, name="is")
    is_not: list[str] | None = None

    def holds(self, row: Row) -> bool:
        """Tell whether a row is one of them."""
        found = row[self.column].strip()
        return (self.is_ is None or found in self.is_) and found not in (self.is_not or ())


Sources: TypeAlias = Annotated[list[SourceRule], Meta(max_length=MAX_RULES)]


class PolicyRule(_Table, frozen=True, kw_only=True):
    """What the columns say of a policy."""

    id: Text
    title: Cell
    instrument: Cell
    jurisdiction: Cell
    sources: Annotated[Sources, Meta(min_length=1)]
    body: Cell | None = None
    summary: Cell | None = None
    topics: Cell | None = None
    sponsors: Annotated[list[Cell], Meta(max_length=MAX_RULES)] = []
    identifiers: Annotated[list[IdentifierRule], Meta(max_length=MAX_RULES)] = []


class ActionRule(_Table, frozen=True, kw_only=True):
    """What the columns say of an action.

    `policy` is the policy's id as the columns of a second table form it; without, the action stands in
    the policies' table. Without `id`, an action is told by its date and words. `optional` passes over
    rows without a date.
    """

    action: Cell
    occurred: Cell
    policy: Text | None = None
    id: Text | None = None
    when: When | None = None
    optional: bool = False
    label: Cell | None = None
    body: Cell | None = None
    effective: Cell | None = None
    until: Cell | None = None
    until_condition: Cell | None = None
    scope: Cell | None = None
    provision: Cell | None = None
    summary: Cell | None = None
    actors: Annotated[list[Cell], Meta(max_length=MAX_RULES)] = []
    vote: VoteRule | None = None
    sources: Sources = []


class RelationRule(_Table, frozen=True, kw_only=True):
    """What the columns say of how a policy bears on others: one relation for each value of `target`.

    With `scheme` a value is cited by it; with `prefix` it is a policy's id, once that stands before it.
    `policy` and `when` are as an action's.
    """

    relation: Cell
    target: Cell
    scheme: Text | None = None
    prefix: str | None = None
    policy: Text | None = None
    when: When | None = None
    scope: Cell | None = None
    provision: Cell | None = None
    occurred: Cell | None = None
    effective: Cell | None = None
    until: Cell | None = None
    sources: Sources = []

    def __post_init__(self) -> None:
        if (self.scheme is None) == (self.prefix is None):
            msg = "Give exactly one of `scheme` and `prefix`"
            raise ValueError(msg)


_MARKS: Final = '",;\t\r\n'
"""What rows are cut by: one byte each, as in ASCII."""


class CsvMapping(_Table, frozen=True, kw_only=True):
    """A mapping file.

    `system` names the source: it is a part of the ids of all that is imported, so that the same table
    can be imported again. `whole` tells that what the tables do not say of a policy any more is taken back.
    """

    system: Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
    policy: PolicyRule
    actions: Annotated[list[ActionRule], Meta(max_length=MAX_RULES)] = []
    relations: Annotated[list[RelationRule], Meta(max_length=MAX_RULES)] = []
    whole: bool = True
    encoding: str = "utf-8"
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","

    def __post_init__(self) -> None:
        try:
            # Rows are told apart by their bytes, and what is no text has to be seen, and not to end it.
            usable = _MARKS.encode(self.encoding) == _MARKS.encode("ascii")
            bytes(range(256)).decode(self.encoding, "surrogateescape")
        except LookupError:
            msg = f"There is no encoding {self.encoding!r}"
            raise ValueError(msg) from None
        except (ValueError, TypeError):
            usable = False
        if not usable:
            msg = f"Rows cannot be read in {self.encoding!r}: write the table in UTF-8"
            raise ValueError(msg)

    @property
    def rules(self) -> Sequence[ActionRule | RelationRule]:
        """What rows tell beside what policies are: actions, then relations."""
        return (*self.actions, *self.relations)

    def name_of(self, rule: int) -> str:
        """Return how a rule is called in the file, by its place among all."""
        acts = len(self.actions)
        return f"actions[{rule}]" if rule < acts else f"relations[{rule - acts}]"


def read_mapping(raw: bytes, file: str) -> CsvMapping:
    """Read a mapping file.

    Raises:
        InputRefused: naming what is wrong in it, and where.

    """
    if len(raw) > MAX_MAPPING_BYTES:
        raise InputRefused(file=file, line=0, reason=f"It is longer than {MAX_MAPPING_BYTES} bytes")
    try:
        return msgspec.toml.decode(raw, type=CsvMapping)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        where = f"{path.strip('`.')}: " if path else ""
        raise InputRefused(file=file, line=0, reason=f"{where}{reason}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputRefused(file=file, line=0, reason=f"It is no TOML: {error}") from error


def as_field(cell: Cell) -> Field:
    """Return a field, also of a column's name alone."""
    return _of_column(cell) if isinstance(cell, str) else cell


@lru_cache(maxsize=10_000)
def _of_column(name: str) -> Field:
    return Field(column=name)


Rule = TypeVar("Rule", bound=msgspec.Struct)


def columns(rule: msgspec.Struct) -> Iterator[tuple[str, str]]:
    """Yield each column that a rule needs, with the key that asks for it."""
    for field in msgspec.structs.fields(rule):
        value: Any = getattr(rule, field.name)
        key = field.encode_name
        for each in value if isinstance(value, list) else [value]:
            if key in _TEMPLATES and isinstance(each, str):
                yield from ((name, key) for name in sorted(names(each)))
            elif isinstance(each, Field) or (key in _CELLS and isinstance(each, str)):
                yield from ((name, key) for name in sorted(as_field(each).columns))
            elif isinstance(each, When):
                yield each.column, key
            elif isinstance(each, msgspec.Struct):
                yield from ((name, f"{key}.{inner}") for name, inner in columns(each))


_TEMPLATES: Final = frozenset({"id", "policy"})
_CELLS: Final = frozenset(
    field.encode_name
    for kind in (PolicyRule, ActionRule, RelationRule, SourceRule, IdentifierRule, VoteRule)
    for field in msgspec.structs.fields(kind)
    if "Field" in str(field.type)
)
"""Keys whose text alone names a column."""
