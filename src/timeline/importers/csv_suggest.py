"""A mapping file for a table that nobody has described yet, from its header and its first rows.

Owns the guesses: which column is what, and in which form dates are. Must not know how a mapping is
used. What is suggested is a valid mapping with comments; whoever imports reads it first.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from timeline.domain.dates import InvalidDate, Occurrence
from timeline.domain.vocabulary import Action, Instrument, Relation
from timeline.importers.csv_mapping import EDTF, slug
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Input
from timeline.importers.reading import Row, rows, undecodable

MAX_ROWS: Final = 200
"""What is looked at: enough to meet a day beyond the 12th, which tells %d/%m from %m/%d."""

MAX_VALUES: Final = 60
"""Of a column that holds a kind: one with more is text."""

DELIMITERS: Final = (",", ";", "\t", "|")
_DIGITS: Final = "%Y%m%d"
FORMATS: Final = (
    EDTF,
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%y",
    "%d.%m.%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    _DIGITS,
    "%B %d, %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
)

ACTIONS: Final = (
    (r"overrid.*(fail|sustain)|veto.*sustain", Action.OVERRIDE_FAILED),
    (r"overrid", Action.OVERRIDE_PASSED),
    (r"veto", Action.VETOED),
    (r"introduc|submitted|received", Action.INTRODUCED),
    (r"propos|filed", Action.PROPOSED),
    (r"refer", Action.REFERRED),
    (r"laid over|postpone|defer|tabled|continued|deadline", Action.LAID_OVER),
    (r"hearing", Action.HEARING_HELD),
    (r"fail|defeat|reject|lost", Action.FAILED),
    (r"withdr", Action.WITHDRAWN),
    (r"died", Action.DIED),
    (
        r"(sent|deliver|present|transmit).*(mayor|governor|president|executive)",
        Action.SENT_TO_EXECUTIVE,
    ),
    (r"without.*signature|lapsed", Action.LAPSED_INTO_LAW),
    (r"sign", Action.SIGNED),
    (r"amend", Action.AMENDED),
    (
        r"(committee|reading).*(pass|approv|report|recommend)|(pass|approv).*committee",
        Action.ADVANCED,
    ),
    (r"effect", Action.TOOK_EFFECT),
    (r"repeal", Action.REPEALED),
    (r"rescind|rescission|revok", Action.RESCINDED),
    (r"supersed", Action.SUPERSEDED),
    (r"expir|sunset", Action.EXPIRED),
    (r"enact|became law", Action.ENACTED),
    (r"pass|adopt|approv", Action.PASSED),
    (r"issue", Action.ISSUED),
)
"""Which words of a label, or of a date column's name, tell of which action; the first that fits."""

INSTRUMENTS: Final = (
    (r"executive order|\beo\b", Instrument.EXECUTIVE_ORDER),
    (r"directive", Instrument.EXECUTIVE_DIRECTIVE),
    (r"proclamation", Instrument.PROCLAMATION),
    (r"local law", Instrument.LOCAL_LAW),
    (r"ordinance|\bord\b", Instrument.ORDINANCE),
    (r"resolution|\breso?\b", Instrument.RESOLUTION),
    (r"statute|\bact\b", Instrument.STATUTE),
    (r"\bbill\b|introduction", Instrument.BILL),
    (r"motion", Instrument.MOTION),
    (r"rule|regulation", Instrument.AGENCY_RULE),
    (r"agreement|contract", Instrument.AGREEMENT),
    (r"court|injunction", Instrument.COURT_ORDER),
    (r"lawsuit|complaint", Instrument.LAWSUIT),
    (r"statement", Instrument.STATEMENT),
)

RELATIONS: Final = (
    (r"\brepeal(s|ing)\b", Relation.REPEALS),
    (r"\bamend(s|ing)\b", Relation.AMENDS),
    (r"\bsupersed(es|ing)\b|\breplac(es|ing)\b", Relation.SUPERSEDES),
    (r"\b(rescind|revok)(s|es|ing)\b", Relation.RESCINDS),
    (r"\bsuspend(s|ing)\b", Relation.SUSPENDS),
    (r"\bextend(s|ing)\b", Relation.EXTENDS),
    (r"\bimplement(s|ing)\b", Relation.IMPLEMENTS),
    (r"\bcodif(ies|ying)\b", Relation.CODIFIES),
    (r"\bchalleng(es|ing)\b", Relation.CHALLENGES),
    (r"\bcit(es|ing)\b", Relation.CITES),
)
"""Which words in a column's name tell that what is in it is what the policy acts upon. "Repealed by" is not
among them: there it is the other one that acts."""

