"""Dates as the sources give them, read into bounds.

Owns the grammar of dates and what each text means in days. Must not know which field of which event
holds a date, nor today's date.

The grammar is EDTF (ISO 8601-2:2019, https://www.loc.gov/standards/datetime/), cut down:

    date        year | year-month | year-month-day, then at most one of ? ~ %
    year        0001 to 9999; digits may be X from the right (201X, 20XX)
    month, day  two digits, or XX
    XXXX        a date that is not known
    interval    date/date; one of the ends may be `..` or empty: open, or not known
    moment      2024-11-19T10:30:00.25-08:00; the zone (Z or an offset) is required; `Occurrence` only

An interval is uncertainty, not duration: the date lies somewhere from the first day of its start to
the last day of its end. A qualifier is kept in the text and leaves the bounds alone.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any, Final, NoReturn, TypeAlias

MAX_LENGTH: Final = 64
"""Characters of a date: twice the longest text of the grammar, a moment of 32."""

CACHED_DATES: Final = 32_768
"""Texts whose reading is remembered: every day of ninety years, in about 10 MB for each class."""

Bounds: TypeAlias = tuple[date | None, date | None]


def _patterns() -> tuple[str, str]:
    """Return the two patterns, written in what Python's and ECMAScript's dialects share."""
    year = "(?!0000)(?:[0-9]{4}|[0-9]{3}X|[0-9]{2}XX|[0-9]XXX)"
    month = "(?:0[1-9]|1[0-2])"
    day = "(?:0[1-9]|[12][0-9]|3[01])"
    time = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    zone = "(?:Z|(?!-00:00)[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
    some_day = f"(?:XXXX|{year}(?:-(?:{month}|XX)(?:-(?:{day}|XX))?)?)[?~%]?"
    edtf = rf"{some_day}(?:/(?:{some_day}|\.\.)?)?|(?:\.\.)?/{some_day}"
    moment = rf"(?!0000)[0-9]{{4}}-{month}-{day}T{time}(?:\.[0-9]{{1,6}})?{zone}"
    # Python's `$` also matches before a trailing newline; the lookahead shuts that door.
    return rf"^(?:{edtf})(?!\n)$", rf"^(?:{edtf}|{moment})(?!\n)$"


EDTF_PATTERN, OCCURRENCE_PATTERN = _patterns()
"""For JSON Schema: every accepted text matches, though not all that match are days that exist."""


class InvalidDate(ValueError):
    """A text is no date that the record takes.

    Args:
        text: what was given, or the end of the interval that is wrong.
        reason: what is wrong with it, worded to follow the text.

    """

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text[:MAX_LENGTH]!r} {reason}")
        self.text = text
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        # Its constructor takes no message, from which exceptions are made anew by default.
        return type(self).__new__, (type(self), *self.args), vars(self)


class Edtf:
    """A date as its source gave it, with the days between which it lies.

    Made by `parse`. Frozen; equal where the texts are, since all else follows from the text. No
    dataclass, because msgspec reads and writes those as objects and never asks its hooks.

    Attributes:
        text: the EDTF text, unchanged.
        earliest: the first day it may mean; None where that is open or not known.
        latest: the last day it may mean; None where that is open or not known.
        time: of a moment, the time of day in its own offset, as HH:MM:SS.ffffff.

    """

    __slots__ = ("earliest", "latest", "text", "time")

    text: str
    earliest: date | None
    latest: date | None
    time: str | None

    def __init__(
        self, text: str, earliest: date | None, latest: date | None, time: str | None = None
    ) -> None:
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "earliest", earliest)
        object.__setattr__(self, "latest", latest)
        object.__setattr__(self, "time", time)

    @classmethod
    def parse(cls, text: str) -> "Edtf":
        """Read a date or an interval, in the grammar at the top of this module.

        Raises:
            InvalidDate: saying what is wrong with the text.

        """
        return _edtf(text)

    def served(self) -> dict[str, str | None]:
        """Return the date as the API shows it: the text and both bounds in ISO 8601."""
        return {
            "edtf": self.text,
            "earliest": None if self.earliest is None else self.earliest.isoformat(),
            "latest": None if self.latest is None else self.latest.isoformat(),
        }

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Edtf) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}.parse({self.text!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # Copies and pickles would otherwise set the attributes one by one.
        return type(self), (self.text, self.earliest, self.latest, self.time)


class Occurrence(Edtf):
    """When something happened: a date, or a moment, whose day is the one in its own offset."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Occurrence":
        """Read a date, an interval or a moment, in the grammar at the top of this module.

        Raises:
            InvalidDate: saying what is wrong with the text.

        """
        return _occurrence(text)


@lru_cache(maxsize=CACHED_DATES)
def _edtf(text: str) -> Edtf:
    _check_length(text)
    return Edtf(text, *_date_or_interval(text))


@lru_cache(maxsize=CACHED_DATES)
def _occurrence(text: str) -> Occurrence:
    _check_length(text)
    if "T" in text and "/" not in text:
        return Occurrence(text, *_moment(text))
    return Occurrence(text, *_date_or_interval(text))


def _check_length(text: str) -> None:
    if not text:
        raise InvalidDate(text, "is empty")
    if len(text) > MAX_LENGTH:
        raise InvalidDate(text, f"begins a text of more than {MAX_LENGTH} characters")


