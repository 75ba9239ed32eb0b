"""What a table that nobody has described yet looks like, by its header and its first rows.

Owns the guesses: which column is what, and in which form dates are. Must not know what is made of them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from timeline.domain.dates import InvalidDate, Occurrence
from timeline.domain.vocabulary import Action, Instrument, Relation
from timeline.importers.csv_mapping import EDTF
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


class Cell(NamedTuple):
    """What stands in a line of a column."""

    line: int
    text: str


class Column(NamedTuple):
    """A column: its name, what is in it, in which form if it is a date, and what is in no such form."""

    name: str
    cells: Sequence[str]
    dates: str = ""
    odd: Sequence[Cell] = ()


class Table(NamedTuple):
    """What was looked at of a table, and which column is what."""

    file: str
    delimiter: str
    encoding: str
    columns: Sequence[Column]
    relations: Sequence[tuple[Column, Relation]]
    roles: dict[str, Column]


def look_at(source: Input) -> Table:
    """Return what a table looks like.

    Raises:
        InputRefused: there is no header.

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
        (name, [Cell(row.line, cell) for row in looked_at if (cell := row.cells[index].strip())])
        for index, name in enumerate(names)
        if name and not set("{}") & set(name) and undecodable([name]) is None
    ]
    columns = _columns(named)
    acting = [(column, relation) for column in columns if (relation := _relation(column))]
    others = [column for column in columns if not any(column is each for each, _ in acting)]
    return Table(source.name, delimiter, encoding, columns, acting, _roles(others))


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


def _columns(named: Sequence[tuple[str, Sequence[Cell]]]) -> list[Column]:
    """Tell which columns hold dates, in the form that most of their cells are in.

    Where several forms fit as many, it is the one that fits more columns.
    """
    fits = {name: fitting([cell.text for cell in cells]) for name, cells in named}
    times = Counter(each for found in fits.values() for each in found)
    columns = []
    for name, cells in named:
        form = max(fits[name], key=lambda each: times[each], default="")
        odd = [cell for cell in cells if form and not _is_date(cell.text, form)]
        columns.append(Column(name, [cell.text for cell in cells], form, odd))
    return columns


def fitting(cells: Sequence[str]) -> list[str]:
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


def _relation(column: Column) -> Relation | None:
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


def _roles(columns: Sequence[Column]) -> dict[str, Column]:
    """Tell which column is what: by its name, and by whether what is in it can be that."""
    found: dict[str, Column] = {}
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


def guess(label: str, words: Iterable[tuple[str, str]]) -> str:
    """Return what a label means by some words; empty where none of them is in it."""
    folded = re.sub(r"[_\-]+", " ", label).casefold()
    return next((str(word) for pattern, word in words if re.search(pattern, folded)), "")