ROLES: Final = (
    ("url", r"url|link|web"),
    ("id", r"^id$|number|\bno\b|^file|docket|identifier|file$|\bid$"),
    ("title", r"title|subject of|^name$|short name"),
    ("summary", r"summary|description|abstract|digest"),
    ("topics", r"topic|subject|categor|tag|keyword"),
    ("jurisdiction", r"jurisdiction|division|\bocd"),
    ("sponsors", r"sponsor|author|mover"),
    ("instrument", r"instrument|^type|type$|^kind"),
    ("action", r"action|event|step|stage|status"),
    ("body", r"body|committee|council|department|agency|chamber|office"),
    ("yes", r"^(ayes?|yes|yeas?)\b"),
    ("no", r"^(noes|nays?)\b|^no votes"),
)
"""Which words in a column's name tell what it is."""


class Suggestion(NamedTuple):
    """A mapping file, and what whoever uses it has to know before."""

    text: str
    doubts: Sequence[str]


class _Cell(NamedTuple):
    """What stands in a line of a column."""

    line: int
    text: str


class _Column(NamedTuple):
    """A column: its name, what is in it, in which form if it is a date, and what is in no such form."""

    name: str
    cells: Sequence[str]
    dates: str = ""
    odd: Sequence[_Cell] = ()

    @property
    def doubt(self) -> str:
        """What is in another form, in words."""
        shown = _comment(repr(self.odd[0].text[:60]))
        return (
            f"{len(self.odd)} of {len(self.cells)} cells in {_comment(self.name)!r} are not in the form "
            f"{self.dates}, the first in line {self.odd[0].line}: {shown}."
        )


class _Table(NamedTuple):
    """What was looked at of a table, and which column is what."""

    file: str
    delimiter: str
    encoding: str
    columns: Sequence[_Column]
    relations: Sequence[tuple[_Column, Relation]]
    roles: dict[str, _Column]


def suggest(source: Input) -> Suggestion:
    """Return a mapping file for a table.

    Raises:
        InputRefused: there is no header, or no column that could name a policy.

    """
    encoding, delimiter = _form(source)
    table = rows(source, encoding=encoding, delimiter=delimiter)
    header = next(table, Row(1, []))
    names = [name.strip() for name in header.cells]
    if not any(names) or len(set(names)) < len(names):
        reason = "The first line is no header that names each column once"
        raise InputRefused(file=source.name, line=1, reason=reason)
    looked_at = [
        row
        for row in islice(table, MAX_ROWS)
        if len(row.cells) == len(names) and undecodable(row.cells) is None
    ]
    named = [
        (name, [_Cell(row.line, cell) for row in looked_at if (cell := row.cells[index].strip())])
        for index, name in enumerate(names)
        if name and not set("{}") & set(name) and undecodable([name]) is None
    ]
    columns = _columns(named)
    acting = [(column, relation) for column in columns if (relation := _relation(column))]
    others = [column for column in columns if not any(column is each for each, _ in acting)]
    described = _Table(source.name, delimiter, encoding, columns, acting, _roles(others))
    doubts = [column.doubt for column in columns if column.odd]
    return Suggestion("\n".join(_lines(described)) + "\n", doubts)


def _form(source: Input) -> tuple[str, str]:
    """Return the encoding and the delimiter that the first bytes look like."""
    begins = source.begins(64 * 1024)
    try:
        begins[: begins.rfind(b"\n") + 1].decode()
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = "cp1252"
    first = begins.partition(b"\n")[0].decode("latin-1")
    return encoding, max(DELIMITERS, key=first.count)


def _columns(named: Sequence[tuple[str, Sequence[_Cell]]]) -> list[_Column]:
    """Tell which columns hold dates, in the form that most of their cells are in.

    Where several forms fit as many, it is the one that fits more columns.
    """
    fits = {name: _fitting([cell.text for cell in cells]) for name, cells in named}
    times = Counter(each for found in fits.values() for each in found)
    columns = []
    for name, cells in named:
        form = max(fits[name], key=lambda each: times[each], default="")
        odd = [cell for cell in cells if form and not _is_date(cell.text, form)]
        columns.append(_Column(name, [cell.text for cell in cells], form, odd))
    return columns


def _fitting(cells: Sequence[str]) -> list[str]:
    """Return the forms of a date that most of the cells, and more than half of them, are in."""
    counts = {each: sum(_is_date(cell, each) for cell in cells) for each in FORMATS}
    most = max(counts.values())
    if any(count == len(cells) > 0 for count in counts.values()):
        return [each for each, count in counts.items() if count == most]
    # A number of eight digits, now and then, is a day by chance.
    return [
        each
        for each, count in counts.items()
        if count == most and 2 * count > len(cells) and each != _DIGITS
    ]