def _date_or_interval(text: str) -> Bounds:
    return _interval(text) if "/" in text else _date(text)


# --- intervals


def _interval(text: str) -> Bounds:
    start, end = _ends(text)
    earliest = _date(start)[0] if start else None
    latest = _date(end)[1] if end else None
    if earliest is None and latest is None:
        raise InvalidDate(text, "has no known end; write XXXX for a date that is not known")
    if earliest is not None and latest is not None and earliest > latest:
        raise InvalidDate(text, "ends before it starts")
    return earliest, latest


def _ends(text: str) -> tuple[str, str]:
    """Split an interval into its ends, an open one as the empty text."""
    start, _, end = text.partition("/")
    if "/" in end:
        raise InvalidDate(text, "has more than two ends; write a day as YYYY-MM-DD")
    return "" if start == ".." else start, "" if end == ".." else end


# --- dates

_DATE: Final = re.compile(r"([0-9X]{4})(?:-([0-9X]{2}))?(?:-([0-9X]{2}))?[?~%]?")

_YEARS_RUN: Final = "years run from 0001 to 9999"

_NEAR_MISSES: Final = (
    (re.compile(r"[0-9X-]+T[0-9]"), "has a time of day; only a date can stand here"),
    (re.compile(r"Y"), f"has a year in the Y form; {_YEARS_RUN}"),
    (re.compile(r"-[0-9]"), f"has a negative year; {_YEARS_RUN}"),
    (re.compile(r"[0-9]{5,}"), f"does not begin with a year of four digits; {_YEARS_RUN}"),
    (re.compile(r"[^?~%]+[?~%]{2}"), "has two qualifiers; % means both ? and ~"),
    (re.compile(r"[^?~%]+[?~%]."), "has a qualifier that is not at its end"),
)
_NO_DATE: Final = "is no date in EDTF; write YYYY, YYYY-MM, YYYY-MM-DD or an interval of these"

_NOT_KNOWN: Final = "XXXX"
_ALL_MONTHS: Final = range(1, 13)
_FEBRUARY: Final = range(2, 3)
_LEAP_YEAR: Final = 2000


def _date(text: str) -> Bounds:
    found = _DATE.fullmatch(text)
    if found is None:
        near = (reason for pattern, reason in _NEAR_MISSES if pattern.match(text))
        raise InvalidDate(text, next(near, _NO_DATE))
    year, month, day = found.groups()
    if year == _NOT_KNOWN:
        if month is not None:
            raise InvalidDate(text, "has a month but no digit of its year")
        return None, None
    years = _years(text, year)
    months = _ALL_MONTHS if month is None else _months(text, month)
    if day is None or day == "XX":
        last = monthrange(years[-1], months[-1])[1]
        return date(years[0], months[0], 1), date(years[-1], months[-1], last)
    return _one_day_of(text, years, months, _digits(text, "day", day))


def _years(text: str, year: str) -> range:
    if "X" in year.rstrip("X"):
        raise InvalidDate(text, "has an X before a digit of its year")
    first, last = int(year.replace("X", "0")), int(year.replace("X", "9"))
    if last == 0:
        raise InvalidDate(text, f"has the year 0000; {_YEARS_RUN}")
    return range(max(first, 1), last + 1)


def _months(text: str, month: str) -> range:
    if month == "XX":
        return _ALL_MONTHS
    number = _digits(text, "month", month)
    if number not in _ALL_MONTHS:
        raise InvalidDate(text, f"has the month {month}; months run from 01 to 12")
    return range(number, number + 1)


def _digits(text: str, name: str, value: str) -> int:
    if "X" in value:
        raise InvalidDate(text, f"has the {name} {value}; write two digits or XX")
    return int(value)


def _one_day_of(text: str, years: range, months: range, day: int) -> Bounds:
    """Return the first and the last of the years and months that have that day.

    Where the month is not known, these are January and December, which have every day.
    """
    longest = monthrange(_LEAP_YEAR, months[0])[1]
    fitting: Iterable[int] = years
    if months == _FEBRUARY and day == longest:
        fitting = [year for year in years if isleap(year)]
    elif not 1 <= day <= longest:
        fitting = ()
    if not fitting:
        raise InvalidDate(text, f"has the day {day:02}, which its month does not have")
    return date(min(fitting), months[0], day), date(max(fitting), months[-1], day)


# --- moments

_MOMENT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")
_ZONE: Final = re.compile(r"Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]")


def _moment(text: str) -> tuple[date | None, date | None, str]:
    """Return the bounds and the time of day of a moment, both in its own offset."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise InvalidDate(text, "is no moment; write YYYY-MM-DDTHH:MM:SS and Z or an offset")
    day, time, fraction, zone = found.groups(default="")
    if _TIME.fullmatch(time) is None:
        raise InvalidDate(text, f"has the time {time}; times run from 00:00:00 to 23:59:59")
    _check_zone(text, zone)
    return *_date(day), f"{time}.{fraction:0<6}"


def _check_zone(text: str, zone: str) -> None:
    if not zone:
        raise InvalidDate(text, "has a time without a zone; add Z or an offset such as -08:00")
    if zone == "-00:00":
        raise InvalidDate(text, "has the offset -00:00, which says that the zone is not known")
    if _ZONE.fullmatch(zone) is None:
        raise InvalidDate(text, f"has the offset {zone}; offsets run from -23:59 to +23:59")
