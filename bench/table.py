"""What is measured, as rows of a table: a figure, what it stands beside, and its target.

Owns interleaved rounds, medians, and how a row reads. Must not know what is measured.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, Self

import msgspec

ROUNDS: Final = 5
"""Of each contestant: a median of five is not moved by two that the machine disturbed."""

SMALL: Final = 100
"""Figures below it are printed with decimals."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured: `quick` takes minutes in all, `full` the sizes that the targets name."""

    full: bool = False
    kinds: tuple[str, ...] = ("postgresql", "sqlite")
    rounds: int = ROUNDS
    events: int = 10_000
    """Events that a part imports, exports or projects at most; `full` has its own."""

    seconds: float = 1.5
    """How long a contestant runs in one round."""

    timeout_s: float = 300.0
    """How long read models may take to come up to the log."""

    @classmethod
    def at_full(cls, kinds: tuple[str, ...], rounds: int) -> Self:
        """Return the scale of the targets; a million events at the slowest rate ever seen."""
        return cls(full=True, kinds=kinds, rounds=rounds, seconds=4.0, timeout_s=1_800.0)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a row should reach: a bound on its figure, or on the ratio to what it stands beside."""

    bound: float
    of: Literal["ratio", "value"] = "ratio"
    least: bool = True

    def met(self, row: "Row") -> bool | None:
        """Tell whether a row reaches it; None where the row has no such figure."""
        figure = row.ratio if self.of == "ratio" else row.value
        if figure is None:
            return None
        return figure >= self.bound if self.least else figure <= self.bound

    def __str__(self) -> str:
        sign = ">=" if self.least else "<="
        return f"{sign} {shown(self.bound)}{' x' if self.of == 'ratio' else ''}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement.

    Attributes:
        part: which part of the benchmark it belongs to.
        database: the kind of database; empty where there is none.
        what: what was done, and by whom.
        value: the median figure.
        unit: its unit.
        beside: what it stands beside, measured in the same rounds.
        beside_value: the median of that.
        targets: it is enough to reach one of them.
        stretch: what would be better still.
        note: what a reader has to know.

    """

    part: str
    database: str
    what: str
    value: float
    unit: str
    beside: str = ""
    beside_value: float | None = None
    targets: tuple[Target, ...] = ()
    stretch: Target | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure, by what it stands beside."""
        return self.value / self.beside_value if self.beside_value else None

    @property
    def verdict(self) -> str:
        """Whether a target is met, in a word or two."""
        beyond = self.stretch.met(self) if self.stretch else None
        if not self.targets:
            return {True: "stretch met", False: "stretch missed", None: ""}[beyond]
        found = [met for target in self.targets if (met := target.met(self)) is not None]
        if not found:
            return "not shown"
        if not any(found):
            return "MISSED"
        return "stretch met" if beyond else "met"


COLUMNS: Final = (
    *("part", "database", "what", "figure", "unit"),
    *("beside", "figure there", "ratio", "target", ""),
)


def rounds(
    contestants: Mapping[str, Callable[[], float]], count: int, *, warm: bool = True
) -> dict[str, float]:
    """Let contestants run in turns, so that what disturbs the machine disturbs all of them.

    Args:
        contestants: by name, what runs once and returns a figure.
        count: turns that count.
        warm: whether a turn comes before that does not.

    Returns:
        the median figure by contestant.

    """
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(count + warm):
        # Every other round backwards: nobody always runs after the same one.
        for name in list(contestants) if number % 2 else reversed(list(contestants)):
            figure = contestants[name]()
            if number >= warm:
                figures[name].append(figure)
    return {name: statistics.median(found) for name, found in figures.items()}


def shown(figure: float | None) -> str:
    """Return a figure in as many digits as it is worth."""
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= SMALL or figure == int(figure) else f"{figure:.2f}"


def cells(row: Row) -> tuple[str, ...]:
    """Return what a row shows in each column."""
    targets = " or ".join(str(target) for target in row.targets)
    stretch = f"stretch {row.stretch}" if row.stretch else ""
    note = f"{row.verdict} {row.note}".strip()
    return (
        *(row.part, row.database, row.what, shown(row.value), row.unit, row.beside),
        *(
            shown(row.beside_value),
            shown(row.ratio),
            "; ".join(filter(None, (targets, stretch))),
            note,
        ),
    )


def markdown(rows: Iterable[Row]) -> str:
    """Return rows as a table, aligned so that it also reads well on a terminal."""
    lines = [COLUMNS, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    written = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([written[0], rule, *written[1:]])