def _relation(column: _Column) -> Relation | None:
    """Return how a policy bears on what a column holds, where its name says so and numbers are in it."""
    if column.dates or not any(re.search("[0-9]", cell) for cell in column.cells):
        return None
    words = _in_words(column.name)
    return next((relation for pattern, relation in RELATIONS if re.search(pattern, words)), None)


def _in_words(name: str) -> str:
    return re.sub(r"[_\-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower()


def _is_date(cell: str, format: str) -> bool:
    try:
        if format == EDTF:
            # Years alone may as well be numbers.
            return len(cell) > len("2019") and bool(Occurrence.parse(cell))
        datetime.strptime(cell, format)  # noqa: DTZ007 - only looked at
    except (ValueError, InvalidDate):
        return False
    return True


def _roles(columns: Sequence[_Column]) -> dict[str, _Column]:
    """Tell which column is what: by its name, and by whether what is in it can be that."""
    found: dict[str, _Column] = {}
    free = [column for column in columns if not column.dates]
    for role, pattern in ROLES:
        for column in free:
            if re.search(pattern, _in_words(column.name)) and _FITS.get(role, bool)(column.cells):
                found[role] = column
                free.remove(column)
                break
    if "title" not in found and free:
        found["title"] = max(free, key=lambda column: sum(map(len, column.cells)))
    return found


def _few(cells: Sequence[str]) -> bool:
    return 0 < len(set(cells)) <= MAX_VALUES


def _each(pattern: str) -> Callable[[Sequence[str]], bool]:
    return lambda cells: bool(cells) and all(re.fullmatch(pattern, cell) for cell in cells)


_FITS: Final[dict[str, Callable[[Sequence[str]], bool]]] = {
    "url": _each(r"https?://\S+"),
    "jurisdiction": _each(r"ocd-division/\S+"),
    "instrument": _few,
    "action": _few,
    "yes": _each("[0-9]+"),
    "no": _each("[0-9]+"),
}


# ---- what is written


def _lines(table: _Table) -> Iterator[str]:
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


def _policy(table: _Table, system: str) -> Iterator[str]:
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


def _source(table: _Table) -> Iterator[str]:
    name = table.file.replace("\\", "/").rpartition("/")[2]
    yield "# A row with no link still has its table as a source."
    yield "[[policy.sources]]"
    if "url" in table.roles:
        yield f"url = {_quoted(table.roles['url'].name)}"
    yield f"citation = {{ value = {_quoted(name or 'table')} }}"
    yield ""


def _values(column: _Column, words: Iterable[tuple[str, str]], title: str) -> Iterator[str]:
    yield f"[{title}]"
    for value in dict.fromkeys(column.cells):
        guess = _guess(value, words)
        yield f"{_quoted(value)} = {_quoted(guess or 'other')}" + (
            "" if guess else "  # Change this?"
        )


def _guess(label: str, words: Iterable[tuple[str, str]]) -> str:
    folded = re.sub(r"[_\-]+", " ", label).casefold()
    return next((str(word) for pattern, word in words if re.search(pattern, folded)), "")


_NAMES_ACTION: Final = re.compile("action|event", re.IGNORECASE)


def _actions(table: _Table) -> Iterator[str]:
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


def _wide(column: _Column) -> Iterator[str]:
    guess = _guess(column.name, ACTIONS)
    yield f"# The column {_comment(column.name)} tells when this happened."
    yield "[[actions]]"
    yield f"action = {{ value = {_quoted(guess or 'other')} }}" + (
        "" if guess else "  # Change this?"
    )
    yield from _dates("occurred", column)
    yield "optional = true  # Rows without this date are passed over."
    yield ""


def _relations(table: _Table, system: str) -> Iterator[str]:
    for column, relation in table.relations:
        yield f"# The column {_comment(column.name)} names what the policy acts upon, by the same numbers?"
        yield "[[relations]]"
        yield f"relation = {{ value = {_quoted(relation)} }}"
        yield f"target = {{ column = {_quoted(column.name)}, {_split(column)} }}"
        yield f"scheme = {_quoted(system)}"
        yield ""


def _dates(key: str, column: _Column) -> Iterator[str]:
    fitting = _fitting(column.cells)
    others = [each for each in fitting if each != column.dates]
    if column.odd:
        yield f"# {column.doubt}"
        yield "# Rows with them are refused: mend them, or add their form behind the first, in `dates`."
    if others:
        yield f"# These dates could as well be {_comment(' or '.join(others))}."
    yield f"{key} = {{ column = {_quoted(column.name)}, dates = [{_quoted(column.dates)}] }}"


def _split(column: _Column) -> str:
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
